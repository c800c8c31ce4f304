//! permessage-deflate (RFC 7692) on an open connection, both halves.

use crate::buffer::Buffer;
use crate::connection::receive::unmask_text;
use crate::connection::role::Role;
use crate::connection::{Connection, State};
use crate::deflate::{Agreed, Deflater, Fault, Next, Progress};
use crate::error::SendError;
use crate::located::{Form, Located, What};
use crate::step::{End, Step};
use crate::wire::error::ProtocolError;
use crate::wire::frame::{Header, MessageKind, Opcode, header_len};

/// "One reserved bit RSV1 [...] indicates whether the message is compressed" (section 6).
const RSV1: u8 = 4;

/// The state beside that of a connection without compression.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Compression {
    agreed: Option<Agreed>,
    /// The message that is arriving, or was, is compressed.
    pub(super) compressed: bool,
    /// The inflater has more of it, which the ring had no room for.
    pub(super) more: bool,
    /// The inflater has the window of a message before.
    kept: bool,
    /// The message that is being sent is compressed and not finished.
    pub(super) sending: bool,
}

impl Compression {
    pub(super) const NONE: Self =
        Self { agreed: None, compressed: false, more: false, kept: false, sending: false };
}

impl<R> Connection<R> {
    /// Accepts compressed messages, as `agreed` in a [`ServerHandshake`](crate::handshake::ServerHandshake) or a
    /// [`ClientHandshake`](crate::handshake::ClientHandshake). A session does so itself.
    #[must_use]
    pub fn agree(mut self, agreed: Option<Agreed>) -> Self {
        self.deflate.agreed = agreed;
        self
    }

    /// What was agreed on about compression; `None` if there is none.
    pub const fn agreed(&self) -> Option<Agreed> {
        self.deflate.agreed
    }

    pub(crate) const fn set_agreed(&mut self, agreed: Option<Agreed>) {
        self.deflate.agreed = agreed;
    }

    pub(crate) const fn is_sending_deflated(&self) -> bool {
        self.deflate.sending
    }
}

impl<R: Role> Connection<R> {
    /// "An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments of a data
    /// message. An endpoint receiving such a frame MUST _Fail the WebSocket Connection_." (section 6)
    #[inline]
    pub(super) fn check_reserved(&mut self, header: &Header) -> Result<(), ProtocolError> {
        let may_begin = matches!(header.opcode(), Opcode::Text | Opcode::Binary);
        let compressed = match header.reserved() {
            0 => false,
            RSV1 if may_begin && self.deflate.agreed.is_some() => true,
            _ => return Err(ProtocolError::ReservedBits),
        };
        if may_begin && self.frames == 0 {
            self.deflate.compressed = compressed;
        }
        Ok(())
    }

    pub(super) fn begin_inflating(&mut self, rx: &mut Buffer<'_>) {
        let takeover = self.deflate.agreed.is_some_and(Agreed::keeps_peers_context);
        if let Some((inflater, _)) = &mut rx.inflating {
            inflater.begin(takeover && self.deflate.kept);
        }
        self.deflate.kept = true;
    }

    /// Inflates what is there. All that it makes is handed out before anything else is received, so it does not matter
    /// how the bytes came.
    pub(super) fn inflate(&mut self, rx: &mut Buffer<'_>) -> Result<Step<Located>, ProtocolError> {
        let left = self.max_message_len.saturating_sub(self.len);
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let mask = if R::MASKS { None } else { Some(&mut self.mask) };
        let inflated = rx.inflate(&mut self.remaining, mask, most);
        let mut range = inflated.bytes;
        self.len = self.len.saturating_add(range.len() as u64);
        self.deflate.more = inflated.next == Next::Output;
        let done = self.remaining == 0 && inflated.next == Next::Input;
        let mut fin = done && self.fin;
        let complete = rx.inflating.as_ref().is_some_and(|(inflater, _)| inflater.is_complete());
        let mut failure = match inflated.next {
            Next::Output if self.len >= self.max_message_len => Some(ProtocolError::MessageTooBig),
            Next::Fault(Fault::Garbage) => Some(ProtocolError::InvalidDeflate),
            Next::Fault(Fault::RingTooSmall(distance)) => Some(ProtocolError::RingTooSmall(distance)),
            _ if fin && !complete => Some(ProtocolError::InvalidDeflate),
            _ => None,
        };
        fin &= failure.is_none();
        if self.kind == MessageKind::Text {
            let checked = unmask_text(None, &mut self.utf8, rx.inflated_mut(range.clone()), fin);
            if let Err(valid) = checked {
                failure = Some(ProtocolError::InvalidUtf8);
                range.end = range.start.saturating_add(valid);
                fin = false;
            }
        }
        if let Some(error) = failure {
            // As with plain text: the bytes before the fault are handed out, the error comes next.
            if range.is_empty() {
                return Err(error);
            }
            self.end = Some(End::Failed(error));
        } else if range.is_empty() && !done {
            return Ok(Step::Read);
        }
        let what = What::Chunk { kind: self.kind, first: self.first, fin, form: Form::Inflated };
        self.first = fin;
        if fin {
            (self.len, self.frames) = (0, 0);
        }
        Ok(Step::Event(Located::new(what, &range)))
    }

