//! Asynchronous, over [`embedded_io_async::Read`] and [`embedded_io_async::Write`].
//!
//! Every verb may be dropped at any `.await` and called again, if `read`, `write` and `flush` of
//! the stream may be: all progress is in the buffers and in the connection. That makes `recv` one
//! arm of a `select`, so that sending never waits for receiving:
//!
//! ```
//! use embassy_futures::select::{Either, select};
//! use embedded_io_async::{Read, Write};
//! use microws::io::asynch::WebSocket;
//! use microws::{Event, Role, io::Error};
//!
//! async fn run<S: Read + Write, R: Role>(
//!     mut socket: WebSocket<'_, S, R>,
//!     mut reading: impl AsyncFnMut() -> u16, // a channel's `receive`, a timer, a sensor
//! ) -> Result<(), Error<S::Error>> {
//!     loop {
//!         match select(socket.recv(), reading()).await {
//!             Either::First(event) => match event? {
//!                 (Event::Chunk(c), reply) => reply.send_fragment(c.kind, c.payload, c.fin).await?,
//!                 (Event::Close(_), _) => return Ok(()),
//!                 _ => {}
//!             },
//!             // `recv` was dropped amid whatever it did; it goes on in the next turn, and writes
//!             // this out before it waits.
//!             Either::Second(value) => socket.sender().send_binary(&value.to_be_bytes()).await?,
//!         }
//!     }
//! }
//! ```
//!
//! This one task with a channel for those who have something to send is the way to several
//! senders, too. The socket does not come apart into two halves for two tasks: a ping received is
//! answered by the half that sends, a close ends both, and frames must not mix, so the halves
//! would share connection and `tx` behind a lock that one of them holds while it waits for the
//! stream, the very wait that `select` does away with.
//!
//! A verb other than `recv` waits only where `tx` has no room, and `flush` always. If the stream's
//! methods can't be dropped safely, let the verbs run to their end: `join` instead of `select`.

use embedded_io_async::{Read, Write};

use super::Error;
use crate::handshake::{client, server};
use crate::{Buffer, Client, CloseCode, Event, MessageKind, Received, Role, Server};

/// The style of this module.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Async;

/// An open WebSocket.
pub type WebSocket<'a, S, R> = super::WebSocket<'a, Async, S, R>;
/// The half that sends.
pub type Sender<'a, S, R> = super::Sender<'a, Async, S, R>;
/// A server's opening handshake.
pub type Accept<'a, 'p, S> = super::Accept<'a, 'p, Async, S>;
/// A client's opening handshake.
pub type Connect<'a, 'r, S, F> = super::Connect<'a, 'r, Async, S, F>;

type Link<'a, S> = super::Link<'a, Async, S>;

