//! An echo server without a session, in as few bytes of flash as possible: the handshake and the connection are driven
//! by hand, over any blocking stream. There are no deadlines, and a stream that is closed right after the end may take
//! the last bytes away: see `http::respond`.
//!
//! `cargo run -p microws --example by_hand -- 127.0.0.1:1740`

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};

use microws::handshake::{ServerHandshake, reject};
use microws::{Buffer, Config, Connection, Event, Step};

static CONFIG: Config<'_> = Config::new();

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into()))?;
    println!("listening on ws://{}/", listener.local_addr()?);
    loop {
        let (mut stream, _) = listener.accept()?;
        if let Err(error) = serve(&mut stream) {
            println!("{error}");
        }
        // Read until the client ends the stream: our last bytes are safe then.
        let _ = stream.shutdown(Shutdown::Write);
        let _ = io::copy(&mut stream, &mut io::sink());
    }
}

fn serve<S: Read + Write>(stream: &mut S) -> Result<(), Box<dyn std::error::Error>> {
    let (mut rx, mut tx) = ([0; 512], [0; 526]);
    let (mut rx, mut tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let mut handshake = ServerHandshake::new(&CONFIG);
    let checked = loop {
        match handshake.receive(&mut rx) {
            Ok(None) => fill(&mut rx, stream)?,
            Ok(Some(Event::HeadEnd)) => break handshake.check(),
            Ok(Some(_)) => {} // the request line, a field
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = checked {
        reject(&mut tx, error)?;
        drain(&mut tx, stream)?;
        return Err(error.into());
    }
    handshake.accept(&mut tx, &[])?;
    let mut connection = Connection::server();
    loop {
        match connection.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(c)) => {
                if tx.free() < c.payload.len().saturating_add(4) {
                    drain(&mut tx, stream)?;
                }
                connection.send_fragment(&mut tx, c.kind, c.payload, c.fin)?;
            }
            Step::Event(_) | Step::Shutdown => {}
            Step::Write => drain(&mut tx, stream)?,
            Step::Read => {
                drain(&mut tx, stream)?;
                fill(&mut rx, stream)?;
            }
            Step::End(end) => {
                println!("{end}");
                return Ok(());
            }
        }
    }
}

fn fill(rx: &mut Buffer<'_>, stream: &mut impl Read) -> io::Result<()> {
    match stream.read(rx.spare())? {
        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        n => rx.commit(n),
    }
    Ok(())
}

fn drain(tx: &mut Buffer<'_>, stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(tx.filled())?;
    tx.consume(tx.len());
    Ok(())
}
