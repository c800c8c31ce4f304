//! Sending: payloads larger than `tx`, verbs that come at the wrong time, and that each is whole or nothing.

use microws::io::{Error, asynch, blocking};
use microws::{
    Buffer, Client, CloseCode, Config, Endpoint, Event, MessageKind, SendError, Sent, Session, State, Step,
    Upgraded,
};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Cuts, Frame, buffer, frames, messages};

use crate::by_hand::{ANSWER, ByHand, REQUEST, config, masked};
use crate::scripts::{LEAST, Random, Side, big, client, random, server};
use crate::styles::{STYLES, Style, at_once, drop_and_call_again};

const BINARY: MessageKind = MessageKind::Binary;
const TEXT: MessageKind = MessageKind::Text;

fn open_client() -> ByHand<Upgraded<Client<Random>>> {
    ByHand::new(Session::upgraded(config(Config::new()), Client(random as Random)), 256, LEAST)
}

fn open_server() -> ByHand<Upgraded<microws::Server>> {
    ByHand::new(Session::upgraded(config(Config::new()), microws::Server), 256, LEAST)
}

/// Sends through a stream that takes so many bytes at a time, and between the calls other frames.
fn send_all<R: Endpoint>(
    end: &mut ByHand<R>,
    payload: &[u8],
    at_a_time: usize,
    mut between: impl FnMut(&mut ByHand<R>),
) -> Vec<Frame> {
    let mut output = Vec::new();
    while end.session.send(&mut end.tx, BINARY, payload).unwrap() == Sent::Write {
        between(end);
        let n = at_a_time.min(end.tx.len());
        output.extend(&end.tx.filled()[..n]);
        end.tx.consume(n);
    }
    output.extend(end.take());
    frames(&output)
}

#[test]
fn a_payload_larger_than_tx_goes_in_the_same_fragments_however_fast_the_stream_is() {
    for len in [137, 138, 139, 200, 266, 267, 268, 400, 5000] {
        let payload: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
        let whole = send_all(&mut open_server(), &payload, usize::MAX, |_| {});
        for at_a_time in [1, 2, 3, 50, 138, 139] {
            assert_eq!(send_all(&mut open_server(), &payload, at_a_time, |_| {}), whole, "{len}");
        }
        assert_eq!(messages(&whole), [(0x82, payload.clone())]);
        // Each but the last is as long as tx.
        assert!(whole.iter().rev().skip(1).all(|frame| (130..=137).contains(&frame.payload.len())), "{len}");
        let masked = send_all(&mut open_client(), &payload, 3, |_| {});
        assert_eq!(masked, send_all(&mut open_client(), &payload, usize::MAX, |_| {}));
        assert!(masked.iter().all(|frame| frame.key == Some([0xa5, 0x5a, 0x0f, 0xf0])));
        assert_eq!(messages(&masked), [(0x82, payload)]);
    }
}

#[test]
fn pings_and_the_peers_frames_go_between_the_fragments() {
    let mut server = open_server();
    let mut pings = 0;
    let payload = big();
    let sent = send_all(&mut server, &payload, 70, |server| {
        // Of another message not a byte.
        let other = Err(SendError::MessageInProgress);
        assert_eq!(server.session.send_text(&mut server.tx, "another"), other);
        assert_eq!(server.session.send_fragment(&mut server.tx, BINARY, b"shorter", true), other);
        assert_eq!(
            server.session.send_header(&mut server.tx, BINARY, 3, true),
            Err(SendError::MessageInProgress)
        );
        let filled = server.session.send_with(&mut server.tx, BINARY, true, |_| panic!("called"));
        assert_eq!(filled, Err(SendError::MessageInProgress));
        if server.session.ping(&mut server.tx, b"between").unwrap() == Sent::Done {
            pings += 1;
        }
        server.feed(&masked(0x81, b"hello"));
        if !matches!(server.receive(), Step::Event(Event::Chunk(_))) {
            server.rx.consume(usize::MAX);
        }
    });
    assert!(pings >= 2);
    let data: Vec<_> = sent.iter().filter(|frame| frame.b0 & 0x08 == 0).cloned().collect();
    assert_eq!(data.iter().map(|frame| frame.b0).collect::<Vec<_>>(), [0x02, 0x00, 0x80]);
    assert_eq!(messages(&data), [(0x82, payload)]);
    assert_eq!(sent.iter().filter(|frame| frame.b0 == 0x89).count(), pings);
}

