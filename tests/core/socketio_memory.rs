//! Sessions of Socket.IO whose memory is lent while something waits.

use microws::{Chunk, MessageKind};
use microws_socketio::server::{Get, ServerConfig, ServerEvent, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, End, Fault, Inbox, Outgoing, SendError};

const CONFIG: ServerConfig<'static> = ServerConfig::new();

/// A session in the main namespace, with nothing that waits.
fn joined<'a>(queue: &'a mut [u8], slots: &'a mut [AckSlot]) -> ServerSession<'a> {
    let sid = Sid::new([7; 15]);
    let mut session = ServerSession::new(&CONFIG, sid, Transport::WebSocket, queue).acks(slots);
    let mut bytes = *b"40";
    let chunk = Chunk::new(MessageKind::Text, true, true, &mut bytes);
    let mut inbox = Inbox::new(&mut []);
    assert!(matches!(session.receive(&chunk, &mut inbox), Some(ServerEvent::Connect { .. })));
    session.accept(0, sid).unwrap();
    while session.front().is_some() {
        session.pop();
    }
    session
}

fn waiting(session: &mut ServerSession<'_>) -> Vec<String> {
    let mut all = Vec::new();
    while let Some((_, message)) = session.front() {
        all.push(String::from_utf8(message.to_vec()).unwrap());
        session.pop();
    }
    all
}

#[test]
fn a_session_goes_on_in_other_memory_with_what_waits() {
    let (mut first, mut small, mut large) = ([0; 200], [0; 8], [0; 400]);
    let mut session = joined(&mut first, &mut []);
    let event = Outgoing::event("e", "12345678901234567890");
    let mut sent = 0;
    while session.send(0, &event).is_ok() {
        sent += 1;
    }
    assert_eq!(session.send(0, &event), Err(SendError::QueueFull));
    session.pop();
    let (len, capacity) = session.queue_len();
    assert!(len > 8 && capacity == 200, "{len} of {capacity}");
    assert_eq!(session.replace_queue(&mut small).map_err(|same| same.len()), Err(8));
    assert_eq!(session.replace_queue(&mut large).map(|before| before.len()).unwrap(), 200);
    assert_eq!(session.queue_len(), (len, 400));
    session.send(0, &event).unwrap();
    assert_eq!(waiting(&mut session), vec![r#"42["e",12345678901234567890]"#; sent]);
}

#[test]
fn a_session_without_memory_fails_when_the_protocol_demands_a_packet_and_not_before() {
    let mut memory = [0; 200];
    let mut session = joined(&mut memory, &mut []);
    let memory = session.replace_queue(&mut []).unwrap();
    assert_eq!(session.queue_len(), (0, 0));
    assert_eq!(session.send(0, &Outgoing::event("e", "")), Err(SendError::QueueFull));
    assert_eq!(session.tick(0), Some(25_000));
    session.replace_queue(memory).unwrap();
    assert_eq!(session.tick(25_000), Some(20_000));
    assert_eq!(waiting(&mut session), ["2"]);
    let mut memory = [0; 200];
    let mut session = joined(&mut memory, &mut []);
    session.replace_queue(&mut []).unwrap();
    session.tick(0);
    session.tick(25_000);
    assert_eq!(session.end(), Some(End::QueueFull));
}

#[test]
fn an_inbox_grows_in_the_middle_of_a_message_and_between_attachments() {
    let (mut queue, mut small, mut large, mut larger) = ([0; 300], [0; 24], [0; 64], [0; 128]);
    let mut smaller = [0; 8];
    let mut session = joined(&mut queue, &mut []);
    let mut inbox = Inbox::new(&mut small);
    let text = *br#"451-["a",{"_placeholder":true,"num":0}]"#;
    let (mut begin, mut rest) = (text[..20].to_vec(), text[20..].to_vec());
    let chunk = Chunk::new(MessageKind::Text, true, false, &mut begin);
    assert_eq!(session.receive(&chunk, &mut inbox), None);
    assert_eq!((inbox.len(), inbox.is_empty()), (20, false));
    assert_eq!(inbox.replace(&mut large).unwrap().len(), 24);
    let chunk = Chunk::new(MessageKind::Text, false, true, &mut rest);
    assert_eq!(session.receive(&chunk, &mut inbox), None);
    inbox.clear_taken();
    assert_eq!(inbox.len(), text.len(), "it waits for the attachment");
    assert!(inbox.replace(&mut smaller).is_err());
    assert_eq!(inbox.replace(&mut larger).unwrap().len(), 64);
    let mut bytes = [9; 60];
    let chunk = Chunk::new(MessageKind::Binary, true, true, &mut bytes);
    match session.receive(&chunk, &mut inbox) {
        Some(ServerEvent::Event { name: b"a", mut attachments, .. }) => {
            assert_eq!(attachments.next(), Some(&[9; 60][..]));
        }
        other => panic!("{other:?}"),
    }
    inbox.clear_taken();
    assert!(inbox.is_empty());
    assert_eq!(inbox.replace(&mut []).unwrap().len(), 128);
    assert_eq!(inbox.into_memory().len(), 0);
}

#[test]
fn the_host_may_end_a_session_for_a_fault_that_it_found() {
    let mut queue = [0; 300];
    let mut session = ServerSession::new(&CONFIG, Sid::new([7; 15]), Transport::Polling, &mut queue);
    assert_eq!(session.get(), Get::Answer);
    session.answer(&mut [0; 300]);
    assert_eq!(session.get(), Get::Hold);
    session.fail_for(Fault::Encoding);
    assert_eq!(session.end(), Some(End::Failed(Fault::Encoding)));
    let mut answer = [0; 300];
    let len = session.answer(&mut answer);
    assert_eq!((&answer[..len], session.is_over()), (&b"1"[..], true));
}

#[test]
fn the_memory_for_acknowledgements_comes_back() {
    let (mut queue, mut slots) = ([0; 300], [AckSlot::new(); 3]);
    let mut session = joined(&mut queue, &mut slots);
    assert!(session.expect_ack(0).is_some());
    assert_eq!(session.into_acks().len(), 3);
}

#[test]
fn a_name_goes_out_with_the_escapes_that_it_came_with() {
    let mut queue = [0; 300];
    let mut session = joined(&mut queue, &mut []);
    for name in [r#"a \"b\" \u00e9\n\\"#, "", "é"] {
        session.send(0, &Outgoing::event(name, "1")).unwrap();
        assert_eq!(waiting(&mut session), [format!(r#"42["{name}",1]"#)]);
    }
    for name in ["\"", "a\\", "a\n", r"\u00e", r"\x", "connect"] {
        assert_eq!(session.send(0, &Outgoing::event(name, "1")), Err(SendError::InvalidName), "{name:?}");
    }
}
