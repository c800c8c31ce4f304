//! Adapters: a [`Connection`], its two buffers and a byte stream behind one
//! handle, in three styles of I/O with the same verbs.
//!
//! | module | stream | a verb that can't go on |
//! |---|---|---|
#![cfg_attr(feature = "embedded-io", doc = "| [`blocking`] | `embedded_io::{Read, Write}` | waits |")]
#![cfg_attr(
    feature = "nb",
    doc = "| [`nonblocking`] | [`nonblocking::Stream`]: `embedded-io`, `embedded-nal` or your own | answers `WouldBlock` |"
)]
#![cfg_attr(
    feature = "embedded-io-async",
    doc = "| [`asynch`] | `embedded_io_async::{Read, Write}` | awaits |"
)]
//!
//! - Opening: [`Accept`] and [`Connect`] hand out the peer's head line by line; then the caller
//!   decides.
//! - `recv` hands out one [`Event`](crate::Event), and beside it the [`Sender`] to answer with.
//! - `send`, `send_fragment`, `ping` and `close` queue whole frames in `tx`, and write `tx` out
//!   only where there is no room. What is queued leaves with `recv`, before it waits, or with
//!   `flush`: one write for many frames. A payload larger than `tx` goes out in fragments.
//! - Writing `tx` out and flushing the stream are two things, for a flush may wait for the peer's
//!   acknowledgement or close a TLS record: the stream is flushed once before `recv` waits, by
//!   `flush`, and before an ending is handed out, never for each frame.
//! - A verb that was broken off, by `WouldBlock`, by a future dropped, by an I/O error that passes
//!   (a timeout), is called again with the same arguments: nothing is lost and nothing is done
//!   twice. Amid a payload larger than `tx` no other message can begin, for some of its fragments
//!   are on their way.
//!
//! What waits in `tx` is written before more is read. An endpoint that sends more than the peer
//! takes thus stops receiving: back-pressure, with no memory for it but the two buffers. Two such
//! endpoints, each amid a payload larger than all buffers between them, would wait for each other:
//! whoever streams that much to a peer that answers before it has heard the end receives between
//! its fragments, or uses `nonblocking`, which reads while it can't write.

use core::fmt;
use core::marker::PhantomData;

use crate::handshake::{client, server};
use crate::wire::frame::header_len;
use crate::{
    Buffer, Client, Connection, HandshakeError, MessageKind, ProtocolError, Role, SendError, Server, State,
};

#[cfg(feature = "embedded-io-async")]
pub mod asynch;
#[cfg(feature = "embedded-io")]
pub mod blocking;
#[cfg(feature = "nb")]
pub mod nonblocking;

/// What ends or hinders a verb, by whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The stream's: it failed.
    Io(E),
    /// The stream's: it ended without a close frame, 1006 in a browser (section 7.1.5).
    Eof,
    /// Nobody's: [`Event::Close`](crate::Event::Close) was handed out already, or the opening is over.
    Closed,
    /// The peer's, before the connection was open. A server's answer is written by then.
    Handshake(HandshakeError),
    /// The peer's. The close frame that says so was written already: drop the stream.
    Protocol(ProtocolError),
    /// The caller's. Nothing was queued and nothing has changed.
    Send(SendError),
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Eof => f.write_str("the stream ended without a close frame"),
            Self::Closed => f.write_str("the connection is closed"),
            Self::Handshake(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Protocol(error) => write!(f, "the peer broke the protocol: {error}"),
            Self::Send(error) => write!(f, "can't be sent: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Eof | Self::Closed => None,
            Self::Handshake(error) => Some(error),
            Self::Protocol(error) => Some(error),
            Self::Send(error) => Some(error),
        }
    }
}

impl<E> From<HandshakeError> for Error<E> {
    fn from(error: HandshakeError) -> Self {
        Self::Handshake(error)
    }
}

impl<E> From<ProtocolError> for Error<E> {
    fn from(error: ProtocolError) -> Self {
        Self::Protocol(error)
    }
}

