//! A session with a ring in `rx` agrees by itself, and its program sees nothing of it.

use microws::deflate::{Deflater, Inflater, Params};
use microws::io::StreamError;
use microws::io::blocking::{ByteStream, WebSocket};
use microws::{
    Buffer, CloseCode, Config, End, Event, MessageKind, ProtocolError, SendError, Sent, Session, Step,
};
use microws_tests::wire::{Stalls, Wire};
use microws_tests::zlib::{Compressor, inflate};
use microws_tests::{Cuts, buffer, frame, frames, messages};

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

fn reading(i: usize) -> Vec<u8> {
    format!("{{\"sensor\":\"temp-1\",\"value\":2{i}.5,\"unit\":\"C\"}}").repeat(12).into_bytes()
}

/// The script of a client that compresses.
fn script() -> Vec<u8> {
    let mut zlib = Compressor::new(6, 9, zlib_rs::Strategy::Default);
    let mut input = REQUEST.as_bytes().to_vec();
    for i in 0..4 {
        zlib.reset();
        input.extend(frame(0xc1, Some([1, 2, 3, 4]), &zlib.message(&reading(i))));
    }
    input.extend(frame(0x88, Some([5, 6, 7, 8]), b"\x03\xe8"));
    input
}

#[test]
fn the_blocking_echo_compresses_both_ways_whatever_the_cuts() {
    for reads in [Cuts::Whole, Cuts::Every(1), Cuts::random(5, 40)] {
        let wire = Wire::new(&script(), reads, Cuts::random(6, 30), Stalls::Never);
        let (mut inflater, mut ring, mut table) = (Inflater::new(), [0; 512], [0; 256]);
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut a, mut b) = ([0; 256], [0; 256]);
        let rx = Buffer::new(&mut a).inflating(&mut inflater, &mut ring);
        let config = Config::new();
        let mut socket = WebSocket::new(wire.clone(), rx, Buffer::new(&mut b), Session::server(&config));
        let (mut message, mut saved) = (Vec::new(), 0);
        while let Some((event, reply)) = socket.recv().unwrap() {
            if let Event::Chunk(c) = event {
                message.extend_from_slice(c.payload);
                if c.fin {
                    reply.send_compressed(&mut deflater, c.kind, &message).unwrap();
                    saved += deflater.saved();
                    message.clear();
                }
            }
        }
        assert!(socket.session().agreed().is_some());
        let output = wire.output();
        let end = output.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
        let head = std::str::from_utf8(&output[..end]).unwrap();
        assert!(head.contains(
            "\r\nSec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; \
             client_max_window_bits=9\r\n"
        ));
        let mut sent = messages(&frames(&output[end..]));
        assert_eq!(sent.pop(), Some((0x88, b"\x03\xe8".to_vec())));
        let plain: Vec<_> =
            sent.iter().map(|(b0, payload)| (*b0, inflate(payload, 15, 10_000).unwrap())).collect();
        assert_eq!(plain, (0..4).map(|i| (0xc1, reading(i))).collect::<Vec<_>>());
        assert_eq!(saved, (0..4).map(|i| reading(i).len() - sent[i].1.len()).sum::<usize>());
    }
}

/// Sends `message` over a `tx` of 139 bytes; the frames.
fn send(message: &[u8]) -> (Vec<microws_tests::Frame>, usize) {
    let config = Config::new();
    let agreed = crate::receiving::agreed();
    let mut session = Session::upgraded(&config, microws::Server).agree(Some(agreed));
    let mut table = [0; 256];
    let mut deflater = Deflater::new(&mut table).unwrap();
    let (mut tx, mut output) = (buffer(139), Vec::new());
    while session.send_compressed(&mut tx, &mut deflater, MessageKind::Binary, message).unwrap()
        == Sent::Write
    {
        output.extend(tx.filled());
        tx.consume(usize::MAX);
    }
    output.extend(tx.filled());
    (frames(&output), deflater.saved())
}

