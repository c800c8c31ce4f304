//! The upgrade from polling to a WebSocket.

use microws::{Chunk, MessageKind};
use microws_socketio::Outgoing;
use microws_socketio::server::{Get, PostEnd, Probed, Transport, Upgrade};

use crate::server::Server;

impl Server {
    fn probe(&mut self, text: &str) -> Probed {
        self.probe_chunk(true, true, text)
    }

    fn probe_chunk(&mut self, first: bool, fin: bool, text: &str) -> Probed {
        let mut bytes = text.as_bytes().to_vec();
        self.session.probe(&Chunk::new(MessageKind::Text, first, fin, &mut bytes))
    }
}

#[test]
fn a_get_that_is_held_is_released_and_the_web_socket_carries_on() {
    let mut server = Server::polled();
    assert_eq!(server.session.get(), Get::Hold);
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert!(!server.session.answers_held());
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert!(server.session.answers_held());
    assert_eq!(server.answer(), "6");
    assert_eq!(server.get(), "6", "until the upgrade every GET is short");
    assert_eq!(server.probe("5"), Probed::Upgraded);
    assert_eq!(server.session.transport(), Transport::WebSocket);
    assert_eq!(server.say(r#"42["a"]"#), Some("0 a()".into()));
    server.session.send(0, &Outgoing::event("b", "")).unwrap();
    assert_eq!(server.sent(), [r#"42["b"]"#]);
}

#[test]
fn packets_queued_meanwhile_keep_their_order_and_go_once() {
    let mut server = Server::polled();
    let emit = |server: &mut Server, name| server.session.send(0, &Outgoing::event(name, "")).unwrap();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    emit(&mut server, "a");
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    emit(&mut server, "b");
    assert_eq!(server.sent(), Vec::<String>::new(), "the WebSocket carries nothing yet");
    assert_eq!(server.get(), "42[\"a\"]\u{1e}42[\"b\"]");
    emit(&mut server, "c");
    assert_eq!(server.probe("5"), Probed::Upgraded);
    emit(&mut server, "d");
    assert_eq!(server.sent(), [r#"42["c"]"#, r#"42["d"]"#]);
    // A client that upgrades while its GET is held gets what waited there, before anything else.
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert_eq!(server.get(), "6");
    emit(&mut server, "a");
    assert_eq!(server.session.get(), Get::Answer);
    assert_eq!(server.probe("5"), Probed::Upgraded);
    emit(&mut server, "b");
    assert_eq!(server.sent(), Vec::<String>::new());
    assert_eq!(server.answer(), "42[\"a\"]\u{1e}42[\"b\"]");
    emit(&mut server, "c");
    assert_eq!(server.sent(), [r#"42["c"]"#]);
}

#[test]
fn a_get_that_is_held_when_the_upgrade_comes_is_answered() {
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.session.get(), Get::Hold);
    assert_eq!(server.probe("5"), Probed::Upgraded);
    assert!(server.session.answers_held());
    assert_eq!(server.answer(), "6");
    assert_eq!(server.sent(), Vec::<String>::new());
}

#[test]
fn polling_after_the_upgrade_is_answered_400_and_changes_nothing() {
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert_eq!(server.probe("5"), Probed::Upgraded);
    assert_eq!(server.session.get(), Get::BadRequest);
    assert_eq!(server.post(b"42[\"a\"]"), (vec![], PostEnd::BadRequest));
    assert_eq!(server.session.end(), None);
}

#[test]
fn posts_are_taken_while_it_is_probed() {
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert_eq!(server.post(b"42[\"a\"]"), (vec!["0 a()".into()], PostEnd::Ok));
}

#[test]
fn a_second_web_socket_is_closed() {
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.session.upgrade(), Upgrade::Close);
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert_eq!(server.session.upgrade(), Upgrade::Close);
    assert_eq!(server.probe("5"), Probed::Upgraded);
    assert_eq!(server.session.upgrade(), Upgrade::Close);
    assert_eq!(server.session.end(), None);
}

#[test]
fn anything_else_than_a_probe_closes_the_web_socket_and_no_more() {
    for text in ["", "2", "3probe", "2probe!", "2prob", "55", "4a", "1"] {
        let mut server = Server::polled();
        assert_eq!(server.session.upgrade(), Upgrade::Probe);
        assert_eq!(server.probe(text), Probed::Close, "{text}");
        assert_eq!(server.session.get(), Get::Hold);
        assert_eq!(server.session.upgrade(), Upgrade::Probe, "it may be tried again");
    }
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    let mut bytes = *b"2probe";
    let binary = Chunk::new(MessageKind::Binary, true, true, &mut bytes);
    assert_eq!(server.session.probe(&binary), Probed::Close);
}

#[test]
fn a_probe_is_put_together_from_pieces() {
    let mut server = Server::polled();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    for at in 0..=6 {
        let (first, second) = "2probe".split_at(at);
        assert_eq!(server.probe_chunk(true, false, first), Probed::Wait);
        assert_eq!(server.probe_chunk(false, true, second), Probed::Reply("3probe"));
    }
    assert_eq!(server.probe_chunk(true, false, "5"), Probed::Wait);
    assert_eq!(server.probe_chunk(false, true, ""), Probed::Upgraded);
}

#[test]
fn a_probe_that_takes_too_long_or_is_lost_does_no_harm() {
    let mut server = Server::polled();
    server.session.tick(0);
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.session.tick(0), Some(10_000));
    assert_eq!(server.probe("2probe"), Probed::Reply("3probe"));
    assert!(!server.session.probe_overdue());
    server.session.tick(10_000);
    assert!(server.session.probe_overdue());
    assert!(!server.session.probe_overdue());
    assert_eq!(server.session.get(), Get::Hold);
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    server.session.probe_lost();
    assert_eq!(server.session.upgrade(), Upgrade::Probe);
    assert_eq!(server.session.end(), None);
}
