//! What RFC 6455 demands of a receiver, one test for each sentence, in both roles.

use microws::{MessageKind, ProtocolError, State, Step};
use microws_tests::frames::header;
use microws_tests::{Cuts, Drive, End, Run, Seen, Side, buffer, in_both_roles};

const TEXT: MessageKind = MessageKind::Text;
const BINARY: MessageKind = MessageKind::Binary;

fn listen<S: Side>(input: &[u8]) -> Run {
    Drive::default().listen(&mut S::open(), input)
}

fn hears<S: Side>(frames: &[(u8, &[u8])], events: &[Seen]) {
    let run = listen::<S>(&S::script(frames));
    assert_eq!((&run.events[..], run.end), (events, End::WantRead), "{frames:02x?}");
}

/// The input ends the connection with `error`, whose close frame is the only output.
fn fails<S: Side>(input: &[u8], error: ProtocolError, close: &[u8]) -> Vec<Seen> {
    let run = listen::<S>(input);
    assert_eq!(run.end, End::Failed(error), "{input:02x?}");
    assert_eq!(S::sent(&run.output), [(0x88, close.to_vec())], "{input:02x?}");
    run.events
}

const C1002: &[u8] = b"\x03\xea";
const C1007: &[u8] = b"\x03\xef";

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

    /// 5.4: "Control frames MAY be injected in the middle of a fragmented message."
    fn control_frames_between_fragments_are_heard_at_their_place<S: Side>() {
        let script = [(0x01, &b"He"[..]), (0x89, b"1"), (0x00, b"l"), (0x8a, b"2"), (0x80, b"lo")];
        hears::<S>(&script, &[
            Seen::part(TEXT, true, false, b"He"),
            Seen::Ping(b"1".to_vec()),
            Seen::part(TEXT, false, false, b"l"),
            Seen::Pong(b"2".to_vec()),
            Seen::part(TEXT, false, true, b"lo"),
        ]);
        hears::<S>(&[(0x02, b""), (0x89, b""), (0x80, b"")], &[
            Seen::part(BINARY, true, false, b""),
            Seen::Ping(vec![]),
            Seen::part(BINARY, false, true, b""),
        ]);
    }

    /// 5.5.2: "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response",
    /// 5.5.3: with "identical "Application data"".
    fn a_ping_gets_one_pong_with_its_payload<S: Side>() {
        for len in [0, 1, 2, 3, 4, 5, 124, 125] {
            let payload: Vec<u8> = (0..len).collect();
            let run = listen::<S>(&S::incoming(0x89, &payload));
            assert_eq!(run.events, [Seen::Ping(payload.clone())]);
            assert_eq!(S::sent(&run.output), [(0x8a, payload)]);
        }
    }

    /// 5.5.2: a ping between fragments is answered before the message ends.
    fn a_ping_between_fragments_is_answered_at_once<S: Side>() {
        let run = listen::<S>(&S::script(&[(0x01, b"a"), (0x89, b"?")]));
        assert_eq!(S::sent(&run.output), [(0x8a, b"?".to_vec())]);
    }

    /// 5.5.3: an unsolicited pong: "A response to an unsolicited Pong frame is not expected."
    fn a_pong_gets_no_answer<S: Side>() {
        let run = listen::<S>(&S::script(&[(0x8a, b""), (0x8a, b"any")]));
        assert_eq!(run.events, [Seen::Pong(vec![]), Seen::Pong(b"any".to_vec())]);
        assert_eq!(run.output, b"");
    }

    /// 5.1: "a server MUST close the connection upon receiving a frame that is not masked",
    /// "A client MUST close a connection if it detects a masked frame", 1002 in both cases.
    fn a_frame_masked_the_wrong_way_fails_the_connection<S: Side>() {
        let (error, key) = if S::MASKS {
            (ProtocolError::MaskForbidden, Some([1, 2, 3, 4]))
        } else {
            (ProtocolError::MaskMissing, None)
        };
        for (b0, payload) in [(0x81, &b"Hello"[..]), (0x82, b""), (0x01, b"a"), (0x89, b""), (0x8a, b"x"),
            (0x88, b"\x03\xe8"), (0x82, &[7; 300])]
        {
            let events = fails::<S>(&microws_tests::frame(b0, key, payload), error, C1002);
            assert_eq!(events, []);
        }
        // A key of zeros is a mask as well.
        if S::MASKS {
            fails::<S>(b"\x81\x80\0\0\0\0", error, C1002);
        }
    }

    /// 5.2: RSV1, RSV2, RSV3 "MUST be 0 unless an extension is negotiated"; otherwise "the
    /// receiving endpoint MUST _Fail the WebSocket Connection_".
    fn each_reserved_bit_fails_the_connection<S: Side>() {
        for bit in [0x40, 0x20, 0x10, 0x70] {
            for b0 in [0x80, 0x00, 0x81, 0x01, 0x82, 0x88, 0x89, 0x8a] {
                fails::<S>(&S::incoming(b0 | bit, b""), ProtocolError::ReservedBits, C1002);
            }
        }
    }

    /// 5.2: a frame with a reserved bit is refused when its header is whole, and not before, wherever the bytes are
    /// cut: an extension might give the bit a meaning, and only the connection knows that there is none.
    fn each_reserved_bit_is_refused_once_its_header_is_whole_at_every_cut<S: Side>() {
        for bits in [0x40u8, 0x20, 0x10, 0x60, 0x50, 0x30, 0x70] {
            for b0 in [0x80, 0x00, 0x81, 0x01, 0x82, 0x02, 0x88, 0x89, 0x8a] {
                let lens: &[u64] = if b0 & 0x08 != 0 { &[0, 2, 125] } else { &[0, 5, 125, 126, 65_535, 65_536] };
                for len in lens {
                    let head = header(b0 | bits, S::peer_key(), *len);
                    // Payload does not matter: the frame need not be whole.
                    let input = [&head[..], &[0; 9][..(*len).min(9) as usize]].concat();
                    for cut in 0..input.len() {
                        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(139));
                        assert!(rx.push(&input[..cut]));
                        if cut < head.len() {
                            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
                            assert_eq!((rx.filled(), tx.len()), (&input[..cut], 0));
                            assert_eq!(connection.state(), State::Open);
                            assert!(rx.push(&input[cut..]));
                        }
                        assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
                        assert_eq!(S::sent(tx.filled()), [(0x88, C1002.to_vec())]);
                        assert!(rx.is_empty());
                        assert_eq!(connection.state(), State::Closing);
                        tx.consume(139);
                        let failed = Step::End(microws::End::Failed(ProtocolError::ReservedBits));
                        assert_eq!(connection.receive(&mut rx, &mut tx), failed);
                        assert_eq!(connection.state(), State::Closed);
                    }
                }
            }
        }
    }

    /// 5.2: the bits are refused in every frame of a message, and between its frames; the message up to there is heard.
    fn a_reserved_bit_is_refused_in_the_middle_of_a_message<S: Side>() {
        for bits in [0x40, 0x20, 0x10] {
            for (b0, payload) in [(0x00, &b"lo"[..]), (0x80, b"lo"), (0x89, b"?"), (0x8a, b""), (0x88, b"\x03\xe8")] {
                let input = S::script(&[(0x01, b"Hel"), (b0 | bits, payload)]);
                for reads in [Cuts::Whole, Cuts::Every(1)].into_iter().chain((1..input.len()).map(Cuts::At)) {
                    let run = Drive { reads, ..Drive::default() }.listen(&mut S::open(), &input);
                    assert_eq!(run.events, [Seen::part(TEXT, true, false, b"Hel")]);
                    assert_eq!(run.end, End::Failed(ProtocolError::ReservedBits));
                    assert_eq!(S::sent(&run.output), [(0x88, C1002.to_vec())]);
                }
            }
        }
    }

    /// 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
    /// Connection_."
    fn each_reserved_opcode_fails_the_connection<S: Side>() {
        for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
            for b0 in [opcode, 0x80 | opcode] {
                fails::<S>(&S::incoming(b0, b""), ProtocolError::ReservedOpcode(opcode), C1002);
            }
        }
    }

    /// 5.5: "All control frames MUST have a payload length of 125 bytes or less".
    fn a_control_frame_of_126_bytes_fails_the_connection<S: Side>() {
        for b0 in [0x88, 0x89, 0x8a] {
            for len in [126, 127, 65_535, 65_536] {
                let header = header(b0, S::peer_key(), len);
                fails::<S>(&header, ProtocolError::ControlTooLong, C1002);
                // The length need not have come.
                fails::<S>(&header[..2], ProtocolError::ControlTooLong, C1002);
            }
        }
    }

    /// 5.5: control frames "MUST NOT be fragmented".
    fn a_fragmented_control_frame_fails_the_connection<S: Side>() {
        for b0 in [0x08, 0x09, 0x0a] {
            fails::<S>(&S::incoming(b0, b""), ProtocolError::FragmentedControl, C1002);
        }
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

    /// 5.2: "in all cases, the minimal number of bytes MUST be used to encode the length".
    fn a_length_in_more_bytes_than_it_needs_fails_the_connection<S: Side>() {
        let (mask, key) = if S::MASKS { (0, &b""[..]) } else { (0x80, &b"\x01\x02\x03\x04"[..]) };
        for len in [0u16, 1, 124, 125] {
            let input = [&[0x82, mask | 126][..], &len.to_be_bytes(), key].concat();
            fails::<S>(&input, ProtocolError::LengthNotMinimal, C1002);
        }
        for len in [0u64, 125, 126, 65_534, 65_535] {
            let input = [&[0x82, mask | 127][..], &len.to_be_bytes(), key].concat();
            fails::<S>(&input, ProtocolError::LengthNotMinimal, C1002);
        }
    }

    /// 5.2: "the most significant bit MUST be 0".
    fn a_length_of_2_to_the_63_fails_the_connection<S: Side>() {
        for len in [1 << 63, (1 << 63) + 1, u64::MAX] {
            let mut input = header(0x82, S::peer_key(), len);
            fails::<S>(&input, ProtocolError::LengthTooLarge, C1002);
            // Said before the key comes.
            input.truncate(10);
            fails::<S>(&input, ProtocolError::LengthTooLarge, C1002);
        }
    }

    /// 5.2: 2^63 - 1 is a length like another; its payload passes as it comes.
    fn a_length_of_2_to_the_63_minus_1_is_received_as_it_comes<S: Side>() {
        let mut input = header(0x82, S::peer_key(), (1 << 63) - 1);
        input.extend(microws_tests::frames::masked(S::peer_key(), &[0x5a; 10_000]));
        for rx in [139, 140, 1000] {
            let run = Drive { rx, ..Drive::default() }.listen(&mut S::open(), &input);
            assert_eq!(run.end, End::WantRead);
            assert_eq!(run.events, [Seen::part(BINARY, true, false, &[0x5a; 10_000])]);
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

    /// Each message starts anew: what was checked before it says nothing about it.
    fn messages_are_checked_one_by_one<S: Side>() {
        let run = listen::<S>(&S::script(&[(0x82, b"\xe2\x82"), (0x81, b"\xac")]));
        assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
        assert_eq!(run.events, [Seen::binary(b"\xe2\x82")]);
    }

    /// The first impossible byte fails the connection, though the frame is not all there.
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

    /// A header is taken only when it is whole; until then nothing is.
    fn nothing_is_consumed_of_a_header_that_is_not_whole<S: Side>() {
        for len in [5, 126, 65_536] {
            let header = header(0x82, S::peer_key(), len);
            for cut in 0..header.len() {
                let (mut rx, mut tx) = (buffer(139), buffer(139));
                assert!(rx.push(&header[..cut]));
                assert_eq!(S::open().receive(&mut rx, &mut tx), Step::Read);
                assert_eq!(rx.filled(), &header[..cut]);
                assert!(tx.is_empty());
            }
        }
    }

    /// A control frame is taken only when it is whole; until then nothing is, and nothing is sent.
    fn nothing_is_consumed_of_a_control_frame_that_is_not_whole<S: Side>() {
        for b0 in [0x88, 0x89, 0x8a] {
            let frame = S::incoming(b0, b"\x03\xe8 the rest of 125");
            for cut in 0..frame.len() {
                let (mut rx, mut tx) = (buffer(139), buffer(139));
                assert!(rx.push(&frame[..cut]));
                let mut connection = S::open();
                for _ in 0..2 {
                    assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
                    assert_eq!(rx.filled(), &frame[..cut]);
                    assert!(tx.is_empty());
                }
            }
        }
    }

    /// The bytes of a control frame stand in `rx` as they came while its rest has not come, whatever was taken before
    /// it: nothing is unmasked, and no byte of the caller's storage is changed.
    fn a_control_frame_that_waits_for_its_rest_stands_in_rx_as_it_came<S: Side>() {
        for before in [&[][..], &[(0x81u8, &b"taken"[..])], &[(0x01, b"\xe2\x82"), (0x89, b"p")]] {
            for b0 in [0x88, 0x89, 0x8a] {
                for payload in [&b"\x03\xe8"[..], b"\x03\xe9reason", &[b'\x0f'; 125]] {
                    let frame = S::incoming(b0, payload);
                    for cut in 0..frame.len() {
                        let (mut connection, mut tx, mut storage) = (S::open(), buffer(256), [0xee; 256]);
                        let mut rx = microws::Buffer::new(&mut storage);
                        let taken = S::script(before);
                        assert!(rx.push(&taken) && rx.push(&frame[..cut]));
                        for _ in before {
                            assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(_)));
                        }
                        // The replies to these are of no interest.
                        tx.consume(256);
                        for _ in 0..3 {
                            assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
                            assert_eq!(rx.filled(), &frame[..cut]);
                            assert!(tx.is_empty());
                        }
                        let (came, rest) = storage[taken.len()..].split_at(cut);
                        assert_eq!(came, &frame[..cut]);
                        assert!(rest.iter().all(|byte| *byte == 0xee), "bytes after those that came were written");
                    }
                }
            }
        }
    }

    /// The same while it waits for room in `tx`, together with the bytes after it; then it is taken, and they stay.
    fn a_control_frame_that_waits_for_room_in_tx_stands_in_rx_as_it_came<S: Side>() {
        for (b0, payload) in [(0x89, &b"ping"[..]), (0x8a, b"pong"), (0x89, &[0x5a; 125]), (0x8a, b"")] {
            let next = S::incoming(0x81, b"next");
            let input = [&S::incoming(b0, payload)[..], &next].concat();
            let (mut connection, mut storage) = (S::open(), [0xee; 256]);
            let mut rx = microws::Buffer::new(&mut storage);
            let mut tx = buffer(256);
            assert!(rx.push(&input));
            assert!(tx.push(&[0; 256]));
            while tx.free() < S::LONGEST_REPLY {
                assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
                assert_eq!(rx.filled(), input);
                tx.consume(1);
            }
            let Step::Event(event) = connection.receive(&mut rx, &mut tx) else { panic!("no event") };
            let expected = if b0 == 0x89 { Seen::Ping(payload.to_vec()) } else { Seen::Pong(payload.to_vec()) };
            assert_eq!(Seen::of(&event), expected);
            assert_eq!(rx.filled(), next);
            // Of the frame that was taken the payload alone was changed: it was unmasked where it stood.
            let size = input.len() - next.len() - payload.len();
            assert_eq!(storage[..size], input[..size]);
            assert_eq!(storage[size..size + payload.len()], *payload);
            assert_eq!(storage[size + payload.len()..input.len()], next);
            assert!(storage[input.len()..].iter().all(|byte| *byte == 0xee));
        }
    }

    /// Room for the reply first: one byte too little in `tx` and nothing is received, whatever it is.
    fn nothing_is_received_without_room_for_a_reply<S: Side>() {
        assert_eq!(microws::Connection::<S::Role>::MAX_REPLY_LEN, S::LONGEST_REPLY);
        for b0 in [0x81, 0x89, 0x8a, 0x88, 0xf0] {
            let frame = S::incoming(b0, b"");
            let (mut rx, mut tx) = (buffer(139), buffer(139));
            assert!(tx.push(&vec![0; 139 - S::LONGEST_REPLY + 1]));
            assert!(rx.push(&frame));
            let mut connection = S::open();
            for _ in 0..2 {
                assert_eq!(connection.receive(&mut rx, &mut tx), Step::Write);
                assert_eq!(rx.filled(), frame);
                assert_eq!(tx.len(), 139 - S::LONGEST_REPLY + 1);
            }
            // With that byte it goes on: a message is an event, a fault or a close is answered.
            tx.consume(1);
            let received = connection.receive(&mut rx, &mut tx);
            assert_eq!(matches!(received, Step::Event(_)), b0 & 0x7f < 8 || matches!(b0, 0x89 | 0x8a));
        }
    }

    /// The longest ping through the smallest buffers.
    fn the_longest_ping_is_answered_from_the_smallest_buffers<S: Side>() {
        let input = S::script(&[(0x89, &[0xab; 125]), (0x89, &[0xcd; 125])]);
        let run = Drive { rx: 139, tx: 139, lazy: true, ..Drive::default() }.listen(&mut S::open(), &input);
        assert_eq!(run.events, [Seen::Ping(vec![0xab; 125]), Seen::Ping(vec![0xcd; 125])]);
        assert_eq!(S::sent(&run.output), [(0x8a, vec![0xab; 125]), (0x8a, vec![0xcd; 125])]);
    }

    /// A flood of pings against a transport that takes a byte at a time: every one is answered, in order.
    fn a_flood_of_pings_loses_no_pong<S: Side>() {
        let payloads: Vec<Vec<u8>> = (0..=255u8).map(|i| vec![i; usize::from(i) % 126]).collect();
        let input: Vec<u8> = payloads.iter().flat_map(|payload| S::incoming(0x89, payload)).collect();
        let drive = Drive { rx: 139, tx: 139, reads: Cuts::Every(97), writes: Cuts::Every(1), lazy: true, ring: 0 };
        let run = drive.listen(&mut S::open(), &input);
        let expected: Vec<(u8, Vec<u8>)> = payloads.into_iter().map(|payload| (0x8a, payload)).collect();
        assert_eq!(S::sent(&run.output), expected);
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
