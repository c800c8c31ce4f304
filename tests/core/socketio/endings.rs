//! Every ending of a client, each with its reason, and after everything else.

use microws::CloseCode;
use microws_socketio::{End, Event};

use crate::life::{JOINED, Lead, OPEN, Say, input, listen};

#[test]
fn the_server_ends_the_namespace() {
    let life = listen(&[Say::Text("41"), Say::Text(r#"42["unheard"]"#), Say::Close]);
    assert_eq!(life.end, Some(End::Disconnected));
    assert_eq!(life.events.len(), 1);
    assert_eq!(life.sent, ["40", "close 1000"]);
}

#[test]
fn the_server_refuses_the_namespace() {
    let refusal = r#"44{"message":"Not authorized","data":{"code":7}}"#;
    let script = input(&[Say::Text(OPEN), Say::Text(refusal), Say::Close]);
    let life = Lead::default().run(&script, |_, _| {});
    assert_eq!(life.events, [r#"refused {"message":"Not authorized","data":{"code":7}}"#]);
    assert_eq!(life.end, Some(End::Refused));
    assert_eq!(life.sent, ["40", "close 1000"]);
}

#[test]
fn the_server_closes_the_transport() {
    let life = listen(&[Say::Text("1"), Say::Close]);
    assert_eq!((life.end, life.sent.last().unwrap().as_str()), (Some(End::Closed), "close 1000"));
    let life = Lead::default().run(&input(&[Say::Text("1"), Say::Close]), |_, _| {});
    assert_eq!(life.end, Some(End::Closed));
}

#[test]
fn the_web_socket_ends_without_a_word_of_socket_io() {
    let life = listen(&[Say::Close]);
    assert_eq!(life.end, Some(End::WebSocket(microws::End::Closed(CloseCode::NORMAL))));
    let life = listen(&[]);
    assert_eq!(life.end, Some(End::WebSocket(microws::End::Eof)));
}

#[test]
fn we_leave_before_and_after_the_namespace_is_joined() {
    let leave = |script: &[Say<'_>]| {
        Lead::default().run(&input(script), |hand, event| {
            assert!(matches!(event, Event::Connected { .. }));
            hand.client.disconnect();
            // A second time changes nothing.
            hand.client.disconnect();
        })
    };
    let life = leave(&[Say::Text(OPEN), Say::Text(JOINED), Say::Close]);
    assert_eq!((life.end, life.sent), (Some(End::Left), vec!["40".into(), "41".into(), "close 1000".into()]));
    let config = microws::Config::new();
    let namespace = microws_socketio::ClientConfig::new();
    let mut client = microws_socketio::Client::new(&namespace);
    client.disconnect();
    let (mut session, mut arena) = (crate::life::session(&config), [0; 256]);
    let (mut rx, mut tx) = (microws_tests::buffer(256), microws_tests::buffer(256));
    let mut inbox = microws_socketio::Inbox::new(&mut arena);
    let step = client.receive(&mut session, &mut rx, &mut tx, &mut inbox);
    assert_eq!(step, microws_socketio::Step::Read);
    assert_eq!(crate::life::sent(tx.filled()), ["close 1000"]);
    assert_eq!(client.end(), Some(End::Left));
}

/// Nothing was sent that could get lost.
#[test]
fn an_end_before_the_web_socket_is_open_comes_at_once() {
    let mut timeouts = microws::Timeouts::new();
    timeouts.handshake = 0;
    let config = microws::Config::new().request("h", microws_socketio::TARGET).timeouts(timeouts);
    let namespace = microws_socketio::ClientConfig::new();
    for leave in [true, false] {
        let mut session = microws::Session::client(&config, |bytes: &mut [u8]| bytes.fill(0x5a));
        let (mut client, mut arena) = (microws_socketio::Client::new(&namespace), [0; 256]);
        let (mut rx, mut tx) = (microws_tests::buffer(256), microws_tests::buffer(256));
        let mut inbox = microws_socketio::Inbox::new(&mut arena);
        let step = client.receive(&mut session, &mut rx, &mut tx, &mut inbox);
        assert_eq!(step, microws_socketio::Step::Read);
        let end = if leave {
            client.disconnect();
            End::Left
        } else {
            tx.consume(usize::MAX);
            assert_eq!(client.tick(&mut session, &mut tx, 0), Some(20_000));
            assert_eq!(client.tick(&mut session, &mut tx, 20_000), Some(0));
            End::Overdue(microws_socketio::Overdue::Connect)
        };
        let step = client.receive(&mut session, &mut rx, &mut tx, &mut inbox);
        assert_eq!(step, microws_socketio::Step::End(end));
    }
}

#[test]
fn a_first_reason_stays() {
    let life = Lead::default().run(
        &input(&[Say::Text(OPEN), Say::Text(JOINED), Say::Text("41"), Say::Close]),
        |hand, _| {
            hand.client.disconnect();
        },
    );
    assert_eq!(life.end, Some(End::Left));
}
