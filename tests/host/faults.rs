//! What the echo server does wrong when it is asked to.

use std::io::{ErrorKind, Write};
use std::time::{Duration, Instant};

use hex_literal::hex;
use microws::CloseCode;
use microws_tests::frames::{Frame, frame};
use microws_tests::process::Echo;
use microws_tests::raw::{KEY, REQUEST, Raw, close_payload};
use microws_tests::{ClientSide, Drive, End, Side};

fn request_for(query: &str) -> Vec<u8> {
    String::from_utf8(REQUEST.to_vec())
        .unwrap()
        .replacen("GET / ", &format!("GET /?{query} "), 1)
        .into_bytes()
}

/// A connection that asked for `query`.
fn open(echo: &Echo, query: &str) -> Raw {
    let mut client = echo.tcp();
    client.send(&request_for(query));
    client.accepted();
    client
}

/// Name, bytes, and the code with which a strict client fails the connection; none if it just closes, or waits.
fn illegal() -> Vec<(&'static str, Vec<u8>, Option<u16>)> {
    let ping = [&hex!("89 7e 00 7e")[..], &[0; 126]].concat();
    vec![
        ("masked", hex!("81 85 01020304 4967 6f68 6e").into(), Some(1002)),
        ("reserved-bit", hex!("a1 05 48656c6c6f").into(), Some(1002)),
        ("reserved-opcode", hex!("83 05 48656c6c6f").into(), Some(1002)),
        ("reserved-control", hex!("8b 00").into(), Some(1002)),
        ("long-control", ping, Some(1002)),
        ("fragmented-control", hex!("09 00").into(), Some(1002)),
        ("length-16", hex!("82 7e 0005 48656c6c6f").into(), Some(1002)),
        ("length-64", hex!("82 7f 0000000000000005 48656c6c6f").into(), Some(1002)),
        ("length-top-bit", hex!("82 7f 8000000000000000").into(), Some(1002)),
        ("continuation", hex!("80 05 48656c6c6f").into(), Some(1002)),
        ("interleaved", hex!("01 03 48656c 81 02 6c6f").into(), Some(1002)),
        ("text", hex!("81 02 c328").into(), Some(1007)),
        ("text-cut", hex!("81 01 c3").into(), Some(1007)),
        ("close-1005", hex!("88 02 03ed").into(), Some(1002)),
        ("close-999", hex!("88 02 03e7").into(), Some(1002)),
        ("close-one-byte", hex!("88 01 03").into(), Some(1002)),
        ("close-text", hex!("88 04 03e8 c328").into(), Some(1007)),
        // Nothing after a close frame is looked at.
        ("after-close", hex!("88 02 03e8 81 05 48656c6c6f").into(), None),
    ]
}

#[test]
fn illegal_bytes_come_when_they_are_due_and_our_client_is_strict_about_them() {
    let echo = Echo::start(&[]);
    for (name, bytes, code) in illegal() {
        let mut client = open(&echo, &format!("illegal={name}&after=2"));
        client.echo(b"one");
        client.echo(b"two");
        assert_eq!(client.bytes(bytes.len()), bytes, "{name}");
        let run = Drive::default().listen(&mut ClientSide::open(), &bytes);
        match code {
            Some(code) => {
                let End::Failed(error) = run.end else { panic!("{name}: {:?}", run.end) };
                assert_eq!(error.close_code(), CloseCode(code), "{name}");
            }
            None => assert_eq!(run.end, End::Closed, "{name}"),
        }
        // The README lists it.
        assert!(include_str!("../../host/README.md").contains(&format!("`{name}`")), "{name}");
    }
    echo.says("gets the fault that it asked for");
}

#[test]
fn a_close_frame_comes_when_it_is_due() {
    let echo = Echo::start(&[]);
    assert_eq!(open(&echo, "close=4001").closed(), (4001, String::new()));
    let mut client = open(&echo, "token=x&close=1001&reason=go+away&after=1");
    client.echo(b"one");
    assert_eq!(client.closed(), (1001, "go away".into()));
}

#[test]
fn a_reset_is_one() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "reset&after=1");
    client.echo(b"one");
    assert_eq!(client.try_frame().unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn silence_answers_nothing_not_even_a_close_frame() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "silence&after=1");
    client.echo(b"one");
    client.send_frame(0x81, b"two");
    client.send_frame(0x89, b"");
    client.send_frame(0x88, &close_payload(1000, ""));
    client.set_timeout(Duration::from_millis(500));
    assert_eq!(client.try_frame().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn an_echo_comes_in_fragments() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "fragments=2");
    client.send_frame(0x81, b"Hello");
    for (b0, payload) in [(0x01, "He"), (0x00, "ll"), (0x80, "o")] {
        assert_eq!(client.frame(), Frame { b0, key: None, payload: payload.into() });
    }
    client.send_frame(0x82, b"");
    assert_eq!(client.frame(), Frame { b0: 0x82, key: None, payload: Vec::new() });
}

