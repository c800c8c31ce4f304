//! Whole messages and the closing in one call, in every style.

use microws::io::{Error, asynch, blocking, polled};
use microws::{
    Chunk, CloseCode, Config, End, Message, MessageKind, SendError, Sent, Server, Session, Step, Whole,
};
use microws_tests::wire::{Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::by_hand::{ANSWER, ByHand, REQUEST, config, masked};
use crate::scripts::{LEAST, server};
use crate::styles::{drop_and_call_again, half_close, retry};

const CUTS: [Cuts; 4] = [Cuts::Whole, Cuts::Every(1), Cuts::Every(7), Cuts::Every(100)];

fn told(whole: Whole<'_>) -> String {
    match whole {
        Whole::Text(text) => text.to_owned(),
        Whole::Binary(bytes) => format!("{bytes:?}"),
        Whole::TooLong { len, .. } => format!("too long: {len}"),
        other => panic!("{other:?}"),
    }
}

/// A request, messages in fragments with a ping between, one that is too long, and `ending`.
fn input(ending: &[u8]) -> Vec<u8> {
    [
        REQUEST,
        &masked(0x01, b"fragm\xc3"),
        &masked(0x89, b"?"),
        &masked(0x80, b"\xa4nts"),
        &masked(0x82, &[7; 3]),
        &masked(0x82, &[7; 200]),
        &masked(0x81, b""),
        ending,
    ]
    .concat()
}

const MESSAGES: [&str; 4] = ["fragmänts", "[7, 7, 7]", "too long: 200", ""];

/// The same in each style: `$polls` of the async one.
macro_rules! whole_messages {
    ($adapter:ident, $call:ident, $polls:expr, $wire:expr) => {{
        let mut socket = $adapter::WebSocket::new($wire.clone(), buffer(LEAST), buffer(LEAST), server());
        let (mut message, mut all) = (Message::<16>::new(), Vec::new());
        while let Some(whole) = $call!($polls, socket.recv_message(&mut message)).unwrap() {
            all.push(told(whole));
        }
        (all, socket.session().end())
    }};
}

#[test]
fn whole_messages_come_in_one_call_and_the_end_is_none() {
    let input = input(&masked(0x88, b"\x03\xe9"));
    for cuts in CUTS {
        let wire = || Wire::new(&input, cuts.clone(), Cuts::Every(50), Stalls::Often);
        let mut runs = vec![whole_messages!(blocking, retry, 0, wire())];
        for polls in [1, 2, usize::MAX] {
            runs.push(whole_messages!(asynch, drop_and_call_again, polls, wire()));
        }
        let (mut stream, mut message, mut all) = (wire(), Message::<16>::new(), Vec::new());
        let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), server());
        let end = loop {
            match socket.poll_message(&mut stream, 0, &mut message).unwrap() {
                Step::Event(whole) => all.push(told(whole)),
                Step::End(end) => break Some(end),
                Step::Read | Step::Write => {}
                Step::Shutdown => panic!("told to the caller"),
            }
        };
        runs.push((all, end));
        for (all, end) in runs {
            assert_eq!(all, MESSAGES);
            assert_eq!(end, Some(End::Closed(CloseCode::GOING_AWAY)));
        }
    }
}

#[test]
fn a_session_gives_whole_messages_at_any_cut() {
    let input = input(b"");
    for n in 1..input.len() {
        let mut server = ByHand::new(Session::<Server>::server(config(Config::new())), 512, 512);
        let (mut message, mut all) = (Message::<16>::new(), Vec::new());
        for bytes in [&input[..n], &input[n..]] {
            for bytes in bytes.chunks(100) {
                server.feed(bytes);
                loop {
                    match server.session.receive_message(&mut server.rx, &mut server.tx, &mut message) {
                        Step::Event(whole) => all.push(told(whole)),
                        Step::Read => break,
                        Step::Write => assert!(!server.take().is_empty()),
                        other => panic!("{other:?}"),
                    }
                }
                server.take();
            }
        }
        assert_eq!(all, MESSAGES, "cut at {n}");
    }
}

#[test]
fn close_says_1000_without_a_reason_and_waits_for_the_peers_close_frame() {
    // What still comes is dropped.
    let late = [masked(0x81, b"late"), masked(0x88, b"\x03\xe8")].concat();
    let wire = || Wire::new(&[REQUEST, &late].concat(), Cuts::Every(60), Cuts::Every(50), Stalls::Often);
    macro_rules! close {
        ($adapter:ident, $call:ident, $polls:expr) => {{
            let wire = wire();
            let mut socket = $adapter::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server())
                .half_close(half_close);
            let early = $call!($polls, socket.close());
            assert_eq!(early, Err(Error::Send(SendError::NotNow)));
            $call!($polls, socket.open()).unwrap();
            assert_eq!($call!($polls, socket.close()), Ok(()));
            assert_eq!(socket.session().end(), Some(End::Closed(CloseCode::NORMAL)));
            // Nothing is left to do.
            assert_eq!($call!($polls, socket.close()), Ok(()));
            wire.output()
        }};
    }
    let mut outputs = vec![close!(blocking, retry, 0)];
    for polls in [1, 2, usize::MAX] {
        outputs.push(close!(asynch, drop_and_call_again, polls));
    }
    let wire = wire();
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST + 14), server());
    assert_eq!(socket.close(), Err(SendError::NotNow));
    while !matches!(socket.poll(&mut wire.clone(), 0).unwrap(), Step::Event((microws::Event::Open, _))) {}
    assert_eq!(socket.close(), Ok(Sent::Done));
    while !matches!(socket.poll(&mut wire.clone(), 0).unwrap(), Step::End(End::Closed(CloseCode::NORMAL))) {}
    outputs.push(wire.output());
    for output in outputs {
        assert_eq!(output, [ANSWER, b"\x88\x02\x03\xe8"].concat());
    }
}

#[test]
fn close_tells_of_a_peer_that_does_not_answer_it() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Never);
    let mut socket = blocking::WebSocket::new(wire, buffer(LEAST), buffer(LEAST), server());
    socket.open().unwrap();
    assert_eq!(socket.close(), Err(Error::End(End::Eof)));
}

#[test]
fn a_session_closes_normally() {
    let mut server = ByHand::open(Config::new());
    assert_eq!(server.session.close_normal(&mut server.tx), Ok(Sent::Done));
    assert_eq!(server.take(), b"\x88\x02\x03\xe8");
    assert_eq!(server.session.close_normal(&mut server.tx), Err(SendError::Closed));
}

#[test]
fn a_chunk_is_a_text_only_if_it_is_all_of_one() {
    let mut bytes = *b"on";
    for (kind, first, fin, text) in [
        (MessageKind::Text, true, true, Some("on")),
        (MessageKind::Text, true, false, None),
        (MessageKind::Text, false, true, None),
        (MessageKind::Text, false, false, None),
        (MessageKind::Binary, true, true, None),
    ] {
        assert_eq!(Chunk::new(kind, first, fin, &mut bytes).as_str(), text);
    }
    let mut compressed = Chunk::new(MessageKind::Text, true, true, &mut bytes);
    compressed.compressed = true;
    assert_eq!(compressed.as_str(), None);
    assert_eq!(Chunk::new(MessageKind::Text, true, true, &mut [0xff]).as_str(), None);
}
