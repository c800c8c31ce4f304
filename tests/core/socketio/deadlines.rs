//! What a client waits for, on a clock that is the test's.

use microws::{Config, Timeouts};
use microws_socketio::{AckSlot, Client, ClientConfig, End, Event, Inbox, Overdue, Step};
use microws_tests::buffer;

use crate::life::{JOINED, OPEN, Say, input, sent, session};

/// Gives a client what comes at each time; returns its end in words.
fn at_times(
    start: u32,
    times: &[(u32, &[Say<'_>])],
    acks: &[u32],
) -> (Vec<String>, Option<End>, Option<u32>) {
    // The WebSocket asks for no signs of life of its own.
    let mut timeouts = Timeouts::new();
    timeouts.ping_after = 0;
    let config = Config::new().timeouts(timeouts);
    let namespace = ClientConfig::new();
    let mut slots = [AckSlot::new(); 4];
    let (mut session, mut client) = (session(&config), Client::new(&namespace).acks(&mut slots));
    let (mut rx, mut tx, mut arena) = (buffer(512), buffer(512), [0; 512]);
    let mut inbox = Inbox::new(&mut arena);
    let (mut events, mut wait) = (Vec::new(), None);
    for (time, script) in times {
        let bytes = input(script);
        if !bytes.is_empty() {
            rx.spare()[..bytes.len()].copy_from_slice(&bytes);
            session.commit(&mut rx, bytes.len());
        }
        loop {
            match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
                Step::Event(event) => {
                    if matches!(event, Event::Connected { .. }) {
                        for timeout in acks {
                            client.expect_ack(*timeout).unwrap();
                        }
                    }
                    events.push(crate::life::words(&event));
                    continue;
                }
                Step::Read => {}
                other => panic!("{other:?}"),
            }
            events.extend(sent(tx.filled()));
            tx.consume(usize::MAX);
            wait = client.tick(&mut session, &mut tx, start.wrapping_add(*time));
            if wait != Some(0) {
                break;
            }
        }
    }
    (events, client.end(), wait)
}

#[test]
fn a_server_that_says_nothing_is_given_20_seconds() {
    for start in [0, u32::MAX - 10_000] {
        let (_, end, wait) = at_times(start, &[(0, &[]), (19_999, &[])], &[]);
        assert_eq!((end, wait), (None, Some(1)));
        let (events, end, _) = at_times(start, &[(0, &[]), (20_000, &[])], &[]);
        assert_eq!(end, Some(End::Overdue(Overdue::Connect)));
        assert_eq!(events, ["close 1008"]);
    }
}

#[test]
fn a_server_that_never_joins_us_is_given_as_long() {
    let (events, end, _) = at_times(
        0,
        &[(0, &[]), (9_000, &[Say::Text(OPEN)]), (15_000, &[Say::Text("2")]), (20_000, &[])],
        &[],
    );
    assert_eq!(end, Some(End::Overdue(Overdue::Connect)));
    assert_eq!(events, ["40", "3", "close 1008"]);
}

#[test]
fn pings_come_within_interval_and_timeout() {
    let joined: &[Say<'_>] = &[Say::Text(OPEN), Say::Text(JOINED)];
    let (events, end, _) = at_times(7, &[(0, joined), (44_999, &[Say::Text("2")]), (89_998, &[])], &[]);
    assert_eq!(end, None);
    assert_eq!(events[2], "3");
    let (events, end, _) = at_times(7, &[(0, joined), (44_999, &[Say::Text("2")]), (89_999, &[])], &[]);
    assert_eq!(end, Some(End::Overdue(Overdue::Heartbeat)));
    assert_eq!(events.last().unwrap(), "close 1008");
    // Other messages are no heartbeat.
    let event: &[Say<'_>] = &[Say::Text(r#"42["a"]"#)];
    let (_, end, _) = at_times(7, &[(0, joined), (40_000, event), (45_000, &[])], &[]);
    assert_eq!(end, Some(End::Overdue(Overdue::Heartbeat)));
}

#[test]
fn a_program_that_stalls_gives_the_server_as_much_more_time_once() {
    let joined: &[Say<'_>] = &[Say::Text(OPEN), Say::Text(JOINED)];
    let (_, end, wait) = at_times(0, &[(0, joined), (60_000, &[])], &[]);
    assert_eq!((end, wait), (None, Some(15_000)));
    let (_, end, _) = at_times(0, &[(0, joined), (60_000, &[]), (61_000, &[Say::Text("2")])], &[]);
    assert_eq!(end, None);
    let (_, end, _) = at_times(0, &[(0, joined), (60_000, &[]), (75_000, &[])], &[]);
    assert_eq!(end, Some(End::Overdue(Overdue::Heartbeat)));
}

#[test]
fn a_clock_that_steps_back_a_little_declares_nobody_overdue() {
    let joined: &[Say<'_>] = &[Say::Text(OPEN), Say::Text(JOINED)];
    let (_, end, wait) = at_times(100, &[(50, joined), (0, &[])], &[1_000]);
    assert_eq!((end, wait), (None, Some(1_000)));
}

#[test]
fn acknowledgements_are_overdue_each_at_its_time() {
    let joined: &[Say<'_>] = &[Say::Text(OPEN), Say::Text(JOINED)];
    let acks = [300, 100, 0, 200];
    let (_, _, wait) = at_times(0, &[(0, joined)], &acks);
    assert_eq!(wait, Some(100));
    let (events, end, _) = at_times(
        0,
        &[(0, joined), (100, &[]), (150, &[Say::Text("433[]")]), (300, &[]), (301, &[Say::Text("431[]")])],
        &acks,
    );
    assert_eq!(events[2..], ["overdue 1", "ack 3 ()", "overdue 0"]);
    assert_eq!(end, None);
}
