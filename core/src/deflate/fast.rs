//! Symbols by table instead of by counting, several to a read: for machines with memory and wide registers to spare.
//!
//! It takes over between two symbols, while there is input for a whole match and room for the longest. Where one of them
//! ends, and for codes that are longer than the tables, the steps of [`Inflater`] go on from the same bit.

use super::bits::Bits;
use super::huffman::Ends;
use super::inflate::{Inflater, MAX_RING_LEN};
use super::steps::{END_OF_BLOCK, Stage};
use crate::buffer::copy;
use crate::compact::COMPACT;

/// Whether there are tables. They take 3 KB, and the loop over them more flash than all the rest of the inflater.
pub(super) const FAST: bool = cfg!(target_pointer_width = "64") && !COMPACT;

const LITERALS: usize = if FAST { 1 << 10 } else { 0 };
const DISTANCES: usize = if FAST { 1 << 9 } else { 0 };

/// Bytes of the longest match, and one.
const ROOM: usize = 258 + 1;

/// Symbol and length of each code that is no longer than the index: 16 times the symbol and the length; 0 for a longer
/// code and for none. The index is the bits that come next, the first of them the least significant.
#[derive(Clone)]
pub(super) struct Tables {
    literals: [u16; LITERALS],
    distances: [u16; DISTANCES],
}

impl Tables {
    pub(super) const NONE: Self = Self { literals: [0; LITERALS], distances: [0; DISTANCES] };

    /// Of the codes with these lengths, and where the symbols of each end.
    #[inline]
    pub(super) fn build(&mut self, literals: (&[u8], &Ends), distances: (&[u8], &Ends)) {
        if FAST {
            fill(&mut self.literals, literals.0, literals.1);
            fill(&mut self.distances, distances.0, distances.1);
        }
    }
}

fn fill(table: &mut [u16], lengths: &[u8], ends: &Ends) {
    for slot in &mut *table {
        *slot = 0;
    }
    // The first code of each length (RFC 1951 section 3.2.2).
    let (mut next, mut code, mut place): (Ends, u16, u16) = (*ends, 0, ends[0]);
    for (first, end) in next.iter_mut().zip(ends) {
        code = code.wrapping_mul(2);
        (*first, code) = (code, code.wrapping_add(end.wrapping_sub(place)));
        place = *end;
    }
    let longest = table.len().checked_ilog2().unwrap_or(0);
    for (symbol, length) in (0u16..).zip(lengths) {
        let bits = u32::from(*length);
        let Some(code) = next.get_mut(usize::from(*length)).filter(|_| bits > 0) else { continue };
        // Codes come with their first bit first.
        let index = code.reverse_bits().wrapping_shr(16u32.wrapping_sub(bits));
        *code = code.wrapping_add(1);
        if bits <= longest {
            let entry = symbol << 4 | u16::from(*length);
            for slot in table.iter_mut().skip(usize::from(index)).step_by(1usize.wrapping_shl(bits)) {
                *slot = entry;
            }
        }
    }
}

/// Bits out of bytes, eight bytes to a read.
struct Wide<'a> {
    bytes: &'a [u8],
    /// Bytes that were read.
    read: usize,
    held: u64,
    count: u32,
}

impl Wide<'_> {
    /// Holds 56 bits or more; `false` where fewer than eight bytes are left.
    #[inline(always)]
    fn fill(&mut self) -> bool {
        let Some(next) = self.bytes.get(self.read..).and_then(<[u8]>::first_chunk) else { return false };
        self.held |= u64::from_le_bytes(*next).wrapping_shl(self.count);
        let taken = 63u32.wrapping_sub(self.count) / 8;
        self.read = self.read.wrapping_add(taken as usize);
        self.count = self.count.wrapping_add(taken.wrapping_mul(8));
        true
    }

    #[inline(always)]
    fn look_up(&self, table: &[u16]) -> (u16, u32) {
        let index = self.held as usize & table.len().wrapping_sub(1);
        let entry = table.get(index).copied().unwrap_or(0);
        (entry >> 4, u32::from(entry & 15))
    }

    #[inline(always)]
    fn drop(&mut self, n: u32) {
        self.held = self.held.wrapping_shr(n);
        self.count = self.count.wrapping_sub(n);
    }

    /// What a symbol and the extra bits after `skip` others stand for, counted from 0; and how many bits those are. See
    /// [`Inflater`]'s own.
    #[inline(always)]
    fn number(&self, symbol: u16, steps: u32, skip: u32) -> (u16, u32) {
        let bits = u32::from(symbol >> steps).saturating_sub(1);
        let first = 1u16.wrapping_shl(steps);
        let base = if symbol >> steps == 0 { symbol } else { first | (symbol & first.wrapping_sub(1)) };
        let mask = 1u64.wrapping_shl(bits).wrapping_sub(1);
        let extra = (self.held.wrapping_shr(skip) & mask) as u16;
        (base.wrapping_shl(bits).wrapping_add(extra), bits)
    }
}

