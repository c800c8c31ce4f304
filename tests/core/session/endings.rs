//! How a session ends: the last word leaves, our direction is ended once, and the rest is read until the peer's end.

use microws::handshake::HandshakeError;
use microws::{Client, CloseCode, Config, End, Event, ProtocolError, Sent, Session, State, Step, Upgraded};
use microws_tests::frame;

use crate::by_hand::{ByHand, config, masked};
use crate::scripts::{Random, client, random};

const NORMAL: End = End::Closed(CloseCode::NORMAL);

fn open_client() -> ByHand<Upgraded<Client<Random>>> {
    ByHand::new(Session::upgraded(config(Config::new()), Client(random as Random)), 256, 256)
}

fn closed(code: u16, reason: &str) -> impl Fn(Step<Event<'_>>) -> bool {
    move |step| matches!(step, Step::Event(Event::Close(close)) if (close.code.0, close.reason()) == (code, reason))
}

#[test]
fn a_server_replies_to_the_close_frame_ends_its_direction_once_and_reads_on_until_the_peers_end() {
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x88, b"\x03\xe8bye"));
    // The event and the half-close wait until the reply has left.
    for _ in 0..3 {
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.session.state(), State::Closing);
        assert_eq!(server.session.end(), None);
    }
    server.tx.consume(3);
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\xe8bye");
    assert!(closed(1000, "bye")(server.receive()));
    assert_eq!((server.session.state(), server.session.end()), (State::Closed, Some(NORMAL)));
    assert_eq!(server.receive(), Step::Shutdown);
    for _ in 0..9 {
        assert_eq!(server.receive(), Step::Read);
        server.feed(&masked(0x81, &[b'x'; 240]));
    }
    assert_eq!(server.receive(), Step::Read);
    assert!(server.rx.is_empty());
    server.feed_end();
    for _ in 0..3 {
        assert_eq!(server.receive(), Step::End(NORMAL));
        assert!(server.tx.is_empty());
        server.feed(&masked(0x89, b"late"));
    }
}

/// "the client [...] MAY wait for the server to close the connection first" (section 7.1.1).
#[test]
fn a_client_leaves_the_end_of_the_stream_to_the_server() {
    for we_begin in [false, true] {
        let mut client = open_client();
        if we_begin {
            assert_eq!(client.session.close(&mut client.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
            assert_eq!(client.take().len(), 8);
            assert_eq!(client.receive(), Step::Read);
        }
        client.feed(&frame(0x88, None, b"\x03\xe8"));
        if !we_begin {
            assert_eq!(client.receive(), Step::Write);
            assert_eq!(client.take().len(), 8);
        }
        assert!(closed(1000, "")(client.receive()));
        for _ in 0..3 {
            assert_eq!(client.receive(), Step::Read);
            client.feed(b"\x81\x02no");
        }
        assert_eq!(client.receive(), Step::Read);
        client.feed_end();
        assert_eq!(client.receive(), Step::End(NORMAL));
    }
}

#[test]
fn the_one_who_begins_the_closing_still_hears_what_was_on_its_way() {
    let mut server = ByHand::open(Config::new());
    assert_eq!(server.session.close(&mut server.tx, CloseCode::GOING_AWAY, "later"), Ok(Sent::Done));
    assert_eq!(server.session.state(), State::Closing);
    server.feed(&[masked(0x81, b"hi"), masked(0x89, b"?"), masked(0x88, b"\x03\xe9later")].concat());
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == b"hi"));
    assert_eq!(server.receive(), Step::Event(Event::Ping(b"?")));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x07\x03\xe9later");
    assert!(closed(1001, "later")(server.receive()));
    assert_eq!(server.receive(), Step::Shutdown);
    assert_eq!(server.receive(), Step::Read);
}

#[test]
fn a_peer_at_fault_is_told_once_and_then_as_after_any_close() {
    for closing in [false, true] {
        let mut server = ByHand::open(Config::new());
        if closing {
            assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
            assert_eq!(server.take(), b"\x88\x02\x03\xe8");
        }
        server.feed(&[masked(0x81, b"ok"), masked(0x83, b"what"), masked(0x81, b"unheard")].concat());
        assert!(matches!(server.receive(), Step::Event(Event::Chunk(_))));
        let end = End::Failed(ProtocolError::ReservedOpcode(3));
        if !closing {
            assert_eq!(server.receive(), Step::Write);
            assert_eq!(server.take(), b"\x88\x02\x03\xea");
        }
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.session.end(), Some(end));
        assert_eq!(server.receive(), Step::Read);
        assert!(server.rx.is_empty());
        server.feed_end();
        assert_eq!(server.receive(), Step::End(end));
    }
}

