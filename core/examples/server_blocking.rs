//! An echo server over blocking std TCP, a thread for each client, two buffers of 512 bytes in each.
//!
//! `cargo run -p microws --features embedded-io --example server_blocking -- 127.0.0.1:1740`

use std::io;
use std::net::{TcpListener, TcpStream};

use embedded_io_adapters::std::FromStd;
use microws::handshake::server::Item;
use microws::io::Error;
use microws::io::blocking::Accept;
use microws::{Buffer, Event};

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || match serve(stream) {
            Ok(end) => println!("{end}"),
            Err(error) => println!("{error}"),
        });
    }
    Ok(())
}

fn serve(stream: TcpStream) -> Result<&'static str, Error<io::Error>> {
    stream.set_nodelay(true).map_err(Error::Io)?;
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut request = Accept::new(FromStd::new(stream), rx, tx, &[]);
    let mut found = false;
    while let Some(item) = request.next()? {
        if let Item::Start { target, .. } = item {
            found = target.path() == "/";
        }
    }
    if !found {
        request.refuse(404, &[], "only / is here\n")?;
        return Ok("refused: no such path");
    }
    let mut socket = request.accept(&[])?;
    loop {
        match socket.recv()? {
            (Event::Chunk(chunk), reply) => reply.send_fragment(chunk.kind, chunk.payload, chunk.fin)?,
            (Event::Close(_), _) => return Ok("closed"),
            _ => {} // pings are answered already
        }
    }
}
