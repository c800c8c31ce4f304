//! A Socket.IO client: whatever the cuts, the same events, the same end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::{Buffer, Config, Session};
use microws_fuzz::Choice;
use microws_socketio::{AckSlot, Client, ClientConfig, End, Event, Inbox, Outgoing, Step};
use microws_tests::Cuts;

fn live(choice: Choice, mut reads: Cuts, peer: &[u8]) -> (Vec<String>, Option<End>) {
    let (config, namespace) = (Config::new(), ClientConfig::new());
    let (mut a, mut b, mut c) = (vec![0; choice.rx()], vec![0; choice.tx()], vec![0; choice.rx()]);
    let mut slots = [AckSlot::new(); 2];
    let (mut rx, mut tx) = (Buffer::from_slice(&mut a).unwrap(), Buffer::from_slice(&mut b).unwrap());
    let mut inbox = Inbox::new(&mut c);
    let mut session = Session::upgraded(&config, microws::Client(|key: &mut [u8]| key.fill(0x5a)));
    let mut client = Client::new(&namespace).acks(&mut slots);
    let (mut rest, mut events) = (peer, Vec::new());
    loop {
        match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
            Step::Event(event) => {
                events.push(format!("{event:?}"));
                let outgoing = match event {
                    Event::Connected { .. } => {
                        let id = client.expect_ack(0).unwrap();
                        Outgoing::event("a", "1").expect(id)
                    }
                    Event::Event { ack: Some(id), .. } => Outgoing::ack(id, "\"x\""),
                    _ => continue,
                };
                // Small, but others may wait already.
                while client.send(&mut session, &mut tx, &outgoing) == Ok(microws::Sent::Write) {
                    tx.consume(usize::MAX);
                }
            }
            Step::Write => tx.consume(usize::MAX),
            Step::Read => {
                tx.consume(usize::MAX);
                let n = reads.size().min(rx.free()).min(rest.len());
                rx.spare()[..n].copy_from_slice(&rest[..n]);
                session.commit(&mut rx, n);
                rest = &rest[n..];
            }
            Step::Shutdown => {}
            Step::End(end) => {
                assert_eq!(client.end(), Some(end));
                return (events, Some(end));
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let whole = live(choice, Cuts::Whole, peer);
    assert_eq!(live(choice, choice.reads(), peer), whole);
    assert_eq!(live(choice, Cuts::Every(1), peer), whole);
});
