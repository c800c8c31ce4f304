//! One client: its socket, where its connection stands, and what could not be read or written yet.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

use log::{debug, error, info, log_enabled, trace};
use microws::handshake::server::answer;
use microws::{
    Buffer, Chunk, CloseCode, Connection, Due, Event, Keepalive, MessageKind, ProtocolError, Received,
    SendError, State,
};
use mio::net::TcpStream;

use crate::ending::Ending;
use crate::http::{self, Opened, Opening};
use crate::shared::{HEAD_READ, RX_LEN, SMALL_READ, Shared};
use crate::wheel::NEVER;

/// Bytes from which on payload is written from where it was received: to copy it behind the other
/// replies, for one send with them, costs more than a send of its own.
const LARGE: usize = 16 * 1024;

/// Where a client stands.
#[derive(Debug)]
enum Stage<'c> {
    Opening(Box<Opening<'c>>),
    Open(Connection<microws::Server>),
    /// The last word was said: what still comes is dropped until the client ends the connection,
    /// for closing a socket with bytes unread would reset it and take the last word away.
    Leaving,
}

/// What is to be done with a client after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Wait for the socket.
    Wait,
    /// There may be more to read: another turn, after the others'.
    Again,
    /// Drop it.
    Gone,
}

/// Bytes that the kernel did not take.
#[derive(Debug)]
struct Unsent {
    bytes: Vec<u8>,
    written: usize,
    /// When the kernel last took some.
    since: u64,
}

#[derive(Debug)]
pub(crate) struct Peer<'c> {
    stream: TcpStream,
    address: SocketAddr,
    stage: Stage<'c>,
    keepalive: Keepalive,
    /// What is left of the last read: part of a header line, of a frame's header, or of a control frame.
    kept: Vec<u8>,
    unsent: Option<Unsent>,
    /// Whether the socket may hold bytes that were not read.
    unread: bool,
    /// Whether the client ended its direction: the end must be read, no event comes for it.
    read_closed: bool,
    /// Whether that end was read.
    ended: bool,
    /// Whether a deadline may have come nearer.
    pub(crate) hurried: bool,
    /// Whether the loop counts it among those that are leaving.
    pub(crate) counted_out: bool,
    /// Whether another turn was asked for already.
    pub(crate) queued: bool,
    /// The tick of the timer wheel that counts.
    pub(crate) tick: u64,
    message_len: u64,
    messages: u64,
    bytes: u64,
}

