//! Non-blocking, over a stream that is lent to each call: smoltcp's `&mut tcp::Socket`, a stack and a socket of
//! `embedded-nal`, a serial modem.
//!
//! smoltcp's socket in a newtype:
//!
//! ```
//! # mod smoltcp { pub mod socket { pub mod tcp {
//! #     pub struct Socket;
//! #     pub struct SendError;
//! #     impl Socket {
//! #         pub fn can_recv(&self) -> bool { false }
//! #         pub fn may_recv(&self) -> bool { true }
//! #         pub fn recv_slice(&mut self, _: &mut [u8]) -> Result<usize, ()> { Ok(0) }
//! #         pub fn send_slice(&mut self, _: &[u8]) -> Result<usize, SendError> { Ok(0) }
//! #         pub fn close(&mut self) {}
//! #     }
//! # } } }
//! use microws::io::polled::Stream;
//! use smoltcp::socket::tcp;
//!
//! struct Tcp<'s>(&'s mut tcp::Socket);
//!
//! impl Stream for Tcp<'_> {
//!     type Error = tcp::SendError;
//!     fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
//!         let ready = self.0.can_recv() || !self.0.may_recv();
//!         Ok(ready.then(|| self.0.recv_slice(buf).unwrap_or(0)))
//!     }
//!     fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
//!         Ok(Some(self.0.send_slice(buf)?).filter(|n| *n > 0))
//!     }
//!     fn shutdown(&mut self) -> Result<bool, Self::Error> {
//!         self.0.close();
//!         Ok(true)
//!     }
//! }
//! ```

use crate::buffer::Buffer;
use crate::config::Fields;
use crate::connection::role::Server;
use crate::error::SendError;
use crate::event::Event;
use crate::located::Located;
use crate::message::{Message, Whole};
use crate::prepared::Prepared;
use crate::session::{Endpoint, Sent, Session};
use crate::step::Step;
use crate::wire::code::CloseCode;
use crate::wire::frame::MessageKind;

/// A stream of bytes that never waits. `&mut` to a stream of `embedded-io` with its readiness traits is one, and so is
/// `(&mut stack, &mut socket)` of `embedded-nal`, with the features of these names.
pub trait Stream {
    /// The error it fails with.
    type Error;

    /// Reads some bytes; `None` if there are none yet, 0 for the end of the stream.
    ///
    /// # Errors
    /// The stream's own.
    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Takes some of the bytes, at least one; `None` if it can't take any now. Then it is given the same bytes again,
    /// and maybe more after them.
    ///
    /// # Errors
    /// The stream's own.
    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error>;

    /// Sends bytes that the stream holds back, if it is one that does, all of them. One that can't do so without waiting
    /// must not hold back: TLS that never waits seals a record in `write`, returns `None` as long as that has not gone
    /// and then how many of the bytes it held. Otherwise the last bytes could get lost, and a peer that takes nothing
    /// would not be noticed.
    ///
    /// # Errors
    /// The stream's own.
    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Ends our direction, after which the peer's is still read: whether the stream can do that. If it can't, the
    /// session ends right after its last word.
    ///
    /// # Errors
    /// The stream's own.
    fn shutdown(&mut self) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

/// A session and its buffers, which the program polls.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WebSocket<'a, R: Endpoint> {
    rx: Buffer<'a>,
    sender: Sender<'a, R>,
    wait: Option<u32>,
}

/// The half of a [`WebSocket`] that sends, into `tx` alone: [`Sent::Write`] means poll, then again.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sender<'a, R: Endpoint> {
    session: Session<'a, R>,
    tx: Buffer<'a>,
}

impl<'a, R: Endpoint> WebSocket<'a, R> {
    /// With a session that nothing was done to.
    pub const fn new(rx: Buffer<'a>, tx: Buffer<'a>, session: Session<'a, R>) -> Self {
        Self { rx, sender: Sender { session, tx }, wait: None }
    }

    /// Goes on as far as the stream can. An event comes with the [`Sender`] to reply with. [`Step::Read`] and
    /// [`Step::Write`] say what is waited for, and [`wait`](Self::wait) how long at most; [`Step::Shutdown`] never
    /// comes. After the end each call reads once, and the stream may have more at once. With a `tx` that is 14 bytes
    /// larger than `rx` there is always room to echo an event.
    ///
    /// `now` is in milliseconds of any clock that goes on steadily and may wrap.
    ///
    /// # Errors
    /// The stream's. One that comes after the last word was said is no error but the end.
    #[allow(clippy::type_complexity)]
    pub fn poll<S: Stream>(
        &mut self,
        stream: &mut S,
        now: u32,
    ) -> Result<Step<(Event<'_>, &mut Sender<'a, R>)>, S::Error> {
        let Self { rx, sender: Sender { session, tx }, wait } = self;
        let step = match drive(rx, tx, session, wait, stream, now) {
            Ok(step) => step,
            Err(error) => Step::End(session.end().ok_or(error)?),
        };
        Ok(step.map(|event| (Session::<R>::bind(event, &mut self.rx), &mut self.sender)))
    }

