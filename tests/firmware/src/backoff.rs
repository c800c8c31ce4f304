//! How long to wait before the next attempt to connect.

use smoltcp::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Doubles with every failure, so that a server that comes back is not met by everybody at once.
pub struct Backoff(Duration);

impl Backoff {
    pub const fn new() -> Self {
        Self(FIRST)
    }

    /// The connection was made: the next failure is a first one.
    pub fn reset(&mut self) {
        self.0 = FIRST;
    }

    /// The time to wait now; half of it is chance, out of `random`.
    pub fn next(&mut self, random: u16) -> Duration {
        let longest = self.0;
        self.0 = (longest * 2).min(LONGEST);
        let half = longest.total_micros() / 2;
        Duration::from_micros(half + half * u64::from(random) / u64::from(u16::MAX))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}
