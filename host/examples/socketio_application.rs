//! A program's own application of Socket.IO, instead of the echo: a lamp that clients with the right token switch.
//!
//! ```js
//! const socket = io('http://127.0.0.1:1740', { auth: { token: 'secret' } });
//! socket.on('lamp', (on, confirm) => { console.log(on); confirm('seen'); });
//! socket.emit('switch', true, (was) => console.log('it was', was));
//! ```

use std::io;

use microws_host::socketio::{Application, Client, Event};
use microws_host::{Config, Server};
use microws_socketio::{End, json};

/// How long a client may take to confirm, in milliseconds.
const CONFIRM_WITHIN: u32 = 5_000;

#[derive(Debug, Default)]
struct Lamp {
    on: bool,
}

impl Application for Lamp {
    fn on_connect(&mut self, client: &mut Client<'_, '_>, auth: &str) -> Result<(), String> {
        let token = json::member(auth.as_bytes(), b"token").and_then(json::unquoted);
        if token != Some(b"secret") {
            return Err(r#"{"message":"not authorized"}"#.to_owned());
        }
        println!("client {} joins {}", client.id(), client.namespace());
        Ok(())
    }

    fn on_joined(&mut self, client: &mut Client<'_, '_>) {
        show(self.on, client);
    }

    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>) {
        match (event.name, event.args) {
            ("switch", on @ ("true" | "false")) => {
                let before = std::mem::replace(&mut self.on, on == "true");
                if let Some(id) = event.ack {
                    // A client that does not take it will find out by itself.
                    let _ = client.ack(id, if before { "true" } else { "false" }, &[]);
                }
                show(self.on, client);
            }
            ("goodbye", _) => _ = client.disconnect(),
            (name, args) => println!("client {}: {name} {args}?", client.id()),
        }
    }

    fn on_ack(&mut self, client: &mut Client<'_, '_>, _: u32, args: &str, _: &[&[u8]]) {
        println!("client {} has confirmed: {args}", client.id());
    }

    fn on_ack_overdue(&mut self, client: &mut Client<'_, '_>, _: u32) {
        client.close();
    }

    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, reason: &End) {
        println!("client {} left: {reason}", client.id());
    }
}

/// Tells a client how the lamp is.
fn show(on: bool, client: &mut Client<'_, '_>) {
    let _ = client.emit_expecting("lamp", if on { "true" } else { "false" }, &[], CONFIRM_WITHIN);
}

fn main() -> io::Result<()> {
    let mut config = Config::default();
    config.socketio.awaited_acks = 2;
    Server::bind(config)?.application(Lamp::default()).run()?;
    Ok(())
}
