//! One connection to a server, from the TCP connection to the end of both.

use microws::io::polled::{Sender, WebSocket};
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

type Random = fn(&mut [u8]);

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

/// Connects to `server`, makes the request of `config`, and is `application` until the connection ends.
#[expect(clippy::too_many_arguments, reason = "the parts of a connection")]
pub fn run(
    net: &mut Net,
    sockets: &mut SocketSet<'_>,
    handle: SocketHandle,
    server: IpEndpoint,
    config: &Config<'_>,
    rx: &mut [u8; RX_LEN],
    tx: &mut [u8; TX_LEN],
    application: &mut impl Application,
) -> Result<(), Failure> {
    let session = Session::client(config, debugger::fill_random as Random);
    let mut websocket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), session);
    let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
    socket.abort();
    // A fresh port: segments of the last connection that are still on their way can't be taken for this one's.
    let [low, high] = debugger::random();
    let port = 0xc000 | u16::from_le_bytes([low, high]);
    socket.connect(net.interface.context(), server, port).map_err(|_| Failure::Unreachable)?;
    let connect_until = net.clock.now() + CONNECT_WITHIN;
    let result = loop {
        net.poll(sockets);
        let now = net.clock.now();
        let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
        let deadline = if socket.state() == tcp::State::SynSent {
            if now >= connect_until {
                break Err(Failure::Unreachable);
            }
            Some(connect_until)
        } else {
            if websocket.session().state() == State::Open
                && application.deadline().is_some_and(|deadline| now >= deadline)
            {
                application.due(now, websocket.sender());
            }
            if let Some(end) = go_on(&mut websocket, &mut Tcp(socket), now, application) {
                break if let End::Closed(_) = end { Ok(()) } else { Err(Failure::Ended(end)) };
            }
            let wait = websocket.wait().map(|wait| now + Duration::from_millis(wait.into()));
            [wait, application.deadline()].into_iter().flatten().min()
        };
        net.wait(sockets, deadline);
    };
    sockets.get_mut::<tcp::Socket<'_>>(handle).close();
    net.poll(sockets);
    result
}

/// Does everything that can be done without waiting; how it ended, if it did.
fn go_on(
    websocket: &mut WebSocket<'_, Client<Random>>,
    stream: &mut Tcp<'_, '_>,
    now: Instant,
    application: &mut impl Application,
) -> Option<End> {
    loop {
        match websocket.poll(stream, now.total_millis() as u32) {
            Ok(Step::Event((event, line))) => application.event(event, line),
            Ok(Step::End(end)) => return Some(end),
            Ok(_) => return None,
            // The connection was reset, or never made.
            Err(_) => return Some(End::Eof),
        }
    }
}
