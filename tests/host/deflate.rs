//! permessage-deflate (RFC 7692) in the echo server.

use microws_tests::frames::{Frame, frame};
use microws_tests::process::{Echo, Signal, wait_until};
use microws_tests::raw::{KEY, Raw, offering};
use microws_tests::zlib::{Compressor, inflate, messages};
use zlib_rs::Strategy;

/// The server keeps neither context, and a client is told so of both without asking (7.1.1).
const NO_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Opens a WebSocket with this offer; what was agreed to.
fn open(echo: &Echo, target: &str, offer: &str) -> (Raw, Option<String>) {
    let mut client = echo.tcp();
    client.send(&offering(target, offer));
    let answer = client.accepted();
    let agreed = answer.field("Sec-WebSocket-Extensions").map(str::to_owned);
    (client, agreed)
}

/// A client of which the server knows that it compresses each message by itself.
fn client(echo: &Echo) -> Raw {
    let (client, agreed) = open(echo, "/", "permessage-deflate; client_max_window_bits");
    assert_eq!(agreed.as_deref(), Some(NO_TAKEOVER));
    client
}

fn zlib() -> Compressor {
    Compressor::new(6, 15, Strategy::Default)
}

/// A compressed message in one frame.
fn deflated(opcode: u8, plain: &[u8]) -> Vec<u8> {
    frame(0xc0 | opcode, KEY, &zlib().message(plain))
}

/// The next message: the first byte of its first frame without FIN, its payload, and its fragments.
fn message(client: &mut Raw) -> (u8, Vec<u8>, usize) {
    let (mut first, mut payload, mut fragments) = (0, Vec::new(), 0);
    loop {
        let frame = client.frame();
        let opcode = frame.b0 & 0x7f;
        match fragments {
            0 => first = opcode,
            _ => assert_eq!(opcode, 0, "RSV1 and the opcode stand on the first frame only"),
        }
        fragments += 1;
        payload.extend(frame.payload);
        if frame.b0 & 0x80 != 0 {
            return (first, payload, fragments);
        }
    }
}

/// The next message as it was before it was compressed, if it was.
fn plain(client: &mut Raw) -> (u8, Vec<u8>) {
    let (first, payload, _) = message(client);
    match first & 0x40 {
        0 => (first, payload),
        _ => (first & 0x0f, inflate(&payload, 15, 100 << 20).expect("a compressed message")),
    }
}

fn reading(i: usize) -> String {
    format!("{{\"sensor\":\"temp-{i}\",\"value\":2{i}.5,\"unit\":\"C\",\"place\":\"the cellar, left\"}},")
        .repeat(6)
}

#[test]
fn a_compressed_message_comes_back_compressed_and_a_plain_one_too() {
    let echo = Echo::start(&[]);
    let mut client = client(&echo);
    for bytes in [deflated(1, reading(1).as_bytes()), frame(0x81, KEY, reading(1).as_bytes())] {
        client.send(&bytes);
        let (first, payload, fragments) = message(&mut client);
        assert_eq!((first, fragments), (0x41, 1));
        assert!(payload.len() < reading(1).len() / 2);
        assert_eq!(inflate(&payload, 15, 10_000).unwrap(), reading(1).as_bytes());
    }
}

#[test]
fn hello_as_the_rfc_prints_it_in_every_form_comes_back() {
    let echo = Echo::start(&[]);
    let hello = Frame { b0: 0x81, key: None, payload: b"Hello".into() };
    for payload in [
        // Sections 7.2.3.1, 7.2.3.3 (no compression) and 7.2.3.4 (BFINAL); two blocks (7.2.3.5); an empty block before.
        &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        b"\x00\x00\x00\xff\xff\xf2\x48\xcd\xc9\xc9\x07\x00",
    ] {
        let mut client = client(&echo);
        // In one frame, and in frames of one byte, of which some are empty.
        client.send_frame(0xc1, payload);
        assert_eq!(client.frame(), hello, "{payload:02x?}");
        for (n, byte) in payload.iter().enumerate() {
            client.send_frame(if n == 0 { 0x41 } else { 0x00 }, &[*byte]);
            client.send_frame(0x00, b"");
            client.send_frame(0x89, b"p");
            while client.frame() != (Frame { b0: 0x8a, key: None, payload: b"p".into() }) {}
        }
        client.send_frame(0x80, b"");
        // Its echo came in fragments, before the pongs.
        assert_eq!(client.frame(), Frame { b0: 0x80, key: None, payload: b"".into() }, "{payload:02x?}");
    }
    // An empty message is one zero (7.2.3.6).
    let mut client = client(&echo);
    client.send_frame(0xc2, b"\x00");
    assert_eq!(client.frame(), Frame { b0: 0x82, key: None, payload: b"".into() });
}

