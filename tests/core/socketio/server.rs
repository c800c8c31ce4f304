//! The server's session over a WebSocket.

use microws::{Chunk, CloseCode, MessageKind};
use microws_socketio::server::{ServerConfig, ServerEvent, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, Attachments, End, Fault, Inbox, Outgoing, Overdue, SendError};

use crate::life::{hex, text};

pub(crate) const CONFIG: ServerConfig<'static> = ServerConfig::new().namespaces(&["/", "/admin"]);
pub(crate) const SID: [u8; 15] = [7; 15];

/// A session and its memory.
pub(crate) struct Server {
    pub session: ServerSession<'static>,
    pub inbox: Inbox<'static>,
}

fn leak(len: usize) -> &'static mut [u8] {
    vec![0; len].leak()
}

/// An event in words.
pub(crate) fn words(event: &ServerEvent<'_>) -> String {
    let and = |attachments: &Attachments<'_>| -> String {
        attachments.map(|bytes| format!(" +{}", hex(bytes))).collect()
    };
    match event {
        ServerEvent::Connect { namespace, auth } => format!("{namespace} connect {}", text(auth)),
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            let ack = ack.map_or(String::new(), |id| format!(" ack {id}"));
            format!("{namespace} {}({}){}{ack}", text(name), text(args), and(attachments))
        }
        ServerEvent::Ack { namespace, id, args, attachments } => {
            format!("{namespace} ack {id} ({}){}", text(args), and(attachments))
        }
        ServerEvent::Disconnected { namespace } => format!("{namespace} disconnected"),
        other => panic!("{other:?}"),
    }
}

impl Server {
    pub(crate) fn with(config: &'static ServerConfig<'static>, transport: Transport, queue: usize) -> Self {
        let slots = Box::leak(Box::new([AckSlot::new(); 2]));
        let session = ServerSession::new(config, Sid::new(SID), transport, leak(queue)).acks(slots);
        Self { session, inbox: Inbox::new(leak(256)) }
    }

    pub(crate) fn new(transport: Transport) -> Self {
        Self::with(&CONFIG, transport, 1024)
    }

    /// One whose first packets are taken, and the main namespace joined.
    pub(crate) fn joined(transport: Transport) -> Self {
        let mut server = Self::new(transport);
        assert_eq!(server.say("40"), Some("0 connect ".into()));
        server.session.accept(0, Sid::new([8; 15])).unwrap();
        if transport == Transport::WebSocket {
            server.sent();
        }
        server
    }

    /// A text message in one chunk.
    pub(crate) fn say(&mut self, message: &str) -> Option<String> {
        self.chunk(MessageKind::Text, true, true, message.as_bytes())
    }

    pub(crate) fn binary(&mut self, message: &[u8]) -> Option<String> {
        self.chunk(MessageKind::Binary, true, true, message)
    }

    pub(crate) fn chunk(
        &mut self,
        kind: MessageKind,
        first: bool,
        fin: bool,
        bytes: &[u8],
    ) -> Option<String> {
        let mut bytes = bytes.to_vec();
        let chunk = Chunk::new(kind, first, fin, &mut bytes);
        self.session.receive(&chunk, &mut self.inbox).as_ref().map(words)
    }

    /// Takes what waits for the WebSocket: text as it is, binary in hex.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some((kind, message)) = self.session.front() {
            sent.push(if kind == MessageKind::Text { text(message).to_owned() } else { hex(message) });
            self.session.pop();
        }
        sent
    }
}

#[test]
fn the_first_packet_tells_the_terms() {
    let mut server = Server::new(Transport::WebSocket);
    let open = r#"0{"sid":"BwcHBwcHBwcHBwcHBwcH","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1024}"#;
    assert_eq!(server.sent(), [open]);
    assert_eq!(server.session.sid().as_bytes(), b"BwcHBwcHBwcHBwcHBwcH");
}

