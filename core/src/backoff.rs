//! [`Backoff`]: how long a client waits before it connects again.

/// Waits that double from failure to failure, half of each random: "Clients SHOULD use some form of backoff when
/// trying to reconnect after abnormal closures" (RFC 6455 section 7.2.3), so that a server that comes back is not met by
/// everybody at once.
///
/// It has neither clock nor random source. All times are in milliseconds.
///
/// ```
/// let mut backoff = microws::Backoff::new(500, 60_000);
/// # let random = || 0x8000_0000;
/// // After a failure, wait so long:
/// assert!((250..=500).contains(&backoff.next(random())));
/// assert!((500..=1_000).contains(&backoff.next(random())));
/// // The connection is open: the next failure is a first one.
/// backoff.reset();
/// assert!((250..=500).contains(&backoff.next(random())));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Backoff {
    first: u32,
    longest: u32,
    /// The longest that the next wait may be.
    next: u32,
}

impl Backoff {
    /// The first wait is at most `first` ms, every later one at most `longest` ms. `longest` below `first` counts as
    /// `first`.
    pub const fn new(first: u32, longest: u32) -> Self {
        Self { first, longest: if longest < first { first } else { longest }, next: first }
    }

    /// How many milliseconds to wait now: at least half of the longest that it may be; `random`, 32 random bits, is the
    /// rest. They need not be unpredictable, but must differ from device to device.
    pub const fn next(&mut self, random: u32) -> u32 {
        let most = self.next;
        let doubled = most.saturating_mul(2);
        self.next = if doubled > self.longest { self.longest } else { doubled };
        let chance = most.div_ceil(2);
        // The upper half of a 64-bit product: 0 to `chance`.
        let part = (chance as u64).wrapping_add(1).wrapping_mul(random as u64) >> 32;
        most.wrapping_sub(chance).wrapping_add(part as u32)
    }

    /// [`next`](Self::next) after at least `least` ms, which the server asked for, with `Retry-After` for example. Chance is
    /// added, so that the clients that got the same number do not come back all at once.
    pub const fn next_after(&mut self, random: u32, least: u32) -> u32 {
        least.saturating_add(self.next(random))
    }

    /// The connection is open, and has been for a while or has done its work: the next failure is a first one.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}
