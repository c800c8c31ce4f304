//! Faults of the opening handshake.

use std::error::Error;

use microws::handshake::KnownField;
use microws::http::HeadError;
use microws::{Config, HandshakeError, SendError};
use microws_tests::buffer;
use microws_tests::errors::{FIELDS, HEAD_ERRORS, handshake_errors};
use microws_tests::handshake::Exchange;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

const RESPONSE: &str = "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

/// What a server and a client make of heads at fault; `None` where that role can't see it.
#[test]
fn each_fault_of_a_head_is_named_and_has_its_status() {
    use HandshakeError::*;
    use HeadError::{
        BadField, BadLineEnd, BadStartLine, Folded, HeadTooLong, HttpVersion, StartLineTooLong, TooManyFields,
    };
    let long = "x".repeat(300);
    let request = |more: &str| format!("{REQUEST}{more}\r\n\r\n");
    let response = |more: &str| format!("{RESPONSE}{more}\r\n\r\n");
    let none = String::new;
    // error, status, words, the request, the response
    let table: Vec<(HandshakeError, u16, &str, String, String)> = vec![
        (Incomplete, 400, "the head is not complete", REQUEST.to_owned(), RESPONSE.to_owned()),
        (
            Head(BadStartLine),
            400,
            "the first line is not HTTP",
            "hello\r\n".to_owned(),
            "hello\r\n".to_owned(),
        ),
        (
            Head(StartLineTooLong),
            414,
            "the first line is too long",
            format!("GET /{long} HTTP/1.1\r\n"),
            format!("HTTP/1.1 101 {long}\r\n"),
        ),
        (
            Head(HttpVersion),
            505,
            "the HTTP version must be 1.1",
            "GET / HTTP/2.0\r\n".to_owned(),
            "HTTP/2.0 101 \r\n".to_owned(),
        ),
        (
            Head(BadLineEnd),
            400,
            "a line of the head does not end in CR LF",
            "GET / HTTP/1.1\n".to_owned(),
            "HTTP/1.1 101 \n".to_owned(),
        ),
        (Head(Folded), 400, "a header field is folded", request("X: a\r\n b"), response("X: a\r\n b")),
        (Head(BadField), 400, "a header line is not 'name: value'", request("X"), response("X")),
        (
            Head(HeadTooLong),
            431,
            "the head is too long",
            request(&format!("X: {}", long.repeat(10))),
            response(&format!("X: {}", long.repeat(10))),
        ),
        (
            Head(TooManyFields),
            431,
            "too many header fields",
            request(&["X: a"; 20].join("\r\n")),
            response(&["X: a"; 20].join("\r\n")),
        ),
        (
            Head(HeadError::FieldTooLong),
            431,
            "the name of a header field is too long",
            request(&long),
            response(&long),
        ),
        (
            FieldTooLong(KnownField::Protocol),
            431,
            "a header field is too long: Sec-WebSocket-Protocol",
            request(&format!("Sec-WebSocket-Protocol: {long}")),
            response(&format!("Sec-WebSocket-Protocol: {long}")),
        ),
        (Repeated(KnownField::Host), 400, "a header field is repeated: Host", request("Host: h"), none()),
        (
            Repeated(KnownField::Accept),
            400,
            "a header field is repeated: Sec-WebSocket-Accept",
            none(),
            response("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ),
        (
            Missing(KnownField::Connection),
            400,
            "a header field is missing: Connection",
            request("").replace("Connection", "X"),
            response("").replace("Connection", "X"),
        ),
        (
            Invalid(KnownField::Key),
            400,
            "a header field is invalid: Sec-WebSocket-Key",
            request("").replace("dGhl", "d-hl"),
            none(),
        ),
        (
            Invalid(KnownField::Upgrade),
            400,
            "a header field is invalid: Upgrade",
            none(),
            response("").replace("websocket", "h2c"),
        ),
        (Body, 400, "a request with a body", request("Content-Length: 1"), none()),
        // Only a session takes content.
        (BodyTooLong, 413, "the content is too long", none(), none()),
        (LengthRequired, 411, "content needs a Content-Length", none(), none()),
        (Method, 405, "the method must be GET", request("").replace("GET", "PUT"), none()),
        (NoUpgrade, 426, "this is a WebSocket endpoint", request("").replace("websocket", "h2c"), none()),
        (
            WebSocketVersion,
            426,
            "the WebSocket version must be 13",
            request("").replace("Version: 13", "Version: 8"),
            none(),
        ),
        (
            Status(404),
            404,
            "the server answered with status 404 instead of 101",
            none(),
            response("").replace("101", "404"),
        ),
        (
            WrongAccept,
            502,
            "Sec-WebSocket-Accept does not belong to the key",
            none(),
            response("").replace("s3pP", "S3pP"),
        ),
        (
            UnofferedSubprotocol,
            502,
            "the server chose a subprotocol that was not offered",
            none(),
            response("Sec-WebSocket-Protocol: chat"),
        ),
        (
            UnofferedExtension,
            502,
            "the server uses an extension that was not offered",
            none(),
            response("Sec-WebSocket-Extensions: x"),
        ),
    ];
    let exchange = || Exchange { rx: 256, limits: Some((2000, 15)), ..Exchange::default() };
    for (error, status, words, request, response) in &table {
        assert_eq!((error.status(), error.to_string().as_str()), (*status, *words));
        let source: &dyn Error = error;
        assert!(source.source().is_none());
        if !request.is_empty() {
            let outcome = exchange().serve(&["chat"], request.as_bytes());
            assert_eq!(outcome.verdict, Err(*error), "{request}");
            // The client gets the same words.
            assert!(outcome.text().starts_with(&format!("HTTP/1.1 {status} ")), "{}", outcome.text());
            assert!(outcome.text().ends_with(&format!("\r\n\r\n{words}\n")), "{}", outcome.text());
        }
        if !response.is_empty() {
            let outcome = exchange().connect(Config::new().request("h", "/"), response.as_bytes());
            assert_eq!(outcome.verdict, Err(*error), "{response}");
        }
    }
    for error in handshake_errors() {
        let kind = kind(error);
        assert!(table.iter().any(|(seen, ..)| self::kind(*seen) == kind), "{error:?}");
    }
}

/// Errors that differ in their field or status alone are of one kind.
fn kind(error: HandshakeError) -> impl PartialEq {
    let head = if let HandshakeError::Head(head) = error { Some(head) } else { None };
    (std::mem::discriminant(&error), head)
}

/// An error about a field has the same status and the same words for every field, and names it.
#[test]
fn each_fault_of_a_field_names_the_field() {
    use HandshakeError::{FieldTooLong, Invalid, Missing, Repeated};
    for field in FIELDS {
        for (error, status, words) in [
            (FieldTooLong(field), 431, "a header field is too long: "),
            (Repeated(field), 400, "a header field is repeated: "),
            (Missing(field), 400, "a header field is missing: "),
            (Invalid(field), 400, "a header field is invalid: "),
        ] {
            assert_eq!(error.status(), status);
            assert_eq!(error.to_string(), format!("{words}{field}"));
        }
    }
}

/// An unreadable head is the same error by itself and as the fault of a handshake.
#[test]
fn each_fault_of_a_head_is_the_same_by_itself_and_in_a_handshake() {
    for error in HEAD_ERRORS {
        let handshake = HandshakeError::from(error);
        assert_eq!(handshake, HandshakeError::Head(error));
        assert_eq!((handshake.status(), handshake.to_string()), (error.status(), error.to_string()));
        let source: &dyn Error = &error;
        assert!(source.source().is_none());
    }
}

/// A client's error has the status that the server gave.
#[test]
fn another_status_than_101_is_the_status_of_its_error() {
    for status in [100, 200, 301, 401, 404, 503, 999] {
        let error = HandshakeError::Status(status);
        assert_eq!(error.status(), status);
        assert_eq!(error.to_string(), format!("the server answered with status {status} instead of 101"));
    }
}

/// No two errors say the same, and none says nothing.
#[test]
fn no_two_errors_of_the_handshake_are_told_alike() {
    let mut words: Vec<String> = handshake_errors().iter().map(ToString::to_string).collect();
    let count = words.len();
    assert!(
        words.iter().all(|words| words.len() > 10 && words.trim() == words && !words.contains(['\r', '\n']))
    );
    words.sort();
    words.dedup();
    assert_eq!(words.len(), count);
}

/// A request that is not there yet can't be accepted.
#[test]
fn an_accept_before_its_request_is_named() {
    let (config, mut tx) = (Config::new(), buffer(256));
    let early = microws::handshake::ServerHandshake::new(&config).accept(&mut tx, &[]);
    assert_eq!(early, Err(SendError::NotNow));
    assert_eq!(SendError::NotNow.to_string(), "this can't be sent at this point of the connection");
    assert!(tx.is_empty());
}
