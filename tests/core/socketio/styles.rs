//! One program in each style of I/O: the same events, output and end as by hand.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use microws::Config;
use microws::io::{asynch, blocking, polled};
use microws_socketio::io as sio;
use microws_socketio::{AckSlot, Client, ClientConfig, End, Event, Inbox, Outgoing, SendError, Step};
use microws_tests::wire::{Broken, Op, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::client::{SCRIPT, echo};
use crate::life::{Lead, Life, input, sent, session, words};

/// A blocking stream says with an error that it can't go on: then the verb is called again.
macro_rules! retry {
    ($verb:expr) => {
        loop {
            match $verb {
                Err(sio::Error::Io(Broken::TimedOut)) => {}
                done => break done,
            }
        }
    };
}

/// Polls a future once, then drops it and calls the verb again.
macro_rules! drop_and_call_again {
    ($verb:expr) => {
        loop {
            let mut future = pin!($verb);
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break done;
            }
        }
    };
}

/// [`echo`], in this style.
macro_rules! program {
    ($socket:ident, $call:ident) => {{
        let mut events = Vec::new();
        let end = loop {
            let (event, sender) = match $call!($socket.recv()) {
                Ok(Some(received)) => received,
                Ok(None) => break $socket.client().end(),
                Err(sio::Error::End(end)) => break Some(end),
                Err(error) => panic!("{error}"),
            };
            events.push(words(&event));
            match event {
                Event::Connected { .. } => {
                    let id = sender.expect_ack(1000).unwrap();
                    let hello = Outgoing::event("hello", "1,[2]").expect(id).attachments(&[b"\0\xff", b""]);
                    $call!(sender.send(&hello)).unwrap();
                }
                Event::Event { name: b"leave", .. } => sender.disconnect(),
                Event::Event { args, attachments, ack: Some(id), .. } => {
                    let attachments: Vec<&[u8]> = attachments.collect();
                    let args = std::str::from_utf8(args).unwrap();
                    let answer = Outgoing::ack(id, args).attachments(&attachments);
                    $call!(sender.send(&answer)).unwrap();
                }
                _ => {}
            }
        };
        (events, end)
    }};
}

fn by_hand() -> Life {
    Lead::default().run(&input(SCRIPT), echo)
}

/// Runs the script in each style over a wire that cuts and stalls.
fn in_each_style(reads: usize, writes: usize, stalls: Stalls) {
    let expected = by_hand();
    for style in ["blocking", "async", "polled"] {
        let wire = Wire::new(&input(SCRIPT), Cuts::Every(reads), Cuts::Every(writes), stalls);
        let (config, namespace) = (Config::new(), ClientConfig::new());
        let (mut slots, mut arena) = ([AckSlot::new(); 2], [0; 512]);
        let client = Client::new(&namespace).acks(&mut slots);
        let (rx, tx, inbox) = (buffer(139), buffer(139), Inbox::new(&mut arena));
        let (events, end) = match style {
            "blocking" => {
                let socket = blocking::WebSocket::new(wire.clone(), rx, tx, session(&config));
                let mut socket =
                    sio::blocking::Socket::new(socket.half_close(|wire| wire.shut_down()), client, inbox);
                program!(socket, retry)
            }
            "async" => {
                let socket = asynch::WebSocket::new(wire.clone(), rx, tx, session(&config));
                let mut socket =
                    sio::asynch::Socket::new(socket.half_close(|wire| wire.shut_down()), client, inbox);
                program!(socket, drop_and_call_again)
            }
            _ => {
                let socket = polled::WebSocket::new(rx, tx, session(&config));
                poll(&mut sio::polled::Socket::new(socket, client, inbox), &mut wire.clone())
            }
        };
        let life = Life { events, sent: sent(&wire.output()), end };
        assert_eq!(life.events, expected.events, "{style}, {reads} and {writes} at a time, {stalls:?}");
        assert_eq!((&life.sent, life.end), (&expected.sent, expected.end), "{style}, {stalls:?}");
        assert!(!wire.ops().contains(&Op::Shutdown), "a client waits for the server to end the stream");
    }
}

