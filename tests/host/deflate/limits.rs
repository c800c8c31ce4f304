//! Limits of length and memory, and messages at fault.

use microws_tests::process::{Echo, wait_until};
use microws_tests::raw::{Raw, offering};
use microws_tests::zlib::inflate;

use crate::{NO_TAKEOVER, client, deflated, message, open, plain, reading, zlib};

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
    let echo = Echo::start(&["--write-timeout=0", "--ping-interval=0"]);
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
    // A client that leaves makes room.
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
    echo.says("too many incomplete compressed messages");
    // Whole messages are served still, and those that were begun.
    let mut whole_one = client(&echo);
    whole_one.send(&deflated(1, reading(3).as_bytes()));
    assert_eq!(plain(&mut whole_one), (1, reading(3).into_bytes()));
    for client in &mut clients {
        client.send_frame(0x80, rest);
        assert_eq!(client.frame().b0 & 0x8f, 0x80);
    }
}
