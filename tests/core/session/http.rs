//! Plain requests before the upgrade: several on one stream, with content, at every cut.

use microws::handshake::{HandshakeError, KnownField};
use microws::{Config, End, Event, Overdue, SendError, Sent, Server, Session, State, Step, Timeouts};
use microws_tests::Cuts;

use crate::by_hand::{ANSWER, ByHand, REQUEST, as_built, config, masked};
use crate::scripts::LEAST;

/// What a program saw and did.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    /// `POST /path`, then the content, `(all of it)` where its end was reported.
    requests: Vec<String>,
    output: Vec<u8>,
}

/// When the program responds to a plain request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Respond {
    /// At the end of the head; the content is skipped.
    AtOnce,
    /// When the content has come.
    AfterContent,
}

/// Reads `input` in pieces and responds with 200 to each request except `/room`; `None` if the stream ends before.
fn serve(of: &'static Config<'static>, input: &[u8], cuts: &mut Cuts, respond: Respond) -> (Seen, End) {
    let mut server = ByHand::new(Session::server(of), LEAST, 256);
    let (mut seen, mut input, mut plain) = (Seen::default(), input, false);
    // Content that is to come.
    let mut has_content = false;
    loop {
        let mut done = false;
        match server.receive() {
            Step::Event(Event::Request(line)) => {
                plain = line.path() != "/room";
                has_content = false;
                seen.requests.push(format!("{} {}", line.method(), line.path()));
            }
            Step::Event(Event::Field(field)) => {
                has_content |= field.is("Content-Length") && field.value() != b"0";
            }
            Step::Event(Event::HeadEnd) => done = plain && (respond == Respond::AtOnce || !has_content),
            Step::Event(Event::Body { bytes, fin }) => {
                assert!(respond == Respond::AfterContent && !bytes.is_empty());
                let last = seen.requests.last_mut().unwrap();
                last.push_str(if last.contains('\n') { "" } else { "\n" });
                last.push_str(std::str::from_utf8(bytes).unwrap());
                last.push_str(if fin { "(all of it)" } else { "" });
                done = fin;
            }
            Step::Event(_) => {}
            Step::Read => {
                seen.output.extend(server.take());
                assert!(server.rx.free() > 0);
                let n = cuts.size().min(input.len()).min(server.rx.free());
                if n == 0 {
                    server.feed_end();
                } else {
                    server.feed(&input[..n]);
                }
                input = &input[n..];
            }
            Step::Write => seen.output.extend(server.take()),
            Step::Shutdown => {}
            Step::End(end) => return (seen, end),
        }
        if done {
            loop {
                match server.session.respond_and_stay(&mut server.tx, 200, &[("A", "b")], "ok").unwrap() {
                    Sent::Done => break,
                    Sent::Write => seen.output.extend(server.take()),
                }
            }
            assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], ""), Err(SendError::NotNow));
            if server.session.state() == State::Connecting {
                assert_eq!(server.session.respond(&mut server.tx, 200, &[], ""), Err(SendError::NotNow));
                assert_eq!(server.session.accept(&mut server.tx, &[]), Err(SendError::NotNow));
            }
        }
    }
}

fn cuts_of(input: &[u8]) -> impl Iterator<Item = Cuts> {
    (1..input.len()).flat_map(|n| [Cuts::At(n), Cuts::Every(n)])
}

const STAYS: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nA: b\r\n\r\nok";
const CLOSES: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nA: b\r\n\r\nok";

#[test]
fn plain_requests_pipelined_and_then_an_upgrade_on_one_stream() {
    let of = config(Config::new());
    let input = [
        b"GET /poll?n=1 HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
        &b"\r\nGET /poll?n=2 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"[..],
        REQUEST,
        &masked(0x89, b"?"),
        &masked(0x88, b""),
    ]
    .concat();
    let requests = ["GET /poll", "GET /poll", "GET /room"].map(str::to_owned).to_vec();
    let output = as_built([STAYS, STAYS, ANSWER, b"\x8a\x01?\x88\x00"].concat());
    for mut cuts in cuts_of(&input) {
        let (seen, end) = serve(of, &input, &mut cuts, Respond::AtOnce);
        assert_eq!(end, End::Closed(microws::CloseCode::NO_STATUS));
        assert_eq!(seen, Seen { requests: requests.clone(), output: output.clone() }, "{cuts:?}");
    }
}

