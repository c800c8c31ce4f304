//! The handshakes for programs without a [`Session`](crate::Session): [`ServerHandshake`] and [`ClientHandshake`].

use crate::buffer::Buffer;
use crate::config::{Config, Fields};
use crate::error::SendError;
use crate::event::Event;
use crate::handshake::client::Answer;
use crate::handshake::error::HandshakeError;
use crate::handshake::server::Request;

/// Reads one upgrade request (section 4.2.1) and answers it (section 4.2.2).
///
/// [`receive`](Self::receive) until [`Event::HeadEnd`], then [`check`](Self::check) and [`accept`](Self::accept).
/// After an error of either: [`reject`](crate::handshake::reject), write `tx` out, and linger.
///
/// ```
/// use microws::handshake::ServerHandshake;
/// use microws::{Buffer, Config, Connection, Event};
///
/// let (mut a, mut b) = ([0; 256], [0; 256]);
/// let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
/// let config = Config::new().subprotocols(&["chat"]);
/// let mut handshake = ServerHandshake::new(&config);
///
/// // As much of the request as there is.
/// assert!(rx.push(b"GET /room?id=7 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
/// while let Some(event) = handshake.receive(&mut rx)? {
///     if let Event::Request(line) = event {
///         assert_eq!((line.path(), line.query()), ("/room", Some("id=7")));
///     }
/// }
/// // The rest.
/// assert!(rx.push(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
/// while handshake.receive(&mut rx)? != Some(Event::HeadEnd) {}
/// handshake.check()?;
/// handshake.accept(&mut tx, &[])?;
/// assert!(tx.filled().starts_with(b"HTTP/1.1 101 "));
/// let connection = Connection::server();
/// # let _ = connection;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerHandshake<'c> {
    config: &'c Config<'c>,
    request: Request,
    failure: Option<HandshakeError>,
}

impl<'c> ServerHandshake<'c> {
    /// A handshake that agrees to the first of the client's subprotocols that is among those of `config`, and to none
    /// if there is no such subprotocol.
    pub const fn new(config: &'c Config<'c>) -> Self {
        Self { config, request: Request::new(config), failure: None }
    }

    /// Takes the next line out of `rx`; `None` means: read more into `rx`.
    ///
    /// # Errors
    /// The reason why the request is unreadable; every later call returns it too. Faults of the upgrade alone are
    /// reported by [`check`](Self::check).
    pub fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>) -> Result<Option<Event<'b>>, HandshakeError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        match self.request.receive(self.config, rx) {
            Ok(line) => Ok(line.map(|line| line.bind_request(rx))),
            Err(error) => {
                self.failure = Some(error);
                Err(error)
            }
        }
    }

    /// Whether the request is an upgrade that can be accepted; sure once [`Event::HeadEnd`] has come.
    ///
    /// # Errors
    /// The reason why not. [`NoUpgrade`](HandshakeError::NoUpgrade) is a plain GET request, which may be answered as
    /// such, with [`http::respond`](crate::http::respond).
    pub fn check(&self) -> Result<(), HandshakeError> {
        match self.failure {
            Some(error) => Err(error),
            None => self.request.check().map(|_| ()),
        }
    }

    /// Queues the 101 answer with `fields` added: 129 bytes, and a line for the subprotocol. The connection is then
    /// open: [`Connection::server`](crate::Connection::server). The bytes in `rx` are its first frame.
    ///
    /// # Errors
    /// [`NotNow`](SendError::NotNow) for a request that does not pass [`check`](Self::check),
    /// [`BufferFull`](SendError::BufferFull) or [`InvalidField`](SendError::InvalidField); nothing was written.
    pub fn accept(&self, tx: &mut Buffer<'_>, fields: &Fields<'_>) -> Result<(), SendError> {
        let (None, Ok(digest)) = (self.failure, self.request.check()) else { return Err(SendError::NotNow) };
        self.request.accept(self.config, digest, tx, fields)
    }

    /// The subprotocol that will be agreed to, as far as the fields have come.
    pub fn subprotocol(&self) -> Option<&'c str> {
        self.request.subprotocol(self.config)
    }

    /// What will be agreed on about compression, as far as the fields have come, for
    /// [`Connection::agree`](crate::Connection::agree).
    #[cfg(feature = "deflate")]
    pub fn deflate(&self) -> Option<crate::deflate::Agreed> {
        self.request.deflate()
    }
}

