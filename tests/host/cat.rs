//! `microws-cat` against the echo server: URLs, input, output, exit statuses, faults, signals, measurements.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use microws_tests::cat::{Cat, Ended};
use microws_tests::process::{Echo, Signal};

/// The URL of a server, with `rest` after host and port.
fn url(echo: &Echo, rest: &str) -> String {
    format!("ws://{}{rest}", echo.address())
}

#[track_caller]
fn ended(ended: &Ended, status: i32, note: &str) {
    assert_eq!(ended.status, Some(status), "{ended:?}");
    assert!(ended.err.contains(note), "{note:?} is not in {ended:?}");
}

/// A file that is gone when the test ends.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("microws-cat-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Bytes that are no text and repeat nowhere soon.
fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..)).collect()
}

#[test]
fn every_legal_form_of_a_url_reaches_the_server() {
    let echo = Echo::start_on(&["127.0.0.1:0", "[::1]:0", "localhost:0"], &["-v"]);
    let [v4, v6, name] = [0, 1, 2].map(|i| echo.addresses[i].port());
    for (url, path) in [
        (format!("ws://127.0.0.1:{v4}"), "/"),
        (format!("WS://127.0.0.1:{v4}/"), "/"),
        (format!("ws://127.0.0.1:{v4}?room=7"), "/?"),
        (format!("ws://[::1]:{v6}/v6"), "/v6"),
        (format!("ws://localhost:{name}/name"), "/name"),
        (format!("ws://127.0.0.1:{v4}/a%20b/%23"), "/a%20b/%23"),
        (format!("ws://127.0.0.1:{v4}/ü x"), "/%C3%BC%20x"),
    ] {
        let run = Cat::run(&[&url], b"hello\n");
        ended(&run, 0, "connected");
        assert_eq!(run.text(), "hello\n", "{url}");
        echo.line(|line| {
            line.split_once("connected: path ").is_some_and(|(_, rest)| {
                rest == path
                    || rest.starts_with(&format!("{path},"))
                    || (path == "/?" && rest.starts_with(path))
            })
        });
    }
}

#[test]
fn wrong_arguments_are_told_in_words_and_status_2() {
    let url = "ws://127.0.0.1:1/";
    for (arguments, words) in [
        (&["wss:127.0.0.1:1"][..], "begins with ws://"),
        (&["http://127.0.0.1:1/"], "begins with ws://"),
        (&["ws://me:secret@127.0.0.1:1/"], "Authorization"),
        (&["ws://127.0.0.1:1/#top"], "fragment"),
        (&[], "required"),
        (&[url, "--header", "none"], "Name: value"),
        (&[url, "--header", "Sec-WebSocket-Key: x"], "opening handshake"),
        (&[url, "--close", "1005"], "must not be sent"),
        (&[url, "--rtt", "0"], "--rtt"),
        (&[url, "--rtt", "1", "--file", "x"], "cannot be used"),
        (&[url, "--timeout", "soon"], "seconds"),
    ] {
        ended(&Cat::run(arguments, b""), 2, words);
    }
    let echo = Echo::start(&[]);
    ended(&Cat::run(&[&self::url(&echo, "/"), "-s", "two words"], b""), 2, "can't be sent");
    ended(&Cat::run(&[&self::url(&echo, "/"), "-H", "Host: a b"], b""), 2, "can't be sent");
}

#[test]
fn without_a_server_the_status_is_3() {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    ended(
        &Cat::run(&[&format!("ws://{free}/")], b""),
        3,
        &format!("can't connect to {free}: Connection refused"),
    );
    ended(&Cat::run(&["ws://no.such.host.invalid/"], b""), 3, "no address for no.such.host.invalid");
}

#[test]
fn an_opening_handshake_that_fails_is_status_4() {
    let echo = Echo::start(&["--origin", "https://example.org", "--subprotocol", "chat"]);
    let there = url(&echo, "/");
    ended(&Cat::run(&[&there], b""), 4, "status 403");
    let run = Cat::run(&[&there, "--origin", "https://example.org", "-s", "other", "-s", "chat"], b"");
    ended(&run, 0, "connected, subprotocol chat");
    ended(&Cat::run(&[&there, "-v"], b""), 4, "Content-Length: ");
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let there = format!("ws://{}/", silent.local_addr().unwrap());
    ended(&Cat::run(&[&there, "--timeout", "0.2"], b""), 4, "took too long");
}

