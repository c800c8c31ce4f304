//! What the clients share, for they take turns: the two buffers, the clock, the counts.

use microws::frame::MAX_HEADER_LEN;

use crate::config::Config;
use crate::stats::Stats;

/// Bytes of the shared receive buffer: what a client gets of the loop's time in one turn if it
/// sends large frames, and the most that can wait for one that does not read.
pub(crate) const RX_LEN: usize = 256 * 1024;

/// What is read at once between large frames: one of 64 KiB, or many small ones. Those cost more time
/// per byte, and the other clients wait for it.
pub(crate) const SMALL_READ: usize = 64 * 1024 + MAX_HEADER_LEN;

/// The part of the receive buffer that a request gets: its longest line that is not skipped.
pub(crate) const HEAD_READ: usize = 8 * 1024;

/// Room for the 101 answer and what else the server says by itself.
const TX_SLACK: usize = 2 * 1024;

/// What one full receive buffer can make the server say: an echo's header is shorter than its
/// request's, but for the continuation of a frame whose header came earlier.
const fn tx_len(greeting: usize) -> usize {
    RX_LEN + TX_SLACK + greeting
}

/// What the peers share: they take turns.
pub(crate) struct Shared<'c> {
    pub(crate) config: &'c Config,
    pub(crate) rx: Storage,
    pub(crate) tx: Vec<u8>,
    /// Buffers that held unsent bytes, for the next ones.
    pub(crate) spare: Vec<Vec<u8>>,
    pub(crate) stats: Stats,
    /// Milliseconds since the start, as of this turn of the loop.
    pub(crate) now: u64,
}

/// How many buffers are kept for later unsent bytes.
const MAX_SPARE: usize = 4;

impl<'c> Shared<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        let greeting = config.greeting.as_ref().map_or(0, String::len);
        Self {
            config,
            rx: Storage::new(),
            tx: vec![0; tx_len(greeting)],
            spare: Vec::new(),
            stats: Stats::default(),
            now: 0,
        }
    }

    /// The clock that [`Keepalive`](microws::Keepalive) goes by.
    pub(crate) fn now32(&self) -> u32 {
        self.now as u32
    }

    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        if self.spare.len() < MAX_SPARE {
            self.spare.push(buffer);
        }
    }
}

/// The receive buffer, which begins amid a page.
///
/// Processors copy up to three times slower from one place to another that is a little farther into
/// its page, and what the kernel copies from mostly begins a page.
#[derive(Default)]
pub(crate) struct Storage {
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

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..RX_LEN]
    }
}
