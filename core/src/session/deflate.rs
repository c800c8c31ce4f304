//! Compressed messages of a session (RFC 7692): those that it compresses, and those that the program's engine made.

use crate::buffer::Buffer;
use crate::deflate::{Agreed, Deflater, Progress};
use crate::error::SendError;
use crate::session::send::Partial;
use crate::session::{Endpoint, Sent, Session};
use crate::wire::frame::{MessageKind, header_len};

impl<R: Endpoint> Session<'_, R> {
    /// What was agreed on about compression; `None` if there is none, and before the connection is open.
    pub const fn agreed(&self) -> Option<Agreed> {
        self.connection.agreed()
    }

    /// Lets compressed messages through on a stream whose opening handshake somebody else did, on these terms.
    #[must_use]
    pub fn agree(mut self, agreed: Option<Agreed>) -> Self {
        self.connection.set_agreed(agreed);
        self
    }

    /// Queues a whole message, compressed if both agreed to it and it is shorter so;
    /// [`Deflater::saved`] then tells how many bytes of payload that saved. One that does not fit into `tx` goes out in
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
        if self.partial.is_none() {
            let connection = self.writable()?;
            match connection.send_compressed(tx, deflater, kind, message) {
                Ok(()) => return Ok(Sent::Done),
                Err(SendError::BufferFull) if tx.is_empty() => {}
                Err(SendError::BufferFull) => return Ok(Sent::Write),
                Err(error) => return Err(error),
            }
            // It does not fit in one frame: whether it is worth it must be known before the first one.
            let total = connection
                .agreed()
                .and_then(|agreed| deflater.measure(message, agreed.send_window_bits()).zip(Some(agreed)));
            let Some((total, agreed)) = total else { return self.send_fragment(tx, kind, message, true) };
            deflater.set_saved(message.len().saturating_sub(total));
            deflater.begin(agreed.send_window_bits());
        } else if !self.connection.is_sending_deflated() {
            return self.send_fragment(tx, kind, message, true);
        } else if self.partial.len() != message.len() {
            return Err(SendError::MessageInProgress);
        }
        if !tx.is_empty() {
            return Ok(Sent::Write);
        }
        // Where it is cut depends on the size of `tx` alone.
        let capacity = tx.capacity();
        let room = capacity.saturating_sub(header_len(capacity as u64, R::MASKS));
        let progress = self.writable()?.put_compressed(tx, deflater, kind, message, room, false)?;
        if progress.is_some_and(|Progress { done, .. }| done) {
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