impl<S: Read> Link<'_, S> {
    /// Reads what there is, at least a byte.
    async fn fill(&mut self, rx: &mut Buffer<'_>) -> Result<(), Error<S::Error>> {
        match self.stream.read(rx.spare()).await.map_err(Error::Io)? {
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
    async fn drain(&mut self) -> Result<(), Error<S::Error>> {
        while !self.tx.is_empty() {
            self.unflushed = true;
            match self.stream.write(self.tx.filled()).await.map_err(Error::Io)? {
                0 => return Err(Error::Eof),
                n => self.tx.consume(n),
            }
        }
        Ok(())
    }

    /// Writes `tx` out and flushes the stream, if anything was written since it last was.
    async fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.drain().await?;
        if self.unflushed {
            self.stream.flush().await.map_err(Error::Io)?;
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
    pub async fn next(&mut self) -> Result<Option<server::Item<'_>>, Error<S::Error>> {
        let item = loop {
            let Some(opening) = &mut self.opening else { return Err(Error::Closed) };
            match self.handshake.step(&mut opening.rx) {
                Ok(Some(item)) => break item,
                Ok(None) => opening.link.fill(&mut opening.rx).await?,
                Err(error) => return self.fail(error).await,
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
    pub async fn accept(
        &mut self,
        fields: &server::Fields<'_>,
    ) -> Result<WebSocket<'a, S, Server>, Error<S::Error>> {
        while self.next().await?.is_some() {}
        match self.queue_accept(fields) {
            Ok(()) => {}
            Err(Ok(fault)) => return self.fail(fault).await,
            Err(Err(error)) => return Err(error.into()),
        }
        self.flush().await?;
        self.open().ok_or(Error::Closed)
    }

    /// Answers with another status than 101, `fields` and `body`, whether or not the request has
    /// come to its end. Close the stream then.
    ///
    /// # Errors
    /// [`Send`](Error::Send) for `fields` that can't be sent or an answer that does not fit into
    /// `tx`; [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub async fn refuse(
        &mut self,
        status: u16,
        fields: &server::Fields<'_>,
        body: &str,
    ) -> Result<(), Error<S::Error>> {
        self.queue_refusal(|tx| server::answer(tx, status, fields, body))?;
        self.flush().await
    }

    /// Answers a request at fault.
    #[cold]
    async fn fail<T>(&mut self, error: crate::HandshakeError) -> Result<T, Error<S::Error>> {
        self.queue_refusal(|tx| server::refuse(tx, error))?;
        self.flush().await?;
        Err(error.into())
    }

    async fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.opening.as_mut().ok_or(Error::Closed)?.link.flush().await
    }
}

impl<'a, S: Read + Write, F: FnMut(&mut [u8])> Connect<'a, '_, S, F> {
    /// Sends the request if that is still to be done, and waits for the next line of the answer;
    /// `None` is the end of its head.
    ///
    /// # Errors
    /// [`Handshake`](Error::Handshake) for an answer that can't be read, [`Send`](Error::Send)
    /// for a request that can't be sent, [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub async fn next(&mut self) -> Result<Option<client::Item<'_>>, Error<S::Error>> {
        let Some(opening) = &mut self.opening else { return Err(Error::Closed) };
        while !self.requested {
            self.requested = self.handshake.send(&mut opening.link.tx)?;
            opening.link.drain().await?;
        }
        let item = loop {
            match self.handshake.step(&mut opening.rx)? {
                Some(item) => break item,
                None => {
                    opening.link.flush().await?;
                    opening.link.fill(&mut opening.rx).await?;
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
    pub async fn connect(&mut self) -> Result<WebSocket<'a, S, Client<F>>, Error<S::Error>> {
        while self.next().await?.is_some() {}
        self.open()
    }
}

impl<'a, S: Read + Write> WebSocket<'a, S, Server> {
    /// Answers a client's request with whatever target: [`Accept`] in one call, which takes the
    /// stream with it when it is dropped.
    ///
    /// # Errors
    /// As [`Accept::accept`](super::Accept::accept).
    pub async fn accept(
        stream: S,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        subprotocols: &[&str],
    ) -> Result<Self, Error<S::Error>> {
        Accept::new(stream, rx, tx, subprotocols).accept(&[]).await
    }
}

impl<'a, S: Read + Write, F: FnMut(&mut [u8])> WebSocket<'a, S, Client<F>> {
    /// Makes a request: [`Connect`] in one call, which takes the stream with it when it is dropped.
    ///
    /// # Errors
    /// As [`Connect::connect`](super::Connect::connect).
    pub async fn connect(
        stream: S,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        request: client::Request<'_>,
        random: F,
    ) -> Result<Self, Error<S::Error>> {
        Connect::new(stream, rx, tx, request, random).connect().await
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
    pub async fn recv(&mut self) -> Result<(Event<'_>, &mut Sender<'a, S, R>), Error<S::Error>> {
        let event = loop {
            // An ending comes when the stream has sent the close frame that belongs to it.
            if self.sender.is_ending() {
                self.sender.link.flush().await?;
            }
            match self.sender.connection.step(&mut self.rx, &mut self.sender.link.tx)? {
                Received::Event(event) => break event,
                Received::WantRead => {
                    self.sender.link.flush().await?;
                    self.sender.link.fill(&mut self.rx).await?;
                }
                Received::WantWrite => self.sender.link.drain().await?,
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
    pub async fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error<S::Error>> {
        while !self.queue_message(kind, payload)? {
            self.link.drain().await?;
        }
        Ok(())
    }

    /// Queues a whole text message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_text(&mut self, text: &str) -> Result<(), Error<S::Error>> {
        self.send(MessageKind::Text, text.as_bytes()).await
    }

    /// Queues a whole binary message.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_binary(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
        self.send(MessageKind::Binary, payload).await
    }

    /// Queues the next part of a message; `fin` ends it (section 5.4). Pings may go between.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`MessageInProgress`](crate::SendError::MessageInProgress) if
    /// the unfinished message is of the other kind.
    pub async fn send_fragment(
        &mut self,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), Error<S::Error>> {
        while !self.queue(kind, payload, fin)? {
            self.link.drain().await?;
        }
        Ok(())
    }

    /// Queues a ping of at most 125 bytes (section 5.5.2).
    ///
    /// # Errors
    /// [`Send`](Error::Send) with [`Closed`](crate::SendError::Closed) or
    /// [`ControlTooLong`](crate::SendError::ControlTooLong); [`Io`](Error::Io) or
    /// [`Eof`](Error::Eof) if `tx` had to be written out.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.ping(tx, payload))? {
            self.link.drain().await?;
        }
        Ok(())
    }

    /// Queues a close frame and begins the closing handshake (section 7.1.2); go on with
    /// [`recv`](super::WebSocket::recv) until [`Event::Close`]. [`CloseCode::NO_STATUS`] sends an empty one.
    ///
    /// # Errors
    /// As [`ping`](Self::ping); [`InvalidCloseCode`](crate::SendError::InvalidCloseCode).
    pub async fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<S::Error>> {
        while !self.queue_control(|connection, tx| connection.close(tx, code, reason))? {
            self.link.drain().await?;
        }
        Ok(())
    }

    /// Writes out what is queued and flushes the stream.
    ///
    /// # Errors
    /// [`Io`](Error::Io) or [`Eof`](Error::Eof).
    pub async fn flush(&mut self) -> Result<(), Error<S::Error>> {
        self.link.flush().await
    }
}
