//! One connection to a server, from the TCP connection to the closing handshake, driven by hand.

use microws::handshake::client::{Handshake, Item, Request};
use microws::{Buffer, Client, Connection, Event, HandshakeError, ProtocolError, Received, SendError, State};
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use crate::debugger;
use crate::net::Net;

pub const RX_LEN: usize = 512;
/// Holds the echo of all that `rx` can hold: a client's header for so many bytes has eight.
pub const TX_LEN: usize = RX_LEN + HEADER_LEN;
const HEADER_LEN: usize = 8;

/// Connecting with the opening handshake, and the end of TCP after the closing one, take no longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the program does with its connection.
pub trait Application {
    fn opened(&mut self, line: &mut Line<'_, '_>);
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_, '_>);
    /// When [`due`](Self::due) is to be called.
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn due(&mut self, _now: Instant, _line: &mut Line<'_, '_>) {}
}

/// Where an application sends.
pub struct Line<'l, 'b> {
    pub connection: &'l mut Connection<Client<fn(&mut [u8])>>,
    pub tx: &'l mut Buffer<'b>,
}

/// Why a connection did not end with a closing handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum Failure {
    /// The TCP connection could not be made, or broke.
    Lost,
    /// The server took too long.
    TimedOut,
    /// The server refused the request, or answered it wrongly.
    Handshake(HandshakeError),
    /// The server broke the protocol.
    Protocol(ProtocolError),
    /// The request can't be written.
    Request(SendError),
}

enum Stage<'a> {
    Handshake(Handshake<'a>),
    Open(Connection<Client<fn(&mut [u8])>>),
    Ended,
}

/// What is to be done before the next step.
enum Next {
    Step,
    Read,
    Write,
}

struct Session<'a> {
    stage: Stage<'a>,
    rx: Buffer<'a>,
    tx: Buffer<'a>,
}

/// Connect to `server`, make `request`, and be `application` until the connection ends.
#[expect(clippy::too_many_arguments, reason = "what a connection consists of")]
pub fn run(
    net: &mut Net,
    sockets: &mut SocketSet<'_>,
    handle: SocketHandle,
    server: IpEndpoint,
    request: Request<'_>,
    rx: &mut [u8; RX_LEN],
    tx: &mut [u8; TX_LEN],
    application: &mut impl Application,
) -> Result<(), Failure> {
    let stage = Stage::Handshake(Handshake::new(request, debugger::random()));
    let mut session = Session { stage, rx: Buffer::new(rx), tx: Buffer::new(tx) };
    let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
    socket.abort();
    // A fresh port, so that what is left of the last connection on the way can't be taken for this one.
    let [low, high] = debugger::random();
    let port = 0xc000 | u16::from_le_bytes([low, high]);
    socket.connect(net.interface.context(), server, port).map_err(|_| Failure::Lost)?;
    let mut patience = Some(net.clock.now() + PATIENCE);
    loop {
        net.poll(sockets);
        let now = net.clock.now();
        let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
        let result = session.serve(socket, now, application);
        match (&session.stage, result) {
            (_, Err(failure)) => {
                // What is written still goes out: it may be the close frame that says why.
                socket.close();
                net.poll(sockets);
                return Err(failure);
            }
            // The server closes TCP first (RFC 6455 section 7.1.1), but is not waited for forever.
            (Stage::Ended, Ok(())) if !socket.may_recv() || patience.is_some_and(|end| now >= end) => {
                socket.close();
                net.poll(sockets);
                return Ok(());
            }
            (Stage::Ended, Ok(())) => patience = patience.or(Some(now + PATIENCE)),
            (Stage::Handshake(_), Ok(())) if patience.is_some_and(|end| now >= end) => {
                socket.abort();
                net.poll(sockets);
                return Err(Failure::TimedOut);
            }
            (Stage::Handshake(_), Ok(())) => {}
            (Stage::Open(_), Ok(())) => patience = None,
        }
        let deadline = [patience, application.deadline()].into_iter().flatten().min();
        net.wait(sockets, deadline);
    }
}

impl Session<'_> {
    /// Do all that can be done without waiting.
    fn serve(
        &mut self,
        socket: &mut tcp::Socket<'_>,
        now: Instant,
        application: &mut impl Application,
    ) -> Result<(), Failure> {
        if !socket.is_open() {
            return if matches!(self.stage, Stage::Ended) { Ok(()) } else { Err(Failure::Lost) };
        }
        if let Stage::Open(connection) = &mut self.stage
            && connection.state() == State::Open
            && application.deadline().is_some_and(|deadline| now >= deadline)
        {
            application.due(now, &mut Line { connection, tx: &mut self.tx });
        }
        loop {
            if socket.may_send() {
                self.tx.consume(socket.send_slice(self.tx.filled()).unwrap_or(0));
            }
            match self.step(application)? {
                Next::Step => {}
                Next::Write if self.tx.is_empty() => {}
                Next::Read if socket.can_recv() => {
                    let n = socket.recv_slice(self.rx.spare()).unwrap_or(0);
                    self.rx.commit(n);
                }
                Next::Read | Next::Write => break,
            }
        }
        // The server has closed TCP without a closing handshake.
        let over = matches!(socket.state(), tcp::State::CloseWait) && !socket.can_recv();
        if over && !matches!(self.stage, Stage::Ended) { Err(Failure::Lost) } else { Ok(()) }
    }

    fn step(&mut self, application: &mut impl Application) -> Result<Next, Failure> {
        match &mut self.stage {
            Stage::Handshake(handshake) => {
                if !handshake.send(&mut self.tx).map_err(Failure::Request)? {
                    return Ok(Next::Write);
                }
                match handshake.receive(&mut self.rx).map_err(Failure::Handshake)? {
                    None => return Ok(Next::Read),
                    Some(Item::End) => {
                        let random: fn(&mut [u8]) = debugger::fill_random;
                        let mut connection = handshake.connection(random).map_err(Failure::Handshake)?;
                        application.opened(&mut Line { connection: &mut connection, tx: &mut self.tx });
                        self.stage = Stage::Open(connection);
                    }
                    Some(_) => {}
                }
                Ok(Next::Step)
            }
            Stage::Open(connection) => {
                // Whatever comes out of `rx` can then be answered at once.
                if self.tx.free() < self.rx.len() + HEADER_LEN {
                    return Ok(Next::Write);
                }
                match connection.receive(&mut self.rx, &mut self.tx).map_err(Failure::Protocol)? {
                    Received::Event(event) => {
                        let closed = matches!(event, Event::Close(_));
                        application.event(event, &mut Line { connection, tx: &mut self.tx });
                        if closed {
                            self.stage = Stage::Ended;
                        }
                        Ok(Next::Step)
                    }
                    Received::WantRead => Ok(Next::Read),
                    Received::WantWrite | Received::Closed => Ok(Next::Write),
                }
            }
            Stage::Ended => Ok(Next::Read),
        }
    }
}
