//! The two buffers that serve all clients, one client at a time.

use microws::Buffer;
use microws::frame::MAX_HEADER_LEN;

use super::outbox::Spares;

/// Bytes of the receive buffer: the most that a client gets read at once, if it sends large frames, and
/// the most that can wait in the outbox of one that does not read.
pub(crate) const RX_LEN: usize = 256 * 1024;

/// Bytes read at once between large frames: one of 64 KiB, or many small ones. Those cost more time per
/// byte, and the other clients wait for it.
pub(crate) const SMALL_READ: usize = 64 * 1024 + MAX_HEADER_LEN;

/// Bytes of the receive buffer that a request gets at least. It gets as many as its head may have, so that a line is
/// skipped only if it is longer than the buffer.
pub(crate) const HEAD_READ: usize = 8 * 1024;

/// Payload of this length or more is written from where it was received: to copy it, for one write
/// together with the other replies, costs more than a write of its own.
pub(crate) const LARGE: usize = 16 * 1024;

/// A full receive buffer can't make the server say more than this: an echo's header is shorter than its
/// request's, except in a frame whose header came earlier. The rest is for a greeting and the server's own
/// replies, of which the 101 answer is the longest.
const TX_LEN: usize = RX_LEN + LARGE + 2 * 1024;

/// The shared buffers, and outboxes to reuse.
#[derive(Debug)]
pub(crate) struct Buffers {
    rx: Storage,
    tx: Vec<u8>,
    spares: Spares,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self { rx: Storage::new(), tx: vec![0; TX_LEN], spares: Spares::default() }
    }

    /// The receive buffer, of which `len` bytes are used, the transmit buffer, and the outboxes.
    pub(crate) fn lend(&mut self, len: usize) -> (Buffer<'_>, Buffer<'_>, &mut Spares) {
        (buffer(&mut self.rx.bytes()[..len]), buffer(&mut self.tx), &mut self.spares)
    }

    /// The transmit buffer alone.
    pub(crate) fn lend_tx(&mut self) -> (Buffer<'_>, &mut Spares) {
        (buffer(&mut self.tx), &mut self.spares)
    }

    pub(crate) const fn spares(&mut self) -> &mut Spares {
        &mut self.spares
    }
}

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
