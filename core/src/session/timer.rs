//! The deadlines of a session, derived from the state it is in.

use crate::buffer::Buffer;
use crate::connection::State;
use crate::session::{Endpoint, Linger, Opening, Sent, Session};
use crate::step::{End, Overdue};
use crate::wire::code::CloseCode;

#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Timer {
    /// When the current wait began.
    since: u32,
    /// Bytes in `tx` when it was last looked at; the most if the stream took some since.
    pub(super) waiting: u32,
    awaited: Awaited,
    /// Bytes came since the last tick.
    pub(super) heard: bool,
    /// The deadline was moved once, because the caller came late.
    extended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Awaited {
    Nothing,
    Handshake,
    AnyByte,
    Pong,
    Close,
    Write,
}

impl Timer {
    pub(super) const fn new() -> Self {
        Self { since: 0, waiting: 0, awaited: Awaited::Nothing, heard: false, extended: false }
    }

    /// Begins a new wait for any byte if bytes came during one: whether it did.
    #[inline]
    pub(super) const fn heard_again(&mut self, now: u32) -> bool {
        if !(self.heard && matches!(self.awaited, Awaited::AnyByte)) {
            return false;
        }
        (self.since, self.heard, self.extended, self.waiting) = (now, false, false, 0);
        true
    }

    /// The next tick begins a new wait.
    pub(super) const fn restart(&mut self) {
        self.awaited = Awaited::Nothing;
    }
}

/// `blocked`: the stream does not take what is in `tx`.
pub(super) fn tick<R: Endpoint>(
    session: &mut Session<'_, R>,
    tx: &mut Buffer<'_>,
    now: u32,
    blocked: bool,
) -> Option<u32> {
    let timer = &mut session.timer;
    let awaited = match session.connection.state {
        State::Closed if session.linger == Linger::Over => {
            // The last word had its try.
            tx.consume(usize::MAX);
            return Some(0);
        }
        _ if blocked => Awaited::Write,
        #[cfg(feature = "http")]
        State::Connecting if session.opening.is_held() => {
            timer.awaited = Awaited::Nothing;
            return None;
        }
        State::Connecting => Awaited::Handshake,
        State::Open if timer.awaited == Awaited::Pong && !timer.heard => Awaited::Pong,
        State::Open => Awaited::AnyByte,
        State::Closing | State::Closed => Awaited::Close,
    };
    // During the handshakes bytes don't count: a peer that sends one now and then must still come to an end.
    let moved = match awaited {
        Awaited::AnyByte => timer.heard,
        Awaited::Write => tx.len() < timer.waiting as usize,
        _ => false,
    };
    if awaited != timer.awaited || moved {
        (timer.awaited, timer.since, timer.extended) = (awaited, now, false);
    }
    (timer.heard, timer.waiting) = (false, u32::try_from(tx.len()).unwrap_or(u32::MAX));
    let config = session.config;
    let timeouts = &config.timeouts;
    let timeout = match awaited {
        Awaited::Handshake => timeouts.handshake,
        Awaited::AnyByte => timeouts.ping_after,
        Awaited::Pong => timeouts.pong_within,
        Awaited::Close => timeouts.close_within,
        Awaited::Write | Awaited::Nothing => timeouts.write_within,
    };
    if timeout == 0 {
        return None;
    }
    // A `now` from before the wait began is more than half the clock's range after it.
    let waited = now.wrapping_sub(timer.since);
    let waited = if waited > u32::MAX / 2 { 0 } else { waited };
    if let Some(left @ 1..) = timeout.checked_sub(waited) {
        return Some(left);
    }
    if awaited == Awaited::AnyByte {
        // Queued bytes that leave no room are written out first.
        if session.ping(tx, b"") == Ok(Sent::Write) {
            return Some(0);
        }
        let timer = &mut session.timer;
        timer.since = now;
        if timeouts.pong_within == 0 {
            return Some(timeouts.ping_after);
        }
        timer.awaited = Awaited::Pong;
        return Some(timeouts.pong_within);
    }
    // The program itself may have stalled: bytes that came meanwhile were not read.
    let late = waited.wrapping_sub(timeout).min(timeout);
    if late > 0 && !timer.extended {
        (timer.since, timer.extended) = (now.wrapping_sub(timeout).wrapping_add(late), true);
        return Some(late);
    }
    match awaited {
        Awaited::Handshake => {
            session.opening.on_overdue(tx);
            session.leave(End::Overdue(Overdue::Handshake));
            return Some(0);
        }
        Awaited::Pong => {
            let _ = session.close(tx, CloseCode::INTERNAL_ERROR, "no answer to a ping");
            give_up(session, Overdue::Pong);
        }
        Awaited::Write | Awaited::Nothing => {
            tx.consume(usize::MAX);
            give_up(session, Overdue::Write);
        }
        Awaited::Close | Awaited::AnyByte => give_up(session, Overdue::Close),
    }
    Some(0)
}

/// Nothing is waited for any more; bytes in `tx` are tried once, and dropped by the next tick.
fn give_up<R: Endpoint>(session: &mut Session<'_, R>, overdue: Overdue) {
    session.linger = Linger::Over;
    // A reason that was known before stays.
    if session.connection.state != State::Closed {
        session.leave(End::Overdue(overdue));
    }
}
