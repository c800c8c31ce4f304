//! A Socket.IO client over the session: events and acknowledgements with attachments, both ways. It is only weighed,
//! against a client of WebSocket alone that uses the session as it does: deadlines, whole messages of any length, an end.

use microws::{Buffer, Config, Session};
use microws_socketio::TARGET;
#[cfg(not(feature = "web-socket-alone"))]
use microws_socketio::{AckSlot, Client, ClientConfig, Event, Inbox, Outgoing, Step};

use crate::{Buffers, rig};

static CONFIG: Config<'static> = Config::new().request("device.local:1740", TARGET);
#[cfg(not(feature = "web-socket-alone"))]
const AUTH: &str = "{\"token\":\"abc\"}";
#[cfg(not(any(feature = "web-socket-alone", feature = "recovery")))]
static NAMESPACE: ClientConfig<'static> = ClientConfig::new().namespace("/sensors").auth(AUTH);

#[cfg(not(any(feature = "web-socket-alone", feature = "recovery")))]
pub fn client(buffers: &mut Buffers) {
    connect(buffers, &NAMESPACE, |_| {});
}

#[cfg(feature = "recovery")]
pub fn client(buffers: &mut Buffers) {
    let mut recovery = microws_socketio::Recovery::new();
    for _ in 0..2 {
        let mut room = [0; 128];
        let Some(auth) = recovery.auth(AUTH, &mut room) else { return };
        let namespace = ClientConfig::new().namespace("/sensors").auth_bytes(auth);
        connect(buffers, &namespace, |event| recovery.note(event));
    }
}

#[cfg(not(feature = "web-socket-alone"))]
fn connect(buffers: &mut Buffers, namespace: &ClientConfig<'_>, mut note: impl FnMut(&Event<'_>)) {
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    let (mut inbox, mut acks) = (Inbox::new(buffers.message), [AckSlot::new()]);
    let mut session = Session::client(&CONFIG, rig::random as fn(&mut [u8]));
    let mut client = Client::new(namespace).acks(&mut acks);
    rig::state(&(&session, &client, &inbox));
    loop {
        match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
            Step::Event(event) => {
                note(&event);
                let sent = match event {
                    Event::Connected { sid, .. } => {
                        let Some(id) = client.expect_ack(5_000) else { return };
                        let hello = Outgoing::event("hello", "1").expect(id);
                        client.send(&mut session, &mut tx, &hello.attachments(&[sid]))
                    }
                    Event::Event { name: b"echo", mut attachments, ack: Some(id), .. } => {
                        let first = attachments.next().unwrap_or_default();
                        client.send(&mut session, &mut tx, &Outgoing::ack(id, "1").attachments(&[first]))
                    }
                    Event::Ack { .. } => {
                        client.disconnect();
                        continue;
                    }
                    _ => continue,
                };
                if sent.is_err() {
                    return;
                }
            }
            Step::Shutdown => {}
            step @ (Step::Read | Step::Write) => {
                if !tx.is_empty() {
                    rig::send(tx.filled());
                    tx.consume(tx.len());
                }
                _ = client.tick(&mut session, &mut tx, 0);
                if step == Step::Read {
                    let n = rig::receive(rx.spare());
                    session.commit(&mut rx, n);
                }
            }
            Step::End(_) => return,
        }
    }
}

#[cfg(feature = "web-socket-alone")]
pub fn client(buffers: &mut Buffers) {
    use microws::{CloseCode, Event, Step};

    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    let mut session = Session::client(&CONFIG, rig::random as fn(&mut [u8]));
    rig::state(&session);
    loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(event) => {
                let sent = match event {
                    Event::Open => session.send_text(&mut tx, "hello"),
                    Event::Chunk(chunk) => session.send(&mut tx, chunk.kind, chunk.payload),
                    Event::Pong(_) => session.close(&mut tx, CloseCode::NORMAL, ""),
                    _ => continue,
                };
                if sent.is_err() {
                    return;
                }
            }
            Step::Shutdown => {}
            step @ (Step::Read | Step::Write) => {
                if !tx.is_empty() {
                    rig::send(tx.filled());
                    tx.consume(tx.len());
                }
                _ = session.tick(&mut tx, 0);
                if step == Step::Read {
                    let n = rig::receive(rx.spare());
                    session.commit(&mut rx, n);
                }
            }
            Step::End(_) => return,
        }
    }
}
