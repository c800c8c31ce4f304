//! `Keepalive`: what is due when, on a clock that the test moves.

use microws::{Due, Keepalive, Timeouts};

const TIMEOUTS: Timeouts = Timeouts { handshake: 10, ping_after: 20, pong_within: 30, close_within: 5 };

fn nothing(again_in: u32) -> Due {
    Due::Nothing { again_in: Some(again_in) }
}

/// Every test at several starts: the last ones wrap around.
const STARTS: [u32; 5] = [0, 1000, 1 << 31, u32::MAX - 15, u32::MAX];

fn from_each_start(test: impl Fn(&dyn Fn(u32) -> u32)) {
    for start in STARTS {
        test(&|t| start.wrapping_add(t));
    }
}

#[test]
fn a_handshake_that_takes_too_long_is_overdue() {
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        assert_eq!(keepalive.due(at(0), &TIMEOUTS), nothing(10));
        assert_eq!(keepalive.due(at(9), &TIMEOUTS), nothing(1));
        assert_eq!(keepalive.due(at(10), &TIMEOUTS), Due::HandshakeOverdue);
        assert_eq!(keepalive.due(at(11), &TIMEOUTS), Due::HandshakeOverdue);
    });
}

/// A peer that sends a byte now and then must still come to an end.
#[test]
fn bytes_during_the_handshake_buy_no_time() {
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        for t in 1..10 {
            keepalive.heard(at(t));
            assert_eq!(keepalive.due(at(t), &TIMEOUTS), nothing(10 - t));
        }
        assert_eq!(keepalive.due(at(10), &TIMEOUTS), Due::HandshakeOverdue);
    });
}

#[test]
fn after_silence_a_ping_is_due_once_and_then_its_pong() {
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        keepalive.open(at(5));
        assert_eq!(keepalive.due(at(5), &TIMEOUTS), nothing(20));
        assert_eq!(keepalive.due(at(24), &TIMEOUTS), nothing(1));
        assert_eq!(keepalive.due(at(25), &TIMEOUTS), Due::Ping);
        assert_eq!(keepalive.due(at(25), &TIMEOUTS), nothing(30));
        assert_eq!(keepalive.due(at(54), &TIMEOUTS), nothing(1));
        assert_eq!(keepalive.due(at(55), &TIMEOUTS), Due::PongOverdue);
        assert_eq!(keepalive.due(at(56), &TIMEOUTS), Due::PongOverdue);
    });
}

/// Data is life: it puts the ping off, and stands for the pong.
#[test]
fn any_byte_is_a_sign_of_life() {
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        keepalive.open(at(0));
        keepalive.heard(at(15));
        assert_eq!(keepalive.due(at(20), &TIMEOUTS), nothing(15));
        assert_eq!(keepalive.due(at(35), &TIMEOUTS), Due::Ping);
        keepalive.heard(at(64));
        assert_eq!(keepalive.due(at(65), &TIMEOUTS), nothing(19));
        assert_eq!(keepalive.due(at(84), &TIMEOUTS), Due::Ping);
        keepalive.heard(at(90));
        assert_eq!(keepalive.due(at(200), &TIMEOUTS), Due::Ping);
    });
}

#[test]
fn a_close_that_is_not_answered_is_overdue_whatever_else_comes() {
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        keepalive.open(at(1));
        keepalive.closing(at(3));
        // Only the first call counts, and bytes count no more.
        keepalive.closing(at(6));
        keepalive.heard(at(7));
        assert_eq!(keepalive.due(at(7), &TIMEOUTS), nothing(1));
        assert_eq!(keepalive.due(at(8), &TIMEOUTS), Due::CloseOverdue);
    });
    // Also where a pong is awaited.
    let mut keepalive = Keepalive::new(0);
    keepalive.open(0);
    assert_eq!(keepalive.due(20, &TIMEOUTS), Due::Ping);
    keepalive.closing(21);
    assert_eq!(keepalive.due(25, &TIMEOUTS), nothing(1));
    assert_eq!(keepalive.due(26, &TIMEOUTS), Due::CloseOverdue);
}

#[test]
fn a_timeout_of_zero_waits_forever() {
    let never = Timeouts { handshake: 0, ping_after: 0, pong_within: 0, close_within: 0 };
    let forever = Due::Nothing { again_in: None };
    let mut keepalive = Keepalive::new(0);
    assert_eq!(keepalive.due(u32::MAX, &never), forever);
    keepalive.open(7);
    assert_eq!(keepalive.due(6, &never), forever);
    keepalive.closing(7);
    assert_eq!(keepalive.due(6, &never), forever);
}

/// Without a limit for the pong a ping goes out after each silence.
#[test]
fn pings_go_on_if_no_pong_is_demanded() {
    let timeouts = Timeouts { pong_within: 0, ..TIMEOUTS };
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        keepalive.open(at(0));
        for round in 1..5 {
            assert_eq!(keepalive.due(at(round * 20), &timeouts), Due::Ping);
            assert_eq!(keepalive.due(at(round * 20), &timeouts), nothing(20));
        }
    });
}

/// Asked late, the ping goes out late, and its pong has its whole time.
#[test]
fn the_time_for_the_pong_begins_with_the_ping() {
    let mut keepalive = Keepalive::new(0);
    keepalive.open(0);
    assert_eq!(keepalive.due(100, &TIMEOUTS), Due::Ping);
    assert_eq!(keepalive.due(129, &TIMEOUTS), nothing(1));
    assert_eq!(keepalive.due(130, &TIMEOUTS), Due::PongOverdue);
}

/// The longest time allowed.
#[test]
fn timeouts_of_24_days_are_exact() {
    let most = (1 << 31) - 1;
    let timeouts = Timeouts { ping_after: most, ..TIMEOUTS };
    from_each_start(|at| {
        let mut keepalive = Keepalive::new(at(0));
        keepalive.open(at(0));
        assert_eq!(keepalive.due(at(most - 1), &timeouts), nothing(1));
        assert_eq!(keepalive.due(at(most), &timeouts), Due::Ping);
    });
}

#[test]
fn the_defaults_are_as_documented() {
    let expected =
        Timeouts { handshake: 10_000, ping_after: 20_000, pong_within: 20_000, close_within: 5_000 };
    assert_eq!(Timeouts::default(), expected);
}
