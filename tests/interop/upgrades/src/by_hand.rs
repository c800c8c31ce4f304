//! An upgrade that the program does by hand, with a parser of its own. It reads as much as comes: bytes after the head are
//! handed over.

use embedded_io_async::{Read, Write};
use microws::handshake::accept_key;
use microws::io::{Error, asynch::WebSocket};
use microws::{Buffer, Event, Server, Session};

/// Reads a head of at most 1024 bytes, answers it and echoes.
///
/// # Errors
/// As [`WebSocket::recv`].
pub async fn serve<S: Read + Write>(mut stream: S) -> Result<(), Error<S::Error>> {
    let (mut input, mut len) = ([0; 1024], 0);
    let (key, early) = loop {
        let n = stream.read(&mut input[len..]).await.map_err(Error::Io)?;
        if n == 0 {
            return Ok(());
        }
        len += n;
        // A program that knows its client looks at one field only. One that does not needs more: see `handshake`.
        if let Some((head, early)) = split(&input[..len], b"\r\n\r\n") {
            break (split(head, b"Sec-WebSocket-Key: ").and_then(|(_, key)| key.first_chunk()), early);
        }
    };
    let Some(key) = key else { return Ok(()) };
    for part in [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ",
        &accept_key(key)[..],
        b"\r\n\r\n",
    ] {
        stream.write_all(part).await.map_err(Error::Io)?;
    }
    stream.flush().await.map_err(Error::Io)?;

    let (mut rx, mut tx) = ([0; 1024], [0; 256]);
    let mut rx = Buffer::new(&mut rx);
    // As large as the input was: it fits.
    assert!(rx.push(early));
    let session = Session::upgraded(&crate::CONFIG, Server);
    let mut socket = WebSocket::new(stream, rx, Buffer::new(&mut tx), session);
    while let Some((event, reply)) = socket.recv().await? {
        if let Event::Chunk(c) = event {
            reply.send_fragment(c.kind, c.payload, c.fin).await?;
        }
    }
    Ok(())
}

/// What is before `mark`, and what is after it.
fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}
