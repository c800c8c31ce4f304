//! `Prepared`: a message that is encoded once and sent to many.

use microws::io::{asynch, blocking, polled};
use microws::{CloseCode, Config, MessageKind, Prepared, SendError, Sent, Server, Session};
use microws_tests::wire::{Stalls, Wire};
use microws_tests::{Cuts, buffer, frames};

use crate::by_hand::{ByHand, config, masked};
use crate::scripts::LEAST;
use crate::styles::at_once;

#[test]
fn the_frame_is_what_a_server_sends_of_that_message() {
    for len in [0, 1, 124, 125, 126, 127, 200] {
        let payload: Vec<u8> = (0..len).map(|i| i as u8).collect();
        for kind in [MessageKind::Text, MessageKind::Binary] {
            let mut server = ByHand::open(Config::new());
            assert_eq!(server.session.send(&mut server.tx, kind, &payload), Ok(Sent::Done));
            let frame = server.take();
            let mut storage = [7; 204];
            let prepared = Prepared::new(&mut storage, kind, &payload).unwrap();
            assert_eq!(prepared.frame(), frame);
            assert_eq!((prepared.kind(), prepared.payload()), (kind, &payload[..]));
            let mut storage = [7; 204];
            let built = Prepared::with(&mut storage, kind, |room| {
                room[..len].copy_from_slice(&payload);
                len
            });
            assert_eq!(built.unwrap().frame(), frame);
        }
    }
    let mut storage = [7; 70_010];
    let long = Prepared::new(&mut storage, MessageKind::Binary, &[7; 70_000]).unwrap();
    assert!(long.frame().starts_with(b"\x82\x7f\0\0\0\0\0\x01\x11\x70\x07"));
}

#[test]
fn a_message_without_room_is_none() {
    let new = |len: usize, payload: &[u8]| {
        Prepared::new(&mut vec![0; len], MessageKind::Text, payload).map(|message| message.frame().to_vec())
    };
    assert_eq!(new(6, b"12345"), None);
    assert_eq!(new(7, b"12345"), Some(b"\x81\x0512345".to_vec()));
    assert_eq!(new(2, b""), Some(b"\x81\x00".to_vec()));
    assert_eq!(new(1, b""), None);
    assert_eq!(new(0, b""), None);
    // More than there is counts as all.
    let mut storage = [0; 4];
    let message = Prepared::with(&mut storage, MessageKind::Binary, |_| 9).unwrap();
    assert_eq!(message.frame(), b"\x82\x02\0\0");
}

#[test]
fn one_message_goes_to_many_connections() {
    let mut storage = [0; 16];
    let reading = Prepared::new(&mut storage, MessageKind::Text, b"21.5").unwrap();
    let mut viewers: Vec<_> = (0..20).map(|_| ByHand::open(Config::new())).collect();
    for viewer in &mut viewers {
        assert_eq!(viewer.session.send_prepared(&mut viewer.tx, &reading), Ok(Sent::Done));
        assert_eq!(viewer.take(), b"\x81\x0421.5");
    }
}

#[test]
fn a_connection_without_room_takes_it_later_and_whole() {
    let mut storage = [0; 64];
    let reading = Prepared::new(&mut storage, MessageKind::Binary, &[7; 60]).unwrap();
    let mut server = ByHand::open(Config::new());
    let mut sent = 0;
    while server.session.send_prepared(&mut server.tx, &reading) == Ok(Sent::Done) {
        sent += 1;
    }
    assert_eq!((sent, server.tx.len()), (4, 4 * 62));
    server.tx.consume(62);
    assert_eq!(server.session.send_prepared(&mut server.tx, &reading), Ok(Sent::Done));
    assert_eq!(server.take(), reading.frame().repeat(4));
}

#[test]
fn one_larger_than_tx_goes_out_in_fragments() {
    let payload: Vec<u8> = (0..=255).cycle().take(700).collect();
    let mut storage = [0; 704];
    let long = Prepared::new(&mut storage, MessageKind::Binary, &payload).unwrap();
    let mut server = ByHand::open(Config::new());
    let mut output = Vec::new();
    while server.session.send_prepared(&mut server.tx, &long).unwrap() == Sent::Write {
        output.extend(server.take());
        // No other message comes between.
        let mut storage = [0; 16];
        let other = Prepared::new(&mut storage, MessageKind::Text, b"other").unwrap();
        let error = server.session.send_prepared(&mut server.tx, &other);
        assert_eq!(error, Err(SendError::MessageInProgress));
    }
    output.extend(server.take());
    let frames = frames(&output);
    assert!(frames.len() > 1);
    assert_eq!(frames.into_iter().flat_map(|frame| frame.payload).collect::<Vec<_>>(), payload);
}

#[test]
fn it_is_sent_when_a_message_can_be_sent() {
    let mut storage = [0; 16];
    let reading = Prepared::new(&mut storage, MessageKind::Text, b"21.5").unwrap();
    let mut server = ByHand::server(Config::new());
    let error = server.session.send_prepared(&mut server.tx, &reading);
    assert_eq!(error, Err(SendError::NotNow));
    let mut server = ByHand::open(Config::new());
    assert_eq!(server.session.send_fragment(&mut server.tx, MessageKind::Text, b"a", false), Ok(Sent::Done));
    let error = server.session.send_prepared(&mut server.tx, &reading);
    assert_eq!(error, Err(SendError::MessageInProgress));
    assert_eq!(server.session.close(&mut server.tx, CloseCode::NORMAL, ""), Ok(Sent::Done));
    let error = server.session.send_prepared(&mut server.tx, &reading);
    assert_eq!(error, Err(SendError::Closed));
    assert_eq!(server.take(), b"\x01\x01a\x88\x02\x03\xe8");
}

#[test]
fn every_style_sends_it() {
    let mut storage = [0; 16];
    let reading = Prepared::new(&mut storage, MessageKind::Text, b"21.5").unwrap();
    let wire = || Wire::new(&masked(0x88, b""), Cuts::Whole, Cuts::Every(3), Stalls::Never);
    let session = || Session::upgraded(config(Config::new()), Server);
    let (one, two, mut three) = (wire(), wire(), wire());
    let mut socket = blocking::WebSocket::new(one.clone(), buffer(LEAST), buffer(LEAST), session());
    socket.sender().send_prepared(&reading).unwrap();
    while socket.recv().unwrap().is_some() {}
    let mut socket = asynch::WebSocket::new(two.clone(), buffer(LEAST), buffer(LEAST), session());
    at_once(socket.sender().send_prepared(&reading)).unwrap();
    while at_once(socket.recv()).unwrap().is_some() {}
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), session());
    assert_eq!(socket.sender().send_prepared(&reading), Ok(Sent::Done));
    while !matches!(socket.poll(&mut three, 0).unwrap(), microws::Step::End(_)) {}
    for wire in [one, two, three] {
        assert_eq!(wire.output(), b"\x81\x0421.5\x88\x00");
    }
}
