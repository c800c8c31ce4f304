//! What the examples share: arguments, random bytes, a clock, the end of a TCP stream.
#![allow(dead_code, unreachable_pub, reason = "shared by several programs, none of which needs all of it")]

use std::borrow::Cow;
use std::net::{Shutdown, TcpStream};
use std::sync::OnceLock;
use std::time::Instant;

use microws_socketio::Event;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// HOST:PORT [NAMESPACE [AUTH]]
pub fn arguments() -> Result<(String, String, String)> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().ok_or("usage: HOST:PORT [NAMESPACE [AUTH]]")?;
    let namespace = arguments.next().unwrap_or_else(|| "/".into());
    Ok((server, namespace, arguments.next().unwrap_or_default()))
}

/// Random bytes of the operating system, for keys that nobody can predict (RFC 6455 section 10.3).
pub fn random(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        eprintln!("no random bytes to be had: {error}");
        std::process::exit(1); // not with keys that can be guessed
    }
}

/// The time for deadlines, in milliseconds since the first call.
pub fn now() -> u32 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_millis() as u32
}

/// Ends our direction of the TCP connection; the peer's is still read.
pub fn half_close(stream: &TcpStream) {
    // A peer that is gone already is found out by reading.
    let _ = stream.shutdown(Shutdown::Write);
}

/// Names and JSON come as bytes.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// What is only shown.
pub fn note(event: &Event<'_>) {
    match event {
        Event::Refused { error } => println!("refused: {}", text(error)),
        Event::Ack { args, attachments, .. } => {
            println!("acknowledged: {} and {} attachment(s)", text(args), attachments.count());
        }
        event => println!("{event:?}"),
    }
}