#[test]
fn messages_of_any_kind_come_back_with_and_without_takeover_and_with_every_window() {
    for how in ["on", "takeover"] {
        let echo = Echo::start(&["--deflate", how, "--deflate-threshold=0"]);
        for bits in 8..=15u8 {
            let offer = format!("permessage-deflate; server_max_window_bits={bits}");
            let (mut client, agreed) = open(&echo, "/", &offer);
            let terms = if how == "on" { NO_TAKEOVER } else { "permessage-deflate" };
            let expected = format!("{terms}; server_max_window_bits={bits}");
            assert_eq!(agreed.as_deref(), Some(&*expected));
            let mut sender = zlib();
            let (mut before, mut compressed) = (Vec::new(), 0);
            for message_out in messages() {
                if how == "on" {
                    sender.reset();
                }
                client.send_frame(0xc2, &sender.message(&message_out));
                let (first, payload, _) = message(&mut client);
                if first == 0x02 {
                    assert!(payload == message_out);
                    continue;
                }
                // What the window of this size has of the messages before, and this one.
                let joined = [&before[..], &payload, &[0x00, 0x00, 0xff, 0xff]].concat();
                let all = inflate(&joined, bits.max(9), 10 << 20).expect("within its window");
                assert!(all.ends_with(&message_out), "{how}, {bits}");
                if how == "takeover" {
                    before = joined;
                }
                compressed += 1;
            }
            assert_eq!(compressed > 0, bits > 8, "zlib makes no window of 2^8 bytes");
        }
    }
}

#[test]
fn with_takeover_a_message_that_came_before_costs_little() {
    let echo = Echo::start(&["--deflate", "takeover"]);
    let (mut client, agreed) = open(&echo, "/", "permessage-deflate; client_max_window_bits");
    assert_eq!(agreed.as_deref(), Some("permessage-deflate"));
    echo.says("permessage-deflate, window 2^15 out, kept, 2^15 in, kept");
    let mut sender = zlib();
    let lens: Vec<usize> = (0..3)
        .map(|_| {
            client.send_frame(0xc1, &sender.message(reading(2).as_bytes()));
            message(&mut client).1.len()
        })
        .collect();
    assert!(lens[1] < lens[0] / 3 && lens[2] <= lens[1], "{lens:?}");
}

