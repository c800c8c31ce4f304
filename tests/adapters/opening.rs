//! The opening handshake through the adapters.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use microws::io::{Error, asynch, blocking, nonblocking};
use microws::{Buffer, Event, HandshakeError, Role, State};
use microws_tests::Cuts;
use microws_tests::wire::{Broken, Stalls, Wire};

use crate::scripts::Side;
use crate::styles::{LEAST, REQUEST, STYLES, block, check_flushes, random};

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

/// Two buffers for one opening.
macro_rules! buffers {
    ($rx:ident, $tx:ident) => {
        let (mut rx, mut tx) = ([0; LEAST], [0; 2 * LEAST]);
        let ($rx, $tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    };
}

fn wire(input: &[u8]) -> Wire {
    Wire::new(input, Cuts::Whole, Cuts::Whole, Stalls::Never)
}

/// A server's head that asks for a subprotocol.
fn asking_for(subprotocols: &str) -> Vec<u8> {
    let mut head = Side::Server.head();
    head.truncate(head.len() - 2);
    [head, format!("Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n").into_bytes()].concat()
}

#[test]
fn an_opening_that_is_over_says_so() {
    for style in STYLES {
        for side in Side::BOTH {
            let head = if side == Side::Server { asking_for("superchat, chat") } else { side.head() };
            let wire = wire(&head);
            style.open_twice(side, &wire);
            assert_eq!(wire.output().windows(8).filter(|bytes| bytes == b"HTTP/1.1").count(), 1);
        }
    }
}

#[test]
fn limits_reach_the_servers_handshake() {
    let wire = wire(&Side::Server.head());
    buffers!(rx, tx);
    let mut request = nonblocking::Accept::new(wire.clone(), rx, tx, &[]).limits(1000, 3);
    let error = block!(0, request.accept(&[])).err();
    assert_eq!(error, Some(Error::Handshake(HandshakeError::TooManyFields)));
    assert!(wire.output().starts_with(b"HTTP/1.1 431 "));
}

#[test]
fn limits_reach_the_clients_handshake() {
    for (max_len, max_fields, end) in [
        (1000, 5, None),
        (1000, 4, Some(Error::Handshake(HandshakeError::TooManyFields))),
        (300, 5, Some(Error::Handshake(HandshakeError::HeadTooLong))),
    ] {
        buffers!(rx, tx);
        let mut request = nonblocking::Connect::new(wire(&Side::Client.head()), rx, tx, REQUEST, random)
            .limits(max_len, max_fields);
        assert_eq!(block!(0, request.connect()).err(), end);
    }
}

#[test]
fn stream_and_buffers_come_back_after_a_refusal() {
    let wire = wire(&[&Side::Server.head()[..], b"rest"].concat());
    buffers!(rx, tx);
    let mut request = blocking::Accept::new(wire.clone(), rx, tx, &[]);
    while request.next().unwrap().is_some() {}
    request.refuse(404, &[], "no\n").unwrap();
    let (stream, rx, tx) = request.into_parts().unwrap();
    assert_eq!(stream.output(), wire.output());
    assert!(wire.output().ends_with(b"\r\n\r\nno\n"));
    assert_eq!((rx.filled(), tx.filled()), (&b"rest"[..], &b""[..]));
}

#[test]
fn the_body_of_an_answer_other_than_101_begins_in_rx() {
    let wire = wire(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nwho");
    buffers!(rx, tx);
    let mut request = blocking::Connect::new(wire.clone(), rx, tx, REQUEST, random);
    while request.next().unwrap().is_some() {}
    assert_eq!(request.connect().err(), Some(Error::Handshake(HandshakeError::Status(401))));
    let (stream, rx, tx) = request.into_parts().unwrap();
    assert_eq!(stream.output(), Side::Client.own_head());
    assert_eq!((rx.filled(), tx.filled()), (&b"who"[..], &b""[..]));
}

#[test]
fn stream_and_buffers_of_an_open_connection_come_back_with_what_waits_in_them() {
    let wire = wire(&[&Side::Server.head()[..], b"\x81"].concat());
    buffers!(rx, tx);
    let mut socket = blocking::WebSocket::accept(wire, rx, tx, &[]).unwrap();
    socket.sender().send_text("hi").unwrap();
    let (mut stream, rx, tx) = socket.into_parts();
    assert_eq!(stream.output(), Side::Server.own_head());
    assert_eq!((rx.filled(), tx.filled()), (&b"\x81"[..], &b"\x81\x02hi"[..]));
    assert_eq!(embedded_io::Read::read(&mut stream, &mut [0]), Ok(0));
}

/// A future over a stream that never stalls.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("pending although nothing stalls"),
    }
}

#[test]
fn one_call_opens_a_connection_that_receives_what_came_behind_the_head() {
    let input = |side: Side| [side.head(), side.incoming(&[(0x81, b"first")])].concat();
    for side in Side::BOTH {
        let wires = [wire(&input(side)), wire(&input(side))];
        let [blocking, asynch] = wires.clone();
        buffers!(rx, tx);
        buffers!(other_rx, other_tx);
        match side {
            Side::Server => {
                hears_first(blocking::WebSocket::accept(blocking, rx, tx, &[]).unwrap());
                let socket = at_once(asynch::WebSocket::accept(asynch, other_rx, other_tx, &[]));
                hears_first_at_once(socket.unwrap());
            }
            Side::Client => {
                hears_first(blocking::WebSocket::connect(blocking, rx, tx, REQUEST, random).unwrap());
                let socket = at_once(asynch::WebSocket::connect(asynch, other_rx, other_tx, REQUEST, random));
                hears_first_at_once(socket.unwrap());
            }
        }
        for wire in wires {
            assert_eq!(wire.output(), side.own_head());
        }
    }
}

fn hears_first<R: Role>(mut socket: blocking::WebSocket<'_, Wire, R>) {
    assert_eq!(socket.state(), State::Open);
    assert!(matches!(socket.recv(), Ok((Event::Chunk(chunk), _)) if chunk.payload == b"first"));
}

fn hears_first_at_once<R: Role>(mut socket: asynch::WebSocket<'_, Wire, R>) {
    assert_eq!(socket.state(), State::Open);
    assert!(matches!(at_once(socket.recv()), Ok((Event::Chunk(chunk), _)) if chunk.payload == b"first"));
}

#[test]
fn an_answer_that_does_not_fit_into_tx_changes_nothing() {
    let wire = wire(&Side::Server.head());
    buffers!(rx, tx);
    let mut request = blocking::Accept::new(wire.clone(), rx, tx, &[]);
    let long = "x".repeat(300);
    let too_big: Option<Error<Broken>> = Some(Error::Send(microws::SendError::BufferFull));
    assert_eq!(request.accept(&[("Server", &long)]).err(), too_big);
    assert_eq!(request.refuse(503, &[("Server", &long)], "").err(), too_big);
    assert_eq!(wire.output(), b"");
    assert!(request.accept(&[]).is_ok());
    assert_eq!(wire.output(), Side::Server.own_head());
}
