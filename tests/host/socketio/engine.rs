//! Engine.IO without Socket.IO.

use std::sync::mpsc::{self, Receiver, Sender};

use microws_host::engineio::{Application, Message, Socket, Sockets};
use microws_host::socketio::{self, Transports};
use microws_socketio::{End, SendError};
use microws_tests::process::TIMEOUT;
use microws_tests::raw::Raw;

use crate::program::Program;
use crate::support::{SEPARATOR, request, say, sid, silent, text, upgrade};

/// Greets, sends back, and does what messages ask for.
#[derive(Debug)]
struct Bare(Sender<String>);

impl Application for Bare {
    fn on_open(&mut self, socket: &mut Socket<'_, '_>) {
        socket.send("hello").unwrap();
    }

    fn on_message(&mut self, socket: &mut Socket<'_, '_>, message: Message<'_>) {
        let other = |socket: &mut Socket<'_, '_>| {
            let (id, sockets) = (socket.id(), socket.sockets());
            sockets.ids().find(|other| *other != id).unwrap()
        };
        match message {
            Message::Text("close") => socket.close(),
            Message::Text("close the other") => {
                let other = other(socket);
                socket.other(other).unwrap().close();
                assert!(socket.other(other).is_none(), "it has ended");
            }
            Message::Text("to the other") => {
                let other = other(socket);
                socket.sockets().get(other).unwrap().send(&b"for you"[..]).unwrap();
            }
            Message::Text(text) if text.starts_with("shout") => socket.broadcast(text),
            message => socket.send(message).unwrap(),
        }
    }

    fn on_close(&mut self, socket: &mut Socket<'_, '_>, reason: &End) {
        assert_eq!(socket.send("late"), Err(SendError::NotConnected));
        socket.broadcast("one is gone");
        // A test that is over listens no longer.
        let _ = self.0.send(format!("{} {reason}", socket.id()));
    }

    fn on_tick(&mut self, sockets: &mut Sockets<'_, '_>) -> Option<u32> {
        sockets.broadcast("tick");
        None
    }
}

/// Nobody is to come here.
#[derive(Debug)]
struct Nothing;

impl socketio::Application for Nothing {
    fn on_event(&mut self, _: &mut socketio::Client<'_, '_>, event: &socketio::Event<'_>) {
        unreachable!("{event:?}");
    }
}

fn target(query: &str) -> String {
    format!("/engine.io/?EIO=4&transport={query}")
}

fn start() -> (Program, Receiver<String>) {
    let (sender, notes) = mpsc::channel();
    (Program::serve(|server| server.application(Nothing).engine_application(Bare(sender))), notes)
}