#[test]
fn a_client_whose_server_is_at_fault_ends_its_direction_too() {
    let mut client = open_client();
    client.feed(&masked(0x81, b"masked"));
    assert_eq!(client.receive(), Step::Write);
    assert_eq!(client.take()[0], 0x88);
    assert_eq!(client.receive(), Step::Shutdown);
    assert_eq!(client.receive(), Step::Read);
    client.feed_end();
    assert_eq!(client.receive(), Step::End(End::Failed(ProtocolError::MaskForbidden)));
}

#[test]
fn a_client_that_is_not_let_in_ends_at_once() {
    let mut client = ByHand::new(client(), 256, 512);
    assert_eq!(client.receive(), Step::Read);
    client.take();
    client.feed(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let end = End::Rejected(HandshakeError::Status(403));
    assert_eq!(client.skip_events(), Step::End(end));
    assert_eq!(client.receive(), Step::End(end));
    assert_eq!(client.session.end(), Some(end));
}

/// The close frame and the end of the stream come in one go.
#[test]
fn a_peer_that_has_ended_its_direction_gets_the_reply_and_is_not_waited_for() {
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x88, b"\x03\xe8"));
    server.feed_end();
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x02\x03\xe8");
    assert!(closed(1000, "")(server.receive()));
    assert_eq!(server.receive(), Step::End(NORMAL));
}

#[test]
fn a_half_closed_peer_still_gets_its_replies() {
    let mut server = ByHand::open(Config::new());
    server.feed(&[masked(0x89, b"a"), masked(0x81, b"b"), b"\x81".to_vec()].concat());
    server.feed_end();
    assert_eq!(server.receive(), Step::Event(Event::Ping(b"a")));
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(_))));
    assert_eq!(server.session.send_text(&mut server.tx, "c"), Ok(Sent::Done));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.session.end(), Some(End::Eof));
    assert_eq!(server.take(), b"\x8a\x01a\x81\x01c");
    assert_eq!(server.receive(), Step::End(End::Eof));
}

/// A full `rx` and the end: nothing is read into no room, which would look like the end.
#[test]
fn a_read_into_a_full_rx_is_not_the_end() {
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x82, &[7; 248]));
    assert_eq!(server.rx.free(), 0);
    server.feed_end();
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == [7; 248]));
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.end(), None);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Eof));
}

#[test]
fn where_the_stream_has_no_half_close_the_end_comes_right_after_the_last_word() {
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x88, b""));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x00");
    assert!(closed(1005, "")(server.receive()));
    assert_eq!(server.receive(), Step::Shutdown);
    server.session.commit_end();
    assert_eq!(server.receive(), Step::End(End::Closed(CloseCode::NO_STATUS)));
}

#[test]
fn a_stream_that_failed_ends_the_session_wherever_it_is() {
    let mut server = ByHand::server(Config::new());
    server.session.commit_end();
    assert_eq!(server.receive(), Step::End(End::Eof));
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x81, b"hi"));
    server.session.commit_end();
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(_))));
    assert_eq!(server.receive(), Step::End(End::Eof));
    assert_eq!(server.session.state(), State::Closed);
}

#[test]
fn a_close_frame_without_room_waits_for_it() {
    let mut server = ByHand::open(Config::new());
    assert_eq!(server.session.send_binary(&mut server.tx, &[7; 250]), Ok(Sent::Done));
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, "bye"), Ok(Sent::Write));
    assert_eq!(server.session.state(), State::Open);
    server.feed(&masked(0x88, b""));
    assert_eq!(server.receive(), Step::Write);
    server.take();
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, "bye"), Ok(Sent::Done));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x05\x03\xe8bye");
    assert!(closed(1005, "")(server.receive()));
    assert_eq!(server.receive(), Step::Shutdown);
}
