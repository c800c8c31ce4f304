//! What waits goes to the WebSocket that carries the session.

use microws::{Buffer, Endpoint, MessageKind, Sent, Session};

use crate::server::{ServerSession, Transport};

impl ServerSession<'_> {
    /// Puts queued messages into `tx` of the WebSocket that carries the session, as many as there is room for, and the
    /// close frame in the end. After [`Sent::Write`] write `tx` out and call again.
    ///
    /// # Errors
    /// As [`Session::send`]: the WebSocket is closing.
    pub fn send_queued<R: Endpoint>(
        &mut self,
        ws: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
    ) -> Result<Sent, microws::SendError> {
        while let Some((kind, message)) = self.front() {
            if ws.send(tx, kind, message)? == Sent::Write {
                return Ok(Sent::Write);
            }
            self.queue.pop();
        }
        match self.close_code() {
            Some(code) if self.transport == Transport::WebSocket => ws.close(tx, code, ""),
            _ => Ok(Sent::Done),
        }
    }

    /// The oldest message that waits for the WebSocket, for hosts that send by themselves; then [`pop`](Self::pop).
    pub fn front(&self) -> Option<(MessageKind, &[u8])> {
        self.queue.front().filter(|_| self.transport == Transport::WebSocket && !self.held)
    }

    /// Drops the oldest message, because it was sent.
    pub fn pop(&mut self) {
        self.queue.pop();
    }
}
