//! [`Connection`]: the protocol once it is open, as pure state. This file receives; `send.rs` sends.

pub(crate) mod event;
pub(crate) mod role;
mod send;

use crate::COMPACT;
use crate::buffer::Buffer;
use crate::connection::event::{Event, MessageKind, Received, Unbound, What};
use crate::connection::role::{Client, Role, Server};
use crate::error::ProtocolError;
use crate::wire::close::Close;
use crate::wire::frame::{Header, MAX_CONTROL_LEN, Opcode, header_len};
use crate::wire::mask::Mask;
use crate::wire::utf8::{Validator, is_text};

/// Where a connection is in its life, by the names of RFC 6455 sections 4.1 and 7.1; a browser's
/// `readyState` 1, 2 and 3.
///
/// ```text
///  Open ── our close frame is queued: ──▶ Closing ── the peer's close frame came ──▶ Closed
///          asked for, in reply, or                   (or it failed) and `tx` is
///          because the peer is at fault              written out
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// Messages flow in both directions.
    Open,
    /// A close frame was queued: nothing more can be sent, messages may still arrive.
    Closing,
    /// The last event or the error was handed out: only the transport is left to drop.
    Closed,
}

/// One WebSocket connection after the opening handshake: state alone, at most 64 bytes on a
/// 32-bit machine. `rx` and `tx` are lent to each call, so events can be answered while they are held.
///
/// - Nothing is taken from `rx` by halves: a header and a control frame only whole, payload as
///   far as it is there.
/// - Nothing is received unless `tx` can hold one reply ([`MAX_REPLY_LEN`](Self::MAX_REPLY_LEN)):
///   that is the back-pressure, and why no pong is ever lost.
/// - Endings come last: [`Event::Close`] and errors appear once the close frame that belongs to
///   them has left `tx`. Whoever sees one drops the transport. Errors stay.
///
/// ```
/// use microws::{Buffer, Connection, Event, Received};
///
/// let (mut a, mut b) = ([0; 256], [0; 256]);
/// let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
/// let mut connection = Connection::server();
///
/// // A masked "Hello", as RFC 6455 section 5.7 prints it, arrives.
/// assert!(rx.push(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]));
/// while let Received::Event(event) = connection.receive(&mut rx, &mut tx)? {
///     if let Event::Chunk(chunk) = event {
///         connection.send_fragment(&mut tx, chunk.kind, chunk.payload, chunk.fin)?;
///     }
/// }
/// assert_eq!(tx.filled(), b"\x81\x05Hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connection<R> {
    // Limits.
    max_message_len: u64,
    max_fragments: u32,
    whole_up_to: u32,

    // The data frame that is arriving: payload bytes that have not been taken, 0 between frames.
    remaining: u64,
    mask: Mask,
    fin: bool,

    // The message that is arriving, or was: payload bytes by the headers of its frames so far, and
    // how many these are, both 0 between messages.
    len: u64,
    frames: u32,
    kind: MessageKind,
    /// Whether no chunk of it was handed out.
    first: bool,
    /// Where each message ends it is as it was where that began.
    utf8: Validator,

    failure: Option<ProtocolError>,
    pub(crate) state: State,
    /// The message that is being sent.
    pub(crate) sending: Option<MessageKind>,
    pub(crate) role: R,
}

// State for thousands of clients on a host, for several on a device.
const _: () = assert!(size_of::<Connection<Server>>() <= 64);

impl Connection<Server> {
    /// The server's end, after [`handshake::server`](crate::handshake::server) or an upgrade done
    /// elsewhere.
    pub const fn server() -> Self {
        Self::new(Server)
    }
}

impl<F: FnMut(&mut [u8])> Connection<Client<F>> {
    /// The client's end, after [`handshake::client`](crate::handshake::client) or an upgrade done
    /// elsewhere. `random` fills a slice with unpredictable bytes; it makes each frame's masking key.
    pub const fn client(random: F) -> Self {
        Self::new(Client(random))
    }
}

