//! Canonical Huffman codes, RFC 1951 section 3.2.2, decoded by counting: no table but the symbols in order of their
//! codes, and where those of each length end.

use super::inflate::{DISTANCES, Inflater, LITERALS};

/// The longest code in bits.
const MAX_BITS: usize = 15;

/// The symbols of both codes of a block, each in order of their codes; those of distances stand after the others.
pub(super) type Symbols = [u16; LITERALS + DISTANCES];

/// Where the symbols with codes of each length end, and those of the next length begin. At length 0 it is where the first
/// one stands.
pub(super) type Ends = [u16; MAX_BITS + 1];

/// No symbol.
const NONE: u16 = u16::MAX;

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Code lengths. It stands where that of literals will, which comes after it.
    Lengths,
    /// Literals and lengths of matches.
    Literals,
    Distances,
}

impl Inflater {
    /// Builds a code from the lengths of its symbols, those from `from` to `to`, 0 for a symbol without a code: whether
    /// they are valid.
    ///
    /// Over-subscribed codes are invalid. Incomplete codes are invalid too, except a single code of one bit, or no code at
    /// all, of literals or distances: "One distance code of zero bits means that there are no distance codes used at all",
    /// "If only one distance code is used, it is encoded using one bit" (section 3.2.7).
    #[inline(never)]
    pub(super) fn build(&mut self, code: Code, from: u16, to: u16) -> bool {
        let (ends, first) = match code {
            Code::Lengths | Code::Literals => (&mut self.literal_ends, 0),
            Code::Distances => (&mut self.distance_ends, LITERALS as u16),
        };
        for end in &mut *ends {
            *end = 0;
        }
        let place_of = |at: u16| self.lengths.get(usize::from(at)).map_or(0, |length| usize::from(*length));
        // How many codes there are of each length; then where the symbols of each begin.
        for at in from..to {
            if let Some(count) = ends.get_mut(place_of(at)) {
                *count = count.wrapping_add(1);
            }
        }
        ends[0] = 0;
        let (mut left, mut place) = (1u32, first);
        for end in &mut *ends {
            let count = *end;
            *end = place;
            place = place.wrapping_add(count);
            let Some(less) = left.checked_sub(u32::from(count)) else { return false };
            left = less.wrapping_mul(2);
        }
        for at in from..to {
            let length = place_of(at);
            if let (Some(end), 1..) = (ends.get_mut(length), length) {
                if let Some(slot) = self.symbols.get_mut(usize::from(*end)) {
                    *slot = at.wrapping_sub(from);
                }
                *end = end.wrapping_add(1);
            }
        }
        // All of the codes are used, or none has more than one bit.
        left == 0 || (code != Code::Lengths && ends[1] == place)
    }