    /// Fails the connection because of what the caller's own engine found in a compressed message: see
    /// [`Session::fail`](crate::Session::fail).
    pub const fn fail(&mut self, error: ProtocolError) {
        if self.end.is_none() {
            self.end = Some(End::Failed(error));
        }
    }

    /// Queues the next fragment of a compressed message, whose payload the caller's own engine made: see
    /// [`Session::send_deflated`](crate::Session::send_deflated).
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment); [`NotNegotiated`](SendError::NotNegotiated).
    pub fn send_deflated(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendError> {
        let total = header_len(payload.len() as u64, R::MASKS).saturating_add(payload.len());
        self.deflated(tx, total, |connection, tx| connection.send_fragment(tx, kind, payload, fin))
    }

    /// [`send_header`](Self::send_header) for the next fragment of a compressed message.
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
        let total = header_len(len as u64, R::MASKS);
        self.deflated(tx, total, |connection, tx| connection.send_header(tx, kind, len, fin))
    }

    /// Sends a frame of `total` bytes with `send` as one of a compressed message.
    fn deflated(
        &mut self,
        tx: &mut Buffer<'_>,
        total: usize,
        send: impl FnOnce(&mut Self, &mut Buffer<'_>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        if self.deflate.agreed.is_none() {
            return Err(SendError::NotNegotiated);
        }
        let first = self.sending.is_none();
        if !first && !self.deflate.sending {
            return Err(SendError::MessageInProgress);
        }
        self.deflate.sending = false;
        let sent = send(self, tx);
        self.deflate.sending = self.sending.is_some();
        if sent.is_ok() && first {
            tx.set_in_last(total, RSV1 << 4);
        }
        sent
    }

    /// Compresses `message` and queues it whole in one frame, or plain if it would not be shorter:
    /// [`Deflater::saved`] returns how many bytes of payload that saved.
    ///
    /// # Errors
    /// As [`send`](Self::send). A message that does not fit into `tx` in either form is
    /// [`BufferFull`](SendError::BufferFull).
    pub fn send_compressed(
        &mut self,
        tx: &mut Buffer<'_>,
        deflater: &mut Deflater<'_>,
        kind: MessageKind,
        message: &[u8],
    ) -> Result<(), SendError> {
        let Some(len) = self.begin_compressed(deflater, message)? else {
            return self.send(tx, kind, message);
        };
        if !has_room::<R>(tx, len) {
            deflater.set_saved(0);
            return Err(SendError::BufferFull);
        }
        self.put_compressed(tx, deflater, kind, message).map(|_| ())
    }

    /// Begins to compress a message if it is shorter so: the bytes of its payload then. To know that before the first
    /// byte is sent, it is compressed twice.
    pub(crate) fn begin_compressed(
        &self,
        deflater: &mut Deflater<'_>,
        message: &[u8],
    ) -> Result<Option<usize>, SendError> {
        if self.state == State::Open && self.sending.is_some() {
            return Err(SendError::MessageInProgress);
        }
        deflater.set_saved(0);
        let Some(agreed) = self.deflate.agreed else { return Ok(None) };
        let len = deflater.measure(message, agreed.send_window_bits());
        if let Some(len) = len {
            deflater.set_saved(message.len().saturating_sub(len));
            deflater.begin(agreed.send_window_bits());
        }
        Ok(len)
    }

    /// Queues the next frame of the message that is being compressed, as long as `tx` has room for: whether it is the
    /// last one.
    pub(crate) fn put_compressed(
        &mut self,
        tx: &mut Buffer<'_>,
        deflater: &mut Deflater<'_>,
        kind: MessageKind,
        message: &[u8],
    ) -> Result<bool, SendError> {
        let free = tx.free();
        let headroom = header_len(free as u64, R::MASKS);
        let room = tx.room(free).and_then(|frame| frame.get_mut(headroom..)).unwrap_or_default();
        let Progress { len, done } = deflater.deflate(message, room);
        let total = header_len(len as u64, R::MASKS).saturating_add(len);
        // The payload stands where `fill` would put it.
        self.deflated(tx, total, |connection, tx| connection.send_with(tx, kind, done, |_| len).map(|_| ()))?;
        Ok(done)
    }
}

/// Whether `tx` has room for a frame of `len` bytes of payload that is made where it stands.
pub(crate) fn has_room<R: Role>(tx: &Buffer<'_>, len: usize) -> bool {
    let free = tx.free();
    len <= free.saturating_sub(header_len(free as u64, R::MASKS))
}
