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
//! As there, queued packets leave with `recv`, before it waits, or with `flush`; a verb that was
//! broken off is called again with the same arguments; deadlines need a clock, given to `tick` before each wait.

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

/// The reason why a verb failed, by whose fault it is. After [`End`](microws::io::Error::End), which is never that we
/// left, a client that wants to come back begins anew.
pub type Error<E> = microws::io::Error<E, End, SendError>;

impl<E> From<SendError> for Error<E> {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}
