//! The head as lines and fields: its grammar, its end, and the limits of its size.

use microws::handshake::{KnownField, ServerHandshake};
use microws::http::HeadError;
use microws::{Config, Event, HandshakeError, MIN_CAPACITY};
use microws_tests::buffer;
use microws_tests::handshake::Exchange;

use crate::{LINES, accepted, and, refused, serve, status_line};

/// The caller sees each field, Origin too, before it decides.
#[test]
fn the_caller_sees_everything_before_it_decides() {
    let outcome = serve(&and("Origin: http://example.com\r\nCookie:  a=b; c=\u{e9} \t\r\nX-Empty:"));
    assert_eq!(
        outcome.items,
        [
            "GET /chat",
            "Host: example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "Origin: http://example.com",
            "Cookie: a=b; c=\u{e9}",
            "X-Empty: ",
            "end",
        ]
    );
}

/// RFC 9110 section 5.1: names compare without case; 5.5: blanks around the value are none of it.
#[test]
fn names_have_no_case_and_values_no_blanks_around_them() {
    let request = "GET / HTTP/1.1\r\nhOST:h\r\nUPGRADE: \t websocket \t\r\nconnection:upgrade\r\n\
        SEC-WEBSOCKET-KEY:dGhlIHNhbXBsZSBub25jZQ== \r\nsec-websocket-version:\t13\r\n\r\n";
    assert_eq!(accepted(request), None);
}

/// The bytes after the head are the first frame.
#[test]
fn bytes_after_the_head_stay_in_rx() {
    let request = LINES.join("\r\n") + "\r\n\r\n";
    let input = [request.as_bytes(), b"\x81\x80\x01\x02\x03\x04\r\n\r\n"].concat();
    let outcome = Exchange::default().serve(&[], &input);
    assert_eq!(outcome.after, b"\x81\x80\x01\x02\x03\x04\r\n\r\n");
}

/// RFC 9112 sections 2.2, 5, 5.1, 5.2: what others might read otherwise is refused.
#[test]
fn a_head_that_could_be_read_otherwise_is_refused() {
    let all = LINES.join("\r\n");
    for (lines, error) in [
        ("X : a", HandshakeError::Head(HeadError::BadField)),
        (": a", HandshakeError::Head(HeadError::BadField)),
        ("no colon", HandshakeError::Head(HeadError::BadField)),
        ("(X): a", HandshakeError::Head(HeadError::BadField)),
        ("X\u{e4}: a", HandshakeError::Head(HeadError::BadField)),
        ("X: a\0b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\u{7f}b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\u{1b}b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\r\n b", HandshakeError::Head(HeadError::Folded)),
        ("X: a\r\n\tb: c", HandshakeError::Head(HeadError::Folded)),
        ("X: a\nY: b", HandshakeError::Head(HeadError::BadLineEnd)),
        ("X: a\rY: b", HandshakeError::Head(HeadError::BadLineEnd)),
        ("X: a\r\r\nY: b", HandshakeError::Head(HeadError::BadLineEnd)),
    ] {
        refused(&format!("{all}\r\n{lines}\r\n\r\n"), error, 400);
    }
    refused(&format!("{all}\n\n"), HandshakeError::Head(HeadError::BadLineEnd), 400);
    // "SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (2.2)
    assert_eq!(accepted(&format!("\r\n{all}\r\n\r\n")), None);
}

/// Before its end a head is neither accepted nor at fault.
#[test]
fn a_head_is_incomplete_until_its_last_byte() {
    let request = LINES.join("\r\n") + "\r\n\r\n";
    for cut in 0..request.len() {
        assert_eq!(serve(&request[..cut]).verdict, Err(HandshakeError::Incomplete), "{}", &request[..cut]);
    }
}