impl<E> From<SendError> for Error<E> {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

/// A stream and what waits to be written to it. `M` is the style of I/O, so that each style can
/// have the same verbs.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Link<'a, M, S> {
    stream: S,
    tx: Buffer<'a>,
    /// Bytes were written since the stream was last flushed.
    unflushed: bool,
    style: PhantomData<M>,
}

/// An open WebSocket of either [`Role`], in the style of I/O `M`; each module has an alias for it.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WebSocket<'a, M, S, R> {
    rx: Buffer<'a>,
    sender: Sender<'a, M, S, R>,
}

/// The half of a [`WebSocket`] that sends. `recv` lends it beside each event, which borrows the
/// other half alone: events are answered while they are held.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sender<'a, M, S, R> {
    link: Link<'a, M, S>,
    connection: Connection<R>,
    broken_off: Option<BrokenOff>,
}

/// A payload of which some fragments are queued and the rest is not: the call was broken off.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct BrokenOff {
    kind: MessageKind,
    fin: bool,
    len: usize,
    queued: usize,
}

impl<'a, M, S, R> WebSocket<'a, M, S, R> {
    const fn new(rx: Buffer<'a>, link: Link<'a, M, S>, connection: Connection<R>) -> Self {
        Self { rx, sender: Sender { link, connection, broken_off: None } }
    }

    /// Sets the limits of the connection, before anything is received:
    /// `.limits(|connection| connection.max_message_len(65_536).whole_up_to(400))`.
    #[must_use]
    pub fn limits(self, set: impl FnOnce(Connection<R>) -> Connection<R>) -> Self {
        let Self { rx, sender: Sender { link, connection, broken_off } } = self;
        Self { rx, sender: Sender { link, connection: set(connection), broken_off } }
    }

    /// The half that sends.
    pub const fn sender(&mut self) -> &mut Sender<'a, M, S, R> {
        &mut self.sender
    }

    /// Where the connection is in its life.
    pub const fn state(&self) -> State {
        self.sender.state()
    }

    /// The stream, for its settings; bytes read from it or written to it here are missed there.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.sender.link.stream
    }

    /// The stream, to be closed, and `rx` and `tx` for the next connection, with what still waits
    /// in them.
    pub fn into_parts(self) -> (S, Buffer<'a>, Buffer<'a>) {
        (self.sender.link.stream, self.rx, self.sender.link.tx)
    }
}

impl<M, S, R> Sender<'_, M, S, R> {
    /// Where the connection is in its life.
    pub const fn state(&self) -> State {
        self.connection.state()
    }

    /// How many bytes are queued and not yet written to the stream.
    pub const fn queued(&self) -> usize {
        self.link.tx.len()
    }
}

