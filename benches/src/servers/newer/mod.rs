//! Peers in a program of their own: wtx needs a newer Rust than the others, and sockudo-ws turns on more of tokio.

pub(super) mod sockudo_ws;
pub(super) mod wtx;
pub(super) mod yawc;

use super::{Outcome, Peer, Stream};
