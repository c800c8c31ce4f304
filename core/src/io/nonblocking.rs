//! Non-blocking in the style of [`nb`], over [`Stream`]: `embedded-io` through [`Io`],
//! `embedded-nal` through [`Tcp`], or two functions of your own.
//!
//! Every verb answers [`nb::Error::WouldBlock`] where the stream can't go on; call it again, at
//! any time, with the same arguments. Other verbs may come between: `recv` while a payload larger
//! than `tx` is being sent, a ping amid its fragments.
//!
//! ```
//! use microws::io::nonblocking::{Sender, Stream, WebSocket};
//! use microws::{Event, Role, io::Error};
//!
//! /// One turn of a main loop; false when the connection has ended.
//! fn turn<S: Stream, R: Role>(
//!     socket: &mut WebSocket<'_, S, R>,
//!     reading: &mut Option<&str>,
//! ) -> Result<bool, Error<S::Error>> {
//!     match socket.recv() {
//!         Ok((Event::Chunk(c), _)) => { /* use c.payload */ }
//!         Ok((Event::Close(_), _)) => return Ok(false),
//!         Ok(_) | Err(nb::Error::WouldBlock) => {}
//!         Err(nb::Error::Other(error)) => return Err(error),
//!     }
//!     if let Some(text) = reading {
//!         match socket.sender().send_text(text) {
//!             Ok(()) => *reading = None, // `recv` writes it out
//!             Err(nb::Error::WouldBlock) => {}
//!             Err(nb::Error::Other(error)) => return Err(error),
//!         }
//!     }
//!     Ok(true)
//! }
//! ```
//!
//! An event is handed out once. Where its answer must not get lost, call `recv` only when there is
//! room for the answer: after `flush` has answered `Ok`, and with a `tx` 14 bytes larger than `rx`,
//! the echo of whatever comes is queued at once.
//!
//! There is no `WebSocket::accept` in one call here, for it could not be called again: keep the
//! [`Accept`] or [`Connect`], and [`nb::block!`] on it where waiting is no harm.

use embedded_io::{Read, ReadReady, Write, WriteReady};
use embedded_nal::{TcpClientStack, TcpError, TcpErrorKind};

use super::Error;
use crate::handshake::{client, server};
use crate::{Buffer, Client, CloseCode, Event, MessageKind, Received, Role, Server};

/// The style of this module.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NonBlocking;

/// An open WebSocket.
pub type WebSocket<'a, S, R> = super::WebSocket<'a, NonBlocking, S, R>;
/// The half that sends.
pub type Sender<'a, S, R> = super::Sender<'a, NonBlocking, S, R>;
/// A server's opening handshake.
pub type Accept<'a, 'p, S> = super::Accept<'a, 'p, NonBlocking, S>;
/// A client's opening handshake.
pub type Connect<'a, 'r, S, F> = super::Connect<'a, 'r, NonBlocking, S, F>;

type Link<'a, S> = super::Link<'a, NonBlocking, S>;

/// A stream of bytes that never waits.
pub trait Stream {
    /// What it fails with.
    type Error;

    /// Reads some bytes; 0 for a `buf` that is not empty is the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` if there are none yet, or the stream's own.
    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, Self::Error>;

    /// Takes some of the bytes, at least one.
    ///
    /// # Errors
    /// `WouldBlock` if it can't take any now, or the stream's own.
    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, Self::Error>;

    /// Sends what the stream keeps back, if it is one that does.
    ///
    /// # Errors
    /// `WouldBlock` if that is not done yet, or the stream's own.
    fn flush(&mut self) -> nb::Result<(), Self::Error> {
        Ok(())
    }
}

impl<T: Stream + ?Sized> Stream for &mut T {
    type Error = T::Error;

    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, Self::Error> {
        T::read(self, buf)
    }

    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, Self::Error> {
        T::write(self, buf)
    }

    fn flush(&mut self) -> nb::Result<(), Self::Error> {
        T::flush(self)
    }
}

/// A stream of `embedded-io` that says whether it is ready. Its `flush` is called as it is: it
/// waits if it is one that waits.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Io<T>(pub T);

impl<T: Read + ReadReady + Write + WriteReady> Stream for Io<T> {
    type Error = T::Error;

    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, Self::Error> {
        if self.0.read_ready()? { Ok(self.0.read(buf)?) } else { Err(nb::Error::WouldBlock) }
    }

    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, Self::Error> {
        if self.0.write_ready()? { Ok(self.0.write(buf)?) } else { Err(nb::Error::WouldBlock) }
    }

    fn flush(&mut self) -> nb::Result<(), Self::Error> {
        Ok(self.0.flush()?)
    }
}

