//! Packets, as the documents of the protocols write them, and what Node.js's parser takes and refuses.

use microws_socketio::Fault;
use microws_socketio::engine::{self, Open, Type};
use microws_socketio::packet::{Kind, Packet};

/// Text; kind, attachments, namespace, id, name, data.
type Row = (&'static str, Kind, u8, &'static str, Option<u32>, &'static str, &'static str);

const PACKETS: &[Row] = &[
    ("0", Kind::Connect, 0, "/", None, "", ""),
    ("0/admin,", Kind::Connect, 0, "/admin", None, "", ""),
    (r#"0{"token":"123"}"#, Kind::Connect, 0, "/", None, "", r#"{"token":"123"}"#),
    (
        r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
        Kind::Connect,
        0,
        "/admin",
        None,
        "",
        r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
    ),
    ("1", Kind::Disconnect, 0, "/", None, "", ""),
    ("1/admin,", Kind::Disconnect, 0, "/admin", None, "", ""),
    (r#"2["foo"]"#, Kind::Event, 0, "/", None, "foo", ""),
    (r#"2/admin,["bar"]"#, Kind::Event, 0, "/admin", None, "bar", ""),
    (r#"212["foo"]"#, Kind::Event, 0, "/", Some(12), "foo", ""),
    (r#"2/admin,456["project:delete",123]"#, Kind::Event, 0, "/admin", Some(456), "project:delete", "123"),
    (r#"24294967295["a","b",{"c":[]}]"#, Kind::Event, 0, "/", Some(u32::MAX), "a", r#""b",{"c":[]}"#),
    (r#"2["a\"b\u00e9]"]"#, Kind::Event, 0, "/", None, r#"a\"b\u00e9]"#, ""),
    ("3/admin,456[]", Kind::Ack, 0, "/admin", Some(456), "", ""),
    (r#"312["bar"]"#, Kind::Ack, 0, "/", Some(12), "", r#""bar""#),
    (
        r#"4/admin,{"message":"Not authorized"}"#,
        Kind::ConnectError,
        0,
        "/admin",
        None,
        "",
        r#"{"message":"Not authorized"}"#,
    ),
    (r#"4"no""#, Kind::ConnectError, 0, "/", None, "", r#""no""#),
    (
        r#"51-["hello",{"_placeholder":true,"num":0}]"#,
        Kind::BinaryEvent,
        1,
        "/",
        None,
        "hello",
        r#"{"_placeholder":true,"num":0}"#,
    ),
    (
        r#"51-/admin,456["project:delete",{"_placeholder":true,"num":0}]"#,
        Kind::BinaryEvent,
        1,
        "/admin",
        Some(456),
        "project:delete",
        r#"{"_placeholder":true,"num":0}"#,
    ),
    (
        r#"61-/admin,456[{"_placeholder":true,"num":0}]"#,
        Kind::BinaryAck,
        1,
        "/admin",
        Some(456),
        "",
        r#"{"_placeholder":true,"num":0}"#,
    ),
    (r#"510-["a"]"#, Kind::BinaryEvent, 10, "/", None, "a", ""),
];

#[test]
fn packets_of_the_documents_are_read_and_written() {
    for (text, kind, attachments, namespace, id, name, data) in PACKETS {
        let packet = Packet::decode(text.as_bytes(), 10).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!((packet.kind, packet.attachments, packet.id), (*kind, *attachments, *id), "{text}");
        assert_eq!(packet.namespace, namespace.as_bytes(), "{text}");
        assert_eq!((packet.name, packet.data), (name.as_bytes(), data.as_bytes()), "{text}");
        let mut out = [0; 128];
        let n = packet.encode(&mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out[..n]).unwrap(), *text);
        assert_eq!(packet.encode(&mut out[..n - 1]), None, "{text} in less room");
    }
}

#[test]
fn an_event_is_never_read_from_a_part_of_it() {
    for (text, kind, ..) in PACKETS {
        if matches!(kind, Kind::Connect | Kind::Disconnect) {
            continue;
        }
        for end in 0..text.len() {
            assert!(Packet::decode(&text.as_bytes()[..end], 10).is_err(), "{}", &text[..end]);
        }
    }
}

#[test]
fn white_space_between_values_is_none_of_the_data() {
    let packet = Packet::decode(b"2[ \"a\" , 1 , {} ] ", 0).unwrap();
    assert_eq!((packet.name, packet.data), (&b"a"[..], &b"1 , {} "[..]));
}

/// Node.js throws "unknown packet type", "Illegal attachments", "too many attachments" or "invalid payload", and its
/// server closes the connection.
#[test]
fn packets_at_fault_are_refused_with_the_fault() {
    let faults = [
        ("", Fault::Kind),
        ("7", Fault::Kind),
        ("a[]", Fault::Kind),
        (" 2[\"a\"]", Fault::Kind),
        (r#"5["a"]"#, Fault::Attachments),
        (r#"5-["a"]"#, Fault::Attachments),
        (r#"50-["a"]"#, Fault::Attachments),
        (r#"511-["a"]"#, Fault::Attachments),
        (r#"5256-["a"]"#, Fault::Attachments),
        (r#"51["a"]"#, Fault::Attachments),
        (r#"5x-["a"]"#, Fault::Attachments),
        (r#"5-1-["a"]"#, Fault::Attachments),
        (r#"51.5-["a"]"#, Fault::Attachments),
        (r#"599999999999-["a"]"#, Fault::Attachments),
        ("6[]", Fault::Attachments),
        (r#"24294967296["a"]"#, Fault::Id),
        ("0[]", Fault::Data),
        (r#"0"x""#, Fault::Data),
        ("0null", Fault::Data),
        (r#"0{"a":}"#, Fault::Data),
        ("0{}{}", Fault::Data),
        ("1{}", Fault::Data),
        ("1/admin,[]", Fault::Data),
        ("2", Fault::Data),
        ("2{}", Fault::Data),
        ("2[]", Fault::Data),
        ("2[null]", Fault::Data),
        ("2[{}]", Fault::Data),
        ("2[true]", Fault::Data),
        (r#"2["a""#, Fault::Data),
        (r#"2["a",]"#, Fault::Data),
        (r#"2["a"]x"#, Fault::Data),
        (r#"2["a" 1]"#, Fault::Data),
        (r#"2"a""#, Fault::Data),
        ("3", Fault::Data),
        ("3{}", Fault::Data),
        ("4[]", Fault::Data),
        ("41", Fault::Data),
        ("2/admin", Fault::Data),
        (r#"2["connect"]"#, Fault::ReservedName),
        (r#"2["connect_error",1]"#, Fault::ReservedName),
        (r#"2["disconnect"]"#, Fault::ReservedName),
        (r#"2["disconnecting"]"#, Fault::ReservedName),
        (r#"2["newListener"]"#, Fault::ReservedName),
        (r#"51-["removeListener"]"#, Fault::ReservedName),
    ];
    for (text, fault) in faults {
        assert_eq!(Packet::decode(text.as_bytes(), 10), Err(fault), "{text}");
    }
}

/// As in Node.js, where `1` and `"1"` name the same listener.
#[test]
fn a_number_names_an_event() {
    let packet = Packet::decode(b"2[17,\"a\"]", 0).unwrap();
    assert_eq!((packet.name, packet.data), (&b"17"[..], &b"\"a\""[..]));
    assert_eq!(Packet::decode(b"2[-1.5e3]", 0).unwrap().name, b"-1.5e3");
}

#[test]
fn the_namespace_ends_at_the_comma_or_with_the_packet() {
    assert_eq!(Packet::decode(b"0/admin", 0).unwrap().namespace, b"/admin");
    assert_eq!(Packet::decode(b"0/a/b?c=d,{}", 0).unwrap().namespace, b"/a/b?c=d");
    assert_eq!(Packet::decode(b"0/,{}", 0).unwrap().namespace, b"/");
}

#[test]
fn engine_packets_are_split_by_their_digit() {
    let table: [(&[u8], Type, &[u8]); 8] = [
        (b"0{}", Type::Open, b"{}"),
        (b"1", Type::Close, b""),
        (b"2", Type::Ping, b""),
        (b"2probe", Type::Ping, b"probe"),
        (b"3probe", Type::Pong, b"probe"),
        (b"4hello", Type::Message, b"hello"),
        (b"5", Type::Upgrade, b""),
        (b"6", Type::Noop, b""),
    ];
    for (packet, kind, data) in table {
        assert_eq!(engine::split(packet), Ok((kind, data)));
    }
    for fault in [&b""[..], b"7", b"bAQID", b"abc", b" 2"] {
        assert_eq!(engine::split(fault), Err(Fault::PacketType));
    }
}

const OPEN: &str = r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;

#[test]
fn the_open_packet_has_exactly_five_members() {
    let open = Open::decode(&OPEN.as_bytes()[1..]).unwrap();
    assert_eq!((open.sid, open.upgrade), (&b"lv_VI97HAXpY6yYWAAAC"[..], true));
    assert_eq!((open.ping_interval, open.ping_timeout, open.max_payload), (25_000, 20_000, 1_000_000));
    let mut out = [0; 128];
    let n = open.encode(&mut out).unwrap();
    assert_eq!(std::str::from_utf8(&out[..n]).unwrap(), OPEN);
    let n = Open::new(b"x", 0, 1, 4_294_967_295).encode(&mut out).unwrap();
    let without = r#"0{"sid":"x","upgrades":[],"pingInterval":0,"pingTimeout":1,"maxPayload":4294967295}"#;
    assert_eq!(std::str::from_utf8(&out[..n]).unwrap(), without);
}

#[test]
fn an_open_packet_is_never_read_from_a_part_of_it() {
    let data = &OPEN.as_bytes()[1..];
    for end in 0..data.len() {
        assert_eq!(Open::decode(&data[..end]), Err(Fault::OpenPacket));
    }
    for fault in [
        r#"{"sid":1,"pingInterval":1,"pingTimeout":1}"#,
        r#"{"pingInterval":1,"pingTimeout":1}"#,
        r#"{"sid":"a","pingTimeout":1}"#,
        r#"{"sid":"a","pingInterval":-1,"pingTimeout":1}"#,
        r#"{"sid":"a","pingInterval":1.5,"pingTimeout":1}"#,
        r#"{"sid":"a","pingInterval":4294967296,"pingTimeout":1}"#,
        r#"["sid","pingInterval","pingTimeout"]"#,
    ] {
        assert_eq!(Open::decode(fault.as_bytes()), Err(Fault::OpenPacket), "{fault}");
    }
}