#[test]
fn a_message_that_is_unfinished_goes_on_in_its_own_kind_only() {
    let mut server = open_server();
    assert_eq!(server.session.send_fragment(&mut server.tx, BINARY, b"a", false), Ok(Sent::Done));
    let other = Err(SendError::MessageInProgress);
    assert_eq!(server.session.send_fragment(&mut server.tx, TEXT, b"b", true), other);
    assert_eq!(server.session.send(&mut server.tx, BINARY, b"whole"), other);
    assert_eq!(server.session.send_text(&mut server.tx, "whole"), other);
    assert_eq!(server.session.send_binary(&mut server.tx, b"whole"), other);
    assert_eq!(server.session.pong(&mut server.tx, b"!"), Ok(Sent::Done));
    assert_eq!(server.session.send_fragment(&mut server.tx, BINARY, b"b", true), Ok(Sent::Done));
    assert_eq!(server.session.send_text(&mut server.tx, "c"), Ok(Sent::Done));
    assert_eq!(server.take(), b"\x02\x01a\x8a\x01!\x80\x01b\x81\x01c");
}

/// A large fragment is broken off by the size of `tx`, and its message goes on after it.
#[test]
fn a_large_fragment_does_not_end_its_message() {
    let mut server = open_server();
    let (payload, mut output) = (big(), Vec::new());
    for fin in [false, true] {
        while server.session.send_fragment(&mut server.tx, BINARY, &payload, fin).unwrap() == Sent::Write {
            output.extend(server.take());
        }
    }
    output.extend(server.take());
    assert_eq!(messages(&frames(&output)), [(0x82, [payload.clone(), payload].concat())]);
}

#[test]
fn after_a_close_frame_in_the_middle_of_a_payload_nothing_is_sent() {
    let mut server = open_server();
    let payload = big();
    assert_eq!(server.session.send_binary(&mut server.tx, &payload), Ok(Sent::Write));
    server.take();
    assert_eq!(server.session.close(&mut server.tx, CloseCode::GOING_AWAY, ""), Ok(Sent::Done));
    let closed = Err(SendError::Closed);
    assert_eq!(server.session.send_binary(&mut server.tx, &payload), closed);
    assert_eq!(server.session.send_fragment(&mut server.tx, BINARY, b"x", true), closed);
    assert_eq!(server.session.ping(&mut server.tx, b""), closed);
    assert_eq!(server.session.pong(&mut server.tx, b""), closed);
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), closed);
    assert_eq!(server.take(), b"\x88\x02\x03\xe9");
}

/// Every verb of a session that is not open.
fn check_verbs<R: Endpoint>(session: &mut Session<'_, R>, tx: &mut Buffer<'_>, error: SendError) {
    let before = tx.filled().to_vec();
    assert_eq!(session.send(tx, TEXT, b"x"), Err(error));
    assert_eq!(session.send_text(tx, "x"), Err(error));
    assert_eq!(session.send_binary(tx, &[7; 1000]), Err(error));
    assert_eq!(session.send_fragment(tx, TEXT, b"x", false), Err(error));
    assert_eq!(session.send_with(tx, TEXT, true, |_| panic!("called")), Err(error));
    assert_eq!(session.ping(tx, b"x"), Err(error));
    assert_eq!(session.pong(tx, b"x"), Err(error));
    assert_eq!(session.close(tx, CloseCode::NORMAL, "x"), Err(error));
    assert_eq!(tx.filled(), before);
}

#[test]
fn nothing_is_sent_before_the_connection_is_open() {
    let mut server = ByHand::server(Config::new());
    server.feed(REQUEST);
    loop {
        check_verbs(&mut server.session, &mut server.tx, SendError::NotNow);
        assert_eq!(server.session.send_header(&mut server.tx, BINARY, 3, true), Err(SendError::NotNow));
        if server.receive() == Step::Event(Event::Open) {
            break;
        }
    }
    // Now it may, before the answer has left.
    assert_eq!(server.session.send_text(&mut server.tx, "hi"), Ok(Sent::Done));
    assert_eq!(server.take(), [ANSWER, b"\x81\x02hi"].concat());
    let mut client = ByHand::new(client(), 512, 512);
    check_verbs(&mut client.session, &mut client.tx, SendError::NotNow);
    assert_eq!(client.receive(), Step::Read);
    check_verbs(&mut client.session, &mut client.tx, SendError::NotNow);
}

