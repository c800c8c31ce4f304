use microws::handshake::{client, server};
use microws::{Buffer, Connection, Event, Received, Role};

use crate::{Buffers, rig};

pub fn echo(buffers: &mut Buffers) {
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    run(&mut Connection::server(), &mut rx, &mut tx);
}

pub fn server(buffers: &mut Buffers) {
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    if let Some(connection) = &mut accept(&mut rx, &mut tx) {
        run(connection, &mut rx, &mut tx);
    }
    write(&mut tx);
}

pub fn client(buffers: &mut Buffers) {
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    if let Some(connection) = &mut connect(&mut rx, &mut tx) {
        run(connection, &mut rx, &mut tx);
    }
}

pub fn mask(key: [u8; 4], payload: &mut [u8]) {
    microws::Mask::new(key).apply(payload);
}

#[inline(never)]
fn accept(rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Option<Connection<microws::Server>> {
    let mut handshake = server::Handshake::new(&[]);
    loop {
        match handshake.step(rx) {
            Ok(None) => read(rx).then_some(())?,
            Ok(Some(_)) => match handshake.upgrade() {
                Ok(upgrade) => return upgrade.accept(tx, &[]).ok(),
                Err(microws::HandshakeError::Incomplete) => {}
                Err(error) => return refuse(tx, error),
            },
            Err(error) => return refuse(tx, error),
        }
    }
}

/// The others' servers hang up without a word, and so does this one where it is compared with them.
fn refuse(tx: &mut Buffer<'_>, error: microws::HandshakeError) -> Option<Connection<microws::Server>> {
    if cfg!(feature = "refuse") {
        server::refuse(tx, error).ok()?;
    }
    None
}

#[inline(never)]
fn connect(rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Option<Connection<microws::Client<fn(&mut [u8])>>> {
    let mut nonce = [0; 16];
    rig::random(&mut nonce);
    let mut handshake =
        client::Handshake::new(client::Request::new("device.local:1740", "/chat?room=7"), nonce);
    while !handshake.send(tx).ok()? {
        write(tx);
    }
    write(tx);
    loop {
        match handshake.step(rx).ok()? {
            None => read(rx).then_some(())?,
            Some(_) => match handshake.connection(rig::random as fn(&mut [u8])) {
                Err(microws::HandshakeError::Incomplete) => {}
                connection => return connection.ok(),
            },
        }
    }
}

fn run<R: Role>(connection: &mut Connection<R>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) {
    rig::state(connection);
    loop {
        match connection.receive(rx, tx) {
            Ok(Received::Event(Event::Chunk(chunk))) => {
                if connection.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin).is_err() {
                    return;
                }
            }
            Ok(Received::WantRead) => {
                write(tx);
                if !read(rx) {
                    return;
                }
            }
            Ok(Received::WantWrite) => write(tx),
            Ok(Received::Event(Event::Close(_)) | Received::Closed) | Err(_) => return,
            Ok(Received::Event(_)) => {}
        }
    }
}

fn read(rx: &mut Buffer<'_>) -> bool {
    let n = rig::receive(rx.spare());
    rx.commit(n);
    n > 0
}

fn write(tx: &mut Buffer<'_>) {
    if !tx.is_empty() {
        rig::send(tx.filled());
        tx.consume(tx.len());
    }
}
