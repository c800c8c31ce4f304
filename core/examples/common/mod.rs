//! What the examples share: an address like `ws://host:port/path`, random bytes, a TCP stream and its end, a clock.
#![allow(dead_code, unreachable_pub, reason = "shared by several programs, none of which needs all of it")]

pub mod steps;
pub mod tcp;

use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use microws::http::Url;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where a client connects to.
#[derive(Debug, Clone)]
pub struct Address {
    /// For the TCP connection.
    pub host: String,
    pub port: u16,
    /// The `Host` field: the port only if it is not 80 (RFC 6455 section 4.1, item 4).
    pub authority: String,
    /// Path and query.
    pub target: String,
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(url: &str) -> std::result::Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
        if url.is_secure() {
            return Err("wss, WebSocket over TLS, is not supported here".into());
        }
        Ok(Self {
            host: url.host().to_owned(),
            port: url.port(),
            authority: url.authority().to_owned(),
            target: url.target().to_owned(),
        })
    }
}

impl Address {
    /// A TCP connection, in blocking mode.
    pub fn dial(&self) -> Result<TcpStream> {
        let peer = format!("{}:{}", self.host, self.port);
        let mut last = None;
        for address in
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|e| format!("{peer}: {e}"))?
        {
            match TcpStream::connect_timeout(&address, Duration::from_secs(10)) {
                Ok(stream) => {
                    // Frames are written as a whole: waiting for more of them gains nothing.
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or(format!("{peer}: no address"), |error| format!("{peer}: {error}")).into())
    }
}

/// Random bytes of the operating system, for keys that nobody can predict (RFC 6455 section 10.3).
pub fn random(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        eprintln!("no random bytes to be had: {error}");
        std::process::exit(1); // not with keys that can be guessed
    }
}

/// Ends our direction of the TCP connection; the peer's is still read.
pub fn half_close(stream: &impl AsFd) {
    // A peer that is gone already is found out by reading.
    let _ = socket2::SockRef::from(stream).shutdown(Shutdown::Write);
}

/// The time for deadlines, in milliseconds since the first call.
pub fn now() -> u32 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u32
}
