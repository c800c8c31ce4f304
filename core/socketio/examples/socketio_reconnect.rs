//! A client that comes back: each connection is a new session and a new client over the same buffers, after a time that
//! doubles, with chance in it, so that a thousand devices don't come back at once. On a server with connection state
//! recovery it goes on where it was.
//!
//! `cargo run -p microws-socketio --features embedded-io --example socketio_reconnect -- 127.0.0.1:3000`

mod common;

use std::net::TcpStream;
use std::time::Duration;

use common::{Result, arguments, now, random, text};
use embedded_io_adapters::std::FromStd;
use microws::io::blocking::WebSocket;
use microws::{Buffer, Config, Session};
use microws_socketio::io::{Error, blocking::Socket};
use microws_socketio::{Client, ClientConfig, End, Event, Inbox, Recovery, TARGET};

fn main() -> Result<()> {
    let (server, namespace, auth) = arguments()?;
    let (mut rx, mut tx, mut inbox) = ([0; 256], [0; 256], [0; 1024]);
    let config = Config::new().request(&server, TARGET);
    let (mut recovery, mut attempt) = (Recovery::new(), 0);
    loop {
        let mut room = [0; 512];
        let auth = recovery.auth(&auth, &mut room).ok_or("the auth payload is too long")?;
        let namespace = ClientConfig::new().namespace(&namespace).auth_bytes(auth);
        if let Ok(stream) = TcpStream::connect(&server) {
            stream.set_read_timeout(Some(Duration::from_millis(100)))?;
            let session = Session::client(&config, random);
            let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
            let socket = WebSocket::new(FromStd::new(stream), rx, tx, session);
            let mut socket = Socket::new(socket, Client::new(&namespace), Inbox::new(&mut inbox));
            let end = loop {
                socket.tick(now());
                match socket.recv() {
                    Ok(Some((event, sender))) => {
                        recovery.note(&event);
                        match event {
                            Event::Connected { .. } => {
                                let how = if recovery.is_recovered() { "recovered" } else { "connected" };
                                println!("{how}");
                                attempt = 0;
                                sender.emit("hello", "\"again\"")?;
                            }
                            Event::Event { name: b"leave", .. } => sender.disconnect(),
                            Event::Event { name, args, .. } => println!("{}({})", text(name), text(args)),
                            _ => {}
                        }
                    }
                    Ok(None) => {
                        println!("we left the namespace");
                        break Some(End::Left);
                    }
                    Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => {
                        println!("{error}");
                        break socket.client().end();
                    }
                }
            };
            // Whoever was refused, or sent away, or left, does not come back by itself.
            if let Some(End::Left | End::Refused | End::Disconnected) = end {
                return Ok(());
            }
        }
        std::thread::sleep(Duration::from_millis(backoff(attempt)));
        attempt = attempt.saturating_add(1);
    }
}

/// 100 ms, 200 ms and so on up to 6.4 s, and by chance up to as much more.
fn backoff(attempt: u32) -> u64 {
    let half = 100 << attempt.min(6);
    let mut chance = [0; 2];
    random(&mut chance);
    let more = u64::from(u16::from_ne_bytes(chance)).checked_rem(half).unwrap_or_default();
    half.saturating_add(more)
}
