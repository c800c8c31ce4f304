//! Memory for what waits: lent to sessions while something does.

use typed_arena::Arena;

/// Bytes of the smallest piece.
const LEAST: usize = 1024;

/// Sizes of pieces, each twice the one before.
const SIZES: usize = 20;

/// Where pieces come from: it outlives all sessions.
pub(crate) type Source = Arena<Box<[u8]>>;

/// Lends memory in pieces of a few sizes, and keeps those that come back for the next: once there are enough, nothing is
/// allocated.
pub(crate) struct Memory<'c> {
    source: &'c Source,
    spare: [Vec<&'c mut [u8]>; SIZES],
    lent: usize,
    /// Bytes that may be lent at a time.
    total: usize,
    /// Bytes of the largest piece that a session may have.
    largest: usize,
}

impl<'c> Memory<'c> {
    pub(super) fn new(source: &'c Source, total: usize, largest: usize) -> Self {
        Self { source, spare: [const { Vec::new() }; SIZES], lent: 0, total, largest: largest.max(LEAST) }
    }

    /// A piece of at least so many bytes; `None` if that is too large, or too much is lent.
    pub(super) fn take(&mut self, len: usize) -> Option<&'c mut [u8]> {
        let size = len.max(LEAST).checked_next_power_of_two()?;
        // The last piece on the way to the largest may be as large as that is rounded up.
        if len > self.largest || self.lent.saturating_add(size) > self.total {
            return None;
        }
        let spare = self.spare.get_mut((size / LEAST).ilog2() as usize)?;
        self.lent += size;
        Some(spare.pop().unwrap_or_else(|| &mut **self.source.alloc(vec![0; size].into_boxed_slice())))
    }

    pub(super) fn give_back(&mut self, piece: &'c mut [u8]) {
        if piece.is_empty() {
            return;
        }
        self.lent -= piece.len();
        if let Some(spare) = self.spare.get_mut((piece.len() / LEAST).ilog2() as usize) {
            spare.push(piece);
        }
    }

    /// A larger piece than one of `len` bytes, with room for at least `more`.
    pub(super) fn take_larger(&mut self, len: usize, more: usize) -> Option<&'c mut [u8]> {
        let least = len.saturating_add(more);
        if least > self.largest { None } else { self.take(least.max((2 * len).min(self.largest))) }
    }
}

impl std::fmt::Debug for Memory<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").field("lent", &self.lent).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_and_are_lent_again_within_the_total() {
        let source = Source::new();
        let mut memory = Memory::new(&source, 10 * 1024, 4096);
        let small = memory.take(1).expect("there is some");
        let large = memory.take(4096).expect("there is some");
        assert_eq!((small.len(), large.len()), (1024, 4096));
        assert!(memory.take(4097).is_none(), "no session may have so much");
        let other = memory.take(2049).expect("there is some");
        assert_eq!(other.len(), 4096);
        assert!(memory.take(2048).is_none(), "it is lent");
        memory.give_back(large);
        memory.give_back(other);
        memory.give_back(small);
        assert_eq!(memory.lent, 0);
        let before = source.len();
        for _ in 0..100 {
            let pieces = [memory.take(1000), memory.take(4000), memory.take(3000)].map(Option::unwrap);
            pieces.into_iter().for_each(|piece| memory.give_back(piece));
        }
        assert_eq!(source.len(), before, "nothing was allocated");
    }
}
