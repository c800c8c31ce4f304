//! An echo server over blocking std TCP, a thread for each client, with two buffers of 512 bytes.
//!
//! `cargo run -p microws --features embedded-io --example server_blocking -- 127.0.0.1:1740`

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};

use embedded_io_adapters::std::FromStd;
use microws::io::{Error, blocking::WebSocket};
use microws::{Buffer, Config, Event, Session};

static CONFIG: Config<'_> = Config::new().subprotocols(&["echo-protocol"]).max_message_len(1 << 20);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into()))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || {
            if let Err(error) = serve(stream) {
                println!("{error}");
            }
        });
    }
    Ok(())
}

fn serve(stream: TcpStream) -> Result<(), Error<io::Error>> {
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut socket = WebSocket::new(FromStd::new(stream), rx, tx, Session::server(&CONFIG))
        .half_close(|stream| _ = stream.inner().shutdown(Shutdown::Write));
    while let Some((event, reply)) = socket.recv()? {
        match event {
            Event::Request(line) if line.path() != "/" => reply.respond(404, &[], "only / is here\n")?,
            Event::Chunk(c) => reply.send_fragment(c.kind, c.payload, c.fin)?,
            _ => {} // pings are answered, bad requests rejected, close frames exchanged
        }
    }
    Ok(())
}
