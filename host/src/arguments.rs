//! The arguments of `microws-echo`.

use std::net::{IpAddr, ToSocketAddrs};

use clap::{ArgAction, Parser, ValueEnum};
use ipnet::IpNet;
use microws_host::{ClientAddress, Config, Deflate, Listen};

use crate::logging::LogFormat;
use crate::socketio_arguments::SocketIoArguments;
#[cfg(feature = "tls")]
use crate::tls_arguments::TlsArguments;

/// A WebSocket (RFC 6455) echo server on one thread.
///
/// Sends every message back, text as text and binary as binary. A page to try it with is at
/// http://HOST:PORT/. Each argument can be given by a variable of the environment, several values with blanks between
/// them. SIGTERM and SIGINT stop it with a close frame to every client, SIGUSR1 logs its
/// status.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Address or host name to listen on, or a Unix socket as unix:PATH; several are allowed, port 0 takes a free one.
    /// Sockets that the parent process opened (LISTEN_FDS) are added. Without any: port 1740 of 127.0.0.1 and ::1
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ' ', value_parser = places, env = "MICROWS_LISTEN")]
    listen: Vec<Places>,

    /// Permissions of the Unix sockets, octal
    #[arg(long, value_name = "MODE", default_value = "660", value_parser = mode, env = "MICROWS_UNIX_MODE")]
    unix_mode: u32,

    #[cfg(feature = "tls")]
    #[command(flatten)]
    tls: TlsArguments,

    /// Let an IPv6 address that stands for all, as `[::]` does, take IPv6 only, not IPv4 as well
    #[arg(long, env = "MICROWS_IPV6_ONLY")]
    ipv6_only: bool,

    /// Let several processes listen on the same port, one per core
    #[arg(long, env = "MICROWS_REUSE_PORT")]
    reuse_port: bool,

    /// Subprotocol to agree to; several are allowed
    #[arg(
        long,
        value_name = "NAME",
        default_value = "echo-protocol",
        value_delimiter = ' ',
        env = "MICROWS_SUBPROTOCOL"
    )]
    subprotocol: Vec<String>,

    /// Allowed origin, others get 403; several are allowed [default: all]
    #[arg(long, value_name = "ORIGIN", value_delimiter = ' ', env = "MICROWS_ORIGIN")]
    origin: Vec<String>,

    /// Path to serve, others get 404; several are allowed [default: all]
    #[arg(long, value_name = "PATH", value_parser = path, value_delimiter = ' ', env = "MICROWS_PATH")]
    path: Vec<String>,

    /// Text message to send to each client that connects
    #[arg(long, value_name = "TEXT", env = "MICROWS_GREETING")]
    greeting: Option<String>,

    /// Longest message, longer ones get 1009 [default: no limit, memory does not depend on it]
    #[arg(long, value_name = "BYTES", env = "MICROWS_MAX_MESSAGE")]
    max_message: Option<u64>,

    /// Most fragments of a message, more get 1008 [default: no limit, memory does not depend on it]
    #[arg(long, value_name = "N", env = "MICROWS_MAX_FRAGMENTS")]
    max_fragments: Option<u32>,

    /// Longest request head, longer ones get 431
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().max_head, env = "MICROWS_MAX_HEAD")]
    max_head: u32,

    /// Most header fields of a request, more get 431
    #[arg(long, value_name = "N", default_value_t = Config::default().max_fields, env = "MICROWS_MAX_FIELDS")]
    max_fields: u16,

    /// Most clients at once, further ones get 503 [default: no limit but the system's]
    #[arg(long, value_name = "N", env = "MICROWS_MAX_CONNECTIONS")]
    max_connections: Option<usize>,

    /// Seconds for the opening handshake; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, env = "MICROWS_HANDSHAKE_TIMEOUT")]
    handshake_timeout: u32,

    /// Seconds of silence before a ping; 0 for never
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds, env = "MICROWS_PING_INTERVAL")]
    ping_interval: u32,

    /// Seconds for a sign of life after a ping; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds, env = "MICROWS_PING_TIMEOUT")]
    ping_timeout: u32,

    /// Seconds for the closing handshake; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds, env = "MICROWS_CLOSE_TIMEOUT")]
    close_timeout: u32,

    /// Seconds that a client may leave its replies unread; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds, env = "MICROWS_WRITE_TIMEOUT")]
    write_timeout: u32,

    /// Longest frame that comes back as one frame; longer ones come back in fragments of 16 KiB or more
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().whole, env = "MICROWS_WHOLE")]
    whole: u32,

    /// Replies that a client may leave unread before it is read no further
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().backlog, env = "MICROWS_BACKLOG")]
    backlog: usize,

    /// Memory for unread replies and unfinished frames of all clients
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().backlog_total, env = "MICROWS_BACKLOG_TOTAL")]
    backlog_total: usize,

    /// Whether messages may be compressed (permessage-deflate, RFC 7692)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Compression::On, env = "MICROWS_DEFLATE")]
    deflate: Compression,

    /// How much work it is to compress replies, 1 (least) to 9
    #[arg(
        long,
        value_name = "LEVEL",
        value_parser = clap::value_parser!(u8).range(1..=9),
        default_value_t = Config::default().deflate_level,
        env = "MICROWS_DEFLATE_LEVEL"
    )]
    deflate_level: u8,

    /// Shortest reply that is compressed
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().deflate_threshold, env = "MICROWS_DEFLATE_THRESHOLD")]
    deflate_threshold: usize,

    /// Memory for context takeover, about 0.4 MB a client, beyond which clients get none, and for incomplete
    /// compressed messages, 80 KiB each, beyond which a client gets 1013
    #[arg(long, value_name = "BYTES", default_value_t = Config::default().deflate_memory, env = "MICROWS_DEFLATE_MEMORY")]
    deflate_memory: usize,

    #[command(flatten)]
    socketio: SocketIoArguments,

    /// Do nothing wrong on demand: by default a client gets the faults that the query of its URL asks for, as
    /// ?close=4000&after=3. They are after=N, fragments=N, delay=MS, pace=MS, ping=MS, close=CODE, reason=TEXT, reset,
    /// silence, close-unanswered, refuse=STATUS, interim, wrong-accept, subprotocol=NAME and illegal=NAME; an unknown
    /// name gets the list of them; the README and the page explain them
    #[arg(long, env = "MICROWS_NO_FAULTS")]
    no_faults: bool,

    /// Proxy that is believed about the addresses of its clients, as 10.0.0.7, or a network of such, as 10.0.0.0/8;
    /// several are allowed [default: none]
    #[arg(long, value_name = "ADDRESS[/PREFIX]", value_parser = network, value_delimiter = ' ', env = "MICROWS_TRUST_PROXY")]
    trust_proxy: Vec<IpNet>,

    /// How trusted proxies report the address of a client, which then stands in the log
    #[arg(
        long,
        value_name = "HOW",
        value_enum,
        default_value_t = AddressFrom::XForwardedFor,
        requires = "trust_proxy",
        env = "MICROWS_CLIENT_ADDRESS"
    )]
    client_address: AddressFrom,

    /// Seconds between two status lines in the log; 0 for none
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds, env = "MICROWS_STATS")]
    stats: u32,

    /// Log more: each message, then each ping and pong
    #[arg(short, long, action = ArgAction::Count, env = "MICROWS_VERBOSE")]
    pub(crate) verbose: u8,

    /// Log less: warnings and errors only, then errors only
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "verbose", env = "MICROWS_QUIET")]
    pub(crate) quiet: u8,

    /// Form of the log lines, which go to standard error
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "MICROWS_LOG_FORMAT")]
    pub(crate) log_format: LogFormat,
}

