//! Deadlines are fair: to a peer whose bytes wait unread because the program stalled, to one that takes what it is
//! sent, and to a program that never waits. None of them makes a loop that never ends.

use microws::io::{Error, asynch, blocking, polled};
use microws::{CloseCode, Config, End, Event, MessageKind, Overdue, Sent, Server, Session, State, Step};
use microws_tests::wire::{Broken, Stalls, Wire};
use microws_tests::{Cuts, buffer, frames};

use crate::by_hand::{ANSWER, ByHand, REQUEST, config, masked};
use crate::deadlines::all;
use crate::scripts::LEAST;
use crate::styles::{at_once, poll_once};

#[test]
fn a_caller_that_comes_late_gives_the_peer_as_much_more_time_but_once() {
    for (late, extra) in [(1, 1), (50, 50), (299, 299), (300, 300), (301, 300), (1_000_000, 300)] {
        let mut server = ByHand::open(all());
        assert_eq!(server.tick(0), Some(200));
        assert_eq!(server.tick(200), Some(300));
        server.take();
        let now = 500 + late;
        assert_eq!(server.tick(now), Some(extra));
        assert_eq!(server.session.state(), State::Open);
        assert_eq!(server.tick(now + extra - 1), Some(1));
        // The next delay is not forgiven.
        assert_eq!(server.tick(now + extra + 7), Some(0));
        assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Pong)));
    }
}

#[test]
fn a_peer_whose_pong_waited_unread_is_not_overdue() {
    let mut server = ByHand::open(all());
    assert_eq!(server.tick(0), Some(200));
    let mut now = 200;
    for _ in 0..5 {
        assert_eq!(server.tick(now), Some(300));
        assert_eq!(server.take(), b"\x89\x00");
        // The program stalls. Then it ticks, reads, and ticks.
        now += 5000;
        assert_eq!(server.tick(now), Some(300));
        server.feed(&masked(0x8a, b""));
        assert_eq!(server.receive(), Step::Event(Event::Pong(b"")));
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(now), Some(200));
        now += 200;
    }
}

#[test]
fn every_deadline_but_the_pings_is_extended_once() {
    let mut server = ByHand::server(all());
    assert_eq!(server.tick(0), Some(100));
    assert_eq!(server.tick(130), Some(30));
    assert_eq!(server.tick(161), Some(0));
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Handshake)));

    let mut server = ByHand::open(all());
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
    server.take();
    assert_eq!(server.tick(0), Some(50));
    assert_eq!(server.tick(60), Some(10));
    assert_eq!(server.tick(70), Some(0));
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Close)));

    let mut server = ByHand::open(all());
    assert_eq!(server.session.send_text(&mut server.tx, "hi"), Ok(Sent::Done));
    assert_eq!(server.tick(0), Some(400));
    assert_eq!(server.tick(900), Some(400));
    // Progress begins a new wait, which can be extended again.
    server.tx.consume(1);
    assert_eq!(server.tick(1300), Some(400));
    assert_eq!(server.tick(1701), Some(1));
    assert_eq!(server.tick(1702), Some(0));
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Write)));
}

/// Bytes that wait below `tx`, in the system's own buffer, go on to the peer.
#[test]
fn a_peer_that_was_heard_to_take_bytes_is_not_overdue() {
    let mut server = ByHand::open(all());
    assert_eq!(server.session.send_text(&mut server.tx, "hi"), Ok(Sent::Done));
    assert_eq!(server.tick(0), Some(400));
    assert_eq!(server.tick(399), Some(1));
    server.session.heard();
    assert_eq!(server.tick(399), Some(400));
    assert_eq!(server.tick(799), Some(0));
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Write)));
}

/// As many bytes are queued as before, but other ones.
#[test]
fn a_peer_that_takes_as_much_as_is_queued_is_not_overdue() {
    let mut server = ByHand::open(all());
    for now in (0..5000).step_by(100) {
        assert_eq!(server.session.send_text(&mut server.tx, "hi"), Ok(Sent::Done));
        assert_eq!(server.tick(now), Some(400));
        server.tx.consume(4);
        server.session.wrote();
    }
    assert_eq!(server.session.state(), State::Open);
}

/// The time of a polled socket moves on as it asks for: when it is to be polled again at the latest.
fn poll_by_its_own_clock(
    socket: &mut polled::WebSocket<'_, Server>,
    wire: &Wire,
    now: &mut u32,
) -> (End, u32) {
    let begin = *now;
    for _ in 0..50 {
        match socket.poll(&mut wire.clone(), *now).unwrap() {
            Step::Event(_) => {}
            Step::End(end) => return (end, *now - begin),
            _ => {
                let wait = socket.wait().expect("there is a deadline");
                assert!(wait > 0, "to be polled again at once");
                *now += wait;
            }
        }
    }
    panic!("no end");
}

