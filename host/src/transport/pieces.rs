//! Memory in pieces, lent to clients whose replies wait.

use memmap2::MmapMut;

/// Memory for bytes that wait, straight from the kernel: in the heap, a few bytes of another owner would keep the memory of
/// a thousand slow clients from being freed.
pub(super) type Piece = MmapMut;

/// Bytes of a piece.
pub(super) const PIECE: usize = 16 * 1024;

/// Pieces that are kept at least for the next clients that need some: 1 MiB. While many are lent a quarter as many are
/// kept: fresh ones cost more than the bytes that go through them.
const LEAST_SPARE: usize = 64;

/// Lends pieces and counts the bytes that are lent.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    lent: usize,
    spare: Vec<Piece>,
}

impl Pieces {
    pub(super) const fn lent(&self) -> usize {
        self.lent
    }

    pub(super) fn take(&mut self) -> Piece {
        self.lent += PIECE;
        self.spare.pop().unwrap_or_else(|| MmapMut::map_anon(PIECE).expect("the system has memory"))
    }

    pub(super) fn give_back(&mut self, piece: Piece) {
        self.lent -= PIECE;
        self.spare.push(piece);
        self.spare.truncate(LEAST_SPARE.max(self.lent / PIECE / 4));
    }
}
