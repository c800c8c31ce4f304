//! The arguments of `microws-cat`.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Parser;
use microws::MessageKind;

use crate::address::Address;
use crate::close::CloseFrame;
use crate::request::{Field, field};
use crate::verdict::STATUSES;

/// A WebSocket (RFC 6455) client: sends lines, files or pings, prints the messages that come.
///
/// Each line of standard input is sent as a text message, without its line end. At the end of the input a close frame
/// is sent, and messages are received until the server answers it. Ctrl-C sends a close frame as well; a second one
/// ends the program at once.
///
/// Messages go to standard output, all else to standard error. On a terminal a message begins with `<`, binary messages
/// are shown in hex, at most 1024 bytes of each, and control characters are escaped. If standard output is no terminal,
/// text is written as it is, with a line end after each message, and binary messages as they are, with nothing between.
#[derive(Debug, Parser)]
#[command(name = "microws-cat", version, max_term_width = 100, after_help = STATUSES)]
pub(crate) struct Arguments {
    /// ws://HOST:PORT/PATH?QUERY, or wss:// over TLS; port (80, or 443), path and query may be left out
    pub(crate) url: Address,

    /// Trust the certificates in this file (PEM) as well as those that the system trusts; several are allowed
    #[cfg(feature = "tls")]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Vec<PathBuf>,

    /// Trust any certificate: an attacker between client and server can read and change everything
    #[cfg(feature = "tls")]
    #[arg(long, conflicts_with = "ca")]
    pub(crate) insecure: bool,

    /// Send a header field with the request; several are allowed, Host replaces that of the URL
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = field)]
    pub(crate) header: Vec<Field>,

    /// Offer a subprotocol; several are allowed, the best first
    #[arg(short, long, value_name = "NAME")]
    pub(crate) subprotocol: Vec<String>,

    /// Send this origin, as a browser would
    #[arg(short, long)]
    pub(crate) origin: Option<String>,

    /// Send binary messages: all of standard input is one, or cut in messages of SIZE bytes
    #[arg(short, long, value_name = "SIZE", num_args = 0..=1, require_equals = true)]
    #[expect(clippy::option_option, reason = "an argument with a value that may be left out")]
    pub(crate) binary: Option<Option<NonZeroUsize>>,

    /// Send a file as one message, instead of standard input; several are sent in their order
    #[arg(short, long, value_name = "PATH")]
    pub(crate) file: Vec<PathBuf>,

    /// Send a ping first and print the time to its pong
    #[arg(short, long)]
    pub(crate) ping: bool,

    /// Close with this code and reason [default: 1000 at the end of the input, 1001 after Ctrl-C]
    #[arg(short, long, value_name = "CODE[:REASON]")]
    pub(crate) close: Option<CloseFrame>,

    /// Stay open at the end of the input, until the server closes or Ctrl-C does
    #[arg(long)]
    pub(crate) stay: bool,

    /// Measure N round trips, one after the other, with a server that sends messages back; the input is not read
    #[arg(short, long, value_name = "N", conflicts_with_all = ["file", "ping", "stay"])]
    pub(crate) rtt: Option<NonZeroU64>,

    /// Bytes of each message of --rtt
    #[arg(long, value_name = "BYTES", default_value_t = 32, requires = "rtt")]
    pub(crate) size: u64,

    /// Offer to compress messages (permessage-deflate, RFC 7692); those that are sent in one frame, at most 64 KiB, are
    /// compressed then, unless that is no shorter
    #[arg(long)]
    pub(crate) compress: bool,

    /// Seconds that the server may take to connect, for the opening handshake, a pong, an echo of --rtt, its close frame,
    /// and to take what we send; 0 for ever, except to connect
    #[arg(short, long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: u32,

    /// Seconds of silence before a ping that keeps the connection; 0 for never
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub(crate) ping_interval: u32,

    /// Also show the answer to the request, pings and pongs
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Show messages and errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

impl Arguments {
    /// The kind of the messages to send.
    pub(crate) const fn kind(&self) -> MessageKind {
        if self.binary.is_some() { MessageKind::Binary } else { MessageKind::Text }
    }
}

/// Seconds, with fractions, as milliseconds.
fn seconds(text: &str) -> Result<u32, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    let milliseconds = (seconds * 1000.0).round();
    // The library's limit: beyond 2^31 ms on a clock that wraps, before and after can't be distinguished.
    if !(0.0..2_147_483_648.0).contains(&milliseconds) {
        return Err("must be between 0 and 2147483 seconds".to_owned());
    }
    Ok(milliseconds as u32)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Arguments::command().debug_assert();
    }
}
