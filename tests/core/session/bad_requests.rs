//! Requests that can't be accepted: the session answers them, whatever the program does, and lingers.

use microws::handshake::{HandshakeError, KnownField};
use microws::http::HeadError;
use microws::{Config, End, Event, SendError, Sent, Session, State, Step};
use microws_tests::Cuts;
use microws_tests::wire::{Op, Stalls, Wire};

use crate::by_hand::{ByHand, REQUEST, as_built, config};
use crate::scripts::{LEAST, Side};
use crate::styles::{STYLES, Style, check_flushes};

const UPGRADE: &str =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A GET request with these fields.
fn get(fields: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n").into_bytes()
}

/// Requests, what is wrong with them, and the answers.
fn cases() -> Vec<(Vec<u8>, HandshakeError, &'static str)> {
    let long = "x".repeat(200);
    let upgrade = |fields: &str| get(&format!("{UPGRADE}{fields}"));
    let bad = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n";
    let large = "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n";
    let required = "HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\n";
    vec![
        (b"BREW /coffee\r\n".to_vec(), HandshakeError::Head(HeadError::BadStartLine), bad),
        (b"GET / HTTP/1.1\nHost: h\n".to_vec(), HandshakeError::Head(HeadError::BadLineEnd), bad),
        (get("Name: value\r\n folded\r\n"), HandshakeError::Head(HeadError::Folded), bad),
        (get("Name : value\r\n"), HandshakeError::Head(HeadError::BadField), bad),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), HandshakeError::Missing(KnownField::Host), bad),
        (get("Host: again\r\n"), HandshakeError::Repeated(KnownField::Host), bad),
        (
            get("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"),
            HandshakeError::Missing(KnownField::Key),
            bad,
        ),
        (
            get("Upgrade: websocket\r\nSec-WebSocket-Key: short==\r\nSec-WebSocket-Version: 13\r\n"),
            HandshakeError::Invalid(KnownField::Key),
            bad,
        ),
        (upgrade("Content-Length: 5\r\n"), HandshakeError::Body, bad),
        (upgrade("Transfer-Encoding: chunked\r\n"), HandshakeError::Body, bad),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
            HandshakeError::Method,
            "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\n",
        ),
        (
            format!("GET /{long} HTTP/1.1\r\n").into_bytes(),
            HandshakeError::Head(HeadError::StartLineTooLong),
            "HTTP/1.1 414 URI Too Long\r\nConnection: close\r\n",
        ),
        (get(""), HandshakeError::NoUpgrade, required),
        (upgrade("Sec-WebSocket-Version: 12\r\n"), HandshakeError::WebSocketVersion, required),
        (
            get(&format!("Sec-WebSocket-Key: {long}\r\n")),
            HandshakeError::FieldTooLong(KnownField::Key),
            large,
        ),
        (get(&format!("Host{long}: h\r\n")), HandshakeError::Head(HeadError::FieldTooLong), large),
        (get(&"A: b\r\n".repeat(100)), HandshakeError::Head(HeadError::TooManyFields), large),
        (
            b"GET / HTTP/2.0\r\nHost: h\r\n\r\n".to_vec(),
            HandshakeError::Head(HeadError::HttpVersion),
            "HTTP/1.1 505 HTTP Version Not Supported\r\nConnection: close\r\n",
        ),
    ]
}

/// The status line and the fields of a response with one line of text.
fn check_response(response: &[u8], start: &str) {
    let text = std::str::from_utf8(response).unwrap();
    assert!(response.starts_with(&as_built(start)), "{text}");
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("\r\nContent-Length: {}\r\n", body.len()))
            || head.ends_with(&format!("\r\nContent-Length: {}", body.len())),
        "{text}"
    );
    let required = start.starts_with("HTTP/1.1 426 ");
    assert_eq!(head.contains("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"), required, "{text}");
    assert_eq!(head.contains("\r\nAllow: GET, HEAD"), start.starts_with("HTTP/1.1 405 "), "{text}");
}

