//! A server over blocking std TCP, WebSocket only, one client after the other: it acknowledges every event with its own
//! arguments and attachments. JavaScript connects with `transports: ["websocket"]`.
//!
//! `cargo run -p microws-socketio --features embedded-io --example socketio_server -- 127.0.0.1:3000`

mod common;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use common::{Result, arguments, half_close, now, random, text};
use embedded_io_adapters::std::FromStd;
use microws::io::{Error, blocking::WebSocket};
use microws::{Buffer, Config, Event, Session};
use microws_socketio::server::{ServerConfig, ServerEvent, ServerSession, Sid, Transport};
use microws_socketio::{Inbox, Outgoing, SendError};

const OFFER: ServerConfig<'_> = ServerConfig::new().namespaces(&["/", "/admin"]).upgrades(false);

fn main() -> Result<()> {
    let listener = TcpListener::bind(arguments()?.0)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match serve(listener.accept()?.0) {
            Ok(()) => println!("the client has gone"),
            Err(error) => println!("{error}"),
        }
    }
}

fn serve(stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let (mut rx, mut tx, mut queue, mut arena) = ([0; 1100], [0; 512], [0; 2048], [0; 1100]);
    // Messages of the size that the client is told come whole.
    let config = Config::new().whole_up_to(1024);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut socket = WebSocket::new(FromStd::new(stream), rx, tx, Session::server(&config))
        .half_close(|stream| half_close(stream.inner()));
    socket.open()?;
    let mut inbox = Inbox::new(&mut arena);
    let mut session = ServerSession::new(&OFFER, sid(), Transport::WebSocket, &mut queue);
    loop {
        session.tick(now());
        socket.tick(now());
        match socket.sender().until_sent(|ws, tx| session.send_queued(ws, tx)) {
            Ok(()) | Err(Error::Send(microws::SendError::Closed)) => {}
            Err(error) => return Err(error.into()),
        }
        let chunk = match socket.recv() {
            Ok(Some((Event::Chunk(chunk), _))) => chunk,
            Ok(Some(_)) => continue,
            Ok(None) => return Ok(()),
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some(event) = session.receive(&chunk, &mut inbox) {
            answer(&mut session, &event)?;
        }
    }
}

fn answer(session: &mut ServerSession<'_>, event: &ServerEvent<'_>) -> std::result::Result<(), SendError> {
    match event {
        ServerEvent::Connect { namespace: 1, auth } if !auth.ends_with(b"\"abc\"}") => {
            session.refuse(1, r#"{"message":"no token"}"#)
        }
        ServerEvent::Connect { namespace, .. } => session.accept(*namespace, sid()),
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            println!("{}({})", text(name), text(args));
            let attachments: Vec<&[u8]> = attachments.collect();
            let args = text(args);
            let outgoing = match ack {
                Some(id) => Outgoing::ack(*id, &args),
                None => Outgoing::event("echo", &args),
            };
            session.send(*namespace, &outgoing.attachments(&attachments))
        }
        _ => Ok(()),
    }
}

fn sid() -> Sid {
    let mut bytes = [0; 15];
    random(&mut bytes);
    Sid::new(bytes)
}
