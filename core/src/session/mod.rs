//! [`Session`]: an endpoint's whole life on one stream, without stream, clock or heap.
//!
//! ```text
//!  opening handshake ──▶ open ──▶ closing handshake ──▶ lingering until the peer ends the stream ──▶ End
//!        │                │ failure, timeout                  ▲
//!        └────────────────┴── rejection, plain response ──────┘
//! ```

use crate::buffer::Buffer;
use crate::compact::COMPACT;
use crate::config::Config;
use crate::connection::role::Role;
use crate::connection::{Connection, State};
use crate::event::{Chunk, Event};
use crate::located::{Located, What};
use crate::message::{Message, Whole};
use crate::step::{End, Overdue, Step};

mod client;
#[cfg(feature = "deflate")]
mod deflate;
mod send;
mod server;
mod timer;
mod upgraded;

use send::Partial;
pub use send::Sent;
use timer::Timer;
pub use upgraded::Upgraded;

/// An endpoint's whole life on one stream: opening handshake, messages, closing handshake and the end of the
/// stream, with the deadlines of all of them. It is state alone: the caller moves the bytes and knows the time.
///
/// Five calls drive it; [`io`](crate::io) has that loop ready-made for most streams.
///
/// 1. [`receive`](Self::receive) says what happened or what is to be done, one [`Step`] at a time.
/// 2. [`Step::Read`]: write `tx` out, read into [`rx.spare()`](Buffer::spare), [`commit`](Self::commit).
/// 3. [`Step::Write`]: write `tx` out, as far as the stream takes it.
/// 4. [`Step::Shutdown`]: end the own direction of the stream (`shutdown(Write)`, smoltcp's `close`), or
///    [`commit_end`](Self::commit_end) if the stream can't do that.
/// 5. [`Step::End`]: drop the stream.
///
/// And [`tick`](Self::tick) before each wait, or there are no deadlines and no pings.
///
/// What it guarantees:
/// - A header, a control frame, a header line is taken from `rx` only when it is whole; payload comes in chunks of
///   whatever is there. Cut anywhere, the same bytes make the same events, output and end.
/// - Nothing is received unless `tx` can hold a pong or close frame.
/// - A request at fault is answered (400, 405, 426, 431, 505 …), whatever the program does.
/// - The end comes last: the close frame or the response has left `tx`, and the peer has ended the stream or had its
///   time to do so, so that no reset discards the last bytes.
///
/// ```
/// use microws::{Buffer, Config, Event, Session, Step};
///
/// let config = Config::new().subprotocols(&["chat"]);
/// let (mut a, mut b) = ([0; 256], [0; 256]);
/// let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
/// let mut session = Session::server(&config);
/// # let mut wire: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
/// # Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
/// # \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0";
/// # let mut output = Vec::new();
/// # let mut read = |bytes: &mut [u8]| {
/// #     let n = wire.len().min(bytes.len());
/// #     bytes[..n].copy_from_slice(&wire[..n]);
/// #     wire = &wire[n..];
/// #     n
/// # };
/// # let mut write = |bytes: &[u8]| { output.extend(bytes); bytes.len() };
/// # let shutdown = || {};
///
/// let end = loop {
///     match session.receive(&mut rx, &mut tx) {
///         Step::Event(Event::Chunk(c)) => _ = session.send_fragment(&mut tx, c.kind, c.payload, c.fin),
///         Step::Event(_) => {}
///         step @ (Step::Read | Step::Write) => {
///             let n = write(tx.filled());
///             tx.consume(n);
///             if step == Step::Read {
///                 let n = read(rx.spare());
///                 session.commit(&mut rx, n);
///             }
///         }
///         Step::Shutdown => shutdown(),
///         Step::End(end) => break end,
///     }
/// };
/// # assert_eq!(end, microws::End::Closed(microws::CloseCode::NO_STATUS));
/// # assert!(output.ends_with(b"\r\n\r\n\x81\x05Hello\x88\x00"));
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Session<'c, R: Endpoint> {
    config: &'c Config<'c>,
    opening: R::Opening,
    connection: Connection<R>,
    /// A payload larger than `tx` that is being sent.
    partial: Partial,
    timer: Timer,
    linger: Linger,
    /// The peer ended its direction.
    eof: bool,
}

/// What is left to do after the last word is in `tx`, each after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
enum Linger {
    /// Write `tx` out and end our direction.
    Shutdown,
    /// Discard until the peer ends its own.
    Discard,
    /// Nothing, though `tx` may get one more try to be written out.
    Over,
}

/// A [`Role`] together with its opening handshake: [`Server`](crate::Server), [`Client`](crate::Client), or
/// [`Upgraded`] for a stream that is open already.
pub trait Endpoint: Role {
    /// The state of the opening handshake.
    #[doc(hidden)]
    type Opening: Opening;
}

/// The opening handshake of a role.
pub trait Opening: core::fmt::Debug + MaybeFormat {
    /// Whether there is nothing to do.
    const DONE: bool = false;

