//! The server's session over HTTP polling.

use microws_socketio::server::{Get, PostEnd, ServerConfig, Sid, Transport};
use microws_socketio::{End, Fault, Outgoing, Overdue};

use crate::server::{CONFIG, SID, Server, words};

impl Server {
    /// A POST: its events in words, and its answer.
    pub(crate) fn post(&mut self, content: &[u8]) -> (Vec<String>, PostEnd) {
        if !self.session.begin_post() {
            return (Vec::new(), PostEnd::BadRequest);
        }
        let (mut content, mut events) = (content.to_vec(), Vec::new());
        let mut post = self.session.post(&mut content);
        // A program replies between two events: here the borrows end.
        while let Some(event) = self.session.next_event(&mut post, &mut self.inbox) {
            events.push(words(&event));
        }
        let end = self.session.end_post(&post);
        (events, end)
    }

    /// The answer to the GET that is held, or came just now.
    pub(crate) fn answer(&mut self) -> String {
        let len = self.session.answer_len();
        let mut out = vec![0; len];
        assert_eq!(self.session.answer(&mut out), len);
        String::from_utf8(out).unwrap()
    }

    pub(crate) fn get(&mut self) -> String {
        assert_eq!(self.session.get(), Get::Answer);
        self.answer()
    }

    /// One over polling whose main namespace is joined and whose queue is empty.
    pub(crate) fn polled() -> Self {
        let mut server = Self::new(Transport::Polling);
        server.get();
        assert_eq!(server.post(b"40"), (vec!["0 connect ".into()], PostEnd::Ok));
        server.session.accept(0, Sid::new([8; 15])).unwrap();
        server.get();
        server
    }
}

