//! An echo server on one thread with tokio, a task for each client, with all deadlines.
//!
//! `cargo run -p microws --features embedded-io-async --example server_async -- 127.0.0.1:1740`

mod common;

use std::time::Duration;

use common::{half_close, now};
use embassy_futures::select::{Either, select};
use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::{Error, asynch::WebSocket};
use microws::{Buffer, Config, Event, Session};
use tokio::net::{TcpListener, TcpStream};

static CONFIG: Config<'_> = Config::new().subprotocols(&["echo-protocol"]);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into())).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                println!("{error}");
            }
        });
    }
}

async fn serve(stream: TcpStream) -> Result<(), Error<std::io::Error>> {
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut socket = WebSocket::new(FromTokio::new(stream), rx, tx, Session::server(&CONFIG))
        .half_close(|stream| half_close(stream.inner()));
    loop {
        // `recv` goes on where it was dropped.
        let timer = tokio::time::sleep(Duration::from_millis(socket.tick(now()).unwrap_or(u32::MAX).into()));
        match select(socket.recv(), timer).await {
            Either::First(received) => match received? {
                Some((Event::Chunk(c), reply)) => reply.send_fragment(c.kind, c.payload, c.fin).await?,
                Some(_) => {}
                None => return Ok(()),
            },
            Either::Second(()) => {} // `tick` does what is due
        }
    }
}