impl<'c> Peer<'c> {
    pub(crate) fn new(
        stream: TcpStream,
        address: SocketAddr,
        shared: &Shared<'c>,
        subprotocols: &'c [&'c str],
    ) -> Self {
        Self {
            stream,
            address,
            stage: Stage::Opening(Box::new(Opening::new(shared.config, subprotocols))),
            keepalive: Keepalive::new(shared.now32()),
            kept: Vec::new(),
            unsent: None,
            unread: false,
            read_closed: false,
            ended: false,
            hurried: true,
            counted_out: false,
            queued: false,
            tick: NEVER,
            message_len: 0,
            messages: 0,
            bytes: 0,
        }
    }

    /// Whether the last word was said and sent: only the client's end of the connection is waited for.
    pub(crate) fn is_leaving(&self) -> bool {
        matches!(self.stage, Stage::Leaving) && self.unsent.is_none()
    }

    /// The socket became ready.
    pub(crate) fn ready(&mut self, readable: bool, read_closed: bool) {
        self.unread |= readable || read_closed;
        self.read_closed |= read_closed;
    }

    /// Writes what waits, reads once, handles all of it, writes once.
    pub(crate) fn turn(&mut self, shared: &mut Shared<'c>) -> Turn {
        let turn = self.try_turn(shared);
        self.judge(turn, shared)
    }

    /// A deadline may be due; answers when to look again, in milliseconds.
    pub(crate) fn deadline(&mut self, shared: &mut Shared<'c>) -> (Turn, Option<u32>) {
        match self.try_deadline(shared) {
            Ok(again_in) => (Turn::Wait, again_in),
            Err(ending) => (self.judge(Err(ending), shared), None),
        }
    }

    /// Tells the client that the server stops.
    pub(crate) fn stop(&mut self, shared: &mut Shared<'c>) -> Turn {
        let turn = self.say_goodbye(shared, CloseCode::GOING_AWAY, "the server stops");
        self.judge(turn, shared)
    }

    /// Tells the client that there are too many.
    pub(crate) fn turn_away(&mut self, shared: &mut Shared<'c>) -> Turn {
        shared.stats.refused.too_many += 1;
        info!("{} refused: 503, too many connections", self.address);
        let turn = self.last_word(shared, http::too_many);
        self.judge(turn, shared)
    }

    fn judge(&mut self, turn: Result<Turn, Ending>, shared: &mut Shared<'c>) -> Turn {
        let ending = match turn {
            Ok(turn) => return turn,
            Err(ending) => ending,
        };
        match &ending {
            Ending::PongOverdue => shared.stats.pings_overdue += 1,
            // Counted when it was told so.
            _ if matches!(self.stage, Stage::Leaving) => {}
            Ending::HandshakeOverdue | Ending::CloseOverdue | Ending::Unread => shared.stats.timeouts += 1,
            _ => {}
        }
        if let Some(unsent) = self.unsent.take() {
            shared.give_back(unsent.bytes);
        }
        let address = self.address;
        match (&self.stage, &ending) {
            (_, Ending::Bug(_)) => error!("{address} disconnected: {ending}"),
            (Stage::Opening(_), Ending::Eof) => debug!("{address} left before it asked for anything"),
            (Stage::Opening(_), _) => info!("{address} disconnected before it was open: {ending}"),
            (Stage::Open(_), _) => self.log_end(&ending),
            (Stage::Leaving, _) => debug!("{address} gone: {ending}"),
        }
        Turn::Gone
    }

    fn log_end(&self, ending: &Ending) {
        let Self { address, messages, bytes, .. } = self;
        info!("{address} disconnected: {ending}, {messages} messages, {bytes} bytes");
    }

    fn try_turn(&mut self, shared: &mut Shared<'c>) -> Result<Turn, Ending> {
        let was_blocked = self.unsent.is_some();
        if !self.write_unsent(shared)? {
            return Ok(Turn::Wait);
        }
        if self.ended {
            return Err(Ending::Eof);
        }
        if !self.unread && !was_blocked {
            return Ok(Turn::Wait);
        }
        // Taken for this turn, so that `self` stays free.
        let (mut rx_storage, mut tx_storage) =
            (std::mem::take(&mut shared.rx), std::mem::take(&mut shared.tx));
        let done = self.read_and_answer(rx_storage.bytes(), &mut tx_storage, was_blocked, shared);
        (shared.rx, shared.tx) = (rx_storage, tx_storage);
        done?;
        Ok(if self.unread && self.unsent.is_none() { Turn::Again } else { Turn::Wait })
    }

    fn read_and_answer(
        &mut self,
        rx_storage: &mut [u8],
        tx_storage: &mut [u8],
        was_blocked: bool,
        shared: &mut Shared<'c>,
    ) -> Result<(), Ending> {
        let limit = match &self.stage {
            Stage::Opening(_) => HEAD_READ,
            Stage::Open(connection) if connection.payload_left() > SMALL_READ as u64 => RX_LEN,
            Stage::Open(_) => SMALL_READ,
            Stage::Leaving => return self.discard(rx_storage),
        };
        let (mut rx, mut tx) = (buffer(&mut rx_storage[..limit]), buffer(tx_storage));
        if !rx.push(&self.kept) {
            return Err(Ending::Bug(SendError::BufferFull));
        }
        self.kept.clear();
        // With nothing left over from the last turn, it is known what `handle` would want.
        let mut want =
            if rx.is_empty() && !was_blocked { Want::Read } else { self.handle(&mut rx, &mut tx, shared)? };
        let mut has_read = false;
        loop {
            match want {
                Want::Read if has_read => break,
                Want::Read => {
                    has_read = true;
                    if !self.read(&mut rx, shared)? {
                        // The client may have ended its direction only: it still gets its replies.
                        self.send(&mut tx, shared)?;
                        self.ended = true;
                        return if self.unsent.is_none() { Err(Ending::Eof) } else { Ok(()) };
                    }
                }
                Want::Write => {
                    self.send(&mut tx, shared)?;
                    if self.unsent.is_some() {
                        break;
                    }
                }
                Want::Leave => {
                    self.send(&mut tx, shared)?;
                    return self.leave(shared);
                }
            }
            want = self.handle(&mut rx, &mut tx, shared)?;
        }
        self.send(&mut tx, shared)?;
        self.kept.extend_from_slice(rx.filled());
        Ok(())
    }

    /// Goes on with what is in `rx`, until something else is wanted.
    fn handle(
        &mut self,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        shared: &mut Shared<'c>,
    ) -> Result<Want, Ending> {
        let now = shared.now32();
        if let Stage::Opening(opening) = &mut self.stage {
            let (config, refused) = (shared.config, &mut shared.stats.refused);
            match opening.receive(rx, tx, config, refused, &self.address)? {
                None => return Ok(Want::Read),
                Some(Opened::Answered) => return Ok(Want::Leave),
                Some(Opened::WebSocket(mut connection)) => {
                    if let Some(greeting) = &config.greeting {
                        connection.send_text(tx, greeting)?;
                    }
                    self.stage = Stage::Open(connection);
                    // A request's line may have been long; a frame's rest is not.
                    self.kept = Vec::new();
                    self.keepalive.open(now);
                    self.hurried = true;
                }
            }
        }
        let Stage::Open(connection) = &mut self.stage else { return Ok(Want::Leave) };
        loop {
            match connection.receive(rx, tx) {
                Ok(Received::Event(Event::Chunk(chunk))) => {
                    let (len, large) = (chunk.payload.len(), chunk.payload.len() >= LARGE);
                    let sent = if large {
                        connection.send_header(tx, chunk.kind, len, chunk.fin)
                    } else {
                        connection.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin)
                    };
                    match sent {
                        Ok(()) if large => {
                            let blocked = self.unsent.is_some();
                            write(&mut self.stream, &mut self.unsent, tx.filled(), chunk.payload, shared)?;
                            tx.consume(tx.len());
                            self.hurried |= self.unsent.is_some() != blocked;
                        }
                        // Behind our close frame messages may come, but not go.
                        Ok(()) | Err(SendError::Closed) => {}
                        Err(error) => return Err(Ending::Bug(error)),
                    }
                    self.message_len += chunk.payload.len() as u64;
                    if chunk.fin {
                        count(&chunk, self.message_len, &self.address);
                        (self.messages, self.bytes) = (self.messages + 1, self.bytes + self.message_len);
                        shared.stats.messages += 1;
                        shared.stats.bytes += self.message_len;
                        self.message_len = 0;
                    }
                }
                Ok(Received::Event(Event::Ping(payload))) => {
                    trace!("{} ping, {} bytes", self.address, payload.len());
                }
                Ok(Received::Event(Event::Pong(payload))) => {
                    trace!("{} pong, {} bytes", self.address, payload.len());
                }
                Ok(Received::Event(Event::Close(close))) => {
                    self.log_end(&Ending::Closed { code: close.code, reason: close.reason().to_owned() });
                    return Ok(Want::Leave);
                }
                Ok(Received::WantRead) => return Ok(Want::Read),
                Ok(Received::WantWrite) => {
                    if connection.state() == State::Closing {
                        self.keepalive.closing(now);
                        self.hurried = true;
                    }
                    return Ok(Want::Write);
                }
                Ok(Received::Closed) => return Err(Ending::Left),
                Err(error) => {
                    self.failed(error, shared);
                    return Ok(Want::Leave);
                }
            }
        }
    }

    /// The client was told already.
    fn failed(&self, error: ProtocolError, shared: &mut Shared<'c>) {
        shared.stats.protocol_errors += 1;
        let Self { address, messages, bytes, .. } = self;
        info!("{address} failed: {}, {error}, {messages} messages, {bytes} bytes", error.close_code());
    }

    /// Reads once; `false` is the end.
    fn read(&mut self, rx: &mut Buffer<'_>, shared: &Shared<'c>) -> Result<bool, Ending> {
        let spare = rx.spare();
        let room = spare.len();
        match retry(|| self.stream.read(spare))? {
            Some(0) => Ok(false),
            Some(n) => {
                rx.commit(n);
                // A short read means drained, but for the end of the stream behind it.
                self.unread = n == room || self.read_closed;
                self.keepalive.heard(shared.now32());
                Ok(true)
            }
            None => {
                self.unread = false;
                Ok(true)
            }
        }
    }

    /// Reads and drops; the end of it ends the client.
    fn discard(&mut self, rx: &mut [u8]) -> Result<(), Ending> {
        match retry(|| self.stream.read(&mut rx[..SMALL_READ]))? {
            Some(0) => Err(Ending::Left),
            Some(n) => {
                self.unread = n == SMALL_READ || self.read_closed;
                Ok(())
            }
            None => {
                self.unread = false;
                Ok(())
            }
        }
    }

    /// Writes `tx`; what the kernel does not take is kept, and reading stops until it is gone.
    fn send(&mut self, tx: &mut Buffer<'_>, shared: &mut Shared<'c>) -> Result<(), Ending> {
        let blocked = self.unsent.is_some();
        write(&mut self.stream, &mut self.unsent, tx.filled(), &[], shared)?;
        tx.consume(tx.len());
        self.hurried |= self.unsent.is_some() != blocked;
        Ok(())
    }

    /// Writes what the kernel did not take before; `true` if nothing of it is left.
    fn write_unsent(&mut self, shared: &mut Shared<'c>) -> Result<bool, Ending> {
        let Some(unsent) = &mut self.unsent else { return Ok(true) };
        while let Some(rest @ [_, ..]) = unsent.bytes.get(unsent.written..) {
            match retry(|| self.stream.write(rest))? {
                Some(n) => {
                    unsent.written += n;
                    unsent.since = shared.now;
                }
                None => return Ok(false),
            }
        }
        if let Some(unsent) = self.unsent.take() {
            shared.give_back(unsent.bytes);
        }
        // The client was not heard while it was not read from, and other deadlines did not apply.
        self.keepalive.heard(shared.now32());
        self.hurried = true;
        if matches!(self.stage, Stage::Leaving) {
            self.shut_down();
        }
        Ok(true)
    }

    fn try_deadline(&mut self, shared: &mut Shared<'c>) -> Result<Option<u32>, Ending> {
        loop {
            if let Some(unsent) = &self.unsent {
                let (timeout, waited) = (u64::from(shared.config.write_timeout), shared.now - unsent.since);
                return match timeout {
                    0 => Ok(None),
                    _ if waited >= timeout => Err(Ending::Unread),
                    _ => Ok(Some((timeout - waited) as u32)),
                };
            }
            match self.keepalive.due(shared.now32(), &shared.config.timeouts) {
                Due::Nothing { again_in } => return Ok(again_in),
                Due::Ping => {
                    let Stage::Open(connection) = &mut self.stage else { return Ok(None) };
                    let (mut storage, mut ping) = ([0; microws::MIN_CAPACITY], Ok(()));
                    let mut tx = Buffer::new(&mut storage);
                    if connection.state() == State::Open {
                        ping = connection.ping(&mut tx, b"");
                    }
                    ping?;
                    self.send(&mut tx, shared)?;
                }
                Due::HandshakeOverdue => {
                    info!("{} refused: 408, {}", self.address, Ending::HandshakeOverdue);
                    shared.stats.timeouts += 1;
                    self.last_word(shared, |tx| answer(tx, 408, &[], "the request took too long\n"))?;
                }
                Due::PongOverdue => {
                    // It may hear, if it does not speak; nothing is waited for.
                    let _ = self.say_goodbye(shared, CloseCode::INTERNAL_ERROR, "no answer to a ping");
                    return Err(Ending::PongOverdue);
                }
                Due::CloseOverdue => return Err(Ending::CloseOverdue),
            }
        }
    }

    /// Sends a close frame, and waits for the client's.
    fn say_goodbye(
        &mut self,
        shared: &mut Shared<'c>,
        code: CloseCode,
        reason: &str,
    ) -> Result<Turn, Ending> {
        match &mut self.stage {
            Stage::Opening(_) => return Err(Ending::Stopped),
            Stage::Leaving => return Ok(Turn::Wait),
            Stage::Open(connection) => {
                let mut storage = [0; microws::MIN_CAPACITY];
                let mut tx = Buffer::new(&mut storage);
                if connection.state() == State::Open {
                    connection.close(&mut tx, code, reason)?;
                }
                self.keepalive.closing(shared.now32());
                self.hurried = true;
                self.send(&mut tx, shared)?;
            }
        }
        Ok(Turn::Wait)
    }

    /// Answers without a connection, and leaves.
    fn last_word(
        &mut self,
        shared: &mut Shared<'c>,
        write: impl FnOnce(&mut Buffer<'_>) -> Result<(), SendError>,
    ) -> Result<Turn, Ending> {
        let mut storage = [0; 512];
        let mut tx = Buffer::new(&mut storage);
        write(&mut tx)?;
        self.send(&mut tx, shared)?;
        self.leave(shared)?;
        Ok(Turn::Wait)
    }

    fn leave(&mut self, shared: &mut Shared<'c>) -> Result<(), Ending> {
        self.stage = Stage::Leaving;
        self.kept = Vec::new();
        self.keepalive.closing(shared.now32());
        self.hurried = true;
        // The client's last bytes and its end are still to be read.
        self.unread = true;
        if self.unsent.is_none() {
            self.shut_down();
        }
        Ok(())
    }

    /// Tells the client that nothing more comes. One that is gone already is found out by reading.
    fn shut_down(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// What [`Peer::handle`] wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Read,
    Write,
    /// The last word is in `tx`.
    Leave,
}

fn buffer(storage: &mut [u8]) -> Buffer<'_> {
    Buffer::from_slice(storage).expect("the shared buffers are larger than MIN_CAPACITY")
}

