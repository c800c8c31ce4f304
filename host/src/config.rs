//! What the server is told at the start.

use std::net::SocketAddr;

use microws::Timeouts;
use microws::handshake::{DEFAULT_MAX_FIELDS, DEFAULT_MAX_HEAD_LEN};

/// What the server is told at the start. [`Default`] is what `microws-echo` does without arguments.
#[derive(Debug, Clone)]
pub struct Config {
    /// Addresses to listen on; port 0 takes a free one.
    pub listen: Vec<SocketAddr>,
    /// Whether several processes may listen on the same addresses (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Subprotocols that are agreed to, if the client offers one of them.
    pub subprotocols: Vec<String>,
    /// Values of `Origin` that are let in, case aside; empty lets in all, and clients without one.
    pub origins: Vec<String>,
    /// Paths that can be upgraded; empty for all.
    pub paths: Vec<String>,
    /// A text message for each client that connects.
    pub greeting: Option<String>,
    /// Longest message in bytes; a longer one ends in 1009.
    pub max_message: u64,
    /// Most fragments of a message; more end in 1008.
    pub max_fragments: u32,
    /// Longest request head in bytes; a longer one ends in 431.
    pub max_head: u32,
    /// Most header fields of a request; more end in 431.
    pub max_fields: u16,
    /// Most clients at once; further ones get 503.
    pub max_connections: usize,
    /// Deadlines of the handshakes and of the keepalive.
    pub timeouts: Timeouts,
    /// How long a client may leave its replies unread, in milliseconds; 0 for ever.
    pub write_timeout: u32,
    /// Milliseconds between two status lines in the log; 0 for none.
    pub stats_interval: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 1740))],
            reuse_port: false,
            subprotocols: vec!["echo-protocol".into()],
            origins: Vec::new(),
            paths: Vec::new(),
            greeting: None,
            max_message: u64::MAX,
            max_fragments: u32::MAX,
            max_head: DEFAULT_MAX_HEAD_LEN,
            max_fields: DEFAULT_MAX_FIELDS,
            max_connections: usize::MAX,
            timeouts: Timeouts::default(),
            write_timeout: 20_000,
            stats_interval: 0,
        }
    }
}
