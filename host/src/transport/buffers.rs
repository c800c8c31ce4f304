//! The two buffers that serve all clients, one client at a time.

use microws::Buffer;
use microws::frame::MAX_HEADER_LEN;

use super::pool::Pool;

/// Bytes of the receive buffer: the most that a client gets read at once, if it sends large frames.
const RX_LEN: usize = 256 * 1024;

/// Bytes read at once between large frames: one of 64 KiB, or many small ones. Those cost more time per
/// byte, and the other clients wait for it.
const SMALL_READ: usize = 64 * 1024 + MAX_HEADER_LEN;

/// Bytes read at once from a client when there is no memory for replies that wait.
const LEAST_READ: usize = 16 * 1024;

/// Bytes of the receive buffer that a request gets at least. It gets as many as its head may have, so that a line is
/// skipped only if it is longer than the buffer.
const HEAD_READ: usize = 8 * 1024;

/// Payload of this length or more is written from where it was received: to copy it, for one write
/// together with the other replies, costs more than a write of its own.
pub(crate) const LARGE: usize = 16 * 1024;

/// A full receive buffer can't make the server send more than this: an echo's header is shorter than its
/// request's, except in a frame whose header came earlier. The rest is for a greeting and the server's own
/// replies, of which the 101 answer is the longest.
const TX_LEN: usize = RX_LEN + LARGE + 2 * 1024;

/// The shared buffers, and the pool for what waits.
#[derive(Debug)]
pub(crate) struct Buffers {
    rx: Storage,
    tx: Vec<u8>,
    pool: Pool,
    /// Bytes at the front of the receive buffer that were read and not handled.
    left: usize,
}

impl Buffers {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { rx: Storage::new(), tx: vec![0; TX_LEN], pool, left: 0 }
    }

    /// How much of the receive buffer to use for a client in whose frame so many bytes are `left`, or that sends a `head`
    /// of at most so many. `kept` bytes wait already.
    pub(crate) fn read_len(&self, head: Option<u32>, left: u64, kept: usize) -> usize {
        let len = match head {
            // A line of the head may be as long as the head.
            Some(longest) => (longest as usize).clamp(HEAD_READ, RX_LEN),
            // What it gets in reply may have to wait.
            None if self.pool.is_spent() => LEAST_READ,
            None if left > SMALL_READ as u64 => RX_LEN,
            None => SMALL_READ,
        };
        if kept < len { len } else { RX_LEN }
    }

    /// The receive buffer, of which `len` bytes are used, the transmit buffer, and the pool. The bytes that were
    /// [left](Self::leave) wait in it.
    #[inline(always)]
    pub(crate) fn lend(&mut self, len: usize) -> (Buffer<'_>, Buffer<'_>, &mut Pool) {
        let left = std::mem::take(&mut self.left);
        let mut rx = buffer(&mut self.rx.bytes()[..len.max(left)]);
        rx.commit(left);
        (rx, buffer(&mut self.tx), &mut self.pool)
    }

    /// The first `len` bytes of the receive buffer wait for the one that is lent it next: the same client.
    pub(crate) const fn leave(&mut self, len: usize) {
        self.left = len;
    }

    /// The transmit buffer alone.
    pub(crate) fn lend_tx(&mut self) -> (Buffer<'_>, &mut Pool) {
        (buffer(&mut self.tx), &mut self.pool)
    }

    pub(crate) const fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }
}

#[inline(always)]
fn buffer(storage: &mut [u8]) -> Buffer<'_> {
    Buffer::from_slice(storage).expect("the shared buffers are larger than MIN_CAPACITY")
}

/// The receive buffer's memory. It starts half a page past a page boundary, to avoid 4K aliasing:
/// processors copy up to three times slower to a place that is a little farther into its page than the
/// source, and the kernel's data mostly starts at a page.
#[derive(Debug)]
struct Storage {
    memory: Vec<u8>,
    start: usize,
}

impl Storage {
    fn new() -> Self {
        const PAGE: usize = 4096;
        let memory = vec![0; RX_LEN + PAGE];
        let start = (PAGE + PAGE / 2 - memory.as_ptr().addr() % PAGE) % PAGE;
        Self { memory, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..RX_LEN]
    }
}