    /// [`poll`](Self::poll) for whole messages, put together in `message`, which stays the same from call to call: a
    /// message that has begun is in it. Other events are skipped; pings are answered.
    ///
    /// # Errors
    /// As [`poll`](Self::poll).
    pub fn poll_message<'m, S: Stream, const N: usize>(
        &mut self,
        stream: &mut S,
        now: u32,
        message: &'m mut Message<N>,
    ) -> Result<Step<Whole<'m>>, S::Error> {
        loop {
            match self.poll(stream, now)? {
                Step::Event((Event::Chunk(chunk), _)) => {
                    if let Some(kind) = message.add(&chunk) {
                        return Ok(Step::Event(message.whole(kind)));
                    }
                }
                Step::Event(_) => {}
                Step::Read => return Ok(Step::Read),
                Step::Write => return Ok(Step::Write),
                Step::Shutdown => return Ok(Step::Shutdown),
                Step::End(end) => return Ok(Step::End(end)),
            }
        }
    }

    /// Queues a close frame with code 1000 and no reason; go on polling until [`Step::End`]. To say why:
    /// [`Sender::close`].
    ///
    /// # Errors
    /// [`Closed`](SendError::Closed), or [`NotNow`](SendError::NotNow) before the connection is open.
    pub fn close(&mut self) -> Result<Sent, SendError> {
        self.sender.close(CloseCode::NORMAL, "")
    }

    /// Writes out queued bytes, as far as the stream takes them: whether all of them went.
    ///
    /// # Errors
    /// The stream's.
    pub fn flush<S: Stream>(&mut self, stream: &mut S) -> Result<bool, S::Error> {
        let Sender { session, tx } = &mut self.sender;
        write(session, tx, stream)
    }

    /// In how many milliseconds to poll again, if nothing happens before; `None` for never.
    pub const fn wait(&self) -> Option<u32> {
        self.wait
    }

    /// The half that sends.
    pub const fn sender(&mut self) -> &mut Sender<'a, R> {
        &mut self.sender
    }

    /// The session, to ask for its state and its end.
    pub const fn session(&self) -> &Session<'a, R> {
        &self.sender.session
    }

    /// Begins anew, on the next stream.
    pub fn restart(&mut self, session: Session<'a, R>) {
        (self.sender.session, self.wait) = (session, None);
        self.rx.consume(usize::MAX);
        self.sender.tx.consume(usize::MAX);
    }
}

/// Goes on until there is something to return.
fn drive<S: Stream, R: Endpoint>(
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
    session: &mut Session<'_, R>,
    wait: &mut Option<u32>,
    stream: &mut S,
    now: u32,
) -> Result<Step<Located>, S::Error> {
    loop {
        // There must be room to echo whatever comes out of `rx`.
        let room = tx.free() >= longest_event(rx).saturating_add(14) || write(session, tx, stream)?;
        let mut blocked = true;
        if room {
            match session.step(rx, tx) {
                step @ (Step::Event(_) | Step::End(_)) => return Ok(step),
                Step::Shutdown => {
                    if !stream.shutdown()? {
                        session.commit_end();
                    }
                    continue;
                }
                Step::Write if write(session, tx, stream)? => continue,
                Step::Write => {}
                Step::Read => {
                    // A peer that takes nothing may do so because it waits to be read.
                    blocked = !write(session, tx, stream)?;
                    if let Some(n) = stream.read(rx.spare())? {
                        session.commit(rx, n);
                        // After the end a peer may send as fast as it is read: other streams must be served too.
                        if n == 0 || session.end().is_none() {
                            continue;
                        }
                    }
                }
            }
        }
        *wait = session.tick(tx, now);
        if *wait != Some(0) {
            // It may have been a ping.
            blocked = blocked || !write(session, tx, stream)?;
            return Ok(if blocked { Step::Write } else { Step::Read });
        }
    }
}

/// No event that comes out of `rx` is longer: one that is inflated is as long as the ring at most.
const fn longest_event(rx: &Buffer<'_>) -> usize {
    #[cfg(feature = "deflate")]
    if let Some((_, ring)) = &rx.inflating {
        if ring.len() > rx.len() {
            return ring.len();
        }
    }
    rx.len()
}

/// Whether all of it went.
fn write<S: Stream, R: Endpoint>(
    session: &mut Session<'_, R>,
    tx: &mut Buffer<'_>,
    stream: &mut S,
) -> Result<bool, S::Error> {
    let mut wrote = false;
    while !tx.is_empty() {
        match stream.write(tx.filled())? {
            // A stream that takes 0 bytes takes none now: not to be asked again and again.
            None | Some(0) => return Ok(false),
            Some(n) => tx.consume(n),
        }
        session.wrote();
        wrote = true;
    }
    if wrote {
        stream.flush()?;
    }
    Ok(true)
}

