//! The session by hand, both roles and upgraded, every verb.

use microws::{Buffer, CloseCode, Endpoint, Event, Server, Session, Step};

use super::{line, number, read, read_into, show, with_config, write};

/// A server's session, with every way to answer a request.
#[unsafe(no_mangle)]
extern "C" fn serve_session() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    _ = with_config(|config| {
        let mut session = Session::server(config);
        while lead(&mut session, &mut rx, &mut tx, |session, event, tx| {
            _ = match (event, number()) {
                (Event::HeadEnd, 1) => session.accept(tx, &[("Server", "device")]),
                (Event::HeadEnd, 2) => session.respond(tx, number() as u16, &[("Retry-After", "9")], "later"),
                (Event::HeadEnd, 3) => session.respond_and_stay(tx, 200, &[], "a page"),
                (Event::Body { bytes, fin }, 4) => {
                    show(bytes);
                    show(&[u8::from(*fin)]);
                    session.respond_and_stay(tx, 204, &[], "")
                }
                (Event::Open, _) => {
                    show(session.subprotocol().unwrap_or_default().as_bytes());
                    return;
                }
                _ => {
                    show(&session.fault().map_or(0, |fault| fault.status()).to_be_bytes());
                    return;
                }
            };
        }) {}
        if let Ok(mut session) = session.into_upgraded() {
            while lead(&mut session, &mut rx, &mut tx, |_, _, _| {}) {}
        }
    });
}

/// A client's.
#[unsafe(no_mangle)]
extern "C" fn connect_session() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    _ = with_config(|config| {
        let mut session = Session::client(config, |bytes: &mut [u8]| _ = read_into(bytes));
        while lead(&mut session, &mut rx, &mut tx, |session, _, _| {
            show(session.subprotocol().unwrap_or_default().as_bytes());
        }) {}
    });
}

/// One over a stream that is open already.
#[unsafe(no_mangle)]
extern "C" fn converse_session() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    _ = with_config(|config| {
        let mut session = Session::upgraded(config, Server);
        while lead(&mut session, &mut rx, &mut tx, |session, event, tx| {
            if let Event::Chunk(c) = event {
                _ = session.send_header(tx, c.kind, c.payload.len(), c.fin);
            }
        }) {}
    });
}

/// One step, with any reply to it; whether the session goes on.
fn lead<R: Endpoint>(
    session: &mut Session<'_, R>,
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
    look: impl FnOnce(&mut Session<'_, R>, &Event<'_>, &mut Buffer<'_>),
) -> bool {
    match session.receive(rx, tx) {
        Step::Event(event) => {
            line(&event);
            look(session, &event, tx);
            _ = match event {
                Event::Chunk(c) => match number() {
                    1 => session.send(tx, c.kind, c.payload),
                    2 => {
                        _ = session.send_with(tx, c.kind, c.fin, |space| read_into(space));
                        return true;
                    }
                    _ => session.send_fragment(tx, c.kind, c.payload, c.fin),
                },
                Event::Ping(payload) => session.ping(tx, payload),
                Event::Pong(payload) => session.pong(tx, payload),
                Event::Close(close) => session.close(tx, CloseCode(number() as u16), close.reason()),
                _ => return true,
            };
        }
        Step::Read => {
            show(&session.tick(tx, number()).unwrap_or_default().to_be_bytes());
            write(tx);
            if number() == 7 {
                session.heard();
            }
            read(rx);
            session.commit(rx, number() as usize);
        }
        Step::Write => write(tx),
        Step::Shutdown => session.commit_end(),
        Step::End(_) => return false,
    }
    true
}
