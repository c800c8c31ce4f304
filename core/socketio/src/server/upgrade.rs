//! The upgrade: a session over polling goes on over a WebSocket, which is probed before.

use microws::{Chunk, MessageKind};

use crate::deadline::Deadline;
use crate::engine::Type;
use crate::server::{ServerSession, Transport};

/// What to do with a WebSocket that names a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must do each")]
#[must_use]
pub enum Upgrade {
    /// Accept it, and give what comes to [`ServerSession::probe`].
    Probe,
    /// Accept it and close it at once: the session has a WebSocket already, or is probing one. Clients take a plain 400
    /// for an error of another kind.
    Close,
}

/// What to do after a chunk of a WebSocket that is being probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must do each")]
#[must_use]
pub enum Probed {
    /// Nothing: the message is not complete.
    Wait,
    /// Send this text over the WebSocket that is being probed.
    Reply(&'static str),
    /// The WebSocket carries the session from now on.
    Upgraded,
    /// Close the WebSocket; the session goes on as before.
    Close,
}

/// The WebSocket that is being probed.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Probe {
    state: State,
    deadline: Deadline,
    /// Its message so far.
    text: [u8; 6],
    len: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
enum State {
    /// There is none.
    None,
    /// It is open and has said nothing.
    Open,
    /// It was pinged and has ponged: polling is kept short.
    Probing,
    /// It took too long, and its WebSocket was not closed yet.
    Overdue,
}

impl Probe {
    pub(super) const NONE: Self =
        Self { state: State::None, deadline: Deadline::new(), text: [0; 6], len: 0 };

    pub(super) const fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing)
    }

    /// In how many milliseconds it is overdue.
    pub(super) fn tick(&mut self, now: u32, timeout: u32) -> Option<u32> {
        if !matches!(self.state, State::Open | State::Probing) || timeout == 0 {
            return None;
        }
        let left = self.deadline.left(now, timeout);
        if left == 0 {
            self.state = State::Overdue;
        }
        Some(left)
    }

    /// Adds a piece of its message: the whole message when it is complete; `None` for one too long or not text.
    fn push(&mut self, chunk: &Chunk<'_>) -> Option<Option<[u8; 6]>> {
        if chunk.first {
            (self.text, self.len) = ([0; 6], 0);
        }
        let room = self.text.get_mut(usize::from(self.len)..)?;
        let to = room.get_mut(..chunk.payload.len()).filter(|_| chunk.kind == MessageKind::Text)?;
        for (to, from) in to.iter_mut().zip(&*chunk.payload) {
            *to = *from;
        }
        self.len = self.len.saturating_add(chunk.payload.len() as u8);
        Some(chunk.fin.then_some(self.text))
    }
}

impl ServerSession<'_> {
    /// Takes a WebSocket whose request names the session.
    pub const fn upgrade(&mut self) -> Upgrade {
        let free = matches!(self.probe.state, State::None);
        if !free || matches!(self.transport, Transport::WebSocket) || self.end.is_some() {
            return Upgrade::Close;
        }
        self.probe = Probe { state: State::Open, ..Probe::NONE };
        Upgrade::Probe
    }

    /// Takes a chunk of a message of the WebSocket that is being probed. A GET may have to be answered after it.
    pub fn probe(&mut self, chunk: &Chunk<'_>) -> Probed {
        if !matches!(self.probe.state, State::Open | State::Probing) || self.end.is_some() {
            self.probe = Probe::NONE;
            return Probed::Close;
        }
        match self.probe.push(chunk) {
            Some(None) => Probed::Wait,
            Some(Some(text)) if &text == b"2probe" => {
                self.probe.state = State::Probing;
                self.release_get();
                Probed::Reply("3probe")
            }
            Some(Some(text)) if &text == b"5\0\0\0\0\0" && self.probe.len == 1 => {
                // A GET that is held takes what waits with it, before the WebSocket carries anything.
                self.release_get();
                self.probe = Probe::NONE;
                self.transport = Transport::WebSocket;
                Probed::Upgraded
            }
            _ => {
                self.probe = Probe::NONE;
                Probed::Close
            }
        }
    }

    /// The WebSocket that is being probed has ended; the session goes on as before.
    pub const fn probe_lost(&mut self) {
        self.probe = Probe::NONE;
    }

    /// Whether the WebSocket that is being probed took too long and is to be closed, after [`tick`](Self::tick).
    pub const fn probe_overdue(&mut self) -> bool {
        let overdue = matches!(self.probe.state, State::Overdue);
        if overdue {
            self.probe = Probe::NONE;
        }
        overdue
    }

    /// Gives a GET that is held something to be answered with.
    fn release_get(&mut self) {
        if self.held && self.queue.is_empty() {
            self.push_type(Type::Noop);
        }
    }
}
