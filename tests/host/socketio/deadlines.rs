//! Heartbeats, and the other deadlines of a session.

use std::time::Instant;

use microws_tests::process::{Echo, wait_until};

use crate::support::{Poll, joined_socket, say, socket, text};

const QUICK: [&str; 6] =
    ["--socketio-ping-interval", "0.3", "--socketio-ping-timeout", "0.2", "--close-timeout", "0.2"];

#[test]
fn a_client_that_answers_pings_stays_and_another_is_ended() {
    let echo = Echo::start(&QUICK);
    let mut client = joined_socket(&echo);
    for _ in 0..4 {
        assert_eq!(text(&mut client), "2");
        say(&mut client, "3");
    }
    let since = Instant::now();
    assert_eq!(text(&mut client), "2");
    let (code, _) = client.closed();
    assert_eq!(code, 1008);
    let waited = since.elapsed().as_millis();
    assert!((400..5000).contains(&waited), "{waited} ms");
    echo.says("the heartbeat was missed");
}

#[test]
fn pings_come_over_polling_too() {
    let echo = Echo::start(&QUICK);
    let poll = Poll::joined(&echo);
    for _ in 0..4 {
        assert_eq!(poll.get().body, "2");
        assert_eq!(poll.post("3").body, "ok");
    }
    assert_eq!(poll.get().body, "2");
    let mut held = poll.hold_quickly();
    assert_eq!(held.answer().unwrap().body, "1", "the end");
    assert!(!poll.is_known());
}

#[test]
fn a_session_that_nobody_asks_for_is_forgotten() {
    let echo = Echo::start(&QUICK);
    let poll = Poll::joined(&echo);
    echo.says("the heartbeat was missed");
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
}

#[test]
fn a_client_that_joins_no_namespace_is_ended() {
    let echo = Echo::start(&["--socketio-connect-timeout", "0.4", "--close-timeout", "0.2"]);
    let mut client = socket(&echo);
    assert_eq!(client.closed().0, 1008);
    echo.says("no namespace was joined in time");
    let poll = Poll::open(&echo);
    assert_eq!(poll.get().body, "1");
    assert!(!poll.is_known());
}

#[test]
fn a_probe_that_takes_too_long_is_closed_and_polling_goes_on() {
    let echo = Echo::start(&["--socketio-upgrade-timeout", "0.3", "--close-timeout", "0.2"]);
    let poll = Poll::joined(&echo);
    let mut socket = poll.upgrade();
    assert_eq!(socket.closed().0, 1000);
    let mut socket = poll.upgrade();
    say(&mut socket, "2probe");
    assert_eq!(text(&mut socket), "3probe");
    assert_eq!(socket.closed().0, 1000);
    assert_eq!(poll.post(r#"42["on"]"#).body, "ok");
    assert_eq!(poll.get().body, r#"42["on"]"#);
}

#[test]
fn a_get_is_held_longer_than_an_opening_handshake_may_take() {
    let echo = Echo::start(&["--handshake-timeout", "0.2", "--ping-interval", "0.2"]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(poll.post(r#"42["late"]"#).body, "ok");
    let answer = held.answer().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"42["late"]"#));
}
