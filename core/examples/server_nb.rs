//! An echo server over non-blocking std TCP: one loop, eight places with two buffers each.
//!
//! `cargo run -p microws --features nb --example server_nb -- 127.0.0.1:1740`

#[path = "common/nonblocking.rs"]
mod nonblocking;

use std::io;
use std::net::TcpListener;

use microws::io::Error;
use microws::io::nonblocking::{Accept, WebSocket};
use microws::{Buffer, Event, Server};
use nonblocking::{Tcp, idle, ready};

/// How far a client has come.
enum Client<'a> {
    Opening(Accept<'a, 'static, Tcp>),
    Open(WebSocket<'a, Tcp, Server>),
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into());
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}/", listener.local_addr()?);

    // `tx` is larger than `rx` by a header: the echo of whatever is in `rx` fits into it.
    let mut storage = [([0; 512], [0; 526]); 8];
    let mut places: Vec<_> = storage.iter_mut().map(|(rx, tx)| (Buffer::new(rx), Buffer::new(tx))).collect();
    let mut clients: Vec<Client<'_>> = Vec::new();
    loop {
        let mut moved = false;
        // Without a free place a client waits in the listener's queue.
        if let Some((mut rx, mut tx)) = places.pop() {
            match listener.accept() {
                Ok((stream, _)) => {
                    rx.consume(usize::MAX);
                    tx.consume(usize::MAX);
                    clients.push(Client::Opening(Accept::new(Tcp::new(stream)?, rx, tx, &[])));
                    moved = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => places.push((rx, tx)),
                Err(error) => return Err(error),
            }
        }
        for mut client in std::mem::take(&mut clients) {
            match turn(&mut client, &mut moved) {
                Ok(true) => clients.push(client),
                end => {
                    println!("{}", end.map_or_else(|error| error.to_string(), |_| "closed".into()));
                    places.extend(client.into_buffers());
                    moved = true;
                }
            }
        }
        if !moved {
            idle();
        }
    }
}

/// One step for one client; false when it has left.
fn turn(client: &mut Client<'_>, moved: &mut bool) -> Result<bool, Error<io::Error>> {
    match client {
        Client::Opening(request) => {
            if let Some(socket) = ready(request.accept(&[]))? {
                *client = Client::Open(socket);
                *moved = true;
            }
        }
        Client::Open(socket) => {
            // Nothing is received before the last echo has left: then there is room for the next.
            if ready(socket.sender().flush())?.is_none() {
                return Ok(true);
            }
            match ready(socket.recv())? {
                Some((Event::Chunk(chunk), reply)) => {
                    nb::block!(reply.send_fragment(chunk.kind, chunk.payload, chunk.fin))?;
                }
                Some((Event::Close(_), _)) => return Ok(false),
                Some(_) => {} // pings are answered already
                None => return Ok(true),
            }
            *moved = true;
        }
    }
    Ok(true)
}

impl<'a> Client<'a> {
    /// None only for an opening that has become a WebSocket.
    fn into_buffers(self) -> Option<(Buffer<'a>, Buffer<'a>)> {
        let (_, rx, tx) = match self {
            Self::Opening(request) => request.into_parts()?,
            Self::Open(socket) => socket.into_parts(),
        };
        Some((rx, tx))
    }
}