impl Inflater {
    /// Makes bytes as long as it can; then the next step is due, which is that of `stage`.
    #[inline(never)]
    pub(super) fn run_fast(&mut self, input: &mut &[u8], ring: &mut [u8]) {
        let Bits { held, count } = self.bits;
        let mut bits = Wide { bytes: input, read: 0, held: u64::from(held), count };
        let len = ring.len().min(MAX_RING_LEN);
        let (start, end) = (usize::from(self.at), usize::from(self.end));
        let seen_at_start = usize::from(self.seen);
        let mut at = start;
        while at.wrapping_add(ROOM) <= end && bits.fill() {
            let (mut symbol, mut length) = bits.look_up(&self.tables.literals);
            if symbol < END_OF_BLOCK && length > 0 {
                put(ring, &mut at, symbol as u8);
                bits.drop(length);
                // There are bits for a match after a literal, and for another literal.
                (symbol, length) = bits.look_up(&self.tables.literals);
            }
            if length == 0 || symbol == END_OF_BLOCK || symbol > 285 {
                break;
            }
            if let Ok(byte) = u8::try_from(symbol) {
                put(ring, &mut at, byte);
                bits.drop(length);
                continue;
            }
            let symbol = symbol.wrapping_sub(257);
            let (number, extra) = if symbol == 28 { (255, 0) } else { bits.number(symbol, 2, length) };
            bits.drop(length.wrapping_add(extra));
            let copied = usize::from(number).wrapping_add(3);
            let (symbol, length) = bits.look_up(&self.tables.distances);
            let (number, extra) = bits.number(symbol, 1, length);
            let distance = usize::from(number).wrapping_add(1);
            let seen = seen_at_start.wrapping_add(at.wrapping_sub(start));
            if length == 0 || symbol >= 30 || distance > seen || distance > len {
                // The step for it knows what is wrong, or has the longer code.
                self.length = copied as u16;
                self.stage = Stage::Distance;
                break;
            }
            bits.drop(length.wrapping_add(extra));
            repeat(ring.get_mut(..len).unwrap_or_default(), at, distance, copied);
            at = at.wrapping_add(copied);
        }
        // Whole bytes go back, of those that were read here: the steps hold no more bits than they need.
        let back = (bits.count / 8).min(bits.read as u32);
        *input = input.get(bits.read.wrapping_sub(back as usize)..).unwrap_or_default();
        let count = bits.count.wrapping_sub(back.wrapping_mul(8));
        self.bits = Bits { held: bits.held as u32 & 1u32.wrapping_shl(count).wrapping_sub(1), count };
        let made = at.wrapping_sub(start);
        self.seen = seen_at_start.wrapping_add(made).min(MAX_RING_LEN) as u16;
        self.at = at as u16;
    }
}

#[inline(always)]
fn put(ring: &mut [u8], at: &mut usize, byte: u8) {
    if let Some(slot) = ring.get_mut(*at) {
        *slot = byte;
    }
    *at = at.wrapping_add(1);
}

/// Copies `count` bytes to `at` from `distance` before, some of which may be copied themselves (RFC 1951 section 3.2.3).
#[inline(always)]
fn repeat(ring: &mut [u8], at: usize, distance: usize, count: usize) {
    let wrapped = if at < distance { ring.len() } else { 0 };
    let from = at.wrapping_add(wrapped).wrapping_sub(distance);
    let is_apart = at.abs_diff(from) >= count && from.wrapping_add(count) <= ring.len();
    if is_apart {
        let (front, back) = ring.split_at_mut_checked(at.max(from)).unwrap_or_default();
        let (to, source) = if from < at {
            (back.get_mut(..count), front.get(from..from.wrapping_add(count)))
        } else {
            (front.get_mut(at..at.wrapping_add(count)), back.get(..count))
        };
        return copy(to.unwrap_or_default(), source.unwrap_or_default());
    }
    for i in 0..count {
        let from = from.wrapping_add(i);
        let from = if from >= ring.len() { from.wrapping_sub(ring.len()) } else { from };
        let byte = ring.get(from).copied().unwrap_or_default();
        if let Some(slot) = ring.get_mut(at.wrapping_add(i)) {
            *slot = byte;
        }
    }
}

#[cfg(all(test, target_pointer_width = "64", not(feature = "compact")))]
mod tests {
    use super::super::Deflater;
    use super::*;