impl<R> Connection<R> {
    const fn new(role: R) -> Self {
        Self {
            max_message_len: u64::MAX,
            max_fragments: u32::MAX,
            whole_up_to: 0,
            remaining: 0,
            mask: Mask::new([0; 4]),
            fin: false,
            len: 0,
            frames: 0,
            kind: MessageKind::Binary,
            first: true,
            utf8: Validator::new(),
            failure: None,
            state: State::Open,
            sending: None,
            role,
        }
    }

    /// Fails the connection with 1009 when a message is longer than `bytes`; told by the frame's
    /// header, before its payload comes. Default: no limit, for memory does not depend on it.
    #[must_use]
    pub fn max_message_len(mut self, bytes: u64) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Fails the connection with 1008 when a message comes in more than `frames` frames.
    /// Default: no limit, for each costs constant work and no memory.
    #[must_use]
    pub fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Hands out the payload of a data frame of at most `bytes` only when it is whole, in one
    /// chunk, if header and payload fit into `rx`: an unfragmented message then needs no second
    /// buffer. Such text is checked when it is whole. Default 0: payload as it arrives, and text
    /// fails at the first impossible byte.
    #[must_use]
    pub fn whole_up_to(mut self, bytes: u32) -> Self {
        self.whole_up_to = bytes;
        self
    }

    /// Payload bytes of the data frame under way that have not been taken yet; 0 between frames.
    /// A hint for how much to read next.
    pub const fn payload_left(&self) -> u64 {
        self.remaining
    }

    /// Where the connection is in its life.
    pub const fn state(&self) -> State {
        self.state
    }
}

impl<R: Role> Connection<R> {
    /// The free bytes that `tx` must have before anything is received: one pong or close of full
    /// length, 127 for a server, 131 for a client.
    pub const MAX_REPLY_LEN: usize =
        header_len(MAX_CONTROL_LEN as u64, R::MASKS).saturating_add(MAX_CONTROL_LEN);

