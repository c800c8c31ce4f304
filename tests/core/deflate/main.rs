//! permessage-deflate, RFC 7692: negotiation, compressed messages in both directions, and attacks.

mod attacks;
mod negotiation;
mod properties;
mod receiving;
mod sending;
mod sessions;

use microws::deflate::{Agreed, Params};
use microws::handshake::{ClientHandshake, ServerHandshake};
use microws::{Buffer, Config, Event, HandshakeError};
use microws_tests::buffer;

/// A request with these lines about extensions; what a server with `params` makes of them, and its answer's lines.
fn serve(params: Params, lines: &[&str]) -> Result<(Option<Agreed>, Vec<String>), HandshakeError> {
    let mut request = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        .to_owned();
    for line in lines {
        request += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    let config = Config::new().deflate(params);
    let mut handshake = ServerHandshake::new(&config);
    pass(&(request + "\r\n"), |rx| handshake.receive(rx).map(|event| event == Some(Event::HeadEnd)))?;
    handshake.check()?;
    let mut tx = buffer(512);
    handshake.accept(&mut tx, &[]).unwrap();
    Ok((handshake.deflate(), extensions(&tx)))
}

/// What a client with `params` makes of an answer with these lines about extensions.
fn connect(params: Params, lines: &[&str]) -> Result<Option<Agreed>, HandshakeError> {
    let mut answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        .to_owned();
    for line in lines {
        answer += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    let config = Config::new().request("h", "/").deflate(params);
    let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
    assert!(handshake.send(&mut buffer(1024)).unwrap());
    pass(&(answer + "\r\n"), |rx| handshake.receive(rx).map(|event| event == Some(Event::HeadEnd)))?;
    handshake.check()?;
    Ok(handshake.deflate())
}

/// The offers of a client with `params`.
fn offers(params: Params) -> Vec<String> {
    let config = Config::new().request("h", "/").deflate(params);
    let mut tx = buffer(1024);
    assert!(ClientHandshake::new(&config, *b"the sample nonce").send(&mut tx).unwrap());
    extensions(&tx)
}

/// Passes a head through 256 bytes, ten at a time.
fn pass(
    head: &str,
    mut receive: impl FnMut(&mut Buffer<'_>) -> Result<bool, HandshakeError>,
) -> Result<(), HandshakeError> {
    let mut rx = buffer(256);
    let (mut pieces, mut ended) = (head.as_bytes().chunks(10), false);
    while !ended {
        let full = rx.free() < 10;
        if !full && let Some(piece) = pieces.next() {
            assert!(rx.push(piece));
        }
        let before = rx.len();
        ended = receive(&mut rx)?;
        assert!(ended || !full || rx.len() < before, "it does not go on");
    }
    Ok(())
}

fn extensions(head: &Buffer<'_>) -> Vec<String> {
    let head = std::str::from_utf8(head.filled()).unwrap();
    head.lines()
        .filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "))
        .map(str::to_owned)
        .collect()
}
