//! Connection state recovery: what a client keeps from one connection for the next.

use microws_socketio::{Attachments, Event, Recovery};

use crate::life::{Lead, OPEN, Say, input};

fn connected(data: &[u8]) -> Event<'_> {
    Event::Connected { sid: b"x", data }
}

fn event(args: &[u8], ack: Option<u32>) -> Event<'_> {
    Event::Event { name: b"e", args, attachments: Attachments::NONE, ack }
}

fn auth(recovery: &Recovery, own: &str) -> String {
    let mut room = [0; 128];
    String::from_utf8(recovery.auth(own, &mut room).unwrap().to_vec()).unwrap()
}

const WITH_PID: &[u8] = br#"{"sid":"x","pid":"secret"}"#;

/// One that was connected, and has received an event.
fn noted() -> Recovery {
    let mut recovery = Recovery::new();
    recovery.note(&connected(WITH_PID));
    recovery.note(&event(br#"1,"at7""#, None));
    recovery
}

#[test]
fn the_auth_payload_is_the_own_one_until_there_is_something_to_come_back_to() {
    let mut recovery = Recovery::new();
    for own in ["", "{}", r#"{"token":"abc"}"#] {
        assert_eq!(auth(&recovery, own), own);
    }
    recovery.note(&event(br#""early""#, None));
    recovery.note(&connected(WITH_PID));
    assert!(!recovery.is_recovered());
    assert_eq!(auth(&recovery, "{}"), "{}", "no event has come");
    recovery.note(&event(br#"1,"at7""#, None));
    for own in ["", "{}", " { } "] {
        assert_eq!(auth(&recovery, own), r#"{"pid":"secret","offset":"at7"}"#, "{own}");
    }
    let with_token = r#"{"pid":"secret","offset":"at7","token":"abc"}"#;
    assert_eq!(auth(&recovery, r#"{"token":"abc"}"#), with_token);
    let mut room = vec![0; with_token.len()];
    assert_eq!(recovery.auth(r#"{"token":"abc"}"#, &mut room).map(<[u8]>::len), Some(with_token.len()));
    assert_eq!(recovery.auth(r#"{"token":"abc"}"#, &mut room[1..]), None);
}

#[test]
fn the_last_string_of_an_event_that_needs_no_acknowledgement_is_the_offset() {
    let mut recovery = noted();
    for args in [&b""[..], b"1", br#""at8",{}"#, br#"["at8"]"#] {
        recovery.note(&event(args, None));
    }
    recovery.note(&event(br#""at8""#, Some(1)));
    assert_eq!(recovery, noted());
    recovery.note(&event(br#""at8""#, None));
    assert_eq!(auth(&recovery, ""), r#"{"pid":"secret","offset":"at8"}"#);
}

#[test]
fn it_is_recovered_only_if_the_server_still_knows_it() {
    let mut recovery = noted();
    recovery.note(&event(br#""at8""#, None));
    recovery.note(&connected(WITH_PID));
    assert!(recovery.is_recovered());
    assert_eq!(auth(&recovery, ""), r#"{"pid":"secret","offset":"at8"}"#);
    for data in [&br#"{"sid":"x","pid":"other"}"#[..], br#"{"sid":"x"}"#, br#"{"sid":"x","pid":7}"#] {
        let mut recovery = noted();
        recovery.note(&connected(data));
        assert!(!recovery.is_recovered());
        assert_eq!(auth(&recovery, "{}"), "{}", "what came before is not from here");
    }
}

#[test]
fn what_is_too_long_is_not_kept() {
    let long = format!("\"{}\"", "x".repeat(33));
    let mut recovery = noted();
    recovery.note(&event(long.as_bytes(), None));
    assert_eq!(auth(&recovery, "{}"), "{}");
    recovery.note(&event(format!("\"{}\"", "x".repeat(32)).as_bytes(), None));
    assert!(auth(&recovery, "").contains(&"x".repeat(32)));
    let mut recovery = Recovery::new();
    recovery.note(&connected(format!(r#"{{"sid":"x","pid":{long}}}"#).as_bytes()));
    recovery.note(&event(br#""at7""#, None));
    assert_eq!(auth(&recovery, "{}"), "{}");
    assert_eq!(format!("{:?}", noted()), "Recovery", "a secret");
}

#[test]
fn events_that_were_missed_come_before_the_namespace_is_joined() {
    let joined = r#"40{"sid":"abc","pid":"secret"}"#;
    let script = [Say::Text(OPEN), Say::Text(r#"42["missed",1,"at8"]"#), Say::Text(joined), Say::Close];
    let life = Lead::default().run(&input(&script), |_, _| {});
    assert_eq!(life.events, [r#"missed(1,"at8")"#, "connected abc"]);
}