#[test]
fn the_first_get_is_answered_with_the_terms() {
    let mut server = Server::new(Transport::Polling);
    let open = r#"0{"sid":"BwcHBwcHBwcHBwcHBwcH","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1024}"#;
    assert_eq!(server.get(), open);
    static PLAIN: ServerConfig<'static> = ServerConfig::new().upgrades(false);
    assert!(Server::with(&PLAIN, Transport::Polling, 256).get().contains(r#""upgrades":[]"#));
}

#[test]
fn a_get_is_held_until_there_is_something() {
    let mut server = Server::polled();
    assert_eq!(server.session.get(), Get::Hold);
    assert!(!server.session.answers_held());
    server.session.send(0, &Outgoing::event("a", "")).unwrap();
    assert!(server.session.answers_held());
    assert_eq!(server.answer(), r#"42["a"]"#);
    assert!(!server.session.answers_held());
    assert_eq!(server.session.get(), Get::Hold);
}

#[test]
fn packets_wait_for_the_next_get_in_order_binary_in_base64() {
    let mut server = Server::polled();
    server.session.send(0, &Outgoing::event("a", "1")).unwrap();
    server.session.send(0, &Outgoing::event("b", "").attachments(&[b"\x01\x02\x03\x04", b""])).unwrap();
    assert_eq!(server.get(), "42[\"a\",1]\u{1e}452-[\"b\"]\u{1e}bAQIDBA==\u{1e}b");
}

#[test]
fn an_answer_takes_as_many_packets_as_have_room() {
    let mut server = Server::polled();
    for name in ["a", "b", "c"] {
        server.session.send(0, &Outgoing::event(name, "")).unwrap();
    }
    assert_eq!(server.session.get(), Get::Answer);
    let mut out = [0; 16];
    assert_eq!(server.session.answer(&mut out[..6]), 0);
    assert!(server.session.answers_held(), "it still waits");
    let n = server.session.answer(&mut out);
    assert_eq!(&out[..n], b"42[\"a\"]\x1e42[\"b\"]");
    assert_eq!(server.get(), r#"42["c"]"#);
}

#[test]
fn a_post_brings_packets_in_order() {
    let mut server = Server::polled();
    let content = b"42[\"a\"]\x1e3\x1e451-1[\"b\",{\"_placeholder\":true,\"num\":0}]\x1ebAQID\x1e42[\"c\"]";
    let (events, end) = server.post(content);
    assert_eq!(events, ["0 a()", r#"0 b({"_placeholder":true,"num":0}) +010203 ack 1"#, "0 c()"]);
    assert_eq!(end, PostEnd::Ok);
    // An attachment may come with the next one.
    assert_eq!(server.post(b"451-[\"d\"]"), (vec![], PostEnd::Ok));
    assert_eq!(server.post(b"b/w=="), (vec!["0 d() +ff".into()], PostEnd::Ok));
}

#[test]
fn a_post_at_fault_is_answered_400_and_ends_the_session() {
    let cases: [(&[u8], Fault); 8] = [
        (b"", Fault::PacketType),
        (b"abc", Fault::PacketType),
        (b"42[\"a\"]\x1e", Fault::PacketType),
        (b"2", Fault::Unexpected),
        (b"b!", Fault::Encoding),
        (b"4\xff", Fault::Encoding),
        (b"42[", Fault::Data),
        (b"bAQID", Fault::AttachmentUnannounced),
    ];
    for (content, fault) in cases {
        let mut server = Server::polled();
        assert_eq!(server.session.get(), Get::Hold);
        assert_eq!(server.post(content).1, PostEnd::BadRequest, "{content:?}");
        assert_eq!(server.session.end(), Some(End::Failed(fault)), "{content:?}");
        assert!(server.session.answers_held());
        assert_eq!(server.answer(), "1");
        assert!(server.session.is_over());
        assert_eq!(server.session.get(), Get::BadRequest);
    }
    let mut server = Server::polled();
    assert_eq!(server.post(&[b'4'; 1025]).1, PostEnd::BadRequest);
    assert_eq!(server.session.end(), Some(End::Failed(Fault::TooLong)));
}

#[test]
fn nothing_after_a_fault_is_taken() {
    let mut server = Server::polled();
    let (events, end) = server.post(b"42[\"a\"]\x1e42[\x1e42[\"b\"]");
    assert_eq!((events, end), (vec!["0 a()".into()], PostEnd::BadRequest));
}

/// The first is answered `1`, the second 400.
#[test]
fn a_second_get_ends_the_session() {
    let mut server = Server::polled();
    assert_eq!(server.session.get(), Get::Hold);
    assert_eq!(server.session.get(), Get::BadRequest);
    assert!(server.session.answers_held());
    assert_eq!(server.answer(), "1");
    assert_eq!(server.session.end(), Some(End::Failed(Fault::Overlap)));
    assert!(server.session.is_over());
}

#[test]
fn a_second_post_ends_the_session() {
    let mut server = Server::polled();
    assert!(server.session.begin_post());
    assert!(!server.session.begin_post());
    assert_eq!(server.session.end(), Some(End::Failed(Fault::Overlap)));
}

#[test]
fn a_close_packet_releases_the_get_and_is_answered_ok() {
    let mut server = Server::polled();
    assert_eq!(server.session.get(), Get::Hold);
    assert_eq!(server.post(b"41\x1e1\x1e42[\"a\"]"), (vec!["0 disconnected".into()], PostEnd::Ok));
    assert_eq!(server.answer(), "6");
    assert_eq!(server.session.end(), Some(End::Closed));
    assert!(server.session.is_over());
}

#[test]
fn a_get_whose_connection_ends_is_the_end_of_the_session() {
    let mut server = Server::polled();
    assert_eq!(server.session.get(), Get::Hold);
    server.session.lost(microws::End::Eof);
    assert!(server.session.is_over());
}

#[test]
fn the_last_packets_wait_for_a_get_for_a_while() {
    let mut server = Server::polled();
    server.session.tick(0);
    server.session.send(0, &Outgoing::event("last", "")).unwrap();
    server.session.close();
    assert!(!server.session.is_over());
    assert_eq!(server.session.tick(1_000), Some(30_000));
    assert_eq!(server.post(b"42[\"a\"]").1, PostEnd::BadRequest);
    assert_eq!(server.get(), "42[\"last\"]\u{1e}41\u{1e}1");
    assert!(server.session.is_over());
    assert_eq!(server.session.get(), Get::BadRequest);

    let mut server = Server::polled();
    server.session.close();
    server.session.tick(1_000);
    server.session.tick(31_000);
    assert!(server.session.is_over());
}

#[test]
fn pings_wait_for_a_get_like_everything_else() {
    let mut server = Server::polled();
    server.session.tick(0);
    server.session.tick(25_000);
    assert_eq!(server.get(), "2");
    assert_eq!(server.post(b"3").1, PostEnd::Ok);
    server.session.tick(26_000);
    assert_eq!(server.session.get(), Get::Hold);
    server.session.tick(51_000);
    assert_eq!(server.answer(), "2");
    assert_eq!(server.session.get(), Get::Hold);
    server.session.tick(71_000);
    assert_eq!(server.session.end(), Some(End::Overdue(Overdue::Heartbeat)));
    assert_eq!(server.answer(), "1");
}

#[test]
fn a_session_over_a_web_socket_takes_no_requests_and_stays() {
    let mut server = Server::with(&CONFIG, Transport::WebSocket, 512);
    assert_eq!(server.session.get(), Get::BadRequest);
    assert_eq!(server.post(b"40"), (vec![], PostEnd::BadRequest));
    assert_eq!(server.session.end(), None);
    assert_eq!(server.session.sid(), &Sid::new(SID));
}
