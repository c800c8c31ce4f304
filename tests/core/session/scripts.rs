//! The scripts that every style must make the same of.

use microws::{Client, CloseCode, Config, End, MessageKind, ProtocolError, Server, Session};
use microws_tests::{Seen, frame, frames, messages};

/// The least that a buffer can be.
pub(crate) const LEAST: usize = 139;

static SERVER: Config<'static> = Config::new();
static CLIENT: Config<'static> =
    Config::new().request("h", "/room?id=7").subprotocols(&["chat"]).fields(&[("Authorization", "Bearer 7")]);

/// A random source that is none: RFC 6455's nonce, then always the same masking key.
pub(crate) fn random(bytes: &mut [u8]) {
    match bytes.len() {
        16 => bytes.copy_from_slice(b"the sample nonce"),
        _ => bytes.copy_from_slice(&[0xa5, 0x5a, 0x0f, 0xf0]),
    }
}

pub(crate) type Random = fn(&mut [u8]);

pub(crate) fn server() -> Session<'static, Server> {
    Session::server(&SERVER)
}

pub(crate) fn client() -> Session<'static, Client<Random>> {
    Session::client(&CLIENT, random)
}

/// A payload that needs several fragments.
pub(crate) fn big() -> Vec<u8> {
    (0..400).map(|i| (i * 7) as u8).collect()
}

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Outcome {
    /// The lines of the peer's head.
    pub head: Vec<String>,
    pub events: Vec<Seen>,
    pub end: Option<End>,
}

/// Our messages, by first byte and payload.
pub(crate) type Sent = Vec<(u8, Vec<u8>)>;

/// What the peer sends, and what must come of it.
#[derive(Debug)]
pub(crate) struct Script {
    pub input: Vec<u8>,
    pub outcome: Outcome,
    pub sent: Sent,
}

/// The end that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Server, Self::Client];

    /// The head that comes: with a line that does not fit into `rx`.
    pub(crate) fn head(self) -> Vec<u8> {
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

    /// The lines of it.
    pub(crate) fn lines(self) -> Vec<String> {
        let lines: &[&str] = match self {
            Self::Server => &[
                "GET /room?id=7",
                "Host: h",
                "Cookie",
                "Upgrade: websocket",
                "Connection: keep-alive, Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
                "",
            ],
            Self::Client => &[
                "101 Switching Protocols",
                "Upgrade: websocket",
                "Set-Cookie",
                "Connection: Upgrade",
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "Sec-WebSocket-Protocol: chat",
                "",
            ],
        };
        lines.iter().map(ToString::to_string).collect()
    }

    /// The head that goes.
    pub(crate) fn own_head(self) -> &'static [u8] {
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

    /// Frames from the peer.
    pub(crate) fn incoming(self, script: &[(u8, &[u8])]) -> Vec<u8> {
        let key = (self == Self::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
        script.iter().flat_map(|(b0, payload)| frame(*b0, key, payload)).collect()
    }

    /// Our messages out of the bytes on the wire.
    pub(crate) fn sent(self, output: &[u8]) -> Sent {
        let frames = frames(output.strip_prefix(self.own_head()).expect("our head comes first"));
        assert!(frames.iter().all(|frame| frame.key.is_some() == (self == Self::Client)));
        messages(&frames)
    }

    /// One conversation with each of six ends. The program greets with `big`, a ping and "hi", echoes messages, and
    /// closes at the pong "bye".
    pub(crate) fn scripts(self) -> [Script; 6] {
        let crossing = b"crosses our close frame";
        let invalid = End::Failed(ProtocolError::InvalidUtf8);
        [
            self.script(
                &[(0x8a, b"bye"), (0x81, crossing), (0x88, b"\x03\xe8bye")],
                &[
                    Seen::Pong(b"bye".to_vec()),
                    Seen::message(MessageKind::Text, crossing),
                    Seen::close(1000, "bye"),
                ],
                &[(0x88, b"\x03\xe8bye")],
                End::Closed(CloseCode::NORMAL),
            ),
            self.script(
                &[(0x89, b""), (0x88, b"\x03\xe9gone")],
                &[Seen::Ping(Vec::new()), Seen::close(1001, "gone")],
                &[(0x8a, b""), (0x88, b"\x03\xe9gone")],
                End::Closed(CloseCode::GOING_AWAY),
            ),
            self.script(
                &[(0x83, b"no such opcode")],
                &[],
                &[(0x88, b"\x03\xea")],
                End::Failed(ProtocolError::ReservedOpcode(3)),
            ),
            self.script(&[], &[], &[], End::Eof),
            // Bytes after the close frame are read and dropped.
            self.script(
                &[(0x88, b""), (0x81, b"after the end"), (0x82, &big()[..200])],
                &[Seen::close(1005, "")],
                &[(0x88, b"")],
                End::Closed(CloseCode::NO_STATUS),
            ),
            self.script(&[(0x81, b"\xff"), (0x82, &big()[..200])], &[], &[(0x88, b"\x03\xef")], invalid),
        ]
    }

    fn script(self, ending: &[(u8, &[u8])], events: &[Seen], sent: &[(u8, &[u8])], end: End) -> Script {
        let (big, kind) = (big(), MessageKind::Text);
        let input = self.incoming(&[
            (0x01, b"fragments: \xe2\x82"),
            (0x89, b"inside a code point"),
            (0x80, b"\xac"),
            (0x82, &big[..250]),
            (0x82, b""),
            (0x8a, b"one"),
        ]);
        let beginning = [
            Seen::part(kind, true, false, b"fragments: \xe2\x82"),
            Seen::Ping(b"inside a code point".to_vec()),
            Seen::part(kind, false, true, b"\xac"),
            Seen::binary(&big[..250]),
            Seen::binary(b""),
            Seen::Pong(b"one".to_vec()),
        ];
        let greeting_and_echoes: [(u8, &[u8]); 8] = [
            (0x82, &big),
            (0x89, b"one"),
            (0x81, b"hi"),
            (0x01, b"fragments: \xe2\x82"),
            (0x8a, b"inside a code point"),
            (0x80, b"\xac"),
            (0x82, &big[..250]),
            (0x82, b""),
        ];
        let sent = greeting_and_echoes.iter().chain(sent);
        Script {
            input: [self.head(), input, self.incoming(ending)].concat(),
            outcome: Outcome { head: self.lines(), events: [&beginning, events].concat(), end: Some(end) },
            sent: sent.map(|(b0, payload)| (*b0, payload.to_vec())).collect(),
        }
    }
}
