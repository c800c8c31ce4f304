//! [`Connection`]: the protocol once it is open, as pure state. `receive` takes frames, `send` makes them.

use crate::config::Config;
use crate::step::End;
use crate::wire::frame::{MAX_CONTROL_LEN, MessageKind, header_len};
use crate::wire::mask::Mask;
use crate::wire::utf8::Validator;

#[cfg(feature = "deflate")]
mod deflate;
mod receive;
pub(crate) mod role;
mod send;

#[cfg(feature = "deflate")]
pub(crate) use deflate::has_room;
use role::{Client, Role, Server};

/// Where an endpoint is in its life, by the names of RFC 6455 sections 4.1 and 7.1; the numbers are a browser's
/// `readyState`.
///
/// ```text
///  Connecting ──▶ Open ── our close frame is queued: ──▶ Closing ── the peer's close frame came ──▶ Closed
///                         asked for, in reply, or                   (or it failed) and `tx` is
///                         because the peer is at fault              written out
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has these four")]
#[repr(u8)]
pub enum State {
    /// The opening handshake is not done.
    Connecting = 0,
    /// Messages flow in both directions.
    Open = 1,
    /// A close frame was queued: nothing more can be sent, messages may still arrive.
    Closing = 2,
    /// The close handshake is done, or the end was reported: only the stream is left.
    Closed = 3,
}

/// One WebSocket connection after the opening handshake: state alone, at most 64 bytes on a
/// 32-bit machine. `rx` and `tx` are lent to each call, so events can be answered while they are held.
///
/// - Headers and control frames are taken from `rx` only when they are whole, payload as far as it
///   is there.
/// - Nothing is received unless `tx` can hold one reply ([`MAX_REPLY_LEN`](Self::MAX_REPLY_LEN)):
///   that is the back-pressure, and the reason that no pong is ever lost.
/// - Endings come last: [`Event::Close`](crate::Event::Close) and [`Step::End`](crate::Step::End) appear once the
///   close frame that belongs to them has left `tx`.
///
/// A [`Session`](crate::Session) has one inside, and adds the handshakes, the deadlines and the end of the stream.
///
/// ```
/// use microws::{Buffer, Connection, Event, Step};
///
/// let (mut a, mut b) = ([0; 256], [0; 256]);
/// let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
/// let mut connection = Connection::server();
///
/// // A masked "Hello", as RFC 6455 section 5.7 prints it, arrives.
/// assert!(rx.push(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]));
/// while let Step::Event(event) = connection.receive(&mut rx, &mut tx) {
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

    // The data frame that is arriving: payload bytes that have not been taken, 0 between frames. After the peer's
    // close frame: the payload bytes of that.
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
    /// Back in its initial state at every message boundary, so it is never reset.
    utf8: Validator,

    /// Why nothing more is received; reported when `tx` is written out.
    pub(crate) end: Option<End>,
    pub(crate) state: State,
    /// The message that is being sent.
    pub(crate) sending: Option<MessageKind>,
    #[cfg(feature = "deflate")]
    deflate: deflate::Compression,
    pub(crate) role: R,
}

// State for thousands of clients on a host, for several on a device.
const _: () = assert!(size_of::<Connection<Server>>() <= 64);

impl Connection<Server> {
    /// The server's end, after a [`ServerHandshake`](crate::handshake::ServerHandshake) or an upgrade done elsewhere.
    pub const fn server() -> Self {
        Self::new(Server, &Config::new())
    }
}

impl<F: FnMut(&mut [u8])> Connection<Client<F>> {
    /// The client's end, after a [`ClientHandshake`](crate::handshake::ClientHandshake) or an upgrade done
    /// elsewhere. `random` fills a slice with unpredictable bytes; it makes each frame's masking key.
    pub const fn client(random: F) -> Self {
        Self::new(Client(random), &Config::new())
    }
}

impl<R> Connection<R> {
    /// An open connection with the limits of `config`.
    pub(crate) const fn new(role: R, config: &Config<'_>) -> Self {
        Self {
            max_message_len: config.max_message_len,
            max_fragments: config.max_fragments,
            whole_up_to: config.whole_up_to,
            remaining: 0,
            mask: Mask::new([0; 4]),
            fin: false,
            len: 0,
            frames: 0,
            kind: MessageKind::Binary,
            first: true,
            utf8: Validator::new(),
            end: None,
            state: State::Open,
            sending: None,
            #[cfg(feature = "deflate")]
            deflate: deflate::Compression::NONE,
            role,
        }
    }

    /// The same connection in a role that wraps its own.
    pub(crate) fn map_role<T>(self, map: impl FnOnce(R) -> T) -> Connection<T> {
        let Self {
            max_message_len,
            max_fragments,
            whole_up_to,
            remaining,
            mask,
            fin,
            len,
            frames,
            kind,
            first,
            utf8,
            end,
            state,
            sending,
            #[cfg(feature = "deflate")]
            deflate,
            role,
        } = self;
        Connection {
            max_message_len,
            max_fragments,
            whole_up_to,
            remaining,
            mask,
            fin,
            len,
            frames,
            kind,
            first,
            utf8,
            end,
            state,
            sending,
            #[cfg(feature = "deflate")]
            deflate,
            role: map(role),
        }
    }

    /// Limits the length of a message, in bytes: see [`Config::max_message_len`].
    #[must_use]
    pub fn max_message_len(mut self, bytes: u64) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Limits the frames of a message: see [`Config::max_fragments`].
    #[must_use]
    pub fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Waits for whole frames of at most so many bytes: see [`Config::whole_up_to`].
    #[must_use]
    pub fn whole_up_to(mut self, bytes: u32) -> Self {
        self.whole_up_to = bytes;
        self
    }

    /// Payload bytes of the current data frame that have not been taken yet; 0 between frames.
    /// A hint for how much to read next.
    pub const fn payload_left(&self) -> u64 {
        if self.end.is_some() { 0 } else { self.remaining }
    }

    /// Whether [`receive`](Self::receive) has nothing to report until bytes come; `rx` is empty.
    #[inline]
    pub(crate) const fn awaits_bytes(&self) -> bool {
        self.end.is_none() && !self.has_more()
    }

    /// Whether the inflater has more of a message, though `rx` is empty.
    #[inline]
    const fn has_more(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflate.more;
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// Where the connection is in its life: never [`State::Connecting`].
    pub const fn state(&self) -> State {
        self.state
    }
}

impl<R: Role> Connection<R> {
    /// The free bytes that `tx` must have before anything is received: one pong or close of full
    /// length, 127 for a server, 131 for a client.
    pub const MAX_REPLY_LEN: usize =
        header_len(MAX_CONTROL_LEN as u64, R::MASKS).saturating_add(MAX_CONTROL_LEN);
}
