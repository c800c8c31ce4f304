//! The verbs of a session that send messages and control frames.

use crate::buffer::Buffer;
use crate::compact::COMPACT;
use crate::connection::{Connection, State};
use crate::error::SendError;
use crate::prepared::Prepared;
use crate::session::{Endpoint, Session};
use crate::wire::code::CloseCode;
use crate::wire::frame::{MessageKind, header_len};

/// How far a verb that sends has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must handle each")]
#[must_use]
pub enum Sent {
    /// All of it is in `tx`.
    Done,
    /// Write `tx` out and call again with the same arguments.
    Write,
}

/// A payload larger than `tx` of which some fragments are queued and the rest is not.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Partial {
    len: usize,
    /// Bytes that are queued; 0 if there is no such payload.
    queued: usize,
}

impl Partial {
    pub(super) const NONE: Self = Self { len: 0, queued: 0 };

    /// Content of a response, of `len` bytes, that begins.
    #[cfg(feature = "http")]
    pub(super) const fn content(len: usize) -> Self {
        Self { len, queued: 0 }
    }

    /// Queues as much of the content as there is room for: whether that was the rest. `None` if it is other content.
    #[cfg(feature = "http")]
    pub(super) fn queue_content(&mut self, tx: &mut Buffer<'_>, content: &[u8]) -> Option<bool> {
        if self.len != content.len() {
            return None;
        }
        let rest = content.get(self.queued..).unwrap_or_default();
        let part = rest.get(..tx.free()).unwrap_or(rest);
        if tx.push(part) {
            self.queued = self.queued.saturating_add(part.len());
        }
        Some(self.queued == self.len)
    }

    /// A payload of `len` bytes that is sent in another form: how much of it is queued, that form knows.
    #[cfg(feature = "deflate")]
    pub(super) const fn begun(len: usize) -> Self {
        Self { len, queued: 1 }
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn is_none(&self) -> bool {
        self.queued == 0
    }
}

impl<R: Endpoint> Session<'_, R> {
    /// Queues a whole message; one that does not fit into `tx` goes out in fragments (section 5.4). Text must be
    /// UTF-8, which the caller must check: see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed), [`NotNow`](SendError::NotNow) or
    /// [`MessageInProgress`](SendError::MessageInProgress).
    pub fn send(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
    ) -> Result<Sent, SendError> {
        if self.partial.is_none() && self.writable()?.sending.is_some() {
            return Err(SendError::MessageInProgress);
        }
        self.send_fragment(tx, kind, payload, true)
    }

