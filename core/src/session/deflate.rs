//! Compressed messages of a session (RFC 7692): those that it compresses, and those that the program's engine made.

use crate::buffer::Buffer;
use crate::connection::has_room;
use crate::connection::role::Server;
use crate::deflate::{Agreed, Deflater};
use crate::error::SendError;
use crate::session::send::Partial;
use crate::session::{Endpoint, Sent, Session};
use crate::wire::error::ProtocolError;
use crate::wire::frame::MessageKind;

impl Session<'_, Server> {
    /// What will be agreed on about compression, as far as the request has come; sure at
    /// [`Event::HeadEnd`](crate::Event::HeadEnd).
    pub fn offered(&self) -> Option<Agreed> {
        self.opening.deflate()
    }

    /// Agrees to no context takeover in either direction (RFC 7692 section 7.1.1) for this client, whatever
    /// [`Config::deflate`](crate::Config::deflate) says, at [`Event::HeadEnd`](crate::Event::HeadEnd): for a program whose
    /// memory for contexts is in use. Without effect on a client that does not want compression.
    pub fn forget_contexts(&mut self) {
        self.opening.forget_contexts();
    }
}

impl<R: Endpoint> Session<'_, R> {
    /// What was agreed on about compression; `None` if there is none, and before the connection is open.
    pub const fn agreed(&self) -> Option<Agreed> {
        self.connection.agreed()
    }

    /// Fails the connection (RFC 6455 section 7.1.7) because of what the program's own engine found in a compressed
    /// message: [`InvalidDeflate`](ProtocolError::InvalidDeflate), [`InvalidUtf8`](ProtocolError::InvalidUtf8) or
    /// [`MessageTooBig`](ProtocolError::MessageTooBig). Go on until [`Step::End`](crate::Step::End), as if the session had
    /// found it: no message follows. Without effect before the connection is open and after its end is known.
    pub const fn fail(&mut self, error: ProtocolError) {
        self.connection.fail(error);
    }

    /// Accepts compressed messages, on these terms, on a stream whose opening handshake was done elsewhere.
    #[must_use]
    pub fn agree(mut self, agreed: Option<Agreed>) -> Self {
        self.connection.set_agreed(agreed);
        self
    }

    /// Queues a whole message, compressed if both agreed to it and it is shorter so;
    /// [`Deflater::saved`] then returns how many bytes of payload that saved. One that does not fit into `tx` goes out in
    /// fragments. After [`Sent::Write`] call again with the same message and deflater.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_compressed(
        &mut self,
        tx: &mut Buffer<'_>,
        deflater: &mut Deflater<'_>,
        kind: MessageKind,
        message: &[u8],
    ) -> Result<Sent, SendError> {
        let ready = if self.partial.is_none() {
            match self.writable()?.begin_compressed(deflater, message)? {
                None => return self.send_fragment(tx, kind, message, true),
                Some(len) => has_room::<R>(tx, len),
            }
        } else if !self.connection.is_sending_deflated() {
            return self.send_fragment(tx, kind, message, true);
        } else if self.partial.len() == message.len() {
            false
        } else {
            return Err(SendError::MessageInProgress);
        };
        // Where it is cut depends on the size of `tx` alone.
        if !(ready || tx.is_empty()) {
            return Ok(Sent::Write);
        }
        if self.connection.put_compressed(tx, deflater, kind, message)? {
            self.partial = Partial::NONE;
            return Ok(Sent::Done);
        }
        self.partial = Partial::begun(message.len());
        Ok(Sent::Write)
    }

    /// Queues the next part of a compressed message, which the caller's own engine made: DEFLATE data, of which the
    /// last part lacks the four bytes at its end (RFC 7692 section 7.2.1). `fin` ends the message; a part that goes out
    /// must fit into `tx`.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`NotNegotiated`](SendError::NotNegotiated), and
    /// [`BufferFull`](SendError::BufferFull): write `tx` out and call again, with less if it is empty.
    pub fn send_deflated(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendError> {
        if !self.partial.is_none() {
            return Err(SendError::MessageInProgress);
        }
        self.writable()?.send_deflated(tx, kind, payload, fin)
    }

    /// Queues the header alone of the next part of a compressed message: see
    /// [`Connection::send_header`](crate::Connection::send_header).
    ///
    /// # Errors
    /// As [`send_deflated`](Self::send_deflated).
    pub fn send_deflated_header(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        len: usize,
        fin: bool,
    ) -> Result<(), SendError> {
        if !self.partial.is_none() {
            return Err(SendError::MessageInProgress);
        }
        self.writable()?.send_deflated_header(tx, kind, len, fin)
    }
}
