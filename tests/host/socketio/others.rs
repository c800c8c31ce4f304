//! An application that reaches for other clients than the one it hears of, or for all of them.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use microws_host::socketio::{Application, Client, ClientId, Clients, Event};
use microws_socketio::{End, SendError};
use microws_tests::process::TIMEOUT;
use microws_tests::raw::Raw;

use crate::program::Program;
use crate::support::{SEPARATOR, request, say, silent, text};

/// Does what events ask for, to the client that joined last, or to many.
#[derive(Debug)]
struct Many {
    last: Option<ClientId>,
    /// Args of an event for everybody in the main namespace.
    orders: Receiver<String>,
    /// Notes for the test.
    notes: Sender<String>,
    /// Milliseconds between two ticks.
    pace: Option<u32>,
}

impl Application for Many {
    fn on_joined(&mut self, client: &mut Client<'_, '_>) {
        self.last = Some(client.id());
        self.notes.send(format!("{} joined", client.id())).unwrap();
    }

    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>) {
        let id = client.id();
        let Event { name, args, attachments, .. } = *event;
        match name {
            "shout" => client.broadcast("shouted", args, attachments).unwrap(),
            "all" => client.clients().broadcast("/", "all", args, attachments).unwrap(),
            "whisper" => {
                client.other(self.last.unwrap()).unwrap().emit("whispered", args, attachments).unwrap()
            }
            "kick" => client.other(self.last.unwrap()).unwrap().disconnect().unwrap(),
            "end" => client.other(self.last.unwrap()).unwrap().close(),
            "wrong" => {
                assert_eq!(client.broadcast("connect", "", &[]), Err(SendError::InvalidName));
                assert_eq!(client.broadcast("a", "{", &[]), Err(SendError::InvalidJson));
                let mut clients = client.clients();
                assert_eq!(clients.broadcast("/nowhere", "a", "", &[]), Err(SendError::NotConnected));
                assert!(clients.get("/nowhere", id).is_none());
                assert_eq!(clients.ids("/nowhere").count(), 0);
                assert_eq!(clients.ids("/").collect::<Vec<_>>(), [id]);
                assert_eq!(clients.get("/", id).unwrap().id(), id);
                // It has left this one, or was never there.
                assert!(clients.get("/other", self.last.unwrap()).is_none());
                assert!(clients.get("/", self.last.unwrap()).is_none());
                self.notes.send("wrong".into()).unwrap();
            }
            _ => unreachable!("{name}"),
        }
    }

    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, reason: &End) {
        client.broadcast("gone", &client.id().to_string(), &[]).unwrap();
        // A test that is over listens no longer.
        let _ = self.notes.send(format!("{} left {}: {reason}", client.id(), client.namespace()));
    }

    fn on_tick(&mut self, clients: &mut Clients<'_, '_>) -> Option<u32> {
        for args in self.orders.try_iter() {
            clients.broadcast("/", "order", &args, &[]).unwrap();
        }
        let _ = self.notes.send("tick".into());
        self.pace
    }
}

struct Running {
    program: Program,
    orders: Sender<String>,
    notes: Receiver<String>,
}

impl Running {
    fn start(pace: Option<u32>) -> Self {
        let ((orders, receiver), (sender, notes)) = (mpsc::channel(), mpsc::channel());
        let program = Program::start(Many { last: None, orders: receiver, notes: sender, pace });
        Self { program, orders, notes }
    }

    /// Waits for a note, and passes over those before.
    fn until(&self, end: &str) -> String {
        let until = Instant::now() + TIMEOUT;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let note = self.notes.recv_timeout(left).unwrap_or_else(|_| panic!("waited in vain: {end}"));
            if note.contains(end) {
                return note;
            }
        }
    }
}

