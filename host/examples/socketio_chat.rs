//! A chat over Socket.IO. Lines of standard input go to everybody.
//! ```js
//! const socket = io('http://127.0.0.1:1740', { auth: { name: 'Ada' } });
//! socket.onAny(console.log); // came, left, said, whispered, announced, present
//! socket.emit('say', 'Hello!'); // or to one: socket.emit('whisper', 'Bob', 'psst', (arrived) => console.log(arrived));
//! ```

use std::collections::HashMap;
use std::sync::mpsc::{self, Receiver};
use std::{env, io, mem, net::SocketAddr, thread};

use microws_host::socketio::{Application, Client, ClientId, Clients, Event};
use microws_host::{Config, Server};
use microws_socketio::{End, json};

#[derive(Debug)]
struct Chat {
    names: HashMap<ClientId, String>, // JSON strings, as they came
    present: usize,
    lines: Receiver<String>,
}

impl Application for Chat {
    fn on_connect(&mut self, client: &mut Client<'_, '_>, auth: &str) -> Result<(), String> {
        let name = json::member(auth.as_bytes(), b"name").filter(|name| name.starts_with(b"\""));
        let name = String::from_utf8_lossy(name.ok_or(r#"{"message":"who are you?"}"#)?).into_owned();
        // A client that can't take it is ended; nothing else can go wrong with JSON that was checked.
        let _ = client.broadcast("came", &name, &[]);
        self.names.insert(client.id(), name);
        Ok(())
    }

    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>) {
        let Some(me) = self.names.get(&client.id()) else { return };
        if event.name == "say" {
            let _ = client.broadcast("said", &format!("{me},{}", event.args), event.attachments);
        } else if let ("whisper", Some(ack)) = (event.name, event.ack) {
            let mut args = json::values(event.args.as_bytes()).map(String::from_utf8_lossy);
            let (name, text) = (args.next().unwrap_or_default(), args.next().unwrap_or("null".into()));
            let to = self.names.iter().find(|(_, known)| **known == *name);
            let (to, args) = (to.and_then(|(id, _)| client.other(*id)), format!("{me},{text}"));
            let sent = to.is_some_and(|mut to| to.emit("whispered", &args, &[]).is_ok());
            let _ = client.ack(ack, &sent.to_string(), &[]);
        }
    }

    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, _: &End) {
        if let Some(name) = self.names.remove(&client.id()) {
            let _ = client.broadcast("left", &name, &[]);
        }
    }

    fn on_tick(&mut self, clients: &mut Clients<'_, '_>) -> Option<u32> {
        for line in self.lines.try_iter() {
            let _ = clients.broadcast("/", "announced", &serde_json::Value::from(line).to_string(), &[]);
        }
        let before = mem::replace(&mut self.present, clients.ids("/").count());
        if self.present != before {
            let _ = clients.broadcast("/", "present", &self.present.to_string(), &[]);
        }
        Some(1_000)
    }
}

fn main() -> io::Result<()> {
    let (sender, lines) = mpsc::channel();
    let port = env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(1740);
    let listen = vec![SocketAddr::from(([127, 0, 0, 1], port)).into()];
    let mut config = Config::default();
    config.listen = listen;
    let server = Server::bind(config)?.application(Chat { names: HashMap::new(), present: 0, lines });
    println!("listening on {}", server.urls().join(" "));
    let handle = server.handle().try_clone()?;
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let _ = sender.send(line).map(|()| handle.wake());
        }
    });
    server.run().map(|_| ())
}
