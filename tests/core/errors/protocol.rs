//! Faults of an open connection, and mistakes of the caller.

use std::error::Error;

use microws::{CloseCode, MessageKind, ProtocolError, SendError};
use microws_tests::errors::PROTOCOL_ERRORS;
use microws_tests::frames::{frame, header};
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
