//! One place of an echo server, for one client after the other. A server for more has more of them, each with a socket.

use microws::io::polled::WebSocket;
use microws::{Buffer, Config, End, Event, Server, Session, Step};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::tcp::Tcp;

/// How long TCP may take to bring its last segments over after the end of a session.
const LAST_SEGMENTS: Duration = Duration::from_secs(5);

static CONFIG: Config<'_> = Config::new();

pub struct Echo<'a> {
    websocket: WebSocket<'a, Server>,
    /// When [`serve`](Self::serve) must be called even if nothing happens.
    pub deadline: Option<Instant>,
    /// There is no session, and its TCP connection has at most its last segments to bring over.
    ended: bool,
}

impl<'a> Echo<'a> {
    /// There is always room to echo what is in `rx`: `tx` is 14 bytes longer.
    pub fn new(rx: &'a mut [u8; 256], tx: &'a mut [u8; 270]) -> Self {
        let websocket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), Session::server(&CONFIG));
        Self { websocket, deadline: None, ended: true }
    }

    /// Does everything that can be done without waiting; how a client's session ended, if it did.
    pub fn serve(&mut self, socket: &mut tcp::Socket<'_>, port: u16, now: Instant) -> Option<End> {
        if self.ended && self.deadline.is_some_and(|deadline| now >= deadline) {
            socket.abort();
        }
        if self.ended && (!socket.is_open() || socket.state() == tcp::State::TimeWait) {
            // A socket in TIME-WAIT is not closed, and one that is not closed can't listen.
            socket.abort();
            _ = socket.listen(port);
            self.websocket.restart(Session::server(&CONFIG));
            (self.deadline, self.ended) = (None, false);
        }
        if self.ended || matches!(socket.state(), tcp::State::Listen | tcp::State::SynReceived) {
            return None;
        }
        let end = loop {
            match self.websocket.poll(&mut Tcp(socket), now.total_millis() as u32) {
                // There is room; after our close frame a message is not answered.
                Ok(Step::Event((Event::Chunk(c), reply))) => {
                    _ = reply.send_fragment(c.kind, c.payload, c.fin)
                }
                Ok(Step::Event(_)) => {} // pings are answered, bad requests rejected, close frames exchanged
                Ok(Step::End(end)) => break end,
                Ok(_) => {
                    let wait = self.websocket.wait();
                    self.deadline = wait.map(|ms| now + Duration::from_millis(ms.into()));
                    return None;
                }
                // The connection was reset.
                Err(_) => break End::Eof,
            }
        };
        self.ended = true;
        self.deadline = Some(if let End::Overdue(_) = end { now } else { now + LAST_SEGMENTS });
        socket.close();
        Some(end)
    }
}
