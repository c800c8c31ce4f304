//! The memory for what waits: replies that clients do not read, and incomplete frames.

use super::outbox::Outbox;
use super::pieces::Pieces;
use super::queue::Queue;
#[cfg(feature = "tls")]
use super::tls::Records;

/// Outboxes, and queues, that are kept for the next clients that need one.
const MAX_SPARES: usize = 4;

/// Lends memory to clients within limits, and keeps a little, so that a slow client costs no allocation.
#[derive(Debug)]
#[expect(clippy::vec_box, reason = "clients own them as boxes: an idle one has a null pointer only")]
pub(crate) struct Pool {
    /// Bytes of replies that may wait for one client before it is read no further.
    backlog: usize,
    /// Bytes that may be lent to all before no client with waiting replies is read, and nothing is held.
    total: usize,
    pieces: Pieces,
    outboxes: Vec<Box<Outbox>>,
    queues: Vec<Box<Queue>>,
    /// Made when the first client with TLS comes.
    #[cfg(feature = "tls")]
    records: Option<Box<Records>>,
}

impl Pool {
    pub(crate) fn new(backlog: usize, total: usize) -> Self {
        Self {
            backlog,
            total,
            pieces: Pieces::default(),
            outboxes: Vec::new(),
            queues: Vec::new(),
            #[cfg(feature = "tls")]
            records: None,
        }
    }

    /// Whether clients that can do without get no more.
    pub(crate) const fn is_spent(&self) -> bool {
        self.pieces.lent() >= self.total
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
    pub(crate) fn hold(&mut self, held: &mut Option<Box<Queue>>, bytes: &[u8]) {
        let queue = held.get_or_insert_with(|| self.queues.pop().unwrap_or_default());
        queue.push(bytes, &mut self.pieces);
    }

    /// The buffers for TLS, which must be given back.
    #[cfg(feature = "tls")]
    pub(super) fn take_records(&mut self) -> Box<Records> {
        self.records.take().unwrap_or_else(|| Box::new(Records::new()))
    }

    #[cfg(feature = "tls")]
    pub(super) fn give_back_records(&mut self, records: Box<Records>) {
        self.records = Some(records);
    }

    /// `n` bytes of a payload that is held were taken.
    pub(crate) fn take_held(&mut self, held: &mut Queue, n: usize) {
        held.consume(n, &mut self.pieces);
    }

    pub(crate) fn give_back_held(&mut self, mut held: Box<Queue>) {
        held.clear(&mut self.pieces);
        if self.queues.len() < MAX_SPARES {
            self.queues.push(held);
        }
    }
}
