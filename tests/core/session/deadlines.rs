//! Deadlines, on a clock that the test moves: what is due when.

use microws::{
    Client, CloseCode, Config, End, Event, Overdue, Sent, Session, State, Step, Timeouts, Upgraded,
};
use microws_tests::frame;

use crate::by_hand::{ByHand, REQUEST, as_built, config, masked};
use crate::scripts::{Random, client, random};

/// Deadlines that can be told apart.
fn timeouts(change: impl FnOnce(&mut Timeouts)) -> Config<'static> {
    let mut timeouts = Timeouts::new();
    timeouts.handshake = 100;
    timeouts.ping_after = 200;
    timeouts.pong_within = 300;
    timeouts.close_within = 50;
    timeouts.write_within = 400;
    change(&mut timeouts);
    Config::new().timeouts(timeouts)
}

pub(crate) fn all() -> Config<'static> {
    timeouts(|_| {})
}

/// Every test at several starts: the last ones wrap around at every phase.
fn from_each_start(test: impl Fn(&dyn Fn(u32) -> u32)) {
    let near_the_end = (0..40).map(|i| u32::MAX - i * 25);
    for start in [0, 1000, 1 << 31].into_iter().chain(near_the_end) {
        test(&|t| start.wrapping_add(t));
    }
}

fn overdue(overdue: Overdue) -> Step<Event<'static>> {
    Step::End(End::Overdue(overdue))
}

/// An open server that waits for bytes since the time 0.
fn open(of: Config<'static>, at: &dyn Fn(u32) -> u32) -> ByHand<Upgraded<microws::Server>> {
    let mut server = ByHand::open(of);
    assert_eq!(server.receive(), Step::Read);
    let _ = server.tick(at(0));
    server
}

#[test]
fn a_request_that_does_not_come_in_time_gets_408() {
    from_each_start(|at| {
        let mut server = ByHand::server(all());
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(0)), Some(100));
        assert_eq!(server.tick(at(99)), Some(1));
        assert_eq!(server.tick(at(100)), Some(0));
        assert_eq!(server.session.state(), State::Closed);
        assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Handshake)));
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(
            server.take(),
            as_built(
                b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 26\r\n\r\n\
                the request took too long\n"
            )
        );
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.receive(), Step::Read);
        // The session waits for the peer's end, but not for long.
        assert_eq!(server.tick(at(110)), Some(50));
        assert_eq!(server.tick(at(160)), Some(0));
        assert_eq!(server.receive(), overdue(Overdue::Handshake));
    });
}

#[test]
fn a_byte_now_and_then_does_not_make_the_handshake_longer() {
    from_each_start(|at| {
        let mut server = ByHand::server(all());
        assert_eq!(server.tick(at(0)), Some(100));
        for (i, byte) in REQUEST.iter().take(99).enumerate() {
            server.feed(&[*byte]);
            assert_eq!(server.skip_events(), Step::Read);
            assert_eq!(server.tick(at(1 + i as u32)), Some(99 - i as u32));
        }
        assert_eq!(server.tick(at(100)), Some(0));
        assert!(server.take().starts_with(b"HTTP/1.1 408 "));
    });
}

#[test]
fn a_server_that_does_not_answer_in_time_is_left_at_once() {
    from_each_start(|at| {
        let mut client =
            ByHand::new(Session::client(config(all().request("h", "/")), random as Random), 256, 512);
        assert_eq!(client.receive(), Step::Read);
        client.take();
        assert_eq!(client.tick(at(0)), Some(100));
        client.feed(b"HTTP/1.1 101 \r\n");
        assert_eq!(client.skip_events(), Step::Read);
        assert_eq!(client.tick(at(100)), Some(0));
        assert_eq!(client.receive(), overdue(Overdue::Handshake));
        assert_eq!(client.tx.len(), 0);
    });
}

#[test]
fn a_handshake_that_is_done_in_time_is_no_more_looked_at() {
    from_each_start(|at| {
        let mut server = ByHand::server(all());
        assert_eq!(server.tick(at(0)), Some(100));
        server.feed(REQUEST);
        assert_eq!(server.skip_events(), Step::Read);
        server.take();
        assert_eq!(server.tick(at(99)), Some(200));
        assert_eq!(server.tick(at(100)), Some(199));
    });
}

#[test]
fn after_silence_a_ping_goes_out_once_and_then_its_pong_is_due() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.tick(at(199)), Some(1));
        assert_eq!(server.tx.len(), 0);
        assert_eq!(server.tick(at(200)), Some(300));
        assert_eq!(server.take(), b"\x89\x00");
        assert_eq!(server.tick(at(200)), Some(300));
        assert_eq!(server.tick(at(499)), Some(1));
        assert_eq!(server.tx.len(), 0);
        assert_eq!(server.tick(at(500)), Some(0));
        // The peer gets a close frame, if it reads.
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.take(), b"\x88\x15\x03\xf3no answer to a ping");
        assert_eq!(server.receive(), overdue(Overdue::Pong));
        assert_eq!(server.receive(), overdue(Overdue::Pong));
    });
}

