//! One connection to a server, from the TCP connection to the end of both.

use microws::io::polled::{Sender, Stream, WebSocket};
use microws::{Buffer, Client, Config, End, Event, Session, State, Step};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use crate::debugger;
use crate::net::Net;
use crate::tcp::Tcp;

pub const RX_LEN: usize = 512;
/// There is always room to echo what is in `rx`.
pub const TX_LEN: usize = RX_LEN + 14;

/// The TCP connection is made within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Where masking keys come from.
pub type Random = fn(&mut [u8]);

/// Where an application sends.
pub type Line<'b> = Sender<'b, Client<Random>>;

/// What the program does with its connection.
pub trait Application {
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_>);
    /// When [`due`](Self::due) must be called.
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn due(&mut self, _now: Instant, _line: &mut Line<'_>) {}
}

/// Why a connection did not end with a closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Failure {
    /// The TCP connection could not be made.
    Unreachable,
    /// The session ended otherwise.
    Ended(End),
}

/// A stream to a server, and the network that it waits for.
pub trait Transport: Stream {
    /// Moves what came and what is to go; the time.
    fn poll(&mut self) -> Instant;
    /// Sleeps until something came or can go, or until `deadline`.
    fn wait(&mut self, deadline: Option<Instant>);
    /// The closing handshake is done: ends what lies between the session and TCP. The server ends TCP.
    fn finish(&mut self) {}
}

/// The network and one TCP socket on it.
pub struct Connection<'n, 's> {
    pub net: &'n mut Net,
    pub sockets: &'n mut SocketSet<'s>,
    pub handle: SocketHandle,
}

impl<'s> Connection<'_, 's> {
    pub fn socket(&mut self) -> &mut tcp::Socket<'s> {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.handle)
    }

    /// Makes the TCP connection.
    pub fn connect(&mut self, server: IpEndpoint) -> Result<(), Failure> {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.handle);
        socket.abort();
        // A fresh port: segments of the last connection that are still on their way can't be taken for this one's.
        let [low, high] = debugger::random();
        let port = 0xc000 | u16::from_le_bytes([low, high]);
        let context = self.net.interface.context();
        socket.connect(context, server, port).map_err(|_| Failure::Unreachable)?;
        let until = self.net.clock.now() + CONNECT_WITHIN;
        loop {
            let now = self.poll();
            match self.socket().state() {
                tcp::State::SynSent if now < until => self.wait(Some(until)),
                tcp::State::SynSent | tcp::State::Closed => return Err(Failure::Unreachable),
                _ => return Ok(()),
            }
        }
    }

    /// Ends our direction, and sends that.
    pub fn close(&mut self) {
        self.socket().close();
        self.net.poll(self.sockets);
    }
}

impl Transport for Connection<'_, '_> {
    fn poll(&mut self) -> Instant {
        self.net.poll(self.sockets);
        self.net.clock.now()
    }

    fn wait(&mut self, deadline: Option<Instant>) {
        self.net.wait(self.sockets, deadline);
    }
}

impl Stream for Connection<'_, '_> {
    type Error = tcp::SendError;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        Tcp(self.socket()).read(buf)
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
        Tcp(self.socket()).write(buf)
    }

    fn shutdown(&mut self) -> Result<bool, Self::Error> {
        Tcp(self.socket()).shutdown()
    }
}

/// Connects to `server`, makes the request of `config`, and is `application` until the connection ends.
#[expect(clippy::too_many_arguments, reason = "the parts of a connection")]
pub fn run(
    net: &mut Net,
    sockets: &mut SocketSet<'_>,
    handle: SocketHandle,
    server: IpEndpoint,
    config: &Config<'_>,
    rx: Buffer<'_>,
    tx: Buffer<'_>,
    application: &mut impl Application,
) -> Result<(), Failure> {
    let mut connection = Connection { net, sockets, handle };
    connection.connect(server)?;
    let result = converse(&mut connection, config, rx, tx, application);
    connection.close();
    result
}

/// Makes the request of `config` on a stream that is connected, and is `application` until the session ends.
pub fn converse(
    transport: &mut impl Transport,
    config: &Config<'_>,
    rx: Buffer<'_>,
    tx: Buffer<'_>,
    application: &mut impl Application,
) -> Result<(), Failure> {
    let session = Session::client(config, debugger::fill_random as Random);
    let mut websocket = WebSocket::new(rx, tx, session);
    loop {
        let now = transport.poll();
        if websocket.session().state() == State::Open
            && application.deadline().is_some_and(|deadline| now >= deadline)
        {
            application.due(now, websocket.sender());
        }
        if let Some(end) = go_on(&mut websocket, transport, now, application) {
            return if let End::Closed(_) = end { Ok(()) } else { Err(Failure::Ended(end)) };
        }
        let wait = websocket.wait().map(|wait| now + Duration::from_millis(wait.into()));
        transport.wait([wait, application.deadline()].into_iter().flatten().min());
    }
}

/// Does everything that can be done without waiting; how it ended, if it did.
fn go_on(
    websocket: &mut WebSocket<'_, Client<Random>>,
    transport: &mut impl Transport,
    now: Instant,
    application: &mut impl Application,
) -> Option<End> {
    loop {
        match websocket.poll(transport, now.total_millis() as u32) {
            Ok(Step::Event((event, line))) => {
                application.event(event, line);
                if websocket.session().state() == State::Closed {
                    transport.finish();
                }
            }
            Ok(Step::End(end)) => return Some(end),
            Ok(_) => return None,
            // The connection was reset.
            Err(_) => return Some(End::Eof),
        }
    }
}
