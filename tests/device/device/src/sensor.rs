//! A sensor: what it asks its server for, and what it says.

use core::fmt::Write;

use heapless::String;
use microws::{Chunk, Config, MessageKind};

/// Milliseconds from one reading to the next.
pub const INTERVAL: u32 = 100;
/// The first message.
pub const SUBSCRIBE: &str = "subscribe commands";

/// The request to `host`.
pub const fn request(host: &str) -> Config<'_> {
    Config::new().request(host, "/sensors/1").subprotocols(&["readings"])
}

/// The reading of that number, measured at `uptime` milliseconds.
pub fn reading(number: u32, uptime: u32) -> String<32> {
    let mut reading = String::new();
    // A number of 32 bits has at most ten digits.
    _ = write!(reading, "reading {number} {uptime}");
    reading
}

/// Whether the server says that it wants no more.
pub fn is_stop(chunk: &Chunk<'_>) -> bool {
    chunk.kind == MessageKind::Text && chunk.payload == b"stop"
}
