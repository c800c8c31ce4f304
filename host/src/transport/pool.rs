//! The memory for what waits: replies that clients do not read, and frames that are not all there.

use memmap2::MmapMut;

use super::outbox::Outbox;

/// Memory for bytes that wait, straight from the kernel: in the heap a few bytes of somebody else would keep the memory
/// of a thousand slow clients.
pub(super) type Piece = MmapMut;

/// Bytes of a piece.
pub(super) const PIECE: usize = 64 * 1024;

/// Pieces that are kept at least for the next clients that need some: 1 MiB. While many are lent a quarter as many are
/// kept: fresh ones cost more than the bytes that go through them.
const MAX_SPARE_PIECES: usize = 16;

/// Outboxes, and payloads, that are kept.
const MAX_SPARES: usize = 4;

/// Longer payloads give their memory back.
const MAX_SPARE_PAYLOAD: usize = 64 * 1024;

/// Lends memory to clients, counts it, and keeps a little, so that a slow client costs no allocation.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Bytes of replies that may wait for one client before it is read no further.
    backlog: usize,
    /// Bytes that may be lent to all before no client with waiting replies is read, and nothing is held.
    total: usize,
    in_use: usize,
    pieces: Vec<Piece>,
    #[expect(clippy::vec_box, reason = "clients own them as boxes: an idle one has a null pointer only")]
    outboxes: Vec<Box<Outbox>>,
    #[expect(
        clippy::vec_box,
        reason = "clients own them as boxes: the bytes kept of a cut header have no room for more"
    )]
    payloads: Vec<Box<Vec<u8>>>,
}

impl Pool {
    pub(crate) const fn new(backlog: usize, total: usize) -> Self {
        Self { backlog, total, in_use: 0, pieces: Vec::new(), outboxes: Vec::new(), payloads: Vec::new() }
    }

    /// Whether no more may be lent to those that can do without.
    pub(crate) const fn is_spent(&self) -> bool {
        self.in_use >= self.total
    }

    /// Whether a client may be read to which so many bytes wait to be written.
    pub(super) const fn may_queue(&self, waiting: usize) -> bool {
        waiting < self.backlog && !self.is_spent()
    }

    #[cfg(test)]
    pub(super) const fn in_use(&self) -> usize {
        self.in_use
    }

    pub(super) fn take_piece(&mut self) -> Piece {
        self.in_use += PIECE;
        self.pieces.pop().unwrap_or_else(|| MmapMut::map_anon(PIECE).expect("the system has memory"))
    }

    pub(super) fn give_back_piece(&mut self, piece: Piece) {
        self.in_use -= PIECE;
        let most = MAX_SPARE_PIECES.max(self.in_use / PIECE / 4);
        if self.pieces.len() < most {
            self.pieces.push(piece);
        } else {
            self.pieces.truncate(most);
        }
    }

    /// An empty outbox.
    pub(super) fn take_outbox(&mut self, now: u64) -> Box<Outbox> {
        let mut outbox = self.outboxes.pop().unwrap_or_default();
        outbox.begin(now);
        outbox
    }

    pub(super) fn give_back_outbox(&mut self, mut outbox: Box<Outbox>) {
        outbox.clear(self);
        if self.outboxes.len() < MAX_SPARES {
            self.outboxes.push(outbox);
        }
    }

    /// Adds `bytes` to a payload that is held, or begins one.
    #[expect(clippy::box_collection, reason = "as above")]
    pub(crate) fn hold(&mut self, payload: &mut Option<Box<Vec<u8>>>, bytes: &[u8]) {
        let payload = payload.get_or_insert_with(|| {
            let payload = self.payloads.pop().unwrap_or_default();
            self.in_use += payload.capacity();
            payload
        });
        let before = payload.capacity();
        payload.extend_from_slice(bytes);
        self.in_use += payload.capacity() - before;
    }

    #[expect(clippy::box_collection, reason = "as above")]
    pub(crate) fn give_back_payload(&mut self, mut payload: Box<Vec<u8>>) {
        self.in_use -= payload.capacity();
        if self.payloads.len() < MAX_SPARES && payload.capacity() <= MAX_SPARE_PAYLOAD {
            payload.clear();
            self.payloads.push(payload);
        }
    }
}
