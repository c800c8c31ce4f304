//! The receive loop of the documented contract, over a transport that delivers and takes bytes in
//! pieces. It checks what must hold at every step, whatever the input.

use microws::deflate::Inflater;
use microws::{
    Buffer, CloseCode, Connection, Event, MessageKind, ProtocolError, Role, SendError, State, Step,
};

/// An empty buffer of `len` bytes for a test that drives a connection by hand.
pub fn buffer(len: usize) -> Buffer<'static> {
    Buffer::from_slice(Box::leak(vec![0; len].into_boxed_slice())).unwrap()
}

/// An event with its payload copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Chunks that follow one another are one: where they were cut has no meaning.
    Data {
        kind: MessageKind,
        first: bool,
        fin: bool,
        payload: Vec<u8>,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
}

impl Seen {
    /// A whole text message.
    pub fn text(text: &str) -> Self {
        Self::message(MessageKind::Text, text.as_bytes())
    }

    /// A whole binary message.
    pub fn binary(payload: &[u8]) -> Self {
        Self::message(MessageKind::Binary, payload)
    }

    pub fn message(kind: MessageKind, payload: &[u8]) -> Self {
        Self::Data { kind, first: true, fin: true, payload: payload.to_vec() }
    }

    /// A part of a message between two other events.
    pub fn part(kind: MessageKind, first: bool, fin: bool, payload: &[u8]) -> Self {
        Self::Data { kind, first, fin, payload: payload.to_vec() }
    }

    pub fn close(code: u16, reason: &str) -> Self {
        Self::Close(code, reason.to_owned())
    }

    pub fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Chunk(chunk) => Self::part(chunk.kind, chunk.first, chunk.fin, chunk.payload),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(close) => Self::Close(close.code.0, close.reason().to_owned()),
            other => panic!("{other:?}"),
        }
    }

    /// Adds the event to those before it.
    pub fn note(self, events: &mut Vec<Self>) {
        if let (
            Some(Self::Data { fin: was_last, payload: before, .. }),
            Self::Data { first: false, fin, payload, .. },
        ) = (events.last_mut(), &self)
        {
            assert!(!*was_last, "a chunk that does not begin a message came after the end of one");
            before.extend(payload);
            *was_last = *fin;
            return;
        }
        events.push(self);
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The input was used up and the connection wants more.
    WantRead,
    /// The closing handshake is done.
    Closed,
    /// The peer was at fault.
    Failed(ProtocolError),
}

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub events: Vec<Seen>,
    pub output: Vec<u8>,
    pub end: End,
}

/// How many bytes the transport delivers, or takes, at a time.
#[derive(Debug, Clone)]
pub enum Cuts {
    /// As many as there are and fit.
    Whole,
    /// So many first, then the rest.
    At(usize),
    /// So many each time.
    Every(usize),
    /// Up to so many, by chance.
    Random(fastrand::Rng, usize),
}

impl Cuts {
    pub fn random(seed: u64, at_most: usize) -> Self {
        Self::Random(fastrand::Rng::with_seed(seed), at_most)
    }

    /// The size of the next piece.
    pub fn size(&mut self) -> usize {
        match self {
            Self::Whole => usize::MAX,
            Self::At(n) => {
                let n = std::mem::replace(n, usize::MAX);
                if n == 0 { usize::MAX } else { n }
            }
            Self::Every(n) => *n,
            Self::Random(rng, at_most) => rng.usize(1..=*at_most),
        }
    }

    /// Moves the next piece of `input` into `rx`, as far as there is room.
    pub(crate) fn feed(&mut self, input: &mut &[u8], rx: &mut Buffer<'_>) {
        let spare = rx.spare();
        let n = self.size().min(spare.len()).min(input.len());
        let (now, later) = input.split_at(n);
        spare[..n].copy_from_slice(now);
        rx.commit(n);
        *input = later;
    }
}

/// `tx` and the transport that it is written to.
#[derive(Debug)]
pub struct Tx<'a> {
    pub buffer: Buffer<'a>,
    output: Vec<u8>,
    cuts: Cuts,
}

