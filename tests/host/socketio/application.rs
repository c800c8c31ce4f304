//! A program's own application instead of the echo.

use std::sync::{Arc, Mutex};

use microws_host::socketio::{Application, Client, Event};
use microws_socketio::{End, SendError};
use microws_tests::process::wait_until;
use microws_tests::raw::Raw;

use crate::program::Program;
use crate::support::{say, text};

/// Notes its calls, and does what events ask for.
#[derive(Debug, Default)]
struct Noting(Arc<Mutex<Vec<String>>>);

impl Noting {
    fn note(&self, client: &Client<'_, '_>, what: String) {
        self.0.lock().unwrap().push(format!("{}{} {what}", client.id(), client.namespace()));
    }
}

impl Application for Noting {
    fn on_connect(&mut self, client: &mut Client<'_, '_>, auth: &str) -> Result<(), String> {
        self.note(client, format!("connect {auth}"));
        assert_eq!(client.emit("early", "", &[]), Err(SendError::NotConnected));
        match auth {
            r#"{"token":"bad"}"# => Err(r#"{"message":"not authorized","data":{"code":7}}"#.to_owned()),
            r#"{"token":"worse"}"# => Err("no JSON".to_owned()),
            _ => Ok(()),
        }
    }

    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>) {
        self.note(client, format!("event {} {} {:?}", event.name, event.args, event.attachments));
        match event.name {
            "expect" => {
                let id = client.emit_expecting("confirm", "1", &[b"bytes"], 300).unwrap();
                self.note(client, format!("expects {id}"));
                assert_eq!(client.emit_expecting("more", "", &[], 0), Err(SendError::QueueFull));
            }
            "leave" => client.disconnect().unwrap(),
            "close" => client.close(),
            "wrong" => {
                assert_eq!(client.emit("connect", "", &[]), Err(SendError::InvalidName));
                assert_eq!(client.emit("a", "{", &[]), Err(SendError::InvalidJson));
            }
            "much" => {
                let long = format!("\"{}\"", "x".repeat(5_000));
                let sent = (0..1000).take_while(|_| client.emit("much", &long, &[]).is_ok()).count();
                self.note(client, format!("sent {sent}"));
            }
            _ => client.ack(event.ack.unwrap(), "\"done\"", &[b"attached"]).unwrap(),
        }
    }

    fn on_ack(&mut self, client: &mut Client<'_, '_>, id: u32, args: &str, attachments: &[&[u8]]) {
        self.note(client, format!("ack {id} {args} {attachments:?}"));
    }

    fn on_ack_overdue(&mut self, client: &mut Client<'_, '_>, id: u32) {
        self.note(client, format!("overdue {id}"));
    }

    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, reason: &End) {
        self.note(client, format!("disconnect {reason}"));
        assert_eq!(client.emit("late", "", &[]), Err(SendError::NotConnected));
    }
}

struct Running {
    program: Program,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Running {
    fn start() -> Self {
        let application = Noting::default();
        let notes = Arc::clone(&application.0);
        Self { program: Program::start(application), notes }
    }

    fn open(&self) -> Raw {
        self.program.open()
    }

    /// Waits for a note, and takes all of them.
    fn until(&self, end: &str) -> Vec<String> {
        wait_until(end, || {
            let mut notes = self.notes.lock().unwrap();
            notes.last().is_some_and(|last| last.contains(end)).then(|| std::mem::take(&mut *notes))
        })
    }
}

#[test]
fn it_accepts_or_refuses_and_is_told_of_events_and_the_end() {
    let server = Running::start();
    let mut client = server.open();
    say(&mut client, r#"40{"token":"bad"}"#);
    assert_eq!(text(&mut client), r#"44{"message":"not authorized","data":{"code":7}}"#);
    say(&mut client, r#"40{"token":"worse"}"#);
    assert_eq!(text(&mut client), r#"44{"message":"refused"}"#);
    say(&mut client, r#"40/other,{"token":"good"}"#);
    assert!(text(&mut client).starts_with(r#"40/other,{"sid":""#));
    say(&mut client, r#"42/other,5["ask",1]"#);
    assert_eq!(text(&mut client), r#"461-/other,5["done"]"#);
    assert_eq!(client.try_message().unwrap(), (2, b"attached".to_vec()));
    say(&mut client, r#"451-/other,["wrong",{"_placeholder":true,"num":0}]"#);
    client.send_frame(0x82, b"abc");
    say(&mut client, "41/other,");
    assert_eq!(
        server.until("disconnect"),
        [
            r#"1/ connect {"token":"bad"}"#,
            r#"1/ connect {"token":"worse"}"#,
            r#"1/other connect {"token":"good"}"#,
            "1/other event ask 1 []",
            r#"1/other event wrong {"_placeholder":true,"num":0} [[97, 98, 99]]"#,
            "1/other disconnect the peer ended the namespace",
        ]
    );
}

#[test]
fn its_events_are_acknowledged_or_overdue() {
    let server = Running::start();
    let mut client = server.open();
    say(&mut client, "40");
    text(&mut client);
    for n in 0..2 {
        say(&mut client, r#"42["expect"]"#);
        assert_eq!(text(&mut client), format!(r#"451-{n}["confirm",1]"#));
        assert_eq!(client.try_message().unwrap(), (2, b"bytes".to_vec()));
        if n == 0 {
            say(&mut client, "430[\"yes\"]");
            say(&mut client, "430[\"twice\"]");
        }
    }
    let notes = server.until("overdue 1");
    assert_eq!(notes[2..4], ["1/ expects 0", "1/ ack 0 \"yes\" []"]);
    assert_eq!(notes[5..], ["1/ expects 1", "1/ overdue 1"]);
}

#[test]
fn it_makes_a_client_leave_a_namespace_or_all_of_them() {
    let server = Running::start();
    let mut client = server.open();
    for namespace in ["", "/other,"] {
        say(&mut client, &format!("40{namespace}"));
        text(&mut client);
    }
    say(&mut client, r#"42["leave"]"#);
    assert_eq!(text(&mut client), "41");
    assert_eq!(server.until("disconnect").last().unwrap(), "1/ disconnect we left the namespace");
    say(&mut client, "40");
    text(&mut client);
    say(&mut client, r#"42["close"]"#);
    assert_eq!([text(&mut client), text(&mut client)], ["41", "41/other,"]);
    assert_eq!(client.closed().0, 1000);
    let notes = server.until("1/other disconnect we left the namespace");
    assert!(notes.contains(&"1/ disconnect we left the namespace".to_owned()), "{notes:?}");
}

#[test]
fn it_is_told_when_a_client_does_not_take_what_it_is_sent() {
    let server = Running::start();
    let mut client = server.open();
    say(&mut client, "40");
    text(&mut client);
    say(&mut client, r#"42["much"]"#);
    // 24,096 bytes may wait for a client, rounded up to 32 KiB.
    assert_eq!(server.until("sent").last().unwrap(), "1/ sent 6");
    for _ in 0..6 {
        assert_eq!(text(&mut client).len(), 5_013);
    }
    drop(client);
    server.until("disconnect the stream ended without a close frame");
}
