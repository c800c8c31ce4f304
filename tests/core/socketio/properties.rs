//! What holds for any input.

use microws::{Chunk, MessageKind};
use microws_socketio::packet::Packet;
use microws_socketio::server::{ServerSession, Sid, Transport};
use microws_socketio::{Inbox, json};
use microws_tests::Cuts;
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::life::{JOINED, Lead, OPEN, Say, fragmented, input};
use crate::server::CONFIG;

/// Any JSON value of some depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn json_is_judged_as_by_serde_json(text in r#"[ \t\n\[\]{}",:0-9eE+.\\/truefalsnb\u{e9}\x0c-]{0,24}"#) {
        let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        prop_assert_eq!(json::is_value(text.as_bytes()), expected, "{:?}", text);
    }

    #[test]
    fn every_value_is_taken_whole_and_no_part_of_it(value in value(), pretty: bool) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let after = text.clone() + ",1";
        prop_assert_eq!(json::split(after.as_bytes()), Some((text.as_bytes(), &b",1"[..])));
        if !value.is_number() {
            for end in 0..text.len() {
                prop_assert!(!json::is_value(&text.as_bytes()[..end]));
            }
        }
        if let Value::Array(values) = &value {
            let inner = &text.as_bytes()[1..text.len() - 1];
            prop_assert!(json::are_values(inner));
            prop_assert_eq!(json::values(inner).count(), values.len());
        }
        if let Value::Object(members) = &value {
            for (name, value) in members {
                let quoted = serde_json::to_string(name).unwrap();
                let found = json::member(text.as_bytes(), &quoted.as_bytes()[1..quoted.len() - 1]).unwrap();
                // Not with the value itself: not every number comes back the same.
                let value: Value = serde_json::from_str(&value.to_string()).unwrap();
                prop_assert_eq!(serde_json::from_slice::<Value>(found).unwrap(), value);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_judged_as_by_serde_json(value in value(), at: prop::sample::Index, byte: u8) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if std::str::from_utf8(&bytes).is_ok() {
            let expected = serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
            prop_assert_eq!(json::is_value(&bytes), expected, "{:?}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn a_packet_that_is_read_is_written_the_same(text in r#"[0-6]([0-9]{1,2}-)?(/[a-z]{0,3},?)?[0-9]{0,3}(\["[a-z]{1,3}"(,[0-9])?\]|\{\}|\[\])?"#) {
        if let Ok(packet) = Packet::decode(text.as_bytes(), 10) {
            let mut out = [0; 64];
            let n = packet.encode(&mut out).unwrap();
            let again = Packet::decode(&out[..n], 10).unwrap();
            prop_assert_eq!(packet, again);
        }
    }

    #[test]
    fn a_client_is_the_same_however_its_bytes_are_cut(
        says in prop::collection::vec(r#"(4?[0-6](1-)?[0-9]?\["[a-z]",[0-9]\]|[0-7]|4[0-6]|[ab])"#, 0..6),
        binaries in prop::collection::vec(any::<bool>(), 6),
        seed: u64,
        len in 1usize..40,
    ) {
        let mut script = vec![Say::Text(OPEN), Say::Text(JOINED)];
        for (text, binary) in says.iter().zip(&binaries) {
            script.push(Say::Text(text));
            if *binary {
                script.push(Say::Binary(text.as_bytes()));
            }
        }
        script.push(Say::Close);
        let whole = Lead::default().run(&input(&script), |_, _| {});
        for bytes in [input(&script), fragmented(&script, len)] {
            let reads = Cuts::random(seed, len);
            prop_assert_eq!(&Lead { reads, ..Lead::default() }.run(&bytes, |_, _| {}), &whole);
        }
    }

    #[test]
    fn a_server_takes_any_post(content in prop::collection::vec(prop_oneof![
        any::<u8>(), prop::sample::select(br#"0123456b[]{}"-,:ac/"#.to_vec()), Just(0x1e)], 0..60)) {
        let (mut queue, mut arena) = ([0; 512], [0; 64]);
        let mut inbox = Inbox::new(&mut arena);
        let mut session = ServerSession::new(&CONFIG, Sid::new([7; 15]), Transport::Polling, &mut queue);
        prop_assert!(session.begin_post());
        let mut content = content;
        let mut post = session.post(&mut content);
        while session.next_event(&mut post, &mut inbox).is_some() {}
        let end = session.end_post(&post);
        prop_assert_eq!(session.end().is_some_and(|end| end != microws_socketio::End::Closed),
            end == microws_socketio::server::PostEnd::BadRequest);
    }

    #[test]
    fn a_server_is_the_same_however_a_message_is_cut(text in r#"4?[0-6](1-)?[0-9]?(\["[a-z]",[0-9]\]|\{\})?"#, at: prop::sample::Index) {
        let run = |pieces: &[&[u8]]| {
            let (mut queue, mut arena) = ([0; 512], [0; 64]);
            let mut inbox = Inbox::new(&mut arena);
            let mut session = ServerSession::new(&CONFIG, Sid::new([7; 15]), Transport::WebSocket, &mut queue);
            let mut events = Vec::new();
            for (i, piece) in pieces.iter().enumerate() {
                let mut piece = piece.to_vec();
                let chunk = Chunk::new(MessageKind::Text, i == 0, i + 1 == pieces.len(), &mut piece);
                events.extend(session.receive(&chunk, &mut inbox).as_ref().map(crate::server::words));
            }
            (events, session.end())
        };
        let bytes = text.as_bytes();
        let (first, second) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(run(&[bytes]), run(&[first, second]));
    }
}
