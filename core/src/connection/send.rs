//! The sending half of [`Connection`]. Every verb writes whole frames into `tx` or changes nothing.

use crate::buffer::{Buffer, copy, shift_left};
use crate::compact::COMPACT;
use crate::connection::role::Role;
use crate::connection::{Connection, State};
use crate::error::SendError;
use crate::wire::code::CloseCode;
use crate::wire::frame::{
    Header, MAX_CONTROL_LEN, MessageKind, Opcode, first_byte, header_len, write_header,
};
use crate::wire::mask::Mask;

impl<R: Role> Connection<R> {
    /// Queues a whole message in one frame.
    ///
    /// Text must be UTF-8, which the caller must check: see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// [`BufferFull`](SendError::BufferFull), [`Closed`](SendError::Closed) or
    /// [`MessageInProgress`](SendError::MessageInProgress).
    #[inline]
    pub fn send(&mut self, tx: &mut Buffer<'_>, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        if self.state == State::Open && self.sending.is_some() {
            return Err(SendError::MessageInProgress);
        }
        self.send_fragment(tx, kind, payload, true)
    }

    /// Queues a whole text message. Errors as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, tx: &mut Buffer<'_>, text: &str) -> Result<(), SendError> {
        self.send(tx, MessageKind::Text, text.as_bytes())
    }

    /// Queues a whole binary message. Errors as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<(), SendError> {
        self.send(tx, MessageKind::Binary, payload)
    }

    /// Queues the next fragment of a message; `fin` ends it (section 5.4). The first frame's
    /// opcode and the continuations' are set here; pings and pongs may go between.
    ///
    /// # Errors
    /// [`BufferFull`](SendError::BufferFull), [`Closed`](SendError::Closed), or
    /// [`MessageInProgress`](SendError::MessageInProgress) if the unfinished message is of the other kind.
    #[inline]
    pub fn send_fragment(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendError> {
        let opcode = self.data_opcode(kind)?;
        self.put(tx, fin, opcode, payload)?;
        self.sending = if fin { None } else { Some(kind) };
        Ok(())
    }

    /// [`send_fragment`](Self::send_fragment) with the payload built in `tx` itself: `fill` gets
    /// the room after the longest header that may be needed, of any content, and returns how many
    /// bytes of it are the payload. That number is the result.
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment); then `fill` was not called.
    pub fn send_with(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        fin: bool,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Result<usize, SendError> {
        let mut len = 0;
        self.send_made(tx, kind, 0, |room| {
            len = fill(room).min(room.len());
            (len, fin)
        })?;
        Ok(len)
    }

    /// [`send_with`](Self::send_with) where `fill` also returns whether the message ends, which is the result; with
    /// `reserved` bits in the first byte.
    pub(super) fn send_made(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        reserved: u8,
        fill: impl FnOnce(&mut [u8]) -> (usize, bool),
    ) -> Result<bool, SendError> {
        let opcode = self.data_opcode(kind)?;
        let free = tx.free();
        let frame = tx.room(free).ok_or(SendError::BufferFull)?;
        let headroom = header_len(free as u64, R::MASKS);
        let space = frame.get_mut(headroom..).ok_or(SendError::BufferFull)?;
        let (len, fin) = fill(space);
        let mask = self.role.masking_key();
        if let (Some(key), Some(payload)) = (mask, space.get_mut(..len)) {
            Mask::new(key).apply(payload);
        }
        // Less payload than room: the header may be shorter than the room left for it.
        let size = header_len(len as u64, R::MASKS);
        if size < headroom {
            shift_left(frame, headroom..headroom.saturating_add(len), size);
        }
        let header = frame.get_mut(..size).unwrap_or_default();
        write_header(header, first_byte(fin, opcode) | reserved, mask, len as u64);
        tx.commit(size.saturating_add(len));
        self.sending = if fin { None } else { Some(kind) };
        Ok(fin)
    }

    /// Whether a message can begin now.
    pub(crate) fn may_begin(&self, kind: MessageKind) -> Result<(), SendError> {
        let _ = self.data_opcode(kind)?;
        if self.sending.is_some() { Err(SendError::MessageInProgress) } else { Ok(()) }
    }

    /// The room that [`send_with`](Self::send_with) gives to a message of its own; it stays the same room as long as `tx`
    /// is left alone.
    #[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
    pub(crate) fn message_room<'t>(&self, tx: &'t mut Buffer<'_>) -> Result<&'t mut [u8], SendError> {
        self.may_begin(MessageKind::Binary)?;
        let free = tx.free();
        let frame = tx.room(free).unwrap_or_default();
        Ok(frame.get_mut(header_len(free as u64, R::MASKS)..).unwrap_or_default())
    }

    /// Queues the header alone of the next fragment of a message, for a payload that need not be
    /// copied: it stands in `rx`, in flash, in a DMA buffer. `tx` must then be written out, and
    /// exactly `len` bytes of payload after it, before anything else is queued. Not for a client, which must mask the
    /// payload: that does not compile.
    ///
    /// # Errors
    /// As [`send_fragment`](Self::send_fragment).
    pub fn send_header(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        len: usize,
        fin: bool,
    ) -> Result<(), SendError> {
        const { assert!(!R::MASKS, "a client masks its payload: it can't be sent as it stands") }
        let opcode = self.data_opcode(kind)?;
        let header = Header::new(fin, opcode, None, len as u64).map_err(|_| SendError::BufferFull)?;
        let size = header.encoded_len();
        tx.room(size).and_then(|room| header.encode(room)).ok_or(SendError::BufferFull)?;
        tx.commit(size);
        self.sending = if fin { None } else { Some(kind) };
        Ok(())
    }

    /// Queues a ping of at most 125 bytes (section 5.5.2).
    ///
    /// # Errors
    /// [`BufferFull`](SendError::BufferFull), [`Closed`](SendError::Closed) or
    /// [`ControlTooLong`](SendError::ControlTooLong).
    pub fn ping(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<(), SendError> {
        self.put(tx, true, Opcode::Ping, payload)
    }

    /// Queues an unsolicited pong, a heartbeat that wants no reply (section 5.5.3). Pings are
    /// answered by [`receive`](Self::receive).
    ///
    /// # Errors
    /// As [`ping`](Self::ping).
    pub fn pong(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<(), SendError> {
        self.put(tx, true, Opcode::Pong, payload)
    }

    /// Queues a close frame and begins the closing handshake (section 7.1.2); go on receiving
    /// until [`Event::Close`](crate::Event::Close). [`CloseCode::NO_STATUS`] sends an empty one.
    ///
    /// # Errors
    /// [`BufferFull`](SendError::BufferFull), [`Closed`](SendError::Closed),
    /// [`ControlTooLong`](SendError::ControlTooLong) for a reason of more than 123 bytes, or
    /// [`InvalidCloseCode`](SendError::InvalidCloseCode).
    pub fn close(&mut self, tx: &mut Buffer<'_>, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let bytes = code.0.to_be_bytes();
        let mut first = bytes.as_slice();
        if !code.is_sendable() {
            if code != CloseCode::NO_STATUS || !reason.is_empty() {
                return Err(SendError::InvalidCloseCode);
            }
            first = &[];
        }
        self.put_parts(tx, true, Opcode::Close, first, reason.as_bytes())?;
        self.state = State::Closing;
        Ok(())
    }

    #[inline]
    fn data_opcode(&self, kind: MessageKind) -> Result<Opcode, SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        // The rest of a compressed message must be compressed, too.
        #[cfg(feature = "deflate")]
        if self.deflate.sending {
            return Err(SendError::MessageInProgress);
        }
        match self.sending {
            None if kind == MessageKind::Text => Ok(Opcode::Text),
            None => Ok(Opcode::Binary),
            Some(begun) if begun == kind => Ok(Opcode::Continuation),
            Some(_) => Err(SendError::MessageInProgress),
        }
    }

    /// Writes a frame: whole, or not at all.
    #[inline]
    pub(crate) fn put(
        &mut self,
        tx: &mut Buffer<'_>,
        fin: bool,
        opcode: Opcode,
        payload: &[u8],
    ) -> Result<(), SendError> {
        if !COMPACT && !R::MASKS && payload.len() <= MAX_CONTROL_LEN {
            if self.state != State::Open {
                return Err(SendError::Closed);
            }
            return put_short(tx, fin, opcode, payload);
        }
        self.put_parts(tx, fin, opcode, &[], payload)
    }

    /// [`put`](Self::put) for a payload that is made of two parts.
    #[inline(never)]
    fn put_parts(
        &mut self,
        tx: &mut Buffer<'_>,
        fin: bool,
        opcode: Opcode,
        first: &[u8],
        second: &[u8],
    ) -> Result<(), SendError> {
        // "The application MUST NOT send any more data frames after sending a Close frame." (5.5.1)
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        let len = first.len().saturating_add(second.len());
        if opcode.is_control() && len > MAX_CONTROL_LEN {
            return Err(SendError::ControlTooLong);
        }
        let size = header_len(len as u64, R::MASKS);
        let total = size.saturating_add(len);
        let frame = tx.room(total).ok_or(SendError::BufferFull)?;
        let (header, body) = frame.split_at_mut_checked(size).ok_or(SendError::BufferFull)?;
        // "a client MUST mask all frames that it sends", "a server MUST NOT mask" (5.1), with a
        // key of its own for each frame (5.3).
        let mask = self.role.masking_key();
        write_header(header, first_byte(fin, opcode), mask, len as u64);
        let (head, tail) = body.split_at_mut_checked(first.len()).unwrap_or_default();
        copy(head, first);
        copy(tail, second);
        if let Some(key) = mask {
            Mask::new(key).apply(body);
        }
        tx.commit(total);
        Ok(())
    }
}

/// [`Connection::put`] for most frames that a server sends, in half the steps: at most 125 bytes
/// after a header of two.
#[inline]
fn put_short(tx: &mut Buffer<'_>, fin: bool, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
    let total = payload.len().wrapping_add(2);
    let Some([b0, b1, body @ ..]) = tx.room(total) else { return Err(SendError::BufferFull) };
    *b0 = first_byte(fin, opcode);
    *b1 = payload.len() as u8;
    copy(body, payload);
    tx.fill(total);
    Ok(())
}
