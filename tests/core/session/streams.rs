//! What the adapters take for a stream: two halves, streams that say whether they are ready, sockets of a stack.

use microws::io::{Join, asynch, blocking, polled};
use microws::{End, Event, MessageKind, Sent, Step};
use microws_tests::wire::{Broken, Op, Ready, Stack, Stalls, Wire};
use microws_tests::{Cuts, buffer, frames, messages};

use crate::by_hand::{ANSWER, REQUEST, masked};
use crate::scripts::{LEAST, Side, client, server};
use crate::styles::{asynchronous, blocking, polled};

/// The half that is read.
struct Reader(Wire);

/// The half that is written.
struct Writer(Wire);

impl embedded_io::ErrorType for Reader {
    type Error = Broken;
}

impl embedded_io::ErrorType for Writer {
    type Error = Broken;
}

impl embedded_io::Read for Reader {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        embedded_io::Read::read(&mut self.0, buf)
    }
}

impl embedded_io::Write for Writer {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        embedded_io::Write::write(&mut self.0, buf)
    }

    fn flush(&mut self) -> Result<(), Broken> {
        embedded_io::Write::flush(&mut self.0)
    }
}

impl embedded_io_async::Read for Reader {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        embedded_io_async::Read::read(&mut self.0, buf).await
    }
}

impl embedded_io_async::Write for Writer {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        embedded_io_async::Write::write(&mut self.0, buf).await
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        embedded_io_async::Write::flush(&mut self.0).await
    }
}

/// A [`Wire`] in two halves.
fn join(wire: &Wire) -> Join<Reader, Writer> {
    Join { reader: Reader(wire.clone()), writer: Writer(wire.clone()) }
}

#[test]
fn two_halves_are_a_stream() {
    for side in Side::BOTH {
        for script in side.scripts() {
            for polls in [0, 1, usize::MAX] {
                let wire = Wire::new(&script.input, Cuts::Every(100), Cuts::Every(50), Stalls::Often);
                let (rx, tx) = (buffer(LEAST), buffer(LEAST));
                macro_rules! run {
                    ($session:expr) => {
                        if polls == 0 {
                            blocking(
                                blocking::WebSocket::new(join(&wire), rx, tx, $session)
                                    .half_close(|join| join.writer.0.shut_down()),
                                0,
                            )
                        } else {
                            asynchronous(
                                asynch::WebSocket::new(join(&wire), rx, tx, $session)
                                    .half_close(|join| join.writer.0.shut_down()),
                                polls,
                            )
                        }
                    };
                }
                let outcome = match side {
                    Side::Server => run!(server()),
                    Side::Client => run!(client()),
                };
                assert_eq!(outcome, script.outcome);
                assert_eq!(side.sent(&wire.output()), script.sent);
                assert_eq!(wire.read_so_far(), script.input.len());
            }
        }
    }
}

#[test]
fn streams_that_say_whether_they_are_ready_and_sockets_of_a_stack_do_the_same() {
    for side in Side::BOTH {
        for script in side.scripts() {
            for (reads, stalls) in [
                (Cuts::Whole, Stalls::Never),
                (Cuts::Every(1), Stalls::Never),
                (Cuts::Every(7), Stalls::Often),
                (Cuts::Every(100), Stalls::Often),
            ] {
                for stack in [false, true] {
                    let wire = Wire::new(&script.input, reads.clone(), Cuts::Every(50), stalls);
                    macro_rules! run {
                        ($session:expr) => {
                            if stack {
                                polled($session, &mut (&mut Stack, &mut wire.clone()), LEAST + 14)
                            } else {
                                polled($session, &mut &mut Ready(wire.clone()), LEAST + 14)
                            }
                        };
                    }
                    let outcome = match side {
                        Side::Server => run!(server()),
                        Side::Client => run!(client()),
                    };
                    assert_eq!(outcome, script.outcome);
                    assert_eq!(side.sent(&wire.output()), script.sent);
                    let ops = wire.ops();
                    assert!(!ops.contains(&Op::Shutdown));
                    // A client waits for the server's end, a server is done after its last word.
                    let waits = side == Side::Client && matches!(outcome.end, Some(End::Closed(_)));
                    assert!(!waits || ops.ends_with(&[Op::Read(0)]), "{ops:?}");
                }
            }
        }
    }
}

