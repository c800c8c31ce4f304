//! Control frames, and the replies to them.

use microws::{ProtocolError, Step};
use microws_tests::frames::header;
use microws_tests::{Cuts, Drive, Seen, Side, buffer, in_both_roles};

use crate::{BINARY, C1002, TEXT, fails, hears, listen};

in_both_roles! {
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
}
