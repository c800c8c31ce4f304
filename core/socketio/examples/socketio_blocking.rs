//! A client over blocking std TCP: it says hello and returns what the server sends, attachments too, until it is told
//! to leave.
//!
//! `cargo run -p microws-socketio --features embedded-io --example socketio_blocking -- 127.0.0.1:3000 /sensors`

mod common;

use std::net::TcpStream;
use std::time::Duration;

use common::{Result, arguments, half_close, note, now, random, text};
use embedded_io_adapters::std::FromStd;
use microws::io::blocking::WebSocket;
use microws::{Buffer, Config, Session};
use microws_socketio::io::{Error, blocking::Socket};
use microws_socketio::{AckSlot, Client, ClientConfig, Event, Inbox, Outgoing, TARGET};

fn main() -> Result<()> {
    let (server, namespace, auth) = arguments()?;
    let stream = TcpStream::connect(&server)?;
    // How long to wait for bytes before the deadlines are looked at again.
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;

    let (mut rx, mut tx, mut inbox, mut acks) = ([0; 256], [0; 256], [0; 1024], [AckSlot::new(); 2]);
    let config = Config::new().request(&server, TARGET);
    let namespace = ClientConfig::new().namespace(&namespace).auth(&auth);
    let (session, client) = (Session::client(&config, random), Client::new(&namespace).acks(&mut acks));
    let socket = WebSocket::new(FromStd::new(stream), Buffer::new(&mut rx), Buffer::new(&mut tx), session)
        .half_close(|stream| half_close(stream.inner()));
    let mut socket = Socket::new(socket, client, Inbox::new(&mut inbox));
    loop {
        socket.tick(now());
        let (event, sender) = match socket.recv() {
            Ok(Some(received)) => received,
            Ok(None) => break println!("we left the namespace"),
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => break println!("{error}"),
        };
        match event {
            Event::Connected { .. } => {
                println!("connected");
                let id = sender.expect_ack(5_000).ok_or("no room for acknowledgements")?;
                sender.send(&Outgoing::event("hello", "\"blocking\"").expect(id))?;
            }
            Event::Event { name: b"leave", .. } => sender.disconnect(),
            Event::Event { name, args, attachments, ack } => {
                let args = text(args);
                println!("{}({args})", text(name));
                let attachments: Vec<&[u8]> = attachments.collect();
                if let Some(id) = ack {
                    sender.send(&Outgoing::ack(id, &args).attachments(&attachments))?;
                }
            }
            event => note(&event),
        }
    }
    Ok(())
}