#[test]
fn a_stream_without_half_close_is_not_read_after_the_last_word() {
    let input = [REQUEST, &masked(0x88, b"\x03\xe8"), &[b'x'; 500]].concat();
    for stack in [false, true] {
        let wire = Wire::new(&input, Cuts::Every(50), Cuts::Whole, Stalls::Never);
        let outcome = if stack {
            polled(server(), &mut (&mut Stack, &mut wire.clone()), LEAST + 14)
        } else {
            polled(server(), &mut &mut Ready(wire.clone()), LEAST + 14)
        };
        assert_eq!(outcome.end, Some(End::Closed(microws::CloseCode::NORMAL)));
        assert!(wire.output().ends_with(b"\x88\x02\x03\xe8"));
        assert!(wire.read_so_far() < input.len() - 400);
    }
}

#[test]
fn a_stack_that_fails_is_no_end() {
    // The request is read in four pieces.
    for place in 1..=4 {
        let wire = Wire::new(REQUEST, Cuts::Every(50), Cuts::Every(50), Stalls::FailingFrom(place));
        let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
        let error = loop {
            match socket.poll(&mut (&mut Stack, &mut wire.clone()), 0) {
                Ok(Step::Event(_)) => {}
                Ok(other) => panic!("{:?}", other.map(|_| ())),
                Err(error) => break error,
            }
        };
        assert_eq!((error, wire.attempts()), (Broken::Reset, place));
    }
}

/// What the peer does not take stops the reading, and nothing is lost.
#[test]
fn a_polled_stream_that_takes_nothing_is_read_only_as_far_as_the_buffers_go() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut stream = wire.clone();
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), server());
    while let Step::Event(_) = socket.poll(&mut stream, 0).unwrap() {}
    wire.stall(Stalls::Always);
    let before = wire.read_so_far();
    let ping = masked(0x89, b"twelve bytes");
    wire.deliver(&ping.repeat(200));
    let mut pings = 0;
    // It can be read, and takes nothing.
    wire.stall(Stalls::Writing(usize::MAX));
    for _ in 0..50 {
        if let Step::Event((event, _)) = socket.poll(&mut stream, 0).unwrap() {
            assert_eq!(event, Event::Ping(b"twelve bytes"));
            pings += 1;
        }
    }
    // As long as tx has room for the echo of all of rx, it is read.
    assert!(pings < 10, "{pings}");
    assert!(wire.read_so_far() - before <= 2 * LEAST, "more was read than the buffers hold");
    wire.stall(Stalls::Reading);
    while pings < 200 {
        match socket.poll(&mut stream, 0).unwrap() {
            Step::Event((event, _)) => assert_eq!(event, Event::Ping(b"twelve bytes")),
            other => panic!("{:?}", other.map(|_| ())),
        }
        pings += 1;
    }
    assert_eq!(socket.flush(&mut stream), Ok(true));
    let sent = messages(&frames(&wire.output()[ANSWER.len()..]));
    assert_eq!(sent, vec![(0x8a, b"twelve bytes".to_vec()); 200]);
}

#[test]
fn a_polled_event_comes_only_when_its_echo_has_room() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut stream = wire.clone();
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), server());
    while let Step::Event(_) = socket.poll(&mut stream, 0).unwrap() {}
    // There is room for a pong, but not for the echo.
    let text = [b'x'; 130];
    assert_eq!(socket.sender().send_fragment(MessageKind::Text, b"queued", true), Ok(Sent::Done));
    wire.stall(Stalls::Writing(usize::MAX));
    wire.deliver(&masked(0x82, &text));
    for _ in 0..3 {
        assert!(matches!(socket.poll(&mut stream, 0), Ok(Step::Write)));
    }
    wire.stall(Stalls::Reading);
    let Ok(Step::Event((Event::Chunk(c), reply))) = socket.poll(&mut stream, 0) else { panic!() };
    assert_eq!(c.payload, text);
    assert_eq!(reply.send_fragment(c.kind, c.payload, c.fin), Ok(Sent::Done));
    assert_eq!(wire.output(), [ANSWER, b"\x81\x06queued"].concat());
}
