//! The echo server as a process: arguments, log, signals, limits of the system.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use microws_tests::frames::{frame, header};
use microws_tests::process::{Echo, Signal, wait_until};
use microws_tests::raw::{KEY, REQUEST, Raw, close_payload};
use serde_json::Value;

/// Runs it with arguments that it must refuse: its one line.
#[track_caller]
fn fails(arguments: &[&str], status: i32, line: &[&str]) {
    let output = Echo::refused(arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{said}");
    for part in line {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
    // A refusal of the argument parser says below how to get help.
    assert!(status == 2 || said.lines().count() == 1, "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_port_in_use_is_one_clear_line_and_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&["--listen", &address], 1, &["cannot listen on", &address, "in use"]);
    fails(&["--listen", "127.0.0.1:0", "--listen", &address], 1, &["cannot listen on", &address]);
    fails(&["-qq", "--listen", &address], 1, &["cannot listen on"]);
}

#[test]
fn an_address_of_another_machine_is_one_clear_line_and_status_1() {
    // RFC 5737 keeps this one for examples.
    fails(&["--listen", "192.0.2.1:0"], 1, &["cannot listen on 192.0.2.1:0"]);
}

#[test]
fn wrong_arguments_are_told_and_status_2() {
    fails(&["--listen", "localhost"], 2, &["--listen", "localhost"]);
    fails(&["--listen", "127.0.0.1:65536"], 2, &["--listen"]);
    fails(&["--ping-interval", "-1"], 2, &["unexpected argument"]);
    fails(&["--ping-interval=-1"], 2, &["--ping-interval", "between 0 and"]);
    fails(&["--ping-interval", "NaN"], 2, &["--ping-interval"]);
    fails(&["--close-timeout", "soon"], 2, &["--close-timeout", "not a number"]);
    fails(&["--path", "echo"], 2, &["--path", "slash"]);
    fails(&["--log-format", "xml"], 2, &["--log-format", "json"]);
    fails(&["-q", "-v"], 2, &["cannot be used"]);
    fails(&["--no-such"], 2, &["--no-such"]);
}

#[test]
fn what_cannot_be_used_is_one_clear_line_and_status_1() {
    fails(&["--listen", "127.0.0.1:0", "--subprotocol", "two,words"], 1, &["two,words"]);
    fails(&["--listen", "127.0.0.1:0", "--subprotocol", ""], 1, &["subprotocol"]);
    let greeting = "x".repeat(64 * 1024 + 1);
    fails(&["--listen", "127.0.0.1:0", "--greeting", &greeting], 1, &["greeting"]);
}

#[test]
fn without_a_free_port_the_default_is_said_so() {
    // If this fails, another process has it: it is taken either way.
    let _taken = TcpListener::bind("127.0.0.1:1740");
    fails(&[], 1, &["cannot listen on 127.0.0.1:1740"]);
}

#[test]
fn it_listens_on_several_addresses_of_both_families() {
    let echo = Echo::start_on(&["127.0.0.1:0", "[::1]:0", "127.0.0.1:0"], &[]);
    assert_eq!(echo.addresses.len(), 3);
    assert!(echo.addresses[1].is_ipv6());
    for address in &echo.addresses {
        let mut client = Raw::connect(*address);
        client.upgrade();
        client.echo(b"hello");
    }
    echo.says("[::1]");
}

#[test]
fn both_families_can_listen_on_the_same_port() {
    let first = Echo::start_on(&["0.0.0.0:0"], &[]);
    let port = first.address().port();
    drop(first);
    let both = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
    let echo = Echo::start_on(&[&both[0], &both[1]], &["--ipv6-only"]);
    for host in ["127.0.0.1", "::1"] {
        let mut client = Raw::connect((host.parse::<std::net::IpAddr>().unwrap(), port).into());
        client.upgrade();
        client.echo(b"hello");
    }
    drop(echo);
}

#[test]
fn the_ipv6_wildcard_takes_ipv4_as_well() {
    let echo = Echo::start_on(&["[::]:0"], &[]);
    let mut client = Raw::connect(([127, 0, 0, 1], echo.address().port()).into());
    client.upgrade();
    let who = client.stream.local_addr().unwrap();
    echo.says(&format!("{who} connected"));
}

#[test]
fn a_host_name_is_all_of_its_addresses() {
    let echo = Echo::start_on(&["localhost:0"], &[]);
    assert!(echo.address().ip().is_loopback());
    echo.open().echo(b"hello");
    fails(&["--listen", "no.such.host.invalid:1"], 2, &["--listen", "no.such.host.invalid"]);
}

#[test]
fn arguments_can_come_from_the_environment() {
    let variables = [
        ("MICROWS_LISTEN", "127.0.0.1:0 127.0.0.1:0"),
        ("MICROWS_GREETING", "hello, you"),
        ("MICROWS_VERBOSE", "1"),
    ];
    let echo = Echo::start_in(&variables, 2);
    let mut client = echo.open();
    assert_eq!(client.frame().payload, b"hello, you");
    client.echo(b"x");
    echo.says("received: binary");
    let help = Echo::refused(&["--help"]);
    let text = String::from_utf8(help.stdout).unwrap();
    for variable in ["MICROWS_LISTEN", "MICROWS_BACKLOG_TOTAL", "MICROWS_QUIET", "MICROWS_LOG_FORMAT"] {
        assert!(text.contains(variable), "{text}");
    }
}

#[test]
fn several_processes_share_a_port_if_told_so() {
    let first = Echo::start(&["--reuse-port"]);
    let address = first.address().to_string();
    let second = Echo::start_on(&[&address], &["--reuse-port"]);
    let mut clients: Vec<Raw> = (0..64).map(|_| first.open()).collect();
    clients.iter_mut().for_each(|client| client.echo(b"hello"));
    let of = |echo: &Echo| echo.lines().iter().filter(|line| line.contains("connected: ")).count();
    wait_until("all are logged", || (of(&first) + of(&second) == 64).then_some(()));
    assert!(of(&first) > 0 && of(&second) > 0, "{} and {}", of(&first), of(&second));
    fails(&["--listen", &address], 1, &["in use"]);
}

#[test]
fn it_tells_who_comes_what_is_said_and_how_it_ends() {
    let echo = Echo::start(&["-v"]);
    let mut client = echo.tcp();
    let who = client.stream.local_addr().unwrap();
    let (head, _) = REQUEST.split_at(REQUEST.len() - 2);
    let fields = b"Origin: https://example.org\r\nSec-WebSocket-Protocol: echo-protocol\r\n\r\n";
    let request = [head, fields].concat();
    client
        .send(&String::from_utf8(request).unwrap().replace("GET / ", "GET /chat?token=secret ").into_bytes());
    client.accepted();
    client.send_frame(0x81, b"hello");
    client.frame();
    client.send_frame(0x02, b"frag");
    client.send_frame(0x80, b"ments");
    assert_eq!(client.try_message().unwrap().1, b"fragments");
    client.send_frame(0x88, &close_payload(1000, "bye"));
    client.closed();
    let connected =
        format!("{who} connected: path /chat?..., origin https://example.org, subprotocol echo-protocol");
    assert_eq!(echo.says("connected: path"), connected);
    assert_eq!(echo.says("text"), format!("{who} received: text, 5 bytes"));
    assert_eq!(echo.says("binary"), format!("{who} received: binary, 9 bytes"));
    let disconnected = format!("{who} disconnected: 1000 (normal closure) \"bye\", 2 messages, 14 bytes");
    assert_eq!(echo.says("disconnected"), disconnected);
    assert!(!echo.lines().join("\n").contains("secret"));
}

#[test]
fn messages_are_told_only_if_asked_for() {
    let echo = Echo::start(&[]);
    let quiet = Echo::start(&["-q"]);
    for echo in [&echo, &quiet] {
        let mut client = echo.open();
        client.echo(b"hello");
        client.send_frame(0x88, b"");
        client.closed();
    }
    echo.says("disconnected: 1005");
    assert!(!echo.lines().join("\n").contains("received"));
    quiet.signal(Signal::USR1);
    quiet.says("status: ");
    assert_eq!(quiet.lines().len(), 2, "{:?}", quiet.lines());
}

#[test]
fn nothing_that_a_client_says_makes_a_line_of_its_own() {
    let echo = Echo::start(&["-vv"]);
    let json = Echo::start(&["-vv", "--log-format", "json"]);
    for echo in [&echo, &json] {
        let mut client = echo.tcp();
        let (head, _) = REQUEST.split_at(REQUEST.len() - 2);
        let origin = b"Origin: \x1b[2J\"}\xff\xc2\x85\t\\\r\n\r\n";
        client.send(&[head, origin.as_slice()].concat());
        // An escape is no character of a value.
        assert_eq!(client.answer().unwrap().status, 400);

        let mut client = echo.tcp();
        let origin = b"Origin: \"}\xff\xc2\x85\xe2\x80\xae\t\\n{}\r\n\r\n";
        client.send(&[head, origin.as_slice()].concat());
        client.accepted();
        client.send_frame(0x89, b"\n");
        client.frame();
        client.send_frame(0x88, &close_payload(4000, "a\r\n1.2.3.4:5 connected\u{1b}[31m\u{202e}\"\u{0}"));
        client.closed();
        echo.says("disconnected: 4000");
    }
    for line in echo.lines() {
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
        assert!(!line.starts_with("1.2.3.4"));
    }
    for line in json.lines() {
        let entry: Value = serde_json::from_str(&line).unwrap();
        let text = entry["message"].as_str().unwrap();
        assert!(!text.chars().any(char::is_control), "{line}");
        assert!(matches!(entry["level"].as_str(), Some("info" | "debug" | "trace")), "{line}");
        assert!(entry["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        assert_eq!(entry.as_object().unwrap().len(), 3);
    }
}

#[test]
fn a_signal_tells_every_client_and_ends_with_status_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut echo = Echo::start(&[]);
        let mut clients: Vec<Raw> = (0..50).map(|_| echo.open()).collect();
        // One in the middle of a message, one of its request, one that asked for the page and stays.
        clients[0].send(&header(0x02, KEY, 100));
        clients[0].send(b"amid");
        clients[1].echo(b"all of it was read");
        let mut opening = echo.tcp();
        opening.send(&REQUEST[..20]);
        echo.signal(signal);
        echo.says("stopping");
        for client in &mut clients {
            let close = client.frame();
            assert_eq!((close.b0, close.payload), (0x88, close_payload(1001, "the server stops")));
        }
        assert!(TcpStream::connect(echo.address()).is_err(), "it still accepts");
        // An unmasked rest would be refused; a client ends its message, or not, and answers.
        clients[0].send(&[0; 96]);
        for client in &mut clients {
            client.send_frame(0x88, &close_payload(1001, ""));
            assert_eq!(client.rest().unwrap(), b"");
        }
        assert_eq!(echo.end().code(), Some(0));
        echo.says("stopped, 0 clients did not answer");
    }
}

#[test]
fn clients_that_do_not_answer_hold_up_the_end_for_the_close_timeout_only() {
    let mut echo = Echo::start(&["--close-timeout", "0.5"]);
    let mut silent = echo.open();
    let mut unread = Raw::connect_narrow(echo.address());
    unread.upgrade();
    stuff(&mut unread);
    let mut answering = echo.open();
    let asked = Instant::now();
    echo.signal(Signal::TERM);
    assert_eq!(answering.frame().b0, 0x88);
    answering.send_frame(0x88, b"");
    assert_eq!(answering.rest().unwrap(), b"");
    assert_eq!(echo.end().code(), Some(0));
    let took = asked.elapsed();
    assert!(took > Duration::from_millis(450) && took < Duration::from_secs(3), "{took:?}");
    assert_eq!(silent.frame().payload, close_payload(1001, "the server stops"));
}

/// Sends to a server until it takes no more, and reads nothing.
fn stuff(client: &mut Raw) {
    client.set_timeout(Duration::from_millis(300));
    while client.try_send(&frame(0x82, KEY, &[0; 10_000])).is_ok() {}
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut echo = Echo::start(&["--close-timeout", "0"]);
    let mut silent = echo.open();
    echo.signal(Signal::TERM);
    assert_eq!(silent.frame().b0, 0x88);
    assert!(echo.is_alive(), "it waits for its client");
    echo.signal(Signal::INT);
    assert_eq!(echo.end().code(), Some(0));
    echo.says("stopped at once, 1 clients");
}

#[test]
fn without_clients_a_signal_ends_it_at_once() {
    let mut echo = Echo::start(&["--close-timeout", "0"]);
    echo.signal(Signal::TERM);
    assert_eq!(echo.end().code(), Some(0));
}

#[test]
fn sigusr1_logs_the_status() {
    let echo = Echo::start(&["--max-connections", "2"]);
    let mut client = echo.open();
    client.echo(b"hello");
    client.echo(&[0; 1000]);
    let mut bad = echo.tcp();
    bad.send(b"nonsense\r\n\r\n");
    bad.answer().unwrap();
    drop(bad);
    let mut fault = echo.open();
    fault.send(b"\xff\xff");
    assert_eq!(fault.closed().0, 1002);
    drop(fault);
    // Asked again until the last one is gone for the server as well.
    let line = wait_until("one connection is left", || {
        echo.signal(Signal::USR1);
        let line = echo.says("status: ");
        let last = echo.lines().into_iter().rfind(|line| line.starts_with("status: ")).unwrap_or(line);
        last.starts_with("status: 1 connections").then_some(last)
    });
    for part in
        ["1 connections of 3 accepted", "2 messages", "1005 bytes", "1 protocol errors", "1 bad requests"]
    {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
    assert!(line.contains("longest turn"));
}

#[test]
fn the_status_is_logged_at_an_interval_if_asked_for() {
    let echo = Echo::start(&["--stats", "0.1"]);
    echo.nth_line(3, |line| line.starts_with("status: 0 connections"));
}

#[test]
fn idle_it_uses_no_processor_time() {
    let echo = Echo::start(&[]);
    let mut clients: Vec<Raw> = (0..100).map(|_| echo.open()).collect();
    // Half of them have ended their direction, or left a frame unfinished.
    clients[..50].iter_mut().for_each(|client| client.send(&[0x82]));
    let before = echo.processor_time();
    std::thread::sleep(Duration::from_secs(1));
    let used = echo.processor_time() - before;
    assert!(used <= Duration::from_millis(50), "{used:?}");
}

#[test]
fn out_of_files_it_goes_on_and_accepts_again_when_one_is_free() {
    let mut echo = Echo::start(&[]);
    echo.limit_files(40);
    // The kernel connects all, the server can't take all yet; they come in their order.
    let mut waiting: Vec<Raw> = (0..60).map(|_| echo.tcp()).collect();
    waiting.iter_mut().for_each(|client| client.send(REQUEST));
    let began = Instant::now();
    let line = echo.says("cannot accept more than ");
    assert!(line.contains("Too many open files"), "{line}");
    let number = line.split(' ').find_map(|word| word.parse::<usize>().ok());
    let mut clients: Vec<Raw> = waiting.drain(..number.expect("a number")).collect();
    assert!(clients.len() > 20);
    for client in &mut clients {
        client.accepted();
        client.echo(b"served");
    }
    echo.nth_line(3, |line| line.contains("cannot accept"));
    assert!(began.elapsed() > Duration::from_millis(1900), "said more than once a second");
    let used = echo.processor_time();
    for client in waiting.iter_mut().take(20) {
        drop(clients.pop());
        client.accepted();
        client.echo(b"served now");
    }
    let used = echo.processor_time() - used;
    assert!(used < Duration::from_millis(500), "{used:?} while it waited for files");
    drop(clients);
    drop(waiting);
    echo.open().echo(b"all is well");
    assert!(echo.is_alive());
}

/// A health checker does so every second.
#[test]
fn a_client_that_is_gone_before_it_is_open_is_no_news() {
    let echo = Echo::start(&[]);
    for bytes in [&b""[..], &REQUEST[..30]] {
        let mut client = echo.tcp();
        client.send(bytes);
        client.reset();
        let mut client = echo.tcp();
        client.send(bytes);
        client.finish();
        drop(client);
        echo.open().echo(b"others are served");
    }
    assert_eq!(
        echo.lines().iter().filter(|line| line.contains("before it")).count(),
        0,
        "{:?}",
        echo.lines()
    );
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let mut echo = Echo::start(&["-v", "--close-timeout", "0.2"]);
    let mut client = echo.open();
    let thousand: Vec<u8> = (0..1000).flat_map(|_| frame(0x81, KEY, b"x")).collect();
    // A line for each, beyond what a pipe and the server hold.
    let mut flood = || {
        for _ in 0..25 {
            client.send(&thousand);
            for _ in 0..1000 {
                assert_eq!(client.frame().payload, b"x");
            }
        }
    };
    let unread = echo.hold_log();
    flood();
    drop(unread);
    // It is reported as soon as there is room for a line.
    let mut other = echo.open();
    wait_until("the loss is reported", || {
        other.echo(b"x");
        echo.lines().iter().any(|line| line.contains(" lines of the log were lost")).then_some(())
    });
    let unread = echo.hold_log();
    flood();
    echo.signal(Signal::TERM);
    assert!(echo.end().success());
    drop(unread);
}
