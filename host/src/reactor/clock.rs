//! The clock of the deadlines.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since the server's start that count for deadlines, to the kernel's tick of 1 to 10 ms. It is read
/// several times for each wake-up, and a precise reading costs several times as much, more than decoding a small
/// message.
#[derive(Debug)]
pub(crate) struct Clock {
    start: u64,
}

impl Clock {
    /// Starts at 0.
    pub(crate) fn start() -> Self {
        Self { start: read() }
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        read().wrapping_sub(self.start)
    }

    /// Goes back by `time` milliseconds, which no deadline counts.
    pub(crate) const fn skip(&mut self, time: u64) {
        self.start = self.start.wrapping_add(time);
    }
}

fn read() -> u64 {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}