impl<'a, R: Endpoint> Sender<'a, R> {
    /// Queues a whole message: see [`Session::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<Sent, SendError> {
        self.session.send(&mut self.tx, kind, payload)
    }

    /// Queues a message that was encoded before, for many connections: see [`Session::send_prepared`].
    ///
    /// # Errors
    /// As there.
    pub fn send_prepared(&mut self, message: &Prepared<'_>) -> Result<Sent, SendError> {
        self.session.send_prepared(&mut self.tx, message)
    }

    /// Queues a whole message, compressed if that is shorter: see [`Session::send_compressed`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "deflate")]
    pub fn send_compressed(
        &mut self,
        deflater: &mut crate::deflate::Deflater<'_>,
        kind: MessageKind,
        message: &[u8],
    ) -> Result<Sent, SendError> {
        self.session.send_compressed(&mut self.tx, deflater, kind, message)
    }

    /// Queues the next part of a message: see [`Session::send_fragment`].
    ///
    /// # Errors
    /// As there.
    pub fn send_fragment(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<Sent, SendError> {
        self.session.send_fragment(&mut self.tx, kind, payload, fin)
    }

    /// The session and its `tx`, for protocols over WebSocket, which build their messages themselves.
    pub const fn parts(&mut self) -> (&mut Session<'a, R>, &mut Buffer<'a>) {
        (&mut self.session, &mut self.tx)
    }

    /// Queues a ping: see [`Session::ping`].
    ///
    /// # Errors
    /// As there.
    pub fn ping(&mut self, payload: &[u8]) -> Result<Sent, SendError> {
        self.session.ping(&mut self.tx, payload)
    }

    /// Queues a close frame: see [`Session::close`].
    ///
    /// # Errors
    /// As there.
    pub fn close(&mut self, code: CloseCode, reason: &str) -> Result<Sent, SendError> {
        self.session.close(&mut self.tx, code, reason)
    }
}

impl Sender<'_, Server> {
    /// Answers the request with 101 and `fields`: see [`Session::accept`].
    ///
    /// # Errors
    /// As there.
    pub fn accept(&mut self, fields: &Fields<'_>) -> Result<Sent, SendError> {
        self.session.accept(&mut self.tx, fields)
    }

    /// Answers the request otherwise: see [`Session::respond`].
    ///
    /// # Errors
    /// As there.
    pub fn respond(&mut self, status: u16, fields: &Fields<'_>, body: &str) -> Result<Sent, SendError> {
        self.session.respond(&mut self.tx, status, fields, body)
    }

    /// Answers the request and reads the next one: see [`Session::respond_and_stay`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "http")]
    pub fn respond_and_stay(
        &mut self,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        self.session.respond_and_stay(&mut self.tx, status, fields, body)
    }

    /// Answers the request with content of any length: see [`Session::respond_content`]. After [`Sent::Write`] poll on,
    /// and call it again at [`Event::ContentDue`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "http")]
    pub fn respond_content(
        &mut self,
        status: u16,
        fields: &Fields<'_>,
        content: &[u8],
    ) -> Result<Sent, SendError> {
        self.session.respond_content(&mut self.tx, status, fields, content)
    }

    /// Sets the date of the responses that follow: see [`Session::set_date`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "http")]
    pub fn set_date(&mut self, date: [u8; 29]) -> Result<(), SendError> {
        self.session.set_date(date)
    }
}

/// A stream of `embedded-io` that says whether it is ready. It has no half-close. Its `flush` is called as it is: it
/// waits if it is one that waits.
#[cfg(feature = "embedded-io")]
impl<T> Stream for &mut T
where
    T: embedded_io::Read + embedded_io::ReadReady + embedded_io::Write + embedded_io::WriteReady,
{
    type Error = T::Error;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        if self.read_ready()? { T::read(self, buf).map(Some) } else { Ok(None) }
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
        if self.write_ready()? { T::write(self, buf).map(Some) } else { Ok(None) }
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        T::flush(self)
    }
}

/// A stack of `embedded-nal` and one of its TCP sockets, connected. The stack has no half-close.
#[cfg(feature = "embedded-nal")]
impl<T: embedded_nal::TcpClientStack> Stream for (&mut T, &mut T::TcpSocket) {
    type Error = T::Error;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        use embedded_nal::{TcpError, TcpErrorKind};
        match self.0.receive(self.1, buf) {
            Ok(n) => Ok(Some(n)),
            Err(nb::Error::WouldBlock) => Ok(None),
            // Some stacks say so where others read 0 bytes.
            Err(nb::Error::Other(error)) if error.kind() == TcpErrorKind::PipeClosed => Ok(Some(0)),
            Err(nb::Error::Other(error)) => Err(error),
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
        match self.0.send(self.1, buf) {
            Ok(n) => Ok(Some(n)),
            Err(nb::Error::WouldBlock) => Ok(None),
            Err(nb::Error::Other(error)) => Err(error),
        }
    }
}