#[test]
fn with_takeover_what_went_plain_is_not_referred_to() {
    let echo = Echo::start(&["--deflate", "takeover"]);
    let (mut client, _) = open(&echo, "/", "permessage-deflate");
    let mut rng = fastrand::Rng::with_seed(3);
    let noise: Vec<u8> = (0..3000).map(|_| rng.u8(..)).collect();
    let (mut sender, mut before) = (zlib(), Vec::new());
    for message_out in
        [reading(1).into_bytes(), noise.clone(), reading(1).into_bytes(), noise, reading(1).into_bytes()]
    {
        client.send_frame(0xc2, &sender.message(&message_out));
        let (first, payload, _) = message(&mut client);
        if first == 0x02 {
            assert!(payload == message_out, "noise goes plain");
            continue;
        }
        before = [&before[..], &payload, &[0x00, 0x00, 0xff, 0xff]].concat();
        assert!(inflate(&before, 15, 1 << 20).unwrap().ends_with(&message_out));
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_keeps_the_window() {
    let echo = Echo::start(&["--deflate", "takeover"]);
    let (mut client, _) = open(&echo, "/", "permessage-deflate");
    let mut sender = zlib();
    let text = reading(4);
    client.send_frame(0xc1, &sender.message(text.as_bytes()));
    assert_eq!(plain(&mut client), (1, text.clone().into_bytes()));
    // A last block, empty, and then what refers to the message before.
    let second = sender.message(text.as_bytes());
    assert!(second.len() < 20);
    client.send_frame(0xc1, &[b"\x01\x00\x00\xff\xff", &second[..]].concat());
    let (first, payload, _) = message(&mut client);
    assert_eq!((first, payload.len() < 20), (0x41, true));
}

#[test]
fn the_server_takes_part_only_if_it_is_told_so() {
    let echo = Echo::start(&["--deflate", "off"]);
    let (mut client, agreed) = open(&echo, "/", "permessage-deflate");
    assert_eq!(agreed, None);
    client.echo(b"plain");
    client.send(&deflated(1, b"Hello"));
    assert_eq!(client.closed().0, 1002);
    let line = echo.says("connected: path /");
    assert!(!line.contains("deflate"), "{line}");
}

#[test]
fn replies_under_the_threshold_and_those_that_get_no_shorter_go_plain() {
    let echo = Echo::start(&["--deflate-threshold", "100"]);
    let mut client = client(&echo);
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..200_000).map(|_| rng.u8(..)).collect();
    for (len, first) in [(99, 0x02), (100, 0x42), (101, 0x42)] {
        client.send(&deflated(2, &vec![b'a'; len]));
        assert_eq!(message(&mut client).0, first, "{len}");
    }
    for len in (1..100).map(|n| n * 100).chain([70_000, 200_000]) {
        client.send(&deflated(2, &noise[..len]));
        let (first, payload, _) = message(&mut client);
        assert!(first == 0x02 && payload == noise[..len], "{len}");
    }
}

#[test]
fn a_message_of_any_size_streams_through_bounded_memory() {
    let echo = Echo::start(&[]);
    let mut client = client(&echo);
    client.echo(b"warm");
    let before = echo.memory_kib("RssAnon");
    // 60 MB, sent and read at once.
    let len = 60_000_000;
    let bytes = deflated(2, &vec![b'z'; len]);
    assert!(bytes.len() < 100_000);
    client.send(&bytes);
    let (first, payload, fragments) = message(&mut client);
    assert_eq!(first, 0x42);
    assert!(fragments > 100, "{fragments} fragments");
    assert_eq!(inflate(&payload, 15, len).map(|plain| plain.len()), Some(len));
    let more = echo.memory_kib("RssAnon").saturating_sub(before);
    assert!(more < 4096, "{more} KiB more");
}

#[test]
fn a_client_that_takes_no_replies_is_inflated_no_further() {
    let echo = Echo::start(&["--write-timeout=0"]);
    let mut client = Raw::connect_narrow(echo.address());
    // A window that zlib does not make: replies are plain, a thousand times what came.
    client.send(&offering("/", "permessage-deflate; server_max_window_bits=8"));
    client.accepted();
    let len = 100_000_000;
    let before = echo.memory_kib("RssAnon");
    client.send(&deflated(2, &vec![0; len]));
    let mut other = echo.open();
    for _ in 0..50 {
        other.echo(b"others are served");
    }
    let more = echo.memory_kib("RssAnon").saturating_sub(before);
    assert!(more < 4096, "{more} KiB more");
    let (first, payload, _) = message(&mut client);
    assert_eq!((first, payload.len()), (0x02, len));
    client.echo(b"and the next");
}

#[test]
fn the_longest_message_is_one_of_inflated_bytes() {
    let echo = Echo::start(&["--max-message", "100000"]);
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..100_001).map(|_| rng.u8(..)).collect();
    // As long as allowed, though longer compressed.
    for message_out in [&noise[..100_000], &[0; 100_000]] {
        let mut client = client(&echo);
        client.send(&deflated(2, message_out));
        assert!(plain(&mut client).1 == message_out);
    }
    for bomb in [&noise[..], &[0; 100_001], &vec![0; 10 << 20]] {
        let mut client = client(&echo);
        client.send(&deflated(2, bomb));
        assert_eq!(client.closed().0, 1009);
    }
    echo.says("failed: 1009");
}