impl Tx<'_> {
    /// The transport takes one piece.
    pub fn write_some(&mut self) {
        let n = self.cuts.size().min(self.buffer.len());
        self.output.extend(&self.buffer.filled()[..n]);
        self.buffer.consume(n);
    }

    /// The transport takes all there is.
    pub fn write_out(&mut self) {
        while !self.buffer.is_empty() {
            self.write_some();
        }
    }

    /// What was sent so far, on the wire or waiting.
    pub fn all(&self) -> Vec<u8> {
        [&self.output, self.buffer.filled()].concat()
    }

    /// Calls `send` until there is room for what it sends.
    pub fn make_room<T>(
        &mut self,
        mut send: impl FnMut(&mut Buffer<'_>) -> Result<T, SendError>,
    ) -> Result<T, SendError> {
        loop {
            match send(&mut self.buffer) {
                Err(SendError::BufferFull) if !self.buffer.is_empty() => self.write_some(),
                done => return done,
            }
        }
    }

    /// Echoes a chunk in fragments that fit.
    pub fn echo<R: Role>(&mut self, connection: &mut Connection<R>, event: &Event<'_>) {
        let Event::Chunk(chunk) = event else { return };
        let room = self.buffer.capacity() - 14;
        let mut rest = &chunk.payload[..];
        loop {
            let (now, later) = rest.split_at(rest.len().min(room));
            let fin = chunk.fin && later.is_empty();
            match self.make_room(|tx| connection.send_fragment(tx, chunk.kind, now, fin)) {
                Ok(()) | Err(SendError::Closed) => {}
                Err(error) => panic!("{error}"),
            }
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }
}

/// A run: buffers, cuts, and when the transport takes what is in `tx`.
#[derive(Debug, Clone)]
pub struct Drive {
    pub rx: usize,
    pub tx: usize,
    pub reads: Cuts,
    pub writes: Cuts,
    /// Write only when [`Step::Write`] demands it, or at the end of the input.
    pub lazy: bool,
    /// The size of an inflater's ring in `rx`; 0 for none.
    pub ring: usize,
}

impl Default for Drive {
    fn default() -> Self {
        Self { rx: 4096, tx: 4096, reads: Cuts::Whole, writes: Cuts::Whole, lazy: false, ring: 0 }
    }
}

impl Drive {
    /// Feeds `input` and sends nothing.
    pub fn listen<R: Role>(self, connection: &mut Connection<R>, input: &[u8]) -> Run {
        self.run(connection, input, |_, _, _| {})
    }

    /// Feeds `input`, every message is echoed.
    pub fn echo<R: Role>(self, connection: &mut Connection<R>, input: &[u8]) -> Run {
        self.run(connection, input, |connection, event, tx| tx.echo(connection, event))
    }

    /// Feeds `input`; `app` sees each event as it comes.
    pub fn run<R: Role>(
        mut self,
        connection: &mut Connection<R>,
        input: &[u8],
        mut app: impl FnMut(&mut Connection<R>, &Event<'_>, &mut Tx<'_>),
    ) -> Run {
        let (mut a, mut b) = (vec![0; self.rx], vec![0; self.tx]);
        let (mut inflater, mut ring) = (Inflater::new(), vec![0; self.ring]);
        let mut rx = Buffer::from_slice(&mut a).unwrap();
        if self.ring > 0 {
            rx = rx.inflating_slice(&mut inflater, &mut ring).unwrap();
        }
        let mut tx =
            Tx { buffer: Buffer::from_slice(&mut b).unwrap(), output: Vec::new(), cuts: self.writes.clone() };
        let (mut input, mut events) = (input, Vec::new());
        let end = loop {
            let before = rx.filled().to_vec();
            let received = connection.receive(&mut rx, &mut tx.buffer);
            match received {
                Step::Event(event) => {
                    let last = matches!(event, Event::Close(_));
                    Seen::of(&event).note(&mut events);
                    app(connection, &event, &mut tx);
                    if last {
                        break End::Closed;
                    }
                }
                Step::Read => {
                    assert!(rx.free() > 0, "wants more in a buffer that is full");
                    if !self.lazy || input.is_empty() {
                        tx.write_out();
                    }
                    if input.is_empty() {
                        break End::WantRead;
                    }
                    self.reads.feed(&mut input, &mut rx);
                }
                Step::Write => {
                    assert!(!tx.buffer.is_empty(), "wants an empty buffer written out");
                    if connection.state() == State::Open && !rx.is_empty() {
                        assert_eq!(rx.filled(), before, "consumed although there was no room for a reply");
                    }
                    tx.write_some();
                }
                Step::End(microws::End::Failed(error)) => break End::Failed(error),
                other => panic!("{other:?}"),
            }
        };
        if end != End::WantRead {
            let told = match (end, events.last()) {
                (End::Failed(error), _) => microws::End::Failed(error),
                (_, Some(Seen::Close(code, _))) => microws::End::Closed(CloseCode(*code)),
                other => panic!("an end without its event: {other:?}"),
            };
            check_the_end(connection, told, &mut rx, &mut tx);
        }
        Run { events, output: tx.all(), end }
    }
}

/// Endings come last, and stay: that of the closing handshake has the code of the peer's close frame.
fn check_the_end<R: Role>(
    connection: &mut Connection<R>,
    end: microws::End,
    rx: &mut Buffer<'_>,
    tx: &mut Tx<'_>,
) {
    assert!(tx.buffer.is_empty(), "the end came before the close frame had left");
    assert_eq!(connection.state(), State::Closed);
    // A ping, text masked and text unmasked after the end change nothing.
    for late in [&b"\x89\x00\x81\x80\0\0\0\0"[..], b"\x81\x80\0\0\0\0", b"\x81\x00"] {
        rx.consume(usize::MAX);
        assert!(rx.push(late));
        assert_eq!(connection.receive(rx, &mut tx.buffer), Step::End(end));
        assert_eq!(connection.send_text(&mut tx.buffer, "late"), Err(SendError::Closed));
        assert_eq!(connection.ping(&mut tx.buffer, b"late"), Err(SendError::Closed));
        assert_eq!(connection.close(&mut tx.buffer, CloseCode::NORMAL, "late"), Err(SendError::Closed));
        assert!(tx.buffer.is_empty(), "something was sent after the end");
    }
}
