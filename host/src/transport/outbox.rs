//! Bytes that the kernel did not take yet.

use std::io::{self, IoSlice};

use super::pieces::Pieces;
use super::queue::Queue;

/// Slices written at once, 256 KiB: then other clients are served.
const MAX_SLICES: usize = 16;

/// The bytes that wait for the kernel, and since when.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Queue,
    /// When the kernel last took some, in milliseconds since the start.
    since: u64,
    /// The kernel may take more at once. No event comes for that.
    takes_more: bool,
    /// Our direction of the stream ends after them.
    shutdown: bool,
}

impl Outbox {
    /// Begins anew at `now`, when it is empty.
    pub(super) const fn begin(&mut self, now: u64) {
        (self.since, self.takes_more, self.shutdown) = (now, false, false);
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

    /// Has `write` take some of the bytes at `now`, at most `limit`; it returns how many it took, `None` if it would
    /// block.
    pub(super) fn write(
        &mut self,
        limit: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<Option<usize>>,
        now: u64,
        pieces: &mut Pieces,
    ) -> io::Result<()> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let (mut count, mut most) = (0, 0);
        for (slice, bytes) in slices.iter_mut().zip(self.queue.slices()) {
            let bytes = &bytes[..bytes.len().min(limit - most)];
            *slice = IoSlice::new(bytes);
            (count, most) = (count + 1, most + bytes.len());
            if most == limit {
                break;
            }
        }
        let written = write(&slices[..count])?;
        if let Some(n) = written {
            self.since = now;
            self.queue.consume(n, pieces);
        }
        self.takes_more = written == Some(most) && most < limit && !self.is_empty();
        Ok(())
    }

    /// Whether the kernel may take more at once.
    pub(super) const fn takes_more(&self) -> bool {
        self.takes_more
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
