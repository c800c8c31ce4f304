//! The opening handshake: what the program may say, when, and what the peers agree to.

use microws::handshake::HandshakeError;
use microws::http::HeadError;
use microws::io::{Error, asynch, blocking, polled};
use microws::{Config, End, Event, Fields, SendError, Sent, Server, Session, State, Step};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::by_hand::{ANSWER, ByHand, REQUEST, as_built, config, masked};
use crate::scripts::{LEAST, Random, Side, client, random, server};
use crate::styles::{at_once, drop_and_call_again, half_close, retry};

const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 5\r\n\
    Retry-After: 9\r\n\r\nbusy\n";
const FIELDS: &Fields<'static> = &[("Retry-After", "9")];

/// The request with this subprotocol asked for.
fn asking_for(subprotocols: &str) -> Vec<u8> {
    let head = &REQUEST[..REQUEST.len() - 2];
    [head, format!("Sec-WebSocket-Protocol: {subprotocols}\r\n\r\n").as_bytes()].concat()
}

/// A program that says it is busy: at the end of the head or as early as possible.
macro_rules! busy {
    ($name:ident, $adapter:ident, $call:ident, { $($bounds:tt)* }) => {
        fn $name<S: $($bounds)*>(
            mut socket: $adapter::WebSocket<'_, S, Server>, early: bool, polls: usize,
        ) -> Result<(), Error<Broken>> {
            let mut said = false;
            while let Some((event, reply)) = $call!(polls, socket.recv())? {
                if !said && (early || event == Event::HeadEnd) {
                    said = true;
                    $call!(polls, reply.respond(503, FIELDS, "busy\n"))?;
                    assert_eq!($call!(polls, reply.respond(503, FIELDS, "")), Err(SendError::NotNow.into()));
                    assert_eq!($call!(polls, reply.accept(&[])), Err(SendError::NotNow.into()));
                    continue;
                }
                assert!(!said, "an event after the response");
            }
            assert_eq!(socket.session().end(), Some(End::Responded));
            Ok(())
        }
    };
}

busy!(blocking, blocking, retry, { embedded_io::Read<Error = Broken> + embedded_io::Write });
busy!(
    asynchronous, asynch, drop_and_call_again,
    { embedded_io_async::Read<Error = Broken> + embedded_io_async::Write }
);

fn polled_busy(wire: &Wire, early: bool) {
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), server());
    let mut said = false;
    for now in 0.. {
        match socket.poll(&mut wire.clone(), now).unwrap() {
            Step::Event((event, reply)) if early || event == Event::HeadEnd => {
                assert!(!said, "an event after the response");
                said = true;
                assert_eq!(reply.respond(503, FIELDS, "busy\n"), Ok(Sent::Done));
                assert_eq!(reply.accept(&[]), Err(SendError::NotNow));
            }
            Step::End(end) => return assert_eq!(end, End::Responded),
            _ => {}
        }
    }
}

#[test]
fn the_program_responds_at_the_end_of_the_head_or_before_and_the_rest_is_read_to_its_end() {
    for early in [false, true] {
        for request in [Side::Server.head(), b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()] {
            let input = [&request[..], &[b'x'; 300]].concat();
            for stalls in [Stalls::Never, Stalls::Often] {
                let wires: Vec<Wire> =
                    (0..5).map(|_| Wire::new(&input, Cuts::Every(9), Cuts::Every(5), stalls)).collect();
                let (rx, tx) = (|| buffer(LEAST), || buffer(LEAST));
                let socket = blocking::WebSocket::new(wires[0].clone(), rx(), tx(), server());
                blocking(socket.half_close(half_close), early, 0).unwrap();
                for (wire, polls) in wires[1..].iter().zip([1, 2, usize::MAX]) {
                    let socket = asynch::WebSocket::new(wire.clone(), rx(), tx(), server());
                    asynchronous(socket.half_close(half_close), early, polls).unwrap();
                }
                polled_busy(&wires[4], early);
                for wire in wires {
                    assert_eq!(wire.output(), as_built(BUSY));
                    assert_eq!(wire.read_so_far(), input.len());
                    assert!(wire.ops().ends_with(&[Op::Read(0)]));
                }
            }
        }
    }
}