#[test]
fn a_message_larger_than_tx_goes_out_in_fragments_of_the_shorter_form() {
    let plain: Vec<u8> = (0..200).flat_map(|i: u32| format!("{} and ", i * i).into_bytes()).collect();
    let (sent, saved) = send(&plain);
    assert!(sent.len() > 3 && sent[0].b0 == 0x42 && sent.last().unwrap().b0 == 0x80);
    let [(0x82 | 0xc2, payload)] = &messages(&sent)[..] else { panic!("{sent:?}") };
    assert_eq!(inflate(payload, 15, plain.len()).as_ref(), Some(&plain));
    assert_eq!(saved, plain.len() - payload.len());
    // What is no shorter goes plain.
    let mut rng = fastrand::Rng::with_seed(1);
    let noise: Vec<u8> = (0..1000).map(|_| rng.u8(..)).collect();
    let (sent, saved) = send(&noise);
    assert_eq!((messages(&sent), saved), (vec![(0x82, noise)], 0));
}

#[test]
fn a_session_without_a_ring_declines() {
    let config = Config::new();
    let mut session = Session::server(&config);
    let (mut rx, mut tx) = (buffer(512), buffer(512));
    assert!(rx.push(REQUEST.as_bytes()));
    while session.receive(&mut rx, &mut tx) != Step::Event(Event::Open) {}
    assert_eq!(session.agreed(), None);
    assert!(!tx.filled().windows(9).any(|w| w == b"extension" || w == b"Extension"));
}

#[test]
fn a_client_with_a_ring_offers_by_itself_through_256_bytes() {
    let config = Config::new().request("h", "/");
    let (mut inflater, mut ring) = (Inflater::new(), [0; 1000]);
    let mut a = [0; 256];
    let mut rx = Buffer::new(&mut a).inflating(&mut inflater, &mut ring);
    let (mut tx, mut output) = (buffer(256), Vec::new());
    let mut session = Session::client(&config, |bytes: &mut [u8]| match bytes.len() {
        16 => bytes.copy_from_slice(b"the sample nonce"),
        _ => bytes.fill(9),
    });
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate; \
        server_no_context_takeover; server_max_window_bits=9\r\n\r\n";
    let mut input = answer.as_bytes().to_vec();
    input.extend(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    let mut input = &input[..];
    let text = loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(c)) => break c.payload.to_vec(),
            Step::Event(_) => {}
            Step::Read => {
                let n = input.len().min(rx.free()).min(20);
                assert!(rx.push(&input[..n]));
                input = &input[n..];
            }
            Step::Write => {}
            other => panic!("{other:?}"),
        }
        output.extend(tx.filled());
        tx.consume(usize::MAX);
    };
    assert_eq!(text, b"Hello");
    let agreed = session.agreed().unwrap();
    assert_eq!((agreed.receive_window_bits(), agreed.keeps_peers_context()), (9, false));
    let head = std::str::from_utf8(&output).unwrap();
    assert_eq!(head.matches("Sec-WebSocket-Extensions: ").count(), 1);
    assert_eq!(head.matches("permessage-deflate; ").count(), 2);
    assert!(head.contains("server_max_window_bits=9;"), "a ring of 1000 bytes holds 512");
}

/// A server with an engine of its own and memory for contexts, at the end of the request's head.
fn at_head_end<'c>(
    config: &'c Config<'c>,
) -> (Session<'c, microws::Server>, Buffer<'static>, Buffer<'static>) {
    let mut session = Session::server(config);
    let (mut rx, mut tx) = (buffer(512), buffer(512));
    assert!(rx.push(REQUEST.as_bytes()));
    while session.receive(&mut rx, &mut tx) != Step::Event(Event::HeadEnd) {}
    (session, rx, tx)
}

#[test]
fn a_server_without_memory_for_contexts_agrees_to_none_at_the_heads_end() {
    let keeps = Params::new().keep_own_context(true).keep_peers_context(true);
    for (forgets, tells) in [(false, false), (false, true), (true, false), (true, true)] {
        let config = Config::new().deflate(keeps.tell_no_context(tells));
        let (mut session, mut rx, mut tx) = at_head_end(&config);
        if forgets {
            session.forget_contexts();
        }
        let offered = session.offered().unwrap();
        let kept = (offered.keeps_own_context(), offered.keeps_peers_context());
        assert_eq!(kept, (!forgets, !forgets));
        assert_eq!(session.receive(&mut rx, &mut tx), Step::Event(Event::Open));
        assert_eq!(session.agreed(), Some(offered));
        let head = std::str::from_utf8(tx.filled()).unwrap();
        let answer = match (forgets, tells) {
            (false, _) => "",
            (true, false) => "; client_no_context_takeover",
            (true, true) => "; server_no_context_takeover; client_no_context_takeover",
        };
        assert!(head.contains(&format!("Extensions: permessage-deflate{answer}\r\n")), "{head}");
    }
}

