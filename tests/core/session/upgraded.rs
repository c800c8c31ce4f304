//! Sessions on streams that are open already, sessions without the state of their opening, and the limits of a
//! [`Config`].

use microws::io::{asynch, polled};
use microws::{
    Client, CloseCode, Config, End, Event, MessageKind, ProtocolError, Sent, Server, Session, State, Step,
};
use microws_tests::wire::{Stalls, Wire};
use microws_tests::{Cuts, Seen, buffer, frame, frames};

use crate::by_hand::{ANSWER, ByHand, REQUEST, config, masked};
use crate::scripts::{LEAST, Random, Side, client, random};
use crate::styles::{STYLES, at_once};

#[test]
fn an_upgraded_session_is_open_from_the_start_and_takes_what_waits_in_rx() {
    let mut server = ByHand::open(Config::new());
    assert_eq!((server.session.state(), server.session.end()), (State::Open, None));
    assert!(server.rx.push(&masked(0x81, b"early")));
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == b"early"));
    assert_eq!(server.receive(), Step::Read);
    assert_eq!(server.session.send_text(&mut server.tx, "hi"), Ok(Sent::Done));
    assert_eq!(server.take(), b"\x81\x02hi");
}

/// The scripts without their heads, in every style.
#[test]
fn an_upgraded_session_does_what_the_other_does_after_its_opening() {
    for side in Side::BOTH {
        for script in side.scripts() {
            let input = &script.input[side.head().len()..];
            for style in STYLES {
                for reads in [Cuts::Whole, Cuts::Every(1), Cuts::Every(100)] {
                    let wire = Wire::new(input, reads, Cuts::Every(50), Stalls::Often);
                    let outcome = match side {
                        Side::Server => {
                            let session = Session::upgraded(config(Config::new()), Server);
                            style.run_session(session, &wire, LEAST + 14)
                        }
                        Side::Client => {
                            let role = Client(random as Random);
                            let session = Session::upgraded(config(Config::new()), role);
                            style.run_session(session, &wire, LEAST + 14)
                        }
                    };
                    assert_eq!(outcome.end, script.outcome.end);
                    assert_eq!(outcome.events, script.outcome.events);
                    // There is no event at which the program greets.
                    let sent = side.sent(&[side.own_head(), &wire.output()].concat());
                    assert_eq!(sent, script.sent[3..]);
                }
            }
        }
    }
}

#[test]
fn a_session_that_is_not_open_keeps_the_state_of_its_opening() {
    let mut server = ByHand::server(Config::new());
    server.feed(&REQUEST[..50]);
    assert_eq!(server.skip_events(), Step::Read);
    let session = server.session.into_upgraded().unwrap_err();
    let mut server = ByHand { session, rx: server.rx, tx: server.tx };
    server.feed(&REQUEST[50..]);
    while server.receive() != Step::Event(Event::Open) {}
    assert_eq!(server.take(), ANSWER);
    assert!(server.session.into_upgraded().is_ok());
}

#[test]
fn the_state_of_the_opening_is_dropped_in_the_middle_of_everything() {
    let payload: Vec<u8> = (0..=255).cycle().take(700).collect();
    let mut server = ByHand::new(Session::server(config(Config::new())), 256, LEAST);
    server.feed(REQUEST);
    while server.receive() != Step::Event(Event::Open) {}
    server.take();
    // In the middle of a text, of a frame, of a code point, and of a payload that goes.
    let text = masked(0x01, "a€b".as_bytes());
    server.feed(&text[..8]);
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == b"a\xe2"));
    assert_eq!(server.session.send_binary(&mut server.tx, &payload), Ok(Sent::Write));
    let mut output = server.take();
    assert_eq!(server.tick(0), Some(20_000));
    assert_eq!(server.tick(20_000), Some(20_000));
    output.extend(server.take());
    let session = server.session.into_upgraded().unwrap();
    let mut server = ByHand { session, rx: server.rx, tx: server.tx };
    assert_eq!(server.session.payload_left(), 3);
    server.feed(&text[8..]);
    let mut events = Vec::new();
    while let Step::Event(event) = server.receive() {
        Seen::of(&event).note(&mut events);
    }
    assert_eq!(events, [Seen::part(MessageKind::Text, false, false, b"\x82\xacb")]);
    while server.session.send_binary(&mut server.tx, &payload).unwrap() == Sent::Write {
        output.extend(server.take());
    }
    output.extend(server.take());
    let data = frames(&output).into_iter().filter(|frame| frame.b0 & 0x08 == 0);
    assert_eq!(data.flat_map(|frame| frame.payload).collect::<Vec<_>>(), payload);
    server.feed(&masked(0x80, b"\xff"));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x02\x03\xef");
    // And while it lingers.
    assert_eq!(server.receive(), Step::Shutdown);
    let session = server.session.into_upgraded().unwrap();
    let mut server = ByHand { session, rx: server.rx, tx: server.tx };
    assert_eq!(server.receive(), Step::Read);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Failed(ProtocolError::InvalidUtf8)));
}

