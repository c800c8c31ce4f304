//! Acknowledgements that a client awaits.

use microws_socketio::{Event, Outgoing};

use crate::life::{JOINED, Lead, OPEN, Say, input};

#[test]
fn each_is_reported_once_in_any_order() {
    let script = [
        Say::Text(OPEN),
        Say::Text(JOINED),
        Say::Text("431[1]"),
        Say::Text("430[0]"),
        // Twice, never asked for, without an id: Node.js ignores them, too.
        Say::Text("431[1]"),
        Say::Text("437[]"),
        Say::Text("43[]"),
        Say::Text("432[2]"),
        Say::Close,
    ];
    let life = Lead::default().run(&input(&script), |hand, event| {
        if !matches!(event, Event::Connected { .. }) {
            return;
        }
        for expected in 0..3 {
            let id = hand.client.expect_ack(0).unwrap();
            assert_eq!(id, expected);
            hand.send(&Outgoing::event("e", "").expect(id)).unwrap();
        }
    });
    assert_eq!(life.events[1..], ["ack 1 (1)", "ack 0 (0)", "ack 2 (2)"]);
    assert_eq!(life.sent[1..4], [r#"420["e"]"#, r#"421["e"]"#, r#"422["e"]"#]);
}

#[test]
fn as_many_are_awaited_as_there_are_slots() {
    let script = [Say::Text(OPEN), Say::Text(JOINED), Say::Text("432[]"), Say::Close];
    let life = Lead::default().run(&input(&script), |hand, event| match event {
        Event::Connected { .. } => {
            let ids: Vec<_> = (0..5).map(|_| hand.client.expect_ack(0)).collect();
            assert_eq!(ids, [Some(0), Some(1), Some(2), Some(3), None]);
        }
        _ => assert_eq!(hand.client.expect_ack(0), Some(4)),
    });
    assert_eq!(life.events.len(), 2);
}