    /// Queues a whole text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, tx: &mut Buffer<'_>, text: &str) -> Result<Sent, SendError> {
        self.send(tx, MessageKind::Text, text.as_bytes())
    }

    /// Queues a whole binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<Sent, SendError> {
        self.send(tx, MessageKind::Binary, payload)
    }

    /// Queues the next part of a message; `fin` ends it (section 5.4). Pings may go between.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`MessageInProgress`](SendError::MessageInProgress) if the unfinished message is of the
    /// other kind.
    #[inline]
    pub fn send_fragment(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<Sent, SendError> {
        if !COMPACT && self.partial.is_none() && self.connection.send_fragment(tx, kind, payload, fin).is_ok()
        {
            return Ok(Sent::Done);
        }
        // `put` changed nothing: this finds the reason, or sends a part.
        self.send_part(tx, kind, payload, fin)
    }

    /// Where a payload is cut depends on the size of `tx` alone: the fragments are the same however fast the stream
    /// is.
    #[cfg_attr(not(feature = "compact"), cold)]
    fn send_part(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<Sent, SendError> {
        let Partial { len, queued } = self.partial;
        let connection = self.writable()?;
        // A close frame may have gone between; it is the better reason.
        if queued > 0 && len != payload.len() && connection.state == State::Open {
            return Err(SendError::MessageInProgress);
        }
        let rest = payload.get(queued..).unwrap_or_default();
        match connection.send_fragment(tx, kind, rest, fin) {
            Ok(()) => {
                self.partial = Partial::NONE;
                return Ok(Sent::Done);
            }
            Err(SendError::BufferFull) => {}
            Err(error) => return Err(error),
        }
        if tx.is_empty() {
            let capacity = tx.capacity();
            let room = capacity.saturating_sub(header_len(capacity as u64, R::MASKS));
            connection.send_fragment(tx, kind, rest.get(..room).unwrap_or_default(), false)?;
            self.partial = Partial { len: payload.len(), queued: queued.saturating_add(room) };
        }
        Ok(Sent::Write)
    }

    /// Queues the next part of a message, built in `tx` itself: see [`Connection::send_with`].
    ///
    /// # Errors
    /// As [`send`](Self::send); [`BufferFull`](SendError::BufferFull) if there is no room at all: write `tx` out and
    /// call again. Then `fill` was not called.
    pub fn send_with(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        fin: bool,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, SendError> {
        if !self.partial.is_none() {
            return Err(SendError::MessageInProgress);
        }
        self.writable()?.send_with(tx, kind, fin, fill)
    }

    /// The room that [`send_with`](Self::send_with) gives to a message of its own, as long as `tx` is left alone.
    #[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
    pub(crate) fn message_room<'t>(&mut self, tx: &'t mut Buffer<'_>) -> Result<&'t mut [u8], SendError> {
        if !self.partial.is_none() {
            return Err(SendError::MessageInProgress);
        }
        self.writable()?.message_room(tx)
    }

    /// Queues the header alone of the next fragment of a message, for a payload that need not be copied: see
    /// [`Connection::send_header`].
    ///
    /// # Errors
    /// As [`send`](Self::send); [`BufferFull`](SendError::BufferFull) if the header has no room: write `tx` out and
    /// call again.
    pub fn send_header(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        len: usize,
        fin: bool,
    ) -> Result<(), SendError> {
        if !self.partial.is_none() {
            return Err(SendError::MessageInProgress);
        }
        self.writable()?.send_header(tx, kind, len, fin)
    }

    /// Queues a message that was encoded before, for many connections; one that does not fit into `tx` goes out in
    /// fragments, as with [`send`](Self::send). Not for a client, which must mask the payload: that does not compile.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, tx: &mut Buffer<'_>, message: &Prepared<'_>) -> Result<Sent, SendError> {
        const { assert!(!R::MASKS, "a client masks its messages: none is the same twice") }
        let frame = message.frame();
        if !self.partial.is_none() || frame.len() > tx.capacity() {
            return self.send(tx, message.kind(), message.payload());
        }
        self.writable()?.may_begin(message.kind())?;
        Ok(if tx.push(frame) { Sent::Done } else { Sent::Write })
    }

    /// Queues a ping of at most 125 bytes (section 5.5.2).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed), [`NotNow`](SendError::NotNow) or
    /// [`ControlTooLong`](SendError::ControlTooLong).
    pub fn ping(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<Sent, SendError> {
        sent(self.writable()?.ping(tx, payload))
    }

    /// Queues a pong that no ping asked for (section 5.5.3). Pings are answered by [`receive`](Self::receive).
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<Sent, SendError> {
        sent(self.writable()?.pong(tx, payload))
    }

    /// Queues a close frame (section 7.1.2); go on until [`Step::End`](crate::Step::End).
    /// [`CloseCode::NO_STATUS`] sends an empty one.
    ///
    /// # Errors
    /// As [`ping`](Self::ping), for a reason of more than 123 bytes;
    /// [`InvalidCloseCode`](SendError::InvalidCloseCode).
    pub fn close(&mut self, tx: &mut Buffer<'_>, code: CloseCode, reason: &str) -> Result<Sent, SendError> {
        sent(self.writable()?.close(tx, code, reason))
    }

    /// Queues a close frame with code 1000 and no reason: see [`close`](Self::close).
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed) or [`NotNow`](SendError::NotNow).
    pub fn close_normal(&mut self, tx: &mut Buffer<'_>) -> Result<Sent, SendError> {
        self.close(tx, CloseCode::NORMAL, "")
    }

    #[inline]
    pub(super) fn writable(&mut self) -> Result<&mut Connection<R>, SendError> {
        if self.connection.state == State::Connecting {
            return Err(SendError::NotNow);
        }
        Ok(&mut self.connection)
    }
}

/// An empty `tx` has room for any control frame.
fn sent(result: Result<(), SendError>) -> Result<Sent, SendError> {
    match result {
        Ok(()) => Ok(Sent::Done),
        Err(SendError::BufferFull) => Ok(Sent::Write),
        Err(error) => Err(error),
    }
}
