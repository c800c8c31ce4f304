//! The echo server, and one place of it: the clients that use it, one after the other.

use microws::io::polled::{Sender, WebSocket};
use microws::{Buffer, Chunk, Config, End, Endpoint, Event, SendError, Sent, Server, Session, Step};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::net::{Net, TcpBuffers, tcp_socket};
use crate::tcp::Tcp;

/// Holds a header line that matters, and is the largest piece of a message that is echoed at once.
pub const RX_LEN: usize = 512;
/// There is always room to echo what is in `rx`.
pub const TX_LEN: usize = RX_LEN + 14;

const PORT: u16 = 1740;

/// How long TCP may take to bring its last segments over after the end of a session.
const LAST_SEGMENTS: Duration = Duration::from_secs(5);

/// Memory of a connection.
pub trait Lend {
    /// `rx` and `tx`.
    fn lend(&mut self) -> (Buffer<'_>, Buffer<'_>);
}

/// The buffers alone.
pub struct Memory {
    rx: [u8; RX_LEN],
    tx: [u8; TX_LEN],
}

impl Memory {
    pub const NEW: Self = Self { rx: [0; RX_LEN], tx: [0; TX_LEN] };
}

impl Lend for Memory {
    fn lend(&mut self) -> (Buffer<'_>, Buffer<'_>) {
        (Buffer::new(&mut self.rx), Buffer::new(&mut self.tx))
    }
}

/// In which form a message goes back.
pub trait Reply {
    fn reply<R: Endpoint>(&mut self, chunk: &Chunk<'_>, line: &mut Sender<'_, R>) -> Result<Sent, SendError>;
}

/// As it is, piece by piece.
pub struct Plain;

impl Reply for Plain {
    fn reply<R: Endpoint>(&mut self, chunk: &Chunk<'_>, line: &mut Sender<'_, R>) -> Result<Sent, SendError> {
        line.send_fragment(chunk.kind, chunk.payload, chunk.fin)
    }
}

/// Sends a piece of a message back, for which `tx` has room.
pub fn send_back<R: Endpoint>(chunk: &Chunk<'_>, reply: &mut impl Reply, line: &mut Sender<'_, R>) {
    match reply.reply(chunk, line) {
        // A message may still arrive after our close frame; it is not answered.
        Ok(Sent::Done) | Err(SendError::Closed) => {}
        other => defmt::panic!("{}", other),
    }
}

/// Serves as many clients at once as there is memory for.
pub fn run<const N: usize>(
    mut net: Net,
    memory: (&mut [TcpBuffers; N], &mut [impl Lend; N]),
    config: &Config<'_>,
    mut reply: impl Reply,
) -> ! {
    let mut storage = [const { SocketStorage::EMPTY }; N];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let mut buffers = memory.0.iter_mut().zip(memory.1);
    let mut clients = [(); N].map(|()| {
        let (tcp, memory) = defmt::unwrap!(buffers.next());
        (sockets.add(tcp_socket(tcp)), Echo::new(config, memory))
    });
    defmt::info!("up: {} clients on port {}", N, PORT);
    loop {
        net.poll(&mut sockets);
        let now = net.clock.now();
        for (socket, echo) in &mut clients {
            echo.serve(sockets.get_mut::<tcp::Socket<'_>>(*socket), now, &mut reply);
        }
        let deadline = clients.iter().filter_map(|(_, echo)| echo.deadline).min();
        net.wait(&sockets, deadline);
    }
}

/// A place of the server.
struct Echo<'a> {
    config: &'a Config<'a>,
    websocket: WebSocket<'a, Server>,
    /// When [`serve`](Self::serve) must be called even if nothing happens.
    deadline: Option<Instant>,
    ended: bool,
}

impl<'a> Echo<'a> {
    fn new(config: &'a Config<'a>, memory: &'a mut impl Lend) -> Self {
        let (rx, tx) = memory.lend();
        let websocket = WebSocket::new(rx, tx, Session::server(config));
        Self { config, websocket, deadline: None, ended: false }
    }

    /// Does everything that can be done without waiting.
    fn serve(&mut self, socket: &mut tcp::Socket<'_>, now: Instant, reply: &mut impl Reply) {
        if self.ended && self.deadline.is_some_and(|deadline| now >= deadline) {
            socket.abort();
        }
        if !socket.is_open() || socket.state() == tcp::State::TimeWait {
            // A socket in TIME-WAIT is not closed, and one that is not closed can't listen.
            socket.abort();
            defmt::unwrap!(socket.listen(PORT));
            self.websocket.restart(Session::server(self.config));
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
                Ok(Step::Event((Event::Chunk(chunk), line))) => send_back(&chunk, reply, line),
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
