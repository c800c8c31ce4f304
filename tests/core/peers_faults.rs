//! Faults that other WebSocket crates were found to have, each as a test that this one has not.

use microws::handshake::{ClientHandshake, KnownField};
use microws::http::HeadError;
use microws::{Config, Connection, Event, HandshakeError, MessageKind, ProtocolError, Step};
use microws_tests::handshake::Exchange;
use microws_tests::{ClientSide, Cuts, Drive, End, Seen, ServerSide, Side, buffer, in_both_roles};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

in_both_roles! {
    fn a_header_cut_by_the_transport_is_no_error<S: Side>() {
        let input = S::incoming(0x82, &[1; 70_000]);
        for cut in 1..14 {
            let run = Drive { reads: Cuts::At(cut), ..Drive::default() }.listen(&mut S::open(), &input);
            assert_eq!(run.events, [Seen::binary(&[1; 70_000])]);
        }
    }

    fn a_ping_cut_anywhere_gets_one_pong<S: Side>() {
        let input = S::incoming(0x89, b"payload");
        for cut in 1..input.len() {
            let run = Drive { reads: Cuts::At(cut), ..Drive::default() }.listen(&mut S::open(), &input);
            assert_eq!(S::sent(&run.output), [(0x8a, b"payload".to_vec())]);
        }
    }

    fn a_payload_of_65535_bytes_has_a_length_of_two_bytes<S: Side>() {
        let mut tx = buffer(65_535 + 14);
        S::open().send_binary(&mut tx, &[0; 65_535]).unwrap();
        assert_eq!((tx.filled()[1] & 0x7f, &tx.filled()[2..4]), (126, &b"\xff\xff"[..]));
    }

    fn a_pong_between_our_fragments_is_a_pong<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(300));
        connection.send_fragment(&mut tx, MessageKind::Text, b"a", false).unwrap();
        assert!(rx.push(&S::incoming(0x89, b"?")));
        assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Ping(_))));
        connection.send_fragment(&mut tx, MessageKind::Text, b"b", true).unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x01, b"a".to_vec()), (0x8a, b"?".to_vec()), (0x80, b"b".to_vec())]);
    }

    fn rsv_bits_and_fragmented_pings_do_not_pass<S: Side>() {
        for (b0, error) in [(0xc1, ProtocolError::ReservedBits), (0x09, ProtocolError::FragmentedControl)] {
            let run = Drive::default().listen(&mut S::open(), &S::incoming(b0, b""));
            assert_eq!((run.end, run.events), (End::Failed(error), vec![]));
        }
    }

    fn a_length_that_is_not_minimal_does_not_pass<S: Side>() {
        let input: &[u8] = if S::MASKS { b"\x82\x7e\x00\x05Hello" } else { b"\x82\xfe\x00\x05\0\0\0\0Hello" };
        let run = Drive::default().listen(&mut S::open(), input);
        assert_eq!((run.end, run.events), (End::Failed(ProtocolError::LengthNotMinimal), vec![]));
    }

    fn a_bad_frame_gets_a_close_frame_before_the_end<S: Side>() {
        let run = Drive::default().listen(&mut S::open(), &S::incoming(0x83, b""));
        assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xea".to_vec())]);
    }

    /// A receive that is given up and begun again, with a part of a frame in `rx` each time, is in step.
    fn a_receive_that_is_given_up_loses_nothing<S: Side>() {
        let input = S::script(&[(0x01, b"He"), (0x89, b"amid"), (0x80, b"llo"), (0x82, &[5; 200])]);
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(256), buffer(256));
        let mut events = Vec::new();
        for byte in &input {
            assert!(rx.push(&[*byte]));
            // Two that begin and don't get what they want, and perhaps one that does.
            for _ in 0..3 {
                match connection.receive(&mut rx, &mut tx) {
                    Step::Event(event) => Seen::of(&event).note(&mut events),
                    Step::Read | Step::Write => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(events, [
            Seen::part(MessageKind::Text, true, false, b"He"),
            Seen::Ping(b"amid".to_vec()),
            Seen::part(MessageKind::Text, false, true, b"llo"),
            Seen::binary(&[5; 200]),
        ]);
    }

    fn a_ping_between_fragments_is_no_fault<S: Side>() {
        let run = Drive::default().listen(&mut S::open(), &S::script(&[(0x01, b"a"), (0x89, b""), (0x80, b"b")]));
        assert_eq!((run.events.len(), run.end), (3, End::WantRead));
    }

    /// Header and payload leave together: what a transport is given is never half a frame.
    fn header_and_payload_are_written_together<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(300));
        connection.send_text(&mut tx, "one write").unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x81, b"one write".to_vec())]);
    }

    /// A message longer than the buffer is no error and needs no larger one.
    fn a_message_larger_than_the_buffer_passes<S: Side>() {
        let run = Drive { rx: 139, tx: 139, ..Drive::default() }
            .listen(&mut S::open(), &S::incoming(0x82, &[9; 5000]));
        assert_eq!(run.events, [Seen::binary(&[9; 5000])]);
    }

    /// To send does not wait for a receive: the connection is free while an event is held.
    fn an_event_can_be_answered_while_it_is_held<S: Side>() {
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(139));
        assert!(rx.push(&S::incoming(0x81, b"echo")));
        let Step::Event(Event::Chunk(chunk)) = connection.receive(&mut rx, &mut tx) else {
            panic!("no chunk");
        };
        connection.send(&mut tx, chunk.kind, chunk.payload).unwrap();
        assert_eq!(chunk.payload, b"echo");
        assert_eq!(S::sent(tx.filled()), [(0x81, b"echo".to_vec())]);
    }
}