/// What had no room.
struct Waiting {
    id: u32,
    args: String,
    attachments: Vec<Vec<u8>>,
    is_ack: bool,
}

/// [`echo`], polled; what has no room is sent later, and before anything else is taken.
fn poll(
    socket: &mut sio::polled::Socket<'_, crate::life::Role>,
    wire: &mut Wire,
) -> (Vec<String>, Option<End>) {
    let mut events = Vec::new();
    let mut waiting: Option<Waiting> = None;
    for now in 0.. {
        if let Some(Waiting { id, args, attachments, is_ack }) = &waiting {
            let attachments: Vec<&[u8]> = attachments.iter().map(Vec::as_slice).collect();
            let outgoing = match is_ack {
                true => Outgoing::ack(*id, args),
                false => Outgoing::event("hello", args).expect(*id),
            };
            let outgoing = outgoing.attachments(&attachments);
            match socket.sender().send(&outgoing) {
                Ok(microws::Sent::Done) => waiting = None,
                Ok(microws::Sent::Write) => _ = socket.flush(wire).unwrap(),
                Err(error) => panic!("{error}"),
            }
            continue;
        }
        match socket.poll(wire, now).unwrap() {
            Step::Event((event, sender)) => {
                events.push(words(&event));
                match event {
                    Event::Connected { .. } => {
                        let id = sender.expect_ack(1_000_000).unwrap();
                        let (args, attachments) = ("1,[2]".into(), vec![b"\0\xff".to_vec(), vec![]]);
                        waiting = Some(Waiting { id, args, attachments, is_ack: false });
                    }
                    Event::Event { name: b"leave", .. } => sender.disconnect(),
                    Event::Event { args, attachments, ack: Some(id), .. } => {
                        let args = String::from_utf8(args.to_vec()).unwrap();
                        let attachments = attachments.map(<[u8]>::to_vec).collect();
                        waiting = Some(Waiting { id, args, attachments, is_ack: true });
                    }
                    _ => {}
                }
            }
            Step::End(end) => return (events, Some(end)),
            Step::Shutdown => panic!("the handle does that itself"),
            Step::Read | Step::Write => {}
        }
        assert!(now < 100_000, "it never ends");
    }
    unreachable!()
}

#[test]
fn the_same_life_in_every_style() {
    for stalls in [Stalls::Never, Stalls::Often] {
        for (reads, writes) in [(usize::MAX, usize::MAX), (1, 1), (7, 3), (100, 50)] {
            in_each_style(reads, writes, stalls);
        }
    }
}

#[test]
fn a_stall_at_any_attempt_changes_nothing() {
    for n in 1..80 {
        in_each_style(9, 50, Stalls::Once(n));
    }
}

#[test]
fn a_verb_that_can_t_be_done_says_whose_fault_it_is() {
    let wire = Wire::new(&[], Cuts::Whole, Cuts::Whole, Stalls::Never);
    let (config, namespace, mut arena) = (Config::new(), ClientConfig::new(), [0; 256]);
    let socket = blocking::WebSocket::new(wire, buffer(139), buffer(139), session(&config));
    let mut socket = sio::blocking::Socket::new(socket, Client::new(&namespace), Inbox::new(&mut arena));
    assert_eq!(socket.sender().emit("a", ""), Err(sio::Error::Send(SendError::NotConnected)));
    assert_eq!(socket.open(), Err(sio::Error::End(End::WebSocket(microws::End::Eof))));
    assert_eq!(socket.recv().unwrap_err(), sio::Error::End(End::WebSocket(microws::End::Eof)));
    let wire = Wire::new(&[], Cuts::Whole, Cuts::Whole, Stalls::FailingFrom(1));
    let socket = blocking::WebSocket::new(wire, buffer(139), buffer(139), session(&config));
    let mut arena = [0; 256];
    let mut socket = sio::blocking::Socket::new(socket, Client::new(&namespace), Inbox::new(&mut arena));
    assert_eq!(socket.recv().unwrap_err(), sio::Error::Io(Broken::Reset));
}