/// Data is a sign of life: it puts the ping off, and counts as the pong.
#[test]
fn any_byte_is_a_sign_of_life() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        // The first byte of a header.
        server.feed(b"\x8a");
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(150)), Some(200));
        assert_eq!(server.tick(at(350)), Some(300));
        assert_eq!(server.take(), b"\x89\x00");
        server.feed(b"\x80\0\0\0\0");
        assert_eq!(server.receive(), Step::Event(Event::Pong(b"")));
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(649)), Some(200));
        server.session.heard();
        assert_eq!(server.tick(at(800)), Some(200));
        assert_eq!(server.tick(at(1000)), Some(300));
        server.take();
        server.session.heard();
        assert_eq!(server.tick(at(1299)), Some(200));
        assert_eq!(server.session.state(), State::Open);
    });
}

#[test]
fn without_a_limit_for_the_pong_a_ping_goes_out_after_each_silence() {
    from_each_start(|at| {
        let mut server = open(timeouts(|t| t.pong_within = 0), at);
        for round in 1..9 {
            assert_eq!(server.tick(at(round * 200 - 1)), Some(1));
            assert_eq!(server.tick(at(round * 200)), Some(200));
            assert_eq!(server.take(), b"\x89\x00");
        }
    });
}

#[test]
fn a_ping_that_goes_out_late_leaves_the_pong_its_whole_time() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.tick(at(5000)), Some(300));
        server.take();
        assert_eq!(server.tick(at(5299)), Some(1));
        assert_eq!(server.tick(at(5300)), Some(0));
    });
}

#[test]
fn a_client_pings_and_closes_with_masks() {
    let mut client: ByHand<Upgraded<Client<Random>>> =
        ByHand::new(Session::upgraded(config(all()), Client(random as Random)), 256, 256);
    assert_eq!(client.receive(), Step::Read);
    assert_eq!(client.tick(7), Some(200));
    assert_eq!(client.tick(207), Some(300));
    assert_eq!(client.take(), b"\x89\x80\xa5\x5a\x0f\xf0");
    assert_eq!(client.tick(507), Some(0));
    let frames = microws_tests::frames(&client.take());
    assert_eq!((frames.len(), frames[0].b0), (1, 0x88));
    assert!(frames[0].payload.starts_with(b"\x03\xf3"));
    assert_eq!(client.receive(), overdue(Overdue::Pong));
}

#[test]
fn a_close_frame_that_is_not_answered_is_overdue_whatever_else_comes() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
        server.take();
        assert_eq!(server.tick(at(10)), Some(50));
        for t in 11..60 {
            server.feed(&masked(0x81, b"x"));
            assert_eq!(server.skip_events(), Step::Read);
            assert_eq!(server.tick(at(t)), Some(60 - t));
        }
        assert_eq!(server.tick(at(60)), Some(0));
        assert_eq!(server.receive(), overdue(Overdue::Close));
    });
}

#[test]
fn a_close_frame_while_a_pong_is_awaited_has_its_own_time() {
    let mut server = open(all(), &|t| t);
    assert_eq!(server.tick(200), Some(300));
    server.take();
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
    server.take();
    assert_eq!(server.tick(499), Some(50));
    assert_eq!(server.tick(549), Some(0));
    assert_eq!(server.receive(), overdue(Overdue::Close));
}

#[test]
fn a_peer_that_does_not_end_the_stream_is_left_with_the_end_that_is_known() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        server.feed(&masked(0x88, b"\x03\xe8"));
        assert_eq!(server.receive(), Step::Write);
        server.take();
        assert!(matches!(server.receive(), Step::Event(Event::Close(_))));
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(5)), Some(50));
        server.feed(b"and more and more");
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(54)), Some(1));
        assert_eq!(server.tick(at(55)), Some(0));
        assert_eq!(server.receive(), Step::End(End::Closed(CloseCode::NORMAL)));
        // Also if the clock is looked at again before.
        assert_eq!(server.tick(at(1000)), Some(0));
        assert_eq!(server.receive(), Step::End(End::Closed(CloseCode::NORMAL)));
    });
}

/// Our close frame to the peer's is one wait, our end of the stream to the peer's another.
#[test]
fn the_end_of_the_stream_has_its_own_time_after_the_peers_close_frame() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
        server.take();
        assert_eq!(server.tick(at(0)), Some(50));
        server.feed(&masked(0x88, b"\x03\xe8"));
        assert!(matches!(server.receive(), Step::Event(Event::Close(_))));
        assert_eq!(server.receive(), Step::Shutdown);
        assert_eq!(server.receive(), Step::Read);
        assert_eq!(server.tick(at(40)), Some(50));
        assert_eq!(server.tick(at(89)), Some(1));
        assert_eq!(server.tick(at(90)), Some(0));
        assert_eq!(server.receive(), Step::End(End::Closed(CloseCode::NORMAL)));
    });
}

