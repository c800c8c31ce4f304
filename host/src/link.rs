//! [`Link`]: the way from a service to its client.

use std::io;

use microws::frame::MAX_HEADER_LEN;
use microws::{Buffer, CloseCode, HandshakeError, MessageKind, SendError, Sent};

use crate::deflate::{Choice, Compression, Deflaters, PIECE, Reply};
use crate::report::{Ending, Report};
use crate::session::Session;
use crate::transport::{Address, LARGE, Pool, Queue, Transport};

/// One client while its bytes are handled: its session and its transport.
#[derive(Debug)]
pub(crate) struct Link<'a, 'c> {
    pub(crate) address: &'a mut Address,
    pub(crate) session: &'a mut Session<'c>,
    pub(crate) transport: &'a mut Transport,
    pub(crate) tx: Buffer<'a>,
    pub(crate) pool: &'a mut Pool,
    /// The part of a frame's payload that waits for the rest.
    pub(crate) held: Option<Box<Queue>>,
    pub(crate) compression: &'a mut Compression,
    pub(crate) deflaters: &'a mut Deflaters,
    pub(crate) now: u64,
}

impl<'c> Link<'_, 'c> {
    /// Why the request can't be accepted, once it is complete.
    pub(crate) fn fault(&self) -> Option<HandshakeError> {
        self.session.fault()
    }

    /// The subprotocol that will be agreed to, once the request is complete.
    pub(crate) fn subprotocol(&self) -> Option<&'c str> {
        self.session.subprotocol()
    }

    /// Answers a plain request, after which the next one may come.
    pub(crate) fn answer(&mut self, status: u16, fields: &[(&str, &str)], body: &str) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.respond_and_stay(tx, status, fields, body))
    }

    /// Rejects a request at fault.
    pub(crate) fn reject(&mut self) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.reject(tx))
    }

    /// [`answer`](Self::answer) with content of any length.
    pub(crate) fn answer_content(
        &mut self,
        status: u16,
        fields: &[(&str, &str)],
        content: &[u8],
    ) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.respond_content(tx, status, fields, content))
    }

    /// Answers the request otherwise than with an upgrade, and ends the connection.
    pub(crate) fn respond(&mut self, status: u16, fields: &[(&str, &str)], body: &str) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.respond(tx, status, fields, body))
    }

    /// Payload bytes of the current frame that have not come; 0 for what was inflated, which knows no frames.
    pub(crate) fn payload_left(&self) -> u64 {
        if self.compression.inflater.is_some() { 0 } else { self.session.payload_left() }
    }

    /// Sends a part of a message to a client without compression; `fin` ends it. After our close frame nothing is sent.
    // A call more would be a fifth of the steps for a short message.
    #[inline(always)]
    pub(crate) fn send(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Ending> {
        if payload.len() >= LARGE {
            return self.send_uncopied(kind, payload, fin);
        }
        self.until_sent(|session, tx| session.send_fragment(tx, kind, payload, fin))
    }

    /// Sends a part of a message to any client, compressed if that was agreed to and it is worth it. The first part
    /// decides for all of the message.
    #[cold]
    pub(crate) fn reply(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Ending> {
        let Some(agreed) = self.session.agreed() else { return self.send_apart(kind, payload, fin) };
        let choice = Choice { window_bits: agreed.send_window_bits(), own: self.compression.context };
        if self.compression.reply == Reply::None {
            self.compression.reply = Reply::Plain;
            if self.deflaters.is_worth_it(payload.len()) {
                return self.reply_compressed(choice, kind, payload, true, fin);
            }
        }
        match self.compression.reply {
            Reply::Compressed => self.reply_compressed(choice, kind, payload, false, fin),
            _ => self.reply_plain(kind, payload, fin),
        }
    }

    fn reply_plain(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Ending> {
        if fin {
            self.compression.reply = Reply::None;
        }
        self.send_apart(kind, payload, fin)
    }

    /// [`send`](Self::send), where its steps do not count. With a call of `send` that would no longer be compiled into the
    /// one place where they do.
    #[cold]
    #[inline(never)]
    fn send_apart(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Ending> {
        if payload.len() >= LARGE {
            return self.send_uncopied(kind, payload, fin);
        }
        self.until_sent(|session, tx| session.send_fragment(tx, kind, payload, fin))
    }

    /// Sends the pieces of a part as a fragment each, or the `first` part plain if it would be no shorter.
    fn reply_compressed(
        &mut self,
        choice: Choice,
        kind: MessageKind,
        payload: &[u8],
        mut first: bool,
        fin: bool,
    ) -> Result<(), Ending> {
        let mut rest = payload;
        loop {
            let (piece, next) = rest.split_at(rest.len().min(PIECE));
            let is_last = fin && next.is_empty();
            let Self { session, transport, tx, pool, deflaters, now, .. } = self;
            let Some(deflated) = deflaters.deflate(choice, piece, first, is_last) else {
                return self.reply_plain(kind, payload, fin);
            };
            (first, rest) = (false, next);
            self.compression.reply = if is_last { Reply::None } else { Reply::Compressed };
            if tx.free() < MAX_HEADER_LEN + deflated.len() {
                transport.write(tx.filled(), &[], pool, *now)?;
                tx.consume(tx.len());
            }
            match session.send_deflated(tx, kind, deflated, is_last) {
                // After our close frame nothing is sent.
                Ok(()) | Err(SendError::Closed) => {}
                Err(error) => return Err(Ending::Bug(error)),
            }
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// [`send`](Self::send) with a write of its own, straight from `payload`.
    #[inline(never)]
    pub(crate) fn send_uncopied(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), Ending> {
        if self.begin_frame(kind, payload.len(), fin)? {
            self.write(payload)?;
        }
        Ok(())
    }

    /// Queues a frame's header: whether its payload is to follow; after our close frame nothing is sent.
    fn begin_frame(&mut self, kind: MessageKind, len: usize, fin: bool) -> Result<bool, Ending> {
        if self.tx.free() < MAX_HEADER_LEN {
            self.flush()?;
        }
        match self.session.send_header(&mut self.tx, kind, len, fin) {
            Ok(()) => Ok(true),
            Err(SendError::Closed) => Ok(false),
            Err(error) => Err(Ending::Bug(error)),
        }
    }

    /// Keeps `payload` for [`send_held`](Self::send_held).
    pub(crate) fn hold(&mut self, payload: &[u8]) {
        self.pool.hold(&mut self.held, payload);
    }

    /// Sends what was held and `payload` as a part of a message.
    pub(crate) fn send_held(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), Ending> {
        let is_plain = self.session.agreed().is_none();
        let Some(held) = self.held.take() else {
            return if is_plain {
                self.send_uncopied(kind, payload, fin)
            } else {
                self.reply(kind, payload, fin)
            };
        };
        let sent = if is_plain {
            self.send_slices(kind, &held, payload, fin)
        } else {
            held.slices()
                .try_for_each(|slice| self.reply(kind, slice, false))
                .and_then(|()| self.reply(kind, payload, fin))
        };
        self.pool.give_back_held(held);
        sent
    }

    fn send_slices(
        &mut self,
        kind: MessageKind,
        held: &Queue,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), Ending> {
        if self.begin_frame(kind, held.len() + payload.len(), fin)? {
            for slice in held.slices().chain([payload]) {
                self.write(slice)?;
            }
        }
        Ok(())
    }

    /// Sends a ping; after our close frame nothing is sent.
    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.ping(tx, payload))?;
        Ok(self.flush()?)
    }

    /// [`flush`](Self::flush) without the reply to a close frame, which is the last frame; nothing is sent after it.
    pub(crate) fn flush_all_but_close(&mut self) -> Result<(), Ending> {
        let before = match self.tx.filled() {
            // With the code that came, and without one (RFC 6455 section 5.5.1).
            [before @ .., 0x88, 0x02, _, _] | [before @ .., 0x88, 0x00] => before,
            _ => return Ok(self.flush()?),
        };
        self.transport.write(before, &[], self.pool, self.now)?;
        self.tx.consume(self.tx.len());
        self.transport.mute();
        Ok(())
    }

    /// Adds lines to the head of the answer, which waits to be sent.
    pub(crate) fn add_to_head(&mut self, lines: &str) -> Result<(), Ending> {
        let head = self.tx.filled().to_vec();
        self.tx.consume(head.len());
        let (fields, end) = head.split_at(head.len().saturating_sub(2));
        if self.tx.push(fields) && self.tx.push(lines.as_bytes()) && self.tx.push(end) {
            Ok(())
        } else {
            Err(Ending::Bug(SendError::BufferFull))
        }
    }

    /// Sends bytes as they are, whatever the protocol says.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        Ok(self.write(bytes)?)
    }

    /// Sends a close frame, unless one was sent before.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Ending> {
        self.until_sent(|session, tx| session.close(tx, code, reason))?;
        Ok(self.flush()?)
    }

    /// Makes room until everything that `verb` sends is queued.
    #[inline(always)]
    fn until_sent(
        &mut self,
        mut verb: impl FnMut(&mut Session<'c>, &mut Buffer<'_>) -> Result<Sent, SendError>,
    ) -> Result<(), Ending> {
        loop {
            match verb(self.session, &mut self.tx) {
                // Messages may still come after our close frame, but not go.
                Ok(Sent::Done) | Err(SendError::Closed) => return Ok(()),
                Ok(Sent::Write) => self.flush()?,
                Err(error) => return Err(Ending::Bug(error)),
            }
        }
    }

    /// Enough for this run, though bytes of the client were read and not handled.
    pub(crate) fn stop(&mut self) -> Result<Option<u32>, Ending> {
        self.compression.unfinished = true;
        self.flush()?;
        Ok(None)
    }

    /// Reads once, if something is there.
    pub(crate) fn read(&mut self, rx: &mut Buffer<'_>) -> Result<(), Ending> {
        let read = if self.transport.is_layered() {
            self.read_layered(rx.spare())?
        } else {
            self.transport.read(rx.spare())?
        };
        if let Some(n) = read {
            self.session.commit(rx, n);
        }
        Ok(())
    }

    #[inline(never)]
    fn read_layered(&mut self, room: &mut [u8]) -> Result<Option<usize>, Ending> {
        let Self { transport, address, pool, now, .. } = self;
        let read = transport.read_layered(room, pool, *now, |client| {
            let proxy = std::mem::replace(*address, client.into());
            Report::proxied(address, &proxy);
        });
        Ok(read?)
    }

    /// Ends our direction of the stream, after what waits.
    pub(crate) fn shutdown(&mut self) {
        self.transport.shutdown(self.pool, self.now);
    }

    /// Writes `tx` out.
    #[inline]
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.tx.is_empty() { Ok(()) } else { self.write(&[]) }
    }

    /// Writes `tx` out, and then `payload`.
    fn write(&mut self, payload: &[u8]) -> io::Result<()> {
        self.transport.write(self.tx.filled(), payload, self.pool, self.now)?;
        self.tx.consume(self.tx.len());
        Ok(())
    }
}
