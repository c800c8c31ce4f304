//! Bytes that the kernel did not take yet.

use std::collections::VecDeque;
use std::io::IoSlice;

use super::pieces::{PIECE, Piece, Pieces};

/// Slices written at once, 256 KiB: others have their turn then.
const MAX_SLICES: usize = 4;

/// The bytes that wait for the kernel, in their order, in pieces that are lent. Once queued they stay where they are.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that were written.
    start: usize,
    /// Bytes of the last piece that are in use; all of them if there is none.
    end: usize,
    /// When the kernel last took some, in milliseconds since the start.
    since: u64,
    /// Our direction of the stream ends after them.
    shutdown: bool,
}

impl Outbox {
    /// Begins anew at `now`, when it is empty.
    pub(super) const fn begin(&mut self, now: u64) {
        (self.start, self.end, self.since, self.shutdown) = (0, PIECE, now, false);
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], pieces: &mut Pieces) {
        while !bytes.is_empty() {
            if self.end == PIECE {
                self.pieces.push_back(pieces.take());
                self.end = 0;
            }
            let Some(last) = self.pieces.back_mut() else { return };
            let room = &mut last[self.end..];
            let (now, later) = bytes.split_at(bytes.len().min(room.len()));
            room[..now.len()].copy_from_slice(now);
            self.end += now.len();
            bytes = later;
        }
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        (self.pieces.len() * PIECE).saturating_sub(self.start + PIECE - self.end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Gives what is to be written next to `write`.
    pub(super) fn with_slices<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let last = self.pieces.len().saturating_sub(1);
        let mut count = 0;
        for ((i, piece), slice) in self.pieces.iter().enumerate().zip(&mut slices) {
            let start = if i == 0 { self.start } else { 0 };
            let end = if i == last { self.end } else { PIECE };
            *slice = IoSlice::new(&piece[start..end]);
            count += 1;
        }
        write(&slices[..count])
    }

    /// The kernel took `n` bytes.
    pub(super) fn consume(&mut self, n: usize, now: u64, pieces: &mut Pieces) {
        self.since = now;
        self.start += n;
        loop {
            let filled = if self.pieces.len() == 1 { self.end } else { PIECE };
            if self.start < filled {
                return;
            }
            let Some(piece) = self.pieces.pop_front() else { return };
            self.start -= filled;
            if self.pieces.is_empty() {
                self.end = PIECE;
            }
            pieces.give_back(piece);
        }
    }

    /// Gives everything back, written or not.
    pub(super) fn clear(&mut self, pieces: &mut Pieces) {
        self.pieces.drain(..).for_each(|piece| pieces.give_back(piece));
    }

    pub(super) const fn since(&self) -> u64 {
        self.since
    }

    pub(super) const fn shut_down_after(&mut self) {
        self.shutdown = true;
    }

    pub(super) const fn ends_stream(&self) -> bool {
        self.shutdown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_however_they_are_cut_and_the_pieces_go_back() {
        let (mut pieces, mut outbox) = (Pieces::default(), Outbox::default());
        outbox.begin(5);
        let (mut pushed, mut came) = (Vec::new(), Vec::new());
        for (i, len) in
            [1, PIECE - 1, PIECE, PIECE + 1, 3, 0, 5 * PIECE, 65 * PIECE, 9].into_iter().enumerate()
        {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + i) as u8).collect();
            outbox.push(&bytes, &mut pieces);
            pushed.extend(bytes);
            assert_eq!(outbox.len(), pushed.len() - came.len());
            // A third of it goes.
            let n = outbox.with_slices(|slices| {
                let there: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                let n = there.len().div_ceil(3);
                came.extend_from_slice(&there[..n]);
                n
            });
            outbox.consume(n, 6, &mut pieces);
        }
        while !outbox.is_empty() {
            let n = outbox.with_slices(|slices| {
                slices.iter().for_each(|slice| came.extend_from_slice(slice));
                slices.iter().map(|slice| slice.len()).sum()
            });
            outbox.consume(n, 7, &mut pieces);
        }
        assert!(came == pushed);
        assert_eq!((outbox.len(), outbox.since(), pieces.lent()), (0, 7, 0));
    }
}