fn socket(program: &Program) -> Raw {
    let mut client = Raw::connect(program.address);
    client.send(&upgrade(&target("websocket")));
    client.accepted();
    let open = text(&mut client);
    assert!(open.starts_with("0{") && open.contains(r#""maxPayload":10000"#), "{open}");
    assert_eq!(text(&mut client), "4hello");
    client
}

/// A session over polling: the target of its requests.
fn polling(program: &Program) -> String {
    let packets = program.ask("GET", &target("polling"), "").body;
    let (open, hello) = packets.split_once(SEPARATOR).expect("two packets");
    assert_eq!(hello, "4hello");
    target(&format!("polling&sid={}", sid(open)))
}

#[test]
fn messages_come_back_over_a_websocket_in_parts_too() {
    let (program, _) = start();
    let mut client = socket(&program);
    for message in ["42[\"a\"]", "4", "40", "4451-[{}]"] {
        say(&mut client, message);
        assert_eq!(text(&mut client), message);
    }
    client.send_frame(0x82, b"4bytes");
    assert_eq!(client.try_message().unwrap(), (2, b"4bytes".to_vec()));
    client.send_frame(0x01, b"4par");
    client.send_frame(0x80, b"ts");
    assert_eq!(text(&mut client), "4parts");
    client.send_frame(0x02, &[1; 5_000]);
    client.send_frame(0x80, &[2; 5_000]);
    assert_eq!(client.try_message().unwrap().1, [[1; 5_000], [2; 5_000]].concat());
    client.send_frame(0x82, &[1; 10_001]);
    assert_eq!(client.closed().0, 1009);
}

#[test]
fn what_is_no_packet_ends_it() {
    let (program, notes) = start();
    for wrong in ["", "7", "2", "x"] {
        let mut client = socket(&program);
        say(&mut client, wrong);
        assert_eq!(client.closed().0, 1008, "{wrong}");
        assert!(notes.recv_timeout(TIMEOUT).unwrap().contains("broke the protocol"));
    }
    let poll = polling(&program);
    assert_eq!(program.ask("POST", &poll, &format!("4fine{SEPARATOR}b*")).status, 400);
    assert!(notes.recv_timeout(TIMEOUT).unwrap().contains("broke the protocol"));
}

#[test]
fn messages_come_back_over_polling_and_after_the_upgrade() {
    let (program, notes) = start();
    let poll = polling(&program);
    let packets = format!("4one{SEPARATOR}bYnl0ZXM={SEPARATOR}4{SEPARATOR}bYWI");
    assert_eq!(program.ask("POST", &poll, &packets).body, "ok");
    assert_eq!(program.ask("GET", &poll, "").body, packets.replace("bYWI", "bYWI="));
    let mut ws = Raw::connect(program.address);
    ws.send(&upgrade(&poll.replace("polling", "websocket")));
    ws.accepted();
    say(&mut ws, "2probe");
    assert_eq!(text(&mut ws), "3probe");
    assert_eq!(program.ask("POST", &poll, "4before").body, "ok");
    say(&mut ws, "5");
    assert_eq!(text(&mut ws), "4before");
    say(&mut ws, "4after");
    assert_eq!(text(&mut ws), "4after");
    say(&mut ws, "1");
    assert_eq!(notes.recv_timeout(TIMEOUT).unwrap(), "1 the peer closed the transport");
    assert_eq!(ws.closed().0, 1000);
}

#[test]
fn others_are_sent_to_and_closed_and_all_are_told_in_time() {
    let (program, notes) = start();
    let (mut one, mut two) = (socket(&program), socket(&program));
    say(&mut one, "4to the other");
    assert_eq!(two.try_message().unwrap(), (2, b"for you".to_vec()));
    program.handle.wake();
    assert_eq!([text(&mut one), text(&mut two)], ["4tick"; 2]);
    let poll = polling(&program);
    say(&mut one, "4shout");
    assert_eq!(text(&mut two), "4shout");
    assert_eq!(program.ask("GET", &poll, "").body, "4shout");
    assert_eq!(program.ask("POST", &poll, "1").body, "ok");
    assert_eq!([text(&mut one), text(&mut two)], ["4one is gone"; 2]);
    assert_eq!(notes.recv_timeout(TIMEOUT).unwrap(), "3 the peer closed the transport");
    say(&mut one, "4close the other");
    assert_eq!(two.closed().0, 1000);
    assert_eq!(text(&mut one), "4one is gone");
    say(&mut one, "4close");
    assert_eq!(one.closed().0, 1000);
}

#[test]
fn a_client_that_does_not_take_broadcasts_is_ended() {
    let (program, notes) = start();
    let (poll, mut speaker) = (polling(&program), socket(&program));
    // 24,096 bytes may wait for a client, rounded up to 32 KiB: three of these messages.
    for _ in 0..4 {
        say(&mut speaker, &format!("4shout {}", "x".repeat(9_000)));
    }
    assert_eq!(notes.recv_timeout(TIMEOUT).unwrap(), "1 the client does not take what is sent");
    assert_eq!(text(&mut speaker), "4one is gone");
    assert_eq!(program.ask("GET", &poll, "").body, r#"{"code":1,"message":"Session ID unknown"}"#);
}

#[test]
fn a_session_of_one_protocol_is_none_of_the_other() {
    let (program, _) = start();
    let poll = polling(&program);
    let other = program.polling();
    for wrong in [poll.replace("engine", "socket"), other.replace("socket", "engine")] {
        assert_eq!(program.ask("GET", &wrong, "").body, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
    for (path, status) in
        [("/engine.io?EIO=4&transport=polling", 200), ("/engine.io/x", 404), ("/engine.iox", 404)]
    {
        assert_eq!(program.ask("GET", path, "").status, status, "{path}");
    }
    let mut held = Raw::connect(program.address);
    request(&mut held, "GET", &poll, "", "");
    silent(&mut held);
}

#[test]
fn without_an_application_or_without_socket_io_the_other_is_served() {
    let program = Program::start(Nothing);
    assert_eq!(program.ask("GET", &target("polling"), "").status, 404);
    let (sender, _notes) = mpsc::channel();
    let program = Program::configured(
        |config| config.socketio.transports = Transports::Off,
        |server| server.engine_application(Bare(sender)),
    );
    assert_eq!(program.ask("GET", &crate::support::target("polling"), "").status, 404);
    let poll = polling(&program);
    let long = format!("4{}", "x".repeat(9_999));
    assert_eq!(program.ask("POST", &poll, &long).body, "ok");
    assert_eq!(program.ask("GET", &poll, "").body, long);
    assert_eq!(program.ask("POST", &poll, &format!("{long}x")).status, 413);
}
