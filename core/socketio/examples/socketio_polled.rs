//! A client that never waits, as on a polled TCP stack: it says hello and returns what the server sends, attachments
//! too, until it is told to leave.
//!
//! `cargo run -p microws-socketio --example socketio_polled -- 127.0.0.1:3000 /sensors`

mod common;

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use common::{Result, arguments, half_close, note, now, random, text};
use microws::io::polled::{Stream, WebSocket};
use microws::{Buffer, Config, Sent, Session};
use microws_socketio::io::polled::Socket;
use microws_socketio::{AckSlot, Client, ClientConfig, Event, Inbox, Outgoing, SendError, Step, TARGET};

fn main() -> Result<()> {
    let (server, namespace, auth) = arguments()?;
    let mut stream = Tcp(TcpStream::connect(&server)?);
    stream.0.set_nonblocking(true)?;

    // With a `tx` for the largest answer nothing is sent in parts.
    let (mut rx, mut tx, mut inbox, mut acks) = ([0; 256], [0; 2048], [0; 1024], [AckSlot::new(); 2]);
    let config = Config::new().request(&server, TARGET);
    let namespace = ClientConfig::new().namespace(&namespace).auth(&auth);
    let (session, client) = (Session::client(&config, random), Client::new(&namespace).acks(&mut acks));
    let socket = WebSocket::new(Buffer::new(&mut rx), Buffer::new(&mut tx), session);
    let mut socket = Socket::new(socket, client, Inbox::new(&mut inbox));
    loop {
        let (event, sender) = match socket.poll(&mut stream, now())? {
            Step::Event(received) => received,
            Step::End(end) => break println!("{end}"),
            _ => {
                std::thread::sleep(std::time::Duration::from_micros(200));
                continue;
            }
        };
        let sent = match event {
            Event::Connected { .. } => {
                println!("connected");
                let id = sender.expect_ack(5_000).ok_or("no room for acknowledgements")?;
                sender.send(&Outgoing::event("hello", "\"polled\"").expect(id))
            }
            Event::Event { name: b"leave", .. } => {
                sender.disconnect();
                continue;
            }
            Event::Event { name, args, attachments, ack } => {
                let args = text(args);
                println!("{}({args})", text(name));
                let attachments: Vec<&[u8]> = attachments.collect();
                match ack {
                    Some(id) => sender.send(&Outgoing::ack(id, &args).attachments(&attachments)),
                    None => continue,
                }
            }
            event => {
                note(&event);
                continue;
            }
        };
        match sent? {
            Sent::Done => {}
            Sent::Write => return Err(SendError::TooLong.into()),
        }
    }
    Ok(())
}

struct Tcp(TcpStream);

impl Stream for Tcp {
    type Error = io::Error;

    fn read(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.read(buf))
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.write(buf))
    }

    fn shutdown(&mut self) -> io::Result<bool> {
        half_close(&self.0);
        Ok(true)
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}
