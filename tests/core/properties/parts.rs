//! Headers, masks, text and buffers by themselves.

use std::collections::VecDeque;

use microws::frame::{Header, MAX_HEADER_LEN, Opcode};
use microws::{Buffer, MIN_CAPACITY, Mask, ProtocolError, Validator};
use microws_tests::Cuts;
use proptest::collection::vec;
use proptest::prelude::*;

fn opcode() -> impl Strategy<Value = Opcode> {
    prop_oneof![
        Just(Opcode::Continuation),
        Just(Opcode::Text),
        Just(Opcode::Binary),
        Just(Opcode::Close),
        Just(Opcode::Ping),
        Just(Opcode::Pong),
    ]
}

/// Lengths of every form, and their edges more often than at random.
fn len() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=125u64,
        126..=65_535u64,
        65_536..=u64::MAX,
        prop::sample::select(vec![0, 125, 126, 65_535, 65_536, (1 << 63) - 1, 1 << 63])
    ]
}

proptest! {
    #[test]
    fn a_header_that_exists_is_decoded_as_it_was_encoded(
        fin: bool, reserved in 0..8u8, opcode in opcode(), mask: Option<[u8; 4]>, len in len(),
        after in vec(any::<u8>(), 0..5)
    ) {
        let Ok(header) = Header::new(fin, opcode, mask, len) else {
            prop_assert!(len >= 1 << 63 || (opcode.is_control() && (!fin || len > 125)));
            return Ok(());
        };
        prop_assert_eq!(header.reserved(), 0);
        let header = header.with_reserved(reserved);
        let mut bytes = [0xee; MAX_HEADER_LEN];
        let size = header.encode(&mut bytes).unwrap();
        prop_assert_eq!(size, header.encoded_len());
        prop_assert_eq!(&bytes[..size], &microws_tests::frames::header(
            (u8::from(fin) << 7) | (reserved << 4) | opcode as u8, mask, len)[..]);
        // A byte less is no room, and changes nothing; nor is a byte less a header.
        let mut short = vec![0xee; size - 1];
        prop_assert_eq!(header.encode(&mut short), None);
        prop_assert_eq!(short, vec![0xee; size - 1]);
        for cut in 0..size {
            prop_assert_eq!(Header::decode(&bytes[..cut]), Ok(None));
        }
        let input = [&bytes[..size], &after[..]].concat();
        prop_assert_eq!(Header::decode(&input), Ok(Some((header, size))));
        prop_assert_eq!((header.fin(), header.reserved(), header.opcode()), (fin, reserved, opcode));
        prop_assert_eq!((header.mask(), header.payload_len()), (mask, len));
    }

    /// What is decoded at all is encoded to the bytes it came from: there is one way to write a header.
    #[test]
    fn bytes_that_are_a_header_are_its_only_encoding(bytes in vec(any::<u8>(), 0..20)) {
        if let Ok(Some((header, size))) = Header::decode(&bytes) {
            let mut out = [0; MAX_HEADER_LEN];
            prop_assert_eq!(header.encode(&mut out), Some(size));
            prop_assert_eq!(&out[..size], &bytes[..size]);
        }
    }

    /// More bytes never change what fewer have decided.
    #[test]
    fn what_a_header_is_does_not_depend_on_what_follows(bytes in vec(any::<u8>(), 0..20), cut in 0usize..20) {
        let cut = cut.min(bytes.len());
        match Header::decode(&bytes[..cut]) {
            Ok(None) => {}
            decided => prop_assert_eq!(Header::decode(&bytes), decided),
        }
    }

    #[test]
    fn masking_in_any_pieces_is_masking_as_printed(
        payload in vec(any::<u8>(), 0..200), key: [u8; 4], seed: u64
    ) {
        let mut masked = payload.clone();
        let (mut mask, mut cuts) = (Mask::new(key), Cuts::random(seed, 40));
        let mut rest = &mut masked[..];
        while !rest.is_empty() {
            let n = cuts.size().min(rest.len());
            let (now, later) = rest.split_at_mut(n);
            mask.apply(now);
            rest = later;
        }
        prop_assert_eq!(masked, microws_tests::frames::masked(Some(key), &payload));
    }

    #[test]
    fn text_in_any_pieces_is_judged_as_by_the_standard_library(
        text in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            vec(any::<u8>(), 0..200),
            // Mostly text, with one byte changed.
            (any::<String>(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
                let mut text = text.into_bytes();
                if !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = byte;
                }
                text
            }),
        ],
        seed: u64,
    ) {
        let (mut validator, mut cuts, mut at) = (Validator::new(), Cuts::random(seed, 50), 0);
        let mut valid = Ok(());
        while at < text.len() && valid.is_ok() {
            let end = text.len().min(at + cuts.size());
            valid = validator.feed(&text[at..end]).map_err(|n| at + n);
            at = end;
        }
        match std::str::from_utf8(&text) {
            Ok(_) => prop_assert!(valid.is_ok() && validator.is_complete()),
            Err(error) if error.error_len().is_none() => prop_assert!(valid.is_ok() && !validator.is_complete()),
            Err(error) => {
                // The standard library names the start of the bad sequence, we the byte that spoils it.
                let first = error.valid_up_to()..error.valid_up_to() + 4;
                prop_assert!(valid.is_err_and(|at| first.contains(&at)));
            }
        }
    }

    /// A buffer is a queue of bytes with a bound.
    #[test]
    fn a_buffer_is_a_queue(
        capacity in MIN_CAPACITY..200, steps in vec((0..5u8, 0..250usize), 0..60)
    ) {
        let mut storage = vec![0; capacity];
        let mut buffer = Buffer::from_slice(&mut storage).unwrap();
        let (mut queue, mut next) = (VecDeque::new(), 0u8);
        let mut bytes = |n: usize| -> Vec<u8> { (0..n).map(|_| { next = next.wrapping_add(1); next }).collect() };
        for (step, n) in steps {
            match step {
                0 => {
                    buffer.consume(n);
                    queue.drain(..n.min(queue.len()));
                }
                1 => {
                    let new = bytes(n);
                    let fits = n <= capacity - queue.len();
                    prop_assert_eq!(buffer.push(&new), fits);
                    if fits { queue.extend(new); }
                }
                2 => {
                    let (a, b) = (bytes(n / 2), bytes(n - n / 2));
                    let fits = n <= capacity - queue.len();
                    prop_assert_eq!(buffer.push_all(&[&a, &b]), fits);
                    if fits { queue.extend(a); queue.extend(b); }
                }
                3 => {
                    let spare = buffer.spare();
                    prop_assert_eq!(spare.len(), capacity - queue.len());
                    let new = bytes(n.min(spare.len()));
                    spare[..new.len()].copy_from_slice(&new);
                    buffer.commit(new.len());
                    queue.extend(new);
                }
                _ => {
                    // More than there is room for counts as all of it.
                    let spare = buffer.spare();
                    let new = bytes(spare.len());
                    spare.copy_from_slice(&new);
                    buffer.commit(spare_len_and_more(new.len(), n));
                    queue.extend(new);
                }
            }
            prop_assert_eq!(buffer.filled(), queue.make_contiguous() as &[u8]);
            prop_assert_eq!(buffer.len(), queue.len());
            prop_assert_eq!(buffer.free(), capacity - queue.len());
            prop_assert_eq!(buffer.is_empty(), queue.is_empty());
            prop_assert_eq!(buffer.capacity(), capacity);
        }
    }
}

