#[cfg(feature = "inflate")]
use microws::deflate::{Agreed, Inflater};
use microws::{Buffer, Config, Endpoint, Event, Server, Session, Step};
#[cfg(feature = "deflate")]
use microws::{Chunk, Sent};

use crate::{Buffers, rig};

static CONFIG: Config<'static> = Config::new().request("device.local:1740", "/chat?room=7");

pub fn echo(buffers: &mut Buffers) {
    #[cfg(not(feature = "inflate"))]
    run(buffers, &mut Session::upgraded(&CONFIG, Server));
    #[cfg(feature = "inflate")]
    run(buffers, &mut Session::upgraded(&CONFIG, Server).agree(Some(Agreed::new(15, 10))));
}

pub fn server(buffers: &mut Buffers) {
    run(buffers, &mut Session::server(&CONFIG));
}

pub fn client(buffers: &mut Buffers) {
    run(buffers, &mut Session::client(&CONFIG, rig::random as fn(&mut [u8])));
}

pub fn mask(key: [u8; 4], payload: &mut [u8]) {
    microws::Mask::new(key).apply(payload);
}

fn run<R: Endpoint>(buffers: &mut Buffers, session: &mut Session<'_, R>) {
    #[cfg(not(feature = "inflate"))]
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    // The ring is one more of the caller's buffers; the inflater's state counts.
    #[cfg(feature = "inflate")]
    let mut inflater = Inflater::new();
    #[cfg(feature = "inflate")]
    let (mut rx, mut tx) =
        (Buffer::new(buffers.rx).inflating(&mut inflater, buffers.message), Buffer::new(buffers.tx));
    #[cfg(feature = "deflate")]
    let mut reply = reply();
    rig::state(session);
    loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(chunk)) => {
                #[cfg(feature = "deflate")]
                if !reply(session, &mut tx, chunk) {
                    return;
                }
                #[cfg(not(feature = "deflate"))]
                if session.send_fragment(&mut tx, chunk.kind, chunk.payload, chunk.fin).is_err() {
                    return;
                }
            }
            Step::Event(_) | Step::Shutdown => {}
            Step::Read => {
                write(&mut tx);
                let n = rig::receive(rx.spare());
                session.commit(&mut rx, n);
            }
            Step::Write => write(&mut tx),
            Step::End(_) => return,
        }
    }
}

/// Echoes a chunk, a whole message compressed.
#[cfg(feature = "deflate")]
fn reply<R: Endpoint>() -> impl FnMut(&mut Session<'_, R>, &mut Buffer<'_>, Chunk<'_>) -> bool {
    let mut table = [0; microws::deflate::MIN_TABLE_LEN];
    move |session, tx, chunk| {
        if !(chunk.first && chunk.fin) {
            return session.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin).is_ok();
        }
        let Some(mut deflater) = microws::deflate::Deflater::new(&mut table) else { return false };
        while let Ok(sent) = session.send_compressed(tx, &mut deflater, chunk.kind, chunk.payload) {
            if sent == Sent::Done {
                return true;
            }
            write(tx);
        }
        false
    }
}

fn write(tx: &mut Buffer<'_>) {
    if !tx.is_empty() {
        rig::send(tx.filled());
        tx.consume(tx.len());
    }
}