    /// The next symbol of a code and how many bits it takes, as far as these are held: if they are not, the symbol has no
    /// meaning. Bits that are no code are [`NONE`], all that a code may have.
    #[inline(never)]
    pub(super) fn decode(&self, code: Code) -> (u16, u32) {
        let ends = match code {
            Code::Lengths | Code::Literals => &self.literal_ends,
            Code::Distances => &self.distance_ends,
        };
        // The bits so far, less the code of the first symbol of their length, and the place of that.
        let (mut bits, mut length, mut held) = (0u32, 0u32, self.bits.held);
        let [place, ends @ ..] = ends;
        let mut place = u32::from(*place);
        for end in ends {
            bits = bits.wrapping_mul(2) | held & 1;
            held >>= 1;
            length = length.wrapping_add(1);
            let at = place.wrapping_add(bits);
            let end = u32::from(*end);
            if at < end {
                return (self.symbols.get(at as usize).copied().unwrap_or(NONE), length);
            }
            bits = at.wrapping_sub(end);
            place = end;
        }
        (NONE, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::bits::Bits;

    /// An inflater with the code of symbols with these lengths, after another code.
    fn built(code: Code, lengths: &[u8]) -> Option<Inflater> {
        let mut inflater = Inflater::new();
        inflater.lengths[..lengths.len()].copy_from_slice(lengths);
        (inflater.literal_ends, inflater.distance_ends) = ([7; MAX_BITS + 1], [7; MAX_BITS + 1]);
        inflater.symbols = [7; LITERALS + DISTANCES];
        inflater.build(code, 0, lengths.len() as u16).then_some(inflater)
    }

    /// The next symbol of those held, which is then dropped.
    fn decoded(inflater: &mut Inflater, code: Code) -> u16 {
        let (symbol, bits) = inflater.decode(code);
        assert!(inflater.bits.drop(bits), "not held");
        symbol
    }

    #[test]
    fn the_example_of_the_rfc_is_decoded() {
        // Section 3.2.2: A to H with F 00, A 010, B 011, C 100, D 101, E 110, G 1110, H 1111.
        for (code, first) in [(Code::Lengths, 0), (Code::Literals, 0), (Code::Distances, LITERALS)] {
            let mut inflater = built(code, &[3, 3, 3, 3, 3, 2, 4, 4]).expect("a complete code");
            let ends = if code == Code::Distances { inflater.distance_ends } else { inflater.literal_ends };
            let expected = [0, 0, 1, 6, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8];
            assert_eq!(ends, expected.map(|end| end + first as u16));
            assert_eq!(inflater.symbols[first..first + 9], [5, 0, 1, 2, 3, 4, 6, 7, 7]);
            inflater.bits = Bits { held: u32::from_le_bytes([0xc8, 0xe9, 0xee, 0x01]), count: 32 };
            for expected in [5, 0, 1, 2, 3, 4, 6, 7] {
                assert_eq!(decoded(&mut inflater, code), expected);
            }
            // Of 32 bits 25 were used.
            assert_eq!((inflater.bits.count, inflater.bits.held), (7, 0));
        }
    }

    #[test]
    fn a_code_that_is_cut_is_decoded_when_the_rest_has_come() {
        let mut inflater = built(Code::Literals, &[3, 3, 3, 3, 3, 2, 4, 4]).expect("a complete code");
        // H, after six bits of others: two of its bits are in the next byte.
        inflater.bits = Bits { held: 0b11, count: 2 };
        let (_, bits) = inflater.decode(Code::Literals);
        assert!(!inflater.bits.drop(bits));
        assert_eq!((inflater.bits.held, inflater.bits.count), (0b11, 2));
        assert!(inflater.bits.read(&mut &[0x53][..]));
        assert_eq!(decoded(&mut inflater, Code::Literals), 7);
        assert_eq!((inflater.bits.held, inflater.bits.count), (0x53 >> 2, 6));
    }

    #[test]
    fn codes_are_complete_or_a_single_one_of_one_bit_or_none() {
        for (lengths, code, valid) in [
            // Complete.
            (&[1, 1][..], Code::Lengths, true),
            (&[0, 2, 1, 0, 2], Code::Lengths, true),
            (&[15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], Code::Lengths, true),
            // Over-subscribed.
            (&[1, 1, 1], Code::Lengths, false),
            (&[1, 1, 15], Code::Literals, false),
            (&[2, 1, 2, 2], Code::Distances, false),
            // Incomplete.
            (&[1, 2], Code::Lengths, false),
            (&[1, 2], Code::Literals, false),
            (&[2], Code::Distances, false),
            (&[15], Code::Distances, false),
            (&[1], Code::Lengths, false),
            (&[0, 0], Code::Lengths, false),
            // Section 3.2.7.
            (&[0, 1], Code::Distances, true),
            (&[0, 0], Code::Distances, true),
            (&[0, 1], Code::Literals, true),
        ] {
            assert_eq!(built(code, lengths).is_some(), valid, "{lengths:?}");
        }
    }

    #[test]
    fn a_code_without_a_symbol_is_unknown() {
        let mut inflater = built(Code::Distances, &[0, 1]).expect("a single code");
        inflater.bits = Bits { held: 0xff_fffe, count: 24 };
        assert_eq!(decoded(&mut inflater, Code::Distances), 1);
        // No code is longer than 15 bits, all of which have come.
        assert_eq!(inflater.decode(Code::Distances), (NONE, MAX_BITS as u32));
        let mut inflater = built(Code::Distances, &[0, 0]).expect("no code");
        inflater.bits = Bits { held: 0, count: 16 };
        assert_eq!(inflater.decode(Code::Distances), (NONE, MAX_BITS as u32));
    }
}
