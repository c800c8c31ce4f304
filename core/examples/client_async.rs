//! A client over asynchronous std TCP: messages of any size to an echo server, through two buffers of 512 bytes.
//!
//! `cargo run -p microws --features embedded-io-async --example client_async -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;

use common::steps::{Answer, Step, arguments};
use common::{Result, hang_up, random};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::handshake::client::Request;
use microws::io::asynch::WebSocket;
use microws::{Buffer, CloseCode, Event, State};
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = TcpStream::connect((server.host.as_str(), server.port)).await?;
    stream.set_nodelay(true)?;
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let request = Request::new(&server.authority, &server.target);
    let mut socket = WebSocket::connect(FromTokio::new(stream), rx, tx, request, random).await?;

    for step in &steps {
        if let Step::Ping = step {
            socket.sender().ping(b"are you there?").await?;
        }
        let (kind, fragments) = step.fragments();
        for (payload, fin) in fragments {
            socket.sender().send_fragment(kind, payload, fin).await?;
        }
        let mut answer = Answer::new(step);
        // `recv` writes out what is queued before it waits.
        while !answer.take(&socket.recv().await?.0)? {}
    }

    if socket.state() == State::Open {
        socket.sender().close(CloseCode::NORMAL, "done").await?;
        loop {
            if let (Event::Close(close), _) = socket.recv().await? {
                println!("closed: {}", close.code);
                break;
            }
        }
    }
    hang_up(socket.into_parts().0.into_inner().into_std()?)
}
