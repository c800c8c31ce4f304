//! What the echo server does wrong when it is asked to.

use std::io::ErrorKind;
use std::time::Duration;

use hex_literal::hex;
use microws::CloseCode;
use microws_tests::frames::Frame;
use microws_tests::process::Echo;
use microws_tests::raw::{REQUEST, Raw, close_payload};
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
        ("reserved-bit", hex!("c1 05 48656c6c6f").into(), Some(1002)),
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
        assert!(include_str!("../README.md").contains(&format!("`{name}`")), "{name}");
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
    client.patience(Duration::from_millis(500));
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
