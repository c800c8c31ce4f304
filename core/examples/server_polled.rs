//! An echo server without waiting anywhere, as on a polled TCP stack: the stream is lent to each call, and everything
//! about a client, deadlines and the end of its stream included, is in `WebSocket::poll`.
//!
//! `cargo run -p microws --example server_polled -- 127.0.0.1:1740`

mod common;

use std::io::{self, ErrorKind};
use std::net::TcpListener;

use common::now;
use common::tcp::{Tcp, idle};
use microws::io::polled::WebSocket;
use microws::{Buffer, Config, Event, Server, Session, Step};

static CONFIG: Config<'_> = Config::new().subprotocols(&["echo-protocol"]);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into()))?;
    listener.set_nonblocking(true)?;
    println!("listening on ws://{}/", listener.local_addr()?);
    // As many clients as a device has room for. `tx` holds the echo of all that `rx` can hold.
    let mut storage = [([0; 512], [0; 526]), ([0; 512], [0; 526])];
    let mut places: Vec<(Option<Tcp>, WebSocket<'_, Server>)> = storage
        .iter_mut()
        .map(|(rx, tx)| (None, WebSocket::new(Buffer::new(rx), Buffer::new(tx), Session::server(&CONFIG))))
        .collect();
    loop {
        for (place, socket) in &mut places {
            if place.is_none() {
                match listener.accept() {
                    Ok((stream, _)) => {
                        socket.restart(Session::server(&CONFIG));
                        *place = Some(Tcp::new(stream)?);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error),
                }
            }
            if let Some(stream) = place
                && let Some(end) = serve(socket, stream)
            {
                println!("{end}");
                *place = None;
            }
        }
        idle();
    }
}

/// Does everything that can be done now; how it ended, if it did.
fn serve(socket: &mut WebSocket<'_, Server>, stream: &mut Tcp) -> Option<String> {
    loop {
        match socket.poll(stream, now()) {
            Ok(Step::Event((Event::Chunk(c), reply))) => {
                // There is room: `tx` is large enough.
                _ = reply.send_fragment(c.kind, c.payload, c.fin);
            }
            Ok(Step::Event(_)) => {}
            Ok(Step::End(end)) => return Some(end.to_string()),
            Ok(_) => return None,
            Err(error) => return Some(error.to_string()),
        }
    }
}
