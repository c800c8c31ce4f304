//! Socket.IO: a client by hand and in its handles, a server's session under any requests, the codec.

use microws::io::{blocking, polled};
use microws::{Buffer, Chunk, MessageKind, Session};
use microws_socketio::engine::Open;
use microws_socketio::packet::Packet;
use microws_socketio::server::{Get, ServerConfig, ServerEvent, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, Client, ClientConfig, Event, Inbox, Outgoing, Step, io, json, payload};

use super::adapters::Wire;
use super::{number, read, read_into, show, with_config, write};

/// Gives `run` a text that the optimizer can't know.
fn with_text<T>(run: impl FnOnce(&str) -> T) -> Option<T> {
    let mut bytes = [0; 32];
    let n = read_into(&mut bytes);
    Some(run(core::str::from_utf8(bytes.get(..n)?).ok()?))
}

fn look(event: &Event<'_>) {
    match event {
        Event::Connected { sid, .. } => show(sid),
        Event::Refused { error } => show(error),
        Event::Event { name, args, attachments, .. } => {
            show(name);
            show(args);
            for attachment in *attachments {
                show(attachment);
            }
        }
        Event::Ack { args, .. } => show(args),
        _ => {}
    }
}

/// A client, every verb.
#[unsafe(no_mangle)]
extern "C" fn socketio_client() {
    let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    let (mut inbox, mut slots) = (Inbox::new(&mut c), [AckSlot::new(); 2]);
    let _ = with_config(|config| {
        with_text(|text| {
            let namespace = ClientConfig::new().namespace(text).auth(text).connect_within(number());
            let mut session = Session::client(config, |bytes: &mut [u8]| _ = read_into(bytes));
            let mut client = Client::new(&namespace).acks(&mut slots);
            loop {
                match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
                    Step::Event(event) => {
                        look(&event);
                        let outgoing = match client.expect_ack(number()) {
                            Some(id) => Outgoing::event(text, text).expect(id),
                            None => Outgoing::ack(number(), text),
                        };
                        let attachments: [&[u8]; 2] = [text.as_bytes(), b""];
                        let outgoing = outgoing.attachments(&attachments);
                        if client.send(&mut session, &mut tx, &outgoing).is_err() {
                            client.disconnect();
                        }
                    }
                    Step::Read => {
                        let wait = client.tick(&mut session, &mut tx, number());
                        show(&wait.unwrap_or_default().to_be_bytes());
                        write(&mut tx);
                        read(&mut rx);
                        session.commit(&mut rx, number() as usize);
                    }
                    Step::Write => write(&mut tx),
                    Step::Shutdown => session.commit_end(),
                    Step::End(_) => return,
                }
            }
        })
    });
}

/// A client in the blocking handle.
#[unsafe(no_mangle)]
extern "C" fn socketio_blocking() {
    let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 256]);
    let _ = with_config(|config| {
        with_text(|text| {
            let namespace = ClientConfig::new().namespace(text).auth(text);
            let session = Session::client(config, |bytes: &mut [u8]| _ = read_into(bytes));
            let socket = blocking::WebSocket::new(Wire, Buffer::new(&mut a), Buffer::new(&mut b), session);
            let mut socket = io::blocking::Socket::new(socket, Client::new(&namespace), Inbox::new(&mut c));
            while let Ok(Some((event, sender))) = socket.recv() {
                look(&event);
                if sender.emit(text, text).is_err() || sender.flush().is_err() {
                    sender.disconnect();
                }
                show(&socket.tick(number()).unwrap_or_default().to_be_bytes());
            }
        })
    });
}

/// A client that is polled.
#[unsafe(no_mangle)]
extern "C" fn socketio_polled() {
    let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 256]);
    let _ = with_config(|config| {
        with_text(|text| {
            let namespace = ClientConfig::new().namespace(text).auth(text);
            let session = Session::client(config, |bytes: &mut [u8]| _ = read_into(bytes));
            let socket = polled::WebSocket::new(Buffer::new(&mut a), Buffer::new(&mut b), session);
            let mut socket = io::polled::Socket::new(socket, Client::new(&namespace), Inbox::new(&mut c));
            while let Ok(step) = socket.poll(&mut Wire, number()) {
                match step {
                    Step::Event((event, sender)) => {
                        look(&event);
                        if sender.ack(number(), text).is_err() {
                            sender.disconnect();
                        }
                    }
                    Step::End(_) => return,
                    _ => show(&socket.wait().unwrap_or_default().to_be_bytes()),
                }
            }
        })
    });
}

