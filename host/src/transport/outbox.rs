//! Bytes that the kernel did not take yet.

use std::io::IoSlice;

use super::pieces::Pieces;
use super::queue::Queue;

/// Slices written at once, 256 KiB: others have their turn then.
const MAX_SLICES: usize = 16;

/// The bytes that wait for the kernel, and what there is to know about it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Queue,
    /// When the kernel last took some, in milliseconds since the start.
    since: u64,
    /// Our direction of the stream ends after them.
    shutdown: bool,
}

impl Outbox {
    /// Begins anew at `now`, when it is empty.
    pub(super) const fn begin(&mut self, now: u64) {
        (self.since, self.shutdown) = (now, false);
    }

    pub(super) fn push(&mut self, bytes: &[u8], pieces: &mut Pieces) {
        self.queue.push(bytes, pieces);
    }

    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Gives what is to be written next to `write`.
    pub(super) fn with_slices<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(self.queue.slices()) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        write(&slices[..count])
    }

    /// The kernel took `n` bytes.
    pub(super) fn consume(&mut self, n: usize, now: u64, pieces: &mut Pieces) {
        self.since = now;
        self.queue.consume(n, pieces);
    }

    /// Gives everything back, written or not.
    pub(super) fn clear(&mut self, pieces: &mut Pieces) {
        self.queue.clear(pieces);
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
