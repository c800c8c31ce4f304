//! The echo server's deadlines, with short values.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use microws_tests::frames::{Frame, frame};
use microws_tests::process::{Echo, Signal, wait_until};
use microws_tests::raw::{KEY, REQUEST, Raw, close_payload};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Sends until the server takes no more, and reads nothing.
fn stuff(client: &mut Raw) {
    client.set_timeout(Duration::from_millis(200));
    while client.try_send(&frame(0x82, KEY, &[0; 10_000])).is_ok() {}
    client.set_timeout(microws_tests::process::TIMEOUT);
}

fn ping() -> Frame {
    Frame { b0: 0x89, key: None, payload: Vec::new() }
}

#[test]
fn a_silent_client_is_pinged_and_stays_while_it_answers() {
    let echo = Echo::start(&["--ping-interval", "0.1", "--ping-timeout", "0.5"]);
    let mut client = echo.open();
    let opened = Instant::now();
    assert_eq!(client.frame(), ping());
    assert!(opened.elapsed() >= Duration::from_millis(95), "{:?}", opened.elapsed());
    for _ in 0..8 {
        client.send_frame(0x8a, b"");
        assert_eq!(client.frame(), ping());
    }
    client.send_frame(0x8a, b"");
    client.echo(b"still here");
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let echo = Echo::start(&["--ping-interval", "0.3", "--ping-timeout", "0.3"]);
    let mut client = echo.open();
    let opened = Instant::now();
    while opened.elapsed() < Duration::from_millis(900) {
        client.send_frame(0x81, b"x");
        // Nothing but echoes: no ping was due.
        assert_eq!(client.frame().payload, b"x");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_client_that_answers_no_ping_is_told_and_dropped() {
    let echo = Echo::start(&["--ping-interval", "0.1", "--ping-timeout", "0.2"]);
    let mut client = echo.open();
    assert_eq!(client.frame(), ping());
    assert_eq!(client.closed(), (1011, "no answer to a ping".into()));
    echo.says("disconnected: no sign of life after a ping");
    echo.signal(Signal::USR1);
    assert!(echo.says("status: ").contains("1 pings overdue"));
}

#[test]
fn pings_can_be_turned_off() {
    let echo = Echo::start(&["--ping-interval", "0", "--ping-timeout", "0.1"]);
    let mut client = echo.open();
    client.set_timeout(Duration::from_millis(500));
    assert_eq!(client.try_frame().unwrap_err().kind(), ErrorKind::WouldBlock);
    client.echo(b"still here");
}

#[test]
fn without_a_ping_timeout_pings_go_on() {
    let echo = Echo::start(&["--ping-interval", "0.1", "--ping-timeout", "0"]);
    let mut client = echo.open();
    for _ in 0..4 {
        assert_eq!(client.frame(), ping());
    }
}

#[test]
fn a_client_that_leaves_its_replies_unread_is_dropped() {
    let echo = Echo::start(&["--write-timeout", "0.3"]);
    let mut client = Raw::connect_narrow(echo.address());
    client.upgrade();
    stuff(&mut client);
    echo.says("disconnected: the replies were not read");
    echo.open().echo(b"others are served");
}

#[test]
fn a_slow_reader_is_no_absent_one() {
    let echo = Echo::start(&["--write-timeout", "0.5", "--ping-interval", "0.2", "--ping-timeout", "0.2"]);
    let mut client = Raw::connect_narrow(echo.address());
    client.upgrade();
    let message = vec![3; 400_000];
    let mut stream = client.stream.try_clone().unwrap();
    let bytes = frame(0x82, KEY, &message);
    let writing = thread::spawn(move || {
        for _ in 0..6 {
            std::io::Write::write_all(&mut stream, &bytes).unwrap();
        }
    });
    for n in 0..6 {
        thread::sleep(Duration::from_millis(150));
        assert!(client.try_message().unwrap() == (2, message.clone()), "message {n}");
    }
    writing.join().unwrap();
}

#[test]
fn a_client_that_was_slow_is_pinged_afterwards_as_before() {
    for write_timeout in ["0", "30"] {
        let arguments = ["--write-timeout", write_timeout, "--ping-interval", "0.4", "--ping-timeout", "0.4"];
        let echo = Echo::start(&arguments);
        let mut client = Raw::connect_narrow(echo.address());
        client.upgrade();
        stuff(&mut client);
        // Longer than any other deadline: it is known to be slow, and not to be silent.
        thread::sleep(Duration::from_millis(1000));
        while client.frame() != ping() {}
        assert_eq!(client.closed(), (1011, "no answer to a ping".into()));
    }
}

#[test]
fn a_client_that_does_not_close_is_dropped() {
    let echo = Echo::start(&["--close-timeout", "0.3"]);
    let mut client = echo.open();
    client.send(b"\xff\xff");
    let failed = Instant::now();
    // It reads its close frame and the end, and stays.
    assert_eq!(client.closed().0, 1002);
    echo.says("failed: 1002");
    let files = echo.open_files();
    wait_until("the server lets go", || (echo.open_files() < files).then_some(()));
    assert!(failed.elapsed() > Duration::from_millis(250), "{:?}", failed.elapsed());
}

#[test]
fn a_client_that_fails_and_goes_on_talking_is_dropped() {
    let echo = Echo::start(&["--close-timeout", "0.3"]);
    let mut client = echo.open();
    client.send(b"\xff\xff");
    let failed = Instant::now();
    while client.try_send(&[0xff; 100_000]).is_ok() {
        assert!(failed.elapsed() < Duration::from_secs(10), "it is still listened to");
    }
    echo.open().echo(b"others are served");
}

#[test]
fn a_client_that_vanishes_amid_the_handshake_is_forgotten() {
    let echo = Echo::start(&["--handshake-timeout", "0.2", "--close-timeout", "0.2"]);
    let files = echo.open_files();
    let silent: Vec<Raw> = (0..20).map(|_| echo.tcp()).collect();
    wait_until("they are accepted", || (echo.open_files() >= files + 20).then_some(()));
    wait_until("they are dropped", || (echo.open_files() == files).then_some(()));
    drop(silent);
}

#[test]
fn deadlines_of_zero_are_none() {
    let zero = ["handshake-timeout", "ping-interval", "ping-timeout", "close-timeout", "write-timeout"]
        .map(|name| format!("--{name}=0"));
    let mut echo = Echo::start(&zero.each_ref().map(String::as_str));
    let mut opening = echo.tcp();
    let mut failed = echo.open();
    failed.send(b"\xff\xff");
    assert_eq!(failed.closed().0, 1002);
    let mut unread = Raw::connect_narrow(echo.address());
    unread.upgrade();
    stuff(&mut unread);
    let files = echo.open_files();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(echo.open_files(), files);
    opening.upgrade();
    opening.echo(b"late");
    echo.signal(Signal::TERM);
    assert_eq!(opening.frame().payload, close_payload(1001, "the server stops"));
    opening.send_frame(0x88, b"");
    opening.rest().unwrap();
    drop(failed);
    drop(unread);
    assert_eq!(echo.end().code(), Some(0));
}

/// A laptop sleeps, a debugger stops at a line, a container is paused: what the clients sent meanwhile waits in the
/// sockets, of more clients than the loop gets events for at once.
#[test]
fn nobody_is_ended_for_a_time_in_which_the_server_stood_still() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let echo =
        Echo::start(&["--ping-interval", "2", "--ping-timeout", "3", "--handshake-timeout", "3", "-q"]);
    let mut clients: Vec<Raw> = (0..1100).map(|_| echo.open()).collect();
    for client in &mut clients {
        assert_eq!(client.frame(), ping());
    }
    let mut early = echo.tcp();
    echo.signal(Signal::STOP);
    for client in &mut clients {
        client.send_frame(0x8a, b"");
    }
    early.send(REQUEST);
    // Longer than any of the deadlines.
    thread::sleep(Duration::from_secs(4));
    echo.signal(Signal::CONT);
    echo.says("the process stood still for ");
    early.accepted();
    for client in &mut clients {
        client.send_frame(0x81, b"here");
        while client.frame() != (Frame { b0: 0x81, key: None, payload: b"here".into() }) {}
    }
}
