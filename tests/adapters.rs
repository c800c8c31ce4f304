//! The adapters: the same scripts through each of them and by hand, in both roles, with the input
//! cut anywhere, stalls anywhere, and every future dropped after any number of polls.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use microws::handshake::{client, server};
use microws::io::{Error, nonblocking};
use microws::{Buffer, CloseCode, Connection, Event, HandshakeError, MessageKind, Role, SendError};
use microws_tests::wire::{Broken, Op, Ready, Stack, Stalls, Wire};
use microws_tests::{Cuts, Drive, End, Seen, Tx, frame, frames, messages};

/// The least that a buffer can be.
const LEAST: usize = 139;

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Outcome {
    items: Vec<String>,
    events: Vec<Seen>,
    end: Option<Error<Broken>>,
}

impl Outcome {
    fn ended(mut self, end: Result<(), Error<Broken>>) -> Self {
        self.end = end.err();
        self
    }
}

/// A payload that needs several fragments.
fn big() -> Vec<u8> {
    (0..400).map(|i| (i * 7) as u8).collect()
}

/// The random source of the clients: RFC 6455's nonce, then always the same masking key.
fn random(bytes: &mut [u8]) {
    match bytes.len() {
        16 => bytes.copy_from_slice(b"the sample nonce"),
        _ => bytes.copy_from_slice(&[0xa5, 0x5a, 0x0f, 0xf0]),
    }
}

const REQUEST: client::Request<'static> = client::Request {
    subprotocols: &["chat"],
    fields: &[("Authorization", "Bearer 7")],
    ..client::Request::new("h", "/room?id=7")
};

/// Generates `accept`, `connect` and `converse`, the same program in the style of an adapter;
/// `$call` makes it whole again where it is broken off.
macro_rules! style {
    ($name:ident, $adapter:ident, { $($bounds:tt)* }, $call:ident) => {
        mod $name {
            use super::*;
            use microws::io::$adapter::{Accept, Connect, WebSocket};

            /// Listens to the request, and accepts it if `refusal` has nothing to say.
            pub fn accept<S: $($bounds)*>(
                stream: S, polls: usize, refusal: Option<(u16, &str)>,
            ) -> Outcome {
                let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
                let mut outcome = Outcome::default();
                let mut request = Accept::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), &[]);
                let end = (|| {
                    while let Some(item) = $call!(polls, request.next())? {
                        outcome.items.push(format!("{item:?}"));
                    }
                    if let Some((status, body)) = refusal {
                        return $call!(polls, request.refuse(status, &[("Retry-After", "9")], body));
                    }
                    let socket = $call!(polls, request.accept(&[]))?;
                    assert!(request.into_parts().is_none());
                    converse(socket, polls, &mut outcome.events)
                })();
                outcome.ended(end)
            }

            pub fn connect<S: $($bounds)*>(stream: S, polls: usize) -> Outcome {
                let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
                let mut outcome = Outcome::default();
                let mut request =
                    Connect::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), REQUEST, random);
                let end = (|| {
                    while let Some(item) = $call!(polls, request.next())? {
                        outcome.items.push(format!("{item:?}"));
                    }
                    let socket = $call!(polls, request.connect())?;
                    assert_eq!(request.subprotocol(), Some("chat"));
                    converse(socket, polls, &mut outcome.events)
                })();
                outcome.ended(end)
            }

            fn converse<S: $($bounds)*, R: Role>(
                mut socket: WebSocket<'_, S, R>, polls: usize, events: &mut Vec<Seen>,
            ) -> Result<(), Error<Broken>> {
                let (sender, big) = (socket.sender(), big());
                $call!(polls, sender.send_binary(&big))?;
                $call!(polls, sender.ping(b"one"))?;
                $call!(polls, sender.send_fragment(MessageKind::Text, b"h", false))?;
                $call!(polls, sender.send_fragment(MessageKind::Text, b"i", true))?;
                $call!(polls, sender.flush())?;
                assert_eq!(sender.queued(), 0);
                let mut closed = false;
                loop {
                    let (event, reply) = match $call!(polls, socket.recv()) {
                        Err(Error::Eof) => break,
                        received => received?,
                    };
                    Seen::of(&event).note(events);
                    match event {
                        Event::Chunk(c) => {
                            match $call!(polls, reply.send_fragment(c.kind, c.payload, c.fin)) {
                                Ok(()) | Err(Error::Send(SendError::Closed)) => {}
                                Err(error) => return Err(error),
                            }
                        }
                        Event::Pong(b"bye") => {
                            $call!(polls, reply.close(CloseCode::NORMAL, "bye"))?;
                        }
                        Event::Close(_) => {
                            closed = true;
                            break;
                        }
                        _ => {}
                    }
                }
                if !closed {
                    // Who has ended one direction may still listen.
                    $call!(polls, socket.sender().flush())?;
                    return Err(Error::Eof);
                }
                // Behind the end there is nothing.
                assert_eq!($call!(polls, socket.recv()).err(), Some(Error::Closed));
                assert_eq!($call!(polls, socket.sender().send_text("late")), Err(SendError::Closed.into()));
                Ok(())
            }
        }
    };
}

