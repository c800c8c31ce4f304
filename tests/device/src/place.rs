//! A server's place for one client: the clients that use it, one after the other, each with every deadline.

use microws::io::polled::{Sender, WebSocket};
use microws::{Buffer, Config, End, Event, Server, Session, Step};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::tcp::Tcp;

/// How long TCP may take to bring its last segments over after the end of a session.
const LAST_SEGMENTS: Duration = Duration::from_secs(5);

pub struct Place<'a> {
    config: &'a Config<'a>,
    pub websocket: WebSocket<'a, Server>,
    /// When [`serve`](Self::serve) must be called even if nothing happens.
    deadline: Option<Instant>,
    ended: bool,
}

impl<'a> Place<'a> {
    pub fn new(config: &'a Config<'a>, rx: Buffer<'a>, tx: Buffer<'a>) -> Self {
        let websocket = WebSocket::new(rx, tx, Session::server(config));
        Self { config, websocket, deadline: None, ended: false }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Does everything that can be done without waiting; `on_event` takes what the client says.
    pub fn serve(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        port: u16,
        now: Instant,
        mut on_event: impl FnMut(Event<'_>, &mut Sender<'_, Server>),
    ) {
        if self.ended && self.deadline.is_some_and(|deadline| now >= deadline) {
            socket.abort();
        }
        if !socket.is_open() || socket.state() == tcp::State::TimeWait {
            // A socket in TIME-WAIT is not closed, and one that is not closed can't listen.
            socket.abort();
            defmt::unwrap!(socket.listen(port));
            self.websocket.restart(Session::server(self.config));
            (self.deadline, self.ended) = (None, false);
        }
        if self.ended || matches!(socket.state(), tcp::State::Listen | tcp::State::SynReceived) {
            return;
        }
        let end = loop {
            match self.websocket.poll(&mut Tcp(socket), now.total_millis() as u32) {
                Ok(Step::Event((event, reply))) => on_event(event, reply),
                Ok(Step::End(end)) => break end,
                Ok(_) => {
                    let wait = self.websocket.wait();
                    self.deadline = wait.map(|wait| now + Duration::from_millis(wait.into()));
                    return;
                }
                Err(error) => {
                    defmt::info!("a client is gone: {}", error);
                    break End::Eof;
                }
            }
        };
        defmt::info!("a client left: {}", end);
        self.ended = true;
        self.deadline = Some(if let End::Overdue(_) = end { now } else { now + LAST_SEGMENTS });
        socket.close();
    }
}