/// A polled server; the stream takes nothing and gives nothing but `input`.
fn blocked(input: &[u8], of: Config<'static>) -> (polled::WebSocket<'static, Server>, Wire) {
    let wire = Wire::new(input, Cuts::Whole, Cuts::Every(0), Stalls::Reading);
    (polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), Session::server(config(of))), wire)
}

#[test]
fn a_stream_that_never_takes_a_byte_is_given_up_in_every_phase() {
    // The answer to the request.
    let (mut socket, wire) = blocked(REQUEST, all());
    assert_eq!(poll_by_its_own_clock(&mut socket, &wire, &mut 0), (End::Overdue(Overdue::Write), 400));
    // A response; its reason is known before.
    let (mut socket, wire) = blocked(b"nonsense\r\n", all());
    let (end, after) = poll_by_its_own_clock(&mut socket, &wire, &mut 0);
    assert!(matches!(end, End::Rejected(_)), "{end:?}");
    assert_eq!(after, 400);
    // The response to a request that does not come.
    let (mut socket, wire) = blocked(b"GET ", all());
    let end = (End::Overdue(Overdue::Handshake), 100 + 400);
    assert_eq!(poll_by_its_own_clock(&mut socket, &wire, &mut 0), end);
    // Once it is open: a message, a ping, a close frame of either side, a fault of the peer.
    type Act = fn(&mut polled::WebSocket<'_, Server>);
    let nothing: Act = |_| {};
    let message: Act = |socket| {
        while socket.sender().send(MessageKind::Binary, &[7; 100]) == Ok(Sent::Done) {}
    };
    let close: Act = |socket| _ = socket.sender().close(CloseCode::NORMAL, "");
    for (act, input, after) in [
        (message, vec![], 400),
        // That the ping does not leave is seen when its pong is due.
        (nothing, vec![], 200 + 300 + 400),
        (close, vec![], 400),
        (nothing, masked(0x88, b"\x03\xe8"), 400),
        (nothing, masked(0x83, b""), 400),
        (nothing, masked(0x89, b"?").repeat(30), 400),
    ] {
        let (mut socket, wire) = blocked(REQUEST, all());
        let mut open = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
        while let Step::Event(_) = socket.poll(&mut open, 0).unwrap() {}
        assert_eq!(open.output(), ANSWER);
        wire.deliver(&input);
        let mut rest = Wire::new(&input, Cuts::Whole, Cuts::Every(0), Stalls::Reading);
        act(&mut socket);
        let end = (End::Overdue(Overdue::Write), after);
        assert_eq!(poll_by_its_own_clock(&mut socket, &rest, &mut 0), end, "{input:x?}");
        assert_eq!(socket.poll(&mut rest, 5000).unwrap().map(|_| ()), Step::End(end.0));
    }
}

#[test]
fn a_pong_that_is_overdue_on_a_stream_that_takes_nothing_more_is_the_end() {
    let mut wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), Session::server(config(all())));
    while let Step::Event(_) = socket.poll(&mut wire, 0).unwrap() {}
    let Step::Read = socket.poll(&mut wire, 200).unwrap() else { panic!() };
    assert!(wire.output().ends_with(b"\x89\x00"));
    wire.stall(Stalls::Always);
    assert_eq!(poll_by_its_own_clock(&mut socket, &wire, &mut 200), (End::Overdue(Overdue::Pong), 300));
}

#[test]
fn a_polled_socket_reads_before_it_judges() {
    let mut wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), Session::server(config(all())));
    while let Step::Event(_) = socket.poll(&mut wire, 0).unwrap() {}
    let Step::Read = socket.poll(&mut wire, 200).unwrap() else { panic!() };
    assert_eq!(socket.wait(), Some(300));
    wire.deliver(&masked(0x8a, b""));
    let Step::Event((Event::Pong(b""), _)) = socket.poll(&mut wire, 99_000).unwrap() else { panic!() };
    let Step::Read = socket.poll(&mut wire, 99_001).unwrap() else { panic!() };
    assert_eq!(socket.wait(), Some(200));
}