#[test]
fn a_program_with_an_engine_of_its_own_fails_the_connection_as_a_session_would() {
    let config = Config::new().deflate(Params::new()).max_message_len(3);
    for (error, code) in [
        (ProtocolError::InvalidDeflate, 1007u16),
        (ProtocolError::InvalidUtf8, 1007),
        (ProtocolError::MessageTooBig, 1009),
    ] {
        let (mut session, mut rx, mut tx) = at_head_end(&config);
        // Without effect: there is no connection.
        session.fail(error);
        assert_eq!(session.receive(&mut rx, &mut tx), Step::Event(Event::Open));
        tx.consume(usize::MAX);
        // Longer than the longest message, but its inflated length is the program's to judge.
        assert!(rx.push(&frame(0xc1, Some([1, 2, 3, 4]), b"\xf2\x48\xcd\xc9\xc9\x07\x00")));
        let Step::Event(Event::Chunk(chunk)) = session.receive(&mut rx, &mut tx) else { panic!("no chunk") };
        assert!(chunk.compressed && chunk.fin);
        session.fail(error);
        // Only the first reason counts, and nothing that follows is received.
        session.fail(ProtocolError::TooManyFragments);
        assert!(rx.push(&frame(0x81, Some([1, 2, 3, 4]), b"abc")));
        assert_eq!(session.receive(&mut rx, &mut tx), Step::Write);
        assert_eq!(tx.filled(), [&[0x88, 2][..], &code.to_be_bytes()].concat());
        tx.consume(usize::MAX);
        assert_eq!(session.receive(&mut rx, &mut tx), Step::Shutdown);
        session.commit(&mut rx, 0);
        assert_eq!(session.receive(&mut rx, &mut tx), Step::End(End::Failed(error)));
    }
}

