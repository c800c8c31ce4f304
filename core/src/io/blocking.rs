//! Blocking, over [`embedded_io::Read`] and [`embedded_io::Write`].
//!
//! ```
//! use microws::io::blocking::WebSocket;
//! use microws::{Buffer, Event, io::Error};
//! # use embedded_io::{Read, Write};
//!
//! fn echo<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx) = ([0; 256], [0; 256]);
//!     let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
//!     let mut socket = WebSocket::accept(stream, rx, tx, &[])?;
//!     loop {
//!         match socket.recv()? {
//!             (Event::Chunk(c), reply) => reply.send_fragment(c.kind, c.payload, c.fin)?,
//!             (Event::Close(_), _) => return Ok(()),
//!             _ => {} // pings are answered already
//!         }
//!     }
//! }
//! ```
//!
//! With a look at the request before it is answered:
//!
//! ```
//! # use embedded_io::{Read, Write};
//! # use microws::{Buffer, Server, io::Error};
//! use microws::handshake::server::Item;
//! # use microws::io::blocking::{Accept, WebSocket};
//!
//! # fn open<'a, S: Read + Write>(stream: S, rx: Buffer<'a>, tx: Buffer<'a>)
//! # -> Result<Option<WebSocket<'a, S, Server>>, Error<S::Error>> {
//! let mut request = Accept::new(stream, rx, tx, &["chat"]);
//! let (mut found, mut known) = (false, false);
//! while let Some(item) = request.next()? {
//!     match item {
//!         Item::Start { target, .. } => found = target.path() == "/chat",
//!         Item::Field(field) if field.is("Authorization") => known = field.value == b"Bearer 7",
//!         _ => {}
//!     }
//! }
//! if !found || !known {
//!     request.refuse(if found { 401 } else { 404 }, &[], "no\n")?;
//!     return Ok(None);
//! }
//! let socket = request.accept(&[])?.limits(|c| c.max_message_len(65_536).whole_up_to(200));
//! # Ok(Some(socket))
//! # }
//! ```

use embedded_io::{Read, Write};

use super::Error;
use crate::handshake::{client, server};
use crate::{Buffer, Client, CloseCode, Event, MessageKind, Received, Role, Server};

/// The style of this module.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Blocking;

/// An open WebSocket.
pub type WebSocket<'a, S, R> = super::WebSocket<'a, Blocking, S, R>;
/// The half that sends.
pub type Sender<'a, S, R> = super::Sender<'a, Blocking, S, R>;
/// A server's opening handshake.
pub type Accept<'a, 'p, S> = super::Accept<'a, 'p, Blocking, S>;
/// A client's opening handshake.
pub type Connect<'a, 'r, S, F> = super::Connect<'a, 'r, Blocking, S, F>;

type Link<'a, S> = super::Link<'a, Blocking, S>;

impl<S: Read> Link<'_, S> {
    /// Reads what there is, at least a byte.
    fn fill(&mut self, rx: &mut Buffer<'_>) -> Result<(), Error<S::Error>> {
        match self.stream.read(rx.spare()).map_err(Error::Io)? {
            0 => Err(Error::Eof),
            n => {
                rx.commit(n);
                Ok(())
            }
        }
    }
}

impl<S: Write> Link<'_, S> {
    /// Writes `tx` out.
    fn drain(&mut self) -> Result<(), Error<S::Error>> {
        while !self.tx.is_empty() {
            self.unflushed = true;
            match self.stream.write(self.tx.filled()).map_err(Error::Io)? {
                0 => return Err(Error::Eof),
                n => self.tx.consume(n),
            }
        }
        Ok(())
    }

    /// Writes `tx` out and flushes the stream, if anything was written since it last was.
    fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.drain()?;
        if self.unflushed {
            self.stream.flush().map_err(Error::Io)?;
            self.unflushed = false;
        }
        Ok(())
    }
}

