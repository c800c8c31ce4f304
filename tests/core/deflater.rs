//! The deflater alone: zlib reads what it makes, in any room, and it is never longer than it says.

use hex_literal::hex;
use microws::deflate::{Deflater, MIN_TABLE_LEN, Progress};
use microws_tests::zlib::{inflate, messages};

fn deflated(deflater: &mut Deflater<'_>, message: &[u8], window_bits: u8, room: usize) -> Vec<u8> {
    deflater.begin(window_bits);
    let (mut all, mut out) = (Vec::new(), vec![0xee; room]);
    loop {
        let Progress { len, done, .. } = deflater.deflate(message, &mut out);
        all.extend(&out[..len]);
        if done {
            return all;
        }
        assert_eq!(len, room, "there was more, and room for it");
    }
}

#[test]
fn zlib_reads_every_message_in_a_window_of_every_size_and_any_room() {
    for entries in [256, 300, 4096] {
        let mut table = vec![0; entries];
        let mut deflater = Deflater::new(&mut table).unwrap();
        for window_bits in 8..=15 {
            for plain in messages() {
                let whole = deflated(&mut deflater, &plain, window_bits, 1 << 16);
                for room in [1, 2, 13, 100] {
                    assert_eq!(deflated(&mut deflater, &plain, window_bits, room), whole);
                }
                assert_eq!(inflate(&whole, window_bits, plain.len()), Some(plain.clone()), "{window_bits}");
                let fewer = (whole.len() < plain.len()).then_some(whole.len());
                assert_eq!(deflater.measure(&plain, window_bits), fewer);
            }
        }
    }
}

#[test]
fn short_messages_are_the_tokens_that_one_would_write_by_hand() {
    let mut table = [0; MIN_TABLE_LEN];
    let mut deflater = Deflater::new(&mut table).unwrap();
    let long = [b'a'; 260];
    let cases: [(&[u8], &[u8]); 6] = [
        // Four letters and a match that begins with the message; no match of three, which would save nothing.
        (b"abcdabcd", &hex!("4a 4c 4a 4e 01 61 00 00")),
        (b"abcXabc", &hex!("4a 4c 4a 8e 48 4c 4a 06 00")),
        // Matches that overlap what they make, of 5 and the longest; a letter that is left.
        (&long[..6], &hex!("4a 04 03 00 00")),
        (&long[..259], &hex!("4a 1c 05 00 00")),
        (&long, &hex!("4a 1c 05 89 00 00")),
        // Codes of eight bits and of nine.
        (b"\xff\x90\x8f\x00", &hex!("fa 3f a1 9f 01 00")),
    ];
    for (plain, expected) in cases {
        assert_eq!(deflated(&mut deflater, plain, 8, 100), expected, "{plain:02x?}");
    }
    assert_eq!(format!("{deflater:?}"), "Deflater { entries: 256, at: 4 }");
}

#[test]
fn a_message_that_fills_its_room_is_done_at_once() {
    let mut table = [0; MIN_TABLE_LEN];
    let mut deflater = Deflater::new(&mut table).unwrap();
    for plain in messages() {
        let len = deflated(&mut deflater, &plain, 15, 1 << 16).len();
        deflater.begin(15);
        let Progress { len: made, done, .. } = deflater.deflate(&plain, &mut vec![0; len]);
        assert_eq!((made, done), (len, true));
    }
}

#[test]
fn a_match_is_as_far_away_as_the_window_at_most() {
    let mut table = [0; 4096];
    let mut deflater = Deflater::new(&mut table).unwrap();
    for (bits, window) in [(8, 256), (9, 512), (12, 4096), (15, 32768), (16, 32768)] {
        for (distance, found) in [(window, true), (window + 1, false)] {
            // Ten letters between zeros, and again, the second at this distance.
            let mut plain = vec![0; distance + 20];
            plain[10..20].copy_from_slice(b"0123456789");
            let once = deflated(&mut deflater, &plain, bits, 1 << 16).len();
            plain[10 + distance..].copy_from_slice(b"0123456789");
            let twice = deflated(&mut deflater, &plain, bits, 1 << 16).len();
            assert_eq!(twice < once + 7, found, "2^{bits}, {distance}: {once}, {twice}");
        }
    }
}

#[test]
fn a_long_message_is_compressed_as_well_as_a_short_one() {
    let plain = b"the quick brown fox jumps over the lazy dog; ".repeat(5000);
    let mut table = [0; MIN_TABLE_LEN];
    let mut deflater = Deflater::new(&mut table).unwrap();
    let whole = deflated(&mut deflater, &plain, 15, 1000);
    assert!(whole.len() < plain.len() / 50, "{}", whole.len());
    assert_eq!(inflate(&whole, 15, plain.len()), Some(plain));
}

#[test]
fn an_empty_message_is_one_zero() {
    let mut table = [0; MIN_TABLE_LEN];
    let mut deflater = Deflater::new(&mut table).unwrap();
    assert_eq!(deflated(&mut deflater, b"", 15, 9), [0]);
    assert_eq!(deflater.measure(b"", 15), None);
}

#[test]
fn a_table_of_less_than_256_entries_is_no_table() {
    assert!(Deflater::new(&mut [0; MIN_TABLE_LEN - 1]).is_none());
}