#[test]
fn each_gets_its_status_in_every_style_and_is_read_to_its_end() {
    for (request, error, start) in cases() {
        // More bytes come after it, which are dropped.
        let input = [&request[..], &[b'x'; 500]].concat();
        let mut response: Option<Vec<u8>> = None;
        for style in STYLES {
            for (reads, stalls) in [
                (Cuts::Whole, Stalls::Never),
                (Cuts::Every(1), Stalls::Never),
                (Cuts::Every(7), Stalls::Often),
                (Cuts::At(request.len()), Stalls::Often),
            ] {
                let wire = Wire::new(&input, reads, Cuts::Every(5), stalls);
                let outcome = style.run(Side::Server, &wire);
                assert_eq!(outcome.end, Some(End::Rejected(error)), "{style:?}");
                assert_eq!(outcome.events, []);
                let output = wire.output();
                check_response(&output, start);
                assert_eq!(*response.get_or_insert_with(|| output.clone()), output, "{style:?}");
                check_flushes(style, &wire.ops(), stalls);
                assert_eq!(wire.read_so_far(), input.len(), "{style:?} {error}");
                assert!(wire.ops().ends_with(&[Op::Read(0)]), "{style:?} {error}");
                assert!(wire.ops().contains(&Op::Shutdown), "{style:?} {error}");
            }
        }
    }
}

#[test]
fn each_gets_the_same_at_every_cut() {
    for (request, error, start) in cases() {
        for cut in 0..request.len() {
            for style in [Style::ByHand, Style::Polled, Style::Async(1)] {
                let wire = Wire::new(&request, Cuts::At(cut), Cuts::Every(5), Stalls::Never);
                assert_eq!(style.run(Side::Server, &wire).end, Some(End::Rejected(error)), "{style:?}");
                check_response(&wire.output(), start);
            }
        }
    }
}

#[test]
fn a_stall_at_any_one_place_loses_nothing_of_the_response() {
    for (request, error, start) in cases() {
        for style in STYLES {
            for place in 1.. {
                let wire = Wire::new(&request, Cuts::Whole, Cuts::Every(30), Stalls::Once(place));
                assert_eq!(style.run(Side::Server, &wire).end, Some(End::Rejected(error)), "{style:?}");
                check_response(&wire.output(), start);
                if wire.attempts() < place {
                    break;
                }
            }
        }
    }
}

#[test]
fn the_least_tx_has_room_for_each_response_if_not_for_its_text() {
    for (request, error, start) in cases() {
        let mut server = ByHand::new(Session::server(config(Config::new())), LEAST, LEAST);
        for byte in request {
            if server.session.state() == State::Connecting {
                server.feed(&[byte]);
                let _ = server.skip_events();
            }
        }
        assert_eq!(server.session.end(), Some(End::Rejected(error)));
        let response = server.take();
        assert!(response.starts_with(&as_built(start)));
        let text = String::from_utf8(response).unwrap();
        assert!(text.ends_with("\r\n\r\n") || text.ends_with('\n'), "{text}");
    }
}

#[test]
fn a_head_request_gets_the_response_without_content() {
    for (request, status) in [
        (&b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"[..], "426 Upgrade Required"),
        (b"HEAD / HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (b"HEAD / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400 Bad Request"),
    ] {
        let mut server = ByHand::server(Config::new());
        server.feed(request);
        assert_eq!(server.skip_events(), Step::Write);
        let response = String::from_utf8(server.take()).unwrap();
        assert!(response.as_bytes().starts_with(&as_built(format!("HTTP/1.1 {status}\r\n"))));
        assert!(response.contains("\r\nContent-Length: ") && response.ends_with("\r\n\r\n"), "{response}");
        assert!(!response.contains("\r\nContent-Length: 0\r\n"), "{response}");
    }
}

#[test]
fn nothing_of_a_bad_request_waits_in_rx_and_what_comes_later_is_dropped() {
    let mut server = ByHand::server(Config::new());
    server.feed(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n and more");
    assert_eq!(server.skip_events(), Step::Write);
    assert_eq!(server.session.end(), Some(End::Rejected(HandshakeError::NoUpgrade)));
    assert_eq!(server.session.state(), State::Closed);
    server.take();
    assert_eq!(server.receive(), Step::Shutdown);
    for _ in 0..20 {
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.rx.len(), 0);
        server.feed(&[0x89; 512]);
    }
    assert_eq!(server.receive(), Step::Read);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Rejected(HandshakeError::NoUpgrade)));
    assert_eq!(server.tx.len(), 0);
}

