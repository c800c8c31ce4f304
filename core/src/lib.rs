//! WebSocket (RFC 6455) over fixed buffers: no std, no heap, no unsafe, no panic.
//!
//! ```text
//!  bytes in                                                            bytes out
//!     │                                                                    ▲
//!     ▼                                                                    │
//!  Buffer rx ──▶ handshake ──▶ Connection ──▶ Event ──▶ application ──▶ Buffer tx
//!                                  │                                       ▲
//!                                  └───── pong, close reply, failure ──────┘
//! ```
//!
//! - **Codec**: [`frame::Header`], [`Mask`] and [`Validator`] are functions of slices. They know
//!   neither buffers nor each other.
//! - **State**: [`handshake`] opens a connection, [`Connection`] is one: state of some dozen bytes,
//!   [`Server`] or [`Client`] by its type. It takes bytes from one [`Buffer`] and puts bytes into
//!   another, and never sees a stream, a clock or a random source.
//! - **Around it**: [`Message`] puts whole messages together, [`Keepalive`] says when to ping and
//!   when to give up.
#![cfg_attr(
    any(feature = "embedded-io", feature = "nb", feature = "embedded-io-async"),
    doc = "- **I/O**: [`io`] has the loop below ready-made, blocking, non-blocking and asynchronous."
)]
#![cfg_attr(
    not(any(feature = "embedded-io", feature = "nb", feature = "embedded-io-async")),
    doc = "- **I/O**: the features `embedded-io`, `nb` and `embedded-io-async` have the loop below ready-made."
)]
//!
//! # How to integrate it
//!
//! Whatever moves the bytes, a socket, a modem, a test, does these five things:
//!
//! 1. **Fill `rx`**: read into [`Buffer::spare`], [`Buffer::commit`] what came. First the
//!    [`handshake`] takes from it, line by line, then the [`Connection`].
//! 2. **Receive**: call [`Connection::receive`] until it answers [`Received::WantRead`] (step 1) or
//!    [`Received::WantWrite`] (step 4). Pings and close frames are answered by it.
//! 3. **Answer**: an [`Event`] borrows `rx` alone, so [`Connection::send`] and its kin can be called
//!    while it is held. Each writes a whole frame into `tx`, or nothing and [`SendError::BufferFull`]:
//!    step 4, then again.
//! 4. **Drain `tx`**: write [`Buffer::filled`], [`Buffer::consume`] what the transport took. Do it
//!    before waiting for more bytes. While `tx` is too full for a reply nothing is received: that is
//!    the back-pressure.
//! 5. **Watch the clock**: tell [`Keepalive`] what happened and ask it what is due.
//!
//! [`Event::Close`] or an error is the end: the close frame has left `tx` by then, and the transport
//! is closed, by the server first.
//!
//! ```
//! use microws::handshake::server::{Handshake, Item, refuse};
//! use microws::{Buffer, Event, Received};
//! # use std::io::{self, Read, Write};
//!
//! fn serve(stream: &mut (impl Read + Write)) -> Result<(), Box<dyn std::error::Error>> {
//!     // `tx` holds the echo of all that `rx` can hold: a header of 4 bytes more.
//!     let (mut rx, mut tx) = ([0; 512], [0; 516]);
//!     let (mut rx, mut tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
//!
//!     let mut handshake = Handshake::new(&["chat"]);
//!     loop {
//!         match handshake.receive(&mut rx) {
//!             Ok(None) => fill(&mut rx, stream)?,
//!             Ok(Some(Item::End)) => break,
//!             Ok(Some(_)) => {} // the request line, a field: look at it, or don't
//!             Err(error) => {
//!                 refuse(&mut tx, error)?;
//!                 drain(&mut tx, stream)?;
//!                 return Err(error.into());
//!             }
//!         }
//!     }
//!     let mut connection = handshake.upgrade()?.accept(&mut tx, &[])?.max_message_len(65_536);
//!     loop {
//!         match connection.receive(&mut rx, &mut tx)? {
//!             Received::Event(Event::Chunk(chunk)) => {
//!                 if tx.free() < chunk.payload.len() + 4 {
//!                     drain(&mut tx, stream)?;
//!                 }
//!                 connection.send_fragment(&mut tx, chunk.kind, chunk.payload, chunk.fin)?;
//!             }
//!             Received::Event(Event::Close(_)) | Received::Closed => return Ok(()),
//!             Received::Event(_) => {}
//!             Received::WantWrite => drain(&mut tx, stream)?,
//!             Received::WantRead => {
//!                 drain(&mut tx, stream)?;
//!                 fill(&mut rx, stream)?;
//!             }
//!         }
//!     }
//! }
//!
//! fn fill(rx: &mut Buffer<'_>, stream: &mut impl Read) -> io::Result<()> {
//!     match stream.read(rx.spare())? {
//!         0 => Err(io::ErrorKind::UnexpectedEof.into()),
//!         n => Ok(rx.commit(n)),
//!     }
//! }
//!
//! fn drain(tx: &mut Buffer<'_>, stream: &mut impl Write) -> io::Result<()> {
//!     stream.write_all(tx.filled())?;
//!     Ok(tx.consume(tx.len()))
//! }
//! # struct Wire(io::Cursor<Vec<u8>>, Vec<u8>);
//! # impl Read for Wire { fn read(&mut self, b: &mut [u8]) -> io::Result<usize> { self.0.read(b) } }
//! # impl Write for Wire {
//! #     fn write(&mut self, b: &[u8]) -> io::Result<usize> { self.1.write(b) }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # let mut input = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
//! # Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".to_vec();
//! # input.extend(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\0\0\0\0");
//! # let mut wire = Wire(io::Cursor::new(input), Vec::new());
//! # serve(&mut wire).unwrap();
//! # assert!(wire.1.ends_with(b"\r\n\r\n\x81\x05Hello\x88\x00"));
//! ```
//!
//! # How large the buffers must be
//!
//! [`MIN_CAPACITY`], 139 bytes, is enough for an open connection, whatever the size of the messages:
//! they come in chunks and go out in fragments. During the opening handshake `rx` holds one header
//! line that matters; longer ones that nobody needs are passed over. To get small messages in one
//! piece without a second buffer, see [`Connection::whole_up_to`].
//!
//! # What the caller brings
//!
//! Bytes and time. A client also brings unpredictable random bytes: a nonce and the masking keys
//! (RFC 6455 section 10.3). TLS is the transport's. Limits are the caller's to set: see
//! [`Connection::max_message_len`] and [`Connection::max_fragments`]; memory does not depend on them.
//!
//! # Features
//!
//! None is on by default.
//!
//! | feature | brings |
//! |---|---|
//! | `embedded-io` | the blocking adapter |
//! | `nb` | the non-blocking adapter, over `embedded-io`'s readiness traits and `embedded-nal` |
//! | `embedded-io-async` | the asynchronous adapter |
//! | `defmt` | `defmt::Format` on the public types |
//! | `compact` | half the flash: the handshake's hash and base64 in a form made for it instead of by the crates for them, and no shorter way for short messages |
//! | `simd` | masking and UTF-8 checking by the widest registers of the processor, found out at run time; brings std, needs Rust 1.89 |
//!
//! There are no extensions yet: permessage-deflate is declined, as a handshake may.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
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

/// Small or fast, the one choice between them: with the feature `compact` everything is done in one way, the
/// smallest; without it, short messages in one frame take a shorter way of their own.
const COMPACT: bool = cfg!(feature = "compact");

mod buffer;
mod connection;
mod error;
pub mod handshake;
mod http;
#[cfg(any(feature = "embedded-io", feature = "nb", feature = "embedded-io-async"))]
pub mod io;
mod keepalive;
mod message;
mod wire;

pub use buffer::{Buffer, MIN_CAPACITY};
pub use connection::event::{Chunk, Event, MessageKind, Received, Unbound};
pub use connection::role::{Client, Role, Server};
pub use connection::{Connection, State};
pub use error::{HandshakeError, KnownField, ProtocolError, SendError};
pub use keepalive::{Due, Keepalive, Timeouts};
pub use message::{Message, Whole};
pub use wire::{Close, CloseCode, MAX_REASON_LEN, Mask, Validator, frame};