/// "Hello" in two fragments, as RFC 7692 section 7.2.3.1 prints them.
#[test]
fn what_the_programs_own_engine_made_goes_out_as_it_is() {
    let config = Config::new();
    let open = || Session::upgraded(&config, microws::Server).agree(Some(crate::receiving::agreed()));
    let (mut session, mut tx) = (open(), buffer(139));
    session.send_deflated(&mut tx, MessageKind::Text, b"\xf2\x48\xcd", false).unwrap();
    session.send_deflated(&mut tx, MessageKind::Text, b"\xc9\xc9\x07\x00", true).unwrap();
    assert_eq!(tx.filled(), b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00");
    tx.consume(usize::MAX);
    // The header alone, of what a program writes from where it stands.
    session.send_deflated_header(&mut tx, MessageKind::Binary, 0x0100, false).unwrap();
    session.send_deflated_header(&mut tx, MessageKind::Binary, 7, true).unwrap();
    assert_eq!(tx.filled(), b"\x42\x7e\x01\x00\x80\x07");
    // What does not fit leaves nothing behind.
    let full = session.send_deflated(&mut tx, MessageKind::Text, &[0; 132], true);
    assert_eq!((full, tx.filled().len()), (Err(SendError::BufferFull), 6));
    tx.consume(usize::MAX);
    assert_eq!(session.close(&mut tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
    assert_eq!(session.send_deflated(&mut tx, MessageKind::Text, b"\0", true), Err(SendError::Closed));
    assert_eq!(session.send_deflated_header(&mut tx, MessageKind::Text, 1, true), Err(SendError::Closed));
}

#[test]
fn what_the_programs_own_engine_made_waits_for_the_opening_and_for_the_message_before() {
    let config = Config::new();
    let refusals = |session: &mut Session<'_, _>, tx: &mut Buffer<'_>| {
        (
            session.send_deflated(tx, MessageKind::Text, b"\0", true),
            session.send_deflated_header(tx, MessageKind::Text, 1, true),
        )
    };
    let (mut session, mut rx, mut tx) = at_head_end(&config);
    assert_eq!(refusals(&mut session, &mut tx), (Err(SendError::NotNow), Err(SendError::NotNow)));
    // No ring, and no offer that the program asked for.
    assert_eq!(session.receive(&mut rx, &mut tx), Step::Event(Event::Open));
    let none = Err(SendError::NotNegotiated);
    assert_eq!(refusals(&mut session, &mut tx), (none, none));
    let config = Config::new().deflate(Params::new());
    let (mut session, mut rx, mut tx) = at_head_end(&config);
    assert_eq!(session.receive(&mut rx, &mut tx), Step::Event(Event::Open));
    tx.consume(usize::MAX);
    // A message that goes out in parts, each as long as `tx`.
    assert_eq!(session.send(&mut tx, MessageKind::Binary, &[7; 600]), Ok(Sent::Write));
    let busy = Err(SendError::MessageInProgress);
    assert_eq!(refusals(&mut session, &mut tx), (busy, busy));
    tx.consume(usize::MAX);
    assert_eq!(session.send(&mut tx, MessageKind::Binary, &[7; 600]), Ok(Sent::Done));
    assert_eq!(session.send_deflated(&mut tx, MessageKind::Text, b"\0", true), Ok(()));
    assert!(tx.filled().ends_with(b"\xc1\x01\x00"));
}

#[test]
fn a_byte_stream_reads_what_was_inflated_in_any_pieces() {
    let mut zlib = Compressor::new(6, 9, zlib_rs::Strategy::Default);
    let mut input = REQUEST.as_bytes().to_vec();
    let mut plain = Vec::new();
    for i in 0..4 {
        zlib.reset();
        input.extend(frame(0xc2, Some([1, 2, 3, 4]), &zlib.message(&reading(i))));
        input.extend(frame(0x89, Some([1, 2, 3, 4]), b"?"));
        plain.extend(reading(i));
    }
    input.extend(frame(0x88, Some([5, 6, 7, 8]), b"\x03\xe8"));
    for size in [1, 7, 100, 5_000] {
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::random(5, 40)] {
            let wire = Wire::new(&input, reads, Cuts::random(6, 30), Stalls::Never);
            let (mut inflater, mut ring) = (Inflater::new(), [0; 512]);
            let (mut a, mut b) = ([0; 256], [0; 256]);
            let rx = Buffer::new(&mut a).inflating(&mut inflater, &mut ring);
            let config = Config::new();
            let mut socket = WebSocket::new(wire.clone(), rx, Buffer::new(&mut b), Session::server(&config));
            socket.open().unwrap();
            let mut stream = ByteStream::new(socket);
            let (mut all, mut buf) = (Vec::<u8>::new(), vec![0; size]);
            loop {
                match embedded_io::Read::read(&mut stream, &mut buf).unwrap() {
                    0 => break,
                    n => all.extend(&buf[..n]),
                }
                // What is written between stands in the other buffer.
                embedded_io::Write::write(&mut stream, b"x").unwrap();
            }
            assert!(all == plain);
        }
    }
}

#[test]
fn a_byte_stream_refuses_what_nobody_inflates() {
    let mut zlib = Compressor::new(6, 9, zlib_rs::Strategy::Default);
    let input = [REQUEST.as_bytes(), &frame(0xc2, Some([1, 2, 3, 4]), &zlib.message(&reading(0)))].concat();
    let wire = Wire::new(&input, Cuts::Whole, Cuts::Whole, Stalls::Never);
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let config = Config::new().deflate(microws::deflate::Params::new());
    let (rx, tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    let mut socket = WebSocket::new(wire.clone(), rx, tx, Session::server(&config));
    socket.open().unwrap();
    let mut stream = ByteStream::new(socket);
    let read = embedded_io::Read::read(&mut stream, &mut [0; 9]);
    assert_eq!(read, Err(StreamError::NotBinary));
    assert!(wire.output().ends_with(b"\x88\x02\x03\xeb"));
}
