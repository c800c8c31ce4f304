//! A client over a session whose opening handshake is done, and a server that is a script.

use microws::{Buffer, Config, MIN_CAPACITY, Sent, Session, Upgraded};
use microws_socketio::{AckSlot, Client, ClientConfig, End, Event, Inbox, Outgoing, SendError, Step};
use microws_tests::{Cuts, buffer, frame, frames, messages};

pub(crate) const OPEN: &str = r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}"#;
pub(crate) const JOINED: &str = r#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#;

pub(crate) type Role = Upgraded<microws::Client<fn(&mut [u8])>>;

/// A session of the role that masks, with a key that never changes.
pub(crate) fn session<'c>(config: &'c Config<'c>) -> Session<'c, Role> {
    Session::upgraded(config, microws::Client(|key| key.copy_from_slice(&[0x5a; 4])))
}

/// A message of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Say<'s> {
    Text(&'s str),
    Binary(&'s [u8]),
    /// A close frame of the WebSocket.
    Close,
    /// A ping of the WebSocket.
    Ping,
}

pub(crate) fn input(script: &[Say<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for say in script {
        match say {
            Say::Text(text) => bytes.extend(frame(0x81, None, text.as_bytes())),
            Say::Binary(data) => bytes.extend(frame(0x82, None, data)),
            Say::Close => bytes.extend(frame(0x88, None, &[3, 0xe8])),
            Say::Ping => bytes.extend(frame(0x89, None, b"?")),
        }
    }
    bytes
}

/// Each message in fragments of so many bytes.
pub(crate) fn fragmented(script: &[Say<'_>], len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for say in script {
        let (b0, payload) = match say {
            Say::Text(text) => (1, text.as_bytes()),
            Say::Binary(data) => (2, *data),
            other => {
                bytes.extend(input(&[*other]));
                continue;
            }
        };
        let mut rest = payload.chunks(len).peekable();
        let mut b0 = b0;
        if payload.is_empty() {
            bytes.extend(frame(0x80 | b0, None, b""));
        }
        while let Some(piece) = rest.next() {
            let fin = if rest.peek().is_none() { 0x80 } else { 0 };
            bytes.extend(frame(fin | b0, None, piece));
            b0 = 0;
        }
    }
    bytes
}

/// What came of a client's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub events: Vec<String>,
    /// Messages that were sent: text as it is, binary in hex, pongs and close frames of the WebSocket by name.
    pub sent: Vec<String>,
    pub end: Option<End>,
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An event in words.
pub(crate) fn words(event: &Event<'_>) -> String {
    let and = |attachments: &microws_socketio::Attachments<'_>| -> String {
        attachments.map(|bytes| format!(" +{}", hex(bytes))).collect()
    };
    match event {
        Event::Connected { sid, .. } => format!("connected {}", text(sid)),
        Event::Refused { error } => format!("refused {}", text(error)),
        Event::Event { name, args, attachments, ack } => {
            let ack = ack.map_or(String::new(), |id| format!(" ack {id}"));
            format!("{}({}){}{ack}", text(name), text(args), and(attachments))
        }
        Event::Ack { id, args, attachments } => format!("ack {id} ({}){}", text(args), and(attachments)),
        Event::AckOverdue { id } => format!("overdue {id}"),
        other => panic!("{other:?}"),
    }
}

/// What was sent, in words.
pub(crate) fn sent(output: &[u8]) -> Vec<String> {
    let frames = frames(output);
    assert!(frames.iter().all(|frame| frame.key.is_some()), "a client masks");
    messages(&frames)
        .into_iter()
        .map(|(b0, payload)| match b0 {
            0x81 => text(&payload).to_owned(),
            0x82 => hex(&payload),
            0x8a => format!("pong {}", text(&payload)),
            0x88 => format!("close {}", u16::from_be_bytes([payload[0], payload[1]])),
            other => panic!("{other:#x}"),
        })
        .collect()
}

/// How a client is led.
#[derive(Debug, Clone)]
pub(crate) struct Lead<'c> {
    pub config: ClientConfig<'c>,
    pub reads: Cuts,
    pub rx: usize,
    pub tx: usize,
    pub inbox: usize,
    /// The server's end of the stream comes after the script.
    pub eof: bool,
}

impl Default for Lead<'_> {
    fn default() -> Self {
        let config = ClientConfig::new();
        Self { config, reads: Cuts::Whole, rx: MIN_CAPACITY, tx: MIN_CAPACITY, inbox: 512, eof: true }
    }
}

/// What a program can do.
pub(crate) struct Hand<'h, 'c> {
    pub client: &'h mut Client<'c>,
    pub session: &'h mut Session<'c, Role>,
    pub tx: &'h mut Buffer<'static>,
    pub output: &'h mut Vec<u8>,
}

impl Hand<'_, '_> {
    /// Sends it, and writes `tx` out as often as that takes.
    pub(crate) fn send(&mut self, outgoing: &Outgoing<'_>) -> Result<(), SendError> {
        while self.client.send(self.session, self.tx, outgoing)? == Sent::Write {
            assert!(!self.tx.is_empty(), "asks for a write of nothing");
            self.output.extend(self.tx.filled());
            self.tx.consume(usize::MAX);
        }
        Ok(())
    }
}

impl Lead<'_> {
    /// Leads a client through the bytes that come.
    pub(crate) fn run(
        mut self,
        input: &[u8],
        mut program: impl FnMut(&mut Hand<'_, '_>, &Event<'_>),
    ) -> Life {
        let config = Config::new();
        let mut slots = [AckSlot::new(); 4];
        let (mut session, mut client) = (session(&config), Client::new(&self.config).acks(&mut slots));
        let (mut rx, mut tx, mut arena) = (buffer(self.rx), buffer(self.tx), vec![0; self.inbox]);
        let mut inbox = Inbox::new(&mut arena);
        let (mut rest, mut output, mut events) = (input, Vec::new(), Vec::new());
        let end = loop {
            match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
                Step::Event(event) => {
                    events.push(words(&event));
                    let (client, session) = (&mut client, &mut session);
                    let mut hand = Hand { client, session, tx: &mut tx, output: &mut output };
                    program(&mut hand, &event);
                }
                step @ (Step::Read | Step::Write) => {
                    output.extend(tx.filled());
                    tx.consume(usize::MAX);
                    if step == Step::Write {
                        continue;
                    }
                    let n = self.reads.size().min(rx.free()).min(rest.len());
                    if n == 0 && !self.eof {
                        break None;
                    }
                    let (now, later) = rest.split_at(n);
                    rx.spare()[..n].copy_from_slice(now);
                    session.commit(&mut rx, n);
                    rest = later;
                }
                Step::Shutdown => {}
                Step::End(end) => break Some(end),
            }
        };
        Life { events, sent: sent(&output), end }
    }
}

/// A client that does nothing by itself, after it has joined.
pub(crate) fn listen(script: &[Say<'_>]) -> Life {
    let script = [&[Say::Text(OPEN), Say::Text(JOINED)], script].concat();
    Lead::default().run(&input(&script), |_, _| {})
}
