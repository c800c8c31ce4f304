//! The client's side of the opening handshake, RFC 6455 section 4.1.

use microws::handshake::{ClientHandshake, KnownField};
use microws::http::HeadError;
use microws::{Config, Event, HandshakeError, MIN_CAPACITY, SendError};
use microws_tests::buffer;
use microws_tests::handshake::{Exchange, Outcome};

const LINES: [&str; 4] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
];

/// The response with line number `at` replaced, or left out if `line` is empty.
fn with(at: usize, line: &str) -> String {
    let mut lines = LINES.to_vec();
    if line.is_empty() {
        lines.remove(at);
    } else {
        lines[at] = line;
    }
    lines.join("\r\n") + "\r\n\r\n"
}

fn and(more: &str) -> String {
    LINES.join("\r\n") + "\r\n" + more + "\r\n\r\n"
}

fn connect(response: &str) -> Outcome {
    let config = Config::new().request("example.com", "/room?id=7").subprotocols(&["chat", "superchat"]);
    Exchange::default().connect(config, response.as_bytes())
}

fn refused(response: &str, error: HandshakeError) {
    assert_eq!(connect(response).verdict, Err(error), "{response}");
}

/// 4.1, items 1 to 10: what a request must have, and no more.
#[test]
fn the_least_request_has_what_it_must() {
    let mut tx = buffer(512);
    let config = Config::new().request("example.com:1740", "/room?id=7");
    let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
    assert_eq!(handshake.send(&mut tx), Ok(true));
    assert_eq!(
        std::str::from_utf8(tx.filled()).unwrap(),
        "GET /room?id=7 HTTP/1.1\r\nHost: example.com:1740\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // Once it is written, it is written.
    let len = tx.len();
    for _ in 0..3 {
        assert_eq!(handshake.send(&mut tx), Ok(true));
        assert_eq!(tx.len(), len);
    }
}

/// 4.1, items 8, 10, 12: origin, subprotocols "ordered by preference", further fields.
#[test]
fn what_is_optional_is_sent_when_it_is_given() {
    let config = Config::new()
        .request("h", "/")
        .origin("http://example.com")
        .subprotocols(&["b", "a"])
        .fields(&[("Authorization", "Basic eA=="), ("Cookie", "a=1; b=2")]);
    let mut tx = buffer(512);
    assert_eq!(ClientHandshake::new(&config, [0; 16]).send(&mut tx), Ok(true));
    let text = std::str::from_utf8(tx.filled()).unwrap();
    for line in [
        "Origin: http://example.com",
        "Sec-WebSocket-Protocol: b, a",
        "Authorization: Basic eA==",
        "Cookie: a=1; b=2",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    ] {
        assert_eq!(text.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {text}");
    }
    assert!(text.ends_with("\r\n\r\n"));
    assert!(!text.contains("Extensions"));
}

/// Line by line through a `tx` that is smaller than the request, the same bytes.
#[test]
fn the_request_passes_through_a_small_tx() {
    let config = Config::new()
        .request("example.com", "/a/path/that/is/somewhat/longer?with=query")
        .origin("http://example.com")
        .subprotocols(&["chat", "superchat"])
        .fields(&[("Authorization", "Bearer 0123456789"), ("X-One", "1"), ("X-Two", "2"), ("X-Three", "3")]);
    let mut whole = buffer(1000);
    assert_eq!(ClientHandshake::new(&config, [7; 16]).send(&mut whole), Ok(true));
    for take in [1, 10, 139] {
        let (mut tx, mut sent) = (buffer(MIN_CAPACITY), Vec::<u8>::new());
        let mut handshake = ClientHandshake::new(&config, [7; 16]);
        loop {
            let done = handshake.send(&mut tx).unwrap();
            let n = tx.len().min(take);
            sent.extend(&tx.filled()[..n]);
            tx.consume(n);
            if done && tx.is_empty() {
                break;
            }
        }
        assert_eq!(sent, whole.filled());
    }
}

/// A line that does not fit even into an empty `tx` can never be sent.
#[test]
fn a_line_longer_than_tx_is_buffer_full() {
    let target = format!("/{}", "a".repeat(200));
    let config = Config::new().request("h", &target);
    let mut handshake = ClientHandshake::new(&config, [0; 16]);
    let mut tx = buffer(MIN_CAPACITY);
    assert_eq!(handshake.send(&mut tx), Err(SendError::BufferFull));
    assert!(tx.is_empty());
    let value = "v".repeat(200);
    let fields = [("X", value.as_str())];
    let config = Config::new().request("h", "/").fields(&fields);
    let mut handshake = ClientHandshake::new(&config, [0; 16]);
    let error = loop {
        match handshake.send(&mut tx) {
            Ok(done) => assert!(!done),
            Err(error) => break error,
        }
        tx.consume(MIN_CAPACITY);
    };
    assert_eq!((error, tx.is_empty()), (SendError::BufferFull, true));
}

/// What the caller gives can't end a line or begin another, nor say twice what we say.
#[test]
fn a_request_that_would_break_the_head_is_refused() {
    let good = Config::new().request("example.com", "/");
    let bad = [
        Config::new().request("", "/"),
        Config::new().request("a b", "/"),
        Config::new().request("a\r\nX: y", "/"),
        Config::new().request("h\u{e4}", "/"),
        Config::new().request("h", ""),
        Config::new().request("h", "room"),
        Config::new().request("h", "/a b"),
        Config::new().request("h", "/a\r\n"),
        Config::new().request("h", "/a#b"),
        Config::new().request("h", "/\u{e4}"),
        good.origin("a\r\nb"),
        good.subprotocols(&["a", "b c"]),
        good.request("user@h", "/"),
        good.request("h:port", "/"),
        good.request("[::1", "/"),
        good.request("", "/"),
        good.subprotocols(&[""]),
        good.subprotocols(&["a,b"]),
        good.fields(&[("X", "a\nb")]),
        good.fields(&[("X Y", "a")]),
        good.fields(&[("Ok", "a"), ("", "a")]),
        good.fields(&[("Host", "x")]),
        good.fields(&[("sec-websocket-key", "x")]),
        good.fields(&[("Sec-WebSocket-Extensions", "x")]),
        good.fields(&[("content-length", "5")]),
    ];
    let mut tx = buffer(512);
    // A server's configuration makes no request.
    assert_eq!(ClientHandshake::new(&Config::new(), [0; 16]).send(&mut tx), Err(SendError::InvalidField));
    for config in bad {
        assert_eq!(
            ClientHandshake::new(&config, [0; 16]).send(&mut tx),
            Err(SendError::InvalidField),
            "{config:?}"
        );
        assert!(tx.is_empty());
    }
    assert_eq!(ClientHandshake::new(&good, [0; 16]).send(&mut tx), Ok(true));
    // A second setting takes the place of the first.
    let mended = good.origin("a\r\nb").origin("http://a").fields(&[("Host", "x")]).fields(&[]);
    tx.consume(usize::MAX);
    assert_eq!(ClientHandshake::new(&mended, [0; 16]).send(&mut tx), Ok(true));
}

/// 4.1: the least response is enough.
#[test]
fn the_least_response_opens_the_connection() {
    assert_eq!(connect(&(LINES.join("\r\n") + "\r\n\r\n")).verdict, Ok(None));
    assert_eq!(connect(&with(0, "HTTP/1.1 101 ")).verdict, Ok(None));
    assert_eq!(connect(&with(0, "HTTP/1.1 101")).verdict, Ok(None));
    assert_eq!(connect(&with(0, "HTTP/1.1 101 Sonst \u{e4}was")).verdict, Ok(None));
}

/// 4.1, response, item 1: "If the status code received from the server is not 101, the client
/// handles the response per HTTP procedures."
#[test]
fn another_status_comes_back_with_its_fields() {
    for (line, status) in [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 301 Moved", 301),
        ("HTTP/1.1 401 ", 401),
        ("HTTP/1.1 404", 404),
        ("HTTP/1.0 503 Later", 503),
        ("HTTP/1.1 999 What", 999),
    ] {
        let outcome = connect(&with(0, line).replace("Upgrade: websocket", "Location: /other"));
        assert_eq!(outcome.verdict, Err(HandshakeError::Status(status)));
        assert_eq!(outcome.items[1], "Location: /other");
    }
    // What the rest says does not matter then.
    refused(&with(0, "HTTP/1.1 401 No").replace("s3pP", "XXXX"), HandshakeError::Status(401));
}

/// RFC 9110 section 15.2, RFC 6455 section 4.1: answers before the final one are passed over.
#[test]
fn interim_answers_are_passed_over() {
    let last = LINES.join("\r\n") + "\r\n\r\n";
    for before in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nUpgrade: h2c\r\nSec-WebSocket-Accept: x\r\n\r\n",
        "HTTP/1.1 102\r\n\r\nHTTP/1.1 100 \r\nX: y\r\n\r\nHTTP/1.1 199 What\r\n\r\n",
    ] {
        let outcome = connect(&format!("{before}{last}"));
        assert_eq!(outcome.verdict, Ok(None), "{before}");
        assert_eq!(outcome.items, connect(&last).items, "{before}");
        let refused = connect(&format!("{before}HTTP/1.1 401 No\r\nX: y\r\n\r\n"));
        assert_eq!(refused.verdict, Err(HandshakeError::Status(401)), "{before}");
    }
    // Within the limits of one head.
    let endless = "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n".repeat(1000);
    let error = connect(&format!("{endless}{last}")).verdict.unwrap_err();
    assert!(
        matches!(error, HandshakeError::Head(HeadError::TooManyFields | HeadError::HeadTooLong)),
        "{error:?}"
    );
}

/// RFC 9112 section 4.
#[test]
fn a_first_line_that_is_no_status_is_an_error() {
    for line in [
        "HTTP/1.1 1010 Switching Protocols",
        "HTTP/1.1 10 Switching",
        "HTTP/1.1 abc",
        "HTTP/1.1 1O1 x",
        "HTTP/1.1 001 x",
        "HTTP/1.1  101 x",
        "HTTP/1.1 101x",
        "HTTP/x.1 101 x",
        "HTTP/1.x 101 x",
        "http/1.1 101 x",
        "HTTP/1.1",
        "GET / HTTP/1.1",
        "HTTP/1.1 101 \u{1}",
        "SSH-2.0-x",
    ] {
        refused(&with(0, line), HandshakeError::Head(HeadError::BadStartLine));
    }
    refused(&with(0, "HTTP/2.0 101 x"), HandshakeError::Head(HeadError::HttpVersion));
    refused(&with(0, "HTTP/0.9 101 x"), HandshakeError::Head(HeadError::HttpVersion));
    // 4.2.2: "HTTP/1.1 101"; an old server can't mean it.
    refused(&with(0, "HTTP/1.0 101 x"), HandshakeError::Head(HeadError::HttpVersion));
}

/// Item 2: "lacks an |Upgrade| header field or [it] contains a value that is not an ASCII
/// case-insensitive match for the value "websocket"".
#[test]
fn the_response_must_upgrade_to_websocket() {
    refused(&with(1, ""), HandshakeError::Missing(KnownField::Upgrade));
    for line in ["Upgrade: h2c", "Upgrade:", "Upgrade: websocket, h2c", "Upgrade: web"] {
        refused(&with(1, line), HandshakeError::Invalid(KnownField::Upgrade));
    }
    // RFC 9110 section 5.3: two lines are one list, which is no match either.
    for lines in ["Upgrade: websocket\r\nUpgrade: websocket", "Upgrade: websocket, websocket"] {
        refused(&with(1, lines), HandshakeError::Invalid(KnownField::Upgrade));
    }
    assert_eq!(connect(&with(1, "uPGRADE: WebSocket")).verdict, Ok(None));
}

/// Item 3: "lacks a |Connection| header field or [it] doesn't contain a token that is an ASCII
/// case-insensitive match for the value "Upgrade"".
#[test]
fn the_response_must_have_connection_upgrade() {
    refused(&with(2, ""), HandshakeError::Missing(KnownField::Connection));
    refused(&with(2, "Connection: close"), HandshakeError::Missing(KnownField::Connection));
    assert_eq!(connect(&with(2, "Connection: keep-alive, upgrade")).verdict, Ok(None));
}

/// Item 4: the value of Accept must be that of our key, "ignoring any leading and trailing whitespace".
#[test]
fn the_response_must_have_the_accept_of_our_key() {
    refused(&with(3, ""), HandshakeError::Missing(KnownField::Accept));
    for value in [
        "",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=x",
        "fFBooB7FAkLlXgRSz0BT3v4hq5s=",
        "dGhlIHNhbXBsZSBub25jZQ==",
    ] {
        refused(&with(3, &format!("Sec-WebSocket-Accept: {value}")), HandshakeError::WrongAccept);
    }
    refused(&and(LINES[3]), HandshakeError::Repeated(KnownField::Accept));
    assert_eq!(connect(&with(3, "sec-websocket-accept:\ts3pPLMBiTxaQ9kYGzzhZRbK+xOo= ")).verdict, Ok(None));
}

/// Item 5: "indicates the use of an extension that was not present in the client's handshake".
#[test]
fn an_extension_that_was_not_offered_is_an_error() {
    refused(&and("Sec-WebSocket-Extensions: permessage-deflate"), HandshakeError::UnofferedExtension);
    assert_eq!(connect(&and("Sec-WebSocket-Extensions:")).verdict, Ok(None));
}

/// Item 6: "indicates the use of a subprotocol that was not present in the client's handshake".
#[test]
fn a_subprotocol_must_be_one_of_those_offered() {
    assert_eq!(connect(&and("Sec-WebSocket-Protocol: superchat")).verdict, Ok(Some("superchat".to_owned())));
    for value in ["other", "Chat", "", "chat, superchat", "chatter"] {
        refused(&and(&format!("Sec-WebSocket-Protocol: {value}")), HandshakeError::UnofferedSubprotocol);
    }
    refused(
        &and("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat"),
        HandshakeError::Repeated(KnownField::Protocol),
    );
    let none = Exchange::default()
        .connect(Config::new().request("h", "/"), and("Sec-WebSocket-Protocol: chat").as_bytes());
    assert_eq!(none.verdict, Err(HandshakeError::UnofferedSubprotocol));
}

/// What makes a head unreadable makes it so in this direction as well.
#[test]
fn a_head_that_could_be_read_otherwise_is_refused() {
    for (lines, error) in [
        ("X : a", HandshakeError::Head(HeadError::BadField)),
        ("no colon", HandshakeError::Head(HeadError::BadField)),
        ("X: a\0b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\r\n b", HandshakeError::Head(HeadError::Folded)),
        ("X: a\nY: b", HandshakeError::Head(HeadError::BadLineEnd)),
        ("X: a\rY: b", HandshakeError::Head(HeadError::BadLineEnd)),
    ] {
        refused(&and(lines), error);
    }
}

/// The bytes after the head are the first frame, though they came in one read.
#[test]
fn bytes_after_the_head_stay_in_rx() {
    let input = [LINES.join("\r\n").as_bytes(), b"\r\n\r\n\x81\x05Hello"].concat();
    let outcome = Exchange::default().connect(Config::new().request("h", "/"), &input);
    assert_eq!((outcome.verdict, &outcome.after[..]), (Ok(None), &b"\x81\x05Hello"[..]));
}

#[test]
fn a_head_is_incomplete_until_its_last_byte() {
    let response = LINES.join("\r\n") + "\r\n\r\n";
    for cut in 0..response.len() {
        refused(&response[..cut], HandshakeError::Incomplete);
    }
}

/// A line must fit into `rx` only if the answer can't be judged without it.
#[test]
fn a_long_line_matters_only_if_its_field_does() {
    let exchange = || Exchange { rx: 256, ..Exchange::default() };
    let long = "v".repeat(400);
    for name in ["Set-Cookie", "Host", "Content-Length", "Origin", "Sec-WebSocket-Key"] {
        let outcome =
            exchange().connect(Config::new().request("h", "/"), and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Ok(None), "{name}");
        assert_eq!(outcome.items[4], format!("long {name}"));
    }
    for (name, field) in [
        ("Upgrade", KnownField::Upgrade),
        ("Connection", KnownField::Connection),
        ("Sec-WebSocket-Accept", KnownField::Accept),
        ("Sec-WebSocket-Protocol", KnownField::Protocol),
        ("Sec-WebSocket-Extensions", KnownField::Extensions),
    ] {
        let outcome =
            exchange().connect(Config::new().request("h", "/"), and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Err(HandshakeError::FieldTooLong(field)));
    }
    let outcome = exchange()
        .connect(Config::new().request("h", "/"), with(0, &format!("HTTP/1.1 101 {long}")).as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::StartLineTooLong)));
}