/// Requests with content, the second one larger than `rx`, and then an upgrade.
fn with_content() -> (Vec<u8>, [String; 4]) {
    let large = "0123456789".repeat(30);
    let input = format!(
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello\
         PUT /b HTTP/1.1\r\nContent-Length: 0300\r\nHost: h\r\n\r\n{large}\
         POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
    );
    let requests = [
        "POST /a\nhello(all of it)".to_owned(),
        format!("PUT /b\n{large}(all of it)"),
        "POST /c".to_owned(),
        "GET /room".to_owned(),
    ];
    ([input.as_bytes(), REQUEST].concat(), requests)
}

#[test]
fn content_comes_by_its_length_at_every_cut_and_its_end_is_told() {
    let of = config(Config::new().max_body_len(300));
    let (input, requests) = with_content();
    for mut cuts in cuts_of(&input) {
        let (seen, end) = serve(of, &input, &mut cuts, Respond::AfterContent);
        assert_eq!(end, End::Eof);
        assert_eq!(seen.requests, requests, "{cuts:?}");
        assert_eq!(seen.output, as_built([STAYS, STAYS, STAYS, ANSWER].concat()), "{cuts:?}");
    }
}

#[test]
fn content_that_nobody_waits_for_is_skipped_at_every_cut() {
    let of = config(Config::new().max_body_len(300));
    let (input, _) = with_content();
    for mut cuts in cuts_of(&input) {
        let (seen, end) = serve(of, &input, &mut cuts, Respond::AtOnce);
        assert_eq!(end, End::Eof);
        assert_eq!(seen.requests, ["POST /a", "PUT /b", "POST /c", "GET /room"], "{cuts:?}");
        assert_eq!(seen.output, as_built([STAYS, STAYS, STAYS, ANSWER].concat()), "{cuts:?}");
    }
}

#[test]
fn a_client_that_wants_the_stream_closed_gets_it_closed() {
    let of = config(Config::new().max_body_len(9));
    for field in ["Connection: close", "connection: Keep-Alive, CLOSE"] {
        let input = format!(
            "POST /a HTTP/1.1\r\nHost: h\r\n{field}\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
        );
        for respond in [Respond::AtOnce, Respond::AfterContent] {
            let (seen, end) = serve(of, input.as_bytes(), &mut Cuts::Every(7), respond);
            assert_eq!((end, seen.requests.len()), (End::Responded, 1));
            assert_eq!(seen.output, as_built(CLOSES));
        }
    }
}

/// A server that has received `request`.
fn received(of: Config<'static>, request: &str) -> ByHand<Server> {
    let mut server = ByHand::server(of);
    server.feed(request.as_bytes());
    server
}

#[test]
fn content_at_fault_is_rejected() {
    let limited = Config::new().max_body_len(300);
    let invalid = HandshakeError::Invalid(KnownField::ContentLength);
    for (of, fields, error, status) in [
        (limited, "Content-Length: 301", HandshakeError::BodyTooLong, "413 Content Too Large"),
        (limited, "Content-Length: 999999999999999999", HandshakeError::BodyTooLong, "413 Content Too Large"),
        (limited, "Transfer-Encoding: chunked", HandshakeError::LengthRequired, "411 Length Required"),
        (
            limited,
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            HandshakeError::LengthRequired,
            "411 Length Required",
        ),
        (
            limited,
            "Content-Length: 5\r\nContent-Length: 5",
            HandshakeError::Repeated(KnownField::ContentLength),
            "400 Bad Request",
        ),
        (limited, "Content-Length: 5, 5", invalid, "400 Bad Request"),
        (limited, "Content-Length:", invalid, "400 Bad Request"),
        (limited, "Content-Length: -5", invalid, "400 Bad Request"),
        (limited, "Content-Length: +5", invalid, "400 Bad Request"),
        (limited, "Content-Length: 0x5", invalid, "400 Bad Request"),
        (limited, "Content-Length: 1e2", invalid, "400 Bad Request"),
        (limited, "Content-Length: 1000000000000000000", invalid, "400 Bad Request"),
        // Without a limit no content is accepted; a method that has some is the better reason.
        (Config::new(), "Content-Length: 5", HandshakeError::Method, "405 Method Not Allowed"),
        (Config::new(), "Transfer-Encoding: chunked", HandshakeError::Method, "405 Method Not Allowed"),
    ] {
        let mut server = received(of, &format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\nhello"));
        assert_eq!(server.skip_events(), Step::Write, "{fields}");
        assert_eq!(server.session.end(), Some(End::Rejected(error)), "{fields}");
        let response = String::from_utf8(server.take()).unwrap();
        let start = as_built(format!("HTTP/1.1 {status}\r\nConnection: close\r\n"));
        assert!(response.as_bytes().starts_with(&start), "{response}");
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.receive(), Step::Read);
        assert!(server.rx.is_empty());
    }
}