/// A TCP socket of `embedded-nal`: connected through [`TcpClientStack`], or accepted through
/// [`TcpFullStack`](embedded_nal::TcpFullStack). A stack that serves several sockets is given as
/// one of its [`SharedStack`](embedded_nal::SharedStack)s.
#[derive(Debug)]
pub struct Tcp<T: TcpClientStack> {
    /// The stack.
    pub stack: T,
    /// The socket, connected.
    pub socket: T::TcpSocket,
}

/// Neither stack nor socket need have a format of their own.
#[cfg(feature = "defmt")]
impl<T: TcpClientStack> defmt::Format for Tcp<T> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Tcp");
    }
}

impl<T: TcpClientStack> Stream for Tcp<T> {
    type Error = T::Error;

    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, Self::Error> {
        match self.stack.receive(&mut self.socket, buf) {
            // Some stacks say so where others read 0 bytes.
            Err(nb::Error::Other(error)) if error.kind() == TcpErrorKind::PipeClosed => Ok(0),
            other => other,
        }
    }

    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, Self::Error> {
        self.stack.send(&mut self.socket, buf)
    }
}

impl<S: Stream> Link<'_, S> {
    /// Reads what there is, at least a byte.
    fn fill(&mut self, rx: &mut Buffer<'_>) -> nb::Result<(), Error<S::Error>> {
        match self.stream.read(rx.spare()).map_err(|error| error.map(Error::Io))? {
            0 => Err(other(Error::Eof)),
            n => {
                rx.commit(n);
                Ok(())
            }
        }
    }

    /// Writes `tx` out.
    fn drain(&mut self) -> nb::Result<(), Error<S::Error>> {
        while !self.tx.is_empty() {
            self.unflushed = true;
            match self.stream.write(self.tx.filled()).map_err(|error| error.map(Error::Io))? {
                0 => return Err(other(Error::Eof)),
                n => self.tx.consume(n),
            }
        }
        Ok(())
    }

    /// Writes `tx` out and flushes the stream, if anything was written since it last was.
    fn flush(&mut self) -> nb::Result<(), Error<S::Error>> {
        self.drain()?;
        if self.unflushed {
            self.stream.flush().map_err(|error| error.map(Error::Io))?;
            self.unflushed = false;
        }
        Ok(())
    }
}

impl<'a, S: Stream> Accept<'a, '_, S> {
    /// The next line of the request; `None` is its end.
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for a request that can't be read, which is answered by
    /// then; [`Io`](Error::Io) or [`Eof`](Error::Eof).
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend its items")]
    pub fn next(&mut self) -> nb::Result<Option<server::Item<'_>>, Error<S::Error>> {
        let item = loop {
            let Some(opening) = &mut self.opening else { return Err(other(Error::Closed)) };
            match self.handshake.step(&mut opening.rx) {
                Ok(Some(item)) => break item,
                Ok(None) => opening.link.fill(&mut opening.rx)?,
                Err(error) => return self.fail(error),
            }
        };
        let Some(opening) = &self.opening else { return Err(other(Error::Closed)) };
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
    ) -> nb::Result<WebSocket<'a, S, Server>, Error<S::Error>> {
        while self.next()?.is_some() {}
        match self.queue_accept(fields) {
            Ok(()) => {}
            Err(Ok(fault)) => return self.fail(fault),
            Err(Err(error)) => return Err(other(error)),
        }
        self.flush()?;
        self.open().ok_or(other(Error::Closed))
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
    ) -> nb::Result<(), Error<S::Error>> {
        self.queue_refusal(|tx| server::answer(tx, status, fields, body)).map_err(other)?;
        self.flush()
    }

    /// Answers a request at fault.
    #[cold]
    fn fail<T>(&mut self, error: crate::HandshakeError) -> nb::Result<T, Error<S::Error>> {
        self.queue_refusal(|tx| server::refuse(tx, error)).map_err(other)?;
        self.flush()?;
        Err(other(error))
    }

    fn flush(&mut self) -> nb::Result<(), Error<S::Error>> {
        self.opening.as_mut().ok_or(other(Error::Closed))?.link.flush()
    }
}

