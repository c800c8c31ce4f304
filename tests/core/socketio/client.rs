//! The client: how it joins, what it sends, and that nothing depends on how the bytes were cut.

use microws_socketio::{Client, ClientConfig, End, Event, Fault, Inbox, Outgoing, SendError};
use microws_tests::Cuts;

use crate::life::{Hand, JOINED, Lead, Life, OPEN, Say, fragmented, input, listen};

/// Says hello, acknowledges events that ask for it, with the same arguments and attachments, and leaves on request.
pub(crate) fn echo(hand: &mut Hand<'_, '_>, event: &Event<'_>) {
    let done = match event {
        Event::Connected { .. } => {
            let id = hand.client.expect_ack(1000).unwrap();
            hand.send(&Outgoing::event("hello", "1,[2]").expect(id).attachments(&[b"\0\xff", b""]))
        }
        Event::Event { name: b"leave", .. } => {
            hand.client.disconnect();
            Ok(())
        }
        Event::Event { args, attachments, ack: Some(id), .. } => {
            let attachments: Vec<&[u8]> = attachments.collect();
            let args = std::str::from_utf8(args).unwrap();
            hand.send(&Outgoing::ack(*id, args).attachments(&attachments))
        }
        _ => Ok(()),
    };
    done.unwrap();
}

const LONG: &str = r#"42["long","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]"#;