impl<M, S, R: Role> Sender<'_, M, S, R> {
    /// Queues all of a payload, or the next fragment of one that is larger than `tx`. False
    /// means: write `tx` out and call again with the same arguments.
    ///
    /// Where a payload is cut depends on the size of `tx` alone: the fragments are the same
    /// however fast the stream is.
    fn queue(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<bool, SendError> {
        let tx = &mut self.link.tx;
        let queued = match &self.broken_off {
            None => 0,
            Some(begun) if (begun.kind, begun.fin, begun.len) == (kind, fin, payload.len()) => begun.queued,
            // A close frame may have gone between; it is the better reason.
            Some(_) if self.connection.state() == State::Open => return Err(SendError::MessageInProgress),
            Some(_) => return Err(SendError::Closed),
        };
        let rest = payload.get(queued..).unwrap_or_default();
        match self.connection.send_fragment(tx, kind, rest, fin) {
            Ok(()) => {
                self.broken_off = None;
                return Ok(true);
            }
            Err(SendError::BufferFull) if tx.is_empty() => {}
            Err(SendError::BufferFull) => return Ok(false),
            Err(error) => return Err(error),
        }
        let capacity = tx.capacity();
        let len = capacity.saturating_sub(header_len(capacity as u64, R::MASKS));
        self.connection.send_fragment(tx, kind, rest.get(..len).unwrap_or_default(), false)?;
        let queued = queued.saturating_add(len);
        self.broken_off = Some(BrokenOff { kind, fin, len: payload.len(), queued });
        Ok(false)
    }

    /// [`queue`](Self::queue) for a whole message.
    fn queue_message(&mut self, kind: MessageKind, payload: &[u8]) -> Result<bool, SendError> {
        if self.broken_off.is_none() && self.connection.sending.is_some() {
            return Err(SendError::MessageInProgress);
        }
        self.queue(kind, payload, true)
    }

    /// Queues a control frame. False means: write `tx` out, which makes room, and call again.
    fn queue_control(
        &mut self,
        queue: impl FnOnce(&mut Connection<R>, &mut Buffer<'_>) -> Result<(), SendError>,
    ) -> Result<bool, SendError> {
        match queue(&mut self.connection, &mut self.link.tx) {
            Ok(()) => Ok(true),
            // An empty one always has room for a control frame.
            Err(SendError::BufferFull) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the connection may hand out its end at the next step.
    fn is_ending(&self) -> bool {
        self.connection.state() != State::Open && self.link.tx.is_empty()
    }
}

/// The stream and the buffers, until the opening is over and the [`WebSocket`] has them.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Opening<'a, M, S> {
    rx: Buffer<'a>,
    link: Link<'a, M, S>,
}

impl<'a, M, S> Opening<'a, M, S> {
    const fn new(stream: S, rx: Buffer<'a>, tx: Buffer<'a>) -> Option<Self> {
        Some(Self { rx, link: Link { stream, tx, unflushed: false, style: PhantomData } })
    }
}

/// A server's end of the opening handshake (section 4.2).
///
/// `next` hands out the request line by line; then `accept` makes a [`WebSocket`] of it, or
/// `refuse` answers otherwise. Either may come before the end of the request has: `accept` reads
/// the rest. A request at fault is answered by whichever verb meets the fault, with the error's
/// status; the error comes when the answer is written.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accept<'a, 'p, M, S> {
    opening: Option<Opening<'a, M, S>>,
    handshake: server::Handshake<'p>,
    connection: Option<Connection<Server>>,
    refused: bool,
}

impl<'a, 'p, M, S> Accept<'a, 'p, M, S> {
    /// Begins on a stream that is connected. The first of the client's subprotocols that is in
    /// `subprotocols` is agreed to, and none if there is no such.
    ///
    /// `rx` must hold the longest line of the request that matters, `tx` the answer: 256 bytes
    /// serve both for most clients.
    pub const fn new(stream: S, rx: Buffer<'a>, tx: Buffer<'a>, subprotocols: &'p [&'p str]) -> Self {
        Self {
            opening: Opening::new(stream, rx, tx),
            handshake: server::Handshake::new(subprotocols),
            connection: None,
            refused: false,
        }
    }

    /// Limits the request to `max_len` bytes and `max_fields` fields instead of
    /// [`DEFAULT_MAX_HEAD_LEN`](crate::handshake::DEFAULT_MAX_HEAD_LEN) and
    /// [`DEFAULT_MAX_FIELDS`](crate::handshake::DEFAULT_MAX_FIELDS).
    #[must_use]
    pub fn limits(mut self, max_len: u32, max_fields: u16) -> Self {
        self.handshake = self.handshake.limits(max_len, max_fields);
        self
    }

    /// The subprotocol that is agreed to, as far as the request has come.
    pub const fn subprotocol(&self) -> Option<&'p str> {
        self.handshake.subprotocol()
    }

    /// The stream, to be closed after a refusal, `rx` and `tx`; `None` once a [`WebSocket`] has them.
    pub fn into_parts(self) -> Option<(S, Buffer<'a>, Buffer<'a>)> {
        self.opening.map(|Opening { rx, link }| (link.stream, rx, link.tx))
    }

    /// Queues the 101 answer, once. `Err(Ok(_))` is a request at fault: answer it with
    /// [`queue_refusal`](Self::queue_refusal).
    fn queue_accept(&mut self, fields: &server::Fields<'_>) -> Result<(), Result<HandshakeError, SendError>> {
        if let (Some(opening), None) = (&mut self.opening, &self.connection) {
            let upgrade = self.handshake.upgrade().map_err(Ok)?;
            self.connection = Some(upgrade.accept(&mut opening.link.tx, fields).map_err(Err)?);
        }
        Ok(())
    }

    /// Queues an answer other than 101, once.
    fn queue_refusal(
        &mut self,
        answer: impl FnOnce(&mut Buffer<'_>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        if let (Some(opening), false) = (&mut self.opening, self.refused) {
            answer(&mut opening.link.tx)?;
            self.refused = true;
        }
        Ok(())
    }

    /// The [`WebSocket`], once, when the answer is written.
    fn open(&mut self) -> Option<WebSocket<'a, M, S, Server>> {
        let connection = self.connection.take()?;
        let Opening { rx, link } = self.opening.take()?;
        Some(WebSocket::new(rx, link, connection))
    }
}

