//! The configuration of a server.

use std::io::{self, ErrorKind};

use ipnet::IpNet;
use microws::Timeouts;
use microws::deflate::Params;

use crate::listen::Listen;
use crate::proxy::ClientAddress;
use crate::socketio::SocketIo;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// The longest greeting in bytes: a client that does not read it costs as much memory.
const MAX_GREETING: usize = 64 * 1024;

/// The longest timeout in milliseconds, 24 days: beyond it, before and after can't be distinguished on a clock of
/// 32 bits that wraps.
const MAX_TIMEOUT: u32 = u32::MAX / 2;

/// Whether messages may be compressed (permessage-deflate, RFC 7692).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Deflate {
    /// Clients that offer it are declined.
    Off,
    /// Each message by itself: an idle client takes no memory for it.
    #[default]
    On,
    /// Both sides may refer to messages before (section 7.1.1), as long as there is memory for it; other clients get
    /// [`On`](Self::On).
    Takeover,
}

/// The configuration of a server. [`Default`] is what `microws-echo` does without arguments.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where to listen. Empty for port 1740 of 127.0.0.1 and of \[::1\], the second only where there is IPv6.
    pub listen: Vec<Listen>,
    /// Whether \[::\] takes IPv6 only, not IPv4 as well.
    pub ipv6_only: bool,
    /// Permissions of the Unix sockets, as for chmod: to connect takes the right to write.
    pub unix_mode: u32,
    /// TLS, if clients may use it, or must.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Whether several processes may listen on the same addresses (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Subprotocols that are agreed to, if the client offers one of them.
    pub subprotocols: Vec<String>,
    /// Allowed values of `Origin`, upper and lower case being the same; empty allows all, and clients
    /// without one.
    pub origins: Vec<String>,
    /// Paths that can be upgraded; empty for all.
    pub paths: Vec<String>,
    /// A text message for each client that connects, at most 64 KiB.
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
    /// Deadlines of the handshakes and of the keepalive; that for writing is `write_timeout`.
    pub timeouts: Timeouts,
    /// How long a client may leave its replies unread, in milliseconds; 0 for ever.
    pub write_timeout: u32,
    /// Longest frame in bytes that is sent back as one frame however it comes; a longer one is sent back in fragments of
    /// at least 16 KiB, except the last.
    pub whole: u32,
    /// Bytes of replies that may wait for one client before it is read no further.
    pub backlog: usize,
    /// Bytes of replies and of incomplete frames, of all clients together. Beyond it no client with replies that wait is
    /// read further, and no frame is held. Each client may add the replies to one small read.
    pub backlog_total: usize,
    /// Whether clients may compress messages, and get compressed ones.
    pub deflate: Deflate,
    /// How much work it is to compress, 1 (least) to 9.
    pub deflate_level: u8,
    /// Bytes of the shortest reply that is compressed; of one in parts those of the first part count.
    pub deflate_threshold: usize,
    /// Bytes for contexts of clients, about 0.4 MB each, and for inflaters of clients in the middle of a message, 80 KiB
    /// each.
    pub deflate_memory: usize,
    /// Socket.IO beside plain WebSocket.
    pub socketio: SocketIo,
    /// Whether a client may ask for faults, in the query of its URL.
    pub faults: bool,
    /// Networks of proxies that are believed about the addresses of their clients.
    pub trusted_proxies: Vec<IpNet>,
    /// How those proxies report them.
    pub client_address: ClientAddress,
    /// Milliseconds between two status lines in the log; 0 for none.
    pub stats_interval: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            ipv6_only: false,
            unix_mode: 0o660,
            #[cfg(feature = "tls")]
            tls: None,
            reuse_port: false,
            subprotocols: vec!["echo-protocol".into()],
            origins: Vec::new(),
            paths: Vec::new(),
            greeting: None,
            max_message: u64::MAX,
            max_fragments: u32::MAX,
            max_head: 16 * 1024,
            max_fields: 100,
            max_connections: usize::MAX,
            timeouts: Timeouts::default(),
            write_timeout: 20_000,
            whole: 64 * 1024,
            backlog: 64 << 20,
            backlog_total: 256 << 20,
            deflate: Deflate::default(),
            deflate_level: 1,
            deflate_threshold: 64,
            deflate_memory: 64 << 20,
            socketio: SocketIo::default(),
            faults: true,
            trusted_proxies: Vec::new(),
            client_address: ClientAddress::default(),
            stats_interval: 0,
        }
    }
}