#[test]
fn heads_are_limited_in_bytes_and_fields() {
    let response = and("X: y");
    let len = u32::try_from(response.len()).unwrap();
    let connect = |limits| {
        Exchange { limits: Some(limits), ..Exchange::default() }
            .connect(Config::new().request("h", "/"), response.as_bytes())
    };
    assert_eq!(connect((len, 4)).verdict, Ok(None));
    assert_eq!(connect((len - 1, 4)).verdict, Err(HandshakeError::Head(HeadError::HeadTooLong)));
    assert_eq!(connect((len, 3)).verdict, Err(HandshakeError::Head(HeadError::TooManyFields)));
}

/// Status and fields show the answer as they pass.
#[test]
fn the_answer_passes_item_by_item() {
    let mut rx = buffer(256);
    assert!(rx.push(b"HTTP/1.1 301 Moved away\r\nLocation: /there\r\n\r\nbody"));
    let config = Config::new().request("h", "/");
    let mut handshake = ClientHandshake::new(&config, [0; 16]);
    let Ok(Some(Event::Status(line))) = handshake.receive(&mut rx) else { panic!("no status") };
    assert_eq!((line.status(), line.reason()), (301, &b"Moved away"[..]));
    let Ok(Some(Event::Field(field))) = handshake.receive(&mut rx) else { panic!("no field") };
    assert!(field.is("location"));
    assert_eq!(handshake.receive(&mut rx), Ok(Some(Event::HeadEnd)));
    assert_eq!(rx.filled(), b"body");
    assert_eq!(handshake.check().err(), Some(HandshakeError::Status(301)));
}
