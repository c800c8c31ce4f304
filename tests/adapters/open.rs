//! An open connection through the adapters: back-pressure, payloads larger than the buffers, limits.

use microws::io::{Error, nonblocking};
use microws::{Buffer, CloseCode, Event, MessageKind, SendError, State};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Cuts, frames};

use crate::scripts::Side;
use crate::styles::{LEAST, STYLES, Style, big, block};

#[test]
fn many_frames_in_one_read_are_answered_with_one_write_and_one_flush() {
    let input: Vec<u8> = Side::Server.incoming(&[(0x81, b"a"), (0x81, b"b"), (0x89, b"c"), (0x82, b"d")]);
    let answers = b"\x81\x01a\x81\x01b\x8a\x01c\x82\x01d";
    for style in STYLES {
        let wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
        wire.deliver(&input);
        let _ = style.run(Side::Server, &wire);
        assert!(wire.output().ends_with(answers));
        let ops = wire.ops();
        let mut expected = vec![Op::Write(answers.len()), Op::Flush, Op::Read(0)];
        expected.retain(|op| *op != Op::Flush || style != Style::NonBlockingTcp);
        assert!(ops.ends_with(&expected), "{ops:?}");
    }
}

/// A server's socket that is open, and its wire.
macro_rules! open {
    ($wire:ident, $socket:ident, $limits:expr) => {
        let $wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
        let (mut rx, mut tx) = ([0; LEAST], [0; LEAST]);
        let mut request =
            nonblocking::Accept::new($wire.clone(), Buffer::new(&mut rx), Buffer::new(&mut tx), &[]);
        let socket = block!(0, request.accept(&[])).unwrap();
        let mut $socket = socket.limits($limits);
    };
}

#[test]
fn what_the_peer_does_not_take_stops_the_reading() {
    open!(wire, socket, |connection| connection);
    let head = wire.output().len();
    wire.stall(Stalls::Writing(usize::MAX));
    let ping = Side::Server.incoming(&[(0x89, b"twelve bytes")]);
    for _ in 0..200 {
        wire.deliver(&ping);
    }
    let read = wire.read_so_far();
    let mut pings = 0;
    while socket.recv().is_ok() {
        pings += 1;
    }
    for _ in 0..10 {
        assert_eq!(socket.recv().err(), Some(nb::Error::WouldBlock));
    }
    // Behind one pong of 14 bytes there is no room for a whole one of 127: that is all.
    assert_eq!(pings, 1);
    assert!(wire.read_so_far() - read <= LEAST, "more was read than fits into rx");
    wire.stall(Stalls::Never);
    for _ in pings..200 {
        assert!(matches!(block!(0, socket.recv()), Ok((Event::Ping(b"twelve bytes"), _))));
    }
    block!(0, socket.sender().flush()).unwrap();
    assert_eq!(frames(&wire.output()[head..]).len(), 200);
}

#[test]
fn messages_are_received_amid_a_payload_that_does_not_fit() {
    open!(wire, socket, |connection| connection);
    let head = wire.output().len();
    wire.stall(Stalls::Often);
    let payload = big();
    let mut received = 0;
    loop {
        match socket.sender().send_binary(&payload) {
            Ok(()) => break,
            Err(nb::Error::WouldBlock) => {}
            Err(error) => panic!("{error:?}"),
        }
        // Another message can't begin; a ping goes between the fragments.
        let other = socket.sender().send_text("another");
        assert_eq!(other, Err(nb::Error::Other(SendError::MessageInProgress.into())));
        block!(0, socket.sender().ping(b"between")).unwrap();
        wire.deliver(&Side::Server.incoming(&[(0x81, b"hello")]));
        assert!(matches!(block!(0, socket.recv()), Ok((Event::Chunk(_), _))));
        received += 1;
    }
    assert!(received >= 2);
    block!(0, socket.sender().flush()).unwrap();
    let sent = frames(&wire.output()[head..]);
    let data: Vec<_> = sent.iter().filter(|frame| frame.b0 & 0x08 == 0).collect();
    assert_eq!(data.iter().map(|frame| frame.b0).collect::<Vec<_>>(), [0x02, 0x00, 0x80]);
    assert_eq!(data.iter().flat_map(|frame| frame.payload.clone()).collect::<Vec<_>>(), payload);
    assert_eq!(sent.iter().filter(|frame| frame.b0 == 0x89).count(), received);
}

