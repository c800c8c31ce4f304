//! One place of the echo server: the clients that use it, one after the other.

use microws::io::polled::WebSocket;
use microws::{Buffer, Config, End, Event, SendError, Sent, Server, Session, Step};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::tcp::Tcp;

/// Holds a header line that matters, and is the largest piece of a message that is echoed at once.
pub const RX_LEN: usize = 512;
/// There is always room to echo what is in `rx`.
pub const TX_LEN: usize = RX_LEN + 14;

/// How long TCP may take to bring its last segments over after the end of a session.
const LAST_SEGMENTS: Duration = Duration::from_secs(5);

static CONFIG: Config<'static> = Config::new();

pub struct Echo<'a> {
    websocket: WebSocket<'a, Server>,
    /// When [`serve`](Self::serve) must be called even if nothing happens.
    deadline: Option<Instant>,
    ended: bool,
}

impl<'a> Echo<'a> {
    pub fn new(rx: &'a mut [u8; RX_LEN], tx: &'a mut [u8; TX_LEN]) -> Self {
        let websocket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), Session::server(&CONFIG));
        Self { websocket, deadline: None, ended: false }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Does everything that can be done without waiting.
    pub fn serve(&mut self, socket: &mut tcp::Socket<'_>, port: u16, now: Instant) {
        if self.ended && self.deadline.is_some_and(|deadline| now >= deadline) {
            socket.abort();
        }
        if !socket.is_open() || socket.state() == tcp::State::TimeWait {
            // A socket in TIME-WAIT is not closed, and one that is not closed can't listen.
            socket.abort();
            defmt::unwrap!(socket.listen(port));
            self.websocket.restart(Session::server(&CONFIG));
            (self.deadline, self.ended) = (None, false);
        }
        if self.ended || matches!(socket.state(), tcp::State::Listen | tcp::State::SynReceived) {
            return;
        }
        let milliseconds = now.total_millis() as u32;
        let end = loop {
            match self.websocket.poll(&mut Tcp(socket), milliseconds) {
                Ok(Step::Event((Event::Request(line), _))) => {
                    defmt::info!("a client asks for {}", line.target());
                }
                Ok(Step::Event((Event::Chunk(c), reply))) => {
                    match reply.send_fragment(c.kind, c.payload, c.fin) {
                        // A message may still arrive after our close frame; it is not answered.
                        Ok(Sent::Done) | Err(SendError::Closed) => {}
                        other => defmt::panic!("{}", other),
                    }
                }
                Ok(Step::Event(_)) => {}
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
