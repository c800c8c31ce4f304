//! Any value of Sec-WebSocket-Extensions: a server's answer to it is one that a client takes, on the same terms, and a
//! client takes nothing that it can't hold.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::deflate::{Agreed, Params};
use microws::handshake::{ClientHandshake, ServerHandshake};
use microws::{Buffer, Config, Event, HandshakeError};
use microws_fuzz::Choice;

fn pass(
    head: &[u8],
    mut receive: impl FnMut(&mut Buffer<'_>) -> Result<Option<bool>, HandshakeError>,
) -> Result<(), HandshakeError> {
    let mut storage = [0; 4096];
    let mut rx = Buffer::new(&mut storage);
    assert!(rx.push(head));
    while receive(&mut rx)? == Some(false) {}
    Ok(())
}

/// What a client that holds `params` makes of a response.
fn connect(params: Params, line: &[u8]) -> Option<Agreed> {
    let config = Config::new().request("h", "/").deflate(params);
    let mut client = ClientHandshake::new(&config, *b"the sample nonce");
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let mut tx = [0; 1024];
    assert_eq!(client.send(&mut Buffer::new(&mut tx)), Ok(true));
    pass(&[answer, line, b"\r\n"].concat(), |rx| {
        client.receive(rx).map(|event| event.map(|event| event == Event::HeadEnd))
    })
    .ok()?;
    client.check().ok()?;
    client.deflate()
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, value)) = Choice::split(input) else { return };
    let value = &value[..value.len().min(1500)];
    let params = Params::new()
        .window_bits(8 + (choice.rx() % 8) as u8)
        .keep_peers_context(choice.lazy())
        .keep_own_context(choice.tx() % 2 == 0)
        .bounded_only(choice.tx() % 3 == 0);
    let config = Config::new().deflate(params);
    let mut server = ServerHandshake::new(&config);
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: ";
    let read = pass(&[&request[..], value, b"\r\n\r\n"].concat(), |rx| {
        server.receive(rx).map(|event| event.map(|event| event == Event::HeadEnd))
    });
    if read.is_ok() && server.check().is_ok() {
        let mut storage = [0; 1024];
        let mut tx = Buffer::new(&mut storage);
        server.accept(&mut tx, &[]).expect("it fits");
        let head = std::str::from_utf8(tx.filled()).expect("a head is ASCII");
        let line = head.lines().find(|line| line.starts_with("Sec-WebSocket-Extensions: "));
        assert_eq!(line.is_some(), server.deflate().is_some());
        if let (Some(line), Some(ours)) = (line, server.deflate()) {
            // A client that can hold everything agrees, and means the same.
            let all = Params::new().keep_peers_context(true).keep_own_context(true);
            let theirs = connect(all, format!("{line}\r\n").as_bytes()).expect("a response is valid");
            // A window that a client hints at is not repeated when the server can hold more.
            assert!(theirs.send_window_bits() >= ours.receive_window_bits());
            assert_eq!(theirs.keeps_own_context(), ours.keeps_peers_context());
            assert_eq!(theirs.receive_window_bits(), ours.send_window_bits());
            assert!(theirs.keeps_peers_context() || !ours.keeps_own_context());
            if ours.keeps_peers_context() {
                assert!(ours.receive_window_bits() <= 8 + (choice.rx() % 8) as u8);
            }
        }
    }
    let line = [b"Sec-WebSocket-Extensions: ", value, b"\r\n"].concat();
    if let Some(agreed) = connect(params, &line)
        && (agreed.keeps_peers_context() || choice.tx() % 3 == 0)
    {
        assert!(agreed.receive_window_bits() <= 8 + (choice.rx() % 8) as u8);
    }
});
