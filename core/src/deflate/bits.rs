//! Bits out of bytes that come in any pieces, RFC 1951 section 3.1.1: the least significant bit of a byte comes first.

/// Bits that were read and not yet used: fewer than eight between two uses, so no byte is read too early.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    pub(super) held: u32,
    pub(super) count: u8,
}

impl Bits {
    pub(super) const NONE: Self = Self { held: 0, count: 0 };

    /// Reads bytes until `n` bits are held, at most 16: whether they are.
    #[inline(never)]
    pub(super) fn hold(&mut self, n: u8, input: &mut &[u8]) -> bool {
        while self.count < n {
            let Some((byte, rest)) = input.split_first() else { return false };
            *input = rest;
            self.held |= u32::from(*byte).wrapping_shl(u32::from(self.count));
            self.count = self.count.wrapping_add(8);
        }
        true
    }

    /// The next `n` bits, at most 16, as a number; `None` if fewer have come, and then none is used.
    pub(super) fn take(&mut self, n: u8, input: &mut &[u8]) -> Option<u16> {
        if !self.hold(n, input) {
            return None;
        }
        let mask = 1u32.wrapping_shl(u32::from(n)).wrapping_sub(1);
        let value = self.held & mask;
        self.drop(n);
        Some(value as u16)
    }

    /// The bit number `n` of those held.
    pub(super) const fn peek(&self, n: u8) -> u16 {
        (self.held.wrapping_shr(n as u32) & 1) as u16
    }

    /// Drops `n` bits that are held.
    pub(super) const fn drop(&mut self, n: u8) {
        self.held = self.held.wrapping_shr(n as u32);
        self.count = self.count.wrapping_sub(n);
    }

    /// Drops what is left of a byte.
    pub(super) const fn align(&mut self) {
        *self = Self::NONE;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }
}
