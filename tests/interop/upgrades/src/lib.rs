//! An open WebSocket from a stream that somebody else has upgraded: picoserve, edge-http, or the program by hand.
//!
//! All of them end in the same three lines: buffers, [`Session::upgraded`] and the adapter. The HTTP server does the
//! opening handshake, and no code for it is linked from microws.

pub mod by_hand;
pub mod edge;
pub mod pico;

use embedded_io_async::{Read, Write};
use microws::io::{Error, asynch::WebSocket};
use microws::{Buffer, Config, Event, Server, Session};

static CONFIG: Config<'_> = Config::new();

/// Echoes on a stream that is upgraded.
///
/// # Errors
/// As [`WebSocket::recv`].
pub async fn echo<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let session = Session::upgraded(&CONFIG, Server);
    let mut socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
    while let Some((event, reply)) = socket.recv().await? {
        if let Event::Chunk(c) = event {
            reply.send_fragment(c.kind, c.payload, c.fin).await?;
        }
    }
    Ok(())
}
