//! Streams that fail, take nothing, or can't end one direction alone; futures dropped at the end.

use microws::io::{Error, asynch, blocking, polled};
use microws::{CloseCode, End, Event, Server, Session, State, Step};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::by_hand::{ANSWER, REQUEST, masked};
use crate::scripts::{LEAST, Side, server};
use crate::styles::{at_once, half_close, poll_once};

const GONE: End = End::Closed(CloseCode::GOING_AWAY);

fn quiet(input: &[u8]) -> Wire {
    Wire::new(input, Cuts::Whole, Cuts::Whole, Stalls::Never)
}

/// A whole conversation: a ping, a close frame, and bytes after it.
fn conversation() -> Vec<u8> {
    [REQUEST, &masked(0x89, b"?"), &masked(0x88, b"\x03\xe9"), &[b'x'; 300]].concat()
}

fn blocking(wire: &Wire) -> blocking::WebSocket<'static, Wire, Server> {
    blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server())
}

fn asynchronous(wire: &Wire) -> asynch::WebSocket<'static, Wire, Server> {
    asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server())
}

/// How it ends if the program only receives, and whether the close frame was reported.
type Ending = (Result<End, Broken>, bool);

fn listen_blocking(wire: &Wire, half_closes: bool) -> Ending {
    let mut socket = blocking(wire);
    if half_closes {
        socket = socket.half_close(half_close);
    }
    let mut told = false;
    loop {
        match socket.recv() {
            Ok(Some((event, _))) => told |= matches!(event, Event::Close(_)),
            Ok(None) => return (Ok(socket.session().end().unwrap()), told),
            Err(Error::End(end)) => return (Ok(end), told),
            Err(Error::Io(error)) => return (Err(error), told),
            Err(error) => panic!("{error}"),
        }
    }
}

fn listen_async(wire: &Wire, half_closes: bool) -> Ending {
    let mut socket = asynchronous(wire);
    if half_closes {
        socket = socket.half_close(half_close);
    }
    let mut told = false;
    loop {
        match at_once(socket.recv()) {
            Ok(Some((event, _))) => told |= matches!(event, Event::Close(_)),
            Ok(None) => return (Ok(socket.session().end().unwrap()), told),
            Err(Error::End(end)) => return (Ok(end), told),
            Err(Error::Io(error)) => return (Err(error), told),
            Err(error) => panic!("{error}"),
        }
    }
}

fn listen_polled(wire: &Wire, _: bool) -> Ending {
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
    let mut told = false;
    loop {
        match socket.poll(&mut wire.clone(), 0) {
            Ok(Step::Event((event, _))) => told |= matches!(event, Event::Close(_)),
            Ok(Step::End(end)) => return (Ok(end), told),
            Ok(Step::Read) => {}
            Ok(_) => panic!("waits"),
            Err(error) => return (Err(error), told),
        }
    }
}

const LISTENERS: [fn(&Wire, bool) -> Ending; 3] = [listen_blocking, listen_async, listen_polled];

#[test]
fn a_stream_that_fails_at_any_place_is_told_before_the_last_word_and_is_the_known_end_after_it() {
    for listen in LISTENERS {
        let (mut failed, mut ended) = (0, 0);
        for place in 1.. {
            let wire =
                Wire::new(&conversation(), Cuts::Every(60), Cuts::Every(50), Stalls::FailingFrom(place));
            match listen(&wire, true) {
                (Err(error), told) => {
                    assert_eq!((error, told), (Broken::Reset, false), "at {place}");
                    failed += 1;
                }
                (Ok(end), told) => {
                    assert_eq!((end, told), (GONE, true), "at {place}");
                    ended += 1;
                }
            }
            // It was tried once and then left alone.
            assert!(wire.attempts() <= place + 1, "at {place}");
            if wire.attempts() < place {
                break;
            }
        }
        assert!(failed > 5 && ended > 5, "{failed} {ended}");
    }
}

/// A reset discards the rest of a rejected request.
#[test]
fn a_stream_that_fails_after_a_rejection_is_the_rejections_end() {
    for listen in LISTENERS {
        for place in 2..5 {
            let wire = Wire::new(b"nonsense\r\n", Cuts::Whole, Cuts::Whole, Stalls::FailingFrom(place));
            let (end, _) = listen(&wire, true);
            assert!(matches!(end, Ok(End::Rejected(_))), "{end:?} at {place}");
        }
    }
}

#[test]
fn a_blocking_or_async_stream_that_takes_nothing_more_has_ended() {
    for side in Side::BOTH {
        let wire = Wire::new(&side.head(), Cuts::Whole, Cuts::Every(0), Stalls::Never);
        let end = match side {
            Side::Server => blocking(&wire).open(),
            Side::Client => {
                let session = crate::scripts::client();
                let mut socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
                at_once(socket.open())
            }
        };
        match side {
            // It has not had to write yet.
            Side::Server => assert_eq!(end, Ok(())),
            Side::Client => assert_eq!(end, Err(Error::End(End::Eof))),
        }
        assert_eq!(wire.output(), b"");
    }
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Every(0), Stalls::Never);
    let mut socket = blocking(&wire);
    socket.open().unwrap();
    assert_eq!(socket.sender().flush(), Err(Error::End(End::Eof)));
    assert_eq!(socket.recv().err(), Some(Error::End(End::Eof)));
}

/// One that takes 0 bytes says the same as one that takes none.
#[test]
fn a_polled_stream_that_takes_no_byte_is_waited_for() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Every(0), Stalls::Reading);
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
    while let Step::Event(_) = socket.poll(&mut wire.clone(), 0).unwrap() {}
    assert!(matches!(socket.poll(&mut wire.clone(), 1), Ok(Step::Write)));
    assert_eq!(socket.flush(&mut wire.clone()), Ok(false));
    assert_eq!(wire.output(), b"");
}