/// Between the 101 and `Event::Open` there is nothing to send on.
#[test]
fn nothing_is_sent_between_accept_and_open() {
    let mut server = ByHand::server(Config::new());
    server.feed(REQUEST);
    server.skip_head();
    assert_eq!(server.session.accept(&mut server.tx, &[]), Ok(Sent::Done));
    assert_eq!(server.session.state(), State::Connecting);
    check_verbs(&mut server.session, &mut server.tx, SendError::NotNow);
    assert_eq!(server.receive(), Step::Event(Event::Open));
}

#[test]
fn nothing_is_sent_after_the_end() {
    let mut server = ByHand::open(Config::new());
    server.feed(&masked(0x88, b""));
    assert_eq!(server.receive(), Step::Write);
    check_verbs(&mut server.session, &mut server.tx, SendError::Closed);
    server.take();
    assert!(matches!(server.receive(), Step::Event(Event::Close(_))));
    check_verbs(&mut server.session, &mut server.tx, SendError::Closed);
    let mut server = ByHand::server(Config::new());
    server.feed_end();
    assert!(matches!(server.receive(), Step::End(_)));
    check_verbs(&mut server.session, &mut server.tx, SendError::Closed);
}

#[test]
fn what_can_not_be_sent_at_all_changes_nothing() {
    let mut server = ByHand::open(Config::new());
    let long = "x".repeat(124);
    let too_long = Err(SendError::ControlTooLong);
    assert_eq!(server.session.ping(&mut server.tx, &[0; 126]), too_long);
    assert_eq!(server.session.pong(&mut server.tx, &[0; 126]), too_long);
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, &long), too_long);
    for code in [0, 999, 1004, 1006, 1015, 2999, 5000] {
        let refused = server.session.close(&mut server.tx, CloseCode(code), "");
        assert_eq!(refused, Err(SendError::InvalidCloseCode), "{code}");
    }
    let without_code = server.session.close(&mut server.tx, CloseCode::NO_STATUS, "why");
    assert_eq!(without_code, Err(SendError::InvalidCloseCode));
    assert_eq!((server.tx.len(), server.session.state()), (0, State::Open));
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NO_STATUS, ""), Ok(Sent::Done));
    assert_eq!(server.take(), b"\x88\x00");
}

#[test]
fn a_control_frame_without_room_waits_for_it_whole() {
    let mut server = open_server();
    assert_eq!(server.session.ping(&mut server.tx, &[1; 125]), Ok(Sent::Done));
    for _ in 0..3 {
        assert_eq!(server.session.ping(&mut server.tx, &[2; 125]), Ok(Sent::Write));
        assert_eq!(server.session.pong(&mut server.tx, &[2; 125]), Ok(Sent::Write));
        assert_eq!(
            server.session.close(&mut server.tx, CloseCode::NORMAL, &"x".repeat(123)),
            Ok(Sent::Write)
        );
        assert_eq!(server.tx.len(), 127);
    }
    assert_eq!(server.take().len(), 127);
    assert_eq!(server.session.ping(&mut server.tx, &[2; 125]), Ok(Sent::Done));
    assert_eq!(frames(&server.take())[0].payload, [2; 125]);
}

#[test]
fn a_payload_is_built_in_tx_itself() {
    for (mut output, key) in [(Vec::new(), None), (Vec::new(), Some([0xa5, 0x5a, 0x0f, 0xf0]))] {
        let fill = |space: &mut [u8]| {
            space[..3].copy_from_slice(b"abc");
            3
        };
        let mut server = open_server();
        let mut client = open_client();
        for (kind, fin) in [(TEXT, false), (TEXT, true), (BINARY, true)] {
            if key.is_none() {
                assert_eq!(server.session.send_with(&mut server.tx, kind, fin, fill), Ok(3));
                output.extend(server.take());
            } else {
                assert_eq!(client.session.send_with(&mut client.tx, kind, fin, fill), Ok(3));
                output.extend(client.take());
            }
        }
        let frame = |b0| Frame { b0, key, payload: b"abc".to_vec() };
        assert_eq!(frames(&output), [frame(0x01), frame(0x80), frame(0x82)]);
    }
    let mut server = open_server();
    assert!(server.tx.push(&[0; LEAST - 1]));
    let full = server.session.send_with(&mut server.tx, BINARY, true, |_| panic!("called"));
    assert_eq!(full, Err(SendError::BufferFull));
}