#[test]
fn each_fault_of_the_server_gets_its_verdict() {
    let echo = Echo::start(&[]);
    let broken = |name, words, section| {
        (format!("illegal={name}"), 6, format!("broke the protocol: {words} (RFC 6455 section {section})"))
    };
    let length = "a payload length in more bytes than it needs";
    let faults = [
        ("close=4001&reason=why".to_owned(), 5, "closed: 4001 (private use) why".to_owned()),
        ("close=1000".to_owned(), 0, "closed: 1000 (normal closure)".to_owned()),
        ("close=1011".to_owned(), 5, "closed with 1011 (internal error)".to_owned()),
        ("reset".to_owned(), 7, "lost without a close frame: Connection reset by peer".to_owned()),
        ("silence".to_owned(), 8, "no answer to the close frame".to_owned()),
        ("refuse=503".to_owned(), 4, "status 503".to_owned()),
        ("interim".to_owned(), 0, "connected".to_owned()),
        ("wrong-accept".to_owned(), 4, "Sec-WebSocket-Accept does not belong to the key".to_owned()),
        ("fragments=1".to_owned(), 0, "closed: 1000".to_owned()),
        ("pace=2".to_owned(), 0, "closed: 1000".to_owned()),
        ("ping=1".to_owned(), 0, "closed: 1000".to_owned()),
        ("close-unanswered".to_owned(), 8, "no answer to the close frame".to_owned()),
        ("subprotocol=soap".to_owned(), 4, "a subprotocol that was not offered".to_owned()),
        broken("masked", "a masked frame from a server", "5.1"),
        broken("reserved-bit", "a reserved bit is set, but no extension was negotiated", "5.2"),
        broken("reserved-opcode", "the reserved opcode 0x3", "5.2"),
        broken("reserved-control", "the reserved opcode 0xb", "5.2"),
        broken("long-control", "a control frame of more than 125 bytes", "5.5"),
        broken("fragmented-control", "a fragmented control frame", "5.5"),
        broken("length-16", length, "5.2"),
        broken("length-64", length, "5.2"),
        broken("length-top-bit", "a payload length of 2^63 bytes or more", "5.2"),
        broken("continuation", "a continuation frame, but no message is under way", "5.4"),
        broken("interleaved", "a new message before the one under way was finished", "5.4"),
        broken("text", "text that is not valid UTF-8", "8.1"),
        broken("text-cut", "text that is not valid UTF-8", "8.1"),
        broken("close-1005", "the close code 1005, which must not be sent", "7.4"),
        broken("close-999", "the close code 999, which must not be sent", "7.4"),
        broken("close-one-byte", "a close frame with half a close code", "5.5.1"),
        broken("close-text", "text that is not valid UTF-8", "8.1"),
        (
            "illegal=after-close".to_owned(),
            6,
            "bytes after its close frame (RFC 6455 section 5.5.1)".to_owned(),
        ),
    ];
    for after in ["", "&after=1"] {
        for (query, status, words) in &faults {
            let there = url(&echo, &format!("/?{query}{after}"));
            let began = Instant::now();
            let timeout = if *status == 8 { "0.5" } else { "20" };
            let run = Cat::run(&[&there, "--timeout", timeout], b"hello\n");
            ended(&run, *status, words);
            // It is said at once, not when a deadline has passed.
            let took = began.elapsed();
            assert!(took < Duration::from_secs(10), "{query}: {took:?}");
            if !(after.is_empty() || *status == 4) {
                assert!(run.out.starts_with(b"hello\n"), "{query}: {run:?}");
            }
        }
    }
    // None of the table is missing.
    let table = include_str!("../../host/README.md").split("| `illegal=NAME` |").nth(1).unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with("| `"));
    for name in rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)) {
        assert!(faults.iter().any(|(query, ..)| *query == format!("illegal={name}")), "{name}");
    }
}

#[test]
fn a_server_that_does_not_answer_a_ping_or_a_round_trip_is_silent() {
    let echo = Echo::start(&[]);
    let there = url(&echo, "/?silence");
    ended(&Cat::run(&[&there, "--timeout", "0.3", "--ping"], b""), 8, "no pong within 300ms");
    ended(&Cat::run(&[&there, "--timeout", "0.3", "--rtt", "5"], b""), 8, "no echo within 300ms");
    let mut kept = Cat::start(&[&there, "--timeout", "0.2", "--ping-interval", "0.2"]);
    ended(&kept.wait(), 8, "no sign of life after a ping");
}

#[test]
fn lines_are_messages_and_the_close_code_is_the_users() {
    let echo = Echo::start(&["-v"]);
    let run = Cat::run(&[&url(&echo, "/"), "--ping", "--close", "4000:bye"], "one\n\ntwo ü".as_bytes());
    ended(&run, 0, "closed: 4000 (private use) bye");
    assert_eq!(run.text(), "one\n\ntwo ü\n");
    let pong = run.err.split_once("pong after ").unwrap().1.split_once(" ms").unwrap().0;
    assert!(pong.parse::<f64>().unwrap() > 0.0, "{pong}");
    echo.says("disconnected: 4000 (private use) \"bye\", 3 messages");
}

