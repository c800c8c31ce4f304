//! The clock of the deadlines.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Time since the server's start that counts for deadlines, to the kernel's tick of 1 to 10 ms. It is read several times for each
/// wake-up, and a precise reading costs several times as much, more than decoding a small message.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Timespec,
    /// Time that is not counted.
    skipped: Duration,
}

impl Clock {
    /// Starts at 0.
    pub(crate) fn start() -> Self {
        Self { start: read(), skipped: Duration::ZERO }
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::try_from(read() - self.start).unwrap_or_default().saturating_sub(self.skipped)
    }

    /// Goes back by `time`, which no deadline counts.
    pub(crate) fn skip(&mut self, time: Duration) {
        self.skipped += time;
    }
}

fn read() -> Timespec {
    clock_gettime(ClockId::MonotonicCoarse)
}
