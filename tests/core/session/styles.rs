//! One program in each style of I/O.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use microws::io::{Error, asynch, blocking, polled};
use microws::{CloseCode, End, Endpoint, Event, MessageKind, SendError, Sent, Session, Step};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Seen, buffer};

use crate::scripts::{LEAST, Outcome, Side, big, client, server};

/// Notes an event of the head; gives back any other.
pub(crate) fn note_head<'b>(head: &mut Vec<String>, event: Event<'b>) -> Option<Event<'b>> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    head.push(match event {
        Event::Request(line) => format!("{} {}", line.method(), line.target()),
        Event::Status(line) => format!("{} {}", line.status(), text(line.reason())),
        Event::Field(field) => text(field.name()) + ": " + &text(field.value()),
        Event::LongField(name) => text(name),
        Event::HeadEnd => String::new(),
        other => return Some(other),
    });
    None
}

/// A blocking stream says with an error that it can't go on: then the verb is called again.
macro_rules! retry {
    ($polls:expr, $verb:expr) => {
        loop {
            let _ = $polls;
            match $verb {
                Err(microws::io::Error::Io(microws_tests::wire::Broken::TimedOut)) => {}
                done => break done,
            }
        }
    };
}
pub(crate) use retry;

/// Polls a future so many times, then drops it and calls the verb again.
macro_rules! drop_and_call_again {
    ($polls:expr, $verb:expr) => {
        loop {
            let mut future = std::pin::pin!($verb);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let mut polls = 0;
            let done = loop {
                match future.as_mut().poll(&mut context) {
                    std::task::Poll::Ready(done) => break Some(done),
                    std::task::Poll::Pending => polls += 1,
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
pub(crate) use drop_and_call_again;

/// Polls a future once and drops it: whether it was pending.
macro_rules! poll_once {
    ($future:expr) => {{
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        matches!(std::pin::pin!($future).poll(&mut context), std::task::Poll::Pending)
    }};
}
pub(crate) use poll_once;

/// A future over a stream that never stalls.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("pending although nothing stalls"),
    }
}

/// The program, blocking or async; `$call` makes a verb whole again where it is broken off.
macro_rules! program {
    ($name:ident, $adapter:ident, $call:ident, { $($bounds:tt)* }) => {
        pub(crate) fn $name<S: $($bounds)*, R: Endpoint>(
            mut socket: $adapter::WebSocket<'_, S, R>, polls: usize,
        ) -> Outcome {
            let mut outcome = Outcome::default();
            loop {
                let (event, reply) = match $call!(polls, socket.recv()) {
                    Ok(Some(received)) => received,
                    Ok(None) => break outcome.end = socket.session().end(),
                    Err(Error::End(end)) => break outcome.end = Some(end),
                    Err(error) => panic!("{error:?}"),
                };
                let Some(event) = note_head(&mut outcome.head, event) else { continue };
                if event == Event::Open {
                    let big = big();
                    $call!(polls, reply.send_binary(&big)).unwrap();
                    $call!(polls, reply.ping(b"one")).unwrap();
                    $call!(polls, reply.send_fragment(MessageKind::Text, b"h", false)).unwrap();
                    $call!(polls, reply.send_fragment(MessageKind::Text, b"i", true)).unwrap();
                    continue;
                }
                Seen::of(&event).note(&mut outcome.events);
                match event {
                    Event::Chunk(c) => match $call!(polls, reply.send_fragment(c.kind, c.payload, c.fin)) {
                        Ok(()) | Err(Error::Send(SendError::Closed)) => {}
                        Err(error) => panic!("{error:?}"),
                    },
                    Event::Pong(b"bye") => $call!(polls, reply.close(CloseCode::NORMAL, "bye")).unwrap(),
                    _ => {}
                }
            }
            // After the end nothing comes and nothing goes.
            match $call!(polls, socket.recv()) {
                Ok(None) => assert!(matches!(outcome.end, Some(End::Closed(_)))),
                Err(Error::End(end)) => assert_eq!(Some(end), outcome.end),
                other => panic!("{:?}", other.is_ok()),
            }
            assert_eq!($call!(polls, socket.sender().send_text("late")), Err(SendError::Closed.into()));
            assert_eq!(socket.sender().queued(), 0);
            outcome
        }
    };
}

program!(blocking, blocking, retry, { embedded_io::Read<Error = Broken> + embedded_io::Write });
program!(
    asynchronous, asynch, drop_and_call_again,
    { embedded_io_async::Read<Error = Broken> + embedded_io_async::Write }
);

/// The program, polled. `tx` must have room for the echo of whatever `rx` holds.
pub(crate) fn polled<R: Endpoint>(
    session: Session<'static, R>,
    stream: &mut impl polled::Stream<Error = Broken>,
    tx: usize,
) -> Outcome {
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(tx), session);
    let mut outcome = Outcome::default();
    let big = big();
    let mut greeting = 0..0;
    for now in 0.. {
        // Nobody listens before the greeting has gone, as in the other styles.
        if let Some(part) = greeting.clone().next() {
            let sender = socket.sender();
            let sent = match part {
                0 => sender.send(MessageKind::Binary, &big),
                1 => sender.ping(b"one"),
                2 => sender.send_fragment(MessageKind::Text, b"h", false),
                _ => sender.send_fragment(MessageKind::Text, b"i", true),
            };
            match sent.unwrap() {
                Sent::Done => greeting.start += 1,
                Sent::Write => _ = socket.flush(stream).unwrap(),
            }
            continue;
        }
        match socket.poll(stream, now).unwrap() {
            Step::Event((event, reply)) => {
                let Some(event) = note_head(&mut outcome.head, event) else { continue };
                if event == Event::Open {
                    greeting = 0..4;
                    continue;
                }
                Seen::of(&event).note(&mut outcome.events);
                match event {
                    Event::Chunk(c) => match reply.send_fragment(c.kind, c.payload, c.fin) {
                        Ok(Sent::Done) | Err(SendError::Closed) => {}
                        other => panic!("{other:?}"),
                    },
                    Event::Pong(b"bye") => {
                        assert_eq!(reply.close(CloseCode::NORMAL, "bye"), Ok(Sent::Done));
                    }
                    _ => {}
                }
            }
            Step::End(end) => {
                outcome.end = Some(end);
                break;
            }
            Step::Shutdown => panic!("told to the caller"),
            Step::Read | Step::Write => {}
        }
    }
    assert_eq!(socket.poll(stream, 0).unwrap().map(|_| ()), Step::End(outcome.end.unwrap()));
    assert_eq!(socket.sender().send(MessageKind::Text, b"late"), Err(SendError::Closed));
    outcome
}

/// The program by hand: the loop of the documentation.
pub(crate) fn by_hand<R: Endpoint>(mut session: Session<'static, R>, wire: &Wire, tx: usize) -> Outcome {
    use embedded_io::{Read, Write};
    let mut wire = wire.clone();
    let (mut rx, mut tx) = (buffer(LEAST), buffer(tx));
    let mut outcome = Outcome::default();
    loop {
        let mut drain = |tx: &mut microws::Buffer<'_>| {
            while !tx.is_empty() {
                match wire.write(tx.filled()) {
                    Ok(n) => tx.consume(n),
                    Err(error) => assert_eq!(error, Broken::TimedOut),
                }
            }
        };
        macro_rules! send {
            ($verb:expr) => {
                loop {
                    match $verb {
                        Ok(Sent::Write) => drain(&mut tx),
                        Ok(Sent::Done) | Err(SendError::Closed) => break,
                        Err(error) => panic!("{error}"),
                    }
                }
            };
        }
        match session.receive(&mut rx, &mut tx) {
            Step::Event(event) => {
                let Some(event) = note_head(&mut outcome.head, event) else { continue };
                if event == Event::Open {
                    send!(session.send_binary(&mut tx, &big()));
                    send!(session.ping(&mut tx, b"one"));
                    send!(session.send_fragment(&mut tx, MessageKind::Text, b"h", false));
                    send!(session.send_fragment(&mut tx, MessageKind::Text, b"i", true));
                    continue;
                }
                Seen::of(&event).note(&mut outcome.events);
                match event {
                    Event::Chunk(c) => send!(session.send_fragment(&mut tx, c.kind, c.payload, c.fin)),
                    Event::Pong(b"bye") => send!(session.close(&mut tx, CloseCode::NORMAL, "bye")),
                    _ => {}
                }
            }
            Step::Read => {
                drain(&mut tx);
                match wire.read(rx.spare()) {
                    Ok(n) => session.commit(&mut rx, n),
                    Err(error) => assert_eq!(error, Broken::TimedOut),
                }
            }
            Step::Write => {
                assert!(!tx.is_empty(), "nothing to write");
                drain(&mut tx);
            }
            Step::Shutdown => {
                assert!(tx.is_empty(), "the last word has not left");
                wire.shut_down();
            }
            Step::End(end) => {
                outcome.end = Some(end);
                assert_eq!(session.receive(&mut rx, &mut tx), Step::End(end));
                assert_eq!(session.send_text(&mut tx, "late"), Err(SendError::Closed));
                return outcome;
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    ByHand,
    Blocking,
    Polled,
    /// The futures are dropped after so many polls.
    Async(usize),
}

pub(crate) const STYLES: [Style; 6] = [
    Style::ByHand,
    Style::Blocking,
    Style::Polled,
    Style::Async(usize::MAX),
    Style::Async(1),
    Style::Async(2),
];

pub(crate) fn half_close(wire: &mut Wire) {
    wire.shut_down();
}

impl Style {
    /// With a `tx` that has room for the echo of a full `rx`.
    pub(crate) fn run(self, side: Side, wire: &Wire) -> Outcome {
        self.run_with(side, wire, LEAST + 14)
    }

    pub(crate) fn run_with(self, side: Side, wire: &Wire, tx: usize) -> Outcome {
        match side {
            Side::Server => self.run_session(server(), wire, tx),
            Side::Client => self.run_session(client(), wire, tx),
        }
    }

    pub(crate) fn run_session<R: Endpoint>(
        self,
        session: Session<'static, R>,
        wire: &Wire,
        tx: usize,
    ) -> Outcome {
        match self {
            Self::ByHand => by_hand(session, wire, tx),
            Self::Polled => polled(session, &mut wire.clone(), tx.max(LEAST + 14)),
            Self::Blocking => {
                let socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(tx), session);
                blocking(socket.half_close(half_close), 0)
            }
            Self::Async(polls) => {
                let socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(tx), session);
                asynchronous(socket.half_close(half_close), polls)
            }
        }
    }
}

/// Every flush follows a write, and nothing unflushed is left when an adapter waits, ends our direction or ends.
pub(crate) fn check_flushes(style: Style, ops: &[Op], stalls: Stalls) {
    if style == Style::ByHand {
        return;
    }
    let mut unflushed = false;
    for op in ops {
        match op {
            Op::Write(_) => unflushed = true,
            Op::Flush => assert!(std::mem::replace(&mut unflushed, false), "a flush for nothing: {ops:?}"),
            Op::Shutdown => assert!(!unflushed, "ended before it was flushed: {ops:?}"),
            // A polled stream may be read while it takes nothing.
            Op::Read(_) if matches!(stalls, Stalls::Never) => assert!(!unflushed, "{ops:?}"),
            Op::Read(_) => {}
        }
    }
    assert!(!unflushed, "the end came before it was flushed: {ops:?}");
}