#[test]
fn a_line_of_10_mib_passes_through() {
    let echo = Echo::start(&["-v"]);
    let line = "ü".repeat(5 * 1024 * 1024);
    let run = Cat::run(&[&url(&echo, "/"), "-q"], line.as_bytes());
    ended(&run, 0, "");
    assert!(run.out.strip_suffix(b"\n") == Some(line.as_bytes()), "{} bytes", run.out.len());
    echo.says("received: text, 10485760 bytes");
}

#[test]
fn binary_input_is_one_message_or_several_of_a_size() {
    let echo = Echo::start(&["-v"]);
    let bytes = noise(300_000);
    let run = Cat::run(&[&url(&echo, "/"), "--binary"], &bytes);
    ended(&run, 0, "closed: 1000");
    assert!(run.out == bytes);
    echo.says("received: binary, 300000 bytes");
    let run = Cat::run(&[&url(&echo, "/"), "--binary=100001"], &bytes);
    assert!(run.out == bytes);
    echo.says("received: binary, 100001 bytes");
    echo.says("received: binary, 99998 bytes");
    let run = Cat::run(&[&url(&echo, "/")], b"good\nb\xffad\n");
    ended(&run, 1, "standard input is no UTF-8 text");
    echo.says("disconnected: 1001");
}

#[test]
fn files_are_one_message_each() {
    let echo = Echo::start(&["-v"]);
    let content = noise(2_000_000);
    let (binary, empty) = (Temporary::new("binary", &content), Temporary::new("empty", b""));
    let run =
        Cat::run(&[&url(&echo, "/"), "-b", "--file", empty.path(), "--file", binary.path()], b"not this");
    ended(&run, 0, "closed: 1000");
    assert!(run.out == content);
    echo.says("received: binary, 0 bytes");
    echo.says("received: binary, 2000000 bytes");
    let text = Temporary::new("text", b"two\nlines\n");
    assert_eq!(Cat::run(&[&url(&echo, "/"), "-f", text.path()], b"").text(), "two\nlines\n\n");
    ended(&Cat::run(&[&url(&echo, "/"), "-f", binary.path()], b""), 1, "is no UTF-8 text");
    ended(&Cat::run(&[&url(&echo, "/"), "-f", "no-such-file"], b""), 1, "no-such-file: No such file");
}

#[test]
fn ctrl_c_sends_a_close_frame_and_a_second_one_ends_it_at_once() {
    let echo = Echo::start(&[]);
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut cat = Cat::start(&[&url(&echo, "/")]);
        cat.notes("connected");
        cat.signal(signal);
        ended(&cat.wait(), 0, "closed: 1001 (going away)");
        let mut cat = Cat::start(&[&url(&echo, "/?silence"), "--timeout", "0"]);
        cat.notes("connected");
        cat.signal(signal);
        cat.notes("closing");
        cat.signal(signal);
        assert_eq!(cat.wait().status, Some(status));
    }
    echo.says("disconnected: 1001");
}

#[test]
fn it_stays_open_after_its_input_if_told_so() {
    let echo = Echo::start(&["--greeting", "welcome"]);
    let mut cat = Cat::start(&[&url(&echo, "/"), "--stay"]);
    cat.type_in(b"last words\n");
    cat.says("welcome\nlast words\n");
    cat.signal(Signal::INT);
    ended(&cat.end(), 0, "closed: 1001");
}

#[test]
fn round_trips_are_measured_as_ping_does() {
    let echo = Echo::start(&["--greeting", "no echo"]);
    for arguments in [
        &["--rtt", "200"][..],
        &["--rtt", "3", "--size", "200000", "--binary"],
        &["--rtt", "2", "--size", "0"],
    ] {
        let there = url(&echo, "/");
        let run = Cat::run(&[&[&*there][..], arguments].concat(), b"");
        ended(&run, 0, "closed: 1000");
        let n = arguments[1];
        let first = run.text().lines().next().unwrap();
        assert!(first.starts_with(&format!("{n} of {n} round trips of ")), "{first}");
        assert!(first.ends_with("1 messages were no echo"), "{first}");
        let line = run.text().lines().find_map(|line| line.strip_prefix("rtt min/avg/max/mdev = ")).unwrap();
        let numbers = line.strip_suffix(" ms").unwrap().split('/').map(|number| number.parse().unwrap());
        let [min, mean, max, _] = numbers.collect::<Vec<f64>>()[..] else { panic!("{line}") };
        assert!(0.0 < min && min <= mean && mean <= max, "{line}");
        let percentiles: Vec<f64> = run
            .text()
            .lines()
            .filter_map(|line| line.split_once("% ")?.1.strip_suffix(" ms")?.parse().ok())
            .collect();
        assert!(percentiles.len() == 4 && percentiles.is_sorted(), "{percentiles:?}");
        assert!(min <= percentiles[0] && percentiles[3] <= max, "{percentiles:?}");
    }
    let run = Cat::run(&[&url(&echo, "/?close=1000&after=2"), "--rtt", "5"], b"");
    ended(&run, 5, "before all round trips were done");
    assert!(run.text().starts_with("2 of 5 "), "{run:?}");
}

