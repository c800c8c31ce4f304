//! An echo server over asynchronous std TCP, a task for each client, two buffers of 512 bytes in each.
//!
//! `cargo run -p microws --features embedded-io-async --example server_async -- 127.0.0.1:1740`

use std::io;

use embedded_io_adapters::tokio_1::FromTokio;
use microws::handshake::server::Item;
use microws::io::Error;
use microws::io::asynch::Accept;
use microws::{Buffer, Event};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            match serve(stream).await {
                Ok(end) => println!("{end}"),
                Err(error) => println!("{error}"),
            }
        });
    }
}

async fn serve(stream: TcpStream) -> Result<&'static str, Error<io::Error>> {
    stream.set_nodelay(true).map_err(Error::Io)?;
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut request = Accept::new(FromTokio::new(stream), rx, tx, &[]);
    let mut found = false;
    while let Some(item) = request.next().await? {
        if let Item::Start { target, .. } = item {
            found = target.path() == "/";
        }
    }
    if !found {
        request.refuse(404, &[], "only / is here\n").await?;
        return Ok("refused: no such path");
    }
    let mut socket = request.accept(&[]).await?;
    loop {
        match socket.recv().await? {
            (Event::Chunk(chunk), reply) => reply.send_fragment(chunk.kind, chunk.payload, chunk.fin).await?,
            (Event::Close(_), _) => return Ok("closed"),
            _ => {} // pings are answered already
        }
    }
}
