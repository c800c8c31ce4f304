//! Faults that take their time: late echoes, and pings one after the other.

use std::collections::VecDeque;

use microws::Chunk;

use super::faults::Faults;
use crate::link::Link;
use crate::report::Ending;
use crate::transport::{Pool, Queue};

/// Bytes of late echoes from which on the client is not read, and how many echoes.
const MAX_BYTES: usize = 1 << 20;
const MAX_ECHOES: usize = 64;

/// Bytes of the longest frame that is kept as one.
const WHOLE: usize = 64 * 1024;

/// What a client gets later.
#[derive(Debug, Default)]
pub(super) struct Timed {
    later: VecDeque<Later>,
    /// Bytes of all those.
    len: usize,
    /// When the next ping is due, in milliseconds since the start.
    next_ping: Option<u64>,
}

/// A frame, or a part of a long one, that is sent back later.
#[derive(Debug)]
pub(super) struct Later {
    /// In milliseconds since the start.
    due: u64,
    pub(super) kind: microws::MessageKind,
    /// Nothing if the frame is empty.
    pub(super) payload: Option<Box<Queue>>,
    pub(super) fin: bool,
    /// The next part begins another one.
    is_whole: bool,
}

impl Timed {
    /// Keeps a part of a message.
    pub(super) fn push(&mut self, chunk: &Chunk<'_>, delay: u32, link: &mut Link<'_, '_>) {
        let due = link.now + u64::from(delay);
        if self.later.back().is_none_or(|last| last.is_whole) {
            let (kind, fin) = (chunk.kind, chunk.fin);
            self.later.push_back(Later { due, kind, payload: None, fin, is_whole: false });
        }
        let Some(last) = self.later.back_mut() else { return };
        if !chunk.payload.is_empty() {
            link.pool.hold(&mut last.payload, chunk.payload);
        }
        self.len += chunk.payload.len();
        let len = last.payload.as_ref().map_or(0, |payload| payload.len());
        (last.due, last.fin) = (due, chunk.fin);
        last.is_whole = link.payload_left() == 0 || len >= WHOLE;
    }

    /// The next echo whose time has come.
    pub(super) fn pop(&mut self, now: u64) -> Option<Later> {
        let is_due = self.later.front().is_some_and(|first| first.is_whole && first.due <= now);
        let later = if is_due { self.later.pop_front()? } else { return None };
        self.len -= later.payload.as_ref().map_or(0, |payload| payload.len());
        Some(later)
    }

    /// The connection is open.
    pub(super) fn begin(&mut self, faults: &Faults, now: u64) {
        self.next_ping = faults.ping.map(|interval| now + u64::from(interval));
    }

    /// Sends a ping if its time has come.
    pub(super) fn ping(&mut self, faults: &Faults, link: &mut Link<'_, '_>) -> Result<(), Ending> {
        if self.next_ping.is_some_and(|due| due <= link.now) {
            self.begin(faults, link.now);
            link.ping(b"as you asked")?;
        }
        Ok(())
    }

    /// In how many milliseconds something is due.
    pub(super) fn due_in(&self, now: u64) -> Option<u32> {
        let echo = self.later.front().filter(|first| first.is_whole).map(|first| first.due);
        let due = echo.into_iter().chain(self.next_ping).min()?;
        Some(due.saturating_sub(now) as u32)
    }

    /// Whether there are so many late echoes that the client is not read.
    pub(super) fn is_full(&self, pool: &Pool) -> bool {
        let is_full = self.len >= MAX_BYTES || self.later.len() >= MAX_ECHOES || pool.is_spent();
        // An incomplete frame must be read to its end.
        is_full && self.later.front().is_some_and(|first| first.is_whole)
    }

    /// Gives back all that is kept.
    pub(super) fn release(&mut self, pool: &mut Pool) {
        self.later
            .drain(..)
            .filter_map(|later| later.payload)
            .for_each(|payload| pool.give_back_held(payload));
        self.len = 0;
    }
}
