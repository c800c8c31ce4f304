use microws::{Buffer, Config, Endpoint, Event, Server, Session, Step};

use crate::{Buffers, rig};

static CONFIG: Config<'static> = Config::new().request("device.local:1740", "/chat?room=7");

pub fn echo(buffers: &mut Buffers) {
    run(buffers, &mut Session::upgraded(&CONFIG, Server));
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
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    rig::state(session);
    loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(chunk)) => {
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

fn write(tx: &mut Buffer<'_>) {
    if !tx.is_empty() {
        rig::send(tx.filled());
        tx.consume(tx.len());
    }
}
