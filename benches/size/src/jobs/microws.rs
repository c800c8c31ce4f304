use microws::handshake::{self, ClientHandshake, ServerHandshake};
use microws::{Buffer, Config, Connection, Event, HandshakeError, Role, Step};

use crate::{Buffers, rig};

static CONFIG: Config<'static> = Config::new().request("device.local:1740", "/chat?room=7");

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
    let mut handshake = ServerHandshake::new(&CONFIG);
    loop {
        match handshake.receive(rx) {
            Ok(None) => read(rx).then_some(())?,
            Ok(Some(Event::HeadEnd)) => {
                return match handshake.accept(tx, &[]) {
                    Ok(()) => Some(Connection::server()),
                    Err(_) => reject(tx, handshake.check().err()?),
                };
            }
            Ok(Some(_)) => {}
            Err(error) => return reject(tx, error),
        }
    }
}

/// The others' servers hang up without a word, and so does this one where it is compared with them.
fn reject(tx: &mut Buffer<'_>, error: HandshakeError) -> Option<Connection<microws::Server>> {
    if cfg!(feature = "refuse") {
        handshake::reject(tx, error).ok()?;
    }
    None
}

#[inline(never)]
fn connect(rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Option<Connection<microws::Client<fn(&mut [u8])>>> {
    let mut nonce = [0; 16];
    rig::random(&mut nonce);
    let mut handshake = ClientHandshake::new(&CONFIG, nonce);
    while !handshake.send(tx).ok()? {
        write(tx);
    }
    write(tx);
    loop {
        match handshake.receive(rx).ok()? {
            None => read(rx).then_some(())?,
            Some(Event::HeadEnd) => {
                handshake.check().ok()?;
                return Some(Connection::client(rig::random));
            }
            Some(_) => {}
        }
    }
}

fn run<R: Role>(connection: &mut Connection<R>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) {
    rig::state(connection);
    loop {
        match connection.receive(rx, tx) {
            Step::Event(Event::Chunk(chunk)) => {
                if connection.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin).is_err() {
                    return;
                }
            }
            Step::Read => {
                write(tx);
                if !read(rx) {
                    return;
                }
            }
            Step::Write => write(tx),
            Step::Event(Event::Close(_)) | Step::End(_) => return,
            _ => {}
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
