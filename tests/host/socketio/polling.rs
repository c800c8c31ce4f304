//! GETs that are held, POSTs with payloads.

use microws_tests::process::{Echo, wait_until};

use crate::support::{NEWS, Poll, SEPARATOR, request, silent};

#[test]
fn an_event_that_is_posted_comes_back_with_the_get_that_is_held() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    assert_eq!(poll.post(r#"42["hello",1,{"a":[]}]"#).body, "ok");
    let answer = held.answer().unwrap();
    assert_eq!(answer.body, r#"42["hello",1,{"a":[]}]"#);
    assert_eq!(answer.field("Connection"), Some("keep-alive"));
    echo.says("event \"hello\", 10 bytes");
    // And without one that is held, with the next.
    assert_eq!(poll.post(r#"421["ack me",2]"#).body, "ok");
    assert_eq!(poll.get().body, "431[2]");
}

#[test]
fn both_directions_go_over_one_connection_that_is_kept() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut client = echo.tcp();
    for n in 0..50 {
        let event = format!(r#"42["n",{n}]"#);
        request(&mut client, "POST", &poll.target(), "", &event);
        assert_eq!(client.answer().unwrap().body, "ok");
        request(&mut client, "GET", &poll.target(), "", "");
        assert_eq!(client.answer().unwrap().body, event);
    }
}

#[test]
fn a_payload_of_many_packets_is_taken_in_order() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let packets: Vec<String> = (0..500).map(|n| format!(r#"42["n",{n}]"#)).collect();
    let payload = packets.join(SEPARATOR);
    assert_eq!(poll.post(&payload).body, "ok");
    assert_eq!(poll.get().body, payload);
}

#[test]
fn a_post_is_the_same_however_its_bytes_come() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let content = [r#"42["a","é"]"#, r#"451-["b",{"_placeholder":true,"num":0}]"#, "bAQID"].join(SEPARATOR);
    let head =
        format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", poll.target(), content.len());
    let bytes = [head.as_bytes(), content.as_bytes()].concat();
    let mut client = echo.tcp();
    // At every byte of the content, and in the middle of the head.
    for cut in [20, head.len() - 1].into_iter().chain(head.len()..bytes.len()) {
        client.send(&bytes[..cut]);
        // Another client is served between.
        assert!(Poll::open(&echo).is_known());
        client.send(&bytes[cut..]);
        assert_eq!(client.answer().unwrap().body, "ok", "cut at {cut}");
        assert_eq!(poll.get().body, content, "cut at {cut}");
    }
}

#[test]
fn attachments_come_back_as_base64() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let event = r#"452-7["two",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let ack = r#"462-7[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    // In several POSTs, one without padding.
    for part in [event, "bAQIDBA==", "bBQY"] {
        assert_eq!(poll.post(part).body, "ok");
    }
    assert_eq!(poll.get().body, [ack, "bAQIDBA==", "bBQY="].join(SEPARATOR));
}

#[test]
fn a_second_get_gets_400_the_first_a_close_packet_and_the_session_ends() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut first = poll.hold();
    let second = poll.get();
    assert_eq!((second.status, second.body.as_str()), (400, r#"{"code":3,"message":"Bad request"}"#));
    assert_eq!(first.answer().unwrap().body, "1");
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
    echo.says("two requests of a kind at a time");
}

#[test]
fn a_second_post_beside_another_ends_the_session() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    let mut slow = echo.tcp();
    let head = format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n42[", poll.target());
    slow.send(head.as_bytes());
    silent(&mut slow);
    assert_eq!(poll.post("6").status, 400);
    assert_eq!(held.answer().unwrap().body, "1");
    slow.send(b"\"hello\"]");
    assert_eq!(slow.answer().unwrap().status, 400);
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
}

#[test]
fn a_close_packet_gets_a_noop_for_the_get_that_is_held_and_ends_the_session() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut held = poll.hold();
    assert_eq!(poll.post("1").body, "ok");
    assert_eq!(held.answer().unwrap().body, "6");
    assert!(!poll.is_known());
}

#[test]
fn a_get_that_is_abandoned_ends_its_session() {
    let echo = Echo::start(&[]);
    for how in 0..3 {
        let poll = Poll::joined(&echo);
        let mut held = poll.hold();
        match how {
            0 => drop(held),
            1 => held.reset(),
            _ => held.finish(),
        }
        wait_until("the end of the session", || (!poll.is_known()).then_some(()));
    }
    let metrics = crate::support::ask(&echo, "GET", "/metrics", "", "").body;
    assert!(metrics.contains("microws_socketio_sessions 0\n"), "{metrics}");
}

#[test]
fn a_post_that_is_abandoned_ends_its_session() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut post = echo.tcp();
    post.send(
        format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n42[", poll.target()).as_bytes(),
    );
    silent(&mut post);
    drop(post);
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
}

#[test]
fn a_request_after_a_get_that_is_held_waits_for_its_turn() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut client = echo.tcp();
    request(&mut client, "GET", &poll.target(), "", "");
    request(&mut client, "GET", "/healthz", "", "");
    silent(&mut client);
    assert_eq!(poll.post(r#"42["go"]"#).body, "ok");
    assert_eq!(client.answer().unwrap().body, r#"42["go"]"#);
    assert_eq!(client.answer().unwrap().body, "ok\n");
}

#[test]
fn a_get_of_http_1_0_is_answered_and_the_connection_ends() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    let mut client = echo.tcp();
    client.send(format!("GET {} HTTP/1.0\r\n\r\n", poll.target()).as_bytes());
    silent(&mut client);
    assert_eq!(poll.post(r#"42["old"]"#).body, "ok");
    let answer = client.answer().unwrap();
    assert_eq!((answer.body.as_str(), answer.field("Connection")), (r#"42["old"]"#, Some("close")));
    assert!(poll.is_known(), "the GET was answered before its connection ended");
}

#[test]
fn the_client_leaves_a_namespace_and_comes_back() {
    let echo = Echo::start(&["--socketio-namespace", "/", "--socketio-namespace", "/custom"]);
    let poll = Poll::joined(&echo);
    assert_eq!(poll.post("41").body, "ok");
    assert_eq!(poll.post("40/custom,").body, "ok");
    assert!(poll.get().body.starts_with(r#"40/custom,{"sid":""#));
    assert_eq!(poll.post("40").body, "ok");
    assert!(poll.get().body.ends_with(NEWS));
    assert_eq!(poll.post("40/x,").body, "ok");
    assert_eq!(poll.get().body, r#"44/x,{"message":"Invalid namespace"}"#);
    assert!(poll.is_known());
}
