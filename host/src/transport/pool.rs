//! The memory for what waits: replies that clients do not read, and frames that are not all there.

use super::outbox::Outbox;
use super::pieces::Pieces;

/// Outboxes, and payloads, that are kept for the next clients that need one.
const MAX_SPARES: usize = 4;

/// Longer payloads give their memory back.
const MAX_SPARE_PAYLOAD: usize = 64 * 1024;

/// Lends memory to clients within limits, and keeps a little, so that a slow client costs no allocation.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "clients own them as boxes: an idle one has a null pointer only")]
pub(crate) struct Pool {
    /// Bytes of replies that may wait for one client before it is read no further.
    backlog: usize,
    /// Bytes that may be lent to all before no client with waiting replies is read, and nothing is held.
    total: usize,
    pieces: Pieces,
    /// Bytes of payloads that are lent.
    held: usize,
    outboxes: Vec<Box<Outbox>>,
    payloads: Vec<Box<Vec<u8>>>,
}

impl Pool {
    pub(crate) fn new(backlog: usize, total: usize) -> Self {
        let (outboxes, payloads) = (Vec::new(), Vec::new());
        Self { backlog, total, pieces: Pieces::default(), held: 0, outboxes, payloads }
    }

    /// Whether no more may be lent to those that can do without.
    pub(crate) const fn is_spent(&self) -> bool {
        self.in_use() >= self.total
    }

    pub(super) const fn in_use(&self) -> usize {
        self.pieces.lent() + self.held
    }

    /// Whether a client may be read to which so many bytes wait to be written.
    pub(super) const fn may_queue(&self, waiting: usize) -> bool {
        waiting < self.backlog && !self.is_spent()
    }

    /// What outboxes are made of.
    pub(super) const fn pieces(&mut self) -> &mut Pieces {
        &mut self.pieces
    }

    /// An empty outbox.
    pub(super) fn take_outbox(&mut self, now: u64) -> Box<Outbox> {
        let mut outbox = self.outboxes.pop().unwrap_or_default();
        outbox.begin(now);
        outbox
    }

    pub(super) fn give_back_outbox(&mut self, mut outbox: Box<Outbox>) {
        outbox.clear(&mut self.pieces);
        if self.outboxes.len() < MAX_SPARES {
            self.outboxes.push(outbox);
        }
    }

    /// Adds `bytes` to a payload that is held, or begins one.
    #[expect(clippy::box_collection, reason = "a client keeps it as a box")]
    pub(crate) fn hold(&mut self, payload: &mut Option<Box<Vec<u8>>>, bytes: &[u8]) {
        let payload = payload.get_or_insert_with(|| {
            let payload = self.payloads.pop().unwrap_or_default();
            self.held += payload.capacity();
            payload
        });
        let before = payload.capacity();
        payload.extend_from_slice(bytes);
        self.held += payload.capacity() - before;
    }

    #[expect(clippy::box_collection, reason = "a client keeps it as a box")]
    pub(crate) fn give_back_payload(&mut self, mut payload: Box<Vec<u8>>) {
        self.held -= payload.capacity();
        if self.payloads.len() < MAX_SPARES && payload.capacity() <= MAX_SPARE_PAYLOAD {
            payload.clear();
            self.payloads.push(payload);
        }
    }
}