/// A blocking stream says with an error that it can't go on.
macro_rules! retry {
    ($polls:expr, $verb:expr) => {
        loop {
            let _ = $polls;
            match $verb {
                Err(Error::Io(Broken::TimedOut)) => {}
                done => break done,
            }
        }
    };
}

macro_rules! block {
    ($polls:expr, $verb:expr) => {
        loop {
            let _ = $polls;
            match $verb {
                Ok(done) => break Ok(done),
                Err(nb::Error::WouldBlock) => {}
                Err(nb::Error::Other(error)) => break Err(error),
            }
        }
    };
}

/// Polls a future so many times, then drops it and makes it anew.
macro_rules! drop_and_call_again {
    ($polls:expr, $verb:expr) => {
        loop {
            let mut future = pin!($verb);
            let mut context = Context::from_waker(Waker::noop());
            let mut polls = 0;
            let done = loop {
                match future.as_mut().poll(&mut context) {
                    Poll::Ready(done) => break Some(done),
                    Poll::Pending => polls += 1,
                }
                if polls == $polls {
                    break None;
                }
            };
            if let Some(done) = done {
                break done;
            }
        }
    };
}

style!(blocking, blocking, { embedded_io::Read<Error = Broken> + embedded_io::Write }, retry);
style!(non_blocking, nonblocking, { nonblocking::Stream<Error = Broken> }, block);
style!(
    asynchronous, asynch,
    { embedded_io_async::Read<Error = Broken> + embedded_io_async::Write },
    drop_and_call_again
);

/// The adapters, and what is over or under them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Blocking,
    NonBlocking,
    NonBlockingIo,
    NonBlockingTcp,
    /// The futures are dropped after so many polls.
    Async(usize),
}

const STYLES: [Style; 8] = [
    Style::Blocking,
    Style::NonBlocking,
    Style::NonBlockingIo,
    Style::NonBlockingTcp,
    Style::Async(usize::MAX),
    Style::Async(1),
    Style::Async(2),
    Style::Async(3),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Server,
    Client,
}

impl Style {
    fn run(self, side: Side, wire: &Wire) -> Outcome {
        let io = || nonblocking::Io(Ready(wire.clone()));
        let tcp = || nonblocking::Tcp { stack: Stack, socket: wire.clone() };
        match (side, self) {
            (Side::Server, Self::Blocking) => blocking::accept(wire.clone(), 0, None),
            (Side::Server, Self::NonBlocking) => non_blocking::accept(wire.clone(), 0, None),
            (Side::Server, Self::NonBlockingIo) => non_blocking::accept(io(), 0, None),
            (Side::Server, Self::NonBlockingTcp) => non_blocking::accept(tcp(), 0, None),
            (Side::Server, Self::Async(polls)) => asynchronous::accept(wire.clone(), polls, None),
            (Side::Client, Self::Blocking) => blocking::connect(wire.clone(), 0),
            (Side::Client, Self::NonBlocking) => non_blocking::connect(wire.clone(), 0),
            (Side::Client, Self::NonBlockingIo) => non_blocking::connect(io(), 0),
            (Side::Client, Self::NonBlockingTcp) => non_blocking::connect(tcp(), 0),
            (Side::Client, Self::Async(polls)) => asynchronous::connect(wire.clone(), polls),
        }
    }

