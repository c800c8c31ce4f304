//! How the echo server sends messages back: frames as frames, and what waits for a client that does not read.

use std::time::Duration;

use microws_tests::frames::{Frame, frame};
use microws_tests::process::{Echo, wait_until};
use microws_tests::raw::{KEY, Raw};

/// Sends `bytes` in pieces of `len`, each of which the server has read before the next comes.
fn send_in_pieces(echo: &Echo, client: &mut Raw, bytes: &[u8], len: usize) {
    let mut other = echo.open();
    for piece in bytes.chunks(len) {
        client.send(piece);
        other.echo(b"read");
    }
}

#[test]
fn a_frame_comes_back_as_one_frame_however_it_is_cut() {
    let echo = Echo::start(&[]);
    for (len, piece) in
        [(2, 1), (126, 3), (16_384, 1460), (16_385, 16_384), (40_000, 20_000), (65_536, 9_999)]
    {
        let mut client = echo.open();
        let payload: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
        send_in_pieces(&echo, &mut client, &frame(0x82, KEY, &payload), piece);
        assert_eq!(
            client.frame(),
            Frame { b0: 0x82, key: None, payload: payload.clone() },
            "{len} in {piece}"
        );
        // What comes after it, in the same bytes, is not held.
        let both = [frame(0x82, KEY, &payload), frame(0x89, KEY, b"p")].concat();
        send_in_pieces(&echo, &mut client, &both, piece);
        assert_eq!(client.frame().payload, payload);
        assert_eq!(client.frame(), Frame { b0: 0x8a, key: None, payload: b"p".into() });
    }
}

#[test]
fn a_fragmented_message_keeps_its_fragments() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    let frames: [(u8, &[u8]); 4] =
        [(0x01, &[b'a'; 20_000]), (0x00, b""), (0x00, &[b'b'; 3]), (0x80, &[b'c'; 65_536])];
    let bytes = frames.map(|(b0, payload)| frame(b0, KEY, payload)).concat();
    send_in_pieces(&echo, &mut client, &bytes, 7_777);
    for (b0, payload) in frames {
        assert_eq!(client.frame(), Frame { b0, key: None, payload: payload.into() });
    }
}

#[test]
fn a_longer_frame_comes_back_in_fragments_of_16_kib_or_more() {
    let check = |arguments: &[&str], len: usize, piece: usize| {
        let echo = Echo::start(arguments);
        let mut client = echo.open();
        let payload: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
        send_in_pieces(&echo, &mut client, &frame(0x82, KEY, &payload), piece);
        let mut came = Vec::new();
        for n in 0.. {
            let Frame { b0, payload, .. } = client.frame();
            assert_eq!(b0 & 0x7f, if n == 0 { 0x02 } else { 0x00 });
            came.extend_from_slice(&payload);
            if b0 & 0x80 != 0 {
                assert!(n > 0, "{len} bytes in one frame");
                break;
            }
            assert!(payload.len() >= 16 * 1024, "a fragment of {} bytes", payload.len());
        }
        assert!(came == payload);
    };
    check(&[], 65_537, 1460);
    check(&[], 300_000, 10_000);
    check(&["--whole", "0"], 20_000, 1460);
}

#[test]
fn a_text_that_is_held_fails_at_its_first_impossible_byte() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    let mut text = vec![b'a'; 60_000];
    text[9_999] = 0xff;
    client.send(&frame(0x81, KEY, &text)[..10_008]);
    assert_eq!(client.closed(), (1007, String::new()));
}

#[test]
fn without_memory_for_it_a_frame_is_sent_back_as_it_comes() {
    let echo = Echo::start(&["--backlog-total", "0"]);
    let mut client = echo.open();
    let bytes = frame(0x82, KEY, &[9; 3000]);
    client.send(&bytes[..1008]);
    assert_eq!(client.frame(), Frame { b0: 0x02, key: None, payload: vec![9; 1000] });
    client.send(&bytes[1008..]);
    assert_eq!(client.frame(), Frame { b0: 0x80, key: None, payload: vec![9; 2000] });
}

#[test]
fn what_was_held_for_a_client_that_is_lost_is_given_back() {
    let echo = Echo::start(&["--backlog-total", "100000"]);
    for _ in 0..20 {
        let mut client = echo.open();
        client.send(&frame(0x82, KEY, &[9; 30_000])[..20_000]);
        echo.open().echo(b"it was read");
        client.reset();
    }
    echo.nth_line(20, |line| line.contains("Connection reset"));
    let mut client = echo.open();
    send_in_pieces(&echo, &mut client, &frame(0x82, KEY, &[9; 30_000]), 10_000);
    let came = client.frame();
    assert_eq!((came.b0, came.payload.len()), (0x82, 30_000));
}

#[test]
fn a_client_may_send_everything_before_it_reads() {
    let echo = Echo::start(&[]);
    for mib in [16, 64] {
        let mut client = echo.open();
        let payload = vec![mib as u8; mib << 20];
        client.send(&frame(0x82, KEY, &payload));
        let (opcode, came) = client.try_message().unwrap();
        assert!((opcode, came.len()) == (2, payload.len()) && came == payload, "{mib} MiB");
        client.echo(b"still here");
    }
}

#[test]
fn clients_that_read_nothing_share_a_bounded_memory_which_returns() {
    let echo = Echo::start(&["--backlog-total", "16000000", "--backlog", "4000000", "--write-timeout", "0"]);
    let mut other = echo.open();
    let before = echo.memory_kib("RssAnon");
    let bytes = frame(0x82, KEY, &[0; 60_000]);
    let mut clients = Vec::new();
    for _ in 0..40 {
        let mut client = Raw::connect_narrow(echo.address());
        client.upgrade();
        client.set_timeout(Duration::from_millis(200));
        while client.try_send(&bytes).is_ok() {}
        other.echo(b"is served");
        clients.push(client);
    }
    // The total, one small read of each, and some slack.
    let most = before + 16_000 + 40 * 32 + 2_000;
    let used = echo.memory_kib("RssAnon");
    assert!(used <= most, "{used} KiB, at most {most}");
    assert!(used >= before + 10_000, "{used} KiB, {before} before");
    drop(clients);
    wait_until("the memory returns", || (echo.memory_kib("RssAnon") <= before + 3_000).then_some(()));
    other.echo(b"is served");
}
