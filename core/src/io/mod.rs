//! Adapters: a [`Session`](crate::Session), its two buffers and a byte stream in one handle.
//!
//! | module | stream | a verb that can't go on |
//! |---|---|---|
#![cfg_attr(feature = "embedded-io", doc = "| [`blocking`] | `embedded_io::{Read, Write}` | waits |")]
#![cfg_attr(
    feature = "embedded-io-async",
    doc = "| [`asynch`] | `embedded_io_async::{Read, Write}` | awaits |"
)]
//! | [`polled`] | [`polled::Stream`], lent to each call | says what it waits for |
//!
//! - `recv` hands out one [`Event`](crate::Event), and beside it the `Sender` to reply with; `None` is the end: drop
//!   the stream. It opens the connection first, and at the end it waits for the peer to end the stream.
//! - `send`, `send_fragment`, `ping` and `close` queue whole frames, and write `tx` out only when there is no room.
//!   Queued bytes leave with `recv`, before it waits, or with `flush`: one write for many frames. A payload larger than
//!   `tx` goes out in fragments.
//! - To write `tx` out and to flush the stream are two things, because a flush may wait for the peer's acknowledgement
//!   or close a TLS record: the stream is flushed once before `recv` waits, by `flush`, and before the end.
//! - A verb that was broken off, by a future dropped or an I/O error that passes (a timeout), is called again with the
//!   same arguments: nothing is lost and nothing is done twice. Between the fragments of a payload larger than `tx` no
//!   other message can begin.
//! - Deadlines need a clock: call `tick` before each wait, and let `recv` wait no longer than `tick` returned.
//! - `open_with` opens a client's connection within a time, and hands out the answer of a server that refuses it.
#![cfg_attr(
    feature = "embedded-nal-async",
    doc = "- [`dial`] begins with an address: name, TCP connection, opening handshake."
)]
//!
//! A `ByteStream` is a WebSocket for programs that know streams only, such as clients of MQTT: binary messages are its
//! bytes.
//!
//! Bytes in `tx` are written before more is read. An endpoint that sends more than the peer takes thus stops
//! receiving: that is the back-pressure, and it takes no memory but the two buffers. [`polled`] reads on while it
//! can't write, as long as `tx` has room for the echo of what comes.

use core::fmt;

use crate::error::SendError;
use crate::step::End;

#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
#[macro_use]
mod bytes;
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
#[macro_use]
mod verbs;
#[cfg(feature = "embedded-io-async")]
pub mod asynch;
#[cfg(feature = "embedded-io")]
pub mod blocking;
#[cfg(feature = "embedded-nal-async")]
pub mod dial;
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
mod join;
pub mod polled;

#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
pub use bytes::StreamError;
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
pub use join::Join;

/// The reason why a verb failed, by whose fault it is. A protocol over WebSocket has ends of its own, `X`, and errors of
/// its callers, `C`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E, X = End, C = SendError> {
    /// The stream's: it failed.
    Io(E),
    /// The peer's, or the stream ended: the session is over, and not as both agreed.
    End(X),
    /// The caller's. Nothing was queued and nothing has changed.
    Send(C),
}

impl<E: fmt::Display, X: fmt::Display, C: fmt::Display> fmt::Display for Error<E, X, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::End(end) => write!(f, "{end}"),
            Self::Send(error) => write!(f, "can't be sent: {error}"),
        }
    }
}

impl<E, X, C> core::error::Error for Error<E, X, C>
where
    E: core::error::Error + 'static,
    X: core::error::Error,
    C: core::error::Error + 'static,
{
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::End(end) => end.source(),
            Self::Send(error) => Some(error),
        }
    }
}

impl<E> From<SendError> for Error<E> {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

/// `Ok(None)` for an end as both agreed.
#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
const fn agreed<T, E>(end: End) -> Result<Option<T>, Error<E>> {
    match end {
        End::Closed(_) | End::Responded => Ok(None),
        end => Err(Error::End(end)),
    }
}
