//! How connections with TLS end, and those that never begin.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use microws_tests::frames::{frame, frames};
use microws_tests::process::{Echo, Signal, TIMEOUT};
use microws_tests::raw::KEY;
use rustls::ALL_VERSIONS;

use super::Folder;
use super::client::{Client, config};

fn start(arguments: &[&str]) -> (Echo, Arc<rustls::ClientConfig>, Folder) {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&[&["--tls", "--tls-save", &saved], arguments].concat());
    let config = Arc::new(config(&saved, ALL_VERSIONS));
    (echo, config, folder)
}

#[test]
fn after_the_close_frames_the_server_says_close_notify() {
    let (echo, config, _folder) = start(&[]);
    let mut client = Client::open(&echo, &config);
    client.send(&frame(0x88, KEY, &[0x03, 0xe8])).unwrap();
    // `rest` fails unless close_notify comes.
    assert_eq!(client.rest().unwrap(), [0x88, 0x02, 0x03, 0xe8]);
    echo.says("disconnected: 1000");
}

#[test]
fn an_end_without_close_notify_is_an_ending_without_a_close_frame() {
    let (echo, config, _folder) = start(&[]);
    let mut client = Client::open(&echo, &config);
    client.echo(b"and then nothing");
    client.cut_off();
    echo.says("disconnected: 1006 (no close frame), 1 messages");
    assert_eq!(client.rest().unwrap(), b"", "its own end is told in order");
}

#[test]
fn close_notify_without_a_close_frame_is_one_as_well() {
    let (echo, config, _folder) = start(&[]);
    let mut client = Client::open(&echo, &config);
    client.tls.send_close_notify();
    client.flush().unwrap();
    echo.says("disconnected: 1006 (no close frame)");
    assert_eq!(client.rest().unwrap(), b"");
}

#[test]
fn a_message_before_close_notify_is_still_echoed() {
    let (echo, config, _folder) = start(&[]);
    let mut client = Client::open(&echo, &config);
    client.tls.writer().write_all(&frame(0x81, KEY, b"last words")).unwrap();
    client.tls.send_close_notify();
    client.flush().unwrap();
    let came = frames(&client.rest().unwrap());
    assert_eq!(came[0].payload, b"last words");
}

#[test]
fn a_server_that_stops_says_so_to_clients_with_tls() {
    let (echo, config, _folder) = start(&[]);
    let mut client = Client::open(&echo, &config);
    echo.signal(Signal::TERM);
    let close = client.bytes(2 + 2 + "the server stops".len()).unwrap();
    assert_eq!(close[..4], [0x88, 18, 0x03, 0xe9]);
    client.send(&frame(0x88, KEY, &[0x03, 0xe9])).unwrap();
    client.rest().unwrap();
}

#[test]
fn a_client_over_the_limit_gets_503_after_its_handshake() {
    let (echo, config, _folder) = start(&["--max-connections", "1"]);
    let mut first = Client::open(&echo, &config);
    let mut second = Client::new(&echo, &config, "localhost");
    let answer = String::from_utf8(second.rest().unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let mut plain = echo.tcp();
    plain.send(b"G");
    assert_eq!(plain.answer().unwrap().status, 503);
    first.echo(b"undisturbed");
}

#[test]
fn a_handshake_that_stalls_is_ended_at_its_deadline() {
    let (echo, config, _folder) = start(&["--handshake-timeout", "0.3", "--close-timeout", "0.2"]);
    let mut hello = Vec::new();
    Client::new(&echo, &config, "localhost").tls.write_tls(&mut hello).unwrap();
    for bytes in [&hello[..1], &hello[..40], &hello[..hello.len() - 1], &hello] {
        let mut tcp = TcpStream::connect(echo.address()).unwrap();
        tcp.set_read_timeout(Some(TIMEOUT)).unwrap();
        let started = Instant::now();
        tcp.write_all(bytes).unwrap();
        // What the handshake has said, and then the end, in order or by a reset.
        let _ = tcp.read_to_end(&mut Vec::new());
        assert!(started.elapsed() >= Duration::from_millis(300));
    }
    echo.nth_line(4, |line| {
        line.contains("disconnected before it was open: the handshake of TLS took too long")
    });
}

#[test]
fn what_is_no_tls_gets_an_alert_and_a_line_in_the_log() {
    let (echo, ..) = start(&[]);
    // RFC 8446 section 6: an alert is of type 21, two bytes long, fatal; 50 is decode_error.
    let alert = &[21, 3, 3, 0, 2, 2, 50][..];
    for (bytes, came, said) in [
        // An empty ClientHello, a record that is too long, and one without content.
        (&b"\x16\x03\x01\x00\x04\x01\x00\x00\x00"[..], alert, "MissingData"),
        (b"\x16\x03\x01\xff\xff", alert, "MessageTooLarge"),
        (b"\x16\x03\x01\x00\x00", alert, "InvalidEmptyPayload"),
        // A message of 6 MiB is announced. The library has no alert for that.
        (b"\x16\x03\x01\x00\x05hello", b"", "HandshakePayloadTooLarge"),
    ] {
        let mut tcp = TcpStream::connect(echo.address()).unwrap();
        tcp.set_read_timeout(Some(TIMEOUT)).unwrap();
        tcp.write_all(bytes).unwrap();
        let mut all = Vec::new();
        tcp.read_to_end(&mut all).unwrap();
        assert_eq!(all, came, "{bytes:02x?}");
        echo.says(&format!("disconnected before it was open: TLS: received corrupt message of type {said}"));
    }
    echo.open().echo(b"others are not disturbed");
    let mut client = echo.tcp();
    client.send(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    let metrics = client.answer().unwrap().body;
    assert!(metrics.contains("microws_refused_total{reason=\"tls\"} 4"), "{metrics}");
}

#[test]
fn with_tls_only_a_plain_request_is_told_where_to_go() {
    let (echo, config, _folder) = start(&["--tls-only"]);
    let name = echo.address().to_string();
    for request in [
        format!("GET /chat HTTP/1.1\r\nHost: {name}\r\n\r\n"),
        format!(
            "GET /chat HTTP/1.1\r\nHost: {name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ),
    ] {
        let mut client = echo.tcp();
        client.send(request.as_bytes());
        let answer = client.answer().unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(&format!("https://{name}/chat")), "{}", answer.body);
    }
    echo.nth_line(2, |line| line.contains("refused: 400, it came without TLS"));
    Client::open(&echo, &config).echo(b"with TLS");
    assert!(!echo.lines().iter().any(|line| line.contains("listening on ws://")));
}