#[test]
fn a_servers_payload_need_not_be_copied() {
    let mut server = open_server();
    for (len, header) in
        [(3, &b"\x02\x03"[..]), (200, b"\x00\x7e\x00\xc8"), (70_000, b"\x00\x7f\0\0\0\0\0\x01\x11\x70")]
    {
        assert_eq!(server.session.send_header(&mut server.tx, BINARY, len, false), Ok(()));
        assert_eq!(server.take(), header);
    }
    assert_eq!(server.session.send_header(&mut server.tx, TEXT, 1, true), Err(SendError::MessageInProgress));
    assert_eq!(server.session.send_header(&mut server.tx, BINARY, 0, true), Ok(()));
    assert_eq!(server.take(), b"\x80\x00");
    assert!(server.tx.push(&[0; LEAST - 1]));
    assert_eq!(server.session.send_header(&mut server.tx, BINARY, 1, true), Err(SendError::BufferFull));
}

#[test]
fn queued_bytes_leave_with_recv_or_flush_and_are_counted_until_then() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Reading);
    let mut socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(200), server());
    socket.open().unwrap();
    let sender = socket.sender();
    assert_eq!(sender.queued(), ANSWER.len());
    sender.send_text("hi").unwrap();
    sender.ping(b"").unwrap();
    assert_eq!(sender.queued(), ANSWER.len() + 6);
    assert_eq!(wire.output(), b"");
    sender.flush().unwrap();
    assert_eq!(sender.queued(), 0);
    assert_eq!(wire.output(), [ANSWER, b"\x81\x02hi\x89\x00"].concat());
    // Nothing more to flush.
    sender.flush().unwrap();
    assert_eq!(wire.ops().iter().filter(|op| **op == Op::Flush).count(), 1);
    sender.close(CloseCode::NORMAL, "").unwrap();
    assert_eq!(socket.recv().err(), Some(Error::Io(Broken::TimedOut)));
    assert!(wire.output().ends_with(b"\x88\x02\x03\xe8"));
}

#[test]
fn many_frames_in_one_read_get_their_replies_in_one_write_and_one_flush() {
    let input = Side::Server.incoming(&[(0x81, b"a"), (0x81, b"b"), (0x89, b"c"), (0x82, b"d")]);
    let replies = b"\x81\x01a\x81\x01b\x8a\x01c\x82\x01d";
    for style in STYLES {
        let wire = Wire::new(&Side::Server.head(), Cuts::Whole, Cuts::Whole, Stalls::Never);
        wire.deliver(&input);
        let _ = style.run(Side::Server, &wire);
        let ops = wire.ops();
        let expected: &[Op] = match style {
            Style::ByHand => &[Op::Write(replies.len()), Op::Read(0)],
            _ => &[Op::Write(replies.len()), Op::Flush, Op::Read(0)],
        };
        assert!(wire.output().ends_with(replies) && ops.ends_with(expected), "{style:?} {ops:?}");
    }
}

#[test]
fn an_async_sender_that_is_dropped_goes_on_with_the_same_arguments() {
    for polls in [1, 2, usize::MAX] {
        let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Every(20), Stalls::Never);
        let mut socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server());
        at_once(socket.open()).unwrap();
        wire.stall(Stalls::Often);
        let payload = big();
        drop_and_call_again!(polls, socket.sender().send_binary(&payload)).unwrap();
        drop_and_call_again!(polls, socket.sender().send_text("after")).unwrap();
        drop_and_call_again!(polls, socket.sender().ping(&[7; 125])).unwrap();
        drop_and_call_again!(polls, socket.sender().close(CloseCode::NORMAL, "bye")).unwrap();
        drop_and_call_again!(polls, socket.sender().flush()).unwrap();
        let sent = messages(&frames(&wire.output()[ANSWER.len()..]));
        let bye = b"\x03\xe8bye".to_vec();
        let expected = [(0x82, payload), (0x81, b"after".to_vec()), (0x89, vec![7; 125]), (0x88, bye)];
        assert_eq!(sent, expected);
    }
}
