//! Every session is bounded.

use microws_tests::process::{Echo, wait_until};

use crate::support::{Poll, SEPARATOR, ask, joined_socket, say, socket, target, text, upgrade};

#[test]
fn a_message_of_the_largest_size_comes_back_and_a_larger_one_ends_in_1009() {
    let echo = Echo::start(&["--socketio-max-payload", "2000", "--close-timeout", "0.1"]);
    let event = |len: usize| format!(r#"42["a","{}"]"#, "x".repeat(len - 10));
    let mut client = joined_socket(&echo);
    say(&mut client, &event(2000));
    assert_eq!(text(&mut client), event(2000));
    say(&mut client, &event(2001));
    assert_eq!(client.closed().0, 1009);
    // In pieces as well.
    let mut client = joined_socket(&echo);
    client.send_frame(0x01, &event(2000).as_bytes()[..1000]);
    client.send_frame(0x80, &event(2000).as_bytes()[1000..]);
    assert_eq!(text(&mut client), event(2000));
    client.send_frame(0x01, &event(2001).as_bytes()[..1000]);
    client.send_frame(0x80, &event(2001).as_bytes()[1000..]);
    assert_eq!(client.closed().0, 1009);
    // An attachment may be as large, beside its packet.
    let mut client = joined_socket(&echo);
    say(&mut client, r#"451-["a",{"_placeholder":true,"num":0}]"#);
    client.send_frame(0x82, &[7; 2000]);
    text(&mut client);
    assert_eq!(client.try_message().unwrap().1.len(), 2000);
}

#[test]
fn a_post_of_the_largest_size_is_taken_and_a_larger_one_gets_413() {
    let echo = Echo::start(&["--socketio-max-payload", "2000"]);
    let event = |len: usize| format!(r#"42["a","{}"]"#, "x".repeat(len - 10));
    let poll = Poll::joined(&echo);
    assert_eq!(poll.post(&event(2000)).body, "ok");
    assert_eq!(poll.get().body, event(2000));
    assert_eq!(poll.post(&event(2001)).status, 413);
    assert!(poll.is_known());
    let mut client = echo.tcp();
    client.send(
        format!(
            "POST {} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n6\r\n0\r\n\r\n",
            poll.target()
        )
        .as_bytes(),
    );
    assert_eq!(client.answer().unwrap().status, 411);
    assert!(poll.is_known());
}

#[test]
fn a_client_that_does_not_fetch_what_it_is_sent_is_ended() {
    let echo = Echo::start(&["--socketio-max-payload", "2000"]);
    let poll = Poll::joined(&echo);
    let event = format!(r#"42["a","{}"]"#, "x".repeat(1000));
    let posts = (0..100).take_while(|_| poll.post(&event).status == 200).count();
    assert!((2..20).contains(&posts), "{posts} events of 1,000 bytes");
    // The last packets say so.
    let last = poll.get().body;
    assert!(last.split(SEPARATOR).any(|packet| packet == "41" || packet == "1"), "{last}");
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
}

#[test]
fn a_client_that_does_not_read_is_bounded_by_the_backlog_as_others_are() {
    let echo = Echo::start(&["--write-timeout", "1", "--backlog", "1000000", "--quiet"]);
    let mut client = joined_socket(&echo);
    let event = format!(r#"42["a","{}"]"#, "x".repeat(100_000));
    let before = echo.memory_kib("VmRSS");
    let frame = microws_tests::frames::frame(0x81, microws_tests::raw::KEY, event.as_bytes());
    client.set_timeout(std::time::Duration::from_secs(5));
    let mut sent = 0;
    while sent < 500 && client.try_send(&frame).is_ok() {
        sent += 1;
    }
    assert!(sent < 500, "the server stopped reading");
    let grown = echo.memory_kib("VmRSS").saturating_sub(before);
    assert!(grown < 16_000, "{grown} KiB");
}

#[test]
fn posts_that_promise_much_take_little() {
    let echo = Echo::start(&["--quiet"]);
    let polls: Vec<Poll<'_>> = (0..300).map(|_| Poll::joined(&echo)).collect();
    let slow: Vec<_> = polls
        .iter()
        .map(|poll| {
            let mut client = echo.tcp();
            let head =
                format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n42[", poll.target());
            client.send(head.as_bytes());
            client
        })
        .collect();
    // They promise more than there is memory for: others are served all the same.
    let poll = Poll::joined(&echo);
    let event = format!(r#"42["a","{}"]"#, "x".repeat(900_000));
    assert_eq!(poll.post(&event).body, "ok");
    assert_eq!(poll.get().body, event);
    drop(slow);
}

#[test]
fn sessions_over_the_limit_get_503() {
    let echo = Echo::start(&["--socketio-max-sessions", "2"]);
    let (first, second) = (Poll::joined(&echo), socket(&echo));
    assert_eq!(ask(&echo, "GET", &target("polling"), "", "").status, 503);
    let mut client = echo.tcp();
    client.send(&upgrade(&target("websocket")));
    assert_eq!(client.answer().unwrap().status, 503);
    drop(second);
    wait_until("a free place", || {
        (ask(&echo, "GET", &target("polling"), "", "").status == 200).then_some(())
    });
    assert!(first.is_known());
}

#[test]
fn what_a_session_was_lent_comes_back() {
    let echo = Echo::start(&["--quiet"]);
    let round = || {
        for _ in 0..20 {
            let poll = Poll::joined(&echo);
            assert_eq!(poll.post(&format!(r#"42["a","{}"]"#, "x".repeat(400_000))).body, "ok");
            let mut socket = joined_socket(&echo);
            say(&mut socket, r#"451-["a",{"_placeholder":true,"num":0}]"#);
            drop(poll.hold_or_answer());
            drop(socket);
        }
        wait_until("no sessions", || {
            let metrics = ask(&echo, "GET", "/metrics", "", "").body;
            metrics.contains("microws_socketio_sessions 0\n").then_some(())
        });
        echo.memory_kib("VmRSS")
    };
    round();
    let before = round();
    round();
    let after = round();
    assert!(after < before + 4_000, "{before} KiB, then {after}");
}

#[test]
fn hundreds_of_sessions_half_over_polling_half_over_websocket_are_served_at_a_time() {
    const HALF: usize = 300;
    let echo = Echo::start(&["--quiet"]);
    let mut sockets: Vec<_> = (0..HALF).map(|_| joined_socket(&echo)).collect();
    let polls: Vec<Poll<'_>> = (0..HALF).map(|_| Poll::joined(&echo)).collect();
    for round in 0..3 {
        let mut held: Vec<_> = polls.iter().map(Poll::hold_quickly).collect();
        let event = |n: usize| format!(r#"42["n",{n},{round}]"#);
        for (n, (socket, poll)) in sockets.iter_mut().zip(&polls).enumerate() {
            say(socket, &event(n));
            assert_eq!(poll.post(&event(n)).body, "ok");
        }
        for (n, (socket, held)) in sockets.iter_mut().zip(&mut held).enumerate() {
            assert_eq!(text(socket), event(n));
            assert_eq!(held.answer().unwrap().body, event(n));
        }
    }
    let metrics = ask(&echo, "GET", "/metrics", "", "").body;
    assert!(metrics.contains(&format!("microws_socketio_sessions {}\n", 2 * HALF)), "{metrics}");
    assert!(metrics.contains(&format!("microws_socketio_events_total {}\n", 6 * HALF)), "{metrics}");
}