/// 5.2: RSV1, RSV2 and RSV3 are kept as they come and written as they are set: whether they may be set, an extension
/// decides, and not the header.
#[test]
fn a_header_keeps_each_reserved_bit() {
    for (bytes, reserved) in [
        (&b"\x81\x05"[..], 0),
        (b"\xc1\x05", 4),
        (b"\xa1\x05", 2),
        (b"\x91\x05", 1),
        (b"\xf1\x05", 7),
        (b"\xd0\x85\x37\xfa\x21\x3d", 5),
        (b"\x42\x7e\x01\x00", 4),
        (b"\x20\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04", 2),
        (b"\xf9\x00", 7),
        (b"\xca\x7d", 4),
        (b"\x98\x82\x01\x02\x03\x04", 1),
    ] {
        let (header, size) = Header::decode(bytes).unwrap().unwrap();
        assert_eq!((header.reserved(), size), (reserved, bytes.len()));
        let encoded = |header: Header| {
            let mut out = [0; MAX_HEADER_LEN];
            let size = header.encode(&mut out).unwrap();
            out[..size].to_vec()
        };
        assert_eq!(encoded(header), bytes);
        // The bits are set anew, the rest stays; a byte has no more than these three.
        let plain = header.with_reserved(0);
        assert_eq!(encoded(plain), [&[bytes[0] & 0x8f], &bytes[1..]].concat());
        assert_eq!(plain.reserved(), 0);
        assert_eq!(plain.with_reserved(reserved), header);
        assert_eq!(plain.with_reserved(0xf8 | reserved), header);
        assert_eq!(plain.with_reserved(7).with_reserved(reserved), header);
        assert_eq!(plain.with_reserved(7).encoded_len(), header.encoded_len());
    }
    // Other faults of a header are reported as without the bits.
    for (bytes, error) in [
        (&b"\xf3\x00"[..], ProtocolError::ReservedOpcode(3)),
        (b"\x79\x00", ProtocolError::FragmentedControl),
        (b"\xf9\x7e", ProtocolError::ControlTooLong),
        (b"\xf2\x7e\x00\x7d", ProtocolError::LengthNotMinimal),
        (b"\xf2\x7f\x80\0\0\0\0\0\0\0", ProtocolError::LengthTooLarge),
    ] {
        assert_eq!(Header::decode(bytes), Err(error));
    }
}

/// The smallest buffer is as small as that, and no smaller.
#[test]
fn a_buffer_holds_at_least_one_whole_control_frame() {
    assert_eq!(MIN_CAPACITY, 14 + 125);
    assert!(Buffer::from_slice(&mut [0; MIN_CAPACITY]).is_some());
    assert!(Buffer::from_slice(&mut [0; MIN_CAPACITY - 1]).is_none());
    assert!(Buffer::from_slice(&mut []).is_none());
}

fn spare_len_and_more(len: usize, more: usize) -> usize {
    if more.is_multiple_of(3) { usize::MAX } else { len + more }
}
