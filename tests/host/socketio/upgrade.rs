//! A session over polling goes on over a WebSocket.

use microws_tests::frames::frame;
use microws_tests::process::{Echo, wait_until};
use microws_tests::raw::KEY;

use crate::support::{Poll, SEPARATOR, say, silent, target, text, upgrade};

#[test]
fn the_websocket_is_probed_and_carries_the_session_then() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    let mut socket = poll.upgrade();
    say(&mut socket, "2probe");
    assert_eq!(text(&mut socket), "3probe");
    assert_eq!(held.answer().unwrap().body, "6", "the GET that is held makes way");
    assert_eq!(poll.get().body, "6", "and so do later ones");
    say(&mut socket, "5");
    say(&mut socket, r#"42["over","websocket"]"#);
    assert_eq!(text(&mut socket), r#"42["over","websocket"]"#);
    echo.says("over WebSocket now");
    // Polling is over, and the session is not.
    for answer in [poll.get(), poll.post("42[\"x\"]")] {
        assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    }
    say(&mut socket, r#"42["still"]"#);
    assert_eq!(text(&mut socket), r#"42["still"]"#);
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_wherever_the_probe_is_cut() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let probe = frame(0x81, KEY, b"2probe");
    let done = [frame(0x81, KEY, b"5"), frame(0x81, KEY, br#"42["n",3]"#)].concat();
    let all = [upgrade(""), probe, done].concat();
    let head = upgrade("").len();
    for cut in (head..all.len()).chain([10, head - 1]) {
        let poll = Poll::joined(&echo);
        let mut socket = echo.tcp();
        let request = upgrade(&target(&format!("websocket&sid={}", poll.sid)));
        let rest = &all[head..];
        let bytes = [&request, rest].concat();
        let cut = if cut < head { cut } else { cut - head + request.len() };
        assert_eq!(poll.post(r#"42["n",0]"#).body, "ok");
        socket.send(&bytes[..cut]);
        // Events go over polling as long as it is open: with a cut after the upgrade it is not.
        let mut seen = Vec::new();
        let mut get = || {
            let answer = poll.get();
            if answer.status == 200 {
                seen.extend(answer.body.split(SEPARATOR).filter(|packet| *packet != "6").map(str::to_owned));
            }
        };
        let posted = poll.post(r#"42["n",1]"#).status == 200;
        if posted {
            get();
        }
        socket.send(&bytes[cut..]);
        socket.accepted();
        let mut over = Vec::new();
        while over.last().is_none_or(|last| last != r#"42["n",3]"#) {
            over.push(text(&mut socket));
        }
        assert_eq!(over.remove(0), "3probe", "cut at {cut}");
        let events: Vec<String> = seen.into_iter().chain(over).collect();
        let wanted: &[&str] = if posted {
            &[r#"42["n",0]"#, r#"42["n",1]"#, r#"42["n",3]"#]
        } else {
            &[r#"42["n",0]"#, r#"42["n",3]"#]
        };
        assert_eq!(events, wanted, "cut at {cut}");
    }
}

#[test]
fn a_get_that_is_held_when_the_upgrade_is_done_is_answered() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    let mut socket = poll.upgrade();
    say(&mut socket, "5");
    assert_eq!(held.answer().unwrap().body, "6");
    say(&mut socket, r#"42["on"]"#);
    assert_eq!(text(&mut socket), r#"42["on"]"#);
}

#[test]
fn a_websocket_that_says_anything_else_is_closed_and_polling_goes_on() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    for wrong in ["2prob", "2probe!", "3", "42[\"x\"]", ""] {
        let mut socket = poll.upgrade();
        say(&mut socket, wrong);
        assert_eq!(socket.closed().0, 1008, "{wrong:?}");
        assert!(poll.is_known());
    }
    let mut socket = poll.upgrade();
    socket.send_frame(0x82, b"2probe");
    assert_eq!(socket.closed().0, 1008);
    assert_eq!(poll.post(r#"42["on"]"#).body, "ok");
    assert_eq!(poll.get().body, r#"42["on"]"#);
}

#[test]
fn a_websocket_that_ends_during_the_probe_leaves_polling_as_it_is() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    for probed in [false, true] {
        let mut socket = poll.upgrade();
        if probed {
            say(&mut socket, "2probe");
            assert_eq!(text(&mut socket), "3probe");
        }
        drop(socket);
        // Until the server has seen that, GETs may be kept short.
        wait_until("the end of the probe", || {
            assert_eq!(poll.post(r#"42["on"]"#).body, "ok");
            let came = poll.get().body;
            assert!(came.contains(r#"42["on"]"#), "{came}");
            (came == r#"42["on"]"#).then_some(())
        });
    }
}

#[test]
fn a_second_websocket_for_a_session_is_accepted_and_closed() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    let mut socket = poll.upgrade();
    assert_eq!(poll.upgrade().closed().0, 1000, "one is probed");
    say(&mut socket, "2probe");
    assert_eq!(text(&mut socket), "3probe");
    say(&mut socket, "5");
    say(&mut socket, r#"42["on"]"#);
    assert_eq!(text(&mut socket), r#"42["on"]"#);
    assert_eq!(poll.upgrade().closed().0, 1000, "one carries it");
    say(&mut socket, r#"42["still"]"#);
    assert_eq!(text(&mut socket), r#"42["still"]"#);
}

#[test]
fn a_session_that_began_over_a_websocket_takes_no_polling() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let mut socket = echo.tcp();
    socket.send(&upgrade(&target("websocket")));
    socket.accepted();
    let sid = crate::support::sid(&text(&mut socket));
    let answer = crate::support::ask(&echo, "GET", &target(&format!("polling&sid={sid}")), "", "");
    assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    silent(&mut socket);
}