/// Makes one upgrade request and checks the answer (section 4.1).
///
/// [`send`](Self::send) until it is done, [`receive`](Self::receive) until [`Event::HeadEnd`], then
/// [`check`](Self::check). After an error drop the stream.
///
/// ```
/// use microws::handshake::ClientHandshake;
/// use microws::{Buffer, Config, Connection, Event};
///
/// let (mut a, mut b) = ([0; 256], [0; 256]);
/// let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
/// let config = Config::new().request("example.com", "/room?id=7").subprotocols(&["chat"]);
/// // The nonce is random, fresh for each connection; this one is RFC 6455's example.
/// let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
/// while !handshake.send(&mut tx)? { /* write tx out */ }
/// # tx.consume(999);
///
/// // The answer comes, in any pieces.
/// assert!(rx.push(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
/// assert!(rx.push(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
/// assert!(rx.push(b"Sec-WebSocket-Protocol: chat\r\n\r\n"));
/// while handshake.receive(&mut rx)? != Some(Event::HeadEnd) {}
/// handshake.check()?;
/// assert_eq!(handshake.subprotocol(), Some("chat"));
/// let mut connection = Connection::client(|key: &mut [u8]| key.fill(4)); // a real random source!
/// connection.send_text(&mut tx, "hello")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientHandshake<'c> {
    config: &'c Config<'c>,
    answer: Answer,
    failure: Option<HandshakeError>,
}

impl<'c> ClientHandshake<'c> {
    /// A handshake that makes the request of `config`. `nonce` must be random and fresh for each connection
    /// (section 4.1, item 7).
    pub const fn new(config: &'c Config<'c>, nonce: [u8; 16]) -> Self {
        Self { config, answer: Answer::new(config, nonce), failure: None }
    }

    /// Queues as many lines of the request as `tx` has room for: whether that was the rest of it. If not, write `tx`
    /// out and call again.
    ///
    /// # Errors
    /// [`InvalidField`](SendError::InvalidField) before anything is written;
    /// [`BufferFull`](SendError::BufferFull) if a line does not fit into an empty `tx`.
    pub fn send(&mut self, tx: &mut Buffer<'_>) -> Result<bool, SendError> {
        self.answer.send(self.config, tx)
    }

    /// Takes the next line out of `rx`; `None` means: read more into `rx`.
    ///
    /// # Errors
    /// The reason why the answer is unreadable; every later call returns it too. Faults of the upgrade alone are
    /// reported by [`check`](Self::check), so that an answer other than 101 can be read.
    pub fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>) -> Result<Option<Event<'b>>, HandshakeError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        match self.answer.receive(self.config, rx) {
            Ok(line) => Ok(line.map(|line| line.bind_answer(rx))),
            Err(error) => {
                self.failure = Some(error);
                Err(error)
            }
        }
    }

    /// Whether the connection is open: then go on with [`Connection::client`](crate::Connection::client). The bytes in
    /// `rx` are its first frame.
    ///
    /// # Errors
    /// The reason why not: [`Status`](HandshakeError::Status) for an answer other than 101,
    /// [`Incomplete`](HandshakeError::Incomplete) before [`Event::HeadEnd`] has come, or the server's fault.
    pub fn check(&self) -> Result<(), HandshakeError> {
        match self.failure {
            Some(error) => Err(error),
            None => self.answer.check(),
        }
    }

    /// The subprotocol that the server chose among those offered.
    pub fn subprotocol(&self) -> Option<&'c str> {
        self.answer.subprotocol(self.config)
    }

    /// What was agreed on about compression, for [`Connection::agree`](crate::Connection::agree). It is offered if
    /// [`Config::deflate`] says so.
    #[cfg(feature = "deflate")]
    pub const fn deflate(&self) -> Option<crate::deflate::Agreed> {
        self.answer.deflate()
    }
}