impl<'a, S: Read + Write> Accept<'a, '_, S> {
    /// Waits for the next line of the request; `None` is its end.
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for a request that can't be read, which is answered by
    /// then; [`Io`](Error::Io) or [`Eof`](Error::Eof).
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend its items")]
    pub fn next(&mut self) -> Result<Option<server::Item<'_>>, Error<S::Error>> {
        let item = loop {
            let Some(opening) = &mut self.opening else { return Err(Error::Closed) };
            match self.handshake.step(&mut opening.rx) {
                Ok(Some(item)) => break item,
                Ok(None) => opening.link.fill(&mut opening.rx)?,
                Err(error) => return self.fail(error),
            }
        };
        let Some(opening) = &self.opening else { return Err(Error::Closed) };
        Ok(Some(item.bind(&opening.rx)).filter(|item| *item != server::Item::End))
    }

    /// Reads the rest of the request and answers it with 101 and `fields`; the connection is
    /// open, with the default limits: see [`limits`](super::WebSocket::limits).
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for a request that asks for no such upgrade, which is
    /// answered by then; [`Send`](Error::Send) for `fields` that can't be sent or don't fit into
    /// `tx`; [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub fn accept(
        &mut self,
        fields: &server::Fields<'_>,
    ) -> Result<WebSocket<'a, S, Server>, Error<S::Error>> {
        while self.next()?.is_some() {}
        match self.queue_accept(fields) {
            Ok(()) => {}
            Err(Ok(fault)) => return self.fail(fault),
            Err(Err(error)) => return Err(error.into()),
        }
        self.flush()?;
        self.open().ok_or(Error::Closed)
    }

    /// Answers with another status than 101, `fields` and `body`, whether or not the request has
    /// come to its end. Close the stream then.
    ///
    /// # Errors
    /// [`Send`](Error::Send) for `fields` that can't be sent or an answer that does not fit into
    /// `tx`; [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub fn refuse(
        &mut self,
        status: u16,
        fields: &server::Fields<'_>,
        body: &str,
    ) -> Result<(), Error<S::Error>> {
        self.queue_refusal(|tx| server::answer(tx, status, fields, body))?;
        self.flush()
    }

    /// Answers a request at fault.
    #[cold]
    fn fail<T>(&mut self, error: crate::HandshakeError) -> Result<T, Error<S::Error>> {
        self.queue_refusal(|tx| server::refuse(tx, error))?;
        self.flush()?;
        Err(error.into())
    }

    fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.opening.as_mut().ok_or(Error::Closed)?.link.flush()
    }
}

impl<'a, S: Read + Write, F: FnMut(&mut [u8])> Connect<'a, '_, S, F> {
    /// Sends the request if that is still to be done, and waits for the next line of the answer;
    /// `None` is the end of its head.
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for an answer that can't be read, [`Send`](Error::Send)
    /// for a request that can't be sent, [`Io`](Error::Io) or [`Eof`](Error::Eof).
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend its items")]
    pub fn next(&mut self) -> Result<Option<client::Item<'_>>, Error<S::Error>> {
        let Some(opening) = &mut self.opening else { return Err(Error::Closed) };
        while !self.requested {
            self.requested = self.handshake.send(&mut opening.link.tx)?;
            opening.link.drain()?;
        }
        let item = loop {
            match self.handshake.step(&mut opening.rx)? {
                Some(item) => break item,
                None => {
                    opening.link.flush()?;
                    opening.link.fill(&mut opening.rx)?;
                }
            }
        };
        Ok(Some(item.bind(&opening.rx)).filter(|item| *item != client::Item::End))
    }

    /// Sends the request and reads the answer, as far as that is still to be done; the connection
    /// is open, with the default limits: see [`limits`](super::WebSocket::limits).
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) if the server does not agree:
    /// [`Status`](crate::HandshakeError::Status) for any answer but 101; else as [`next`](Self::next).
    pub fn connect(&mut self) -> Result<WebSocket<'a, S, Client<F>>, Error<S::Error>> {
        while self.next()?.is_some() {}
        self.open()
    }
}

impl<'a, S: Read + Write> WebSocket<'a, S, Server> {
    /// Answers a client's request with whatever target: [`Accept`] in one call.
    ///
    /// # Errors
    /// As [`Accept::accept`](super::Accept::accept).
    pub fn accept(
        stream: S,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        subprotocols: &[&str],
    ) -> Result<Self, Error<S::Error>> {
        Accept::new(stream, rx, tx, subprotocols).accept(&[])
    }
}

