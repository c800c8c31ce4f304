//! A client over tokio: messages of any size to an echo server, through two buffers of 512 bytes.
//!
//! `cargo run -p microws --features embedded-io-async --example client_async -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;

use common::steps::{Answer, Step, arguments};
use common::{Result, half_close, random};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::asynch::WebSocket;
use microws::{Buffer, CloseCode, Config, Session, State};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = server.dial()?;
    stream.set_nonblocking(true)?;
    let stream = FromTokio::new(tokio::net::TcpStream::from_std(stream)?);
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let config = Config::new().request(&server.authority, &server.target);
    let mut socket = WebSocket::new(stream, rx, tx, Session::client(&config, random))
        .half_close(|stream| half_close(stream.inner()));
    socket.open().await?;

    for step in &steps {
        if let Step::Ping = step {
            socket.sender().ping(b"are you there?").await?;
        }
        let (kind, fragments) = step.fragments();
        for (payload, fin) in fragments {
            socket.sender().send_fragment(kind, payload, fin).await?;
        }
        let mut answer = Answer::new(step);
        // `recv` writes out queued bytes before it waits.
        while let Some((event, _)) = socket.recv().await? {
            if answer.take(&event)? {
                break;
            }
        }
    }

    let open = socket.session().state() == State::Open;
    if open {
        socket.sender().close(CloseCode::NORMAL, "done").await?;
    }
    while socket.recv().await?.is_some() {}
    if open && let Some(end) = socket.session().end() {
        println!("{end}");
    }
    Ok(())
}