#[test]
fn frames_that_come_with_the_101_are_not_lost() {
    let input = [RESPONSE, b"\x81\x02hi\x89\x00"].concat();
    let outcome = Exchange::default().connect(Config::new().request("h", "/"), &input);
    let run = Drive::default().listen(&mut ClientSide::open(), &outcome.after);
    assert_eq!(run.events, [Seen::text("hi"), Seen::Ping(vec![])]);
}

#[test]
fn frames_that_come_with_the_request_are_not_lost() {
    let input = [REQUEST.as_bytes(), &ServerSide::incoming(0x81, b"hi")].concat();
    let outcome = Exchange::default().serve(&[], &input);
    let run = Drive::default().listen(&mut ServerSide::open(), &outcome.after);
    assert_eq!(run.events, [Seen::text("hi")]);
}

#[test]
fn a_long_subprotocol_is_an_error_and_no_panic() {
    for len in [100, 1000, 20_000] {
        let name = "p".repeat(len);
        let request = REQUEST.replace("\r\n\r\n", &format!("\r\nSec-WebSocket-Protocol: {name}\r\n\r\n"));
        for rx in [139, 512, 4096] {
            let outcome = Exchange { rx, ..Exchange::default() }.serve(&["chat"], request.as_bytes());
            assert!(
                matches!(
                    outcome.verdict,
                    Ok(None)
                        | Err(HandshakeError::FieldTooLong(KnownField::Protocol)
                            | HandshakeError::Head(HeadError::HeadTooLong))
                ),
                "{:?}",
                outcome.verdict
            );
            let response =
                [&RESPONSE[..RESPONSE.len() - 2], b"Sec-WebSocket-Protocol: ", name.as_bytes(), b"\r\n\r\n"];
            let outcome = Exchange { rx, ..Exchange::default() }
                .connect(Config::new().request("h", "/"), &response.concat());
            assert!(outcome.verdict.is_err());
        }
    }
}

#[test]
fn a_long_key_is_an_error_and_no_panic() {
    let request = REQUEST.replace("dGhl", &"dGhl".repeat(500));
    let outcome = Exchange::default().serve(&[], request.as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Invalid(KnownField::Key)));
    let outcome = Exchange { rx: 256, ..Exchange::default() }.serve(&[], request.as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::FieldTooLong(KnownField::Key)));
}

#[test]
fn a_long_subprotocol_of_ours_is_an_error_and_no_panic() {
    let name = "p".repeat(500);
    let offers = [name.as_str()];
    let config = Config::new().request("h", "/").subprotocols(&offers);
    let mut handshake = ClientHandshake::new(&config, [0; 16]);
    let mut tx = buffer(256);
    let error = loop {
        match handshake.send(&mut tx) {
            Ok(done) => assert!(!done),
            Err(error) => break error,
        }
        tx.consume(256);
    };
    assert_eq!(error, microws::SendError::BufferFull);
}

#[test]
fn an_unmasked_frame_from_a_client_does_not_pass() {
    let run = Drive::default().listen(&mut Connection::server(), b"\x81\x05Hello");
    assert_eq!((run.end, run.events), (End::Failed(ProtocolError::MaskMissing), vec![]));
}

#[test]
fn a_request_without_key_or_version_does_not_pass() {
    for (line, field) in [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", KnownField::Key),
        ("Sec-WebSocket-Version: 13\r\n", KnownField::Version),
    ] {
        let outcome = Exchange::default().serve(&[], REQUEST.replace(line, "").as_bytes());
        assert_eq!(outcome.verdict, Err(HandshakeError::Missing(field)));
    }
}

#[test]
fn firefox_and_its_keep_alive_are_welcome() {
    assert!(REQUEST.contains("Connection: keep-alive, Upgrade"));
    assert_eq!(Exchange::default().serve(&[], REQUEST.as_bytes()).verdict, Ok(None));
}

/// A connection is its state, not its buffers.
#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection<microws::Server>>() <= 64);
}
