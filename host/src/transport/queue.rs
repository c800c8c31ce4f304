//! Bytes that wait, in their order.

use std::collections::VecDeque;

use super::pieces::{PIECE, Piece, Pieces};

/// Bytes that wait, in their order, in pieces that are lent. Once queued they stay where they are.
#[derive(Debug)]
pub(crate) struct Queue {
    pieces: VecDeque<Piece>,
    /// Bytes of the first piece that were taken.
    start: usize,
    /// Bytes of the last piece that are in use; all of them if there is none.
    end: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self { pieces: VecDeque::new(), start: 0, end: PIECE }
    }
}

impl Queue {
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
    pub(crate) fn len(&self) -> usize {
        (self.pieces.len() * PIECE).saturating_sub(self.start + PIECE - self.end)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The bytes, piece by piece.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let last = self.pieces.len().saturating_sub(1);
        self.pieces.iter().enumerate().map(move |(i, piece)| {
            let start = if i == 0 { self.start } else { 0 };
            let end = if i == last { self.end } else { PIECE };
            &piece[start..end]
        })
    }

    /// `n` bytes were taken.
    pub(super) fn consume(&mut self, n: usize, pieces: &mut Pieces) {
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

    /// Gives everything back, taken or not.
    pub(super) fn clear(&mut self, pieces: &mut Pieces) {
        self.pieces.drain(..).for_each(|piece| pieces.give_back(piece));
        (self.start, self.end) = (0, PIECE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_however_they_are_cut_and_the_pieces_go_back() {
        let (mut pieces, mut queue) = (Pieces::default(), Queue::default());
        let (mut pushed, mut came) = (Vec::new(), Vec::new());
        for (i, len) in
            [1, PIECE - 1, PIECE, PIECE + 1, 3, 0, 5 * PIECE, 65 * PIECE, 9].into_iter().enumerate()
        {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + i) as u8).collect();
            queue.push(&bytes, &mut pieces);
            pushed.extend(bytes);
            assert_eq!(queue.len(), pushed.len() - came.len());
            // A third of it goes.
            let there: Vec<u8> = queue.slices().flatten().copied().collect();
            let n = there.len().div_ceil(3);
            came.extend_from_slice(&there[..n]);
            queue.consume(n, &mut pieces);
        }
        while !queue.is_empty() {
            let there: Vec<u8> = queue.slices().take(3).flatten().copied().collect();
            queue.consume(there.len(), &mut pieces);
            came.extend(there);
        }
        assert!(came == pushed);
        assert_eq!((queue.len(), pieces.lent()), (0, 0));
        queue.push(b"again", &mut pieces);
        queue.clear(&mut pieces);
        assert_eq!((queue.len(), pieces.lent()), (0, 0));
    }
}