#[test]
fn what_the_server_sends_reaches_no_terminal_with_control_characters() {
    let echo = Echo::start(&[]);
    let there = url(&echo, "/?close=4000&after=2&reason=%1b%5B31mred%0Aline%C2%9B");
    let mut cat = Cat::on_terminal(&[&there], &[]);
    cat.type_in(b"a\x1b[2Jb\rc\xc2\x9b\nsecond\n");
    let run = cat.wait();
    ended(&run, 5, "4000 (private use) \\u{1b}[31mred\\nline\\u{9b}");
    assert!(run.text().contains("a\\u{1b}[2Jb\\rc\\u{9b}\r\n"), "{run:?}");
    // The colours are ours.
    assert!(run.text().contains("\u{1b}[32m<\u{1b}[0m second"), "{run:?}");
    assert!(run.err.contains("\u{1b}[2mconnected\u{1b}[0m"), "{run:?}");
    let mut cat = Cat::on_terminal(&[&there], &[("NO_COLOR", "1")]);
    cat.type_in(b"a\x1b[2J\nsecond\n");
    let run = cat.wait();
    assert!(!run.text().contains('\u{1b}') && !run.err.contains('\u{1b}'), "{run:?}");
    let mut cat = Cat::on_terminal(&[&url(&echo, "/"), "-b"], &[]);
    cat.type_in(b"\x00\x1b");
    let run = cat.end();
    assert!(run.text().contains("00 1b (binary, 2 bytes)\r\n"), "{run:?}");
}

#[test]
fn a_pipe_gets_no_colours_and_no_progress_bar() {
    let echo = Echo::start(&[]);
    for arguments in [&["--rtt", "50"][..], &["--ping", "-v"]] {
        let there = url(&echo, "/?close=4000&reason=%1b%5B31m");
        for there in [there, url(&echo, "/")] {
            let run = Cat::run(&[&[&*there][..], arguments].concat(), b"hello\n");
            assert!(!run.text().contains('\u{1b}') && !run.err.contains(['\u{1b}', '\r']), "{run:?}");
        }
    }
    let terminal = Cat::on_terminal(&[&url(&echo, "/"), "--rtt", "50"], &[]).end();
    assert!(terminal.err.contains("/50"), "{terminal:?}");
}

#[test]
fn an_output_that_nobody_reads_is_no_panic() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let echo = Echo::start(&[]);
    let file = Temporary::new("full", b"hello");
    let run = Cat::run_into(&[&url(&echo, "/"), "-f", file.path()], full.into());
    ended(&run, 1, "standard output: ");
}

#[test]
fn messages_are_compressed_both_ways_if_the_server_agrees() {
    let echo = Echo::start(&["--deflate", "takeover"]);
    let text = "a line of a log, which repeats what the one before says. ".repeat(1000);
    let file = Temporary::new("log", text.as_bytes());
    let url = url(&echo, "/");
    let came = Cat::run(&[&url, "--compress", "--file", file.path(), "--file", file.path()], b"");
    ended(&came, 0, "connected, permessage-deflate, window 2^15 out, 2^15 in, kept");
    assert_eq!(came.text(), format!("{text}\n{text}\n"));
    echo.signal(Signal::USR1);
    let status = echo.says(" bytes inflated to ");
    let numbers: Vec<usize> = status.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let at = numbers.iter().position(|n| *n == 2 * text.len()).unwrap();
    // Messages' bytes come first in the line; then what was inflated, and deflated again.
    let [wire, inflated, deflated, back] = numbers[at + 1..][..4] else { panic!("{status}") };
    assert_eq!([inflated, deflated], [2 * text.len(); 2], "{status}");
    assert!(wire < text.len() / 4 && back < text.len() / 4, "{status}");

    // Declined, and not offered.
    let plain = Echo::start(&["--deflate", "off"]);
    for arguments in [&["--compress"][..], &[]] {
        let url = self::url(if arguments.is_empty() { &echo } else { &plain }, "/");
        let came = Cat::run(&[&[&*url][..], arguments].concat(), b"Hello\n");
        ended(&came, 0, "connected\n");
        assert_eq!(came.text(), "Hello\n");
    }
}