#[test]
fn a_stream_without_half_close_ends_right_after_the_last_word() {
    for listen in [listen_blocking, listen_async] {
        let wire = Wire::new(&conversation(), Cuts::Every(60), Cuts::Every(50), Stalls::Never);
        assert_eq!(listen(&wire, false), (Ok(GONE), true));
        assert_eq!(wire.output(), [ANSWER, b"\x8a\x01?\x88\x02\x03\xe9"].concat());
        assert!(wire.read_so_far() < conversation().len());
        let ops = wire.ops();
        assert_eq!(ops.last(), Some(&Op::Flush));
        assert!(!ops.contains(&Op::Shutdown));
    }
}

#[test]
fn a_future_dropped_between_the_last_word_and_the_half_close_loses_neither() {
    // The stream stalls at any attempt, and the future is dropped there.
    for place in 1.. {
        let wire = Wire::new(&conversation(), Cuts::Every(60), Cuts::Every(50), Stalls::Once(place));
        let mut socket = asynchronous(&wire).half_close(half_close);
        let (mut dropped, mut told, mut now) = (0, 0, 0);
        loop {
            if poll_once!(async { socket.recv().await.map(|_| ()) }) {
                dropped += 1;
                now += 1;
                // A clock that is looked at meanwhile changes nothing.
                socket.tick(now);
                assert!(dropped < 3);
                continue;
            }
            match socket.session().end() {
                None => {}
                Some(end) => {
                    assert_eq!(end, GONE);
                    told += 1;
                }
            }
            if told > 3 {
                break;
            }
        }
        let ops = wire.ops();
        assert_eq!(ops.iter().filter(|op| **op == Op::Shutdown).count(), 1, "{place}: {ops:?}");
        assert!(wire.output().ends_with(b"\x88\x02\x03\xe9"));
        assert_eq!(wire.read_so_far(), conversation().len());
        if wire.attempts() < place {
            break;
        }
    }
}

#[test]
fn a_future_dropped_at_the_flush_before_the_half_close_goes_on_there() {
    let wire = quiet(&conversation());
    let mut socket = asynchronous(&wire).half_close(half_close);
    while !matches!(at_once(socket.recv()), Ok(Some((Event::Close(_), _)))) {}
    assert_eq!(socket.session().state(), State::Closed);
    assert_eq!(socket.sender().queued(), 0);
    let attempts = wire.attempts();
    for _ in 0..3 {
        wire.stall(Stalls::Writing(usize::MAX));
        assert!(poll_once!(async { socket.recv().await.map(|_| ()) }));
        assert!(!wire.ops().contains(&Op::Shutdown));
    }
    assert_eq!(wire.attempts(), attempts + 3);
    wire.stall(Stalls::Reading);
    assert!(poll_once!(async { socket.recv().await.map(|_| ()) }));
    let ops = wire.ops();
    assert!(ops.windows(2).any(|ops| ops == [Op::Flush, Op::Shutdown]), "{ops:?}");
    assert!(poll_once!(async { socket.recv().await.map(|_| ()) }));
    wire.stall(Stalls::Never);
    assert!(matches!(at_once(socket.recv()), Ok(None)));
}

/// A peer that sends as fast as it is read.
struct Flood(usize);

impl polled::Stream for Flood {
    type Error = Broken;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Broken> {
        buf.fill(b'x');
        self.0 += 1;
        assert!(self.0 < 10_000, "the call does not return");
        Ok(Some(buf.len()))
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Broken> {
        Ok(Some(buf.len()))
    }

    fn shutdown(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
}

#[test]
fn a_peer_that_never_stops_sending_after_its_rejection_does_not_hold_the_caller() {
    let mut flood = Flood(0);
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
    let mut now = 0;
    let end = loop {
        match socket.poll(&mut flood, now).unwrap() {
            Step::End(end) => break end,
            Step::Read => now += 10,
            _ => panic!(),
        }
    };
    assert!(matches!(end, End::Rejected(_)), "{end:?}");
    assert!((5000..5100).contains(&now), "{now}");
}

#[test]
fn stream_and_buffers_come_back_with_what_waits_in_them() {
    let mut socket = blocking(&quiet(&[REQUEST, b"\x81"].concat()));
    socket.open().unwrap();
    socket.sender().send_text("hi").unwrap();
    let (mut stream, rx, tx) = socket.into_parts();
    assert_eq!(stream.output(), b"");
    assert_eq!((rx.filled(), tx.filled()), (&b"\x81"[..], &[ANSWER, b"\x81\x02hi"].concat()[..]));
    assert_eq!(embedded_io::Read::read(&mut stream, &mut [0]), Ok(0));
}

#[test]
fn a_polled_socket_begins_anew_on_the_next_stream() {
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
    for wire in [quiet(&conversation()), quiet(REQUEST), quiet(b"nonsense"), quiet(&conversation())] {
        let mut events = 0;
        for _ in 0..9 {
            events += usize::from(matches!(socket.poll(&mut wire.clone(), 0), Ok(Step::Event(_))));
        }
        assert!(events > 0 || wire.output().is_empty());
        let _ = socket.sender().send(microws::MessageKind::Text, b"left behind");
        socket.restart(Session::server(crate::by_hand::config(microws::Config::new())));
        assert_eq!((socket.session().state(), socket.wait()), (State::Connecting, None));
        assert_eq!(socket.flush(&mut wire.clone()), Ok(true));
        assert!(!wire.output().ends_with(b"left behind"));
    }
}
