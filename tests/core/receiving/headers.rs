//! Headers: masks, reserved bits and opcodes, lengths.

use microws::{ProtocolError, State, Step};
use microws_tests::frames::header;
use microws_tests::{Cuts, Drive, End, Seen, Side, buffer, in_both_roles};

use crate::{BINARY, C1002, TEXT, fails};

in_both_roles! {
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
}
