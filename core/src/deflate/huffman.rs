//! Canonical Huffman codes, RFC 1951 section 3.2.2, decoded by counting: no table but the symbols in order of their
//! codes, and how many codes there are of each length.

use super::bits::Bits;

/// The longest code in bits.
pub(super) const MAX_BITS: usize = 15;

/// How many codes there are of each length; those of length 0 are not counted.
pub(super) type Counts = [u16; MAX_BITS + 1];

/// Builds the code from the length of each symbol's code, 0 for a symbol without one: whether the lengths are valid.
///
/// Over-subscribed codes are invalid. Incomplete codes are invalid too, except a single code of one bit, or no code at
/// all, where `may_be_single`: "One distance code of zero bits means that there are no distance codes used at all", "If only
/// one distance code is used, it is encoded using one bit" (section 3.2.7).
#[inline(never)]
pub(super) fn build(lengths: &[u8], counts: &mut Counts, symbols: &mut [u16], may_be_single: bool) -> bool {
    for count in &mut *counts {
        *count = 0;
    }
    for length in lengths {
        if let (Some(count), 1..) = (counts.get_mut(usize::from(*length)), *length) {
            *count = count.wrapping_add(1);
        }
    }
    // The codes that are left at each length, and the place of the first symbol of each.
    let (mut left, mut place, mut longest) = (1u16, 0u16, 0u8);
    let mut places: Counts = [0; MAX_BITS + 1];
    for ((place_of_length, count), length) in places.iter_mut().zip(&*counts).zip(0u8..) {
        *place_of_length = place;
        place = place.wrapping_add(*count);
        if length > 0 {
            left = left.wrapping_mul(2);
        }
        if *count > left {
            return false;
        }
        left = left.wrapping_sub(*count);
        if *count > 0 {
            longest = length;
        }
    }
    for (symbol, length) in (0u16..).zip(lengths) {
        if let (Some(place), 1..) = (places.get_mut(usize::from(*length)), *length) {
            if let Some(slot) = symbols.get_mut(usize::from(*place)) {
                *slot = symbol;
            }
            *place = place.wrapping_add(1);
        }
    }
    left == 0 || (may_be_single && longest <= 1)
}

/// What a code stands for.
pub(super) enum Decoded {
    Symbol(u16),
    /// The code is incomplete: nothing was used.
    Incomplete,
    /// No symbol has this code.
    Unknown,
}

/// Decodes the next symbol.
#[inline(never)]
pub(super) fn decode(bits: &mut Bits, input: &mut &[u8], counts: &Counts, symbols: &[u16]) -> Decoded {
    // The code so far, less the first code of its length; and the place of that code's symbol.
    let (mut code, mut place) = (0u16, 0u16);
    for (count, length) in counts.iter().skip(1).zip(1u8..) {
        if !bits.hold(length, input) {
            return Decoded::Incomplete;
        }
        code |= bits.peek(length.wrapping_sub(1));
        if code < *count {
            bits.drop(length);
            let symbol = symbols.get(usize::from(place.wrapping_add(code)));
            return symbol.map_or(Decoded::Unknown, |symbol| Decoded::Symbol(*symbol));
        }
        code = code.wrapping_sub(*count).wrapping_mul(2);
        place = place.wrapping_add(*count);
    }
    Decoded::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of symbols with these lengths.
    fn built(lengths: &[u8], may_be_single: bool) -> Option<(Counts, [u16; 8])> {
        // What a code before has left.
        let (mut counts, mut symbols) = ([7; MAX_BITS + 1], [7; 8]);
        build(lengths, &mut counts, &mut symbols, may_be_single).then_some((counts, symbols))
    }

    #[test]
    fn the_example_of_the_rfc_is_decoded() {
        // Section 3.2.2: A to H with F 00, A 010, B 011, C 100, D 101, E 110, G 1110, H 1111.
        let (counts, symbols) = built(&[3, 3, 3, 3, 3, 2, 4, 4], false).expect("a complete code");
        assert_eq!(counts, [0, 0, 1, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(symbols, [5, 0, 1, 2, 3, 4, 6, 7]);
        let (mut bits, mut input) = (Bits::NONE, &[0xc8, 0xe9, 0xee, 0x01][..]);
        for expected in [5, 0, 1, 2, 3, 4, 6, 7] {
            let decoded = decode(&mut bits, &mut input, &counts, &symbols);
            assert!(matches!(decoded, Decoded::Symbol(symbol) if symbol == expected), "{expected}");
        }
        // Of 32 bits 25 were used.
        assert_eq!((bits.count, bits.held, input), (7, 0, &[][..]));
    }

    #[test]
    fn a_code_that_is_cut_is_decoded_when_the_rest_has_come() {
        let (counts, symbols) = built(&[3, 3, 3, 3, 3, 2, 4, 4], false).expect("a complete code");
        // H, after six bits of others: two of its bits are in the next byte.
        let mut bits = Bits { held: 0b11, count: 2 };
        assert!(matches!(decode(&mut bits, &mut &[][..], &counts, &symbols), Decoded::Incomplete));
        assert_eq!((bits.held, bits.count), (0b11, 2));
        assert!(matches!(decode(&mut bits, &mut &[0x53][..], &counts, &symbols), Decoded::Symbol(7)));
        assert_eq!((bits.held, bits.count), (0x53 >> 2, 6));
    }

    #[test]
    fn codes_are_complete_or_a_single_one_of_one_bit_or_none() {
        for (lengths, may_be_single, valid) in [
            // Complete.
            (&[1, 1][..], false, true),
            (&[0, 2, 1, 0, 2], false, true),
            (&[15, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], false, true),
            // Over-subscribed.
            (&[1, 1, 1], false, false),
            (&[1, 1, 15], true, false),
            (&[2, 1, 2, 2], true, false),
            // Incomplete.
            (&[1, 2], false, false),
            (&[1, 2], true, false),
            (&[2], true, false),
            (&[15], true, false),
            (&[1], false, false),
            (&[0, 0], false, false),
            // Section 3.2.7.
            (&[0, 1], true, true),
            (&[0, 0], true, true),
        ] {
            assert_eq!(built(lengths, may_be_single).is_some(), valid, "{lengths:?}, {may_be_single}");
        }
    }

    #[test]
    fn a_code_without_a_symbol_is_unknown() {
        let (counts, symbols) = built(&[0, 1], true).expect("a single code");
        let (mut bits, mut input) = (Bits::NONE, &[0b1111_1110, 0xff, 0xff][..]);
        assert!(matches!(decode(&mut bits, &mut input, &counts, &symbols), Decoded::Symbol(1)));
        // No code is longer than 15 bits, all of which have come.
        assert!(matches!(decode(&mut bits, &mut input, &counts, &symbols), Decoded::Unknown));
        let (counts, symbols) = built(&[0, 0], true).expect("no code");
        assert!(matches!(decode(&mut bits, &mut &[0, 0][..], &counts, &symbols), Decoded::Unknown));
    }
}
