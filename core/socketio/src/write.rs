//! [`Writer`]: text that is made piece by piece, measured and copied by the same code.

/// Copies as much as there is room for: how many bytes that is.
#[cfg(target_pointer_width = "64")]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> usize {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    to.len().min(from.len())
}

/// The same on small machines, in a form that the optimizer does not turn into a call of `memcpy`, which has 700 bytes.
#[cfg(not(target_pointer_width = "64"))]
#[inline(never)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> usize {
    let mut n: usize = 0;
    while let (Some(to), Some(from)) = (to.get_mut(n), from.get(n)) {
        *to = *from;
        n = n.wrapping_add(1);
    }
    n
}

/// Takes the pieces of a packet in order. It counts all of their bytes, and copies those of a window, so that a packet
/// larger than a buffer goes out in parts without being made anywhere whole.
#[derive(Debug)]
pub(crate) struct Writer<'o> {
    out: &'o mut [u8],
    /// Bytes to pass over before the window.
    skip: usize,
    copied: usize,
    total: usize,
}

impl<'o> Writer<'o> {
    /// The window begins after `skip` bytes and has the length of `out`.
    pub(crate) const fn new(out: &'o mut [u8], skip: usize) -> Self {
        Self { out, skip, copied: 0, total: 0 }
    }

    #[inline(never)]
    pub(crate) fn put(&mut self, piece: &[u8]) {
        self.total = self.total.saturating_add(piece.len());
        let new = piece.get(self.skip..).unwrap_or_default();
        self.skip = self.skip.saturating_sub(piece.len());
        let room = self.out.get_mut(self.copied..).unwrap_or_default();
        self.copied = self.copied.wrapping_add(copy(room, new));
    }

    pub(crate) fn number(&mut self, mut n: u32) {
        let mut digits = [0; 10];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((n % 10) as u8);
            n /= 10;
            start = start.wrapping_sub(1);
            if n == 0 {
                break;
            }
        }
        self.put(digits.get(start..).unwrap_or_default());
    }

    /// How many bytes were copied.
    pub(crate) const fn copied(&self) -> usize {
        self.copied
    }

    /// How many bytes there are in all.
    pub(crate) const fn total(&self) -> usize {
        self.total
    }

    /// The length of what was written, if all of it was copied.
    pub(crate) fn whole(&self) -> Option<usize> {
        (self.copied == self.total).then_some(self.total)
    }
}