/// One message each 100 ms: at every tick its echo is queued.
#[test]
fn steady_echoes_are_no_bytes_that_nobody_takes() {
    let stalling = |input: &[u8]| Wire::new(input, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let (rx, tx) = (|| buffer(LEAST), || buffer(LEAST));
    let session = || Session::server(config(all()));

    let wire = stalling(REQUEST);
    let mut socket = blocking::WebSocket::new(wire.clone(), rx(), tx(), session());
    socket.open().unwrap();
    for now in (0..10_000).step_by(100) {
        wire.deliver(&masked(0x81, b"hi"));
        assert_ne!(socket.tick(now), Some(0));
        let (event, reply) = socket.recv().unwrap().unwrap();
        let Event::Chunk(c) = event else { panic!() };
        reply.send_fragment(c.kind, c.payload, c.fin).unwrap();
    }
    assert_eq!(frames(&wire.output()[ANSWER.len()..]).len(), 99);

    let wire = stalling(REQUEST);
    let mut socket = asynch::WebSocket::new(wire.clone(), rx(), tx(), session());
    at_once(socket.open()).unwrap();
    for now in (0..10_000).step_by(100) {
        wire.deliver(&masked(0x81, b"hi"));
        assert_ne!(socket.tick(now), Some(0));
        let (event, reply) = at_once(socket.recv()).unwrap().unwrap();
        let Event::Chunk(c) = event else { panic!() };
        at_once(reply.send_fragment(c.kind, c.payload, c.fin)).unwrap();
    }
    assert_eq!(frames(&wire.output()[ANSWER.len()..]).len(), 99);
}

/// Whenever the clock is looked at, a write waits and `tx` is as full as before.
#[test]
fn a_peer_that_takes_a_long_payload_slowly_is_not_overdue() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let session = Session::server(config(all()));
    let mut socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
    at_once(socket.open()).unwrap();
    at_once(socket.sender().flush()).unwrap();
    wire.stall(Stalls::Often);
    let payload = vec![7; 100 * LEAST];
    let mut now = 0;
    while poll_once!(socket.sender().send_binary(&payload)) {
        assert!(socket.sender().queued() > 0);
        assert_ne!(socket.tick(now), Some(0), "at {now}");
        now += 100;
    }
    assert!(now > 9000, "{now}");
}

/// A device that reports all the time, to a peer that is gone.
#[test]
fn a_program_that_always_has_something_queued_still_finds_out_that_the_peer_is_gone() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut socket =
        blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), Session::server(config(all())));
    socket.open().unwrap();
    let mut now = 0;
    let end = loop {
        let _ = socket.sender().send_text("21.5 C");
        socket.tick(now);
        match socket.recv() {
            Err(Error::Io(Broken::TimedOut)) => {}
            Err(Error::End(end)) => break end,
            other => panic!("{}", other.is_ok()),
        }
        now += 10;
        assert!(now < 1000);
    };
    assert_eq!((end, now), (End::Overdue(Overdue::Pong), 500));
    let sent = frames(&wire.output()[ANSWER.len()..]);
    assert_eq!(sent.iter().filter(|frame| frame.b0 == 0x89).count(), 1);
    assert_eq!(sent.last().unwrap().b0, 0x88);
}

/// What is queued leaves no room for the ping: that goes when there is some, and only then is its pong due.
#[test]
fn a_ping_that_has_no_room_yet_is_not_answered_for() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let session = Session::server(config(all()));
    let mut socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
    socket.open().unwrap();
    let wait = |socket: &mut blocking::WebSocket<'_, Wire, Server>, now| {
        let wait = socket.tick(now);
        assert_eq!(socket.recv().err(), Some(Error::Io(Broken::TimedOut)));
        wait
    };
    assert_eq!(wait(&mut socket, 0), Some(200));
    socket.sender().send_binary(&[7; LEAST - 4 - 2 + 1]).unwrap();
    assert!(socket.sender().queued() > LEAST - 2);
    // The program is asked to receive at once, which writes out.
    assert_eq!(wait(&mut socket, 200), Some(0));
    assert_eq!(wait(&mut socket, 210), Some(300));
    assert!(wire.output().ends_with(b"\x89\x00"));
    assert_eq!(wait(&mut socket, 509), Some(1));
    assert_eq!(socket.tick(510), Some(0));
    assert_eq!(socket.session().end(), Some(End::Overdue(Overdue::Pong)));
}

/// A blocking or async stream that takes nothing: the tick sees it when the write was tried.
#[test]
fn a_write_that_does_not_go_on_is_overdue() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut socket =
        blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), Session::server(config(all())));
    socket.open().unwrap();
    wire.stall(Stalls::Writing(usize::MAX));
    let mut now = 0;
    let end = loop {
        let wait = socket.tick(now).unwrap();
        match socket.recv() {
            Err(Error::Io(Broken::TimedOut)) => {}
            Err(Error::End(end)) => break end,
            other => panic!("{}", other.is_ok()),
        }
        // A timeout of the stream, shorter than the wait.
        now += wait.clamp(1, 50);
        assert!(now < 2000);
    };
    assert_eq!(end, End::Overdue(Overdue::Write));
    assert!((400..=450).contains(&now), "{now}");
}
