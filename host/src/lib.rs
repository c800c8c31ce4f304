//! A WebSocket echo server on one thread: an event loop on mio around [`microws`].
//!
//! ```text
//!  Handle ── stop, status ──▶ reactor ── events, deadlines ──▶ peer ──▶ transport  bytes
//!                                                               ├─────▶ session    protocol
//!                                                               ├─────▶ service    replies
//!                                                               └─────▶ report     log and counters
//! ```
//!
//! [`Server`] owns the sockets, two buffers that serve all clients, one client at a time, an engine for compressed
//! messages, and a timer wheel.
//! An idle client owns its state. A client in the middle of a frame, a head or a compressed message, and one that does not
//! read its replies, is lent memory, whose total is bounded.
// Everything public that can grow is non_exhaustive.
#![warn(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod config;
mod context;
mod date;
mod deflate;
pub mod engineio;
mod histogram;
mod inflow;
mod link;
mod listen;
mod partial;
mod peer;
mod proxy;
mod reactor;
mod report;
mod service;
mod session;
pub mod socketio;
mod stats;
#[cfg(feature = "tls")]
mod tls;
mod transport;

pub use config::{Config, Deflate};
pub use histogram::Histogram;
pub use ipnet::IpNet;
pub use listen::Listen;
pub use proxy::ClientAddress;
pub use reactor::{Handle, Server};
pub use stats::{Compressed, SocketIoStats, Stats};
#[cfg(feature = "tls")]
pub use tls::{Certificate, Tls};
