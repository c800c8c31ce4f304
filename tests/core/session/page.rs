//! A page and a WebSocket on one stream: content of any length through a small `tx`, in every style.

use microws::io::{asynch, blocking, polled};
use microws::{Config, End, Event, Fields, Overdue, SendError, Sent, Server, Session, Step, Timeouts};
use microws_tests::wire::{Broken, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::by_hand::{ANSWER, ByHand, REQUEST, as_built, config, masked};
use crate::scripts::LEAST;
use crate::styles::{drop_and_call_again, retry};

const HTML: &Fields<'static> = &[("Content-Type", "text/html"), ("Content-Encoding", "gzip")];

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 256) as u8).collect()
}

fn response(status: &str, connection: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: {connection}\r\nContent-Length: {}\r\nContent-Type: text/html\r\n\
         Content-Encoding: gzip\r\n\r\n",
        content.len()
    );
    [as_built(head), content.to_vec()].concat()
}

/// A page, its head, one that is not there, another page, an upgrade and an echo on one stream.
fn requests() -> Vec<u8> {
    [
        b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n",
        &b"HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n"[..],
        b"GET /favicon.ico HTTP/1.1\r\nHost: h\r\n\r\nGET /page HTTP/1.1\r\nHost: h\r\n\r\n",
        REQUEST,
        &masked(0x81, b"echo"),
        &masked(0x88, b""),
    ]
    .concat()
}

fn responses(page: &[u8]) -> Vec<u8> {
    let page = response("200 OK", "keep-alive", page);
    let end = page.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    [
        &page,
        &page[..end],
        &as_built("HTTP/1.1 404 Not Found\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nno.\n"),
        &page,
        ANSWER,
        b"\x81\x04echo\x88\x00",
    ]
    .concat()
}

fn session() -> Session<'static, Server> {
    Session::server(config(Config::new().whole_up_to(125)))
}

/// Which page is asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Page,
    #[default]
    Nothing,
    Socket,
}

impl Asked {
    fn of(path: &str) -> Self {
        match path {
            "/page" => Self::Page,
            "/room" => Self::Socket,
            _ => Self::Nothing,
        }
    }
}

macro_rules! program {
    ($name:ident, $adapter:ident, $call:ident) => {
        fn $name(wire: &Wire, page: &[u8], polls: usize) {
            let mut socket =
                $adapter::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST + 14), session());
            let mut asked = Asked::default();
            while let Some((event, reply)) = $call!(polls, socket.recv()).unwrap() {
                match event {
                    Event::Request(line) => asked = Asked::of(line.path()),
                    Event::HeadEnd if asked == Asked::Page => {
                        $call!(polls, reply.respond_content(200, HTML, page)).unwrap();
                    }
                    Event::HeadEnd if asked == Asked::Nothing => {
                        $call!(polls, reply.respond_and_stay(404, &[], "no.\n")).unwrap();
                    }
                    Event::ContentDue => panic!("the verb is done"),
                    Event::Chunk(c) => $call!(polls, reply.send_fragment(c.kind, c.payload, c.fin)).unwrap(),
                    _ => {}
                }
            }
        }
    };
}

program!(serve_blocking, blocking, retry);
program!(serve_async, asynch, drop_and_call_again);

fn serve_polled(stream: &mut impl polled::Stream<Error = Broken>, page: &[u8]) {
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), session());
    let mut asked = Asked::default();
    loop {
        let (event, reply) = match socket.poll(stream, 0).unwrap() {
            Step::Event(event) => event,
            Step::End(_) => return,
            _ => continue,
        };
        match event {
            Event::Request(line) => asked = Asked::of(line.path()),
            Event::HeadEnd | Event::ContentDue if asked == Asked::Page => {
                // Not done: it is asked for again.
                let _ = reply.respond_content(200, HTML, page).unwrap();
            }
            Event::HeadEnd if asked == Asked::Nothing => {
                assert_eq!(reply.respond_and_stay(404, &[], "no.\n"), Ok(Sent::Done));
            }
            Event::Chunk(c) => assert_eq!(reply.send_fragment(c.kind, c.payload, c.fin), Ok(Sent::Done)),
            _ => {}
        }
    }
}

