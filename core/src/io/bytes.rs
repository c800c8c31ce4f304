//! A WebSocket as a stream of bytes, for protocols that usually run over TCP: MQTT and the like.

use core::fmt;

use crate::error::SendError;
use crate::io::Error;
use crate::step::End;

/// Why a byte stream over a WebSocket failed, and which of the two did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StreamError<E> {
    /// The stream below the WebSocket failed.
    Io(E),
    /// The WebSocket ended otherwise than with a closing handshake: it may be in the middle of what was sent.
    End(End),
    /// The bytes can't be sent: [`Closed`](SendError::Closed) after a close frame, [`NotNow`](SendError::NotNow) before
    /// the connection is open.
    Send(SendError),
    /// A message came that is not binary, or is compressed and was not inflated; the connection is closed with 1003.
    NotBinary,
}

impl<E: fmt::Display> fmt::Display for StreamError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream below the WebSocket failed: {error}"),
            Self::End(end) => write!(f, "the WebSocket failed: {end}"),
            Self::Send(error) => write!(f, "the WebSocket takes no bytes: {error}"),
            Self::NotBinary => f.write_str("the peer sent a message that is not binary"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for StreamError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::End(end) => Some(end),
            Self::Send(error) => Some(error),
            Self::NotBinary => None,
        }
    }
}

impl<E> From<Error<E>> for StreamError<E> {
    fn from(error: Error<E>) -> Self {
        match error {
            Error::Io(error) => Self::Io(error),
            Error::End(end) => Self::End(end),
            Error::Send(error) => Self::Send(error),
        }
    }
}

impl<E> From<SendError> for StreamError<E> {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

// Both crates have the same trait.
#[cfg(feature = "embedded-io")]
use embedded_io::{Error as IoError, ErrorKind};
#[cfg(not(feature = "embedded-io"))]
use embedded_io_async::{Error as IoError, ErrorKind};

impl<E: IoError + 'static> IoError for StreamError<E> {
    // Never one after which a caller tries again, unless it is the stream's own.
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(error) => error.kind(),
            Self::End(End::Rejected(_)) => ErrorKind::ConnectionRefused,
            Self::End(End::Failed(_)) | Self::NotBinary => ErrorKind::InvalidData,
            Self::End(End::Eof) => ErrorKind::ConnectionReset,
            Self::End(_) => ErrorKind::ConnectionAborted,
            Self::Send(SendError::Closed) => ErrorKind::BrokenPipe,
            Self::Send(_) => ErrorKind::NotConnected,
        }
    }
}

