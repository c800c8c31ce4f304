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