    /// Takes the next event out of `rx`; the protocol's own replies go to `tx`.
    ///
    /// Call it until it wants something else: bytes in `rx`, or `tx` written out.
    ///
    /// # Errors
    /// The peer's fault; from now on always the same. The close frame that says so has left `tx`.
    #[inline]
    pub fn receive<'b>(
        &mut self,
        rx: &'b mut Buffer<'_>,
        tx: &mut Buffer<'_>,
    ) -> Result<Received<Event<'b>>, ProtocolError> {
        if let Some(message) = self.short_message(rx, tx) {
            return Ok(Received::Event(message.bind(rx)));
        }
        Ok(self.any(rx, tx)?.map(|event| event.bind(rx)))
    }

    /// [`receive`](Self::receive) in two halves, this and [`Unbound::bind`], for functions that
    /// loop and then return the event.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn step(
        &mut self,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
    ) -> Result<Received<Unbound>, ProtocolError> {
        match self.short_message(rx, tx) {
            Some(message) => Ok(Received::Event(message)),
            None => self.any(rx, tx),
        }
    }

    /// Takes what comes next, whatever it is.
    #[cfg_attr(not(feature = "compact"), inline(never))]
    fn any(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Result<Received<Unbound>, ProtocolError> {
        if self.failure.is_none() {
            if self.state == State::Closed {
                return Ok(Received::Closed);
            }
            if tx.free() < Self::MAX_REPLY_LEN {
                return Ok(Received::WantWrite);
            }
            match self.advance(rx, tx) {
                Ok(received) => return Ok(received),
                Err(error) => self.failure = Some(error),
            }
        }
        self.fail(rx, tx)
    }

    /// _Fail the WebSocket Connection_ (section 7.1.7): a close frame first, unless one went
    /// already, then the error. What the peer still says is of no interest.
    #[cold]
    fn fail(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Result<Received<Unbound>, ProtocolError> {
        rx.truncate(0);
        let Some(error) = self.failure else { return Ok(Received::Closed) };
        if self.state == State::Open && self.close(tx, error.close_code(), "").is_err() {
            return Ok(Received::WantWrite);
        }
        if !tx.is_empty() {
            return Ok(Received::WantWrite);
        }
        self.state = State::Closed;
        Err(error)
    }

    #[inline]
    fn advance(
        &mut self,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
    ) -> Result<Received<Unbound>, ProtocolError> {
        if self.remaining > 0 {
            return self.payload(rx, false);
        }
        let Some((header, size)) = Header::decode(rx.filled())? else { return Ok(Received::WantRead) };
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
        let len = self.len_with(&header)?;
        let payload_len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        let whole = header.payload_len() <= u64::from(self.whole_up_to)
            && payload_len <= rx.capacity().saturating_sub(size);
        if whole && payload_len > rx.len().saturating_sub(size) {
            return Ok(Received::WantRead);
        }
        rx.consume(size);
        match header.opcode() {
            Opcode::Continuation => {}
            Opcode::Text => self.kind = MessageKind::Text,
            _ => self.kind = MessageKind::Binary,
        }
        (self.len, self.frames) = (len, self.frames.saturating_add(1));
        (self.remaining, self.mask, self.fin) = (header.payload_len(), mask, header.fin());
        self.payload(rx, whole)
    }

    /// A message in one frame of at most 125 bytes that is all there, which most messages are, by
    /// the shortest way. `None` for any other and for whatever is wrong: then nothing has changed.
    #[inline]
    fn short_message(&self, rx: &mut Buffer<'_>, tx: &Buffer<'_>) -> Option<Unbound> {
        if COMPACT
            || self.frames > 0
            || self.failure.is_some()
            || self.state == State::Closed
            || tx.free() < Self::MAX_REPLY_LEN
        {
            return None;
        }
        let (header, rest) = rx.filled_mut()?.split_first_chunk_mut::<2>()?;
        let kind = match header[0] {
            0x81 => MessageKind::Text,
            0x82 => MessageKind::Binary,
            _ => return None,
        };
        // Without the mask bit that must be there, or with one that must not, the length is above 125.
        let len = usize::from(if R::MASKS { header[1] } else { header[1] ^ 0x80 });
        if len > MAX_CONTROL_LEN || len as u64 > self.max_message_len || self.max_fragments == 0 {
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
            // Where it is wrong the long way finds out, from the bytes as they came.
            if let Some(mut mask) = mask {
                mask.apply(payload);
            }
            return None;
        }
        let range = rx.take_behind(header_len(0, !R::MASKS), len);
        Some(Unbound::new(What::Chunk { kind, first: true, fin: true }, &range))
    }

    /// The length of the message with the frame of `header`, if that may come now.
    #[inline]
    fn len_with(&self, header: &Header) -> Result<u64, ProtocolError> {
        // "The fragments of one message MUST NOT be interleaved between the fragments of another" (5.4)
        match (header.opcode() == Opcode::Continuation, self.frames > 0) {
            (true, false) => return Err(ProtocolError::UnexpectedContinuation),
            (false, true) => return Err(ProtocolError::ExpectedContinuation),
            _ => {}
        }
        let len = self.len.saturating_add(header.payload_len());
        if len > self.max_message_len {
            return Err(ProtocolError::MessageTooBig);
        }
        if self.frames >= self.max_fragments {
            return Err(ProtocolError::TooManyFragments);
        }
        Ok(len)
    }

    /// Takes what is there of the frame's payload.
    #[inline]
    fn payload(&mut self, rx: &mut Buffer<'_>, whole: bool) -> Result<Received<Unbound>, ProtocolError> {
        let len = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(rx.len());
        if len == 0 && self.remaining > 0 {
            return Ok(Received::WantRead);
        }
        let mut range = rx.take(len);
        // No more than there was, by the minimum above.
        self.remaining = self.remaining.wrapping_sub(len as u64);
        let mut fin = self.remaining == 0 && self.fin;

        let payload = rx.taken_mut(range.clone());
        let mask = if R::MASKS { None } else { Some(&mut self.mask) };
        let valid = match self.kind {
            MessageKind::Text => unmask_text(mask, &mut self.utf8, payload, fin),
            MessageKind::Binary => {
                if let Some(mask) = mask {
                    mask.apply(payload);
                }
                Ok(())
            }
        };
        if let Err(valid) = valid {
            // What came before the first impossible byte is handed out now, for it would have
            // been, had the bytes been cut there; the error is handed out next.
            if valid == 0 || whole {
                return Err(ProtocolError::InvalidUtf8);
            }
            self.failure = Some(ProtocolError::InvalidUtf8);
            range.end = range.start.saturating_add(valid);
            fin = false;
        }
        let what = What::Chunk { kind: self.kind, first: self.first, fin };
        self.first = fin;
        if fin {
            (self.len, self.frames) = (0, 0);
        }
        Ok(Received::Event(Unbound::new(what, &range)))
    }

    /// Control frames have at most 125 bytes and are taken only when whole.
    fn control(
        &mut self,
        header: &Header,
        size: usize,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
    ) -> Result<Received<Unbound>, ProtocolError> {
        let len = usize::try_from(header.payload_len()).unwrap_or(MAX_CONTROL_LEN);
        let frame_len = size.saturating_add(len);
        let frame = rx.filled_mut().and_then(|bytes| bytes.get_mut(..frame_len));
        let Some((head, payload)) = frame.and_then(|frame| frame.split_at_mut_checked(size)) else {
            return Ok(Received::WantRead);
        };
        if let Some(key) = header.mask() {
            Mask::new(key).apply(payload);
            // The frame may stay in `rx`: by a key of zero unmasking it again changes nothing.
            if let Some(key) = head.last_chunk_mut::<4>() {
                *key = [0; 4];
            }
        }
        let (what, reply) = match header.opcode() {
            Opcode::Close => {
                Close::parse(payload)?;
                (What::Close, Some(Opcode::Close))
            }
            Opcode::Ping => (What::Ping, Some(Opcode::Pong)),
            _ => (What::Pong, None),
        };
        // "an endpoint MUST send a Pong frame in response, unless it already received a Close
        // frame" (5.5.2); "If an endpoint receives a Close frame and did not previously send a
        // Close frame, the endpoint MUST send a Close frame in response" (5.5.1). Behind our own
        // close frame nothing can be sent, and room was made sure of.
        let replied = reply.is_some_and(|opcode| self.put(tx, true, opcode, payload).is_ok());
        if what == What::Close {
            if replied {
                self.state = State::Closing;
            }
            // "any data received after a Close frame" is discarded (1.4); the frame itself stays
            // until `tx` is written out.
            rx.truncate(frame_len);
            if !tx.is_empty() {
                return Ok(Received::WantWrite);
            }
            self.state = State::Closed;
        }
        let range = rx.take_behind(size, len);
        Ok(Received::Event(Unbound::new(what, &range)))
    }
}

/// Unmasks and checks; the error is how many bytes come before the first impossible one.
#[inline]
fn unmask_text(
    mut mask: Option<&mut Mask>,
    utf8: &mut Validator,
    payload: &mut [u8],
    fin: bool,
) -> Result<(), usize> {
    let len = payload.len();
    if cfg!(target_pointer_width = "64") {
        // Both passes over one piece before the next, while it is in the nearest cache.
        let mut done = 0usize;
        for piece in payload.chunks_mut(4096) {
            if let Some(mask) = &mut mask {
                mask.apply(piece);
            }
            utf8.feed(piece).map_err(|valid| done.saturating_add(valid))?;
            done = done.saturating_add(piece.len());
        }
    } else {
        if let Some(mask) = &mut mask {
            mask.apply(payload);
        }
        utf8.feed(payload)?;
    }
    // The message must not end amid a code point.
    if fin && !utf8.is_complete() { Err(len) } else { Ok(()) }
}
