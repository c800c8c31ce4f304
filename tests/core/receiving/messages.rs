//! Messages, their fragments and their text.

use microws::ProtocolError;
use microws_tests::frames::header;
use microws_tests::{Drive, End, Seen, Side, in_both_roles};

use crate::{BINARY, C1002, C1007, TEXT, fails, hears, listen};

in_both_roles! {
    /// 5.6: text and binary.
    fn a_message_of_either_kind_arrives_whole<S: Side>() {
        hears::<S>(&[(0x81, b"Hello")], &[Seen::text("Hello")]);
        hears::<S>(&[(0x82, b"\x00\xff")], &[Seen::binary(b"\x00\xff")]);
    }

    /// 5.2: "the payload length [...] may be zero".
    fn an_empty_message_is_one_event<S: Side>() {
        hears::<S>(&[(0x81, b""), (0x82, b"")], &[Seen::text(""), Seen::binary(b"")]);
    }

    /// 5.2: every length class at its edges.
    fn lengths_at_the_edges_of_each_form_arrive<S: Side>() {
        for len in [1, 124, 125, 126, 127, 128, 255, 256, 65_534, 65_535, 65_536, 65_537] {
            let payload: Vec<u8> = (0..len).map(|i| (i * 31 + i / 256) as u8).collect();
            hears::<S>(&[(0x82, &payload)], &[Seen::binary(&payload)]);
        }
    }

    /// 5.4: "a sequence of frames [...] the first frame having opcode other than 0".
    fn fragments_are_one_message<S: Side>() {
        hears::<S>(&[(0x01, b"He"), (0x00, b"ll"), (0x80, b"o")], &[Seen::text("Hello")]);
        hears::<S>(&[(0x02, b"He"), (0x80, b"llo")], &[Seen::binary(b"Hello")]);
    }

    /// 5.4: fragments may be empty, all of them.
    fn empty_fragments_are_fragments<S: Side>() {
        hears::<S>(&[(0x01, b""), (0x00, b""), (0x80, b"")], &[Seen::text("")]);
        hears::<S>(&[(0x01, b""), (0x00, b"a"), (0x00, b""), (0x80, b"")], &[Seen::text("a")]);
        hears::<S>(&[(0x02, b"a"), (0x00, b""), (0x80, b"b")], &[Seen::binary(b"ab")]);
    }

    /// 5.4: a continuation needs a message to continue.
    fn a_continuation_of_nothing_fails_the_connection<S: Side>() {
        for b0 in [0x00, 0x80] {
            fails::<S>(&S::incoming(b0, b"a"), ProtocolError::UnexpectedContinuation, C1002);
            let events = fails::<S>(
                &S::script(&[(0x82, b"whole"), (b0, b"a")]),
                ProtocolError::UnexpectedContinuation,
                C1002,
            );
            assert_eq!(events, [Seen::binary(b"whole")]);
            fails::<S>(
                &S::script(&[(0x02, b"a"), (0x80, b"b"), (b0, b"")]),
                ProtocolError::UnexpectedContinuation,
                C1002,
            );
        }
    }

    /// 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another
    /// message unless an extension has been negotiated".
    fn a_message_in_the_middle_of_another_fails_the_connection<S: Side>() {
        for first in [0x01, 0x02] {
            for second in [0x01, 0x81, 0x02, 0x82] {
                let events = fails::<S>(
                    &S::script(&[(first, b"a"), (second, b"b")]),
                    ProtocolError::ExpectedContinuation,
                    C1002,
                );
                let kind = if first == 1 { TEXT } else { BINARY };
                assert_eq!(events, [Seen::part(kind, true, false, b"a")]);
            }
        }
    }

    /// 8.1: "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream
    /// is not, in fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_."
    fn text_that_is_no_utf8_fails_the_connection<S: Side>() {
        for bad in [&b"\xff"[..], b"\x80", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80",
            b"\xf4\x90\x80\x80", b"\xf5", b"\xc2\x41", b"\xe2\x82\x41", b"\xf0\x9f\x8e\x41"]
        {
            for before in [&b""[..], b"ok ", "κόσμε".as_bytes()] {
                let text = [before, bad, b" behind"].concat();
                fails::<S>(&S::incoming(0x81, &text), ProtocolError::InvalidUtf8, C1007);
                fails::<S>(&S::script(&[(0x01, before), (0x80, bad)]), ProtocolError::InvalidUtf8, C1007);
            }
        }
    }

    /// 8.1: text must not end in the middle of a code point.
    fn text_that_ends_in_the_middle_of_a_code_point_fails_the_connection<S: Side>() {
        for bad in [&b"\xc2"[..], b"\xe2\x82", b"\xf0\x9f\x8e", b"\xf0\x9f"] {
            fails::<S>(&S::incoming(0x81, bad), ProtocolError::InvalidUtf8, C1007);
            fails::<S>(&S::script(&[(0x01, bad), (0x80, b"")]), ProtocolError::InvalidUtf8, C1007);
            fails::<S>(&S::script(&[(0x01, b"a"), (0x00, bad), (0x80, b"")]), ProtocolError::InvalidUtf8, C1007);
        }
    }

    /// 5.6: "a particular text frame might include a partial UTF-8 sequence; however, the whole
    /// message MUST contain valid UTF-8".
    fn a_code_point_may_be_cut_by_fragments<S: Side>() {
        let text = "aß€🎉".as_bytes();
        for cut in 0..=text.len() {
            let (a, b) = text.split_at(cut);
            hears::<S>(&[(0x01, a), (0x80, b)], &[Seen::text("aß€🎉")]);
            hears::<S>(&[(0x01, a), (0x00, b""), (0x89, b""), (0x80, b"")][..2], &[
                Seen::part(TEXT, true, false, a)]);
        }
    }

    /// Each message starts anew: no state of the check remains from the message before.
    fn messages_are_checked_one_by_one<S: Side>() {
        let run = listen::<S>(&S::script(&[(0x82, b"\xe2\x82"), (0x81, b"\xac")]));
        assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
        assert_eq!(run.events, [Seen::binary(b"\xe2\x82")]);
    }

    /// The first impossible byte fails the connection, though the frame is incomplete.
    fn text_fails_at_its_first_impossible_byte_inside_a_frame<S: Side>() {
        let text = "κόσμε\u{0}".as_bytes();
        for at in 0..text.len() {
            let bad = [&text[..at], b"\xff\xff\xff"].concat();
            let mut input = header(0x81, S::peer_key(), 1_000_000);
            input.extend(microws_tests::frames::masked(S::peer_key(), &bad));
            let events = fails::<S>(&input, ProtocolError::InvalidUtf8, C1007);
            // What came before it had been seen.
            let expected = if at == 0 { vec![] } else { vec![Seen::part(TEXT, true, false, &text[..at])] };
            assert_eq!(events, expected);
            // One byte less, and all is well so far.
            input.truncate(input.len() - 3);
            assert_eq!(listen::<S>(&input).end, End::WantRead);
        }
    }

    /// Binary is not checked.
    fn binary_may_be_anything<S: Side>() {
        let all: Vec<u8> = (0..=255).collect();
        hears::<S>(&[(0x82, &all), (0x02, b"\xff"), (0x80, b"\xc0")], &[
            Seen::binary(&all), Seen::binary(b"\xff\xc0")]);
    }

    /// Messages before a bad frame are handed out before the failure, and their echoes are sent
    /// before its close frame.
    fn what_came_before_a_fault_is_echoed_before_the_close<S: Side>() {
        let input = S::script(&[(0x81, b"one"), (0x89, b"two"), (0xf1, b"")]);
        for tx in [139, 1000] {
            let run = Drive { tx, ..Drive::default() }.echo(&mut S::open(), &input);
            assert_eq!(run.end, End::Failed(ProtocolError::ReservedBits));
            assert_eq!(S::sent(&run.output), [
                (0x81, b"one".to_vec()), (0x8a, b"two".to_vec()), (0x88, C1002.to_vec())]);
        }
    }

    /// A message much longer than both buffers passes through them.
    fn a_message_of_a_mebibyte_passes_through_139_bytes<S: Side>() {
        let payload: Vec<u8> = (0..1u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let drive = Drive { rx: 139, tx: 139, ..Drive::default() };
        let run = drive.echo(&mut S::open(), &S::incoming(0x82, &payload));
        assert_eq!(run.events, [Seen::binary(&payload)]);
        assert_eq!(microws_tests::messages(&microws_tests::frames(&run.output)), [(0x82, payload)]);
    }
}
