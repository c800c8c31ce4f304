//! Socket.IO over the session, without a heap: one connection to a server, from the TCP connection to the end of both.
//!
//! ```text
//!  sensor::Sensor --> Socket (WebSocket, client, inbox) --> client::Connection (TCP)
//! ```

pub mod sensor;

use microws::io::polled::{Stream, WebSocket};
use microws::{Buffer, Config, Sent, Session};
use microws_socketio::io::polled::{Sender, Socket};
use microws_socketio::{Client, ClientConfig, End, Inbox, Step};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use crate::client::{Connection, RX_LEN, Random, TX_LEN, Transport};
use crate::debugger;
use sensor::Sensor;

/// Holds the longest message that the server sends: its open packet has about 120 bytes.
pub const INBOX_LEN: usize = 256;

/// Where the sensor sends.
pub type Line<'b> = Sender<'b, microws::Client<Random>>;

/// What a connection needs, used by one after the other.
pub struct Buffers {
    pub rx: [u8; RX_LEN],
    pub tx: [u8; TX_LEN],
    pub inbox: [u8; INBOX_LEN],
}

impl Buffers {
    pub const fn new() -> Self {
        Self { rx: [0; RX_LEN], tx: [0; TX_LEN], inbox: [0; INBOX_LEN] }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a connection ended without being left by the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Failure {
    /// The TCP connection could not be made.
    Unreachable,
    /// The server ended it, or broke off.
    Ended(End),
}

/// Connects to `server`, makes the request of `config`, joins the namespace, and is `sensor` until it leaves.
///
/// # Errors
/// [`Failure`]; the caller begins anew after a while.
pub fn run(
    mut connection: Connection<'_, '_>,
    server: IpEndpoint,
    config: &Config<'_>,
    namespace: &ClientConfig<'_>,
    buffers: &mut Buffers,
    sensor: &mut Sensor,
) -> Result<(), Failure> {
    connection.connect(server).map_err(|_| Failure::Unreachable)?;
    let end = converse(&mut connection, config, namespace, buffers, sensor);
    connection.close();
    if end == End::Left { Ok(()) } else { Err(Failure::Ended(end)) }
}

fn converse(
    connection: &mut Connection<'_, '_>,
    config: &Config<'_>,
    namespace: &ClientConfig<'_>,
    Buffers { rx, tx, inbox }: &mut Buffers,
    sensor: &mut Sensor,
) -> End {
    let session = Session::client(config, debugger::fill_random as Random);
    let websocket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), session);
    let mut socket = Socket::new(websocket, Client::new(namespace), Inbox::new(inbox));
    loop {
        let now = connection.poll();
        if socket.client().is_connected() {
            sensor.due(now);
        }
        if let Some(end) = go_on(&mut socket, connection, now, sensor) {
            return end;
        }
        let wait = socket.wait().map(|wait| now + Duration::from_millis(wait.into()));
        let due = sensor.deadline().filter(|_| socket.client().is_connected());
        connection.wait([wait, due].into_iter().flatten().min());
    }
}

/// Does everything that can be done without waiting; how it ended, if it did.
fn go_on(
    socket: &mut Socket<'_, microws::Client<Random>>,
    stream: &mut impl Stream,
    now: Instant,
    sensor: &mut Sensor,
) -> Option<End> {
    loop {
        // A stream that fails says so again below, where it may be the end.
        while sensor.send(socket.sender()) == Sent::Write && socket.flush(stream).unwrap_or(false) {}
        match socket.poll(stream, now.total_millis() as u32) {
            Ok(Step::Event((event, _))) => sensor.event(event),
            Ok(Step::End(end)) => return Some(end),
            Ok(_) => return None,
            // The connection was reset.
            Err(_) => return Some(End::WebSocket(microws::End::Eof)),
        }
    }
}
