//! The receiving half of [`Connection`].

use core::ops::Range;

use crate::buffer::Buffer;
use crate::compact::COMPACT;
use crate::connection::role::Role;
use crate::connection::{Connection, State};
use crate::event::{Chunk, Event};
#[cfg(feature = "deflate")]
use crate::located::Form;
use crate::located::{Located, What};
use crate::step::{End, Step};
use crate::wire::close::Close;
use crate::wire::error::ProtocolError;
use crate::wire::frame::{Header, MAX_CONTROL_LEN, MessageKind, Opcode, header_len};
use crate::wire::mask::Mask;
use crate::wire::utf8::{Validator, is_text};

impl<R: Role> Connection<R> {
    /// Takes the next event out of `rx`; the protocol's own replies go to `tx`.
    ///
    /// Call it until it wants something else: bytes in `rx`, or `tx` written out. [`Step::End`] comes when the close
    /// frame that belongs to it has left `tx`, and from then on always; it never says [`Step::Shutdown`].
    #[inline]
    pub fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Event<'b>> {
        if let Some(message) = self.short_message(rx, tx) {
            return Step::Event(message.bind_frame(rx));
        }
        self.receive_slow(rx, tx).map(|event| event.bind_frame(rx))
    }

    /// The message that comes next, if all of it is there in one frame, by a shorter way than [`receive`](Self::receive):
    /// for a program with a loop of its own for such messages. After `None`, which changes nothing, call `receive`. It is
    /// always `None` for more than 65,535 bytes and with the feature `compact`.
    #[inline(always)]
    pub fn receive_whole<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &Buffer<'_>) -> Option<Chunk<'b>> {
        let message = match self.short_message(rx, tx) {
            None if rx.is_empty() => return None,
            None => self.longer_message(rx, tx)?,
            Some(message) => message,
        };
        match message.bind_frame(rx) {
            Event::Chunk(chunk) => Some(chunk),
            _ => None,
        }
    }

    /// [`receive_any`](Self::receive_any), out of the way of short messages.
    #[cfg_attr(not(feature = "compact"), inline(never))]
    fn receive_slow(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        self.receive_any(rx, tx)
    }

    /// Takes whatever comes next.
    #[inline]
    pub(crate) fn receive_any(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        if self.end.is_none() {
            if tx.free() < Self::MAX_REPLY_LEN {
                return Step::Write;
            }
            match self.advance(rx, tx) {
                Ok(Step::End(end)) => self.end = Some(end),
                Ok(step) => return step,
                Err(error) => self.end = Some(End::Failed(error)),
            }
        }
        self.finish(rx, tx)
    }

    /// _Fail the WebSocket Connection_ (section 7.1.7): a close frame first, unless one went already, then the
    /// error. Or the end of the closing handshake: the peer's close frame, when our reply to it has left `tx`.
    #[cold]
    fn finish(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        let Some(end) = self.end else { return Step::Read };
        let closing = matches!(end, End::Closed(_)) && self.state == State::Closing;
        let payload = if closing { self.remaining as usize } else { 0 };
        // Bytes after the peer's last frame are of no interest; a close frame's payload stays, and so does the content
        // of an answer other than 101.
        if !(R::MASKS && matches!(end, End::Rejected(_))) {
            rx.truncate(payload);
        }
        if let (End::Failed(error), State::Open) = (end, self.state) {
            // Whether there was room for it or not, `tx` goes out first.
            if self.put(tx, true, Opcode::Close, &error.close_code().0.to_be_bytes()).is_ok() {
                self.state = State::Closing;
            }
            return Step::Write;
        }
        if !tx.is_empty() {
            return Step::Write;
        }
        self.state = State::Closed;
        if closing { Step::Event(Located::new(What::Close, &rx.take(payload))) } else { Step::End(end) }
    }

    #[inline]
    fn advance(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Result<Step<Located>, ProtocolError> {
        if self.remaining > 0 || self.has_more() {
            return self.payload(rx, false);
        }
        let Some((header, size)) = Header::decode(rx.filled())? else { return Ok(Step::Read) };
        // "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values." (5.2)
        #[cfg(feature = "deflate")]
        self.check_reserved(&header)?;
        #[cfg(not(feature = "deflate"))]
        if header.reserved() != 0 {
            return Err(ProtocolError::ReservedBits);
        }
        // "a server MUST close the connection upon receiving a frame that is not masked",
        // "a client MUST close a connection if it detects a masked frame" (5.1)
        let mask = match header.mask() {
            Some(_) if R::MASKS => return Err(ProtocolError::MaskForbidden),
            None if !R::MASKS => return Err(ProtocolError::MaskMissing),
            mask => Mask::new(mask.unwrap_or_default()),
        };
        if header.opcode().is_control() {
            return self.control(&header, size, rx, tx);
        }
        #[cfg(feature = "deflate")]
        let compressed = self.deflate.compressed;
        #[cfg(not(feature = "deflate"))]
        let compressed = false;
        let len = self.len_with(&header, compressed)?;
        let payload_len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        let whole = header.payload_len() <= u64::from(self.whole_up_to)
            && payload_len <= rx.capacity().saturating_sub(size);
        if whole && payload_len > rx.len().saturating_sub(size) {
            return Ok(Step::Read);
        }
        rx.consume(size);
        #[cfg(feature = "deflate")]
        if compressed && self.frames == 0 {
            self.begin_inflating(rx);
        }
        match header.opcode() {
            Opcode::Continuation => {}
            Opcode::Text => self.kind = MessageKind::Text,
            _ => self.kind = MessageKind::Binary,
        }
        (self.len, self.frames) = (len, self.frames.saturating_add(1));
        (self.remaining, self.mask, self.fin) = (header.payload_len(), mask, header.fin());
        self.payload(rx, whole && !compressed)
    }

    /// The fast path for most messages: one complete frame of at most 125 bytes. `None` for any other message and for
    /// any fault: then nothing has changed.
    // A call more would be a fifth of the steps for a short message; without `simd` flash may count more.
    #[cfg_attr(feature = "simd", inline(always))]
    #[cfg_attr(not(feature = "simd"), inline)]
    pub(crate) fn short_message(&self, rx: &mut Buffer<'_>, tx: &Buffer<'_>) -> Option<Located> {
        self.whole_message(rx, tx, false)
    }

    /// The same for a message of 126 to 65,535 bytes.
    #[inline(never)]
    fn longer_message(&self, rx: &mut Buffer<'_>, tx: &Buffer<'_>) -> Option<Located> {
        self.whole_message(rx, tx, true)
    }

    #[inline(always)]
    fn whole_message(&self, rx: &mut Buffer<'_>, tx: &Buffer<'_>, longer: bool) -> Option<Located> {
        if COMPACT || self.frames > 0 || self.end.is_some() || tx.free() < Self::MAX_REPLY_LEN {
            return None;
        }
        let (header, rest) = rx.filled_mut()?.split_first_chunk_mut::<2>()?;
        let kind = match header[0] {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        // Without the mask bit that must be there, or with one that must not, the length is above 127.
        let len = usize::from(if R::MASKS { header[1] } else { header[1] ^ 0x80 });
        let (len, rest) = if !longer && len <= MAX_CONTROL_LEN {
            (len, rest)
        } else if longer && len == 126 {
            let (len, rest) = rest.split_first_chunk_mut::<2>()?;
            let len = usize::from(u16::from_be_bytes(*len));
            if len <= MAX_CONTROL_LEN {
                return None;
            }
            (len, rest)
        } else {
            return None;
        };
        if len as u64 > self.max_message_len || self.max_fragments == 0 {
            return None;
        }
        let (mask, payload) = if R::MASKS {
            (None, rest.get_mut(..len)?)
        } else {
            let (key, rest) = rest.split_first_chunk_mut::<4>()?;
            (Some(Mask::new(*key)), rest.get_mut(..len)?)
        };
        if let Some(mut mask) = mask {
            mask.apply(payload);
        }
        if kind == MessageKind::Text && !is_text(payload) {
            // The long way finds the fault, in the bytes as they came.
            if let Some(mut mask) = mask {
                mask.apply(payload);
            }
            return None;
        }
        let range = rx.take_after(header_len(if longer { 126 } else { 0 }, !R::MASKS), len);
        let what = What::Chunk {
            kind,
            first: true,
            fin: true,
            #[cfg(feature = "deflate")]
            form: Form::Plain,
        };
        Some(Located::new(what, &range))
    }

    /// The length of the message with the frame of `header`, if that may come now. Of a compressed one the inflated bytes
    /// count, later.
    #[inline]
    fn len_with(&self, header: &Header, compressed: bool) -> Result<u64, ProtocolError> {
        // "The fragments of one message MUST NOT be interleaved between the fragments of another" (5.4)
        match (header.opcode() == Opcode::Continuation, self.frames > 0) {
            (true, false) => return Err(ProtocolError::UnexpectedContinuation),
            (false, true) => return Err(ProtocolError::ExpectedContinuation),
            _ => {}
        }
        let len = if compressed { self.len } else { self.len.saturating_add(header.payload_len()) };
        if len > self.max_message_len {
            return Err(ProtocolError::MessageTooBig);
        }
        if self.frames >= self.max_fragments {
            return Err(ProtocolError::TooManyFragments);
        }
        Ok(len)
    }

    /// Takes the bytes that are there of the frame's payload.
    #[inline]
    fn take(&mut self, rx: &mut Buffer<'_>) -> Range<usize> {
        let len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(rx.len());
        // No more than there was, by the minimum above.
        self.remaining = self.remaining.wrapping_sub(len as u64);
        rx.take(len)
    }

    /// Hands out what is there of the frame's payload.
    #[inline]
    fn payload(&mut self, rx: &mut Buffer<'_>, whole: bool) -> Result<Step<Located>, ProtocolError> {
        #[cfg(feature = "deflate")]
        let form = match self.deflate.compressed {
            false => Form::Plain,
            true if rx.inflating.is_some() => Form::Inflated,
            true => Form::Compressed,
        };
        #[cfg(feature = "deflate")]
        let (inflated, checked) = (form == Form::Inflated, form != Form::Compressed);
        #[cfg(not(feature = "deflate"))]
        let (inflated, checked) = (false, true);

        #[cfg(feature = "deflate")]
        let (mut range, mut fault) = if inflated { self.inflate(rx) } else { (self.take(rx), None) };
        #[cfg(not(feature = "deflate"))]
        let (mut range, mut fault) = (self.take(rx), None);
        let done = self.remaining == 0 && !self.has_more();
        if range.is_empty() && !done && fault.is_none() {
            return Ok(Step::Read);
        }
        let mut fin = done && self.fin && fault.is_none();

        #[cfg(feature = "deflate")]
        let payload = if inflated { rx.inflated_mut(range.clone()) } else { rx.taken_mut(range.clone()) };
        #[cfg(not(feature = "deflate"))]
        let payload = rx.taken_mut(range.clone());
        let mask = if R::MASKS || inflated { None } else { Some(&mut self.mask) };
        if self.kind == MessageKind::Text && checked {
            if let Err(valid) = unmask_text(mask, &mut self.utf8, payload, fin) {
                fault = Some(ProtocolError::InvalidUtf8);
                range.end = range.start.saturating_add(valid);
            }
        } else if let Some(mask) = mask {
            // Compressed text is checked by the program that inflates it.
            mask.apply(payload);
        }
        if let Some(error) = fault {
            // The bytes before the fault are handed out now, as if the bytes had been cut there; the error comes next.
            if range.is_empty() || whole {
                return Err(error);
            }
            self.end = Some(End::Failed(error));
            fin = false;
        }
        let what = What::Chunk {
            kind: self.kind,
            first: self.first,
            fin,
            #[cfg(feature = "deflate")]
            form,
        };
        self.first = fin;
        if fin {
            (self.len, self.frames) = (0, 0);
        }
        Ok(Step::Event(Located::new(what, &range)))
    }

    /// Control frames have at most 125 bytes and are taken only when whole.
    fn control(
        &mut self,
        header: &Header,
        size: usize,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
    ) -> Result<Step<Located>, ProtocolError> {
        let len = usize::try_from(header.payload_len()).unwrap_or(MAX_CONTROL_LEN);
        if rx.len() < size.saturating_add(len) {
            return Ok(Step::Read);
        }
        let range = rx.take_after(size, len);
        let payload = rx.taken_mut(range.clone());
        if let Some(key) = header.mask() {
            Mask::new(key).apply(payload);
        }
        let (step, reply) = match header.opcode() {
            Opcode::Close => (Step::End(End::Closed(Close::parse(payload)?.code)), Some(Opcode::Close)),
            Opcode::Ping => (Step::Event(Located::new(What::Ping, &range)), Some(Opcode::Pong)),
            _ => (Step::Event(Located::new(What::Pong, &range)), None),
        };
        // "an endpoint MUST send a Pong frame in response, unless it already received a Close
        // frame" (5.5.2); "If an endpoint receives a Close frame and did not previously send a
        // Close frame, the endpoint MUST send a Close frame in response" (5.5.1). After our own
        // close frame nothing can be sent, and there is room for any reply.
        let replied = match reply {
            Some(opcode) => self.put(tx, true, opcode, payload).is_ok(),
            None => false,
        };
        if matches!(step, Step::End(_)) {
            if replied {
                self.state = State::Closing;
            }
            // The payload is reported when the reply has left.
            rx.untake(len);
            self.remaining = len as u64;
        }
        Ok(step)
    }
}

/// Unmasks and checks; the error is how many bytes come before the first impossible one.
#[inline]
pub(super) fn unmask_text(
    mask: Option<&mut Mask>,
    utf8: &mut Validator,
    payload: &mut [u8],
    fin: bool,
) -> Result<(), usize> {
    if let Some(mask) = mask {
        mask.apply(payload);
    }
    utf8.feed(payload)?;
    // The message must not end inside a code point.
    if fin && !utf8.is_complete() { Err(payload.len()) } else { Ok(()) }
}
