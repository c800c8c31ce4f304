//! The echo server.

use microws::io::polled::Sender;
use microws::{Buffer, Chunk, Config, Endpoint, Event, SendError, Sent};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;

use crate::net::{Net, TcpBuffers, tcp_socket};
use crate::place::Place;

/// Holds a header line that matters, and is the largest piece of a message that is echoed at once.
pub const RX_LEN: usize = 512;
/// There is always room to echo what is in `rx`.
pub const TX_LEN: usize = RX_LEN + 14;

const PORT: u16 = 1740;

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
        let (rx, tx) = memory.lend();
        (sockets.add(tcp_socket(tcp)), Place::new(config, rx, tx))
    });
    defmt::info!("up: {} clients on port {}", N, PORT);
    loop {
        net.poll(&mut sockets);
        let now = net.clock.now();
        for (socket, place) in &mut clients {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(*socket);
            place.serve(socket, PORT, now, |event, line| match event {
                Event::Request(request) => defmt::info!("a client asks for {}", request.target()),
                Event::Chunk(chunk) => send_back(&chunk, &mut reply, line),
                _ => {}
            });
        }
        let deadline = clients.iter().filter_map(|(_, place)| place.deadline()).min();
        net.wait(&sockets, deadline);
    }
}