/// The program may look at the fault, and need not do anything about it.
#[test]
fn the_fault_of_an_upgrade_is_known_at_the_end_of_the_head() {
    for (request, fault) in [
        (get(""), HandshakeError::NoUpgrade),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), HandshakeError::Method),
        (get(UPGRADE), HandshakeError::Missing(KnownField::Version)),
        (get(&format!("{UPGRADE}Sec-WebSocket-Version: 12\r\n")), HandshakeError::WebSocketVersion),
    ] {
        let mut server = ByHand::server(Config::new());
        server.feed(&request);
        loop {
            assert_eq!(server.session.fault(), Some(HandshakeError::Incomplete));
            if let Step::Event(Event::HeadEnd) = server.receive() {
                break;
            }
        }
        assert_eq!(server.session.fault(), Some(fault));
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.session.end(), Some(End::Rejected(fault)));
    }
}

#[test]
fn to_accept_a_request_at_fault_rejects_it() {
    let mut server = ByHand::server(Config::new());
    server.feed(&get(&format!("{UPGRADE}Sec-WebSocket-Version: 8\r\n")));
    server.skip_head();
    let fault = HandshakeError::WebSocketVersion;
    assert_eq!(server.session.fault(), Some(fault));
    assert_eq!(server.session.accept(&mut server.tx, &[("Server", "s")]), Ok(Sent::Done));
    assert_eq!(server.session.end(), Some(End::Rejected(fault)));
    assert_eq!(server.session.accept(&mut server.tx, &[]), Err(SendError::NotNow));
    assert_eq!(server.session.respond(&mut server.tx, 200, &[], ""), Err(SendError::NotNow));
    assert!(server.take().starts_with(b"HTTP/1.1 426 "));
    assert_eq!(server.receive(), Step::Shutdown);
}

#[test]
fn a_response_that_has_no_room_yet_is_queued_when_tx_was_written_out() {
    let mut server = ByHand::server(Config::new());
    server.feed(&get(""));
    server.skip_head();
    assert!(server.tx.push(&[b'-'; 500]));
    for _ in 0..3 {
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.tx.len(), 500);
        assert_eq!(server.session.end(), None);
    }
    server.take();
    assert_eq!(server.receive(), Step::Write);
    check_response(&server.take(), "HTTP/1.1 426 ");
    assert_eq!(server.receive(), Step::Shutdown);
    assert_eq!(server.receive(), Step::Read);
}

#[test]
fn the_request_that_is_not_all_there_can_be_responded_to_after_its_fault_had_no_room() {
    let mut server = ByHand::server(Config::new());
    server.feed(b"GET / HTTP/2.0\r\n");
    assert!(server.tx.push(&[b'-'; 512]));
    assert_eq!(server.receive(), Step::Write);
    server.take();
    assert_eq!(server.session.respond(&mut server.tx, 503, &[], ""), Ok(Sent::Done));
    assert_eq!(server.receive(), Step::Write);
    assert!(server.take().starts_with(b"HTTP/1.1 503 "));
    assert_eq!(server.receive(), Step::Shutdown);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Responded));
}

#[test]
fn a_good_request_is_accepted_without_a_word_of_the_program() {
    let mut server = ByHand::server(Config::new());
    server.feed(REQUEST);
    server.skip_head();
    assert_eq!(server.session.fault(), None);
    assert_eq!(server.receive(), Step::Event(Event::Open));
    assert_eq!(server.session.state(), State::Open);
    assert_eq!(server.take(), crate::by_hand::ANSWER);
}
