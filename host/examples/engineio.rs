//! Engine.IO without Socket.IO: every message comes back, and the others get it as well.
//!
//! ```js
//! import { Socket } from 'engine.io-client';
//! const socket = new Socket('http://127.0.0.1:1740'); // under /engine.io/
//! socket.on('message', console.log);
//! socket.send('hello');
//! ```

use std::{env, io, net::SocketAddr};

use microws_host::engineio::{Application, Message, Socket};
use microws_host::socketio::Transports;
use microws_host::{Config, Server};
use microws_socketio::End;

#[derive(Debug)]
struct Relay;

impl Application for Relay {
    fn on_open(&mut self, socket: &mut Socket<'_, '_>) {
        let text = format!("you are {} of {}", socket.id(), socket.sockets().ids().count());
        // There is room for it: nothing waits yet.
        let _ = socket.send(text.as_str());
    }

    fn on_message(&mut self, socket: &mut Socket<'_, '_>, message: Message<'_>) {
        if message == Message::Text("goodbye") {
            return socket.close();
        }
        socket.broadcast(message);
        if let Err(error) = socket.send(message) {
            println!("client {} does not take its own message: {error}", socket.id());
            socket.close();
        }
    }

    fn on_close(&mut self, socket: &mut Socket<'_, '_>, reason: &End) {
        println!("client {} is gone: {reason}", socket.id());
    }
}

fn main() -> io::Result<()> {
    let port = env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(1740);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut config = Config::default();
    config.listen = vec![address.into()];
    config.socketio.transports = Transports::Off;
    let server = Server::bind(config)?.engine_application(Relay);
    println!("listening on {}", server.urls().join(" "));
    server.run().map(|_| ())
}
