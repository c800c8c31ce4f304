//! A client over blocking std TCP: messages of any size to an echo server, through two buffers of 512 bytes.
//!
//! `cargo run -p microws --features embedded-io --example client_blocking -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;

use common::steps::{Answer, Step, arguments};
use common::{Result, hang_up, random};
use embedded_io_adapters::std::FromStd;
use microws::handshake::client::Request;
use microws::io::blocking::WebSocket;
use microws::{Buffer, CloseCode, Event, State};

fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = FromStd::new(server.dial()?);
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let request = Request::new(&server.authority, &server.target);
    let mut socket = WebSocket::connect(stream, rx, tx, request, random)?;

    for step in &steps {
        if let Step::Ping = step {
            socket.sender().ping(b"are you there?")?;
        }
        let (kind, fragments) = step.fragments();
        for (payload, fin) in fragments {
            socket.sender().send_fragment(kind, payload, fin)?;
        }
        let mut answer = Answer::new(step);
        // `recv` writes out what is queued before it waits.
        while !answer.take(&socket.recv()?.0)? {}
    }

    if socket.state() == State::Open {
        socket.sender().close(CloseCode::NORMAL, "done")?;
        loop {
            if let (Event::Close(close), _) = socket.recv()? {
                println!("closed: {}", close.code);
                break;
            }
        }
    }
    hang_up(socket.into_parts().0.into_inner())
}
