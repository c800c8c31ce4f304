//! What the peer says to either side, and what is to come of it.

use microws::handshake::{client, server};
use microws::io::Error;
use microws::{Buffer, CloseCode, Connection, Event, Role};
use microws_tests::{Drive, End, Tx, frame, frames, messages};

use crate::styles::{LEAST, Outcome, REQUEST, big, random};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Server,
    Client,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Server, Self::Client];

    /// The head that comes: with a line that does not fit into `rx`.
    pub fn head(self) -> Vec<u8> {
        let long = "x".repeat(150);
        match self {
            Self::Server => format!(
                "GET /room?id=7 HTTP/1.1\r\nHost: h\r\nCookie: {long}\r\nUpgrade: websocket\r\n\
                 Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n"
            ),
            Self::Client => format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSet-Cookie: {long}\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
                 Sec-WebSocket-Protocol: chat\r\n\r\n"
            ),
        }
        .into_bytes()
    }

    /// The head that goes.
    pub fn own_head(self) -> &'static [u8] {
        match self {
            Self::Server => {
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            }
            Self::Client => {
                b"GET /room?id=7 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                Sec-WebSocket-Protocol: chat\r\nAuthorization: Bearer 7\r\n\r\n"
            }
        }
    }

    pub fn incoming(self, script: &[(u8, &[u8])]) -> Vec<u8> {
        let key = (self == Self::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
        script.iter().flat_map(|(b0, payload)| frame(*b0, key, payload)).collect()
    }

    /// What is said until the end, which is one of four.
    pub fn scripts(self) -> [Vec<u8>; 4] {
        let big = big();
        let beginning = self.incoming(&[
            (0x01, b"fragments: \xe2\x82"),
            (0x89, b"amid a code point"),
            (0x80, b"\xac"),
            (0x82, &big[..250]),
            (0x82, b""),
            (0x8a, b"one"),
        ]);
        let endings: [&[(u8, &[u8])]; 4] = [
            &[(0x8a, b"bye"), (0x81, b"crosses our close frame"), (0x88, b"\x03\xe8bye")],
            &[(0x89, b""), (0x88, b"\x03\xe9gone")],
            &[(0x83, b"no such opcode")],
            &[],
        ];
        endings.map(|ending| [beginning.clone(), self.incoming(ending)].concat())
    }

    /// What is to come of a script: handshake and connection driven without an adapter.
    pub fn by_hand(self, script: &[u8]) -> (Outcome, Vec<(u8, Vec<u8>)>) {
        let (mut rx, mut tx) = ([0; LEAST], [0; 1000]);
        let (mut rx, mut tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
        let mut outcome = Outcome::default();
        let head = self.head();
        let mut input = head.iter();
        let mut refill = |rx: &mut Buffer<'_>| assert!(rx.push(&[*input.next().unwrap()]));
        match self {
            Self::Server => {
                let mut handshake = server::Handshake::new(&[]);
                loop {
                    match handshake.receive(&mut rx).unwrap() {
                        None => refill(&mut rx),
                        Some(server::Item::End) => break,
                        Some(item) => outcome.items.push(format!("{item:?}")),
                    }
                }
                let connection = handshake.upgrade().unwrap().accept(&mut tx, &[]).unwrap();
                assert_eq!(tx.filled(), self.own_head());
                converse_by_hand(connection, script, outcome)
            }
            Self::Client => {
                let mut handshake = client::Handshake::new(REQUEST, *b"the sample nonce");
                assert!(handshake.send(&mut tx).unwrap());
                assert_eq!(tx.filled(), self.own_head());
                loop {
                    match handshake.receive(&mut rx).unwrap() {
                        None => refill(&mut rx),
                        Some(client::Item::End) => break,
                        Some(item) => outcome.items.push(format!("{item:?}")),
                    }
                }
                converse_by_hand(handshake.connection(random).unwrap(), script, outcome)
            }
        }
    }

    /// Our messages out of the bytes on the wire.
    pub fn sent(self, output: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let frames = frames(output.strip_prefix(self.own_head()).expect("our head comes first"));
        assert!(frames.iter().all(|frame| frame.key.is_some() == (self == Self::Client)));
        messages(&frames)
    }
}

fn converse_by_hand<R: Role>(
    mut connection: Connection<R>,
    script: &[u8],
    mut outcome: Outcome,
) -> (Outcome, Vec<(u8, Vec<u8>)>) {
    let mut tx = [0; 1000];
    let mut tx = Buffer::new(&mut tx);
    connection.send_binary(&mut tx, &big()).unwrap();
    connection.ping(&mut tx, b"one").unwrap();
    connection.send_text(&mut tx, "hi").unwrap();
    let app = |connection: &mut Connection<R>, event: &Event<'_>, tx: &mut Tx<'_>| {
        tx.echo(connection, event);
        if *event == Event::Pong(b"bye") {
            tx.make_room(|tx| connection.close(tx, CloseCode::NORMAL, "bye")).unwrap();
        }
    };
    let run = Drive::default().run(&mut connection, script, app);
    outcome.events = run.events;
    outcome.end = match run.end {
        End::WantRead => Some(Error::Eof),
        End::Closed => None,
        End::Failed(error) => Some(Error::Protocol(error)),
    };
    (outcome, messages(&frames(&[tx.filled(), &run.output].concat())))
}