#[test]
fn pages_of_any_length_and_then_a_websocket_on_one_stream_in_every_style() {
    let input = requests();
    for len in [0, 1, 30, 60, 138, 139, 140, 153, 300, 5_000] {
        let page = content(len);
        for (reads, writes, stalls) in [
            (Cuts::Whole, Cuts::Whole, Stalls::Never),
            (Cuts::Every(1), Cuts::Every(1), Stalls::Never),
            (Cuts::Every(7), Cuts::Every(50), Stalls::Often),
            (Cuts::random(len as u64, 60), Cuts::random(3, 60), Stalls::Often),
        ] {
            let wire = || Wire::new(&input, reads.clone(), writes.clone(), stalls);
            let mut runs = vec![wire()];
            serve_blocking(&runs[0], &page, 0);
            for polls in [1, 2, usize::MAX] {
                let wire = wire();
                serve_async(&wire, &page, polls);
                runs.push(wire);
            }
            let mut wire = wire();
            serve_polled(&mut wire, &page);
            runs.push(wire);
            for wire in runs {
                assert!(wire.output() == responses(&page), "{len} bytes");
            }
        }
    }
}

/// A server that has received `request`, up to the end of its head.
fn asked(request: &str) -> ByHand<Server> {
    let mut timeouts = Timeouts::new();
    (timeouts.handshake, timeouts.write_within) = (100, 50);
    let of = Config::new().timeouts(timeouts).max_body_len(9);
    let mut server = ByHand::new(Session::server(config(of)), 512, 256);
    server.feed(request.as_bytes());
    server.skip_head();
    server
}

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Calls the verb until it is done, and takes what it queued.
fn all_of(server: &mut ByHand<Server>, status: u16, content: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    loop {
        let sent = server.session.respond_content(&mut server.tx, status, HTML, content).unwrap();
        output.extend(server.take());
        if sent == Sent::Done {
            return output;
        }
    }
}

#[test]
fn a_client_that_wants_the_stream_closed_gets_it_closed_after_the_page() {
    for request in [
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
    ] {
        let mut server = asked(request);
        assert_eq!(all_of(&mut server, 200, &content(700)), response("200 OK", "close", &content(700)));
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.session.end(), Some(End::Responded));
    }
}

#[test]
fn content_of_the_request_is_skipped_after_the_page() {
    let mut server = asked("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n12345");
    assert_eq!(all_of(&mut server, 200, b"ok"), response("200 OK", "keep-alive", b"ok"));
    assert_eq!(server.receive(), Step::Read);
    server.feed(&[b"6789", GET.as_bytes()].concat());
    assert!(matches!(server.receive(), Step::Event(Event::Request(line)) if line.method() == "GET"));
}

#[test]
fn a_response_without_content_has_no_length_where_it_must_have_none() {
    for status in [204, 304] {
        let mut server = asked(GET);
        let output = String::from_utf8(all_of(&mut server, status, b"not sent")).unwrap();
        assert!(!output.contains("Content-Length") && output.ends_with("\r\n\r\n"), "{output}");
        let mut server = asked(GET);
        assert_eq!(server.session.respond_and_stay(&mut server.tx, status, &[], ""), Ok(Sent::Done));
        assert!(!String::from_utf8(server.take()).unwrap().contains("Content-Length"));
    }
}

#[test]
fn a_head_that_does_not_fit_leaves_room_for_another_answer() {
    let long = "x".repeat(256);
    let mut server = asked(GET);
    let fields = [("A", &long[..])];
    let sent = server.session.respond_content(&mut server.tx, 200, &fields, b"page");
    assert_eq!(sent, Err(SendError::BufferFull));
    let sent = server.session.respond_content(&mut server.tx, 200, &[("A", "b\r\nC: d")], b"page");
    assert_eq!(sent, Err(SendError::InvalidField));
    assert_eq!(server.session.respond(&mut server.tx, 500, &[], ""), Ok(Sent::Done));
    assert!(server.take().starts_with(b"HTTP/1.1 500 "));
}

