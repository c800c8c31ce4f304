//! A dashboard: a page, and a WebSocket on the same port that shows it a live reading.

use core::fmt::Write;

use heapless::String;
use microws::http::RequestLine;
use microws::{Config, Fields, Timeouts};

/// What a session has in each direction: a page of any length goes through it.
pub const BUFFER_LEN: usize = 256;
/// What TCP has.
pub const TCP_BUFFER_LEN: usize = 1024;

/// Milliseconds from one reading to the next.
pub const INTERVAL: u32 = 500;

pub static CONFIG: Config<'_> = Config::new().timeouts(TIMEOUTS);
/// A browser keeps its connections for further pages: here others may need the place after five seconds.
const TIMEOUTS: Timeouts = {
    let mut timeouts = Timeouts::new();
    timeouts.handshake = 5_000;
    timeouts
};

/// The page, compressed when this crate is built: every browser takes it so, and nothing here can compress or inflate.
pub static PAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dashboard.html.gz"));
pub static HTML: &Fields<'_> = &[
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Encoding", "gzip"),
    ("Cache-Control", "no-cache"),
];
pub static TEXT: &Fields<'_> = &[("Content-Type", "text/plain")];
pub static NOT_FOUND: &str = "only / and /live are here\n";

/// What the last request asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Page,
    /// The WebSocket. The session accepts it, or says why not: 426 without an upgrade, 405 to another method.
    Live,
    /// A path that is not here.
    Nothing,
}

impl Asked {
    /// Paths are compared as they come: one that is percent-encoded without need is another.
    pub fn of(line: &RequestLine<'_>) -> Self {
        match (line.method(), line.path()) {
            ("GET" | "HEAD", "/") => Self::Page,
            ("GET" | "HEAD", path) if path != "/live" => Self::Nothing,
            _ => Self::Live,
        }
    }
}

/// The message to all viewers. There is no sensor on the board: a temperature is made of the time, in milliseconds.
pub fn reading(uptime: u32) -> String<48> {
    let tenths = 215 + swing(uptime / 100, 600, 30) + swing(uptime / 100, 70, 8);
    let mut reading = String::new();
    // 46 characters with the longest numbers.
    _ = write!(reading, r#"{{"celsius":{}.{},"uptime":{}}}"#, tenths / 10, tenths % 10, uptime);
    reading
}

/// Goes up to `height` and down again, once in each `period`.
fn swing(time: u32, period: u32, height: u32) -> u32 {
    let at = time % period;
    at.min(period - at) * 2 * height / period
}