    fn refuse(self, wire: &Wire, status: u16, body: &str) -> Outcome {
        let refusal = Some((status, body));
        match self {
            Self::Blocking => blocking::accept(wire.clone(), 0, refusal),
            Self::NonBlocking => non_blocking::accept(wire.clone(), 0, refusal),
            Self::NonBlockingIo => non_blocking::accept(nonblocking::Io(Ready(wire.clone())), 0, refusal),
            Self::NonBlockingTcp => {
                non_blocking::accept(nonblocking::Tcp { stack: Stack, socket: wire.clone() }, 0, refusal)
            }
            Self::Async(polls) => asynchronous::accept(wire.clone(), polls, refusal),
        }
    }
}

impl Side {
    const BOTH: [Self; 2] = [Self::Server, Self::Client];

    /// The head that comes: with a line that does not fit into `rx`.
    fn head(self) -> Vec<u8> {
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
    fn own_head(self) -> &'static [u8] {
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

    fn incoming(self, script: &[(u8, &[u8])]) -> Vec<u8> {
        let key = (self == Self::Server).then_some([0x37, 0xfa, 0x21, 0x3d]);
        script.iter().flat_map(|(b0, payload)| frame(*b0, key, payload)).collect()
    }

    /// What is said until the end, which is one of four.
    fn scripts(self) -> [Vec<u8>; 4] {
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
    fn by_hand(self, script: &[u8]) -> (Outcome, Vec<(u8, Vec<u8>)>) {
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
    fn sent(self, output: &[u8]) -> Vec<(u8, Vec<u8>)> {
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

/// Every flush follows a write, and nothing unflushed is left when the adapter waits.
fn check_flushes(style: Style, ops: &[Op], stalls: Stalls) {
    if style == Style::NonBlockingTcp {
        return; // a stack of `embedded-nal` has no flush
    }
    let mut unflushed = false;
    for op in ops {
        match op {
            Op::Write(_) => unflushed = true,
            Op::Flush => assert!(std::mem::replace(&mut unflushed, false), "a flush for nothing: {ops:?}"),
            // A non-blocking stream may be read while it takes nothing.
            Op::Read(_) if matches!(stalls, Stalls::Never) => assert!(!unflushed, "{ops:?}"),
            Op::Read(_) => {}
        }
    }
    assert!(!unflushed, "the end was handed out before it was flushed: {ops:?}");
}

fn for_every_script(check: impl Fn(Side, &[u8], &Outcome, &[(u8, Vec<u8>)])) {
    for side in Side::BOTH {
        for script in side.scripts() {
            let (outcome, sent) = side.by_hand(&script);
            check(side, &[side.head(), script].concat(), &outcome, &sent);
        }
    }
}

fn check(style: Style, side: Side, wire: &Wire, stalls: Stalls, outcome: &Outcome, sent: &[(u8, Vec<u8>)]) {
    let context = || format!("{style:?} {side:?}, {stalls:?}, {:?}", wire.ops());
    assert_eq!(style.run(side, wire), *outcome, "{}", context());
    assert_eq!(side.sent(&wire.output()), sent, "{}", context());
    check_flushes(style, &wire.ops(), stalls);
}

#[test]
fn every_adapter_says_what_was_done_by_hand_at_every_cut() {
    for_every_script(|side, input, outcome, sent| {
        // The scripts begin alike: only the first one is cut there.
        let shortest = side.head().len() + side.scripts()[3].len();
        let first = if *input == [side.head(), side.scripts()[0].clone()].concat() { 0 } else { shortest };
        for cut in first..input.len() {
            let writes = if cut % 2 == 0 { Cuts::Whole } else { Cuts::Every(1) };
            let mut bytes: Option<Vec<u8>> = None;
            for style in STYLES {
                let stalls = if cut % 3 == 0 { Stalls::Never } else { Stalls::Often };
                let wire = Wire::new(input, Cuts::At(cut), writes.clone(), stalls);
                check(style, side, &wire, stalls, outcome, sent);
                // Where the bytes come in the same pieces, the same bytes go.
                let output = wire.output();
                assert_eq!(*bytes.get_or_insert_with(|| output.clone()), output, "{style:?}");
            }
        }
    });
}

#[test]
fn every_adapter_says_what_was_done_by_hand_byte_by_byte() {
    for_every_script(|side, input, outcome, sent| {
        for style in STYLES {
            for stalls in [Stalls::Never, Stalls::Often] {
                let wire = Wire::new(input, Cuts::Every(1), Cuts::Every(1), stalls);
                check(style, side, &wire, stalls, outcome, sent);
            }
        }
    });
}

#[test]
fn a_stall_at_any_one_place_changes_nothing() {
    for_every_script(|side, input, outcome, sent| {
        for style in STYLES {
            for place in 1.. {
                let stalls = Stalls::Once(place);
                let wire = Wire::new(input, Cuts::Every(60), Cuts::Every(50), stalls);
                check(style, side, &wire, stalls, outcome, sent);
                if wire.attempts() < place {
                    break;
                }
            }
        }
    });
}

#[test]
fn many_frames_in_one_read_are_answered_with_one_write_and_one_flush() {
    let input: Vec<u8> = Side::Server.incoming(&[(0x81, b"a"), (0x81, b"b"), (0x89, b"c"), (0x82, b"d")]);
    let answers = b"\x81\x01a\x81\x01b\x8a\x01c\x82\x01d";
    for style in STYLES {
        let wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
        wire.deliver(&input);
        let _ = style.run(Side::Server, &wire);
        assert!(wire.output().ends_with(answers));
        let ops = wire.ops();
        let mut expected = vec![Op::Write(answers.len()), Op::Flush, Op::Read(0)];
        expected.retain(|op| *op != Op::Flush || style != Style::NonBlockingTcp);
        assert!(ops.ends_with(&expected), "{ops:?}");
    }
}

#[test]
fn a_request_at_fault_is_answered_before_the_error_is_handed_out() {
    let head = |extra: &str| format!("GET / HTTP/1.1\r\nHost: h\r\n{extra}\r\n").into_bytes();
    let upgrade =
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for (request, error, status) in [
        (head(""), HandshakeError::NoUpgrade, "426 "),
        (head(&format!("{upgrade}Sec-WebSocket-Version: 12\r\n")), HandshakeError::WebSocketVersion, "426 "),
        (head("Host: again\r\n"), HandshakeError::Repeated(microws::KnownField::Host), "400 "),
        (head(&format!("Host{}", "x".repeat(200))), HandshakeError::FieldTooLong(None), "431 "),
        (b"BREW /coffee\r\n".to_vec(), HandshakeError::BadStartLine, "400 "),
    ] {
        for style in STYLES {
            for stalls in [Stalls::Never, Stalls::Often] {
                let wire = Wire::new(&request, Cuts::Every(7), Cuts::Every(5), stalls);
                assert_eq!(style.run(Side::Server, &wire).end, Some(Error::Handshake(error)), "{style:?}");
                let answer = String::from_utf8(wire.output()).unwrap();
                assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
                assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
                assert_eq!(answer.contains("Sec-WebSocket-Version: 13"), status == "426 ");
                check_flushes(style, &wire.ops(), stalls);
            }
        }
    }
}

#[test]
fn a_request_is_refused_as_the_caller_says() {
    for style in STYLES {
        for stalls in [Stalls::Never, Stalls::Often] {
            let wire = Wire::new(&Side::Server.head(), Cuts::Every(9), Cuts::Every(5), stalls);
            let outcome = style.refuse(&wire, 503, "busy\n");
            assert_eq!(outcome.end, None);
            assert_eq!(outcome.items.len(), 7);
            assert_eq!(
                String::from_utf8(wire.output()).unwrap(),
                "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 5\r\n\
                 Retry-After: 9\r\n\r\nbusy\n"
            );
            check_flushes(style, &wire.ops(), stalls);
        }
    }
}

#[test]
fn an_answer_other_than_101_can_be_read() {
    let answer = b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://h/there\r\nContent-Length: 0\r\n\r\n";
    for style in STYLES {
        let wire = Wire::new(answer, Cuts::Every(3), Cuts::Every(5), Stalls::Often);
        let outcome = style.run(Side::Client, &wire);
        assert_eq!(outcome.end, Some(Error::Handshake(HandshakeError::Status(301))));
        assert_eq!(outcome.items.len(), 3);
        assert_eq!(wire.output(), Side::Client.own_head());
    }
}

#[test]
fn the_stream_ending_amid_the_handshake_is_told_apart() {
    for side in Side::BOTH {
        for style in STYLES {
            let wire = Wire::new(&side.head()[..50], Cuts::Whole, Cuts::Whole, Stalls::Often);
            assert_eq!(style.run(side, &wire).end, Some(Error::Eof), "{style:?}");
        }
    }
}

/// A server's socket that is open, and its wire.
macro_rules! open {
    ($wire:ident, $socket:ident, $limits:expr) => {
        let $wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
        let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
        let mut request =
            nonblocking::Accept::new($wire.clone(), Buffer::new(&mut rx), Buffer::new(&mut tx), &[]);
        let socket = block!(0, request.accept(&[])).unwrap();
        let mut $socket = socket.limits($limits);
    };
}

#[test]
fn what_the_peer_does_not_take_stops_the_reading() {
    open!(wire, socket, |connection| connection);
    let head = wire.output().len();
    wire.stall(Stalls::Writing(usize::MAX));
    let ping = Side::Server.incoming(&[(0x89, b"twelve bytes")]);
    for _ in 0..200 {
        wire.deliver(&ping);
    }
    let read = wire.read_so_far();
    let mut pings = 0;
    while socket.recv().is_ok() {
        pings += 1;
    }
    for _ in 0..10 {
        assert_eq!(socket.recv().err(), Some(nb::Error::WouldBlock));
    }
    // Behind one pong of 14 bytes there is no room for a whole one of 127: that is all.
    assert_eq!(pings, 1);
    assert!(wire.read_so_far() - read <= LEAST, "more was read than fits into rx");
    wire.stall(Stalls::Never);
    for _ in pings..200 {
        assert!(matches!(block!(0, socket.recv()), Ok((Event::Ping(b"twelve bytes"), _))));
    }
    block!(0, socket.sender().flush()).unwrap();
    assert_eq!(frames(&wire.output()[head..]).len(), 200);
}

#[test]
fn messages_are_received_amid_a_payload_that_does_not_fit() {
    open!(wire, socket, |connection| connection);
    let head = wire.output().len();
    wire.stall(Stalls::Often);
    let payload = big();
    let mut received = 0;
    loop {
        match socket.sender().send_binary(&payload) {
            Ok(()) => break,
            Err(nb::Error::WouldBlock) => {}
            Err(error) => panic!("{error:?}"),
        }
        // Another message can't begin; a ping goes between the fragments.
        let other = socket.sender().send_text("another");
        assert_eq!(other, Err(nb::Error::Other(SendError::MessageInProgress.into())));
        block!(0, socket.sender().ping(b"between")).unwrap();
        wire.deliver(&Side::Server.incoming(&[(0x81, b"hello")]));
        assert!(matches!(block!(0, socket.recv()), Ok((Event::Chunk(_), _))));
        received += 1;
    }
    assert!(received >= 2);
    block!(0, socket.sender().flush()).unwrap();
    let sent = frames(&wire.output()[head..]);
    let data: Vec<_> = sent.iter().filter(|frame| frame.b0 & 0x08 == 0).collect();
    assert_eq!(data.iter().map(|frame| frame.b0).collect::<Vec<_>>(), [0x02, 0x00, 0x80]);
    assert_eq!(data.iter().flat_map(|frame| frame.payload.clone()).collect::<Vec<_>>(), payload);
    assert_eq!(sent.iter().filter(|frame| frame.b0 == 0x89).count(), received);
}

#[test]
fn limits_reach_the_handshake() {
    let wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
    let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut request = nonblocking::Accept::new(wire.clone(), rx, tx, &[]).limits(1000, 3);
    let error = block!(0, request.accept(&[])).err();
    assert_eq!(error, Some(Error::Handshake(HandshakeError::TooManyFields)));
    assert!(wire.output().starts_with(b"HTTP/1.1 431 "));
}

#[test]
fn limits_reach_the_connection() {
    open!(wire, socket, |connection| connection.max_message_len(4).whole_up_to(4));
    let whole = Side::Server.incoming(&[(0x81, b"four")]);
    wire.deliver(&whole[..8]);
    assert_eq!(block!(0, socket.recv()).err(), Some(Error::Eof));
    wire.deliver(&whole[8..]);
    assert!(matches!(block!(0, socket.recv()), Ok((Event::Chunk(chunk), _)) if chunk.payload == b"four"));
    wire.deliver(&Side::Server.incoming(&[(0x81, b"five!")]));
    let error = block!(0, socket.recv()).err();
    assert_eq!(error, Some(Error::Protocol(microws::ProtocolError::MessageTooBig)));
    assert!(wire.output().ends_with(b"\x88\x02\x03\xf1"));
}
