//! WebSocket (RFC 6455) over fixed buffers: no std, no heap, no unsafe, no panic.
//!
#![cfg_attr(feature = "embedded-io", doc = "```")]
#![cfg_attr(not(feature = "embedded-io"), doc = "```ignore")]
//! use microws::{Buffer, Config, Event, Session, io::{Error, blocking::WebSocket}};
//! # use embedded_io::{Read, Write};
//!
//! fn echo<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx, config) = ([0; 512], [0; 512], Config::new());
//!     let session = Session::server(&config);
//!     let mut socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
//!     while let Some((event, reply)) = socket.recv()? {
//!         if let Event::Chunk(c) = event {
//!             reply.send_fragment(c.kind, c.payload, c.fin)?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! It answers bad requests and pings, checks text, passes messages of any size through, and does not lose the close
//! frame. TCP sockets give `.half_close(|stream| ...)` as well; deadlines need a clock: `socket.tick(now)`.
//!
//! ```text
//!  wire ──▶ connection ─┐
//!  http ──▶ handshake ──┴─▶ session ──▶ io ──▶ your stream
//! ```
//!
//! - **wire**: [`frame::Header`], [`Mask`], [`Validator`] and [`Close`] are functions of slices. They know neither
//!   buffers nor each other.
//! - **[`http`]** reads and writes one HTTP/1.1 head at a time, line by line. It knows nothing of WebSocket.
//! - **[`handshake`]** checks such a head against RFC 6455 section 4.
//! - **[`Connection`]** is the protocol once it is open, [`Server`] or [`Client`] by its type. It takes bytes from one
//!   [`Buffer`] and puts bytes into another.
//! - **[`Session`]** is an endpoint's whole life on one stream: opening, messages, closing, lingering, and the deadlines
//!   of all of them. It never sees a stream, a clock or a random source.
//! - **[`io`]** has the loop around it ready-made: blocking, async, and for polled stacks such as smoltcp.
//! - [`Message`] puts whole messages together from chunks.
//! - [`Prepared`] is a message that a server encodes once and sends to many.
//! - [`http::Url`] takes an address apart, and [`Backoff`] says how long to wait before the next attempt.
//!
//! Most programs need [`io`]; a stack that none of its modules fits drives a [`Session`] itself, in five calls.
//! Handshake and connection can be driven by hand, where every byte of flash counts.
//!
//! # How large the buffers must be
//!
//! [`MIN_CAPACITY`], 139 bytes, is enough for an open connection, whatever the size of the messages: they come in
//! chunks and go out in fragments. During the opening handshake `rx` holds one header line that matters (longer ones
//! that are not needed are skipped), and `tx` one response or one line of a request. To get small messages in one piece
//! without a second buffer, see [`Config::whole_up_to`].
//!
//! # What the caller brings
//!
//! Bytes and time. A client also brings unpredictable random bytes: a nonce and the masking keys (RFC 6455 section
//! 10.3). TLS is the stream's. The caller sets the limits, in a [`Config`]; memory does not depend on them.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | brings |
//! |---|---|
//! | `embedded-io` | [`io`]: the blocking adapter, and polled streams that say when they are ready |
//! | `embedded-io-async` | [`io`]: the async adapter |
//! | `embedded-nal` | [`io`]: polled sockets of `embedded-nal` |
//! | `embedded-nal-async` | [`io`]: from an address to an open WebSocket, by the stack's TCP and DNS |
//! | `http` | requests with content, and several requests on one connection |
//! | `deflate` | compressed messages, permessage-deflate (RFC 7692), in memory that the caller lends |
//! | `defmt` | `defmt::Format` on the public types |
//! | `compact` | half the flash: the handshake's hash and base64 in a form made for it instead of by the crates for them, and no shorter way for short messages |
//! | `simd` | masking and UTF-8 checking by the widest registers of the processor, found out at run time; brings std, needs Rust 1.89 |
//!
//! Without `deflate` every extension is declined, as a handshake may.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
// No panic path: what the network sends must never stop a device.
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo,
    clippy::unimplemented,
    clippy::arithmetic_side_effects
)]
// Everything public that can grow is non_exhaustive.
#![deny(clippy::exhaustive_enums, clippy::exhaustive_structs)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

#[cfg(test)]
extern crate std;

mod backoff;
mod buffer;
mod compact;
mod config;
mod connection;
#[cfg(feature = "deflate")]
pub mod deflate;
mod error;
mod event;
pub mod handshake;
pub mod http;
pub mod io;
mod located;
mod message;
mod prepared;
mod session;
mod step;
mod wire;

pub use backoff::Backoff;
pub use buffer::{Buffer, MIN_CAPACITY};
pub use config::{Config, Fields, Timeouts};
pub use connection::role::{Client, Role, Server};
pub use connection::{Connection, State};
pub use error::SendError;
pub use event::{Chunk, Event};
pub use handshake::HandshakeError;
pub use message::{Message, Whole};
pub use prepared::Prepared;
pub use session::{Endpoint, Sent, Session, Upgraded};
pub use step::{End, Overdue, Step};
pub use wire::{Close, CloseCode, MAX_REASON_LEN, Mask, MessageKind, ProtocolError, Validator, frame};

// The code in there is compiled.
#[cfg(all(doctest, feature = "embedded-io"))]
#[doc = include_str!("../TLS.md")]
struct Tls;
