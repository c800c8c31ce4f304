//! A client over tokio: it says hello and returns what the server sends, attachments too, until it is told to leave.
//!
//! `cargo run -p microws-socketio --features embedded-io-async --example socketio_async -- 127.0.0.1:3000 /sensors`

mod common;

use std::time::Duration;

use common::{Result, arguments, note, now, random, text};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::asynch::WebSocket;
use microws::{Buffer, Config, Session};
use microws_socketio::io::asynch::Socket;
use microws_socketio::{AckSlot, Client, ClientConfig, Event, Inbox, Outgoing, TARGET};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (server, namespace, auth) = arguments()?;
    let stream = FromTokio::new(TcpStream::connect(&server).await?);

    let (mut rx, mut tx, mut inbox, mut acks) = ([0; 256], [0; 256], [0; 1024], [AckSlot::new(); 2]);
    let config = Config::new().request(&server, TARGET);
    let namespace = ClientConfig::new().namespace(&namespace).auth(&auth);
    let (session, client) = (Session::client(&config, random), Client::new(&namespace).acks(&mut acks));
    let socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
    let mut socket = Socket::new(socket, client, Inbox::new(&mut inbox));
    loop {
        // `recv` may be dropped: the deadlines are looked at when they are due.
        let wait = socket.tick(now()).unwrap_or(u32::MAX);
        let wait = Duration::from_millis(wait.into());
        let (event, sender) = match tokio::time::timeout(wait, socket.recv()).await {
            Err(_) => continue,
            Ok(Ok(Some(received))) => received,
            Ok(Ok(None)) => break println!("we left the namespace"),
            Ok(Err(error)) => break println!("{error}"),
        };
        match event {
            Event::Connected { .. } => {
                println!("connected");
                let id = sender.expect_ack(5_000).ok_or("no room for acknowledgements")?;
                sender.send(&Outgoing::event("hello", "\"async\"").expect(id)).await?;
            }
            Event::Event { name: b"leave", .. } => sender.disconnect(),
            Event::Event { name, args, attachments, ack } => {
                let args = text(args);
                println!("{}({args})", text(name));
                let attachments: Vec<&[u8]> = attachments.collect();
                if let Some(id) = ack {
                    sender.send(&Outgoing::ack(id, &args).attachments(&attachments)).await?;
                }
            }
            event => note(&event),
        }
    }
    Ok(())
}
