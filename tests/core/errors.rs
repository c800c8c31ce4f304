//! Every error that can be: provoked in each role that can see it, with its words and its code.

use std::error::Error;

use microws::handshake::KnownField;
use microws::http::HeadError;
use microws::{CloseCode, Config, HandshakeError, MessageKind, Overdue, ProtocolError, SendError};
use microws_tests::errors::{FIELDS, HEAD_ERRORS, PROTOCOL_ERRORS, handshake_errors};
use microws_tests::frames::{frame, header};
use microws_tests::handshake::Exchange;
use microws_tests::{ClientSide, Drive, End, ServerSide, Side, buffer, in_both_roles};

/// What ends in each fault, with the code it is answered with and the words for it.
fn faults<S: Side>() -> Vec<(ProtocolError, u16, &'static str, Vec<u8>)> {
    use ProtocolError::*;
    let script = S::script;
    let (mask, key) = if S::MASKS { (0, &b""[..]) } else { (0x80, &b"\x01\x02\x03\x04"[..]) };
    let masked = frame(0x81, Some([1, 2, 3, 4]), b"x");
    let plain = frame(0x81, None, b"x");
    let wrong_mask = if S::MASKS {
        (MaskForbidden, 1002, "a masked frame from a server", masked)
    } else {
        (MaskMissing, 1002, "an unmasked frame from a client", plain)
    };
    vec![
        wrong_mask,
        (
            ReservedBits,
            1002,
            "a reserved bit is set, but no extension was negotiated",
            script(&[(0xa1, b"")]),
        ),
        (ReservedOpcode(0xb), 1002, "the reserved opcode 0xb", script(&[(0x8b, b"")])),
        (FragmentedControl, 1002, "a fragmented control frame", script(&[(0x09, b"")])),
        (ControlTooLong, 1002, "a control frame of more than 125 bytes", script(&[(0x8a, &[0; 126])])),
        (
            LengthNotMinimal,
            1002,
            "a payload length in more bytes than it needs",
            [&[0x82, mask | 126, 0, 1][..], key, b"x"].concat(),
        ),
        (
            LengthTooLarge,
            1002,
            "a payload length of 2^63 bytes or more",
            header(0x82, S::peer_key(), 1 << 63),
        ),
        (
            UnexpectedContinuation,
            1002,
            "a continuation frame, but no message is under way",
            script(&[(0x80, b"")]),
        ),
        (
            ExpectedContinuation,
            1002,
            "a new message before the one under way was finished",
            script(&[(0x01, b""), (0x81, b"")]),
        ),
        (InvalidUtf8, 1007, "text that is not valid UTF-8", script(&[(0x81, b"\xff")])),
        (CloseTooShort, 1002, "a close frame with half a close code", script(&[(0x88, b"\x03")])),
        (
            InvalidCloseCode(1005),
            1002,
            "the close code 1005, which must not be sent",
            script(&[(0x88, b"\x03\xed")]),
        ),
        (MessageTooBig, 1009, "a message longer than the limit", script(&[(0x82, &[0; 101])])),
        (
            TooManyFragments,
            1008,
            "a message in more fragments than the limit",
            script(&[(0x02, b""), (0x00, b""), (0x00, b""), (0x00, b"")]),
        ),
    ]
}

in_both_roles! {
    fn each_fault_of_the_peer_is_named_and_answered_with_its_code<S: Side>() {
        for (error, code, words, input) in faults::<S>() {
            let mut connection = S::open().max_message_len(100).max_fragments(3);
            let run = Drive::default().listen(&mut connection, &input);
            assert_eq!(run.end, End::Failed(error));
            assert_eq!(S::sent(&run.output), [(0x88, code.to_be_bytes().to_vec())], "{words}");
            assert_eq!(error.close_code(), CloseCode(code));
            assert_eq!(error.to_string(), words);
            let source: &dyn Error = &error;
            assert!(source.source().is_none());
        }
    }

    fn each_mistake_of_the_caller_is_named_and_changes_nothing<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(139));
        let refused = |result: Result<(), SendError>, error: SendError, words: &str| {
            assert_eq!(result, Err(error));
            assert_eq!(error.to_string(), words);
            let source: &dyn Error = &error;
            assert!(source.source().is_none());
        };
        refused(connection.send_binary(&mut tx, &[0; 140]), SendError::BufferFull,
            "the transmit buffer has no room for it");
        refused(connection.ping(&mut tx, &[0; 126]), SendError::ControlTooLong,
            "a control frame carries at most 125 bytes");
        refused(connection.close(&mut tx, CloseCode(1005), "why"), SendError::InvalidCloseCode,
            "a close code that must not be sent");
        connection.send_fragment(&mut tx, MessageKind::Text, b"", false).unwrap();
        let before = tx.len();
        refused(connection.send_text(&mut tx, ""), SendError::MessageInProgress,
            "another message is unfinished");
        assert_eq!(tx.len(), before);
        connection.close(&mut tx, CloseCode::NORMAL, "").unwrap();
        refused(connection.send_text(&mut tx, ""), SendError::Closed, "a close frame was sent already");
        let field = microws::http::respond(&mut tx, 200, &[("a b", "")], "");
        refused(field, SendError::InvalidField, "a header field with characters that can't stand there");
    }
}

#[test]
fn every_fault_is_provoked_in_some_role() {
    let provoked: Vec<ProtocolError> =
        faults::<ServerSide>().into_iter().chain(faults::<ClientSide>()).map(|fault| fault.0).collect();
    for error in PROTOCOL_ERRORS {
        let kind = std::mem::discriminant(&error);
        assert!(provoked.iter().any(|seen| std::mem::discriminant(seen) == kind), "{error:?}");
    }
}

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
            // The one who asked is told the same.
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

