//! The deflater alone: zlib reads what it makes, in any room, and it is never longer than it says.

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
