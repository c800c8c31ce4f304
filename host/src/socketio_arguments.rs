//! The arguments about Socket.IO.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use microws_host::socketio::{SocketIo, Transports};

use crate::arguments::seconds;

#[derive(Debug, Args)]
pub(crate) struct SocketIoArguments {
    /// Whether Socket.IO is served under /socket.io/
    #[arg(long, value_name = "HOW", value_enum, default_value_t = How::On, env = "MICROWS_SOCKETIO")]
    socketio: How,

    /// Argument of the event `news` that each client of Socket.IO is sent, a JSON text; `off` for no such event
    #[arg(
        long,
        value_name = "JSON",
        default_value_t = SocketIo::default().news.unwrap_or_default(),
        env = "MICROWS_SOCKETIO_NEWS"
    )]
    socketio_news: String,

    /// Client script, npm's socket.io.min.js, to serve as /socket.io/socket.io.js
    #[arg(long, value_name = "FILE", env = "MICROWS_SOCKETIO_CLIENT")]
    socketio_client: Option<PathBuf>,

    /// Namespace that clients of Socket.IO may join; several are allowed
    #[arg(
        long,
        value_name = "NAME",
        default_value = "/",
        value_delimiter = ' ',
        env = "MICROWS_SOCKETIO_NAMESPACE"
    )]
    socketio_namespace: Vec<String>,

    /// Seconds between two pings of Socket.IO
    #[arg(long, value_name = "SECONDS", default_value = "25", value_parser = seconds, env = "MICROWS_SOCKETIO_PING_INTERVAL")]
    socketio_ping_interval: u32,

    /// Seconds for the answer to a ping of Socket.IO
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds, env = "MICROWS_SOCKETIO_PING_TIMEOUT")]
    socketio_ping_timeout: u32,

    /// Seconds to join a namespace; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "45", value_parser = seconds, env = "MICROWS_SOCKETIO_CONNECT_TIMEOUT")]
    socketio_connect_timeout: u32,

    /// Seconds for the upgrade from polling to a WebSocket; 0 for ever
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, env = "MICROWS_SOCKETIO_UPGRADE_TIMEOUT")]
    socketio_upgrade_timeout: u32,

    /// Largest message of Socket.IO, and largest content of a POST
    #[arg(long, value_name = "BYTES", default_value_t = SocketIo::default().max_payload, env = "MICROWS_SOCKETIO_MAX_PAYLOAD")]
    socketio_max_payload: u32,

    /// Most sessions of Socket.IO at once, further ones get 503 [default: no limit]
    #[arg(long, value_name = "N", env = "MICROWS_SOCKETIO_MAX_SESSIONS")]
    socketio_max_sessions: Option<usize>,
}

impl SocketIoArguments {
    pub(crate) fn config(&self) -> SocketIo {
        let mut config = SocketIo::default();
        config.transports = match self.socketio {
            How::Off => Transports::Off,
            How::On => Transports::All,
            How::WebsocketOnly => Transports::WebSocket,
        };
        config.news = (self.socketio_news != "off").then(|| self.socketio_news.clone());
        config.client.clone_from(&self.socketio_client);
        config.namespaces.clone_from(&self.socketio_namespace);
        config.ping_interval = self.socketio_ping_interval;
        config.ping_timeout = self.socketio_ping_timeout;
        config.connect_timeout = self.socketio_connect_timeout;
        config.upgrade_timeout = self.socketio_upgrade_timeout;
        config.max_payload = self.socketio_max_payload;
        config.max_sessions = self.socketio_max_sessions.unwrap_or(config.max_sessions);
        config
    }
}

/// Whether Socket.IO is served.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// Over WebSocket and HTTP polling
    On,
    /// Not at all
    Off,
    /// Over WebSocket alone
    WebsocketOnly,
}
