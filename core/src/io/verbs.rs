//! The handle and its verbs, once; blocking and asynchronous differ in two words.

macro_rules! verbs {
    ($io:ident, [$($async:ident)?], [$($await:tt)*]) => {
        use $io::{Read, Write};

        use super::{Error, agreed};
        use crate::buffer::Buffer;
        use crate::config::Fields;
        use crate::connection::role::Server;
        use crate::error::SendError;
        use crate::event::Event;
        use crate::located::Located;
        use crate::message::{Message, Whole};
        use crate::prepared::Prepared;
        use crate::session::{Endpoint, Sent, Session};
        use crate::step::{End, Step};
        use crate::wire::code::CloseCode;
        use crate::wire::frame::MessageKind;

        /// Whether it is an error after which the verb is called again.
        fn passes<E: $io::Error>(error: &Error<E>) -> bool {
            let Error::Io(error) = error else { return false };
            matches!(error.kind(), $io::ErrorKind::TimedOut | $io::ErrorKind::Interrupted)
        }

        /// A WebSocket of either role, from the first byte of its opening to its end.
        #[derive(Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct WebSocket<'a, S, R: Endpoint> {
            rx: Buffer<'a>,
            sender: Sender<'a, S, R>,
        }

        /// The half of a [`WebSocket`] that sends. `recv` lends it beside each event, which borrows the other half
        /// alone: the program replies to an event while it holds it.
        #[derive(Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct Sender<'a, S, R: Endpoint> {
            session: Session<'a, R>,
            tx: Buffer<'a>,
            stream: S,
            #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
            half_close: Option<fn(&mut S)>,
            /// Bytes were written since the stream was last flushed.
            unflushed: bool,
            /// A write has begun and not ended.
            blocked: bool,
            /// Our direction must be ended, when the stream is flushed.
            ending: bool,
        }

        impl<'a, S: Read + Write, R: Endpoint> WebSocket<'a, S, R> {
            /// On a stream that is connected, with a session that nothing was done to. During the opening `rx` must
            /// hold the longest header line that matters, `tx` the longest line of ours or all of a response: 256
            /// bytes each are enough for most peers.
            pub const fn new(stream: S, rx: Buffer<'a>, tx: Buffer<'a>, session: Session<'a, R>) -> Self {
                let (half_close, unflushed, blocked, ending) = (None, false, false, false);
                Self { rx, sender: Sender { session, tx, stream, half_close, unflushed, blocked, ending } }
            }

            /// Says how the stream's own direction is ended while the peer's is still read: a TCP socket's
            /// `shutdown(Write)`, embassy-net's `close`. Without it the end comes right after the last word, and a
            /// stream that is dropped with bytes unread may take that away.
            #[must_use]
            pub const fn half_close(mut self, half_close: fn(&mut S)) -> Self {
                self.sender.half_close = Some(half_close);
                self
            }

            /// Waits for the next event, and hands it out with the [`Sender`] to reply with. Writes out and flushes
            /// queued bytes before it waits. `None`: drop the stream.
            ///
            /// # Errors
            /// [`End`](Error::End): drop the stream, too. Whether [`Io`](Error::Io) is final, the stream knows.
            #[allow(clippy::type_complexity)]
            pub $($async)? fn recv(
                &mut self,
            ) -> Result<Option<(Event<'_>, &mut Sender<'a, S, R>)>, Error<S::Error>> {
                match self.drive()$($await)*? {
                    Ok(event) => Ok(Some((Session::<R>::bind(event, &mut self.rx), &mut self.sender))),
                    Err(end) => agreed(end),
                }
            }

            /// Waits until the connection is open; the peer's head is skipped.
            ///
            /// # Errors
            /// As [`recv`](Self::recv).
            pub $($async)? fn open(&mut self) -> Result<(), Error<S::Error>> {
                while self.sender.session.state() == crate::connection::State::Connecting {
                    if let Err(end) = self.drive()$($await)*? {
                        return Err(Error::End(end));
                    }
                }
                Ok(())
            }

            /// Waits for the next whole message, put together in `message`, which stays the same from call to call: a
            /// message that has begun is in it. Other events are skipped, the peer's head too; pings are answered.
            /// `None`: drop the stream.
            ///
            /// # Errors
            /// As [`recv`](Self::recv).
            pub $($async)? fn recv_message<'m, const N: usize>(
                &mut self,
                message: &'m mut Message<N>,
            ) -> Result<Option<Whole<'m>>, Error<S::Error>> {
                loop {
                    let Some((event, _)) = self.recv()$($await)*? else { return Ok(None) };
                    let Event::Chunk(chunk) = event else { continue };
                    if let Some(kind) = message.add(&chunk) {
                        return Ok(Some(message.whole(kind)));
                    }
                }
            }

            /// Closes with code 1000 and no reason, and waits for the end; messages that still come are dropped. To say
            /// why, or to receive those messages: [`Sender::close`], and `recv` until `None`.
            ///
            /// # Errors
            /// As [`recv`](Self::recv); [`NotNow`](SendError::NotNow) before the connection is open.
            pub $($async)? fn close(&mut self) -> Result<(), Error<S::Error>> {
                match self.sender.close(CloseCode::NORMAL, "")$($await)* {
                    // The peer was first, or this call was broken off before.
                    Ok(()) | Err(Error::Send(SendError::Closed)) => {}
                    Err(error) => return Err(error),
                }
                while self.recv()$($await)*?.is_some() {}
                Ok(())
            }

            $($async)? fn drive(&mut self) -> Result<Result<Located, End>, Error<S::Error>> {
                let Self { rx, sender } = self;
                loop {
                    let done = match sender.session.step(rx, &mut sender.tx) {
                        Step::Event(event) => return Ok(Ok(event)),
                        Step::Read => sender.read(rx)$($await)*,
                        Step::Write => sender.drain()$($await)*,
                        Step::Shutdown => {
                            sender.ending = true;
                            Ok(())
                        }
                        Step::End(end) => {
                            // The end is known: a stream that fails now changes nothing.
                            let _ = sender.flush()$($await)*;
                            return Ok(Err(end));
                        }
                    };
                    if let Err(error) = done {
                        // So does one that fails when the last word was said: the peer may be gone. A timeout is no
                        // failure: the last word may wait in `tx`, and lingering goes on.
                        match sender.session.end() {
                            Some(end) if !passes(&error) => return Ok(Err(end)),
                            _ => return Err(error),
                        }
                    }
                }
            }

            /// The half that sends.
            pub const fn sender(&mut self) -> &mut Sender<'a, S, R> {
                &mut self.sender
            }

            /// The session, to ask for its state and its end.
            pub const fn session(&self) -> &Session<'a, R> {
                &self.sender.session
            }

            /// Does what is due at `now`, and returns in how many milliseconds to call it again at the latest: see
            /// [`Session::tick`].
            pub fn tick(&mut self, now: u32) -> Option<u32> {
                let Sender { session, tx, blocked, .. } = &mut self.sender;
                session.tick_if(tx, now, *blocked)
            }

            /// The stream, to be closed, and `rx` and `tx` with the bytes that still wait in them.
            pub fn into_parts(self) -> (S, Buffer<'a>, Buffer<'a>) {
                (self.sender.stream, self.rx, self.sender.tx)
            }
        }

        impl<'a, S: Read + Write, R: Endpoint> Sender<'a, S, R> {
            /// Reads once, after everything that waits was sent.
            $($async)? fn read(&mut self, rx: &mut Buffer<'_>) -> Result<(), Error<S::Error>> {
                self.flush()$($await)*?;
                if self.ending {
                    self.ending = false;
                    match self.half_close {
                        Some(half_close) => half_close(&mut self.stream),
                        None => {
                            self.session.commit_end();
                            return Ok(());
                        }
                    }
                }
                let n = self.stream.read(rx.spare())$($await)*.map_err(Error::Io)?;
                self.session.commit(rx, n);
                Ok(())
            }
        }

        impl<'a, S: Write, R: Endpoint> Sender<'a, S, R> {
            /// Queues a whole message; one that does not fit into `tx` goes out in fragments (section 5.4). Text must
            /// be UTF-8: see [`send_text`](Self::send_text).
            ///
            /// # Errors
            /// [`Send`](Error::Send) as [`Session::send`]; [`Io`](Error::Io) if `tx` had to be written out.
            pub $($async)? fn send(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.send(tx, kind, payload))$($await)*
            }

            /// Queues a whole text message.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn send_text(&mut self, text: &str) -> Result<(), Error<S::Error>> {
                self.send(MessageKind::Text, text.as_bytes())$($await)*
            }

            /// Queues a whole binary message.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn send_binary(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
                self.send(MessageKind::Binary, payload)$($await)*
            }

            /// Queues a message that was encoded before, for many connections: see [`Session::send_prepared`].
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn send_prepared(&mut self, message: &Prepared<'_>) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.send_prepared(tx, message))$($await)*
            }

            /// Queues a whole message, compressed if that is shorter: see [`Session::send_compressed`].
            ///
            /// # Errors
            /// As [`send`](Self::send).
            #[cfg(feature = "deflate")]
            pub $($async)? fn send_compressed(
                &mut self,
                deflater: &mut crate::deflate::Deflater<'_>,
                kind: MessageKind,
                message: &[u8],
            ) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.send_compressed(tx, deflater, kind, message))$($await)*
            }

            /// Queues the next part of a message; `fin` ends it (section 5.4). Pings may go between.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn send_fragment(
                &mut self,
                kind: MessageKind,
                payload: &[u8],
                fin: bool,
            ) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.send_fragment(tx, kind, payload, fin))$($await)*
            }

            /// Queues a ping of at most 125 bytes (section 5.5.2).
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn ping(&mut self, payload: &[u8]) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.ping(tx, payload))$($await)*
            }

            /// Queues a close frame (section 7.1.2); go on with `recv` until `None`.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.close(tx, code, reason))$($await)*
            }

            /// Writes out queued bytes and flushes the stream.
            ///
            /// # Errors
            /// [`Io`](Error::Io), or [`End`](Error::End) if the stream takes no more.
            pub $($async)? fn flush(&mut self) -> Result<(), Error<S::Error>> {
                self.drain()$($await)*?;
                if self.unflushed {
                    self.stream.flush()$($await)*.map_err(Error::Io)?;
                    self.unflushed = false;
                }
                Ok(())
            }

            /// How many bytes are queued and not yet written to the stream.
            pub const fn queued(&self) -> usize {
                self.tx.len()
            }

            $($async)? fn drain(&mut self) -> Result<(), Error<S::Error>> {
                while !self.tx.is_empty() {
                    (self.unflushed, self.blocked) = (true, true);
                    match self.stream.write(self.tx.filled())$($await)*.map_err(Error::Io)? {
                        0 => return Err(Error::End(End::Eof)),
                        n => self.tx.consume(n),
                    }
                    self.session.wrote();
                    self.blocked = false;
                }
                Ok(())
            }

            /// Does a verb of the session by hand: again after each [`Sent::Write`], when `tx` was written out. For
            /// protocols over WebSocket, which build their messages themselves.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn until_sent(
                &mut self,
                mut verb: impl FnMut(&mut Session<'a, R>, &mut Buffer<'a>) -> Result<Sent, SendError>,
            ) -> Result<(), Error<S::Error>> {
                while verb(&mut self.session, &mut self.tx)? == Sent::Write {
                    self.drain()$($await)*?;
                }
                Ok(())
            }
        }

        impl<S: Write> Sender<'_, S, Server> {
            /// Answers the request with 101 and `fields`: see [`Session::accept`].
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn accept(&mut self, fields: &Fields<'_>) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.accept(tx, fields))$($await)*
            }

            /// Answers the request otherwise: see [`Session::respond`].
            ///
            /// # Errors
            /// As [`send`](Self::send).
            pub $($async)? fn respond(
                &mut self,
                status: u16,
                fields: &Fields<'_>,
                body: &str,
            ) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.respond(tx, status, fields, body))$($await)*
            }

            /// Answers the request and reads the next one: see [`Session::respond_and_stay`].
            ///
            /// # Errors
            /// As [`send`](Self::send).
            #[cfg(feature = "http")]
            pub $($async)? fn respond_and_stay(
                &mut self,
                status: u16,
                fields: &Fields<'_>,
                body: &str,
            ) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.respond_and_stay(tx, status, fields, body))$($await)*
            }

            /// Answers the request with content of any length and reads the next one: see
            /// [`Session::respond_content`]. Writes `tx` out as often as that needs.
            ///
            /// # Errors
            /// As [`send`](Self::send).
            #[cfg(feature = "http")]
            pub $($async)? fn respond_content(
                &mut self,
                status: u16,
                fields: &Fields<'_>,
                content: &[u8],
            ) -> Result<(), Error<S::Error>> {
                self.until_sent(|session, tx| session.respond_content(tx, status, fields, content))$($await)*
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
    };
}
