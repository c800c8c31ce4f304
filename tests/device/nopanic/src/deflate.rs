//! Compressed messages: the engine alone, negotiated by hand and by sessions, both ways.

use microws::deflate::{Agreed, Deflater, Inflater, Next, Params};
use microws::handshake::{ClientHandshake, ServerHandshake};
use microws::{Buffer, Client, Config, Connection, Endpoint, Event, Server, Session, Step};

use super::{client_handshake_with, converse, number, read, read_into, server_handshake_with, show, write};

/// The inflater and the deflater on any bytes.
#[unsafe(no_mangle)]
extern "C" fn deflate_alone() {
    let (mut inflater, mut bytes, mut ring, mut table) = (Inflater::new(), [0; 64], [0; 300], [0; 256]);
    let Some(mut deflater) = Deflater::new(&mut table) else { return };
    let mut out = [0; 64];
    while number() != 7 {
        let n = read_into(&mut bytes);
        let mut input = bytes.get(..n).unwrap_or_default();
        let some = ring.get_mut(..number() as usize).unwrap_or_default();
        let inflated = inflater.inflate(&mut input, some, number() as usize);
        show(some.get(inflated.bytes).unwrap_or_default());
        if inflated.next != Next::Input || inflater.is_complete() {
            inflater.begin(number() == 7);
        }
        deflater.begin(number() as u8);
        let progress = deflater.deflate(bytes.get(..n).unwrap_or_default(), &mut out);
        show(out.get(..progress.len).unwrap_or_default());
        show(&deflater.measure(&bytes, number() as u8).unwrap_or_default().to_be_bytes());
    }
}

/// Terms that the optimizer can't know.
fn terms() -> Params {
    Params::new()
        .window_bits(number() as u8)
        .keep_peers_context(number() == 7)
        .keep_own_context(number() == 7)
        .bounded_only(number() == 7)
}

/// Both roles by hand, with a ring.
#[unsafe(no_mangle)]
extern "C" fn deflate_by_hand() {
    let (mut a, mut b) = ([0; 256], [0; 512]);
    let (mut inflater, mut ring) = (Inflater::new(), [0; 1024]);
    let mut rx = Buffer::new(&mut a).inflating(&mut inflater, &mut ring);
    let mut tx = Buffer::new(&mut b);
    let config = Config::new().request("h", "/").deflate(terms());
    let mut server = ServerHandshake::new(&config);
    _ = server_handshake_with(&mut server, &mut rx, &mut tx);
    converse(Connection::server().agree(server.deflate()), &mut rx, &mut tx);
    let mut nonce = [0; 16];
    read_into(&mut nonce);
    let mut client = ClientHandshake::new(&config, nonce);
    _ = client_handshake_with(&mut client, &mut rx, &mut tx);
    let connection = Connection::client(|bytes: &mut [u8]| _ = read_into(bytes)).agree(client.deflate());
    converse(connection, &mut rx, &mut tx);
}

/// Sessions of both roles, and one on an open stream.
#[unsafe(no_mangle)]
extern "C" fn deflate_sessions() {
    let config = Config::new().request("h", "/").max_message_len(number().into()).deflate(terms());
    lead(Session::server(&config));
    lead(Session::client(&config, |bytes: &mut [u8]| _ = read_into(bytes)));
    let agreed = Agreed::new(number() as u8, number() as u8).keeping(number() == 7, number() == 7);
    lead(Session::upgraded(&config, Server).agree(Some(agreed)));
    lead(Session::upgraded(&config, Client(|bytes: &mut [u8]| _ = read_into(bytes))));
}

fn lead<R: Endpoint>(mut session: Session<'_, R>) {
    let (mut a, mut b) = ([0; 256], [0; 512]);
    let (mut inflater, mut ring, mut table) = (Inflater::new(), [0; 1024], [0; 256]);
    let Some(rx) = Buffer::new(&mut a).inflating_slice(&mut inflater, &mut ring) else { return };
    let (mut rx, mut tx) = (rx, Buffer::new(&mut b));
    let Some(mut deflater) = Deflater::new(&mut table) else { return };
    loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(c)) => {
                show(c.payload);
                show(&[u8::from(c.compressed)]);
                let sent = match number() {
                    1 => session.send_deflated(&mut tx, c.kind, c.payload, c.fin).is_ok(),
                    _ => session.send_compressed(&mut tx, &mut deflater, c.kind, c.payload).is_ok(),
                };
                if !sent {
                    write(&mut tx);
                }
                show(&deflater.saved().to_be_bytes());
            }
            Step::Event(_) => {}
            Step::Read => {
                read(&mut rx);
                session.commit(&mut rx, 0);
            }
            Step::Write => write(&mut tx),
            Step::Shutdown => session.commit_end(),
            Step::End(_) => return,
        }
    }
}