#[test]
fn a_client_gives_the_server_time_to_end_the_stream() {
    let mut client: ByHand<Upgraded<Client<Random>>> =
        ByHand::new(Session::upgraded(config(all()), Client(random as Random)), 256, 256);
    client.feed(&frame(0x88, None, b""));
    assert_eq!(client.receive(), Step::Write);
    client.take();
    assert!(matches!(client.receive(), Step::Event(Event::Close(_))));
    assert_eq!(client.receive(), Step::Read);
    assert_eq!(client.tick(1), Some(50));
    assert_eq!(client.tick(51), Some(0));
    assert_eq!(client.receive(), Step::End(End::Closed(CloseCode::NO_STATUS)));
}

#[test]
fn a_peer_that_takes_nothing_is_given_up() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.session.send_binary(&mut server.tx, &[7; 200]), Ok(Sent::Done));
        assert_eq!(server.tick(at(0)), Some(400));
        // Bytes that it sends don't count: it must read.
        server.feed(&masked(0x81, b"x"));
        assert!(matches!(server.receive(), Step::Write));
        assert_eq!(server.tick(at(300)), Some(100));
        server.tx.consume(1);
        assert_eq!(server.tick(at(399)), Some(400));
        assert_eq!(server.tick(at(798)), Some(1));
        assert_eq!(server.tick(at(799)), Some(0));
        assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Write)));
        assert_eq!(server.tx.len(), 0);
        assert_eq!(server.receive(), overdue(Overdue::Write));
    });
}

#[test]
fn a_last_word_that_is_not_taken_is_given_up_and_its_reason_stays() {
    from_each_start(|at| {
        let mut server = ByHand::server(all());
        assert_eq!(server.tick(at(0)), Some(100));
        server.feed(b"nonsense\r\n");
        assert_eq!(server.receive(), Step::Write);
        assert_eq!(server.tick(at(10)), Some(400));
        assert_eq!(server.tick(at(410)), Some(0));
        let Step::End(End::Rejected(_)) = server.receive() else { panic!() };
        assert_eq!(server.tx.len(), 0);
    });
}

#[test]
fn a_timeout_of_zero_waits_forever() {
    let never = timeouts(|t| {
        (t.handshake, t.ping_after, t.pong_within, t.close_within, t.write_within) = (0, 0, 0, 0, 0);
    });
    let mut server = ByHand::server(never);
    let mut now = 0u32;
    let mut forever = |server: &mut ByHand<microws::Server>| {
        for _ in 0..5 {
            assert_eq!(server.tick(now), None);
            now = now.wrapping_add(1 << 30);
        }
    };
    forever(&mut server);
    server.feed(REQUEST);
    assert_eq!(server.skip_events(), Step::Read);
    forever(&mut server);
    server.take();
    forever(&mut server);
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
    server.take();
    forever(&mut server);
    server.feed(&masked(0x88, b""));
    assert!(matches!(server.receive(), Step::Event(Event::Close(_))));
    assert_eq!(server.receive(), Step::Shutdown);
    assert_eq!(server.receive(), Step::Read);
    forever(&mut server);
}

#[test]
fn timeouts_of_24_days_are_exact() {
    let most = (1 << 31) - 1;
    from_each_start(|at| {
        let mut server = open(timeouts(|t| t.ping_after = most), at);
        assert_eq!(server.tick(at(most - 1)), Some(1));
        assert_eq!(server.tx.len(), 0);
        assert_eq!(server.tick(at(most)), Some(300));
        assert_eq!(server.take(), b"\x89\x00");
    });
}

#[test]
fn a_now_from_before_is_taken_as_the_same() {
    from_each_start(|at| {
        let mut server = open(all(), at);
        assert_eq!(server.tick(at(0).wrapping_sub(1)), Some(200));
        assert_eq!(server.tick(at(0).wrapping_sub(1 << 30)), Some(200));
        assert_eq!(server.tick(at(199)), Some(1));
        assert_eq!(server.tick(at(200)), Some(300));
        server.take();
        assert_eq!(server.tick(at(199)), Some(300));
        assert_eq!(server.tick(at(499)), Some(1));
        assert_eq!(server.session.state(), State::Open);
    });
}

#[test]
fn the_defaults_are_as_documented() {
    let t = Timeouts::default();
    assert_eq!((t.handshake, t.ping_after, t.pong_within), (10_000, 20_000, 20_000));
    assert_eq!((t.close_within, t.write_within), (5_000, 20_000));
    let mut client = ByHand::new(client(), 256, 512);
    assert_eq!(client.receive(), Step::Read);
    assert_eq!(client.tick(0), Some(20_000));
    client.take();
    assert_eq!(client.tick(0), Some(10_000));
}
