//! Bits out of bytes that come in any pieces, RFC 1951 section 3.1.1: the least significant bit of a byte comes first.

/// Bits that were read and not yet used: fewer than eight between two uses, so no byte is read too early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub(super) held: u32,
    pub(super) count: u32,
}

impl Bits {
    pub(super) const NONE: Self = Self { held: 0, count: 0 };

    /// Reads one more byte, where fewer than 17 bits are held: whether there was one.
    #[inline(always)]
    pub(super) fn read(&mut self, input: &mut &[u8]) -> bool {
        let [byte, rest @ ..] = *input else { return false };
        *input = rest;
        self.held |= u32::from(*byte).wrapping_shl(self.count);
        self.count = self.count.wrapping_add(8);
        true
    }

    /// The next `n` bits as a number, at most 16; those that are not held count as 0.
    #[inline(always)]
    pub(super) const fn peek(&self, n: u32) -> u16 {
        (self.held & 1u32.wrapping_shl(n).wrapping_sub(1)) as u16
    }

    /// Drops `n` bits if so many are held: whether they were.
    #[inline(always)]
    pub(super) const fn drop(&mut self, n: u32) -> bool {
        if n > self.count {
            return false;
        }
        self.held = self.held.wrapping_shr(n);
        self.count = self.count.wrapping_sub(n);
        true
    }

    /// Drops what is left of a byte.
    pub(super) const fn align(&mut self) {
        *self = Self::NONE;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
