//! A client over blocking std TCP: messages of any size to an echo server, through two buffers of 512 bytes.
//!
//! `cargo run -p microws --features embedded-io --example client_blocking -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;

use common::steps::{Answer, Step, arguments};
use common::{Result, half_close, random};
use embedded_io_adapters::std::FromStd;
use microws::io::blocking::WebSocket;
use microws::{Buffer, CloseCode, Config, Session, State};

fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = FromStd::new(server.dial()?);
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let config = Config::new().request(&server.authority, &server.target);
    let mut socket = WebSocket::new(stream, rx, tx, Session::client(&config, random))
        .half_close(|stream| half_close(stream.inner()));
    socket.open()?;

    for step in &steps {
        if let Step::Ping = step {
            socket.sender().ping(b"are you there?")?;
        }
        let (kind, fragments) = step.fragments();
        for (payload, fin) in fragments {
            socket.sender().send_fragment(kind, payload, fin)?;
        }
        let mut answer = Answer::new(step);
        // `recv` writes out queued bytes before it waits.
        while let Some((event, _)) = socket.recv()? {
            if answer.take(&event)? {
                break;
            }
        }
    }

    let open = socket.session().state() == State::Open;
    if open {
        socket.sender().close(CloseCode::NORMAL, "done")?;
    }
    while socket.recv()?.is_some() {}
    if open && let Some(end) = socket.session().end() {
        println!("{end}");
    }
    Ok(())
}
