//! permessage-deflate (RFC 7692) on an open connection, both halves.

use core::ops::Range;

use crate::buffer::Buffer;
use crate::connection::role::Role;
use crate::connection::{Connection, State};
use crate::deflate::{Agreed, Deflater, Fault, Inflated, Next, Progress};
use crate::error::SendError;
use crate::step::End;
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

    /// Inflates what is there: where the bytes stand in the ring, and the fault after them. All that it makes is handed out
    /// before anything else is received, so it does not matter how the bytes came.
    pub(super) fn inflate(&mut self, rx: &mut Buffer<'_>) -> (Range<usize>, Option<ProtocolError>) {
        let (waiting, Some((inflater, ring))) = rx.filled_and_ring() else { return (0..0, None) };
        let len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(waiting.len());
        let payload = waiting.get_mut(..len).unwrap_or_default();
        if !R::MASKS {
            // What the ring had no room for was unmasked before.
            self.mask.apply(payload.get_mut(inflater.unmasked..).unwrap_or_default());
        }
        let mut input = &*payload;
        let most = usize::try_from(self.max_message_len.saturating_sub(self.len)).unwrap_or(usize::MAX);
        let Inflated { bytes, next } = inflater.inflate(&mut input, ring, most);
        inflater.unmasked = input.len();
        let complete = inflater.is_complete();
        let used = len.wrapping_sub(input.len());
        rx.consume(used);
        self.remaining = self.remaining.wrapping_sub(used as u64);
        self.len = self.len.saturating_add(bytes.len() as u64);
        self.deflate.more = next == Next::Output;
        let fault = match next {
            Next::Output if bytes.len() >= most => Some(ProtocolError::MessageTooBig),
            Next::Fault(Fault::RingTooSmall(distance)) => Some(ProtocolError::RingTooSmall(distance)),
            Next::Fault(Fault::Garbage) => Some(ProtocolError::InvalidDeflate),
            Next::Input if self.remaining == 0 && self.fin && !complete => {
                Some(ProtocolError::InvalidDeflate)
            }
            _ => None,
        };
        (bytes, fault)
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
        let reserved = self.begin_frame()?;
        let sent = send(self, tx);
        self.deflate.sending = self.sending.is_some();
        if sent.is_ok() {
            tx.set_in_last(total, reserved);
        }
        sent
    }

    /// Begins a frame of a compressed message: the reserved bits of its first byte.
    fn begin_frame(&mut self) -> Result<u8, SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        if self.deflate.agreed.is_none() {
            return Err(SendError::NotNegotiated);
        }
        if self.sending.is_none() {
            return Ok(RSV1 << 4);
        }
        if !self.deflate.sending {
            return Err(SendError::MessageInProgress);
        }
        // Until the frame is sent, whose kind is compared as that of any other.
        self.deflate.sending = false;
        Ok(0)
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
        let reserved = self.begin_frame()?;
        let sent = self.send_made(tx, kind, reserved, |room| {
            let Progress { len, done } = deflater.deflate(message, room);
            (len, done)
        });
        self.deflate.sending = self.sending.is_some();
        sent
    }
}

/// Whether `tx` has room for a frame of `len` bytes of payload that is made where it stands.
pub(crate) fn has_room<R: Role>(tx: &Buffer<'_>, len: usize) -> bool {
    let free = tx.free();
    len <= free.saturating_sub(header_len(free as u64, R::MASKS))
}