/// Repeats what a signal interrupted; `None` if it would block.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes two parts, the second from where it stands; what the kernel does not take is kept behind
/// what it did not take before.
fn write(
    stream: &mut TcpStream,
    unsent: &mut Option<Unsent>,
    mut first: &[u8],
    mut second: &[u8],
    shared: &mut Shared<'_>,
) -> io::Result<()> {
    while unsent.is_none() && !(first.is_empty() && second.is_empty()) {
        let written = retry(|| match second {
            [] => stream.write(first),
            _ => stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]),
        })?;
        let Some(n) = written else { break };
        let of_first = n.min(first.len());
        (first, second) = (&first[of_first..], &second[n - of_first..]);
    }
    if !(first.is_empty() && second.is_empty()) {
        let (spare, since) = (&mut shared.spare, shared.now);
        let unsent = unsent.get_or_insert_with(|| Unsent {
            bytes: spare.pop().unwrap_or_default(),
            written: 0,
            since,
        });
        unsent.bytes.extend_from_slice(first);
        unsent.bytes.extend_from_slice(second);
    }
    Ok(())
}

fn count(chunk: &Chunk<'_>, len: u64, address: &SocketAddr) {
    if log_enabled!(log::Level::Debug) {
        let kind = match chunk.kind {
            MessageKind::Text => "text",
            MessageKind::Binary => "binary",
        };
        debug!("{address} received: {kind}, {len} bytes");
    }
}
