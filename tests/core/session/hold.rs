//! A response that comes later than its request, as a GET that is held until there is something to say.

use microws::{Config, End, Event, SendError, Sent, Server, Step, Timeouts};

use crate::by_hand::{ANSWER, ByHand, REQUEST, as_built};

const GET: &[u8] = b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nnews";

fn held(config: Config<'static>) -> ByHand<Server> {
    let mut server = ByHand::server(config);
    server.feed(GET);
    server.skip_head();
    assert_eq!(server.session.hold(), Ok(()));
    server
}

#[test]
fn a_request_is_answered_later_and_the_next_one_comes() {
    for by_content in [false, true] {
        let mut server = held(Config::new());
        for _ in 0..3 {
            assert_eq!(server.receive(), Step::Read);
        }
        let (session, tx) = (&mut server.session, &mut server.tx);
        let sent = if by_content {
            session.respond_content(tx, 200, &[], b"news")
        } else {
            session.respond_and_stay(tx, 200, &[], "news")
        };
        assert_eq!(sent, Ok(Sent::Done));
        assert_eq!(server.session.hold(), Err(SendError::NotNow));
        assert_eq!(server.take(), as_built(RESPONSE));
        server.feed(REQUEST);
        assert_eq!(server.skip_events(), Step::Read);
        assert_eq!(server.take(), ANSWER);
    }
}

#[test]
fn a_held_request_may_be_answered_for_good() {
    let mut server = held(Config::new());
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.respond(&mut server.tx, 503, &[], ""), Ok(Sent::Done));
    assert!(server.take().starts_with(b"HTTP/1.1 503 "));
    assert_eq!(server.receive(), Step::Shutdown);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Responded));
}

#[test]
fn the_end_of_the_stream_is_found_while_a_request_is_held() {
    let mut server = held(Config::new());
    assert_eq!(server.receive(), Step::Read);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Eof));
}

#[test]
fn nothing_of_the_next_request_is_taken_before_the_response() {
    for cut in 1..GET.len() {
        let mut server = held(Config::new());
        server.feed(&GET[..cut]);
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.rx.len(), cut);
        assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], "news"), Ok(Sent::Done));
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.take(), as_built(RESPONSE));
        server.feed(&GET[cut..]);
        assert!(matches!(server.receive(), Step::Event(Event::Request(line)) if line.path() == "/poll"));
        server.skip_head();
    }
}

#[test]
fn no_deadline_counts_while_a_request_is_held_and_the_next_one_has_its_own() {
    let mut timeouts = Timeouts::new();
    timeouts.handshake = 100;
    let mut server = ByHand::server(Config::new().timeouts(timeouts));
    assert_eq!(server.tick(0), Some(100));
    server.feed(GET);
    server.skip_head();
    assert_eq!(server.tick(50), Some(50));
    assert_eq!(server.session.hold(), Ok(()));
    for now in [60, 1_000, 1_000_000] {
        assert_eq!(server.tick(now), None);
        assert_eq!(server.receive(), Step::Read);
    }
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], "news"), Ok(Sent::Done));
    server.take();
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.tick(1_000_010), Some(100));
}

#[test]
fn content_may_come_before_a_request_is_held_or_be_skipped_after_it() {
    let post = b"POST /poll HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
    let mut server = ByHand::server(Config::new().max_body_len(9));
    server.feed(post);
    server.skip_head();
    server.feed(b"abc");
    assert_eq!(server.receive(), Step::Event(Event::Body { bytes: b"abc", fin: true }));
    assert_eq!(server.session.hold(), Ok(()));
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], "news"), Ok(Sent::Done));
    assert_eq!(server.take(), as_built(RESPONSE));
    server.feed(post);
    server.skip_head();
    assert_eq!(server.session.hold(), Ok(()));
    server.feed(&[b"abc", GET].concat());
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.respond_and_stay(&mut server.tx, 200, &[], "news"), Ok(Sent::Done));
    server.take();
    assert!(matches!(server.receive(), Step::Event(Event::Request(line)) if line.method() == "GET"));
}

#[test]
fn nothing_is_held_before_the_end_of_the_head_or_after_an_upgrade() {
    let mut server = ByHand::server(Config::new());
    assert_eq!(server.session.hold(), Err(SendError::NotNow));
    server.feed(REQUEST);
    server.skip_head();
    assert_eq!(server.receive(), Step::Event(Event::Open));
    assert_eq!(server.session.hold(), Err(SendError::NotNow));
}