impl Config {
    /// Whether a server can run with it; [`Server::bind`](crate::Server::bind) asks.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput), with the value that can't be used and why.
    pub fn check(&self) -> io::Result<()> {
        let invalid = |what: String| Err(io::Error::new(ErrorKind::InvalidInput, what));
        if self.greeting.as_ref().is_some_and(|greeting| greeting.len() > MAX_GREETING) {
            return invalid(format!("the greeting is longer than {MAX_GREETING} bytes"));
        }
        if self.unix_mode > 0o777 {
            return invalid(format!("the permissions {:o} are none of a socket", self.unix_mode));
        }
        let separator = |c: char| !c.is_ascii_graphic() || "\"(),/:;<=>?@[\\]{}".contains(c);
        if let Some(name) = self.subprotocols.iter().find(|name| name.is_empty() || name.contains(separator))
        {
            return invalid(format!("{name:?} can't be a subprotocol's name"));
        }
        if let Some(path) = self.paths.iter().find(|path| !path.starts_with('/')) {
            return invalid(format!("the path {path:?} does not begin with a slash"));
        }
        if !(1..=9).contains(&self.deflate_level) {
            return invalid(format!("the compression level {} is none of 1 to 9", self.deflate_level));
        }
        if self.socketio.is_on()
            && let Err(text) = self.socketio.check()
        {
            return invalid(format!("Socket.IO: {text}"));
        }
        let Timeouts { handshake, ping_after, pong_within, close_within, .. } = self.timeouts;
        let timeouts = [handshake, ping_after, pong_within, close_within, self.write_timeout];
        if let Some(timeout) = timeouts.iter().find(|timeout| **timeout > MAX_TIMEOUT) {
            return invalid(format!("the timeout of {timeout} ms is longer than {MAX_TIMEOUT} ms"));
        }
        Ok(())
    }

    /// The schemes of the addresses that clients connect to.
    pub(crate) fn schemes(&self) -> &'static [&'static str] {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return if tls.only { &["wss"] } else { &["ws", "wss"] };
        }
        &["ws"]
    }

    /// Whether plain requests are refused.
    pub(crate) fn is_tls_only(&self) -> bool {
        self.schemes() == ["wss"]
    }

    /// The part that sessions keep to.
    pub(crate) fn session<'c>(&self, subprotocols: &'c [&'c str]) -> microws::Config<'c> {
        // A client need not hold a window that the server does not use.
        let params = Params::new().tell_no_context(true);
        let config = match self.deflate {
            Deflate::Off => microws::Config::new(),
            Deflate::On => microws::Config::new().deflate(params),
            Deflate::Takeover => {
                microws::Config::new().deflate(params.keep_own_context(true).keep_peers_context(true))
            }
        };
        config
            .subprotocols(subprotocols)
            .max_head(self.max_head, self.max_fields)
            .max_message_len(self.max_message)
            .max_body_len(self.socketio.max_content())
            .max_fragments(self.max_fragments)
            .timeouts(self.timeouts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let said = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.check().map_err(|error| error.to_string())
        };
        assert_eq!(said(|_| {}), Ok(()));
        for (change, word) in [
            ((|config| config.greeting = Some("g".repeat(64 * 1024 + 1))) as fn(&mut Config), "greeting"),
            (|config| config.unix_mode = 0o1777, "1777"),
            (|config| config.subprotocols.push("two words".into()), "two words"),
            (|config| config.subprotocols.push(String::new()), "subprotocol"),
            (|config| config.paths.push("echo".into()), "slash"),
            (|config| config.timeouts.ping_after = 1 << 31, "timeout"),
            (|config| config.write_timeout = 1 << 31, "timeout"),
            (|config| config.deflate_level = 0, "level"),
            (|config| config.deflate_level = 10, "level"),
        ] {
            assert!(said(change).is_err_and(|text| text.contains(word)), "{word}");
        }
    }
}
