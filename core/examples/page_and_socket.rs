//! A page and a WebSocket on one port, with buffers of 256 bytes: the page comes out of flash through them, and then shows
//! a reading that is measured every second, encoded once and sent to all who look.
//!
//! `cargo run -p microws --features http --example page_and_socket -- 127.0.0.1:1740`

mod common;

use std::io::{self, ErrorKind};
use std::net::TcpListener;

use common::now;
use common::tcp::{Tcp, idle};
use microws::io::polled::WebSocket;
use microws::{
    Buffer, Config, Event, Fields, MessageKind, Prepared, SendError, Server, Session, State, Step,
};

static CONFIG: Config<'_> = Config::new();
static PAGE: &[u8] = include_bytes!("page_and_socket.html");
/// A page that was compressed when the firmware was built also says `("Content-Encoding", "gzip")`.
static HTML: &Fields<'_> = &[("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache")];

/// A place for one client: browsers open several connections for a page.
struct Place<'a> {
    stream: Option<Tcp>,
    socket: WebSocket<'a, Server>,
    asked: Asked,
}

/// What the last request asks for.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Page,
    Live,
    Nothing,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:1740".into()))?;
    listener.set_nonblocking(true)?;
    println!("listening on http://{}/", listener.local_addr()?);
    let mut storage = [[[0; 256]; 2]; 8];
    let mut places: Vec<Place<'_>> = storage
        .iter_mut()
        .map(|[rx, tx]| {
            let socket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), Session::server(&CONFIG));
            Place { stream: None, socket, asked: Asked::Nothing }
        })
        .collect();
    let mut measured = now();
    loop {
        if now().wrapping_sub(measured) >= 1000 {
            measured = measured.wrapping_add(1000);
            let reading = format!("{}.{} °C", measured / 10_000 % 40, measured / 1000 % 10);
            // It has room for the longest one.
            let mut storage = [0; 32];
            if let Some(reading) = Prepared::new(&mut storage, MessageKind::Text, reading.as_bytes()) {
                for place in places.iter_mut().filter(|place| place.socket.session().state() == State::Open) {
                    // One who takes them too slowly misses some.
                    let _ = place.socket.sender().send_prepared(&reading);
                }
            }
        }
        for place in &mut places {
            if place.stream.is_none() {
                match listener.accept() {
                    Ok((stream, _)) => {
                        place.socket.restart(Session::server(&CONFIG));
                        place.stream = Some(Tcp::new(stream)?);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                    Err(error) => return Err(error),
                }
            }
            if let Some(end) = serve(place) {
                println!("{end}");
                // Nobody looks at this place's session again before it is restarted.
                place.stream = None;
            }
        }
        idle();
    }
}

/// Does everything that can be done now; how it ended, if it did.
fn serve(place: &mut Place<'_>) -> Option<String> {
    let stream = place.stream.as_mut()?;
    loop {
        let (event, reply) = match place.socket.poll(stream, now()) {
            Ok(Step::Event(event)) => event,
            Ok(Step::End(end)) => return Some(end.to_string()),
            Ok(_) => return None,
            Err(error) => return Some(error.to_string()),
        };
        let done = match (event, place.asked) {
            (Event::Request(line), _) => {
                place.asked = match (line.method(), line.path()) {
                    ("GET" | "HEAD", "/") => Asked::Page,
                    ("GET" | "HEAD", "/live") => Asked::Live,
                    ("GET" | "HEAD", _) => Asked::Nothing,
                    // The session answers with 405.
                    _ => Asked::Live,
                };
                continue;
            }
            // As much of it as there is room for; for the rest `ContentDue` comes.
            (Event::HeadEnd | Event::ContentDue, Asked::Page) => reply.respond_content(200, HTML, PAGE),
            (Event::HeadEnd, Asked::Nothing) => {
                reply.respond_and_stay(404, &[], "only / and /live are here\n")
            }
            // The session accepts the upgrade, or answers with 426.
            _ => continue,
        };
        if let Err(error) = done
            && error != SendError::NotNow
        {
            return Some(error.to_string());
        }
    }
}
