//! [`SocketIo`]: the configuration of Socket.IO.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use microws_socketio::json;
use microws_socketio::server::ServerConfig;

use super::application::MAX_ATTACHMENTS;

/// The largest payload that can be allowed, in bytes.
const MAX_PAYLOAD: u32 = 64 << 20;

/// Which transports Socket.IO is served over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Transports {
    /// None: the path is one as others. [Engine.IO](crate::engineio) alone is served over all then.
    Off,
    /// WebSocket and HTTP polling, with the upgrade from polling.
    #[default]
    All,
    /// WebSocket alone.
    WebSocket,
}

/// How Socket.IO is served, under the path `/socket.io/`. [`Default`] is what `microws-echo` does without arguments.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SocketIo {
    /// Over which transports.
    pub transports: Transports,
    /// The echo's: the argument of the event `news` that each client gets when it has joined, a JSON text; `None` for no
    /// such event.
    pub news: Option<String>,
    /// The client script in JavaScript, served as `/socket.io/socket.io.js`.
    pub client: Option<PathBuf>,
    /// The namespaces that clients may join, at most 32, each with its slash.
    pub namespaces: Vec<String>,
    /// Milliseconds between two pings, at least 1.
    pub ping_interval: u32,
    /// Milliseconds for the answer to a ping, at least 1.
    pub ping_timeout: u32,
    /// Milliseconds to join the first namespace; 0 for ever.
    pub connect_timeout: u32,
    /// Milliseconds for the upgrade from polling to a WebSocket; 0 for ever.
    pub upgrade_timeout: u32,
    /// Bytes of the largest message, and of the largest content of a POST, which clients learn when they connect. At most 64 MiB.
    pub max_payload: u32,
    /// Most sessions at once; further clients get 503.
    pub max_sessions: usize,
    /// Most acknowledgements that each client may owe at a time.
    pub awaited_acks: usize,
}

impl Default for SocketIo {
    fn default() -> Self {
        Self {
            transports: Transports::default(),
            news: Some(r#"{"hello":"world"}"#.to_owned()),
            client: None,
            namespaces: vec!["/".to_owned()],
            ping_interval: 25_000,
            ping_timeout: 20_000,
            connect_timeout: 45_000,
            upgrade_timeout: 10_000,
            max_payload: 1_000_000,
            max_sessions: usize::MAX,
            awaited_acks: 0,
        }
    }
}

impl SocketIo {
    pub(crate) fn is_on(&self) -> bool {
        self.transports != Transports::Off
    }

    pub(crate) fn polls(&self) -> bool {
        self.transports != Transports::WebSocket
    }

    /// The most content that a request may have, in bytes; 0 if it may have none.
    pub(crate) fn max_content(&self) -> u64 {
        if self.transports == Transports::All { self.max_payload.into() } else { 0 }
    }

    /// Bytes that may wait for one client, and bytes of one event with its attachments.
    pub(super) const fn largest(&self) -> usize {
        // An event of one attachment may be as long as a payload, and its echo is longer by a few bytes.
        2 * self.max_payload as usize + 4096
    }

    /// Whether a server can run with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(news) = &self.news
            && !json::is_value(news.as_bytes())
        {
            return Err(format!("the news {news:?} is no JSON text"));
        }
        if self.namespaces.is_empty() || self.namespaces.len() > ServerConfig::MAX_NAMESPACES {
            return Err(format!("there must be 1 to {} namespaces", ServerConfig::MAX_NAMESPACES));
        }
        let is_bad = |name: &&String| {
            !name.starts_with('/') || name.contains(|c: char| c == ',' || c == '?' || c.is_control())
        };
        if let Some(name) = self.namespaces.iter().find(is_bad) {
            return Err(format!("{name:?} can't be a namespace: it begins with a slash and has no comma"));
        }
        if self.ping_interval == 0 || self.ping_timeout == 0 {
            return Err("the heartbeat needs an interval and a timeout of at least 1 ms".to_owned());
        }
        let timeouts = [self.ping_interval, self.ping_timeout, self.connect_timeout, self.upgrade_timeout];
        if let Some(timeout) = timeouts.iter().find(|timeout| **timeout > i32::MAX as u32 / 2) {
            return Err(format!("the timeout of {timeout} ms is too long"));
        }
        if !(1..=MAX_PAYLOAD).contains(&self.max_payload) {
            return Err(format!("the largest payload must have 1 to {MAX_PAYLOAD} bytes"));
        }
        Ok(())
    }

    /// The part that sessions keep to.
    pub(crate) const fn session<'c>(&self, namespaces: &'c [&'c str]) -> ServerConfig<'c> {
        self.engine(ServerConfig::new().namespaces(namespaces).connect_within(self.connect_timeout))
    }

    /// The part that those of Engine.IO alone keep to.
    pub(crate) const fn bare_session(&self) -> ServerConfig<'static> {
        self.engine(ServerConfig::bare())
    }

    const fn engine<'c>(&self, config: ServerConfig<'c>) -> ServerConfig<'c> {
        config
            .heartbeat(self.ping_interval, self.ping_timeout)
            .upgrade_within(self.upgrade_timeout)
            .max_payload(self.max_payload)
            .max_attachments(MAX_ATTACHMENTS as u8)
            .upgrades(true)
    }

    /// The client script.
    pub(crate) fn read_client(&self) -> io::Result<Option<Vec<u8>>> {
        let Some(path) = &self.client else { return Ok(None) };
        let named = |error: io::Error| {
            let text = format!("cannot read the client script {}: {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        let script = std::fs::read(path).map_err(named)?;
        if script.is_empty() {
            return Err(io::Error::new(ErrorKind::InvalidInput, format!("{} is empty", path.display())));
        }
        Ok(Some(script))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        assert_eq!(SocketIo::default().check(), Ok(()));
        for (change, word) in [
            ((|config| config.news = Some("{hello}".into())) as fn(&mut SocketIo), "news"),
            (|config| config.news = Some(String::new()), "news"),
            (|config| config.namespaces.clear(), "namespaces"),
            (|config| config.namespaces = vec!["/x".into(); 33], "namespaces"),
            (|config| config.namespaces.push("admin".into()), "admin"),
            (|config| config.namespaces.push("/a,b".into()), "comma"),
            (|config| config.ping_interval = 0, "heartbeat"),
            (|config| config.ping_timeout = 0, "heartbeat"),
            (|config| config.connect_timeout = 1 << 31, "timeout"),
            (|config| config.max_payload = 0, "payload"),
            (|config| config.max_payload = u32::MAX, "payload"),
        ] {
            let mut config = SocketIo::default();
            change(&mut config);
            assert!(config.check().is_err_and(|text| text.contains(word)), "{word}");
        }
    }
}
