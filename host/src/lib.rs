//! A WebSocket echo server on one thread: an event loop on mio around [`microws`].
//!
//! ```text
//!  listeners ──▶ Server ──── readiness, deadlines ────▶ Peer ──▶ one recv into the shared rx
//!                  ▲                                     │             │
//!   Handle ── stop, status                               │     handshake / Connection
//!                                                        │             │
//!                            what the kernel did not take◀── one send of the shared tx
//! ```
//!
//! [`Server`] owns the sockets, two buffers that serve all clients in turn, and the timer wheel.
//! A peer that is idle owns its state and at most 139 bytes of a frame that is not whole yet.

mod clock;
mod config;
mod ending;
mod http;
mod listen;
mod peer;
mod server;
mod shared;
mod stats;
mod wheel;

pub use config::Config;
pub use server::{Handle, Server};
pub use stats::Stats;
