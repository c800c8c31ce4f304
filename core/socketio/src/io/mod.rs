//! Handles: a [`Client`](crate::Client) with its session of the WebSocket and all buffers, over the three adapters of
//! [`microws::io`].
//!
//! | module | stream | a verb that can't go on |
//! |---|---|---|
#![cfg_attr(feature = "embedded-io", doc = "| [`blocking`] | `embedded_io::{Read, Write}` | waits |")]
#![cfg_attr(
    feature = "embedded-io-async",
    doc = "| [`asynch`] | `embedded_io_async::{Read, Write}` | awaits |"
)]
//! | [`polled`] | [`microws::io::polled::Stream`], lent to each call | says what it waits for |
//!
//! What is said there holds here too: queued packets leave with `recv`, before it waits, or with `flush`; a verb that was
//! broken off is called again with the same arguments; deadlines need a clock, given to `tick` before each wait.

use core::fmt;

use crate::error::SendError;
use crate::step::End;

#[cfg(any(feature = "embedded-io", feature = "embedded-io-async"))]
#[macro_use]
mod verbs;
#[cfg(feature = "embedded-io-async")]
pub mod asynch;
#[cfg(feature = "embedded-io")]
pub mod blocking;
pub mod polled;

/// The reason why a verb failed, by whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error<E> {
    /// The stream's: it failed.
    Io(E),
    /// The connection is over, and not because we left. A client that wants to come back begins anew.
    End(End),
    /// The caller's. Nothing was queued and nothing has changed.
    Send(SendError),
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::End(end) => write!(f, "{end}"),
            Self::Send(error) => write!(f, "can't be sent: {error}"),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for Error<E> {
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
