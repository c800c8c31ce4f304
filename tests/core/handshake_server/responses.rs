//! What the server sends: 101, responses to plain requests, refusals.

use microws::handshake::{ServerHandshake, reject};
use microws::http::respond;
use microws::{Config, Event, Fields, HandshakeError, MIN_CAPACITY, SendError};
use microws_tests::buffer;

use crate::{LINES, STATUS_LINES, and, refused, serve, status_line};

/// 4.2.2: the status line and the three fields, and nothing about what was not asked for.
#[test]
fn the_least_request_gets_the_least_answer() {
    let outcome = serve(&(LINES.join("\r\n") + "\r\n\r\n"));
    assert_eq!(
        outcome.text(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    assert_eq!(outcome.output.len(), 129);
    assert_eq!(outcome.items.len(), 7);
}

/// A plain request can be answered as one.
#[test]
fn a_plain_request_is_the_callers_to_answer() {
    let outcome = refused("GET /page HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::NoUpgrade, 426);
    assert_eq!(outcome.items, ["GET /page", "Host: h", "end"]);
    let mut tx = buffer(256);
    respond(&mut tx, 200, &[("Content-Type", "text/plain")], "hello").unwrap();
    assert_eq!(
        tx.filled(),
        [
            status_line(200).as_bytes(),
            b"Connection: close\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
        ]
        .concat()
    );
    for (status, _) in STATUS_LINES {
        let mut tx = buffer(256);
        respond(&mut tx, status, &[], "").unwrap();
        let text = std::str::from_utf8(tx.filled()).unwrap();
        assert_eq!(text, status_line(status) + "Connection: close\r\nContent-Length: 0\r\n\r\n");
    }
    // RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
    let mut tx = buffer(256);
    respond(&mut tx, 426, &[("Upgrade", "websocket")], &"x".repeat(100)).unwrap();
    let text = std::str::from_utf8(tx.filled()).unwrap();
    assert!(
        text.contains("\r\nConnection: close, Upgrade\r\nContent-Length: 100\r\nUpgrade: websocket\r\n\r\nx")
    );
}

/// Whole or nothing: an answer that does not fit changes nothing.
#[test]
fn an_answer_that_does_not_fit_changes_nothing() {
    let mut tx = buffer(139);
    assert!(tx.push(b"before"));
    assert_eq!(respond(&mut tx, 200, &[], &"x".repeat(100)), Err(SendError::BufferFull));
    assert_eq!(tx.filled(), b"before");

    let mut rx = buffer(512);
    assert!(rx.push(and("Sec-WebSocket-Protocol: chat").as_bytes()));
    let config = Config::new().subprotocols(&["chat"]);
    let mut handshake = ServerHandshake::new(&config);
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    handshake.check().unwrap();
    assert_eq!(handshake.subprotocol(), Some("chat"));
    let needed = 129 + "Sec-WebSocket-Protocol: chat\r\n".len();
    let mut tx = buffer(needed);
    assert!(tx.push(b"x"));
    assert_eq!(handshake.accept(&mut tx, &[]).err(), Some(SendError::BufferFull));
    assert_eq!(tx.filled(), b"x");
    tx.consume(1);
    assert!(handshake.accept(&mut tx, &[]).is_ok());
    assert_eq!((tx.len(), tx.free()), (needed, 0));
}

/// A refusal fits into the smallest buffer, its reason where there is room.
#[test]
fn every_refusal_fits_into_the_smallest_buffer() {
    for error in microws_tests::errors::handshake_errors() {
        let mut tx = buffer(MIN_CAPACITY);
        assert_eq!(reject(&mut tx, error), Ok(()), "{error:?}");
        let mut large = buffer(512);
        reject(&mut large, error).unwrap();
        let text = std::str::from_utf8(large.filled()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", error.status())), "{head}");
        assert!(
            head.contains(&format!("\r\nContent-Length: {}\r\n", body.len()))
                || head.ends_with(&format!("\r\nContent-Length: {}", body.len())),
            "{text}"
        );
        assert!(body.ends_with('\n') && body.len() > 10, "{text}");
        let mut full = buffer(MIN_CAPACITY);
        assert!(full.push(&[0; 100]));
        assert_eq!(reject(&mut full, error), Err(SendError::BufferFull));
        assert_eq!(full.len(), 100);
    }
}

/// What the caller adds can't end a line or begin another, nor say twice what we say.
#[test]
fn fields_that_would_break_the_head_are_refused() {
    let mut rx = buffer(512);
    assert!(rx.push((LINES.join("\r\n") + "\r\n\r\n").as_bytes()));
    let config = Config::new();
    let mut handshake = ServerHandshake::new(&config);
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    handshake.check().unwrap();
    let mut tx = buffer(512);
    for field in [
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "\0"),
        ("X: a\r\nY", "b"),
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X", "\u{7f}"),
    ] {
        let fields: &Fields<'_> = &[("Ok", "fine"), field];
        assert_eq!(handshake.accept(&mut tx, fields).err(), Some(SendError::InvalidField), "{field:?}");
        assert_eq!(respond(&mut tx, 200, fields, ""), Err(SendError::InvalidField), "{field:?}");
    }
    for name in [
        "Upgrade",
        "connection",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        assert_eq!(handshake.accept(&mut tx, &[(name, "x")]).err(), Some(SendError::InvalidField), "{name}");
    }
    assert!(tx.is_empty());
    assert!(handshake.accept(&mut tx, &[("X-One", "1"), ("Set-Cookie", "a=\u{e9}\tb")]).is_ok());
    assert!(tx.filled().ends_with("\r\nX-One: 1\r\nSet-Cookie: a=\u{e9}\tb\r\n\r\n".as_bytes()));
}
