//! Faults are reported, and end the session where Node.js' server ends it.

use microws_tests::process::{Echo, wait_until};

use crate::support::{Poll, SEPARATOR, ask, joined_socket, say, socket, text};

/// Messages of a client in the main namespace that end its session.
const BAD: [&str; 19] = [
    "",
    "x",
    "2",
    "2probe",
    "4",
    "4x",
    "49",
    "40",
    "42",
    "42{}",
    "42[]",
    "42[{}]",
    "42[\"a\"",
    "42[\"a\",]",
    "42/other,[\"a\"]",
    "42[\"connect\"]",
    "4299999999999[\"a\"]",
    "4511-[\"a\"]",
    "45-[\"a\"]",
];

#[test]
fn over_a_websocket_it_is_a_close_frame() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    for bad in BAD {
        let mut client = joined_socket(&echo);
        say(&mut client, bad);
        let (code, reason) = client.closed();
        assert!(code == 1008 && !reason.is_empty(), "{bad:?}: {code} {reason}");
        echo.says(&reason);
    }
    // Before a namespace is joined.
    let mut client = socket(&echo);
    say(&mut client, r#"42["early"]"#);
    assert_eq!(client.closed().0, 1008);
    // An attachment that was not announced, and text instead of one.
    let mut client = joined_socket(&echo);
    client.send_frame(0x82, b"?");
    assert_eq!(client.closed().0, 1008);
    let mut client = joined_socket(&echo);
    say(&mut client, r#"451-["a",{"_placeholder":true,"num":0}]"#);
    say(&mut client, r#"42["a"]"#);
    assert_eq!(client.closed().0, 1008);
    joined_socket(&echo);
}

#[test]
fn over_polling_it_is_400_and_a_close_packet() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    for bad in BAD.into_iter().chain(["bAAA*", "b====", "bQUJD"]) {
        let poll = Poll::joined(&echo);
        let mut held = poll.hold();
        let answer = poll.post(bad);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, r#"{"code":3,"message":"Bad request"}"#),
            "{bad:?}"
        );
        assert_eq!(held.answer().unwrap().body, "1", "{bad:?}");
        wait_until("the end of the session", || (!poll.is_known()).then_some(()));
    }
    // What came before it in the same payload has its effect in the log alone.
    let poll = Poll::joined(&echo);
    assert_eq!(poll.post(&[r#"42["good"]"#, "x"].join(SEPARATOR)).status, 400);
    echo.says("event \"good\"");
}

#[test]
fn binary_payloads_of_version_3_are_refused() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    let answer =
        ask(&echo, "POST", &poll.target(), "Content-Type: application/octet-stream\r\n", "42[\"a\"]");
    assert_eq!(answer.status, 400);
    wait_until("the end of the session", || (!poll.is_known()).then_some(()));
}

#[test]
fn guessed_ids_find_nothing() {
    let echo = Echo::start(&["--close-timeout", "0.1"]);
    let poll = Poll::joined(&echo);
    for n in 0..20 {
        // Each character of the id changed for another.
        let mut sid = poll.sid.clone().into_bytes();
        sid[n] = if sid[n] == b'A' { b'B' } else { b'A' };
        let guess = Poll { echo: &echo, sid: String::from_utf8(sid).unwrap() };
        assert!(!guess.is_known());
    }
    for guess in ["", "%", "../..", "constructor", "__proto__", &poll.sid[..19], &format!("{}A", poll.sid)] {
        let guess = Poll { echo: &echo, sid: guess.to_owned() };
        assert!([400].contains(&guess.post("6").status));
    }
    assert!(poll.is_known());
    // The id in a namespace is another one.
    let mut client = socket(&echo);
    say(&mut client, "40");
    let inner = crate::support::sid(&text(&mut client));
    let guess = Poll { echo: &echo, sid: inner };
    assert!(!guess.is_known());
}
