//! A client over non-blocking std TCP: messages of any size to an echo server, through two buffers of 512 bytes.
//! It receives while it sends, so that the echo of a message may begin before its end was sent.
//!
//! `cargo run -p microws --features nb --example client_nb -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;
#[path = "common/nonblocking.rs"]
mod nonblocking;

use common::steps::{Answer, Step, arguments};
use common::{Result, hang_up, random};
use microws::handshake::client::Request;
use microws::io::nonblocking::Connect;
use microws::{Buffer, CloseCode, Event, State};
use nonblocking::{Tcp, idle, ready};

fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = Tcp::new(server.dial()?)?;
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let request = Request::new(&server.authority, &server.target);
    let mut opening = Connect::new(stream, rx, tx, request, random);
    let mut socket = loop {
        match ready(opening.connect())? {
            Some(socket) => break socket,
            None => idle(),
        }
    };

    for step in &steps {
        let (kind, fragments) = step.fragments();
        let mut fragments = fragments.into_iter().peekable();
        let mut ping = matches!(step, Step::Ping);
        let mut answer = Answer::new(step);
        loop {
            let mut moved = false;
            if ping && ready(socket.sender().ping(b"are you there?"))?.is_some() {
                ping = false;
            }
            // What is not queued yet is tried again in the next turn, with the same arguments.
            if let Some((payload, fin)) = fragments.peek() {
                if ready(socket.sender().send_fragment(kind, payload, *fin))?.is_some() {
                    fragments.next();
                    moved = true;
                }
            }
            if let Some((event, _)) = ready(socket.recv())? {
                if answer.take(&event)? {
                    break;
                }
                moved = true;
            }
            if !moved {
                idle();
            }
        }
    }

    let mut closing = socket.state() == State::Open;
    while closing && ready(socket.sender().close(CloseCode::NORMAL, "done"))?.is_none() {
        idle();
    }
    while closing {
        match ready(socket.recv())? {
            Some((Event::Close(close), _)) => {
                println!("closed: {}", close.code);
                closing = false;
            }
            Some(_) => {}
            None => idle(),
        }
    }
    hang_up(socket.into_parts().0.0)
}