impl<'a, S: Read + Write, F: FnMut(&mut [u8])> WebSocket<'a, S, Client<F>> {
    /// Makes a request: [`Connect`] in one call.
    ///
    /// # Errors
    /// As [`Connect::connect`](super::Connect::connect).
    pub fn connect(
        stream: S,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        request: client::Request<'_>,
        random: F,
    ) -> Result<Self, Error<S::Error>> {
        Connect::new(stream, rx, tx, request, random).connect()
    }
}

impl<'a, S: Read + Write, R: Role> WebSocket<'a, S, R> {
    /// Waits for the next event, and hands it out with the [`Sender`](super::Sender) to answer
    /// it. Writes out and flushes what is queued before it waits.
    ///
    /// [`Event::Close`] is the last one: a server drops the stream then, a client waits a moment
    /// for the server to do so (section 7.1.1).
    ///
    /// # Errors
    /// [`Protocol`](Error::Protocol), [`Eof`](Error::Eof) and [`Closed`](Error::Closed) are
    /// final; whether [`Io`](Error::Io) is, the stream knows.
    #[expect(clippy::type_complexity, reason = "an alias would hide what is handed out")]
    pub fn recv(&mut self) -> Result<(Event<'_>, &mut Sender<'a, S, R>), Error<S::Error>> {
        let event = loop {
            // An ending comes when the stream has sent the close frame that belongs to it.
            if self.sender.is_ending() {
                self.sender.link.flush()?;
            }
            match self.sender.connection.step(&mut self.rx, &mut self.sender.link.tx)? {
                Received::Event(event) => break event,
                Received::WantRead => {
                    self.sender.link.flush()?;
                    self.sender.link.fill(&mut self.rx)?;
                }
                Received::WantWrite => self.sender.link.drain()?,
                Received::Closed => return Err(Error::Closed),
            }
        };
        Ok((event.bind(&mut self.rx), &mut self.sender))
    }
}

impl<S: Write, R: Role> Sender<'_, S, R> {
    /// Queues a whole message; one that does not fit into `tx` goes out in fragments (section
    /// 5.4). Text must be UTF-8: see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// [`Send`](Error::Send) with [`Closed`](crate::SendError::Closed) or
    /// [`MessageInProgress`](crate::SendError::MessageInProgress); [`Io`](Error::Io) or
    /// [`Eof`](Error::Eof) if `tx` had to be written out.
    pub fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error<S::Error>> {
        while !self.queue_message(kind, payload)? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Queues a whole text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> Result<(), Error<S::Error>> {
        self.send(MessageKind::Text, text.as_bytes())
    }

    /// Queues a whole binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
        self.send(MessageKind::Binary, payload)
    }

    /// Queues the next part of a message; `fin` ends it (section 5.4). Pings may go between.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`MessageInProgress`](crate::SendError::MessageInProgress) if
    /// the unfinished message is of the other kind.
    pub fn send_fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), Error<S::Error>> {
        while !self.queue(kind, payload, fin)? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Queues a ping of at most 125 bytes (section 5.5.2).
    ///
    /// # Errors
    /// [`Send`](Error::Send) with [`Closed`](crate::SendError::Closed) or
    /// [`ControlTooLong`](crate::SendError::ControlTooLong); [`Io`](Error::Io) or
    /// [`Eof`](Error::Eof) if `tx` had to be written out.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.ping(tx, payload))? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Queues a close frame and begins the closing handshake (section 7.1.2); go on with
    /// [`recv`](super::WebSocket::recv) until [`Event::Close`]. [`CloseCode::NO_STATUS`] sends an empty one.
    ///
    /// # Errors
    /// As [`ping`](Self::ping); [`InvalidCloseCode`](crate::SendError::InvalidCloseCode).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.close(tx, code, reason))? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Writes out what is queued and flushes the stream.
    ///
    /// # Errors
    /// [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.link.flush()
    }
}
