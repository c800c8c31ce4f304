//! One client of the echo server: what the core is driven with, by hand.
//!
//! ```text
//!  socket --recv_slice--> rx --> Handshake, then Connection --> tx --send_slice--> socket
//! ```

use microws::handshake::server::{Handshake, Item, refuse};
use microws::{Buffer, Connection, Event, Received, SendError, Server};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

/// Holds a header line that matters, and is the largest piece of a message that is echoed at once.
pub const RX_LEN: usize = 512;
/// Holds the echo of all that `rx` can hold: a server's header for so many bytes has four.
pub const TX_LEN: usize = RX_LEN + HEADER_LEN;
const HEADER_LEN: usize = 4;

/// Who connects and asks for nothing, or does not leave, makes room for others after this.
const PATIENCE: Duration = Duration::from_secs(10);

/// The state of one client; its memory besides is `rx` and `tx`.
pub struct Echo<'a> {
    stage: Stage,
    deadline: Option<Instant>,
    rx: Buffer<'a>,
    tx: Buffer<'a>,
}

enum Stage {
    /// Nobody there.
    Listening,
    Handshake(Handshake<'static>),
    Open(Connection<Server>),
    /// What is in `tx` goes out, then the TCP connection is closed.
    Leaving,
}

/// What is to be done before the next step.
enum Next {
    Step,
    Read,
    Write,
    Leave,
}

impl<'a> Echo<'a> {
    pub fn new(rx: &'a mut [u8; RX_LEN], tx: &'a mut [u8; TX_LEN]) -> Self {
        Self { stage: Stage::Listening, deadline: None, rx: Buffer::new(rx), tx: Buffer::new(tx) }
    }

    /// When [`serve`](Self::serve) is to be called even if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Do all that can be done without waiting.
    pub fn serve(&mut self, socket: &mut tcp::Socket<'_>, port: u16, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            defmt::warn!("gave up a client");
            socket.abort();
        }
        if !socket.is_open() || socket.state() == tcp::State::TimeWait {
            self.listen(socket, port);
        }
        if matches!(self.stage, Stage::Listening) {
            if !socket.may_send() {
                return;
            }
            self.stage = Stage::Handshake(Handshake::new(&[]));
            self.deadline = Some(now + PATIENCE);
        }
        while self.proceed(socket, now) {}
    }

    fn listen(&mut self, socket: &mut tcp::Socket<'_>, port: u16) {
        self.stage = Stage::Listening;
        self.deadline = None;
        self.rx.consume(self.rx.len());
        self.tx.consume(self.tx.len());
        // A socket in TIME-WAIT is not closed, and one that is not closed can't listen.
        socket.abort();
        if let Err(error) = socket.listen(port) {
            defmt::panic!("{}", error);
        }
    }

    /// One step and the reading or writing that it asks for; `false` when that would block.
    fn proceed(&mut self, socket: &mut tcp::Socket<'_>, now: Instant) -> bool {
        self.tx.consume(socket.send_slice(self.tx.filled()).unwrap_or(0));
        match self.step(now) {
            Next::Step => true,
            Next::Write => self.tx.is_empty(),
            Next::Leave => {
                if self.tx.is_empty() {
                    socket.close();
                }
                false
            }
            Next::Read => match socket.recv_slice(self.rx.spare()) {
                Ok(0) => false,
                Ok(n) => {
                    self.rx.commit(n);
                    true
                }
                Err(_) => {
                    // The client has closed its direction, or is not there yet.
                    socket.close();
                    false
                }
            },
        }
    }

    fn step(&mut self, now: Instant) -> Next {
        match &mut self.stage {
            Stage::Listening | Stage::Leaving => Next::Leave,
            Stage::Handshake(handshake) => match handshake.receive(&mut self.rx) {
                Ok(None) => Next::Read,
                Ok(Some(Item::Start { target, .. })) => {
                    defmt::info!("a client asks for {}", target.as_str());
                    Next::Step
                }
                Ok(Some(Item::End)) => {
                    match handshake.upgrade() {
                        Ok(upgrade) => match upgrade.accept(&mut self.tx, &[]) {
                            Ok(connection) => {
                                self.stage = Stage::Open(connection);
                                self.deadline = None;
                            }
                            Err(error) => defmt::panic!("{}", error),
                        },
                        Err(error) => self.refuse(error, now),
                    }
                    Next::Step
                }
                Ok(Some(_)) => Next::Step,
                Err(error) => {
                    self.refuse(error, now);
                    Next::Step
                }
            },
            Stage::Open(connection) => {
                // Whatever comes out of `rx` can then be answered at once.
                if self.tx.free() < self.rx.len() + HEADER_LEN {
                    return Next::Write;
                }
                match connection.receive(&mut self.rx, &mut self.tx) {
                    Ok(Received::Event(Event::Chunk(chunk))) => {
                        match connection.send_fragment(&mut self.tx, chunk.kind, chunk.payload, chunk.fin) {
                            // A message may still arrive after our close frame; it is not answered.
                            Ok(()) | Err(SendError::Closed) => {}
                            Err(error) => defmt::panic!("{}", error),
                        }
                        Next::Step
                    }
                    Ok(Received::Event(Event::Close(close))) => {
                        defmt::info!("closed with {}", close.code);
                        self.leave(now);
                        Next::Step
                    }
                    Ok(Received::Event(_)) => Next::Step,
                    Ok(Received::WantRead) => Next::Read,
                    Ok(Received::WantWrite) => Next::Write,
                    Ok(Received::Closed) => Next::Leave,
                    Err(error) => {
                        defmt::warn!("closed for {}", error);
                        self.leave(now);
                        Next::Step
                    }
                }
            }
        }
    }

    fn refuse(&mut self, error: microws::HandshakeError, now: Instant) {
        defmt::warn!("refused a client: {}", error);
        if let Err(error) = refuse(&mut self.tx, error) {
            defmt::panic!("{}", error);
        }
        self.leave(now);
    }

    fn leave(&mut self, now: Instant) {
        self.stage = Stage::Leaving;
        self.deadline = Some(now + PATIENCE);
    }
}
