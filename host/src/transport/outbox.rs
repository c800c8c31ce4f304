//! Bytes that the kernel did not take yet.

/// How many outboxes are kept for the next clients that need one.
const MAX_SPARE: usize = 4;

/// The bytes that wait for the kernel, in their order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    /// When the kernel last took some, in milliseconds since the start.
    since: u64,
    /// Our direction of the stream ends after them.
    shutdown: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, first: &[u8], second: &[u8]) {
        self.bytes.extend_from_slice(first);
        self.bytes.extend_from_slice(second);
    }

    /// What is still to be written.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.written..).unwrap_or_default()
    }

    /// The kernel took `n` bytes of [`rest`](Self::rest).
    pub(super) const fn consume(&mut self, n: usize, now: u64) {
        self.written += n;
        self.since = now;
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

/// Outboxes whose memory is reused, so that a slow client costs no allocation.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "clients own them as boxes: an idle one has a null pointer only")]
pub(crate) struct Spares(Vec<Box<Outbox>>);

impl Spares {
    /// An empty outbox.
    pub(super) fn take(&mut self, now: u64) -> Box<Outbox> {
        let mut outbox = self.0.pop().unwrap_or_default();
        outbox.since = now;
        outbox
    }

    pub(super) fn give_back(&mut self, mut outbox: Box<Outbox>) {
        if self.0.len() < MAX_SPARE {
            outbox.bytes.clear();
            (outbox.written, outbox.shutdown) = (0, false);
            self.0.push(outbox);
        }
    }
}