impl<'a, S: Stream, F: FnMut(&mut [u8])> Connect<'a, '_, S, F> {
    /// Sends the request if that is still to be done, and reads the next line of the answer;
    /// `None` is the end of its head.
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for an answer that can't be read, [`Send`](Error::Send)
    /// for a request that can't be sent, [`Io`](Error::Io) or [`Eof`](Error::Eof).
    #[expect(clippy::should_implement_trait, reason = "an iterator can't lend its items")]
    pub fn next(&mut self) -> nb::Result<Option<client::Item<'_>>, Error<S::Error>> {
        let Some(opening) = &mut self.opening else { return Err(other(Error::Closed)) };
        while !self.requested {
            self.requested = self.handshake.send(&mut opening.link.tx).map_err(other)?;
            opening.link.drain()?;
        }
        let item = loop {
            match self.handshake.step(&mut opening.rx).map_err(other)? {
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
    pub fn connect(&mut self) -> nb::Result<WebSocket<'a, S, Client<F>>, Error<S::Error>> {
        while self.next()?.is_some() {}
        self.open().map_err(other)
    }
}

impl<'a, S: Stream, R: Role> WebSocket<'a, S, R> {
    /// The next event, handed out with the [`Sender`](super::Sender) to answer it. Writes out and
    /// flushes what is queued, as far as the stream takes it, before it answers `WouldBlock`.
    ///
    /// [`Event::Close`] is the last one: a server drops the stream then, a client waits a moment
    /// for the server to do so (section 7.1.1).
    ///
    /// # Errors
    /// [`Protocol`](Error::Protocol), [`Eof`](Error::Eof) and [`Closed`](Error::Closed) are
    /// final; whether [`Io`](Error::Io) is, the stream knows.
    #[expect(clippy::type_complexity, reason = "an alias would hide what is handed out")]
    pub fn recv(&mut self) -> nb::Result<(Event<'_>, &mut Sender<'a, S, R>), Error<S::Error>> {
        let event = loop {
            // An ending comes when the stream has sent the close frame that belongs to it.
            if self.sender.is_ending() {
                self.sender.link.flush()?;
            }
            match self.sender.connection.step(&mut self.rx, &mut self.sender.link.tx).map_err(other)? {
                Received::Event(event) => break event,
                Received::WantRead => {
                    // A peer that takes nothing may do so because it waits to be read.
                    unless_blocked(self.sender.link.flush())?;
                    self.sender.link.fill(&mut self.rx)?;
                }
                Received::WantWrite => self.sender.link.drain()?,
                Received::Closed => return Err(other(Error::Closed)),
            }
        };
        Ok((event.bind(&mut self.rx), &mut self.sender))
    }
}

impl<S: Stream, R: Role> Sender<'_, S, R> {
    /// Queues a whole message; one that does not fit into `tx` goes out in fragments (section
    /// 5.4). Text must be UTF-8: see [`send_text`](Self::send_text).
    ///
    /// # Errors
    /// [`Send`](Error::Send) with [`Closed`](crate::SendError::Closed) or
    /// [`MessageInProgress`](crate::SendError::MessageInProgress); [`Io`](Error::Io) or
    /// [`Eof`](Error::Eof) if `tx` had to be written out.
    pub fn send(&mut self, kind: MessageKind, payload: &[u8]) -> nb::Result<(), Error<S::Error>> {
        while !self.queue_message(kind, payload).map_err(other)? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Queues a whole text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> nb::Result<(), Error<S::Error>> {
        self.send(MessageKind::Text, text.as_bytes())
    }

    /// Queues a whole binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_binary(&mut self, payload: &[u8]) -> nb::Result<(), Error<S::Error>> {
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
    ) -> nb::Result<(), Error<S::Error>> {
        while !self.queue(kind, payload, fin).map_err(other)? {
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
    pub fn ping(&mut self, payload: &[u8]) -> nb::Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.ping(tx, payload)).map_err(other)? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Queues a close frame and begins the closing handshake (section 7.1.2); go on with
    /// [`recv`](super::WebSocket::recv) until [`Event::Close`]. [`CloseCode::NO_STATUS`] sends an empty one.
    ///
    /// # Errors
    /// As [`ping`](Self::ping); [`InvalidCloseCode`](crate::SendError::InvalidCloseCode).
    pub fn close(&mut self, code: CloseCode, reason: &str) -> nb::Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.close(tx, code, reason)).map_err(other)? {
            self.link.drain()?;
        }
        Ok(())
    }

    /// Writes out what is queued and flushes the stream.
    ///
    /// # Errors
    /// [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub fn flush(&mut self) -> nb::Result<(), Error<S::Error>> {
        self.link.flush()
    }
}

fn other<E>(error: impl Into<Error<E>>) -> nb::Error<Error<E>> {
    nb::Error::Other(error.into())
}

/// What is not written now is written by a later call.
fn unless_blocked<E>(result: nb::Result<(), E>) -> nb::Result<(), E> {
    match result {
        Err(nb::Error::WouldBlock) => Ok(()),
        other => other,
    }
}
