//! The short way of most clients at most times.

use microws::{SendError, Sent};

use super::Peer;
use crate::context::{Context, Next};
use crate::report::Ending;
use crate::transport::LARGE;

impl Peer<'_> {
    /// Whether the short way may be tried: there are bytes to read, and nothing waits before them.
    #[inline]
    pub(super) fn is_usual(&self) -> bool {
        self.is_plain && self.transport.is_usual() && self.partial.is_empty()
    }

    /// Reads once, sends the messages back that came whole, and writes. `None` if there is more to do, which
    /// [`run`](Self::run) knows: with what was read and not handled.
    // All that such messages need, and nothing else: what the long way keeps at hand would cost a short one as much again.
    #[inline(always)]
    pub(super) fn echo(&mut self, cx: &mut Context<'_, '_>) -> Result<Option<Next>, Ending> {
        let Self { address, transport, session, service, partial, .. } = self;
        let Some(session) = session.open() else { return Ok(None) };
        let len = cx.buffers.read_len(None, session.payload_left(), 0);
        let (mut rx, mut tx, pool) = cx.buffers.lend(len);
        if let Some(n) = transport.read(rx.spare())? {
            session.commit(&mut rx, n);
        }
        while let Some(message) = session.receive_whole(&mut rx, &tx) {
            let len = message.payload.len();
            let is_large = len >= LARGE;
            let sent = if is_large {
                session.send_header(&mut tx, message.kind, len, message.fin).map(|()| Sent::Done)
            } else {
                session.send_fragment(&mut tx, message.kind, message.payload, message.fin)
            };
            match sent {
                Ok(Sent::Done) if is_large => {
                    transport.write(tx.filled(), message.payload, pool, cx.now)?;
                    tx.consume(tx.len());
                }
                // Messages may still come after our close frame, but not go.
                Ok(Sent::Done) | Err(SendError::Closed) => {}
                // There is room for the replies to all that is read at once.
                Ok(Sent::Write) => return Err(Ending::Bug(SendError::BufferFull)),
                Err(error) => return Err(Ending::Bug(error)),
            }
            service.count_message(message.kind, len, address, cx.report);
        }
        if !tx.is_empty() {
            transport.write(tx.filled(), &[], pool, cx.now)?;
            tx.consume(tx.len());
        }
        if transport.is_blocked() {
            partial.keep(rx.filled());
            return Ok(Some(Next::Wait(self.write_deadline(cx)?)));
        }
        if !session.awaits_bytes(&rx) {
            // What waits is moved to the front of the receive buffer.
            rx.spare();
            let left = rx.len();
            cx.buffers.leave(left);
            return Ok(None);
        }
        let within = session.tick(&mut tx, cx.now as u32);
        if !tx.is_empty() {
            transport.write(tx.filled(), &[], pool, cx.now)?;
        }
        if transport.is_blocked() {
            return Ok(Some(Next::Wait(self.write_deadline(cx)?)));
        }
        if within == Some(0) {
            return Ok(None);
        }
        Ok(Some(if transport.may_read(pool, cx.now) { Next::Requeue } else { Next::Wait(within) }))
    }
}