#[test]
fn a_namespace_is_accepted_with_its_auth_payload() {
    let mut server = Server::new(Transport::WebSocket);
    server.sent();
    assert_eq!(server.say(r#"40/admin,{"token":"abc"}"#), Some(r#"1 connect {"token":"abc"}"#.into()));
    assert_eq!(server.session.accept(0, Sid::new(SID)), Err(SendError::NotConnected));
    server.session.accept(1, Sid::new([8; 15])).unwrap();
    assert_eq!(server.session.accept(1, Sid::new([9; 15])), Err(SendError::NotConnected));
    assert_eq!(server.sent(), [r#"40/admin,{"sid":"CAgICAgICAgICAgICAgI"}"#]);
    assert_eq!(server.say(r#"42/admin,3["a",1]"#), Some("1 a(1) ack 3".into()));
    server.session.send(1, &Outgoing::ack(3, "true")).unwrap();
    assert_eq!(server.session.send(0, &Outgoing::event("a", "")), Err(SendError::NotConnected));
    assert_eq!(server.sent(), ["43/admin,3[true]"]);
}

#[test]
fn a_namespace_is_refused_and_the_connection_stays() {
    let mut server = Server::joined(Transport::WebSocket);
    server.say("40/admin,").unwrap();
    assert_eq!(server.session.refuse(1, "no"), Err(SendError::InvalidJson));
    server.session.refuse(1, r#"{"message":"no"}"#).unwrap();
    assert_eq!(server.sent(), [r#"44/admin,{"message":"no"}"#]);
    assert_eq!(server.say(r#"42["a"]"#), Some("0 a()".into()));
}

/// As in Node.js.
#[test]
fn an_unknown_namespace_is_refused_and_the_connection_stays() {
    let mut server = Server::joined(Transport::WebSocket);
    assert_eq!(server.say("40/x,{}"), None);
    assert_eq!(server.sent(), [r#"44/x,{"message":"Invalid namespace"}"#]);
    assert_eq!(server.session.end(), None);
}

/// As in Node.js: "invalid state", and the connection is closed.
#[test]
fn any_other_packet_for_a_namespace_that_is_not_joined_ends_the_connection() {
    for message in [
        r#"42/x,["a"]"#,
        "43/x,1[]",
        "41/x,",
        r#"42/admin,["a"]"#,
        "41/admin,",
        r#"44/admin,{}"#,
        "40",
        "44{}",
    ] {
        let mut server = Server::joined(Transport::WebSocket);
        assert_eq!(server.say(message), None, "{message}");
        assert_eq!(server.session.end(), Some(End::Failed(Fault::Namespace)), "{message}");
        assert_eq!(server.session.close_code(), Some(CloseCode::POLICY_VIOLATION));
        assert_eq!(server.say(r#"42["a"]"#), None, "nothing is taken after the end");
    }
    // One that was asked for and not answered is not joined.
    let mut server = Server::joined(Transport::WebSocket);
    server.say("40/admin,").unwrap();
    server.say(r#"42/admin,["a"]"#);
    assert_eq!(server.session.end(), Some(End::Failed(Fault::Namespace)));
}

#[test]
fn attachments_wait_in_the_inbox_both_ways() {
    let mut server = Server::joined(Transport::WebSocket);
    let message = r#"452-7["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(server.say(message), None);
    assert_eq!(server.binary(b"\x01"), None);
    assert_eq!(server.say("3"), None);
    let event = r#"0 a({"_placeholder":true,"num":0},{"_placeholder":true,"num":1}) +01 +0203 ack 7"#;
    assert_eq!(server.binary(b"\x02\x03"), Some(event.into()));
    let answer = Outgoing::ack(7, r#"{"_placeholder":true,"num":0}"#).attachments(&[b"\xff"]);
    server.session.send(0, &answer).unwrap();
    assert_eq!(server.sent(), [r#"461-7[{"_placeholder":true,"num":0}]"#, "ff"]);
}

#[test]
fn messages_in_pieces_are_put_together() {
    let mut server = Server::joined(Transport::WebSocket);
    let message = br#"451-["abc",{"_placeholder":true,"num":0}]"#;
    for at in 0..=message.len() {
        let (first, second) = message.split_at(at);
        assert_eq!(server.chunk(MessageKind::Text, true, false, first), None);
        assert_eq!(server.chunk(MessageKind::Text, false, true, second), None);
        assert_eq!(server.chunk(MessageKind::Text, true, false, b""), None);
        assert_eq!(server.chunk(MessageKind::Text, false, true, b"3"), None);
        assert_eq!(server.chunk(MessageKind::Binary, true, false, b"\x01"), None);
        let event = server.chunk(MessageKind::Binary, false, true, b"\x02").unwrap();
        assert_eq!(event, r#"0 abc({"_placeholder":true,"num":0}) +0102"#);
    }
    assert_eq!(server.chunk(MessageKind::Text, true, false, br#"42["a"#), None);
    assert_eq!(server.chunk(MessageKind::Text, false, true, br#"b",1]"#), Some("0 ab(1)".into()));
}

#[test]
fn what_node_ends_the_connection_for_ends_it() {
    let cases = [
        ("7", Fault::PacketType),
        ("", Fault::PacketType),
        ("2", Fault::Unexpected),
        ("2probe", Fault::Unexpected),
        ("4", Fault::Kind),
        ("49", Fault::Kind),
        (r#"4511-["a"]"#, Fault::Attachments),
        (r#"450-["a"]"#, Fault::Attachments),
        (r#"42["a"#, Fault::Data),
        ("42{}", Fault::Data),
        (r#"42["disconnect"]"#, Fault::ReservedName),
        (r#"4299999999999["a"]"#, Fault::Id),
    ];
    for (message, fault) in cases {
        let mut server = Server::joined(Transport::WebSocket);
        assert_eq!(server.say(message), None);
        assert_eq!(server.session.end(), Some(End::Failed(fault)), "{message}");
    }
    let mut server = Server::joined(Transport::WebSocket);
    server.binary(b"a");
    assert_eq!(server.session.end(), Some(End::Failed(Fault::AttachmentUnannounced)));
    let mut server = Server::joined(Transport::WebSocket);
    server.say(r#"451-["a"]"#);
    server.say(r#"42["b"]"#);
    assert_eq!(server.session.end(), Some(End::Failed(Fault::AttachmentMissing)));
}

/// As in Node.js, which looks at neither.
#[test]
fn engine_packets_without_meaning_from_a_client_are_ignored() {
    let mut server = Server::joined(Transport::WebSocket);
    for message in ["0", "5", "6", "3", "3probe"] {
        assert_eq!(server.say(message), None);
    }
    assert_eq!(server.session.end(), None);
}

#[test]
fn messages_larger_than_the_memory_end_the_connection() {
    static SMALL: ServerConfig<'static> = ServerConfig::new().max_payload(64);
    let mut server = Server::with(&SMALL, Transport::WebSocket, 512);
    server.say("40").unwrap();
    server.session.accept(0, Sid::new(SID)).unwrap();
    let message = format!("42[\"{}\"]", "a".repeat(58));
    assert_eq!(message.len(), 64);
    assert!(server.say(&message).is_some());
    assert_eq!(server.say(&message.replace("aaa", "aaaa")), None);
    assert_eq!(server.session.end(), Some(End::Failed(Fault::TooLong)));
    assert_eq!(server.session.close_code(), Some(CloseCode::MESSAGE_TOO_BIG));
    let mut server = Server::joined(Transport::WebSocket);
    server.say(r#"452-["a"]"#);
    server.binary(&[1; 200]);
    assert_eq!(server.session.end(), None);
    server.binary(&[1; 60]);
    assert_eq!(server.session.end(), Some(End::Failed(Fault::TooLong)));
}

#[test]
fn acknowledgements_are_awaited_and_overdue() {
    let mut server = Server::joined(Transport::WebSocket);
    let first = server.session.expect_ack(100).unwrap();
    let second = server.session.expect_ack(50).unwrap();
    assert_eq!((first, second, server.session.expect_ack(0)), (0, 1, None));
    server.session.send(0, &Outgoing::event("a", "").expect(first)).unwrap();
    assert_eq!(server.sent(), [r#"420["a"]"#]);
    assert_eq!(server.session.tick(1000), Some(50));
    assert_eq!(server.session.tick(1050), Some(0));
    assert_eq!(server.session.ack_overdue(), Some(1));
    assert_eq!(server.session.ack_overdue(), None);
    assert_eq!(server.say("431[]"), None);
    assert_eq!(server.say("430[1]"), Some("0 ack 0 (1)".into()));
    assert_eq!(server.say("430[1]"), None);
    assert_eq!(server.session.end(), None);
}

#[test]
fn a_full_queue_is_told_to_the_program_and_takes_nothing_half() {
    let mut server = Server::with(&CONFIG, Transport::WebSocket, 200);
    server.sent();
    server.say("40").unwrap();
    server.session.accept(0, Sid::new(SID)).unwrap();
    server.sent();
    let big = Outgoing::event("a", "").attachments(&[&[1; 150], &[2; 30]]);
    assert_eq!(server.session.send(0, &big), Err(SendError::QueueFull));
    assert_eq!(server.sent(), Vec::<String>::new());
    let exact = Outgoing::event("a", "").attachments(&[&[1; 150], &[2; 29]]);
    server.session.send(0, &exact).unwrap();
    assert_eq!(server.session.send(0, &Outgoing::event("", "")), Err(SendError::QueueFull));
    assert_eq!(server.sent().len(), 3);
}

#[test]
fn a_packet_of_the_protocol_without_room_ends_the_session() {
    let mut server = Server::with(&CONFIG, Transport::WebSocket, 10);
    assert_eq!(server.session.end(), Some(End::QueueFull));
    assert_eq!(server.session.close_code(), Some(CloseCode::TRY_AGAIN_LATER));
    let mut server = {
        server = Server::with(&CONFIG, Transport::WebSocket, 130);
        server
    };
    server.say("40/x,");
    assert_eq!(server.session.end(), Some(End::QueueFull));
}

#[test]
fn either_side_leaves_a_namespace_and_the_connection_stays() {
    let mut server = Server::joined(Transport::WebSocket);
    assert_eq!(server.say("41"), Some("0 disconnected".into()));
    assert_eq!(server.session.send(0, &Outgoing::event("a", "")), Err(SendError::NotConnected));
    assert_eq!(server.say("40"), Some("0 connect ".into()));
    server.session.accept(0, Sid::new(SID)).unwrap();
    server.session.disconnect(0).unwrap();
    assert_eq!(server.session.disconnect(0), Err(SendError::NotConnected));
    assert_eq!(server.sent().last().unwrap(), "41");
    assert_eq!(server.session.end(), None);
}

#[test]
fn the_server_closes_after_what_is_queued() {
    let mut server = Server::joined(Transport::WebSocket);
    server.say("40/admin,").unwrap();
    server.session.accept(1, Sid::new(SID)).unwrap();
    server.session.send(0, &Outgoing::event("last", "")).unwrap();
    server.session.close();
    assert_eq!(server.session.end(), Some(End::Left));
    assert_eq!(server.sent()[1..], [r#"42["last"]"#, "41", "41/admin,"]);
    assert_eq!(server.session.close_code(), Some(CloseCode::NORMAL));
    assert!(server.session.is_over());
}

#[test]
fn the_client_closes_the_transport_or_it_is_lost() {
    let mut server = Server::joined(Transport::WebSocket);
    assert_eq!(server.say("1"), None);
    assert_eq!(server.session.end(), Some(End::Closed));
    let mut server = Server::joined(Transport::WebSocket);
    server.session.lost(microws::End::Eof);
    assert_eq!(server.session.end(), Some(End::WebSocket(microws::End::Eof)));
    assert!(server.session.is_over());
}

#[test]
fn no_namespace_joined_in_time_ends_the_session() {
    let mut server = Server::new(Transport::WebSocket);
    server.session.tick(0);
    server.session.tick(25_000);
    server.say("3");
    assert_eq!(server.session.tick(44_999), Some(1));
    assert_eq!(server.session.tick(45_000), Some(0));
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Connect)));
    // Once joined is enough.
    let mut server = Server::joined(Transport::WebSocket);
    server.say("41");
    server.session.tick(0);
    server.session.tick(25_000);
    server.say("3");
    server.session.tick(45_000);
    assert_eq!(server.session.end(), None);
}

#[test]
fn pings_go_out_and_pongs_are_due() {
    for start in [0, u32::MAX - 30_000] {
        let at = |time: u32| start.wrapping_add(time);
        let mut server = Server::joined(Transport::WebSocket);
        assert_eq!(server.session.tick(at(0)), Some(25_000));
        assert_eq!(server.session.tick(at(24_999)), Some(1));
        assert_eq!(server.sent(), Vec::<String>::new());
        assert_eq!(server.session.tick(at(25_000)), Some(20_000));
        assert_eq!(server.sent(), ["2"]);
        server.say("3");
        assert_eq!(server.session.tick(at(30_000)), Some(25_000));
        assert_eq!(server.session.tick(at(55_000)), Some(20_000));
        assert_eq!(server.session.tick(at(74_999)), Some(1));
        server.say("3");
        assert_eq!(server.session.tick(at(75_000)), Some(25_000));
        server.session.tick(at(100_000));
        assert_eq!(server.session.tick(at(120_000)), Some(0));
        assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Heartbeat)));
    }
}

/// Bytes that came meanwhile were not read.
#[test]
fn a_host_that_stalls_gives_the_client_as_much_more_time_once() {
    let mut server = Server::joined(Transport::WebSocket);
    server.session.tick(0);
    server.session.tick(25_000);
    assert_eq!(server.session.tick(55_000), Some(10_000));
    server.say("3");
    server.session.tick(55_001);
    assert_eq!(server.session.end(), None);
    // A ping that goes out late is due from then on.
    assert_eq!(server.session.tick(100_000), Some(20_000));
}
