//! The opening handshake, RFC 6455 section 4, over the lines of one HTTP/1.1 head each way.
//!
//! A [`Session`](crate::Session) does all of it. [`ServerHandshake`] and [`ClientHandshake`] are for programs that
//! count bytes of flash and do the rest by hand: such a program rejects a bad request itself, with [`reject`].
//!
//! Bytes after the head stay in `rx`: they are the first frame.

mod by_hand;
mod checks;
pub(crate) mod client;
#[cfg(feature = "deflate")]
mod deflate;
pub(crate) mod error;
mod key;
mod refusal;
pub(crate) mod server;

pub use by_hand::{ClientHandshake, ServerHandshake};
pub use error::{HandshakeError, KnownField};
pub use key::accept_key;
pub use refusal::Refusal;
pub use server::reject;