#[test]
fn limits_reach_the_connection() {
    open!(wire, socket, |connection| connection.max_message_len(4).whole_up_to(4));
    let whole = Side::Server.incoming(&[(0x81, b"four")]);
    wire.deliver(&whole[..8]);
    assert_eq!(block!(0, socket.recv()).err(), Some(Error::Eof));
    wire.deliver(&whole[8..]);
    assert!(matches!(block!(0, socket.recv()), Ok((Event::Chunk(chunk), _)) if chunk.payload == b"four"));
    wire.deliver(&Side::Server.incoming(&[(0x81, b"five!")]));
    let error = block!(0, socket.recv()).err();
    assert_eq!(error, Some(Error::Protocol(microws::ProtocolError::MessageTooBig)));
    assert!(wire.output().ends_with(b"\x88\x02\x03\xf1"));
}

#[test]
fn a_payload_that_is_broken_off_goes_on_with_the_same_arguments_only() {
    open!(wire, socket, |connection| connection);
    wire.stall(Stalls::Writing(usize::MAX));
    let (payload, sender) = (big(), socket.sender());
    let kind = MessageKind::Binary;
    assert_eq!(sender.send_fragment(kind, &payload, false), Err(nb::Error::WouldBlock));
    let other = Err(nb::Error::Other(Error::Send(SendError::MessageInProgress)));
    assert_eq!(sender.send_fragment(MessageKind::Text, &payload, false), other);
    assert_eq!(sender.send_fragment(kind, &payload, true), other);
    assert_eq!(sender.send_fragment(kind, &payload[1..], false), other);
    assert_eq!(sender.send_binary(&payload), other);
    assert_eq!(sender.send_fragment(kind, &payload, false), Err(nb::Error::WouldBlock));
    wire.stall(Stalls::Never);
    block!(0, sender.send_fragment(kind, &payload, false)).unwrap();
    // The message is unfinished: no whole one can begin, of either kind.
    assert_eq!(sender.send_binary(b"whole"), other);
    assert_eq!(sender.send_text("whole"), other);
    assert_eq!(sender.send_fragment(MessageKind::Text, b"end", true), other);
    assert_eq!(sender.send_fragment(kind, b"end", true), Ok(()));
    assert_eq!(sender.send_text("next"), Ok(()));
}

#[test]
fn behind_a_close_frame_amid_a_payload_nothing_is_sent() {
    open!(wire, socket, |connection| connection);
    wire.stall(Stalls::Writing(usize::MAX));
    let payload = big();
    assert_eq!(socket.sender().send_binary(&payload), Err(nb::Error::WouldBlock));
    wire.stall(Stalls::Never);
    block!(0, socket.sender().close(CloseCode::GOING_AWAY, "")).unwrap();
    assert_eq!((socket.state(), socket.sender().state()), (State::Closing, State::Closing));
    let closed = Err(nb::Error::Other(Error::Send(SendError::Closed)));
    assert_eq!(socket.sender().send_binary(&payload), closed);
    assert_eq!(socket.sender().send_text("another"), closed);
    assert_eq!(socket.sender().ping(b""), closed);
    block!(0, socket.sender().flush()).unwrap();
    assert!(wire.output().ends_with(b"\x88\x02\x03\xe9"));
}

#[test]
fn what_is_queued_is_counted_until_it_is_written() {
    open!(wire, socket, |connection| connection);
    assert_eq!(socket.sender().queued(), 0);
    socket.sender().send_text("hi").unwrap();
    socket.sender().ping(b"").unwrap();
    assert_eq!(socket.sender().queued(), 6);
    assert!(wire.output().ends_with(b"\r\n\r\n"), "nothing is written before there is a reason");
    block!(0, socket.sender().flush()).unwrap();
    assert_eq!(socket.sender().queued(), 0);
    assert!(socket.stream().output().ends_with(b"\r\n\r\n\x81\x02hi\x89\x00"));
}

#[test]
fn what_was_written_to_make_room_is_flushed_when_there_is_nothing_more_to_receive() {
    open!(wire, socket, |connection| connection);
    let before = wire.ops().len();
    wire.deliver(&Side::Server.incoming(&[(0x81, b"a"), (0x89, b"b")]));
    assert!(matches!(block!(0, socket.recv()), Ok((Event::Chunk(_), _))));
    socket.sender().send_binary(&[7; 100]).unwrap();
    assert!(matches!(block!(0, socket.recv()), Ok((Event::Ping(b"b"), _))));
    assert_eq!(block!(0, socket.recv()).err(), Some(Error::Eof));
    let expected = [Op::Read(14), Op::Write(102), Op::Write(3), Op::Flush, Op::Read(0)];
    assert_eq!(wire.ops()[before..], expected);
}

#[test]
fn where_the_stream_takes_no_reply_any_more_nothing_is_read() {
    open!(wire, socket, |connection| connection);
    socket.sender().send_text("hi").unwrap();
    wire.stall(Stalls::FailingFrom(0));
    let before = wire.attempts();
    assert_eq!(socket.recv().err(), Some(nb::Error::Other(Error::Io(Broken::Reset))));
    assert_eq!(wire.attempts(), before + 1);
}
