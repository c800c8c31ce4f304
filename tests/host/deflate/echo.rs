//! Compressed messages come back, with and without takeover.

use microws_tests::frames::{Frame, frame};
use microws_tests::process::{Echo, Signal};
use microws_tests::raw::KEY;
use microws_tests::zlib::{inflate, messages};

use crate::{NO_TAKEOVER, client, deflated, message, open, plain, reading, zlib};

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
        // Sections 7.2.3.1, 7.2.3.3 (no compression) and 7.2.3.4 (BFINAL); two blocks (7.2.3.5); BFINAL in the block that
        // ends the message; an empty block before.
        &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
        b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
        b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        b"\xf2\x48\xcd\xc9\xc9\x07\x04",
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
