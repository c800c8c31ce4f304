//! The examples that RFC 6455 prints, byte for byte.

use hex_literal::hex;
use microws::handshake::{ClientHandshake, ServerHandshake, accept_key};
use microws::{Buffer, Connection, MessageKind, Role};
use microws::{Config, Event};
use microws_tests::{Cuts, Drive, End, Seen, buffer};

const REQUEST: &[u8] = b"GET /chat HTTP/1.1\r\n\
    Host: server.example.com\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Origin: http://example.com\r\n\
    Sec-WebSocket-Protocol: chat, superchat\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Protocol: chat\r\n\r\n";

/// Section 1.2 and 1.3: the request is answered as printed.
#[test]
fn the_server_answers_the_printed_request_with_the_printed_response() {
    let (mut rx, mut tx) = (buffer(512), buffer(512));
    assert!(rx.push(REQUEST));
    let config = Config::new().subprotocols(&["chat"]);
    let mut handshake = ServerHandshake::new(&config);
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    handshake.check().unwrap();
    handshake.accept(&mut tx, &[]).unwrap();
    assert_eq!(tx.filled(), RESPONSE);
    assert!(rx.is_empty());
}

/// Section 1.2: the request has the fields printed, in whatever order; the response is accepted.
#[test]
fn the_client_sends_the_printed_request_and_takes_the_printed_response() {
    let (mut rx, mut tx) = (buffer(512), buffer(512));
    let config = Config::new()
        .request("server.example.com", "/chat")
        .origin("http://example.com")
        .subprotocols(&["chat", "superchat"]);
    // "if randomly selected, the value was the sequence of bytes 0x01 0x02 ... 0x10" is another
    // example of section 4.1; "the sample nonce" is what section 1.3's key says in base64.
    let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
    assert_eq!(handshake.send(&mut tx), Ok(true));
    let lines = |bytes: &[u8]| {
        let mut lines: Vec<String> =
            String::from_utf8(bytes.to_vec()).unwrap().split("\r\n").map(str::to_owned).collect();
        lines[1..].sort();
        lines
    };
    assert_eq!(lines(tx.filled()), lines(REQUEST));

    assert!(rx.push(RESPONSE));
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    assert_eq!(handshake.subprotocol(), Some("chat"));
    assert_eq!(handshake.check(), Ok(()));
    assert!(rx.is_empty());
}

/// Section 1.3 and 4.2.2.
#[test]
fn the_accept_value_is_as_printed() {
    assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/// Section 4.1: "if randomly selected, the value was the sequence of bytes 0x01 0x02 0x03 0x04
/// 0x05 0x06 0x07 0x08 0x09 0x0a 0x0b 0x0c 0x0d 0x0e 0x0f 0x10, the value of the header field
/// would be "AQIDBAUGBwgJCgsMDQ4PEC=="" (with its last digit as base64 has it: EA==).
#[test]
fn the_nonce_of_sixteen_counted_bytes_makes_the_key_in_base64() {
    let nonce = core::array::from_fn(|i| i as u8 + 1);
    let mut tx = buffer(512);
    ClientHandshake::new(&Config::new().request("h", "/"), nonce).send(&mut tx).unwrap();
    let head = std::str::from_utf8(tx.filled()).unwrap();
    assert!(head.contains("\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n"), "{head}");
}

/// A pair that was recorded from a browser.
#[test]
fn the_accept_value_is_as_recorded() {
    assert_eq!(&accept_key(b"sN9cRrP/n9NdMgdcy2VJFQ=="), b"fFBooB7FAkLlXgRSz0BT3v4hq5s=");
}

fn random(key: &mut [u8]) {
    key.copy_from_slice(&hex!("37 fa 21 3d"));
}

fn client() -> Connection<impl Role> {
    Connection::client(random)
}

fn written(write: impl FnOnce(&mut Buffer<'_>)) -> Vec<u8> {
    let mut tx = buffer(70_000);
    write(&mut tx);
    tx.filled().to_vec()
}

/// Section 5.7: "A single-frame unmasked text message".
#[test]
fn a_single_frame_unmasked_text_message() {
    let bytes = hex!("81 05 48 65 6c 6c 6f");
    let run = Drive::default().listen(&mut client(), &bytes);
    assert_eq!((run.events, run.end), (vec![Seen::text("Hello")], End::WantRead));
    assert_eq!(written(|tx| Connection::server().send_text(tx, "Hello").unwrap()), bytes);
}

/// Section 5.7: "A single-frame masked text message".
#[test]
fn a_single_frame_masked_text_message() {
    let bytes = hex!("81 85 37 fa 21 3d 7f 9f 4d 51 58");
    let run = Drive::default().listen(&mut Connection::server(), &bytes);
    assert_eq!((run.events, run.end), (vec![Seen::text("Hello")], End::WantRead));
    assert_eq!(written(|tx| client().send_text(tx, "Hello").unwrap()), bytes);
}

/// Section 5.7: "A fragmented unmasked text message".
#[test]
fn a_fragmented_unmasked_text_message() {
    let bytes = hex!("01 03 48 65 6c 80 02 6c 6f");
    let run = Drive::default().listen(&mut client(), &bytes);
    assert_eq!((run.events, run.end), (vec![Seen::text("Hello")], End::WantRead));
    let sent = written(|tx| {
        let mut server = Connection::server();
        server.send_fragment(tx, MessageKind::Text, b"Hel", false).unwrap();
        server.send_fragment(tx, MessageKind::Text, b"lo", true).unwrap();
    });
    assert_eq!(sent, bytes);
}

/// Section 5.7: "Unmasked Ping request and masked Ping response".
#[test]
fn an_unmasked_ping_request_and_a_masked_ping_response() {
    let ping = hex!("89 05 48 65 6c 6c 6f");
    let pong = hex!("8a 85 37 fa 21 3d 7f 9f 4d 51 58");
    let run = Drive::default().listen(&mut client(), &ping);
    assert_eq!((run.events, run.output), (vec![Seen::Ping(b"Hello".to_vec())], pong.to_vec()));
    assert_eq!(written(|tx| Connection::server().ping(tx, b"Hello").unwrap()), ping);
    let run = Drive::default().listen(&mut Connection::server(), &pong);
    assert_eq!((run.events, run.output), (vec![Seen::Pong(b"Hello".to_vec())], vec![]));
}

/// Section 5.7: "256 bytes binary message in a single unmasked frame".
#[test]
fn a_binary_message_of_256_bytes_in_a_single_unmasked_frame() {
    let payload = core::array::from_fn::<u8, 256, _>(|i| i as u8);
    let bytes = [&hex!("82 7e 01 00")[..], &payload].concat();
    let run = Drive::default().listen(&mut client(), &bytes);
    assert_eq!(run.events, [Seen::binary(&payload)]);
    assert_eq!(written(|tx| Connection::server().send_binary(tx, &payload).unwrap()), bytes);
}

/// Section 5.7: "64KiB binary message in a single unmasked frame".
#[test]
fn a_binary_message_of_64_kib_in_a_single_unmasked_frame() {
    let payload: Vec<u8> = (0..65_536u32).map(|i| (i * 7) as u8).collect();
    let bytes = [&hex!("82 7f 00 00 00 00 00 01 00 00")[..], &payload].concat();
    let run = Drive { reads: Cuts::Every(1000), ..Drive::default() }.listen(&mut client(), &bytes);
    assert_eq!(run.events, [Seen::binary(&payload)]);
    assert_eq!(written(|tx| Connection::server().send_binary(tx, &payload).unwrap()), bytes);
}