impl Arguments {
    /// The server's part of them.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        config.listen = self.listen.iter().flatten().cloned().collect();
        config.ipv6_only = self.ipv6_only;
        config.unix_mode = self.unix_mode;
        #[cfg(feature = "tls")]
        {
            config.tls = self.tls.config();
        }
        config.reuse_port = self.reuse_port;
        config.subprotocols.clone_from(&self.subprotocol);
        config.origins.clone_from(&self.origin);
        config.paths.clone_from(&self.path);
        config.greeting.clone_from(&self.greeting);
        config.max_message = self.max_message.unwrap_or(config.max_message);
        config.max_fragments = self.max_fragments.unwrap_or(config.max_fragments);
        config.max_head = self.max_head;
        config.max_fields = self.max_fields;
        config.max_connections = self.max_connections.unwrap_or(config.max_connections);
        config.timeouts.handshake = self.handshake_timeout;
        config.timeouts.ping_after = self.ping_interval;
        config.timeouts.pong_within = self.ping_timeout;
        config.timeouts.close_within = self.close_timeout;
        config.write_timeout = self.write_timeout;
        config.whole = self.whole;
        config.backlog = self.backlog;
        config.backlog_total = self.backlog_total;
        config.deflate = self.deflate.into();
        config.deflate_level = self.deflate_level;
        config.deflate_threshold = self.deflate_threshold;
        config.deflate_memory = self.deflate_memory;
        config.socketio = self.socketio.config();
        config.faults = !self.no_faults;
        config.trusted_proxies.clone_from(&self.trust_proxy);
        config.client_address = self.client_address.into();
        config.stats_interval = self.stats;
        config
    }
}

