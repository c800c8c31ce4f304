//! What a hostile peer may send.

use hex_literal::hex;
use microws::{MessageKind, ProtocolError};
use microws_tests::zlib::Compressor;
use microws_tests::{Drive, End, Seen, Side, in_both_roles};

use crate::receiving::{everywhere, open};

fn deflated(plain: &[u8]) -> Vec<u8> {
    Compressor::new(9, 15, zlib_rs::Strategy::Default).message(plain)
}

/// The code of the close frame that was sent last.
fn code<S: Side>(output: &[u8]) -> u16 {
    let (b0, payload) = S::sent(output).pop().unwrap();
    assert_eq!(b0, 0x88);
    u16::from_be_bytes([payload[0], payload[1]])
}

in_both_roles! {
    fn rsv1_stands_on_the_first_frame_of_a_message_that_may_be_compressed_and_nowhere_else<S: Side>() {
        let hello = hex!("f2 48 cd c9 c9 07 00");
        let cases: [&[(u8, &[u8])]; 7] = [
            // A continuation; ping, pong and close; RSV2 and RSV3, alone and beside it.
            &[(0x41, &hello[..3]), (0xc0, &hello[3..])],
            &[(0xc9, b"")],
            &[(0xca, b"")],
            &[(0xc8, b"")],
            &[(0xa1, b"")],
            &[(0x91, b"")],
            &[(0xe1, &hello)],
        ];
        for case in cases {
            let run = Drive { ring: 256, ..Drive::default() }.listen(&mut open::<S>(), &S::script(case));
            assert_eq!(run.end, End::Failed(ProtocolError::ReservedBits), "{case:02x?}");
            assert_eq!(code::<S>(&run.output), 1002);
        }
        // Without negotiation.
        let run = Drive { ring: 256, ..Drive::default() }.listen(&mut S::open(), &S::script(&[(0xc1, &hello)]));
        assert_eq!(run.end, End::Failed(ProtocolError::ReservedBits));
        // A message inside a compressed one.
        let inside = S::script(&[(0x41, &hello[..3]), (0xc1, &hello)]);
        let run = everywhere::<S>(256, &inside, open::<S>);
        assert_eq!(run.end, End::Failed(ProtocolError::ExpectedContinuation));
    }

    fn a_bomb_stops_at_the_limit_before_it_is_inflated<S: Side>() {
        let bomb = deflated(&vec![0; 1 << 20]);
        let input = S::script(&[(0xc2, &bomb)]);
        for limit in [0, 1, 255, 256, 257, 1000, 65_536] {
            let mut connection = open::<S>().max_message_len(limit);
            let run = Drive { ring: 256, rx: 200, ..Drive::default() }.listen(&mut connection, &input);
            assert_eq!(run.end, End::Failed(ProtocolError::MessageTooBig));
            assert_eq!(code::<S>(&run.output), 1009);
            let heard: usize = run.events.iter().map(|event| match event {
                Seen::Data { payload, .. } => payload.len(),
                other => panic!("{other:?}"),
            }).sum();
            assert_eq!(heard as u64, limit);
        }
        // Exactly as long as the limit, it is a message.
        let input = S::script(&[(0xc2, &deflated(&[7; 600]))]);
        let run = everywhere::<S>(256, &input, || open::<S>().max_message_len(600));
        assert_eq!(run.events, [Seen::binary(&[7; 600])]);
        let run = everywhere::<S>(256, &input, || open::<S>().max_message_len(599));
        assert_eq!(run.end, End::Failed(ProtocolError::MessageTooBig));
    }

    fn garbage_ends_in_1007_after_what_was_good<S: Side>() {
        let cases: [(&[u8], &[u8]); 6] = [
            (&hex!("06"), b""),
            (&hex!("f2 48 cd c9 c9 07 06"), b"Hello"),
            (&hex!("00 05 00 fb ff 48 65 6c 6c 6f 00"), b""),
            // Cut off: in a block, before the last byte, empty.
            (&hex!("f2 48 cd c9"), b"Hel"),
            (&hex!("f2 48 cd c9 c9 07"), b"Hello"),
            (b"", b""),
        ];
        for (payload, good) in cases {
            let run = everywhere::<S>(256, &S::script(&[(0xc1, payload)]), open::<S>);
            assert_eq!(run.end, End::Failed(ProtocolError::InvalidDeflate), "{payload:02x?}");
            assert_eq!(code::<S>(&run.output), 1007);
            let heard = if good.is_empty() { vec![] } else { vec![Seen::part(MessageKind::Text, true, false, good)] };
            assert_eq!(run.events, heard, "{payload:02x?}");
        }
    }

    fn text_is_checked_after_inflating_up_to_the_first_impossible_byte<S: Side>() {
        for (plain, good) in [
            (&b"caf\xc3\xa9 \xff and more"[..], &b"caf\xc3\xa9 "[..]),
            (b"\xe2\x82", b"\xe2\x82"),
            (b"\xff", b""),
        ] {
            let input = S::script(&[(0xc1, &deflated(plain))]);
            let run = everywhere::<S>(256, &input, open::<S>);
            assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
            assert_eq!(code::<S>(&run.output), 1007);
            let heard = if good.is_empty() { vec![] } else { vec![Seen::part(MessageKind::Text, true, false, good)] };
            assert_eq!(run.events, heard);
        }
    }

    fn a_message_that_reaches_beyond_the_ring_ends_in_1009_and_says_what_helps<S: Side>() {
        let plain = [&(0..=255).collect::<Vec<u8>>()[..], &[7; 144]].concat().repeat(2);
        let input = S::script(&[(0xc2, &deflated(&plain))]);
        let run = Drive { ring: 256, ..Drive::default() }.listen(&mut open::<S>(), &input);
        assert_eq!(run.end, End::Failed(ProtocolError::RingTooSmall(400)));
        assert_eq!(code::<S>(&run.output), 1009);
        let words = "a compressed message that reaches 400 bytes back: the inflater needs a larger ring";
        assert_eq!(ProtocolError::RingTooSmall(400).to_string(), words);
        let run = Drive { ring: 512, ..Drive::default() }.listen(&mut open::<S>(), &input);
        assert_eq!(run.events, [Seen::binary(&plain)]);
    }

    fn endless_empty_blocks_and_frames_take_no_memory_and_no_stack<S: Side>() {
        let mut script: Vec<(u8, &[u8])> = vec![(0x41, &[0x00, 0x00, 0x00, 0xff, 0xff])];
        script.extend([(0x00, &[0x00, 0x00, 0x00, 0xff, 0xff][..]), (0x00, b"")].repeat(20_000));
        script.push((0x80, &[0x00]));
        let run = Drive { ring: 256, rx: 1 << 20, ..Drive::default() }.listen(&mut open::<S>(), &S::script(&script));
        assert_eq!(run.events, [Seen::text("")]);
        let mut limited = open::<S>().max_fragments(100);
        let run = Drive { ring: 256, ..Drive::default() }.listen(&mut limited, &S::script(&script));
        assert_eq!(run.end, End::Failed(ProtocolError::TooManyFragments));
    }
}
