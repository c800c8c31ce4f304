//! The words for ends, fields and close codes.

use std::error::Error;

use microws::handshake::KnownField;
use microws::http::HeadError;
use microws::{CloseCode, HandshakeError, Overdue, ProtocolError, SendError};
use microws_tests::errors::FIELDS;
use microws_tests::{ClientSide, ServerSide, Side};

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
