//! A server's session of Socket.IO under any requests and messages: no packet is lost, doubled or out of order, and the
//! end is the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::{Chunk, MessageKind};
use microws_socketio::server::{
    Get, Probed, ServerConfig, ServerEvent, ServerSession, Sid, Transport, Upgrade,
};
use microws_socketio::{AckSlot, Inbox, Outgoing, SendError};

const CONFIG: ServerConfig<'static> = ServerConfig::new().namespaces(&["/", "/a"]).max_payload(256);

/// What the program emits: numbers, which the client must get in order.
struct Emitted {
    next: u32,
    seen: u32,
}

impl Emitted {
    fn emit(&mut self, session: &mut ServerSession<'_>) {
        let args = self.next.to_string();
        match session.send(0, &Outgoing::event("n", &args)) {
            Ok(()) => self.next += 1,
            Err(SendError::NotConnected | SendError::QueueFull) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn see(&mut self, packet: &[u8]) {
        if let Some(number) = packet.strip_prefix(b"42[\"n\",") {
            let expected = format!("{}]", self.seen);
            assert_eq!(number, expected.as_bytes());
            self.seen += 1;
        }
    }
}

fn reply(session: &mut ServerSession<'_>, event: &ServerEvent<'_>) {
    let _ = match event {
        ServerEvent::Connect { namespace, auth } if auth.is_empty() => {
            session.accept(*namespace, Sid::new([8; 15]))
        }
        ServerEvent::Connect { namespace, .. } => session.refuse(*namespace, "{}"),
        ServerEvent::Event { namespace, attachments, ack: Some(id), .. } => {
            let attachments: Vec<&[u8]> = attachments.collect();
            session.send(*namespace, &Outgoing::ack(*id, "1").attachments(&attachments))
        }
        _ => Ok(()),
    };
}

fuzz_target!(|input: &[u8]| {
    let Some((&[transport, queue, arena], mut rest)) = input.split_first_chunk() else { return };
    let transport = if transport & 1 == 0 { Transport::Polling } else { Transport::WebSocket };
    let (mut queue, mut arena) = (vec![0; 200 + usize::from(queue)], vec![0; usize::from(arena)]);
    let mut slots = [AckSlot::new(); 2];
    let mut inbox = Inbox::new(&mut arena);
    let mut session =
        ServerSession::new(&CONFIG, Sid::new([7; 15]), transport, &mut queue).acks(&mut slots);
    let mut emitted = Emitted { next: 0, seen: 0 };
    let mut probing = false;
    let mut now = 0u32;
    while let Some((&[verb, len], after)) = rest.split_first_chunk() {
        let (content, after) = after.split_at(usize::from(len).min(after.len()));
        rest = after;
        let (mut content, flags) = (content.to_vec(), verb >> 4);
        let ended = session.end();
        let kind = if flags & 4 == 0 { MessageKind::Text } else { MessageKind::Binary };
        // A WebSocket brings valid text alone.
        let valid = kind == MessageKind::Binary || std::str::from_utf8(&content).is_ok();
        match verb & 15 {
            0..=3 if session.transport() == Transport::WebSocket && valid => {
                let chunk = Chunk::new(kind, flags & 1 == 0, flags & 2 == 0, &mut content);
                if let Some(event) = session.receive(&chunk, &mut inbox) {
                    reply(&mut session, &event);
                }
            }
            4..=6 => {
                if session.begin_post() {
                    let mut post = session.post(&mut content);
                    while let Some(event) = session.next_event(&mut post, &mut inbox) {
                        reply(&mut session, &event);
                    }
                    let _ = session.end_post(&post);
                }
            }
            7 => match session.get() {
                Get::Answer => assert!(session.answers_held()),
                Get::Hold => assert!(!session.answers_held()),
                Get::BadRequest => {}
            },
            8 => emitted.emit(&mut session),
            9 => {
                now = now.wrapping_add(u32::from(len) << flags);
                let _ = session.tick(now);
                if session.probe_overdue() {
                    probing = false;
                }
                let _ = session.ack_overdue();
            }
            10 => match session.upgrade() {
                Upgrade::Probe => {
                    assert!(!probing);
                    probing = true;
                }
                Upgrade::Close => {}
            },
            11 if probing => {
                let text: &[u8] = if flags & 1 == 0 { b"2probe" } else { b"5" };
                let mut text = if flags & 2 == 0 { text.to_vec() } else { content };
                match session.probe(&Chunk::new(MessageKind::Text, true, true, &mut text)) {
                    Probed::Reply(reply) => assert_eq!(reply, "3probe"),
                    Probed::Wait => {}
                    Probed::Upgraded => {
                        assert_eq!(session.transport(), Transport::WebSocket);
                        probing = false;
                    }
                    Probed::Close => probing = false,
                }
            }
            12 if flags == 0 => session.close(),
            13 if flags == 0 => session.lost(microws::End::Eof),
            _ => {}
        }
        if ended.is_some() {
            assert_eq!(session.end(), ended, "the first reason stays");
        }
        // The client takes what it can.
        if session.answers_held() && flags & 8 == 0 {
            let len = session.answer_len();
            let mut out = vec![0; len];
            assert_eq!(session.answer(&mut out), len);
            for packet in out.split(|byte| *byte == 0x1e) {
                emitted.see(packet);
            }
        }
        while let Some((_, message)) = session.front() {
            emitted.see(message);
            session.pop();
        }
    }
});