/// A client's end of the opening handshake (section 4.1).
///
/// `next` writes the request and hands out the answer line by line, whatever its status is: a
/// 301's `Location`, a 401's `WWW-Authenticate`. `connect` reads the rest and makes a
/// [`WebSocket`] of a 101.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connect<'a, 'r, M, S, F> {
    opening: Option<Opening<'a, M, S>>,
    handshake: client::Handshake<'r>,
    requested: bool,
    random: Option<F>,
}

impl<'a, 'r, M, S, F: FnMut(&mut [u8])> Connect<'a, 'r, M, S, F> {
    /// Begins on a stream that is connected. `random` fills a slice with random bytes, which
    /// nobody can predict: the key of the request now, and each frame's masking key later
    /// (section 10.3).
    ///
    /// `tx` must hold the longest line of the request, `rx` the longest line of the answer that
    /// matters: 256 bytes serve both for most servers.
    pub fn new(
        stream: S,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        request: client::Request<'r>,
        mut random: F,
    ) -> Self {
        let mut nonce = [0; 16];
        random(&mut nonce);
        Self {
            opening: Opening::new(stream, rx, tx),
            handshake: client::Handshake::new(request, nonce),
            requested: false,
            random: Some(random),
        }
    }

    /// The [`WebSocket`], once, if the answer agrees.
    fn open<E>(&mut self) -> Result<WebSocket<'a, M, S, Client<F>>, Error<E>> {
        let random = self.random.take().ok_or(Error::Closed)?;
        let connection = self.handshake.connection(random)?;
        let Opening { rx, link } = self.opening.take().ok_or(Error::Closed)?;
        Ok(WebSocket::new(rx, link, connection))
    }
}

impl<'a, 'r, M, S, F> Connect<'a, 'r, M, S, F> {
    /// Limits the answer's head to `max_len` bytes and `max_fields` fields instead of
    /// [`DEFAULT_MAX_HEAD_LEN`](crate::handshake::DEFAULT_MAX_HEAD_LEN) and
    /// [`DEFAULT_MAX_FIELDS`](crate::handshake::DEFAULT_MAX_FIELDS).
    #[must_use]
    pub fn limits(mut self, max_len: u32, max_fields: u16) -> Self {
        self.handshake = self.handshake.limits(max_len, max_fields);
        self
    }

    /// The subprotocol that the server chose, as far as the answer has come.
    pub const fn subprotocol(&self) -> Option<&'r str> {
        self.handshake.subprotocol()
    }

    /// The stream, `rx` and `tx`, for instance to read the body of an answer other than 101, which
    /// may begin in `rx`; `None` once a [`WebSocket`] has them.
    pub fn into_parts(self) -> Option<(S, Buffer<'a>, Buffer<'a>)> {
        self.opening.map(|Opening { rx, link }| (link.stream, rx, link.tx))
    }
}