#[test]
fn a_broadcast_reaches_all_others_in_the_namespace_whatever_carries_them() {
    let running = Running::start(None);
    let program = &running.program;
    let (mut one, mut two, mut elsewhere) =
        (program.joined(""), program.joined(""), program.joined("/other,"));
    let polling = program.polling();
    let mut held = Raw::connect(program.address);
    request(&mut held, "GET", &polling, "", "");
    silent(&mut held);
    say(&mut one, r#"451-["shout",{"_placeholder":true,"num":0},"x"]"#);
    one.send_frame(0x82, b"bytes");
    let header = r#"451-["shouted",{"_placeholder":true,"num":0},"x"]"#;
    assert_eq!(text(&mut two), header);
    assert_eq!(two.try_message().unwrap(), (2, b"bytes".to_vec()));
    assert_eq!(held.answer().unwrap().body, format!("{header}{SEPARATOR}bYnl0ZXM="));
    // By polling to the others, and to everybody.
    assert_eq!(program.ask("POST", &polling, r#"42["shout",1]"#).body, "ok");
    assert_eq!([text(&mut one), text(&mut two)], [r#"42["shouted",1]"#; 2]);
    say(&mut two, r#"42["all"]"#);
    assert_eq!([text(&mut one), text(&mut two)], [r#"42["all"]"#; 2]);
    assert_eq!(program.ask("GET", &polling, "").body, r#"42["all"]"#);
    silent(&mut elsewhere);
}

#[test]
fn another_client_is_emitted_to_made_to_leave_and_ended() {
    let running = Running::start(None);
    let program = &running.program;
    let mut one = program.joined("");
    let mut last = program.joined("");
    running.until("2 joined");
    say(&mut one, r#"42["whisper","psst"]"#);
    assert_eq!(text(&mut last), r#"42["whispered","psst"]"#);
    say(&mut one, r#"42["kick"]"#);
    assert_eq!(text(&mut last), "41");
    assert_eq!(running.until("2 left"), "2 left /: we left the namespace");
    assert_eq!(text(&mut one), r#"42["gone",2]"#);
    say(&mut one, r#"42["wrong"]"#);
    running.until("wrong");
    say(&mut last, "40");
    text(&mut last);
    running.until("2 joined");
    say(&mut one, r#"42["end"]"#);
    assert_eq!(text(&mut last), "41");
    assert_eq!(last.closed().0, 1000);
    assert_eq!(text(&mut one), r#"42["gone",2]"#);
}

#[test]
fn it_is_called_in_time_and_soon_after_another_thread_asks_for_it() {
    let running = Running::start(Some(40));
    let begun = Instant::now();
    for _ in 0..5 {
        running.until("tick");
    }
    assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());

    let running = Running::start(None);
    let (mut one, mut two) = (running.program.joined(""), running.program.joined(""));
    running.until("2 joined");
    assert!(!running.notes.try_iter().any(|note| note == "tick"), "it has asked for no time");
    let (orders, handle) = (running.orders.clone(), running.program.handle.try_clone().unwrap());
    thread::spawn(move || {
        for n in 0..100 {
            orders.send(n.to_string()).unwrap();
            handle.wake();
        }
    });
    for n in 0..100 {
        assert_eq!(
            [text(&mut one), text(&mut two)],
            [format!("42[\"order\",{n}]"), format!("42[\"order\",{n}]")]
        );
    }
}

#[test]
fn a_client_that_does_not_take_broadcasts_is_ended_and_the_others_get_them_all() {
    let running = Running::start(None);
    let program = &running.program;
    let (mut speaker, mut reader, slow) = (program.joined(""), program.joined(""), program.joined(""));
    let polling = program.polling();
    running.until("4 joined");
    let long = "x".repeat(5_000);
    let shout = |speaker: &mut Raw, reader: &mut Raw, n: usize| {
        say(speaker, &format!("42[\"shout\",{n},\"{long}\"]"));
        loop {
            let came = text(reader);
            if came.starts_with("42[\"shouted\"") {
                assert_eq!(came, format!("42[\"shouted\",{n},\"{long}\"]"));
                return;
            }
            assert!(came.starts_with("42[\"gone\""), "{came}");
        }
    };
    // 24,096 bytes may wait for a client, rounded up to 32 KiB: six of these events.
    for n in 0..7 {
        shout(&mut speaker, &mut reader, n);
    }
    assert_eq!(running.until("4 left"), "4 left /: the client does not take what is sent");
    assert_eq!(program.ask("GET", &polling, "").body, r#"{"code":1,"message":"Session ID unknown"}"#);
    // Over a WebSocket the sockets take more; but not without end.
    let count = (7..20_000).find(|n| {
        shout(&mut speaker, &mut reader, *n);
        running.notes.try_iter().any(|note| note == "3 left /: the client does not take what is sent")
    });
    assert!(count.is_some(), "nothing has ended it");
    drop(slow);
}