    /// What bits stand for that come least significant first, in the fixed code of RFC 1951 section 3.2.6: 16 times the symbol
    /// and how many bits it takes.
    fn fixed(bits: usize) -> u16 {
        let code = |len: u32| (0..len).fold(0, |code, i| code << 1 | (bits >> i & 1) as u16);
        let (symbol, len) = match (code(7), code(8), code(9)) {
            (seven @ ..0b001_1000, ..) => (256 + seven, 7),
            (_, eight @ 0b0011_0000..0b1100_0000, _) => (eight - 0b0011_0000, 8),
            (_, eight @ 0b1100_0000..0b1100_1000, _) => (280 + eight - 0b1100_0000, 8),
            (.., nine) => (144 + nine - 0b1_1001_0000, 9),
        };
        symbol << 4 | len
    }

    /// Lengths of codes, and where the symbols of each end.
    fn counted<const N: usize>(lengths: [u8; N]) -> ([u8; N], Ends) {
        let up_to = |longest| lengths.iter().filter(|length| (1..=longest).contains(*length)).count();
        (lengths, core::array::from_fn(|length| 100 + up_to(length as u8) as u16))
    }

    #[test]
    fn the_tables_of_the_fixed_code_have_what_the_rfc_says_at_every_index() {
        let literals = counted(core::array::from_fn::<u8, 288, _>(|symbol| match symbol {
            ..144 => 8,
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        }));
        let distances = counted([5; 32]);
        let mut tables = Tables { literals: [0xffff; LITERALS], distances: [0xffff; DISTANCES] };
        tables.build((&literals.0, &literals.1), (&distances.0, &distances.1));
        for (index, entry) in tables.literals.iter().enumerate() {
            assert_eq!(*entry, fixed(index), "{index:010b}");
        }
        for (index, entry) in tables.distances.iter().enumerate() {
            let symbol = (0..5).fold(0, |code, i| code << 1 | (index >> i & 1) as u16);
            assert_eq!(*entry, symbol << 4 | 5, "{index:09b}");
        }
    }

    #[test]
    fn a_code_that_is_longer_than_the_table_is_not_in_it_nor_is_a_symbol_without_one() {
        // 0, 10, none, and two of three bits.
        let (lengths, ends) = counted([1, 2, 0, 3, 3]);
        let mut table = [0xffff; 4];
        fill(&mut table, &lengths, &ends);
        // Least significant bit first: 00 and 10 begin with the code 0, 01 is the code 10, and 11 begins longer ones.
        assert_eq!(table, [1, 1 << 4 | 2, 1, 0]);
        let mut larger = [0xffff; 8];
        fill(&mut larger, &lengths, &ends);
        assert_eq!(larger, [1, 1 << 4 | 2, 1, 3 << 4 | 3, 1, 1 << 4 | 2, 1, 4 << 4 | 3]);
    }

    #[test]
    fn eight_bytes_are_read_at_a_time_and_no_bit_is_lost() {
        let bytes: [u8; 40] = core::array::from_fn(|i| (i * 37 + 11) as u8);
        let bit = |n: usize| u64::from(bytes[n / 8] >> (n % 8) & 1);
        for step in 1..=48 {
            let mut bits = Wide { bytes: &bytes, read: 0, held: 0, count: 0 };
            let mut at = 0;
            while bits.fill() {
                assert!((56..64).contains(&bits.count), "{} bits", bits.count);
                for n in 0..bits.count as usize {
                    assert_eq!(bits.held >> n & 1, bit(at + n), "bit {}", at + n);
                }
                bits.drop(step);
                at += step as usize;
            }
            assert_eq!(bits.read * 8, at + bits.count as usize);
            assert!(bytes.len() - bits.read < 8, "{} bytes are left", bytes.len() - bits.read);
        }
    }

    #[test]
    fn a_whole_message_but_its_end_goes_by_tables() {
        // Literals of eight bits and of nine, matches near and far, some over what they make; literals at the end.
        let mut plain = [0; 2600];
        for (i, byte) in plain.iter_mut().enumerate() {
            *byte = match i % 500 {
                ..100 => (i * i / 7) as u8,
                100..300 => b"near, near and "[i % 15],
                _ => (i % 3) as u8 * 100,
            };
        }
        let (mut table, mut packed) = ([0; 1024], [0; 4096]);
        let mut deflater = Deflater::new(&mut table).unwrap();
        deflater.begin(15);
        let made = deflater.deflate(&plain, &mut packed);
        assert!(made.done);

        for start in [0, 4_500, 5_900] {
            let (mut inflater, mut ring) = (Inflater::new(), [0; 6_000]);
            (inflater.at, inflater.end) = (start, 6_000);
            let mut input = &packed[..made.len];
            while inflater.stage != Stage::Symbol {
                assert!(inflater.step(&mut input, &mut ring).is_ok());
            }
            inflater.run_fast(&mut input, &mut ring);
            let end = usize::from(inflater.at);
            if start == 0 {
                assert!(input.len() < 16, "{} bytes were left", input.len());
                assert!(end + 16 > plain.len(), "{end} bytes were made");
            } else {
                assert!(end + ROOM > ring.len() && end <= ring.len(), "until {end}");
            }
            let start = usize::from(start);
            assert_eq!(ring[start..end], plain[..end - start]);
            assert_eq!(usize::from(inflater.seen), end - start);
        }
    }