#[test]
fn an_upgrade_with_content_is_rejected_when_that_has_come() {
    let head = std::str::from_utf8(&REQUEST[..REQUEST.len() - 2]).unwrap();
    let mut server = received(Config::new().max_body_len(9), &format!("{head}Content-Length: 5\r\n\r\nhel"));
    server.skip_head();
    assert_eq!(server.session.fault(), Some(HandshakeError::Body));
    assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"hel", fin: false }));
    assert_eq!(server.receive(), Step::Read);
    server.feed(b"lo");
    assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"lo", fin: true }));
    assert_eq!(server.receive(), Step::Write);
    assert!(server.take().starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn a_request_with_content_to_which_nobody_responds_is_rejected_when_that_has_come() {
    let mut server =
        received(Config::new().max_body_len(9), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(server.skip_events(), Step::Write);
    assert_eq!(server.session.end(), Some(End::Rejected(HandshakeError::Method)));
    assert!(server.take().starts_with(b"HTTP/1.1 405 "));
}

#[test]
fn the_last_response_may_come_in_the_middle_of_the_content() {
    let mut server =
        received(Config::new().max_body_len(9), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe");
    server.skip_head();
    assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"he", fin: false }));
    assert_eq!(server.session.respond(&mut server.tx, 403, &[], ""), Ok(Sent::Done));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(
        server.take(),
        as_built(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    );
    assert_eq!(server.receive(), Step::Shutdown);
    server.feed(b"llo");
    assert_eq!(server.receive(), Step::Read);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Responded));
}

#[test]
fn a_response_that_stays_may_come_in_the_middle_of_the_content() {
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe";
    let mut server = received(Config::new().max_body_len(9), request);
    server.skip_head();
    assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"he", fin: false }));
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 204, &[], ""), Ok(Sent::Done));
    assert_eq!(server.take(), as_built(b"HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n"));
    server.feed(&[b"llo", REQUEST].concat());
    assert!(matches!(server.receive(), Step::Event(Event::Request(line)) if line.path() == "/room"));
    assert_eq!(server.skip_events(), Step::Read);
    assert_eq!(server.take(), ANSWER);
}

#[test]
fn nothing_stays_before_the_end_of_the_head_or_after_an_upgrade() {
    let mut server = ByHand::server(Config::new());
    server.feed(REQUEST);
    let early = |server: &mut ByHand<Server>| server.session.respond_and_stay(&mut server.tx, 200, &[], "");
    loop {
        assert_eq!(early(&mut server), Err(SendError::NotNow));
        if server.receive() == Step::Event(Event::HeadEnd) {
            break;
        }
    }
    assert_eq!(server.session.accept(&mut server.tx, &[]), Ok(Sent::Done));
    assert_eq!(early(&mut server), Err(SendError::NotNow));
    assert_eq!(server.receive(), Step::Event(Event::Open));
    assert_eq!(early(&mut server), Err(SendError::NotNow));
    assert_eq!(server.take(), ANSWER);
}

#[test]
fn a_response_that_stays_is_whole_or_nothing_too() {
    let mut server = received(Config::new(), "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    let (session, tx) = (&mut server.session, &mut server.tx);
    assert_eq!(session.respond_and_stay(tx, 200, &[("A b", "")], ""), Err(SendError::InvalidField));
    let long = "x".repeat(500);
    assert_eq!(session.respond_and_stay(tx, 200, &[("A", &long)], ""), Err(SendError::BufferFull));
    assert!(tx.push(&[b'-'; 500]));
    assert_eq!(session.respond_and_stay(tx, 200, &[], "ok"), Ok(Sent::Write));
    assert_eq!(tx.len(), 500);
    tx.consume(500);
    assert_eq!(session.respond_and_stay(tx, 200, &[], "ok"), Ok(Sent::Done));
    // A HEAD request gets no content, and the next request does.
    assert_eq!(
        server.take(),
        as_built(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n")
    );
    server.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], "ok"), Ok(Sent::Done));
    assert!(server.take().ends_with(b"\r\n\r\nok"));
}

#[test]
fn a_next_request_that_does_not_end_is_answered_as_the_first_one_is() {
    let mut timeouts = Timeouts::new();
    timeouts.handshake = 100;
    let mut server = ByHand::server(Config::new().timeouts(timeouts));
    server.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], ""), Ok(Sent::Done));
    server.take();
    server.feed(b"GET / HTTP/1.1\r\nHo");
    assert_eq!(server.skip_events(), Step::Read);
    assert_eq!(server.tick(0), Some(100));
    assert_eq!(server.tick(100), Some(0));
    assert_eq!(server.receive(), Step::Write);
    assert!(server.take().starts_with(b"HTTP/1.1 408 "));
}