fn reply(session: &mut ServerSession<'_>, event: &ServerEvent<'_>, text: &str) {
    let _ = match event {
        ServerEvent::Connect { namespace, auth } if number() == 7 => {
            show(auth);
            session.accept(*namespace, Sid::new([number() as u8; 15]))
        }
        ServerEvent::Connect { namespace, .. } => session.refuse(*namespace, text),
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            show(name);
            show(args);
            for attachment in *attachments {
                show(attachment);
            }
            let outgoing = match ack {
                Some(id) => Outgoing::ack(*id, text),
                None => Outgoing::event(text, text),
            };
            session.send(*namespace, &outgoing.attachments(&[text.as_bytes()]))
        }
        ServerEvent::Ack { namespace, .. } => session.disconnect(*namespace),
        _ => Ok(()),
    };
}

/// A server's session, every verb.
#[unsafe(no_mangle)]
extern "C" fn socketio_server() {
    let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 256]);
    let (mut slots, mut inbox) = ([AckSlot::new(); 2], Inbox::new(&mut b));
    let _ = with_text(|text| {
        let names = ["/", text];
        let config = ServerConfig::new()
            .namespaces(&names)
            .heartbeat(number(), number())
            .max_payload(number())
            .max_attachments(number() as u8);
        let transport = if number() == 7 { Transport::Polling } else { Transport::WebSocket };
        let sid = Sid::new([number() as u8; 15]);
        let mut session = ServerSession::new(&config, sid, transport, &mut a).acks(&mut slots);
        while !session.is_over() {
            let n = read_into(&mut c);
            let content = c.get_mut(..n).unwrap_or_default();
            let kind = if number() == 7 { MessageKind::Text } else { MessageKind::Binary };
            let chunk = Chunk::new(kind, number() == 7, number() == 7, content);
            match number() {
                0 => {
                    if let Some(event) = session.receive(&chunk, &mut inbox) {
                        reply(&mut session, &event, text);
                    }
                }
                1 => {
                    if session.begin_post() {
                        let mut post = session.post(chunk.payload);
                        while let Some(event) = session.next_event(&mut post, &mut inbox) {
                            reply(&mut session, &event, text);
                        }
                        let _ = session.end_post(&post);
                    }
                }
                2 if session.get() == Get::Answer => {
                    show(&session.answer_len().to_be_bytes());
                    let n = session.answer(chunk.payload);
                    show(&n.to_be_bytes());
                }
                3 => _ = session.upgrade(),
                4 => _ = session.probe(&chunk),
                5 => {
                    show(&session.tick(number()).unwrap_or_default().to_be_bytes());
                    show(&session.ack_overdue().unwrap_or_default().to_be_bytes());
                    show(&session.expect_ack(number()).unwrap_or_default().to_be_bytes());
                }
                6 => session.close(),
                _ => {
                    if let Some((_, message)) = session.front() {
                        show(message);
                    }
                    session.pop();
                }
            }
        }
    });
}

/// The codec alone.
#[unsafe(no_mangle)]
extern "C" fn socketio_codec() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let n = read_into(&mut a);
    let bytes = a.get_mut(..n).unwrap_or_default();
    if let Ok(packet) = Packet::decode(bytes, number() as u8) {
        show(packet.data);
        show(&packet.encode(&mut b).unwrap_or_default().to_be_bytes());
    }
    if let Ok(open) = Open::decode(bytes) {
        show(&open.encode(&mut b).unwrap_or_default().to_be_bytes());
    }
    for value in json::values(bytes) {
        show(json::member(value, b"name").unwrap_or_default());
    }
    show(&[u8::from(json::are_values(bytes))]);
    let _ = payload::decode(bytes, |part| {
        show(&part.encode(&mut b).unwrap_or_default().to_be_bytes());
        Ok(())
    });
}