/// What one value of `--listen` stands for: a host may have several addresses.
type Places = Vec<Listen>;

fn places(text: &str) -> Result<Places, String> {
    match text.strip_prefix("unix:") {
        Some("") => Err("a Unix socket needs a name".to_owned()),
        Some(path) => Ok(vec![Listen::Unix(path.into())]),
        None => match text.to_socket_addrs() {
            Ok(addresses) => Ok(addresses.map(Listen::Tcp).collect()),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// Permissions, as chmod takes them.
fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("not three octal digits".to_owned()),
    }
}

/// Whether messages may be compressed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compression {
    /// Every message is sent as it is
    Off,
    /// Each message by itself, which takes no memory for an idle client
    On,
    /// With reference to messages before, as long as there is memory for it
    Takeover,
}

impl From<Compression> for Deflate {
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Off => Self::Off,
            Compression::On => Self::On,
            Compression::Takeover => Self::Takeover,
        }
    }
}

/// How trusted proxies report the address of a client.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum AddressFrom {
    /// In the header field of that name, the last address that is not trusted itself
    XForwardedFor,
    /// In the header field of RFC 7239, the last address that is not trusted itself
    Forwarded,
    /// In a PROXY protocol header, version 1 or 2, which each of their connections must begin with
    ProxyProtocol,
}

impl From<AddressFrom> for ClientAddress {
    fn from(from: AddressFrom) -> Self {
        match from {
            AddressFrom::XForwardedFor => Self::XForwardedFor,
            AddressFrom::Forwarded => Self::Forwarded,
            AddressFrom::ProxyProtocol => Self::ProxyProtocol,
        }
    }
}

/// An address stands for the network of itself alone.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpAddr>()
        .map(IpNet::from)
        .or_else(|_| text.parse())
        .map_err(|_| "neither an address nor a network".to_owned())
}

/// Seconds, with fractions, as milliseconds.
pub(crate) fn seconds(text: &str) -> Result<u32, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let milliseconds = (seconds * 1000.0).round();
    // The library's limit: beyond 2^31 ms on a clock that wraps, before and after can't be distinguished.
    if !(0.0..2_147_483_648.0).contains(&milliseconds) {
        return Err("must be between 0 and 2147483 seconds".to_owned());
    }
    Ok(milliseconds as u32)
}

fn path(text: &str) -> Result<String, String> {
    if text.starts_with('/') { Ok(text.to_owned()) } else { Err("a path begins with a slash".to_owned()) }
}