    /// An inflater after `seen` bytes, of which the last stands before `at`, and after the header of a block with the fixed
    /// code; and the rest of that, with more bytes to come.
    fn start(block: &[u8], ring: &mut [u8], seen: u16, at: u16) -> (Inflater, std::vec::Vec<u8>) {
        let mut inflater = Inflater::new();
        (inflater.seen, inflater.at, inflater.end) = (seen, at, ring.len() as u16);
        let (mut header, rest) = block.split_at(1);
        while inflater.stage != Stage::Symbol {
            assert!(inflater.step(&mut header, ring).is_ok());
        }
        (inflater, [rest, &[0; 8]].concat())
    }

    fn run(block: &[u8], ring: &mut [u8], seen: u16, at: u16) -> Inflater {
        let (mut inflater, input) = start(block, ring, seen, at);
        inflater.run_fast(&mut &*input, ring);
        inflater
    }

    #[test]
    fn a_letter_and_the_longest_match_after_it_go_by_tables_where_there_is_room_for_both() {
        for (room, made) in [(ROOM - 1, 0), (ROOM, ROOM)] {
            let mut ring = [0; ROOM];
            let inflater = run(&[0x4a, 0x1c, 0x05], &mut ring[..room], 0, 0);
            assert_eq!((inflater.stage, usize::from(inflater.at)), (Stage::Symbol, made));
            assert_eq!(ring[..made], [b'a'; ROOM][..made]);
        }
    }

    #[test]
    fn a_match_goes_by_tables_from_as_far_back_as_there_are_bytes_in_the_ring() {
        let cases = [
            // Three bytes from 256 back, and from 257.
            ([0x02, 0xfa, 0x1f], 256, true),
            ([0x02, 0x06, 0x00], 256, false),
            // From 600 back, and from 601, of which the ring has 600.
            ([0x02, 0xa6, 0x2b], 600, true),
            ([0x02, 0xa6, 0x2b], 1000, true),
            ([0x02, 0x26, 0x2c], 600, false),
            ([0x02, 0x26, 0x2c], 1000, false),
        ];
        for (block, seen, made) in cases {
            let before: [u8; 600] = core::array::from_fn(|i| (i * 7 / 3) as u8);
            let mut ring = before;
            let inflater = run(&block, &mut ring, seen, 300);
            if made {
                assert_eq!((inflater.stage, inflater.at), (Stage::Symbol, 303), "{block:02x?}, {seen}");
                let from = if seen == 256 { 44 } else { 300 };
                assert_eq!(ring[300..303], before[from..from + 3]);
            } else {
                // The steps say what is wrong.
                let found = (inflater.stage, inflater.length, inflater.at);
                assert_eq!(found, (Stage::Distance, 3, 300), "{block:02x?}, {seen}");
                assert_eq!(ring, before);
            }
        }
    }

    #[test]
    fn symbols_that_never_occur_are_left_to_the_steps() {
        // After a letter, 286 and 287.
        for last in [0x03, 0x07] {
            let mut ring = [0; 600];
            let inflater = run(&[0x4a, 0x1c, last], &mut ring, 0, 0);
            assert_eq!((inflater.stage, inflater.at, inflater.seen), (Stage::Symbol, 1, 1));
        }
    }

    #[test]
    fn a_distance_whose_code_is_longer_than_the_table_is_left_to_the_steps() {
        let mut ring = [0; 600];
        // A letter, a length of 3, and ten ones: the last of codes of 1 to 10 bits, the longest of which are two.
        let (mut inflater, input) = start(&[0x4a, 0x04, 0xfe, 0x0f], &mut ring, 0, 0);
        let (lengths, counts) = counted([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]);
        fill(&mut inflater.tables.distances, &lengths, &counts);
        inflater.run_fast(&mut &*input, &mut ring);
        assert_eq!((inflater.stage, inflater.length, inflater.at), (Stage::Distance, 3, 1));
    }
}