#[test]
fn an_echo_comes_late_but_whole_and_in_order() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "delay=300&after=2&close=4001");
    let start = Instant::now();
    let frame = frame(0x82, KEY, &[7; 40_000]);
    let (front, back) = frame.split_at(20_000);
    client.send(front);
    // It is read before the rest comes.
    echo.open().echo(b"another");
    client.send(back);
    client.send_frame(0x81, b"two");
    client.send_frame(0x89, b"not late");
    assert_eq!(client.frame(), Frame { b0: 0x8a, key: None, payload: b"not late".to_vec() });
    assert_eq!(client.frame(), Frame { b0: 0x82, key: None, payload: vec![7; 40_000] });
    assert!(start.elapsed() >= Duration::from_millis(290), "{:?}", start.elapsed());
    assert_eq!(client.frame(), Frame { b0: 0x81, key: None, payload: b"two".to_vec() });
    // What comes after the second echo comes after it is sent.
    assert_eq!(client.closed().0, 4001);
    // Both waited at the same time, so that the last is late once, not twice.
    let mut client = open(&echo, "delay=50&fragments=2");
    client.send_frame(0x81, b"Hello");
    client.send_frame(0x81, b"");
    for (b0, payload) in [(0x01, "He"), (0x00, "ll"), (0x80, "o"), (0x81, "")] {
        assert_eq!(client.frame(), Frame { b0, key: None, payload: payload.into() });
    }
}

#[test]
fn late_echoes_of_any_size_and_number_all_come() {
    let echo = Echo::start(&["--backlog-total", "3000000"]);
    let mut client = open(&echo, "delay=20");
    let mut stream = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        for n in 0..300u32 {
            stream.write_all(&frame(0x82, KEY, &n.to_be_bytes())).unwrap();
        }
        stream.write_all(&frame(0x82, KEY, &vec![9; 4 << 20])).unwrap();
    });
    for n in 0..300u32 {
        assert_eq!(client.try_message().unwrap(), (2, n.to_be_bytes().to_vec()));
    }
    assert!(client.try_message().unwrap() == (2, vec![9; 4 << 20]));
    sending.join().unwrap();
    // Its memory is given back: others are kept waiting as long as it is lent.
    open(&echo, "delay=60000").send_frame(0x82, &[1; 60_000]);
    open(&echo, "delay=1").echo(b"late");
}

#[test]
fn an_echo_comes_byte_by_byte_at_a_pace() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "pace=20");
    let start = Instant::now();
    client.echo(b"Hello");
    // Two bytes of the header, and five.
    assert!(start.elapsed() >= Duration::from_millis(7 * 20 - 10), "{:?}", start.elapsed());
    client.send_frame(0x88, &close_payload(1000, ""));
    assert_eq!(client.closed().0, 1000);
}

#[test]
fn pings_come_at_an_interval() {
    let echo = Echo::start(&[]);
    let mut client = open(&echo, "ping=30");
    let start = Instant::now();
    for _ in 0..3 {
        assert_eq!(client.frame(), Frame { b0: 0x89, key: None, payload: b"as you asked".to_vec() });
    }
    assert!(start.elapsed() >= Duration::from_millis(80), "{:?}", start.elapsed());
    client.send_frame(0x81, b"and echoes");
    while client.frame().payload != b"and echoes" {}
}

#[test]
fn a_close_frame_is_not_answered_and_all_else_is() {
    let echo = Echo::start(&["--close-timeout", "0.5"]);
    let mut client = open(&echo, "close-unanswered");
    let close = frame(0x88, KEY, &close_payload(1000, ""));
    client.send(&[frame(0x81, KEY, b"one"), frame(0x89, KEY, b"?"), close].concat());
    assert_eq!(client.frame(), Frame { b0: 0x81, key: None, payload: b"one".to_vec() });
    assert_eq!(client.frame(), Frame { b0: 0x8a, key: None, payload: b"?".to_vec() });
    // Not even the end of the stream comes until the server has waited long enough.
    assert_eq!(client.rest().unwrap(), b"");
}

#[test]
fn a_subprotocol_can_be_agreed_to_that_was_not_offered() {
    let echo = Echo::start(&[]);
    let mut client = echo.tcp();
    client.send(&request_for("subprotocol=soap"));
    let answer = client.accepted();
    assert_eq!(answer.field("Sec-WebSocket-Protocol"), Some("soap"));
    client.echo(b"one");
}

#[test]
fn the_answer_to_the_request_can_be_at_fault() {
    let echo = Echo::start(&[]);
    let mut client = echo.tcp();
    client.send(&request_for("refuse=503"));
    assert_eq!(client.answer().unwrap().status, 503);
    echo.says("refused: 503, as it asked");
    let mut client = echo.tcp();
    client.send(&request_for("wrong-accept"));
    let answer = client.head().unwrap();
    assert_eq!(
        (answer.status, answer.field("Sec-WebSocket-Accept")),
        (101, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="))
    );
    let mut client = echo.tcp();
    client.send(&request_for("interim"));
    assert_eq!(client.head().unwrap().status, 103);
    client.accepted();
    client.echo(b"one");
}

#[test]
fn what_can_not_be_asked_for_is_told_and_all_can_be_switched_off() {
    let echo = Echo::start(&[]);
    for (query, word) in
        [("illegal=all", "masked"), ("close=1005", "can't be sent"), ("refuse=x", "from 200")]
    {
        let mut client = echo.tcp();
        client.send(&request_for(query));
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(word), "{answer:?}");
    }
    echo.says("refused: 400, no such fault");
    let sober = Echo::start(&["--no-faults"]);
    open(&sober, "close=4001&illegal=all").echo(b"one");
}