#[test]
fn a_ping_before_and_its_pong_after_the_change_belong_together() {
    let mut client = ByHand::new(client(), 512, 512);
    assert_eq!(client.receive(), Step::Read);
    client.take();
    client.feed(&Side::Client.head());
    while client.receive() != Step::Event(Event::Open) {}
    assert_eq!(client.tick(0), Some(20_000));
    assert_eq!(client.tick(20_000), Some(20_000));
    assert_eq!(client.take(), b"\x89\x80\xa5\x5a\x0f\xf0");
    let session = client.session.into_upgraded().unwrap();
    let mut client = ByHand { session, rx: client.rx, tx: client.tx };
    assert_eq!(client.tick(39_999), Some(1));
    client.feed(&frame(0x8a, None, b""));
    assert_eq!(client.receive(), Step::Event(Event::Pong(b"")));
    assert_eq!(client.tick(39_999), Some(20_000));
}

#[test]
fn upgraded_sessions_work_in_the_adapters() {
    let input = [masked(0x89, b"?"), masked(0x88, b"\x03\xe8")].concat();
    let wire = || Wire::new(&input, Cuts::Every(1), Cuts::Every(1), Stalls::Never);
    let (one, two) = (wire(), wire());
    let session = || Session::upgraded(config(Config::new()), Server);
    let mut socket = asynch::WebSocket::new(one.clone(), buffer(LEAST), buffer(LEAST), session());
    at_once(socket.open()).unwrap();
    while at_once(socket.recv()).unwrap().is_some() {}
    let mut socket = polled::WebSocket::new(buffer(LEAST), buffer(LEAST), session());
    while !matches!(socket.poll(&mut two.clone(), 0).unwrap(), Step::End(End::Closed(CloseCode::NORMAL))) {}
    for wire in [one, two] {
        assert_eq!(wire.output(), b"\x8a\x01?\x88\x02\x03\xe8");
    }
}

#[test]
fn a_message_beyond_the_limit_is_told_before_its_payload_comes() {
    for (input, fits) in [
        (masked(0x82, b"four"), true),
        ([masked(0x02, b"tw"), masked(0x80, b"o!")].concat(), true),
        (masked(0x82, b"five!")[..6].to_vec(), false),
        ([masked(0x02, b"tw"), masked(0x80, b"oo!")[..6].to_vec()].concat(), false),
        (b"\x82\xff\0\0\0\0\0\x01\x00\x00\0\0\0\0".to_vec(), false),
    ] {
        let mut server = ByHand::open(Config::new().max_message_len(4));
        server.feed(&input);
        let step = server.skip_events();
        assert_eq!(step, if fits { Step::Read } else { Step::Write });
        assert_eq!(server.take(), if fits { &b""[..] } else { b"\x88\x02\x03\xf1" });
        if !fits {
            assert_eq!(server.receive(), Step::Shutdown);
            assert_eq!(server.session.end(), Some(End::Failed(ProtocolError::MessageTooBig)));
        }
    }
}

#[test]
fn a_message_in_more_frames_than_allowed_is_against_the_policy() {
    let mut server = ByHand::open(Config::new().max_fragments(2));
    for _ in 0..2 {
        server.feed(&[masked(0x01, b"a"), masked(0x89, b""), masked(0x80, b"b")].concat());
        assert_eq!(server.skip_events(), Step::Read);
    }
    server.take();
    server.feed(&[masked(0x01, b"a"), masked(0x00, b"b"), masked(0x80, b"c")].concat());
    assert_eq!(server.skip_events(), Step::Write);
    assert_eq!(server.take(), b"\x88\x02\x03\xf0");
    assert_eq!(server.receive(), Step::Shutdown);
    assert_eq!(server.session.end(), Some(End::Failed(ProtocolError::TooManyFragments)));
}

#[test]
fn short_frames_come_whole_where_that_was_asked_for() {
    let mut server = ByHand::open(Config::new().whole_up_to(200));
    for len in [0, 1, 125, 126, 200] {
        let bytes = masked(0x82, &vec![7; len]);
        for (i, byte) in bytes.iter().enumerate() {
            server.feed(&[*byte]);
            let last = i + 1 == bytes.len();
            match server.receive() {
                Step::Read if !last => {}
                Step::Event(Event::Chunk(c)) => assert!(last && c.first && c.fin && c.payload.len() == len),
                other => panic!("{other:?}"),
            }
        }
    }
    server.feed(&masked(0x82, &[7; 201])[..9]);
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == [7]));
}

#[test]
fn limits_hold_after_an_opening_too() {
    let mut server = ByHand::server(Config::new().max_message_len(4).max_fragments(1).whole_up_to(4));
    server.feed(REQUEST);
    while server.receive() != Step::Event(Event::Open) {}
    server.take();
    server.feed(&masked(0x81, b"four")[..8]);
    assert_eq!(server.receive(), Step::Read);
    server.feed(&masked(0x81, b"four")[8..]);
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(c)) if c.payload == b"four"));
    server.feed(&masked(0x81, b"five!"));
    assert_eq!(server.receive(), Step::Write);
    assert_eq!(server.take(), b"\x88\x02\x03\xf1");
}

#[test]
fn how_much_of_a_payload_is_left_is_known() {
    let mut server = ByHand::open(Config::new());
    assert_eq!(server.session.payload_left(), 0);
    server.feed(&masked(0x82, &[7; 100])[..16]);
    assert!(matches!(server.receive(), Step::Event(Event::Chunk(_))));
    assert_eq!(server.session.payload_left(), 90);
    server.feed_end();
    assert_eq!(server.receive(), Step::End(End::Eof));
    assert_eq!(server.session.payload_left(), 0);
}