#[test]
fn a_date_stands_in_every_response_that_follows_but_101() {
    const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
    let dated = |status: &str| {
        as_built(
            format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\nDate: {}\r\n\r\n",
                DATE.escape_ascii()
            )
            .as_bytes(),
        )
    };
    let begun = |input: &str| {
        let mut timeouts = Timeouts::new();
        timeouts.handshake = 100;
        let mut server = ByHand::server(Config::new().timeouts(timeouts));
        assert_eq!(server.session.set_date(*DATE), Ok(()));
        server.feed(input.as_bytes());
        server
    };
    let has_date =
        |output: &[u8]| output.windows(37).any(|bytes| bytes == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    let mut server = begun("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 404, &[], ""), Ok(Sent::Done));
    assert!(has_date(&server.take()));
    server.skip_head();
    assert_eq!(server.session.respond(&mut server.tx, 404, &[], ""), Ok(Sent::Done));
    assert_eq!(server.take(), dated("404 Not Found"));
    // By the session itself: no upgrade, no head at all, too late.
    for input in ["GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\0"] {
        let mut server = begun(input);
        assert_eq!(server.skip_events(), Step::Write);
        assert!(has_date(&server.take()), "{input:?}");
    }
    let mut server = begun("");
    assert_eq!((server.tick(0), server.tick(100)), (Some(100), Some(0)));
    assert!(has_date(&server.take()));
    let mut server = begun(std::str::from_utf8(REQUEST).unwrap());
    assert_eq!(server.skip_events(), Step::Read);
    assert_eq!(server.take(), ANSWER);
    let mut server = begun("");
    assert_eq!(server.session.set_date(*b"Sun, 06 Nov 1994\r\nA: b    GMT"), Err(SendError::InvalidField));
}

#[test]
fn every_request_has_its_own_limits_and_faults() {
    let of = Config::new().max_head(60, 2).subprotocols(&["chat"]);
    let mut server = ByHand::server(of);
    for _ in 0..5 {
        server.feed(b"HEAD / HTTP/1.1\r\nHost: h\r\nA: bcdefghijklmnop\r\n\r\n");
        server.skip_head();
        assert_eq!(server.session.fault(), Some(HandshakeError::NoUpgrade));
        assert_eq!(server.session.respond_and_stay(&mut server.tx, 404, &[], ""), Ok(Sent::Done));
        server.take();
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.session.fault(), Some(HandshakeError::Incomplete));
        assert_eq!(server.session.subprotocol(), None);
    }
    server.feed(b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nA: b\r\n\r\n");
    assert_eq!(server.skip_events(), Step::Write);
    assert!(server.take().starts_with(b"HTTP/1.1 431 "));
}

#[test]
fn the_stream_may_end_between_requests_and_in_the_middle_of_content() {
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe";
    let mut server = received(Config::new().max_body_len(5), request);
    assert_eq!(server.skip_events(), Step::Read);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Eof));
    let mut server = received(Config::new(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    server.skip_head();
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], ""), Ok(Sent::Done));
    server.feed_end();
    // The response leaves first.
    assert_eq!(server.receive(), Step::Write);
    assert!(server.take().starts_with(b"HTTP/1.1 200 "));
    assert_eq!(server.receive(), Step::End(End::Eof));
}

#[test]
fn an_idle_stream_is_ended_by_the_deadline_of_the_handshake() {
    let mut timeouts = Timeouts::new();
    (timeouts.handshake, timeouts.close_within) = (100, 50);
    let mut server = ByHand::server(Config::new().max_body_len(9).timeouts(timeouts));
    let mut now = 0;
    assert_eq!(server.tick(now), Some(100));
    for _ in 0..3 {
        // Each request has its own time, its content included.
        server.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
        server.skip_head();
        now += 80;
        assert_eq!(server.tick(now), Some(20));
        server.feed(b"hello");
        assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"hello", fin: true }));
        assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], ""), Ok(Sent::Done));
        server.take();
        assert_eq!(server.receive(), Step::Read);
        now += 10;
        assert_eq!(server.tick(now), Some(100));
    }
    now += 100;
    assert_eq!(server.tick(now), Some(0));
    // No byte of another request came: there is nothing to answer.
    assert_eq!(server.receive(), Step::Shutdown);
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.tick(now), Some(50));
    assert_eq!(server.tick(now + 50), Some(0));
    assert_eq!(server.receive(), Step::End(End::Overdue(Overdue::Handshake)));
}