macro_rules! byte_stream {
    ($io:ident, [$($async:ident)?], [$($await:tt)*]) => {
        use super::StreamError;
        use crate::buffer::copy;
        use crate::located::What;

        /// A [`WebSocket`] as a stream of bytes, in either role: the payload of binary messages, one after the other. Where
        /// a message begins and ends has no meaning.
        ///
        /// Bytes written gather in `tx` and become one message when it is full, with `flush`, or before `read` waits:
        /// a protocol that writes byte by byte costs one header for all of them. (An MQTT client's CONNECT, SUBSCRIBE,
        /// PUBLISH and PINGREQ, 108 bytes in 27 writes, go out as 132; a message for each write would make it 270. To
        /// gather them takes 392 bytes of flash on a Cortex-M3.) Pings are answered while it reads.
        ///
        /// It ends as TCP would: after the closing handshake `read` returns 0 and `write` fails. A peer that goes without
        /// it is an error, so that half a packet is not taken for the end. [`session`](Self::session) has the
        /// close code.
        #[derive(Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct ByteStream<'a, S, R: Endpoint> {
            socket: WebSocket<'a, S, R>,
            /// Payload that stands in `rx`, as far as it was not read.
            #[cfg_attr(feature = "defmt", defmt(Debug2Format))]
            unread: Located,
            /// Bytes of the next message; they stand in the room of `tx` after its header.
            gathered: usize,
            /// A message came that is not binary.
            refused: bool,
        }

        impl<'a, S: Read + Write, R: Endpoint> ByteStream<'a, S, R> {
            /// Over a WebSocket that is open, with no message in progress: see [`WebSocket::open`].
            pub const fn new(socket: WebSocket<'a, S, R>) -> Self {
                Self { socket, unread: Located::nowhere(What::HeadEnd), gathered: 0, refused: false }
            }

            /// The session, to ask for its state and its end.
            pub const fn session(&self) -> &Session<'a, R> {
                self.socket.session()
            }

            /// Does what is due at `now`, and returns in how many milliseconds to call it again at the latest: see
            /// [`Session::tick`]. What was written before goes into a message of its own.
            pub fn tick(&mut self, now: u32) -> Option<u32> {
                // A connection that is closed takes nothing; `write` says so.
                let _ = self.seal();
                self.socket.tick(now)
            }

            /// Sends what was written, closes with code 1000, and waits for the end; bytes that still come are
            /// dropped.
            ///
            /// # Errors
            /// [`End`](StreamError::End) or [`Io`](StreamError::Io).
            pub $($async)? fn close(&mut self) -> Result<(), StreamError<S::Error>> {
                // A peer that has closed before takes nothing.
                let _ = self.seal();
                Ok(self.socket.close()$($await)*?)
            }

            /// The WebSocket; what was written and not sent is queued, what came and was not read is lost.
            pub fn into_inner(mut self) -> WebSocket<'a, S, R> {
                let _ = self.seal();
                self.socket
            }

            /// Makes a message of the bytes that have gathered. Nothing else may be queued before.
            fn seal(&mut self) -> Result<(), SendError> {
                let len = core::mem::take(&mut self.gathered);
                if len > 0 {
                    let Sender { session, tx, .. } = &mut self.socket.sender;
                    session.send_with(tx, MessageKind::Binary, true, |_| len)?;
                }
                Ok(())
            }

            /// Notes payload, which is read next. Other events say nothing here.
            fn take(&mut self, event: Located) {
                match event.what {
                    #[cfg(feature = "deflate")]
                    What::Chunk { form: crate::located::Form::Compressed, .. } => self.refused = true,
                    What::Chunk { kind: MessageKind::Binary, .. } => self.unread = event,
                    What::Chunk { .. } => self.refused = true,
                    _ => {}
                }
            }

            /// Closes with 1003: messages of this kind are not accepted.
            $($async)? fn refuse(&mut self) -> Result<(), StreamError<S::Error>> {
                match self.socket.sender.close(CloseCode::UNSUPPORTED_DATA, "")$($await)* {
                    // An earlier call was broken off, or both sent at once.
                    Ok(()) | Err(Error::Send(SendError::Closed)) => {}
                    Err(error) => return Err(error.into()),
                }
                self.socket.sender.flush()$($await)*?;
                Err(StreamError::NotBinary)
            }
        }

        impl<S: Read + Write, R: Endpoint> $io::ErrorType for ByteStream<'_, S, R>
        where
            S::Error: 'static,
        {
            type Error = StreamError<S::Error>;
        }

        impl<S: Read + Write, R: Endpoint> Read for ByteStream<'_, S, R>
        where
            S::Error: 'static,
        {
            $($async)? fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
                if buf.is_empty() {
                    return Ok(0);
                }
                loop {
                    // It may be none, of no bytes.
                    let n = match self.unread.bind_frame(&mut self.socket.rx) {
                        Event::Chunk(chunk) => {
                            copy(buf, chunk.payload);
                            chunk.payload.len().min(buf.len())
                        }
                        _ => 0,
                    };
                    if n > 0 {
                        self.unread.start = self.unread.start.saturating_add(n);
                        return Ok(n);
                    }
                    if self.refused {
                        self.refuse()$($await)*?;
                    }
                    // A connection that is closing takes nothing, and `write` says so.
                    let _ = self.seal();
                    match self.socket.drive()$($await)*? {
                        Ok(event) => self.take(event),
                        Err(end) => {
                            agreed::<(), S::Error>(end)?;
                            return Ok(0);
                        }
                    }
                }
            }
        }

        impl<S: Read + Write, R: Endpoint> Write for ByteStream<'_, S, R>
        where
            S::Error: 'static,
        {
            $($async)? fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
                if buf.is_empty() {
                    return Ok(0);
                }
                loop {
                    let Sender { session, tx, .. } = &mut self.socket.sender;
                    // A message begins in an empty `tx`: where it is cut depends on the size of `tx` alone.
                    let begins = self.gathered > 0 || tx.is_empty();
                    let room = session.message_room(tx)?.get_mut(self.gathered..).unwrap_or_default();
                    if begins && !room.is_empty() {
                        copy(room, buf);
                        let n = room.len().min(buf.len());
                        self.gathered = self.gathered.saturating_add(n);
                        return Ok(n);
                    }
                    self.seal()?;
                    self.socket.sender.drain()$($await)*?;
                }
            }

            $($async)? fn flush(&mut self) -> Result<(), Self::Error> {
                self.seal()?;
                Ok(self.socket.sender.flush()$($await)*?)
            }
        }

        /// Whether payload, the end or an error is there. What came is taken for that, and what was written before goes into
        /// a message of its own, which is not sent.
        impl<S: Read + Write + $io::ReadReady, R: Endpoint> $io::ReadReady for ByteStream<'_, S, R>
        where
            S::Error: 'static,
        {
            fn read_ready(&mut self) -> Result<bool, Self::Error> {
                loop {
                    if self.refused || self.unread.start < self.unread.end {
                        return Ok(true);
                    }
                    let _ = self.seal();
                    let WebSocket { rx, sender } = &mut self.socket;
                    match sender.session.step(rx, &mut sender.tx) {
                        Step::Event(event) => self.take(event),
                        Step::Read if !sender.ending => {
                            if !sender.stream.read_ready().map_err(StreamError::Io)? {
                                return Ok(false);
                            }
                            let Some(n) = at_once(sender.stream.read(rx.spare())) else { return Ok(false) };
                            sender.session.commit(rx, n.map_err(StreamError::Io)?);
                        }
                        Step::Shutdown => {
                            sender.ending = true;
                            return Ok(true);
                        }
                        // `read` goes on.
                        Step::Read | Step::Write | Step::End(_) => return Ok(true),
                    }
                }
            }
        }
    };
}