/// A line must fit into `rx` only if it matters.
#[test]
fn a_long_line_matters_only_if_its_field_does() {
    let exchange = || Exchange { rx: 256, ..Exchange::default() };
    let long = "v".repeat(400);
    for name in ["Cookie", "Sec-WebSocket-Extensions", "Origin", "Authorization", "Sec-WebSocket-Accept"] {
        let outcome = exchange().serve(&[], and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Ok(None));
        assert_eq!(outcome.items[6], format!("long {name}"));
    }
    for (name, field) in [
        ("Host", KnownField::Host),
        ("upgrade", KnownField::Upgrade),
        ("Connection", KnownField::Connection),
        ("Sec-WebSocket-Key", KnownField::Key),
        ("Sec-WebSocket-Version", KnownField::Version),
        ("Sec-WebSocket-Protocol", KnownField::Protocol),
        ("Content-Length", KnownField::ContentLength),
        ("Transfer-Encoding", KnownField::TransferEncoding),
    ] {
        let outcome = exchange().serve(&["chat"], and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Err(HandshakeError::FieldTooLong(field)));
        assert!(outcome.text().starts_with("HTTP/1.1 431 "));
        assert!(outcome.text().ends_with(&format!(": {}\n", field.name())), "{}", outcome.text());
    }
    let outcome = exchange().serve(&[], and(&long).as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::FieldTooLong)));
    let outcome = exchange().serve(&[], format!("GET /{long} HTTP/1.1\r\n").as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::StartLineTooLong)));
    assert!(outcome.text().starts_with(&status_line(414)));
}

/// The longest line that fits is exactly as long as `rx`.
#[test]
fn a_line_as_long_as_rx_fits() {
    for rx in [MIN_CAPACITY, 256] {
        let value = "v".repeat(rx - "Cookie: \r\n".len());
        let outcome =
            Exchange { rx, ..Exchange::default() }.serve(&[], and(&format!("Cookie: {value}")).as_bytes());
        assert_eq!(outcome.items[6], format!("Cookie: {value}"));
        let outcome =
            Exchange { rx, ..Exchange::default() }.serve(&[], and(&format!("Cookie: {value}v")).as_bytes());
        assert_eq!(outcome.items[6], "long Cookie");
        assert_eq!(outcome.verdict, Ok(None));
    }
}

/// The limits, met exactly and passed by one; what was skipped counts.
#[test]
fn heads_are_limited_in_bytes_and_fields() {
    for request in [and("X: y"), and(&format!("Cookie: {}", "v".repeat(1000)))] {
        let len = u32::try_from(request.len()).unwrap();
        for rx in [256, 4096] {
            let serve = |limits| {
                Exchange { rx, limits: Some(limits), ..Exchange::default() }.serve(&[], request.as_bytes())
            };
            assert_eq!(serve((len, 6)).verdict, Ok(None));
            assert_eq!(serve((len - 1, 6)).verdict, Err(HandshakeError::Head(HeadError::HeadTooLong)));
            let outcome = serve((len, 5));
            assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::TooManyFields)));
            assert!(outcome.text().starts_with("HTTP/1.1 431 "));
        }
    }
    // By default 16 KiB and 100 fields.
    let fields = |n: usize| and(vec!["X: y"; n - 5].join("\r\n").as_str());
    assert_eq!(serve(&fields(100)).verdict, Ok(None));
    refused(&fields(101), HandshakeError::Head(HeadError::TooManyFields), 431);
    let of = |len: usize| {
        let short = and("Cookie: ");
        short.replace("Cookie: ", &format!("Cookie: {}", "v".repeat(len - short.len())))
    };
    assert_eq!(serve(&of(16_384)).verdict, Ok(None));
    refused(&of(16_385), HandshakeError::Head(HeadError::HeadTooLong), 431);
}

/// Fields as lists and as text.
#[test]
fn a_field_is_a_list_or_text_to_whom_it_may_concern() {
    let mut rx = buffer(512);
    assert!(rx.push(b"GET / HTTP/1.1\r\nX-List: a, B ,,c\r\nY: \xff\r\n\r\n"));
    let config = Config::new();
    let mut handshake = ServerHandshake::new(&config);
    let _ = handshake.receive(&mut rx).unwrap();
    let Some(Event::Field(field)) = handshake.receive(&mut rx).unwrap() else { panic!("no field") };
    assert!(field.is("x-list") && !field.is("x-lis") && !field.is("x-list-more"));
    assert_eq!(field.text(), Some("a, B ,,c"));
    assert_eq!(field.elements().collect::<Vec<_>>(), [b"a", b"B", b"c"]);
    assert!(field.lists("b") && field.lists("A") && !field.lists("ab") && !field.lists(""));
    let Some(Event::Field(field)) = handshake.receive(&mut rx).unwrap() else { panic!("no field") };
    assert_eq!((field.text(), field.value()), (None, &b"\xff"[..]));
}