#[test]
fn nothing_else_comes_in_the_middle_of_a_page() {
    let mut server = asked(GET);
    let page = content(700);
    assert_eq!(server.session.respond_content(&mut server.tx, 200, HTML, &page), Ok(Sent::Write));
    let full = server.tx.len();
    assert_eq!(full, 256);
    // There is no room, and nothing changes.
    assert_eq!(server.session.respond_content(&mut server.tx, 200, HTML, &page), Ok(Sent::Write));
    assert_eq!(server.receive(), Step::Write);
    let mut output = server.take();
    let other = server.session.respond_content(&mut server.tx, 200, HTML, b"another page");
    assert_eq!(other, Err(SendError::MessageInProgress));
    for _ in 0..2 {
        assert_eq!(server.session.respond(&mut server.tx, 404, &[], ""), Err(SendError::NotNow));
        assert_eq!(server.session.respond_and_stay(&mut server.tx, 404, &[], ""), Err(SendError::NotNow));
        assert_eq!(server.session.accept(&mut server.tx, &[]), Err(SendError::NotNow));
        assert_eq!(server.session.send_text(&mut server.tx, "early"), Err(SendError::NotNow));
        // Until the program goes on.
        assert_eq!(server.receive(), Step::Event(Event::ContentDue));
    }
    output.extend(all_of(&mut server, 200, &page));
    assert_eq!(output, response("200 OK", "keep-alive", &page));
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.respond_content(&mut server.tx, 200, &[], b""), Err(SendError::NotNow));
}

#[test]
fn before_the_head_has_come_and_after_the_upgrade_there_is_no_page() {
    let mut server = ByHand::server(Config::new());
    assert_eq!(server.session.respond_content(&mut server.tx, 200, &[], b"x"), Err(SendError::NotNow));
    server.feed(REQUEST);
    while server.receive() != Step::Event(Event::Open) {}
    assert_eq!(server.session.respond_content(&mut server.tx, 200, &[], b"x"), Err(SendError::NotNow));
    assert_eq!(server.take(), ANSWER);
}

#[test]
fn a_page_may_take_as_long_as_the_client_takes_some_of_it() {
    let mut server = asked(GET);
    let page = content(20_000);
    let mut output: Vec<u8> = Vec::new();
    for now in (0..).step_by(40) {
        let sent = server.session.respond_content(&mut server.tx, 200, HTML, &page).unwrap();
        // The stream takes it in pieces, and the program waits between.
        while !server.tx.is_empty() {
            assert_ne!(server.tick(now), Some(0));
            let n = server.tx.len().min(100);
            output.extend(&server.tx.filled()[..n]);
            server.tx.consume(n);
        }
        if sent == Sent::Done {
            break;
        }
    }
    assert_eq!(output, response("200 OK", "keep-alive", &page));
}

#[test]
fn a_client_that_takes_no_more_of_a_page_is_given_up_without_another_response() {
    let mut server = asked(GET);
    assert_eq!(server.session.respond_content(&mut server.tx, 200, HTML, &content(700)), Ok(Sent::Write));
    assert_eq!(server.tick(0), Some(50));
    assert_eq!(server.tick(50), Some(0));
    assert_eq!(server.receive(), Step::End(End::Overdue(Overdue::Write)));
    assert!(server.take().is_empty());
    let late = server.session.respond_content(&mut server.tx, 200, HTML, &content(700));
    assert_eq!(late, Err(SendError::NotNow));
    // A program that forgets to go on.
    let mut server = asked(GET);
    assert_eq!(server.session.respond_content(&mut server.tx, 200, HTML, &content(700)), Ok(Sent::Write));
    server.take();
    assert_eq!(server.tick(0), Some(100));
    assert_eq!(server.tick(100), Some(0));
    assert!(server.take().is_empty());
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Handshake)));
}

/// A future that was dropped, and the program goes on with `recv`.
#[test]
fn an_async_program_that_drops_the_verb_is_told_to_go_on() {
    let page = content(700);
    let wire = Wire::new(GET.as_bytes(), Cuts::Whole, Cuts::Every(50), Stalls::Often);
    let mut socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(256), session());
    let mut due = 0;
    let end = loop {
        match drop_and_call_again!(2, socket.recv()) {
            Ok(Some((Event::HeadEnd | Event::ContentDue, reply))) => {
                due += 1;
                let _ = crate::styles::poll_once!(reply.respond_content(200, HTML, &page));
            }
            Ok(Some(_)) => {}
            other => break other.map(|_| ()),
        }
    };
    assert!(due > 1);
    assert_eq!(end, Err(microws::io::Error::End(End::Eof)));
    assert_eq!(wire.output(), response("200 OK", "keep-alive", &page));
}
