//! [`Deadline`]: one wait, on the caller's clock.

/// A wait that begins at the first look at the clock after it was asked for.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Deadline {
    since: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
enum State {
    /// It begins at the next look.
    New,
    Waiting,
    /// It was moved once, because the caller came late.
    Extended,
}

impl Deadline {
    pub(crate) const fn new() -> Self {
        Self { since: 0, state: State::New }
    }

    /// What was awaited came: the next wait begins.
    pub(crate) const fn restart(&mut self) {
        self.state = State::New;
    }

    /// How many milliseconds are left of `timeout`; 0 if it is over: for what we do ourselves.
    pub(crate) fn left_exactly(&mut self, now: u32, timeout: u32) -> u32 {
        timeout.saturating_sub(self.waited(now))
    }

    fn waited(&mut self, now: u32) -> u32 {
        if self.state == State::New {
            *self = Self { since: now, state: State::Waiting };
        }
        // A `now` from before the wait began is more than half the clock's range after it.
        let waited = now.wrapping_sub(self.since);
        if waited > u32::MAX / 2 { 0 } else { waited }
    }

    /// How many milliseconds are left of `timeout`; 0 if it is over: for what the peer must do. A caller that comes late gives as much more time,
    /// once: the program itself may have stalled, with the bytes unread. A `now` that is older than the one before is
    /// taken as the same.
    pub(crate) fn left(&mut self, now: u32, timeout: u32) -> u32 {
        let waited = self.waited(now);
        if let Some(left @ 1..) = timeout.checked_sub(waited) {
            return left;
        }
        let late = waited.wrapping_sub(timeout).min(timeout);
        if late > 0 && self.state != State::Extended {
            self.since = now.wrapping_sub(timeout).wrapping_add(late);
            self.state = State::Extended;
            return late;
        }
        0
    }
}