#[test]
fn a_head_request_gets_the_length_of_the_content_only() {
    let mut server = ByHand::server(Config::new());
    server.feed(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    assert_eq!(server.session.fault(), Some(HandshakeError::NoUpgrade));
    assert_eq!(server.session.respond(&mut server.tx, 200, &[], "content"), Ok(Sent::Done));
    assert_eq!(server.take(), as_built(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n"));
}

#[test]
fn a_response_is_whole_or_nothing() {
    let mut server = ByHand::new(Session::server(config(Config::new())), 512, LEAST);
    server.feed(REQUEST);
    server.skip_head();
    let (session, tx) = (&mut server.session, &mut server.tx);
    let long = "x".repeat(200);
    for _ in 0..2 {
        assert_eq!(session.respond(tx, 503, &[("Server", &long)], ""), Err(SendError::BufferFull));
        assert_eq!(session.respond(tx, 503, &[], &long), Err(SendError::BufferFull));
        assert_eq!(session.respond(tx, 503, &[("Server:", "x")], ""), Err(SendError::InvalidField));
        assert_eq!(
            session.respond(tx, 503, &[("Server", "x\r\nSet-Cookie: a")], ""),
            Err(SendError::InvalidField)
        );
        assert_eq!(session.accept(tx, &[("Server", &long)]), Err(SendError::BufferFull));
        assert_eq!(session.accept(tx, &[("Server", "x\n")]), Err(SendError::InvalidField));
        // The session writes these itself.
        for name in ["Upgrade", "sec-websocket-accept", "Sec-WebSocket-Protocol", "Content-Length"] {
            assert_eq!(session.accept(tx, &[(name, "x")]), Err(SendError::InvalidField));
        }
        assert_eq!((tx.len(), session.state(), session.end()), (0, State::Connecting, None));
    }
    // What has no room beside other bytes has it later.
    assert!(tx.push(b"other bytes"));
    assert_eq!(session.accept(tx, &[("Server", &long)]), Ok(Sent::Write));
    assert_eq!(session.respond(tx, 599, &[], &"x".repeat(80)), Ok(Sent::Write));
    tx.consume(usize::MAX);
    assert_eq!(session.accept(tx, &[]), Ok(Sent::Done));
    assert_eq!(server.receive(), Step::Event(Event::Open));
    assert_eq!(server.take(), ANSWER);
}

#[test]
fn the_program_adds_fields_to_the_answer() {
    let mut server = ByHand::server(Config::new());
    server.feed(&[REQUEST, &masked(0x81, b"first")].concat());
    for at in 0.. {
        // Before the end of the head nothing is decided.
        assert_eq!(server.session.accept(&mut server.tx, &[]), Err(SendError::NotNow));
        if server.receive() == Step::Event(Event::HeadEnd) {
            assert_eq!(at, 6);
            break;
        }
    }
    let fields = &[("Server", "s"), ("Set-Cookie", "a=b")];
    assert_eq!(server.session.accept(&mut server.tx, fields), Ok(Sent::Done));
    assert_eq!(server.session.accept(&mut server.tx, fields), Err(SendError::NotNow));
    assert_eq!(server.session.respond(&mut server.tx, 503, &[], ""), Err(SendError::NotNow));
    assert_eq!(server.receive(), Step::Event(Event::Open));
    assert_eq!(server.session.accept(&mut server.tx, &[]), Err(SendError::NotNow));
    assert_eq!(server.session.respond(&mut server.tx, 503, &[], ""), Err(SendError::NotNow));
    let answer = &ANSWER[..ANSWER.len() - 2];
    assert_eq!(server.take(), [answer, b"Server: s\r\nSet-Cookie: a=b\r\n\r\n"].concat());
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == b"first"));
}

#[test]
fn a_response_has_room_only_if_it_fits_into_the_whole_of_tx() {
    // The answer with a subprotocol is longer than the least tx.
    let of = config(Config::new().subprotocols(&["chat"]));
    let mut server = ByHand::new(Session::server(of), 512, LEAST);
    server.feed(&asking_for("chat"));
    server.skip_head();
    let end = End::Unsendable(SendError::BufferFull);
    assert_eq!(server.receive(), Step::End(end));
    assert_eq!(server.receive(), Step::End(end));
    assert_eq!((server.tx.len(), server.session.end()), (0, Some(end)));
}

#[test]
fn the_first_of_the_clients_subprotocols_that_the_server_has_is_agreed_to() {
    for (offered, agreed) in [
        ("chat", Some("chat")),
        ("superchat, chat", Some("chat")),
        ("v2, v1, chat", Some("v2")),
        ("CHAT, other", None),
    ] {
        let mut server = ByHand::server(Config::new().subprotocols(&["chat", "v1", "v2"]));
        assert_eq!(server.session.subprotocol(), None);
        server.feed(&asking_for(offered));
        server.skip_head();
        assert_eq!(server.session.subprotocol(), agreed);
        assert_eq!(server.receive(), Step::Event(Event::Open));
        assert_eq!(server.session.subprotocol(), agreed);
        let answer = String::from_utf8(server.take()).unwrap();
        let line = agreed.map(|name| format!("\r\nSec-WebSocket-Protocol: {name}\r\n\r\n"));
        assert!(line.is_none_or(|line| answer.ends_with(&line)), "{answer}");
        assert_eq!(agreed.is_some(), answer.contains("Sec-WebSocket-Protocol"));
    }
}

#[test]
fn a_client_knows_the_subprotocol_that_the_server_chose() {
    let mut client = ByHand::new(client(), 512, 512);
    assert_eq!(client.receive(), Step::Read);
    assert_eq!(client.take(), Side::Client.own_head());
    assert_eq!(client.session.subprotocol(), None);
    client.feed(&Side::Client.head());
    while client.receive() != Step::Event(Event::Open) {}
    assert_eq!(client.session.subprotocol(), Some("chat"));
}

#[test]
fn a_request_goes_line_by_line_through_any_tx() {
    let long = "a=".to_owned() + &"x".repeat(100);
    let fields: &'static Fields<'static> =
        Box::leak(Box::new([("Cookie", &*long.leak()), ("Cookie", "b=c"), ("Authorization", "Bearer 7")]));
    let of = config(Config::new().request("h:8080", "/a?b").origin("http://h").fields(fields));
    let mut client = ByHand::new(Session::client(of, random as Random), 256, LEAST);
    let (mut output, mut writes) = (Vec::new(), 0);
    while client.receive() == Step::Write {
        assert!(!client.tx.is_empty());
        output.extend(client.take());
        writes += 1;
    }
    output.extend(client.take());
    let text = String::from_utf8(output).unwrap();
    assert!(writes >= 2, "{writes}");
    assert!(text.starts_with("GET /a?b HTTP/1.1\r\nHost: h:8080\r\nUpgrade: websocket\r\n"));
    assert!(text.contains("\r\nOrigin: http://h\r\nCookie: a=xx"), "{text}");
    assert!(text.ends_with("\r\nCookie: b=c\r\nAuthorization: Bearer 7\r\n\r\n"));
    assert_eq!(client.receive(), Step::Read);
}

#[test]
fn a_request_that_can_not_be_sent_is_the_end() {
    let invalid = End::Unsendable(SendError::InvalidField);
    let long: &'static str = "x".repeat(200).leak();
    for (of, end) in [
        (Config::new(), invalid),
        (Config::new().request("", "/"), invalid),
        (Config::new().request("h", "no-slash"), invalid),
        (Config::new().request("h", "/#fragment"), invalid),
        (Config::new().request("h\r\nA: b", "/"), invalid),
        (Config::new().request("h", "/").origin("a\nb"), invalid),
        (Config::new().request("h", "/").subprotocols(&["a b"]), invalid),
        (Config::new().request("h", "/").fields(&[("A b", "c")]), invalid),
        (Config::new().request("h", "/").fields(&[("Host", "again")]), invalid),
        (Config::new().request("h", long), invalid),
    ] {
        let mut client = ByHand::new(Session::client(config(of), random as Random), 256, LEAST);
        let mut step = client.skip_events();
        while step == Step::Write {
            client.take();
            step = client.skip_events();
        }
        assert_eq!(step, Step::End(end));
        assert_eq!(client.receive(), Step::End(end));
        assert_eq!(client.tx.len(), 0);
    }
    let of = config(Config::new().request("h", Box::leak(format!("/{long}").into_boxed_str())));
    let mut client = ByHand::new(Session::client(of, random as Random), 256, LEAST);
    assert_eq!(client.receive(), Step::End(End::Unsendable(SendError::BufferFull)));
}

#[test]
fn an_answer_other_than_101_can_be_read_and_its_content_begins_in_rx() {
    let answer = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 3\r\n\r\nwho";
    let wire = Wire::new(answer, Cuts::Whole, Cuts::Every(5), Stalls::Never);
    let mut socket = blocking::WebSocket::new(wire.clone(), buffer(256), buffer(LEAST), client());
    let mut events = Vec::new();
    let end = loop {
        match socket.recv() {
            Ok(Some((event, _))) => events.push(format!("{event:?}")),
            Ok(None) => panic!(),
            Err(error) => break error,
        }
    };
    assert_eq!(end, Error::End(End::Rejected(HandshakeError::Status(401))));
    assert_eq!(events.len(), 4);
    let (_, rx, tx) = socket.into_parts();
    assert_eq!((rx.filled(), tx.filled()), (&b"who"[..], &b""[..]));
    assert_eq!(wire.output(), Side::Client.own_head());
}

#[test]
fn open_skips_the_head_and_leaves_what_comes_after_it() {
    for side in Side::BOTH {
        let input = [side.head(), side.incoming(&[(0x81, b"first")])].concat();
        let wire = Wire::new(&input, Cuts::Whole, Cuts::Whole, Stalls::Never);
        macro_rules! hears_first {
            ($session:expr) => {{
                let mut socket =
                    blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), $session);
                socket.open().unwrap();
                assert_eq!(socket.open(), Ok(()));
                assert_eq!(socket.session().state(), State::Open);
                let Ok(Some((Event::Chunk(chunk), _))) = socket.recv() else { panic!() };
                assert_eq!(chunk.payload, b"first");
                assert_eq!(socket.recv().err(), Some(Error::End(End::Eof)));
            }};
        }
        match side {
            Side::Server => hears_first!(server()),
            Side::Client => hears_first!(client()),
        }
        assert_eq!(wire.output(), side.own_head());
    }
    let wire = Wire::new(b"GET / HTTP/1.1\r\n\r\n", Cuts::Whole, Cuts::Whole, Stalls::Never);
    let mut socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server());
    let Err(Error::End(End::Rejected(_))) = at_once(socket.open()) else { panic!() };
    assert!(wire.output().starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn limits_of_the_head_reach_both_roles() {
    let too_many = End::Rejected(HandshakeError::Head(HeadError::TooManyFields));
    let too_long = End::Rejected(HandshakeError::Head(HeadError::HeadTooLong));
    let len = u32::try_from(REQUEST.len()).unwrap();
    for (bytes, fields, end) in
        [(len, 5, None), (len, 4, Some(too_many)), (len - 1, 5, Some(too_long)), (20, 5, Some(too_long))]
    {
        let mut server = ByHand::server(Config::new().max_head(bytes, fields));
        server.feed(REQUEST);
        let step = server.skip_events();
        assert_eq!(server.session.end(), end);
        assert_eq!(step, if end.is_some() { Step::Write } else { Step::Read });
        assert_eq!(server.take().starts_with(b"HTTP/1.1 431 "), end.is_some());
    }
    let head = Side::Client.head();
    let len = u32::try_from(head.len()).unwrap();
    for (bytes, fields, end) in [(len, 5, None), (len, 4, Some(too_many)), (len - 1, 5, Some(too_long))] {
        let of = Config::new().request("h", "/").subprotocols(&["chat"]).max_head(bytes, fields);
        let mut client = ByHand::new(Session::client(config(of), random as Random), 512, 512);
        assert_eq!(client.receive(), Step::Read);
        client.feed(&head);
        let _ = client.skip_events();
        assert_eq!(client.session.end(), end);
    }
}
