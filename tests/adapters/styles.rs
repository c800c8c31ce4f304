//! One program in each style of I/O.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use microws::handshake::client;
use microws::io::{Error, nonblocking};
use microws::{Buffer, CloseCode, Event, MessageKind, Role, SendError, State};
use microws_tests::Seen;
use microws_tests::wire::{Broken, Op, Ready, Stack, Stalls, Wire};

use crate::scripts::Side;

/// The least that a buffer can be.
pub const LEAST: usize = 139;

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    pub items: Vec<String>,
    pub events: Vec<Seen>,
    pub end: Option<Error<Broken>>,
}

impl Outcome {
    fn ended(mut self, end: Result<(), Error<Broken>>) -> Self {
        self.end = end.err();
        self
    }
}

/// A payload that needs several fragments.
pub fn big() -> Vec<u8> {
    (0..400).map(|i| (i * 7) as u8).collect()
}

/// The random source of the clients: RFC 6455's nonce, then always the same masking key.
pub fn random(bytes: &mut [u8]) {
    match bytes.len() {
        16 => bytes.copy_from_slice(b"the sample nonce"),
        _ => bytes.copy_from_slice(&[0xa5, 0x5a, 0x0f, 0xf0]),
    }
}

pub const REQUEST: client::Request<'static> = client::Request {
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

            /// Accepts, and asks the request for more.
            pub fn accept_twice<S: $($bounds)*>(stream: S, polls: usize) {
                let (mut rx, mut tx) = ([0; LEAST], [0; 2 * LEAST]);
                let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
                let mut request = Accept::new(stream, rx, tx, &["chat"]);
                assert_eq!(request.subprotocol(), None);
                // An answer that does not fit into tx changes nothing.
                let long = "x".repeat(300);
                let long = [("Server", &long[..])];
                let too_big = Some(SendError::BufferFull.into());
                assert_eq!($call!(polls, request.accept(&long)).err(), too_big);
                assert!($call!(polls, request.accept(&[])).is_ok());
                assert_eq!(request.subprotocol(), Some("chat"));
                assert_eq!($call!(polls, request.next()).err(), Some(Error::Closed));
                assert_eq!($call!(polls, request.accept(&[])).err(), Some(Error::Closed));
                assert_eq!($call!(polls, request.refuse(503, &[], "")).err(), Some(Error::Closed));
            }

            /// Connects, and asks the answer for more.
            pub fn connect_twice<S: $($bounds)*>(stream: S, polls: usize) {
                let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
                let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
                let mut request = Connect::new(stream, rx, tx, REQUEST, random);
                assert_eq!(request.subprotocol(), None);
                let mut socket = $call!(polls, request.connect()).unwrap();
                // A ping and a close frame make room for themselves.
                for _ in 0..2 {
                    $call!(polls, socket.sender().ping(&[7; 125])).unwrap();
                }
                $call!(polls, socket.sender().close(CloseCode::NORMAL, "bye")).unwrap();
                assert_eq!((socket.state(), socket.sender().queued()), (State::Closing, 11));
                assert_eq!(request.subprotocol(), Some("chat"));
                assert_eq!($call!(polls, request.next()).err(), Some(Error::Closed));
                assert_eq!($call!(polls, request.connect()).err(), Some(Error::Closed));
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

pub(crate) use block;

style!(blocking, blocking, { embedded_io::Read<Error = Broken> + embedded_io::Write }, retry);
style!(non_blocking, nonblocking, { nonblocking::Stream<Error = Broken> }, block);
style!(
    asynchronous, asynch,
    { embedded_io_async::Read<Error = Broken> + embedded_io_async::Write },
    drop_and_call_again
);

/// The adapters, and what is over or under them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Blocking,
    NonBlocking,
    NonBlockingIo,
    NonBlockingTcp,
    /// The futures are dropped after so many polls.
    Async(usize),
}

pub const STYLES: [Style; 8] = [
    Style::Blocking,
    Style::NonBlocking,
    Style::NonBlockingIo,
    Style::NonBlockingTcp,
    Style::Async(usize::MAX),
    Style::Async(1),
    Style::Async(2),
    Style::Async(3),
];

impl Style {
    pub fn run(self, side: Side, wire: &Wire) -> Outcome {
        let io = || nonblocking::Io(Ready(wire.clone()));
        let tcp = || nonblocking::Tcp { stack: Stack, socket: wire.clone() };
        match (side, self) {
            (Side::Server, Self::Blocking) => blocking::accept(wire.clone(), 0, None),
            (Side::Server, Self::NonBlocking) => non_blocking::accept(&mut wire.clone(), 0, None),
            (Side::Server, Self::NonBlockingIo) => non_blocking::accept(io(), 0, None),
            (Side::Server, Self::NonBlockingTcp) => non_blocking::accept(tcp(), 0, None),
            (Side::Server, Self::Async(polls)) => asynchronous::accept(wire.clone(), polls, None),
            (Side::Client, Self::Blocking) => blocking::connect(wire.clone(), 0),
            (Side::Client, Self::NonBlocking) => non_blocking::connect(&mut wire.clone(), 0),
            (Side::Client, Self::NonBlockingIo) => non_blocking::connect(io(), 0),
            (Side::Client, Self::NonBlockingTcp) => non_blocking::connect(tcp(), 0),
            (Side::Client, Self::Async(polls)) => asynchronous::connect(wire.clone(), polls),
        }
    }

    pub fn open_twice(self, side: Side, wire: &Wire) {
        match (side, self) {
            (Side::Server, Self::Blocking) => blocking::accept_twice(wire.clone(), 0),
            (Side::Server, Self::Async(polls)) => asynchronous::accept_twice(wire.clone(), polls),
            (Side::Server, _) => non_blocking::accept_twice(wire.clone(), 0),
            (Side::Client, Self::Blocking) => blocking::connect_twice(wire.clone(), 0),
            (Side::Client, Self::Async(polls)) => asynchronous::connect_twice(wire.clone(), polls),
            (Side::Client, _) => non_blocking::connect_twice(wire.clone(), 0),
        }
    }

    pub fn refuse(self, wire: &Wire, status: u16, body: &str) -> Outcome {
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

/// Every flush follows a write, and nothing unflushed is left when the adapter waits.
pub fn check_flushes(style: Style, ops: &[Op], stalls: Stalls) {
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