#[test]
fn text_is_checked_when_it_is_inflated_and_fails_at_the_first_impossible_byte() {
    let echo = Echo::start(&["--deflate-threshold=0"]);
    let mut client = client(&echo);
    let text = "Ünïcödé 漢字 🎉 ".repeat(500);
    client.send(&deflated(1, text.as_bytes()));
    assert_eq!(plain(&mut client), (1, text.into_bytes()));
    for bad in [&b"ok \xff"[..], b"\xc3", b"\xed\xa0\x80", b"cut \xf0\x9f"] {
        let mut client = self::client(&echo);
        client.send(&deflated(1, bad));
        assert_eq!(client.closed().0, 1007, "{bad:02x?}");
        // The same bytes are a fine binary message.
        let mut client = self::client(&echo);
        client.send(&deflated(2, bad));
        assert_eq!(plain(&mut client), (2, bad.to_vec()));
    }
    // The message is not at its end.
    let mut client = self::client(&echo);
    client.send_frame(0x41, &zlib().message(b"fine so far \xc3\x28"));
    assert_eq!(client.closed().0, 1007);
    echo.says("failed: 1007");
}

#[test]
fn what_is_no_deflate_data_fails_with_1007() {
    let echo = Echo::start(&[]);
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let mut bad: Vec<Vec<u8>> = (0..hello.len() - 1).map(|n| hello[..n].to_vec()).collect();
    bad.extend([
        // A block type that does not exist; a stored block with a wrong complement; a distance to before the start; BFINAL
        // without anything after it.
        b"\x06".to_vec(),
        b"\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00".to_vec(),
        b"\x02\x13\x00\x00".to_vec(),
        b"\xf3\x48\xcd\xc9\xc9\x07\x00".to_vec(),
    ]);
    for payload in bad {
        let mut client = client(&echo);
        client.send_frame(0xc1, &payload);
        assert_eq!(client.closed().0, 1007, "{payload:02x?}");
    }
}

#[test]
fn a_message_that_is_cut_anywhere_comes_back() {
    let echo = Echo::start(&["--deflate", "takeover"]);
    let (mut client, _) = open(&echo, "/", "permessage-deflate");
    let (mut other, mut sender) = (echo.open(), zlib());
    for i in 0..3 {
        let bytes = frame(0xc1, KEY, &sender.message(reading(i).as_bytes()));
        for byte in bytes.chunks(1 + 6 * i) {
            client.send(byte);
            other.echo(b"read");
        }
        let (first, payload, _) = message(&mut client);
        assert!(first == 0x41 || i == 0 || payload == reading(i).as_bytes(), "{first:02x}");
    }
}

#[test]
fn faults_on_demand_go_on_working() {
    let echo = Echo::start(&["--deflate-threshold=0"]);
    let text = reading(5);
    for (target, least) in
        [("/?fragments=100", text.len() / 100), ("/?delay=5", 1), ("/?fragments=64&delay=5", 7)]
    {
        let (mut client, agreed) = open(&echo, target, "permessage-deflate");
        assert!(agreed.is_some());
        for _ in 0..3 {
            client.send(&deflated(1, text.as_bytes()));
            let (first, payload, fragments) = message(&mut client);
            assert!(fragments >= least, "{target}: {fragments} fragments");
            let came = if first == 0x41 { inflate(&payload, 15, 10_000).unwrap() } else { payload };
            assert_eq!(came, text.as_bytes(), "{target}");
        }
    }
    let (mut client, _) = open(&echo, "/?close=4000&after=2", "permessage-deflate");
    for _ in 0..2 {
        client.send(&deflated(1, text.as_bytes()));
        assert_eq!(plain(&mut client), (1, text.clone().into_bytes()));
    }
    client.send(&frame(0x88, KEY, &[0x0f, 0xa0]));
    assert_eq!(client.closed().0, 4000);
}