/// Every end has its words, and names its cause if that is an error.
#[test]
fn each_end_is_named_with_its_cause() {
    use microws::End;
    for (end, words, source) in [
        (End::Closed(CloseCode::NORMAL), "closed: 1000 (normal closure)", None),
        (End::Closed(CloseCode::NO_STATUS), "closed: 1005 (no status code)", None),
        (End::Responded, "the request was answered without an upgrade", None),
        (End::Eof, "the stream ended without a close frame", None),
        (
            End::Rejected(HandshakeError::Head(HeadError::Folded)),
            "the opening handshake failed: a header field is folded",
            Some("a header field is folded"),
        ),
        (
            End::Failed(ProtocolError::ReservedBits),
            "the peer broke the protocol: a reserved bit is set, but no extension was negotiated",
            Some("a reserved bit is set, but no extension was negotiated"),
        ),
        (End::Overdue(Overdue::Handshake), "the handshake took too long", None),
        (End::Overdue(Overdue::Pong), "no sign of life after a ping", None),
        (End::Overdue(Overdue::Close), "no answer to the close frame", None),
        (End::Overdue(Overdue::Write), "the replies were not read", None),
        (
            End::Unsendable(SendError::BufferFull),
            "the opening handshake can't be sent: the transmit buffer has no room for it",
            Some("the transmit buffer has no room for it"),
        ),
    ] {
        assert_eq!(end.to_string(), words);
        assert_eq!(end.source().map(ToString::to_string).as_deref(), source);
    }
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

/// The adapters' errors say whose they are, and name their cause.
#[test]
fn the_errors_of_the_adapters_name_their_cause() {
    use microws::io::Error as Io;
    use std::io::ErrorKind;
    type Table = [(Io<std::io::Error>, &'static str, Option<&'static str>); 6];
    let table: Table = [
        (Io::Io(ErrorKind::TimedOut.into()), "the stream failed: timed out", Some("timed out")),
        (Io::End(microws::End::Eof), "the stream ended without a close frame", None),
        (Io::End(microws::End::Overdue(Overdue::Pong)), "no sign of life after a ping", None),
        (
            Io::End(microws::End::Rejected(HandshakeError::Method)),
            "the opening handshake failed: the method must be GET",
            Some("the method must be GET"),
        ),
        (
            Io::End(microws::End::Failed(ProtocolError::ReservedOpcode(3))),
            "the peer broke the protocol: the reserved opcode 0x3",
            Some("the reserved opcode 0x3"),
        ),
        (
            Io::Send(SendError::Closed),
            "can't be sent: a close frame was sent already",
            Some("a close frame was sent already"),
        ),
    ];
    for (error, words, source) in table {
        assert_eq!(error.to_string(), words);
        assert_eq!(error.source().map(ToString::to_string).as_deref(), source);
    }
}

/// A field is called what the RFCs call it, in any case.
#[test]
fn fields_are_called_by_their_names() {
    let names = FIELDS.map(KnownField::name);
    assert_eq!(
        names,
        [
            "Host",
            "Upgrade",
            "Connection",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Version",
            "Sec-WebSocket-Protocol",
            "Sec-WebSocket-Extensions",
            "Sec-WebSocket-Accept",
            "Origin",
            "Content-Length",
            "Transfer-Encoding",
        ]
    );
    for field in FIELDS {
        assert_eq!(field.to_string(), field.name());
    }
}

/// Close codes say what they stand for.
#[test]
fn close_codes_say_what_they_stand_for() {
    for (code, words) in [
        (CloseCode::NORMAL, "1000 (normal closure)"),
        (CloseCode::GOING_AWAY, "1001 (going away)"),
        (CloseCode::PROTOCOL_ERROR, "1002 (protocol error)"),
        (CloseCode::UNSUPPORTED_DATA, "1003 (unsupported data)"),
        (CloseCode::NO_STATUS, "1005 (no status code)"),
        (CloseCode::ABNORMAL, "1006 (no close frame)"),
        (CloseCode::INVALID_DATA, "1007 (invalid data)"),
        (CloseCode::POLICY_VIOLATION, "1008 (policy violation)"),
        (CloseCode::MESSAGE_TOO_BIG, "1009 (message too big)"),
        (CloseCode::MISSING_EXTENSION, "1010 (missing extension)"),
        (CloseCode::INTERNAL_ERROR, "1011 (internal error)"),
        (CloseCode::SERVICE_RESTART, "1012 (service restart)"),
        (CloseCode::TRY_AGAIN_LATER, "1013 (try again later)"),
        (CloseCode(1014), "1014 (bad gateway)"),
        (CloseCode(3000), "3000 (registered by a library)"),
        (CloseCode(4999), "4999 (private use)"),
        (CloseCode(1004), "1004 (reserved)"),
        (CloseCode(2999), "2999 (reserved)"),
        (CloseCode(5000), "5000 (reserved)"),
    ] {
        assert_eq!(code.to_string(), words);
    }
}

/// What is printed while looking for a fault gives no secret away and needs no more than it is.
#[test]
fn a_client_can_be_printed_though_its_random_source_cannot() {
    assert_eq!(format!("{:?}", microws::Client(|_: &mut [u8]| {})), "Client");
    assert!(format!("{:?}", ClientSide::open()).contains("role: Client"));
    assert!(format!("{:?}", ServerSide::open()).contains("role: Server"));
}