pub(crate) const SCRIPT: &[Say<'static>] = &[
    Say::Text(OPEN),
    Say::Text(JOINED),
    Say::Text(r#"430["welcome"]"#),
    Say::Text(r#"42["plain",1,"two",{}]"#),
    Say::Text("2"),
    Say::Text(r#"427["wants an answer",null]"#),
    Say::Text(r#"452-8["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
    Say::Binary(&[1, 2, 3]),
    // A ping of either protocol may stand between attachments.
    Say::Text("2"),
    Say::Ping,
    Say::Binary(&[]),
    Say::Text(LONG),
    Say::Text(r#"461-0[{"_placeholder":true,"num":0}]"#),
    Say::Binary(b"late"),
    Say::Text(r#"42["leave"]"#),
    Say::Text(r#"42["unheard"]"#),
    Say::Close,
];

fn expected() -> Life {
    let placeholders = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    let events = [
        "connected wZX3oN0bSVIhsaknAAAI",
        r#"ack 0 ("welcome")"#,
        r#"plain(1,"two",{})"#,
        "wants an answer(null) ack 7",
        &format!("echo({placeholders}) +010203 + ack 8"),
        &format!("long({})", &LONG[10..LONG.len() - 1]),
        "leave()",
    ];
    let sent = [
        "40",
        r#"452-0["hello",1,[2]]"#,
        "00ff",
        "",
        "3",
        "437[null]",
        "3",
        "pong ?",
        &format!("462-8[{placeholders}]"),
        "010203",
        "",
        "41",
        "close 1000",
    ];
    let strings = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    Life { events: strings(&events), sent: strings(&sent), end: Some(End::Left) }
}

#[test]
fn a_life_cut_anywhere_is_the_same_life() {
    let bytes = input(SCRIPT);
    let run = |reads| Lead { reads, ..Lead::default() }.run(&bytes, echo);
    assert_eq!(run(Cuts::Whole), expected());
    assert_eq!(run(Cuts::Every(1)), expected());
    for at in 1..bytes.len() {
        assert_eq!(run(Cuts::At(at)), expected(), "cut at {at}");
    }
}

#[test]
fn fragments_are_put_together() {
    for len in [1, 2, 7, 64] {
        let bytes = fragmented(SCRIPT, len);
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::Every(5)] {
            assert_eq!(Lead { reads, ..Lead::default() }.run(&bytes, echo), expected(), "fragments of {len}");
        }
    }
}

#[test]
fn packets_larger_than_tx_go_out_in_parts() {
    let args = format!("\"{}\"", "x".repeat(500));
    let attachment = [0xa5; 300];
    let life = Lead { eof: false, ..Lead::default() }
        .run(&input(&[Say::Text(OPEN), Say::Text(JOINED)]), |hand, _| {
            hand.send(&Outgoing::event("big", &args).attachments(&[&attachment, b"z"])).unwrap()
        });
    assert_eq!(life.sent[1], format!("451-[\"big\",{args}]").replace("451-", "452-"));
    assert_eq!(life.sent[2..], [crate::life::hex(&attachment), "7a".into()]);
}

#[test]
fn a_namespace_is_asked_for_with_its_auth_payload() {
    let config = ClientConfig::new().namespace("/admin").auth(r#"{"token":"abc"}"#);
    let script = [
        Say::Text(OPEN),
        Say::Text(r#"40/admin,{"sid":"s"}"#),
        Say::Text(r#"42/admin,9["a"]"#),
        // Another namespace is none of ours, with attachments or without.
        Say::Text(r#"42["b"]"#),
        Say::Text(r#"451-/other,["c",{"_placeholder":true,"num":0}]"#),
        Say::Binary(b"c"),
        Say::Text(r#"42/admin,["leave"]"#),
        Say::Close,
    ];
    let life = Lead { config, ..Lead::default() }.run(&input(&script), |hand, event| {
        if !matches!(event, Event::Connected { .. }) {
            echo(hand, event);
        }
    });
    assert_eq!(life.events, ["connected s", "a() ack 9", "leave()"]);
    assert_eq!(life.sent, [r#"40/admin,{"token":"abc"}"#, "43/admin,9[]", "41/admin,", "close 1000"]);
    assert_eq!(life.end, Some(End::Left));
}

#[test]
fn a_long_auth_payload_goes_out_in_parts() {
    let auth = format!("{{\"token\":\"{}\"}}", "t".repeat(400));
    let config = ClientConfig::new().auth(&auth);
    let life = Lead { config, eof: false, ..Lead::default() }.run(&input(&[Say::Text(OPEN)]), |_, _| {});
    assert_eq!(life.sent, [format!("40{auth}")]);
}

#[test]
fn a_request_that_cant_be_sent_ends_the_client() {
    for (namespace, auth) in [("admin", ""), ("/a,b", ""), ("", ""), ("/", "[]"), ("/", "{"), ("/", "{}x")] {
        let config = ClientConfig::new().namespace(namespace).auth(auth);
        let script = input(&[Say::Text(OPEN), Say::Close]);
        let life = Lead { config, ..Lead::default() }.run(&script, |_, _| {});
        assert_eq!(life.sent, ["close 1000"], "{namespace} {auth}");
        assert_eq!(life.end, Some(End::Unsendable(SendError::InvalidJson)));
    }
}

#[test]
fn nothing_is_sent_that_the_server_would_end_the_connection_for() {
    let mut results = Vec::new();
    let life = Lead { eof: false, ..Lead::default() }.run(
        &input(&[Say::Text(OPEN), Say::Text(JOINED)]),
        |hand, _| {
            let many: Vec<&[u8]> = vec![b""; 256];
            let long = format!("\"{}\"", "x".repeat(1000));
            for outgoing in [
                Outgoing::event("connect", ""),
                Outgoing::event("a\"b", ""),
                Outgoing::event("a\\", ""),
                Outgoing::event("a\n", ""),
                Outgoing::event("a", "x"),
                Outgoing::event("a", "1,"),
                Outgoing::event("a", "1],[2"),
                Outgoing::ack(1, "{"),
                Outgoing::event("a", "").attachments(&many),
                Outgoing::event("a", &long),
                Outgoing::event("a", "").attachments(&[&[0; 1001]]),
            ] {
                results.push(hand.send(&outgoing).unwrap_err());
            }
            hand.send(&Outgoing::event("fine", " 1 , [ ] ")).unwrap();
        },
    );
    use SendError::{InvalidJson, InvalidName, TooLong, TooManyAttachments};
    let names = [InvalidName; 4];
    assert_eq!(results[..4], names);
    assert_eq!(results[4..8], [InvalidJson; 4]);
    assert_eq!(results[8..], [TooManyAttachments, TooLong, TooLong]);
    assert_eq!(life.sent, ["40", r#"42["fine", 1 , [ ] ]"#]);
}

#[test]
fn what_comes_in_an_impossible_order_ends_the_client() {
    let first = |text| Lead::default().run(&input(&[Say::Text(text), Say::Close]), |_, _| {});
    for text in [JOINED, "2", "3", "6", r#"42["a"]"#] {
        let life = first(text);
        assert_eq!(life.end, Some(End::Failed(Fault::Unexpected)), "{text}");
        assert_eq!(life.sent, ["close 1008"]);
    }
    assert_eq!(first("x").end, Some(End::Failed(Fault::PacketType)));
    assert_eq!(first("0{}").end, Some(End::Failed(Fault::OpenPacket)));
    let cases = [
        (Say::Text(OPEN), Fault::Unexpected),
        (Say::Text(JOINED), Fault::Namespace),
        (Say::Text("4"), Fault::Kind),
        (Say::Text(""), Fault::PacketType),
        (Say::Text(r#"4511-["a"]"#), Fault::Attachments),
        (Say::Text(r#"42["a"#), Fault::Data),
        (Say::Binary(b"a"), Fault::AttachmentUnannounced),
    ];
    for (say, fault) in cases {
        let life = listen(&[say, Say::Text(r#"42["unheard"]"#), Say::Close]);
        assert_eq!(life.end, Some(End::Failed(fault)), "{say:?}");
        assert_eq!(life.events.len(), 1);
        assert_eq!(life.sent, ["40", "close 1008"]);
    }
    let life = listen(&[Say::Text(r#"451-["a"]"#), Say::Text(r#"42["b"]"#), Say::Close]);
    assert_eq!(life.end, Some(End::Failed(Fault::AttachmentMissing)));
}

#[test]
fn what_is_no_event_before_the_namespace_is_joined_ends_the_client() {
    for text in ["430[]", "41"] {
        let life = Lead::default().run(&input(&[Say::Text(OPEN), Say::Text(text), Say::Close]), |_, _| {});
        assert_eq!(life.end, Some(End::Failed(Fault::Namespace)), "{text}");
    }
    // A server of an older protocol joins without an id.
    let life = Lead::default().run(&input(&[Say::Text(OPEN), Say::Text("40"), Say::Close]), |_, _| {});
    assert_eq!(life.end, Some(End::Failed(Fault::Data)));
}

#[test]
fn a_message_larger_than_the_inbox_ends_the_client_with_1009() {
    let script = [
        Say::Text(OPEN),
        Say::Text(JOINED),
        Say::Text(r#"452-["a"]"#),
        Say::Binary(&[1; 100]),
        Say::Binary(&[2; 30]),
    ];
    let bytes = [input(&script), input(&[Say::Close])].concat();
    // The packet, two lengths, two attachments.
    let exact = 9 + 4 + 100 + 4 + 30;
    let life = Lead { inbox: exact, ..Lead::default() }.run(&bytes, |_, _| {});
    assert_eq!(life.events.len(), 2, "{life:?}");
    let life = Lead { inbox: exact - 1, ..Lead::default() }.run(&bytes, |_, _| {});
    assert_eq!((life.events.len(), life.end), (1, Some(End::Failed(Fault::TooLong))));
    assert_eq!(life.sent, ["40", "close 1009"]);
}

#[test]
fn engine_packets_without_meaning_for_a_client_are_ignored() {
    let life = listen(&[Say::Text("3"), Say::Text("5"), Say::Text("6"), Say::Text("3probe"), Say::Close]);
    assert_eq!(life.sent, ["40", "close 1000"]);
}

#[test]
fn the_state_is_small() {
    let state = size_of::<Client<'_>>() + size_of::<Inbox<'_>>();
    assert!(state <= 128, "{state} bytes on this machine");
}