    /// What was agreed on about compression.
    #[cfg(feature = "deflate")]
    fn agreed(&self) -> Option<crate::deflate::Agreed> {
        None
    }

    /// Goes on: [`What::Open`] ends it well, [`Step::End`] otherwise, with the last word in `tx`.
    fn advance(&mut self, config: &Config<'_>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located>;

    /// Borrows what it found from `rx`.
    fn bind<'b>(line: Located, rx: &'b Buffer<'_>) -> Event<'b>;

    /// Whether the program responds later: no deadline counts.
    #[cfg(feature = "http")]
    fn is_held(&self) -> bool {
        false
    }

    /// Queues the message in `tx` for a peer that takes too long.
    fn on_overdue(&mut self, _tx: &mut Buffer<'_>) {}
}

/// `defmt::Format` where that is wanted.
#[cfg(feature = "defmt")]
pub trait MaybeFormat: defmt::Format {}
#[cfg(feature = "defmt")]
impl<T: defmt::Format> MaybeFormat for T {}
/// `defmt::Format` where that is wanted.
#[cfg(not(feature = "defmt"))]
pub trait MaybeFormat {}
#[cfg(not(feature = "defmt"))]
impl<T> MaybeFormat for T {}

impl<'c, R: Endpoint> Session<'c, R> {
    const fn new(config: &'c Config<'c>, opening: R::Opening, connection: Connection<R>) -> Self {
        Self {
            config,
            opening,
            connection,
            partial: Partial::NONE,
            timer: Timer::new(),
            linger: Linger::Shutdown,
            eof: false,
        }
    }

    /// A session whose opening handshake begins now.
    const fn connecting(config: &'c Config<'c>, opening: R::Opening, role: R) -> Self {
        let mut connection = Connection::new(role, config);
        connection.state = State::Connecting;
        // Frames are not received yet.
        connection.end = Some(End::Eof);
        Self::new(config, opening, connection)
    }

    /// The settings it was made with.
    pub const fn config(&self) -> &'c Config<'c> {
        self.config
    }

    /// Takes the next event out of `rx`; the protocol's own replies go to `tx`. See [`Session`].
    // A host asks for thousands of messages a millisecond: the call alone would be a tenth of the steps.
    #[cfg_attr(target_pointer_width = "64", inline(always))]
    #[cfg_attr(not(target_pointer_width = "64"), inline)]
    pub fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Event<'b>> {
        // A short message is bound where it is found: this is the path of most.
        if let Some(message) = self.connection.short_message(rx, tx) {
            return Step::Event(message.bind_frame(rx));
        }
        self.step_slow(rx, tx).map(|event| Self::bind(event, rx))
    }

    /// The message that comes next, if all of it is there in one frame, by a shorter way than [`receive`](Self::receive):
    /// see [`Connection::receive_whole`](crate::Connection::receive_whole).
    #[inline(always)]
    pub fn receive_whole<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &Buffer<'_>) -> Option<Chunk<'b>> {
        self.connection.receive_whole(rx, tx)
    }

    /// Whether [`receive`](Self::receive) has nothing to report until bytes come: `rx` is empty, and neither an end nor
    /// the rest of a compressed message waits. A program that asks first saves a call that would find nothing, which
    /// costs as much as a short message.
    #[inline]
    pub const fn awaits_bytes(&self, rx: &Buffer<'_>) -> bool {
        rx.is_empty() && !self.eof && self.connection.awaits_bytes()
    }

    /// [`receive`](Self::receive) for whole messages, put together in `message`, which stays the same from call to call:
    /// a message that has begun is in it. Other events are skipped.
    pub fn receive_message<'m, const N: usize>(
        &mut self,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        message: &'m mut Message<N>,
    ) -> Step<Whole<'m>> {
        loop {
            match self.receive(rx, tx) {
                Step::Event(Event::Chunk(chunk)) => {
                    if let Some(kind) = message.add(&chunk) {
                        return Step::Event(message.whole(kind));
                    }
                }
                Step::Event(_) => {}
                Step::Read => return Step::Read,
                Step::Write => return Step::Write,
                Step::Shutdown => return Step::Shutdown,
                Step::End(end) => return Step::End(end),
            }
        }
    }

    /// Borrows what [`step`](Self::step) found.
    #[inline]
    pub(crate) fn bind<'b>(event: Located, rx: &'b mut Buffer<'_>) -> Event<'b> {
        if !R::Opening::DONE && !event.is_frame() {
            R::Opening::bind(event, rx)
        } else {
            event.bind_frame(rx)
        }
    }

    /// [`receive`](Self::receive) in two halves, this and [`bind`](Self::bind), for functions that loop and then
    /// return the event.
    #[inline]
    pub(crate) fn step(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        match self.connection.short_message(rx, tx) {
            Some(message) => Step::Event(message),
            None => self.step_slow(rx, tx),
        }
    }

    #[cfg_attr(not(feature = "compact"), inline(never))]
    fn step_slow(&mut self, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        loop {
            let connecting = !R::Opening::DONE && self.connection.state == State::Connecting;
            let step = if connecting {
                self.opening.advance(self.config, rx, tx)
            } else {
                // After the end it only waits until `tx` is written out, and discards `rx`.
                self.connection.receive_any(rx, tx)
            };
            match step {
                Step::Read if self.eof => self.leave(End::Eof),
                Step::End(end) if connecting => self.leave(end),
                Step::End(end) => return self.linger(end),
                Step::Event(event) if connecting && matches!(event.what, What::Open) => {
                    (self.connection.state, self.connection.end) = (State::Open, None);
                    #[cfg(feature = "deflate")]
                    self.connection.set_agreed(self.opening.agreed());
                    return step;
                }
                _ => return step,
            }
        }
    }

    /// The last word is in `tx`, or there is none.
    fn leave(&mut self, end: End) {
        (self.connection.state, self.connection.end) = (State::Closed, Some(end));
    }

    /// The last word has left `tx`. A server ends the TCP connection first, a client waits for that (section 7.1.1).
    /// To close a stream with bytes unread would reset it and discard the last word: bytes are read until the peer ends
    /// the stream, too.
    fn linger(&mut self, end: End) -> Step<Located> {
        if self.eof || self.linger == Linger::Over {
            return Step::End(end);
        }
        if self.linger == Linger::Discard {
            return Step::Read;
        }
        self.linger = Linger::Discard;
        self.timer.restart();
        match end {
            End::Closed(_) if R::MASKS => Step::Read,
            // Nothing was said that could get lost.
            End::Rejected(_) | End::Overdue(Overdue::Handshake) if R::MASKS => self.over(end),
            End::Unsendable(_) => self.over(end),
            _ => Step::Shutdown,
        }
    }

    const fn over(&mut self, end: End) -> Step<Located> {
        self.linger = Linger::Over;
        Step::End(end)
    }

    /// Reports that `n` bytes were read into [`rx.spare()`](Buffer::spare); 0 is the end of the stream. It counts
    /// as a sign of life.
    #[inline]
    pub fn commit(&mut self, rx: &mut Buffer<'_>, n: usize) {
        self.timer.heard = true;
        // A full `rx` gives no room to read into: 0 then says nothing.
        self.eof |= n == 0 && rx.free() > 0;
        rx.commit(n);
    }

    /// Reports that nothing more will be read: the stream failed, or it can't end one direction alone.
    pub const fn commit_end(&mut self) {
        self.eof = true;
    }

    /// Reports a sign of life that [`commit`](Self::commit) does not see: the peer took bytes that had left `tx` but
    /// waited below it.
    pub const fn heard(&mut self) {
        self.timer.heard = true;
        self.wrote();
    }

    /// Reports that the stream took bytes of `tx`. Only callers that queue more before they [`tick`](Self::tick) must
    /// say so: it sees by itself that `tx` holds less than before.
    pub const fn wrote(&mut self) {
        self.timer.waiting = u32::MAX;
    }

    /// Does what is due at `now`, in milliseconds of any clock that goes on steadily and may wrap: a ping, an end.
    /// Returns in how many milliseconds to call it again if nothing happens before, `None` for never; after
    /// `Some(0)` call [`receive`](Self::receive) now, because something is to be done.
    ///
    /// Call it before each wait, after `tx` was written out as far as the stream takes it; it may have put
    /// something into `tx` again. A caller that comes late gives the peer as much more time, once; a `now` that is
    /// older than the one before is taken as the same.
    #[inline]
    pub fn tick(&mut self, tx: &mut Buffer<'_>, now: u32) -> Option<u32> {
        let blocked = !tx.is_empty();
        // Bytes came while the connection was open, and nothing waits: so it is after most waits.
        if !COMPACT && !blocked && self.connection.state == State::Open && self.timer.heard_again(now) {
            let ping_after = self.config.timeouts.ping_after;
            return if ping_after == 0 { None } else { Some(ping_after) };
        }
        timer::tick(self, tx, now, blocked)
    }

    /// [`tick`](Self::tick) for a `tx` that may wait although the stream takes bytes.
    #[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
    pub(crate) fn tick_if(&mut self, tx: &mut Buffer<'_>, now: u32, blocked: bool) -> Option<u32> {
        timer::tick(self, tx, now, blocked && !tx.is_empty())
    }

    /// Why the session ends, as soon as that is known: it may be before the stream is done with.
    pub const fn end(&self) -> Option<End> {
        match self.connection.state {
            State::Closed => self.connection.end,
            _ => None,
        }
    }

    /// Where the endpoint is in its life: a browser's `readyState`.
    pub const fn state(&self) -> State {
        self.connection.state
    }

    /// Payload bytes of the current data frame that have not been taken yet; 0 between frames. A hint for how much
    /// to read next.
    pub const fn payload_left(&self) -> u64 {
        self.connection.payload_left()
    }
}
