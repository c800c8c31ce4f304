//! A client that never waits, as on a polled TCP stack: messages of any size to an echo server, through two buffers of
//! 512 bytes.
//!
//! `cargo run -p microws --example client_polled -- ws://127.0.0.1:1740/ 100000 t12 ping`

mod common;

use common::steps::{Answer, Step, arguments};
use common::tcp::{Tcp, idle};
use common::{Result, now, random};
use microws::io::polled::{Sender, WebSocket};
use microws::{Buffer, Client, CloseCode, Config, Event, SendError, Sent, Session, State};

type Random = fn(&mut [u8]);

struct Connection<'a> {
    socket: WebSocket<'a, Client<Random>>,
    stream: Tcp,
}

fn main() -> Result<()> {
    let (server, steps) = arguments()?;
    let stream = Tcp::new(server.dial()?)?;
    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let config = Config::new().request(&server.authority, &server.target);
    let socket = WebSocket::new(rx, tx, Session::client(&config, random as Random));
    let mut connection = Connection { socket, stream };
    while connection.next(|event| Ok(*event != Event::Open))? == Some(true) {}

    for step in &steps {
        let mut answer = Answer::new(step);
        let mut answered = false;
        if let Step::Ping = step {
            connection.send(&mut answer, &mut answered, |reply| reply.ping(b"are you there?"))?;
        }
        let (kind, fragments) = step.fragments();
        for (payload, fin) in fragments {
            connection.send(&mut answer, &mut answered, |reply| reply.send_fragment(kind, payload, fin))?;
        }
        while !answered && let Some(done) = connection.next(|event| answer.take(event))? {
            answered = done;
        }
    }

    let open = connection.socket.session().state() == State::Open;
    if open {
        // `tx` has room: every answer has come.
        _ = connection.socket.sender().close(CloseCode::NORMAL, "done")?;
    }
    while connection.next(|_| Ok(()))?.is_some() {}
    if open && let Some(end) = connection.socket.session().end() {
        println!("{end}");
    }
    Ok(())
}

impl<'a> Connection<'a> {
    /// Waits for an event and gives it to `look`; `None` is the end.
    fn next<T>(&mut self, look: impl FnOnce(&Event<'_>) -> Result<T>) -> Result<Option<T>> {
        loop {
            match self.socket.poll(&mut self.stream, now())? {
                microws::Step::Event((event, _)) => return look(&event).map(Some),
                microws::Step::End(_) => return Ok(None),
                _ => idle(),
            }
        }
    }

    /// Sends as the stream has room. The answer may begin to come before all is sent.
    fn send(
        &mut self,
        answer: &mut Answer<'_>,
        answered: &mut bool,
        verb: impl Fn(&mut Sender<'a, Client<Random>>) -> std::result::Result<Sent, SendError>,
    ) -> Result<()> {
        while verb(self.socket.sender())? == Sent::Write {
            match self.socket.poll(&mut self.stream, now())? {
                microws::Step::Event((event, _)) => *answered = answer.take(&event)?,
                microws::Step::End(end) => return Err(end.into()),
                _ => idle(),
            }
        }
        Ok(())
    }
}
