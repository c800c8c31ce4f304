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

mod buffer;
mod close;
mod connection;
mod error;
mod event;
pub mod frame;
pub mod handshake;
#[cfg(any(feature = "embedded-io", feature = "nb", feature = "embedded-io-async"))]
pub mod io;
mod keepalive;
mod mask;
mod message;
mod role;
mod send;
mod utf8;

pub use buffer::{Buffer, MIN_CAPACITY};
pub use close::{Close, CloseCode, MAX_REASON_LEN};
pub use connection::{Connection, State};
pub use error::{HandshakeError, KnownField, ProtocolError, SendError};
pub use event::{Chunk, Event, MessageKind, Received, Unbound};
pub use keepalive::{Due, Keepalive, Timeouts};
pub use mask::Mask;
pub use message::{Message, Whole};
pub use role::{Client, Role, Server};
pub use utf8::Validator;