#[test]
fn contexts_beyond_the_memory_for_them_are_not_agreed_to() {
    let echo = Echo::start(&["--deflate", "takeover", "--deflate-memory", "1000000"]);
    let offer = "permessage-deflate; client_max_window_bits";
    let mut clients: Vec<(Raw, Option<String>)> = (0..4).map(|_| open(&echo, "/", offer)).collect();
    let agreed: Vec<&str> = clients.iter().filter_map(|(_, agreed)| agreed.as_deref()).collect();
    assert_eq!(agreed, ["permessage-deflate", "permessage-deflate", NO_TAKEOVER, NO_TAKEOVER]);
    for (client, _) in &mut clients {
        client.send(&deflated(1, reading(1).as_bytes()));
        assert_eq!(plain(client), (1, reading(1).into_bytes()));
    }
    // Who leaves makes room.
    drop(clients.swap_remove(0));
    wait_until("room for contexts", || (open(&echo, "/", offer).1? == "permessage-deflate").then_some(()));
}

#[test]
fn clients_in_the_middle_of_a_message_beyond_the_memory_for_them_are_closed_with_1013() {
    let echo = Echo::start(&["--deflate-memory", "250000"]);
    let whole = zlib().message(reading(3).as_bytes());
    let (half, rest) = whole.split_at(whole.len() / 2);
    let mut clients: Vec<Raw> = (0..3).map(|_| client(&echo)).collect();
    for client in &mut clients {
        client.send_frame(0x41, half);
        // The server has it when the pong is here.
        client.send_frame(0x89, b"p");
        while client.frame().b0 != 0x8a {}
    }
    let mut late = client(&echo);
    late.send_frame(0x41, half);
    let close = wait_until("a close frame", || Some(late.frame()).filter(|frame| frame.b0 == 0x88));
    assert_eq!(close.payload[..2], 1013u16.to_be_bytes());
    echo.says("too many compressed messages are not all there");
    // Whole messages are served still, and those that were begun.
    let mut whole_one = client(&echo);
    whole_one.send(&deflated(1, reading(3).as_bytes()));
    assert_eq!(plain(&mut whole_one), (1, reading(3).into_bytes()));
    for client in &mut clients {
        client.send_frame(0x80, rest);
        assert_eq!(client.frame().b0 & 0x8f, 0x80);
    }
}

#[test]
fn the_log_and_the_metrics_say_what_was_saved() {
    let echo = Echo::start(&[]);
    let mut client = client(&echo);
    let connected = echo.says("connected: path /");
    assert!(connected.ends_with(", permessage-deflate, window 2^15 out, 2^15 in"), "{connected}");
    let sent = zlib().message(reading(1).as_bytes());
    client.send_frame(0xc1, &sent);
    let back = message(&mut client).1;
    let (long, wire, back) = (reading(1).len(), sent.len(), back.len());
    echo.signal(Signal::USR1);
    echo.says(&format!("{wire} bytes inflated to {long}, {long} bytes deflated to {back}, "));
    let mut probe = echo.tcp();
    probe.send(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let metrics = probe.answer().unwrap().body;
    for (direction, wire) in [("received", wire), ("sent", back)] {
        for (form, bytes) in [("wire", wire), ("plain", long)] {
            let line = format!(
                "microws_compressed_bytes_total{{direction=\"{direction}\",form=\"{form}\"}} {bytes}\n"
            );
            assert!(metrics.contains(&line), "{line}{metrics}");
        }
    }
}

#[test]
fn a_greeting_and_the_closing_of_a_server_that_stops_reach_a_client_with_compression() {
    let greeting = "welcome ".repeat(50);
    let mut echo = Echo::start(&["--greeting", &greeting]);
    let mut client = client(&echo);
    let (first, payload, _) = message(&mut client);
    assert_eq!((first, inflate(&payload, 15, 1000).unwrap()), (0x41, greeting.into_bytes()));
    client.send_frame(0x41, &zlib().message(b"half of a")[..5]);
    client.send_frame(0x89, b"");
    while client.frame().b0 != 0x8a {}
    echo.signal(Signal::TERM);
    let close = client.frame();
    assert_eq!((close.b0, &close.payload[..2]), (0x88, &1001u16.to_be_bytes()[..]));
    client.send_frame(0x80, b"more of what nobody reads");
    client.send(&frame(0x88, KEY, &1001u16.to_be_bytes()));
    assert!(client.rest().unwrap().is_empty());
    assert!(echo.end().success());
}
