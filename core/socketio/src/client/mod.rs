//! [`Client`]: a client's life in one namespace, over one session of the WebSocket; no stream, clock or heap.

use microws::{Buffer, CloseCode, Endpoint, Sent, Session, State};

use crate::acks::{AckSlot, Acks};
use crate::deadline::Deadline;
use crate::error::SendError;
use crate::inbox::Inbox;
use crate::outgoing::Outgoing;
use crate::packet::{Kind, Packet};
use crate::sending::{Sending, packet_len};
use crate::step::{End, Overdue, Step};

mod config;
mod event;
mod receive;
mod recovery;

pub use config::{ClientConfig, TARGET};
pub use event::Event;
pub(crate) use event::Found;
pub use recovery::Recovery;

/// A client's life in one namespace, from the server's first packet to its end: it joins, takes events and
/// acknowledgements with their attachments, replies to pings and watches that they come. It is state alone and stands
/// beside the [`Session`] of the WebSocket, which its verbs take; [`io`](crate::io) has both in one handle.
///
/// [`receive`](Self::receive) is called instead of the session's, [`tick`](Self::tick) too; everything else is done as
/// for a session alone. After the end, a new client over the same buffers begins the next connection.
///
/// ```
/// use microws::{Buffer, Config, Session};
/// use microws_socketio::{Client, ClientConfig, Event, Inbox, Outgoing, SendError, Step, TARGET};
///
/// # fn random(bytes: &mut [u8]) {}
/// # fn write(bytes: &[u8]) -> usize { bytes.len() }
/// # fn read(bytes: &mut [u8]) -> usize { 0 }
/// # fn shutdown() {}
/// # fn now() -> u32 { 0 }
/// fn run() -> Result<(), SendError> {
///     let (mut a, mut b, mut c) = ([0; 256], [0; 256], [0; 512]);
///     let (mut rx, mut tx, mut inbox) = (Buffer::new(&mut a), Buffer::new(&mut b), Inbox::new(&mut c));
///     let (config, namespace) = (Config::new().request("example.org", TARGET), ClientConfig::new());
///     let (mut session, mut client) = (Session::client(&config, random), Client::new(&namespace));
///     loop {
///         match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
///             Step::Event(Event::Connected { .. }) => {
///                 _ = client.send(&mut session, &mut tx, &Outgoing::event("hello", "1"))?;
///             }
///             Step::Event(event) => println!("{event:?}"),
///             step @ (Step::Read | Step::Write) => {
///                 let n = write(tx.filled());
///                 tx.consume(n);
///                 let wait = client.tick(&mut session, &mut tx, now()); // how long to wait at most
///                 if step == Step::Read {
///                     let n = read(rx.spare());
///                     session.commit(&mut rx, n);
///                 }
///             }
///             Step::Shutdown => shutdown(),
///             Step::End(end) => break println!("{end}"),
///         }
///     }
///     Ok(())
/// }
/// # run().unwrap();
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Client<'c> {
    config: &'c ClientConfig<'c>,
    acks: Acks<'c>,
    sending: Sending,
    deadline: Deadline,
    /// The longest time between two pings of the server.
    heartbeat: u32,
    /// The most bytes that the server takes in one message; 0 if that is not known.
    max_payload: u32,
    phase: Phase,
    owed: Owed,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
enum Phase {
    /// The server's open packet is awaited.
    Opening,
    /// The server's answer to the request to join is awaited.
    Joining,
    Joined,
}

/// What is to be sent before anything more is received.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Owed {
    join: bool,
    pong: bool,
    leave: bool,
    close: bool,
}

impl<'c> Client<'c> {
    /// A client of a connection whose opening handshake begins now. It can't await acknowledgements.
    pub const fn new(config: &'c ClientConfig<'c>) -> Self {
        Self {
            config,
            acks: Acks::new(&mut []),
            sending: Sending::NONE,
            deadline: Deadline::new(),
            heartbeat: 0,
            max_payload: 0,
            phase: Phase::Opening,
            owed: Owed { join: false, pong: false, leave: false, close: false },
            end: None,
        }
    }

    /// Gives it memory to await as many acknowledgements at a time as there are slots.
    #[must_use]
    pub fn acks(mut self, slots: &'c mut [AckSlot]) -> Self {
        self.acks = Acks::new(slots);
        self.acks.clear();
        self
    }

    /// Takes the next event out of `rx` into the inbox; the protocol's own replies go to `tx`. See
    /// [`Session::receive`].
    pub fn receive<'i, R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        inbox: &'i mut Inbox<'_>,
    ) -> Step<Event<'i>> {
        let found = loop {
            if let Some(end) = self.aborted(session.state()) {
                return Step::End(end);
            }
            if self.settle(session, tx) == Sent::Write {
                return Step::Write;
            }
            if let Some(found) = self.overdue() {
                break found;
            }
            match session.receive(rx, tx) {
                microws::Step::Event(event) => {
                    if let Some(found) = self.take(event, inbox) {
                        break found;
                    }
                }
                microws::Step::Read => return Step::Read,
                microws::Step::Write => return Step::Write,
                microws::Step::Shutdown => return Step::Shutdown,
                microws::Step::End(end) => return Step::End(self.ended(end)),
            }
        };
        Step::Event(found.bind(inbox))
    }

    /// Does what is due at `now`, and returns in how many milliseconds to call it again at the latest: see
    /// [`Session::tick`].
    pub fn tick<R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
        now: u32,
    ) -> Option<u32> {
        earlier(self.due(now), session.tick(tx, now))
    }

    /// Its own part of [`tick`](Self::tick).
    pub(crate) fn due(&mut self, now: u32) -> Option<u32> {
        if self.end.is_some() {
            return None;
        }
        let (timeout, overdue) = match self.phase {
            Phase::Joined => (self.heartbeat, Overdue::Heartbeat),
            _ => (self.config.connect_within, Overdue::Connect),
        };
        let mut left = None;
        if timeout > 0 {
            left = Some(self.deadline.left(now, timeout));
            if left == Some(0) {
                self.finish(End::Overdue(overdue));
                return left;
            }
        }
        earlier(left, self.acks.left(now))
    }

    /// Reserves an id to await an acknowledgement under, for at most `timeout` milliseconds (0: forever) from the next
    /// look at the clock on; `None` if all slots are taken. Give it to [`Outgoing::expect`].
    pub fn expect_ack(&mut self, timeout: u32) -> Option<u32> {
        self.acks.reserve(timeout)
    }

    /// Queues an event or an acknowledgement with its attachments; one that does not fit into `tx` goes out in parts.
    /// After [`Sent::Write`] write `tx` out and call again with the same; no other can be sent between.
    ///
    /// # Errors
    /// [`SendError`]; [`MessageInProgress`](microws::SendError::MessageInProgress) inside it if another one is
    /// unfinished.
    pub fn send<R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
        outgoing: &Outgoing<'_>,
    ) -> Result<Sent, SendError> {
        self.check(outgoing)?;
        Ok(self.transmit(session, tx, outgoing)?)
    }

    /// Whether it can be sent, or was begun.
    pub(crate) fn check(&self, outgoing: &Outgoing<'_>) -> Result<(), SendError> {
        if self.phase != Phase::Joined || self.end.is_some() {
            return Err(SendError::NotConnected);
        }
        if !self.sending.is_none() {
            return Ok(());
        }
        outgoing.check()?;
        let max = match self.max_payload {
            0 => usize::MAX,
            max => max as usize,
        };
        let packet = packet_len(&outgoing.packet(self.config.namespace.as_bytes())) as usize;
        if packet > max || outgoing.attached().iter().any(|attachment| attachment.len() > max) {
            return Err(SendError::TooLong);
        }
        Ok(())
    }

    /// [`send`](Self::send) of what was checked.
    pub(crate) fn transmit<R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
        outgoing: &Outgoing<'_>,
    ) -> Result<Sent, microws::SendError> {
        let packet = outgoing.packet(self.config.namespace.as_bytes());
        self.sending.send(session, tx, &packet, outgoing.attached())
    }

    /// Leaves the namespace and closes the connection; go on until [`Step::End`].
    pub const fn disconnect(&mut self) {
        if self.end.is_none() {
            self.owed.leave = matches!(self.phase, Phase::Joined);
            self.finish(End::Left);
        }
    }

    /// Whether the namespace is joined: events can be sent.
    pub const fn is_connected(&self) -> bool {
        matches!(self.phase, Phase::Joined) && self.end.is_none()
    }

    /// Why it ends, as soon as that is known: it may be before the stream is done with.
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// Nothing is received any more, and the WebSocket is closed.
    const fn finish(&mut self, end: End) {
        self.end = Some(end);
        self.owed.close = true;
    }

    /// An end before the WebSocket was open: nothing was sent that could get lost.
    pub(crate) fn aborted(&self, state: State) -> Option<End> {
        self.end.filter(|_| state == State::Connecting)
    }

    /// The WebSocket has ended.
    pub(crate) fn ended(&mut self, end: microws::End) -> End {
        *self.end.get_or_insert(End::WebSocket(end))
    }

    /// The next acknowledgement that has not come in time.
    pub(crate) fn overdue(&mut self) -> Option<Found> {
        self.acks.take_overdue().map(Found::AckOverdue)
    }

    /// Queues what is owed to the server.
    pub(crate) fn settle<R: Endpoint>(&mut self, session: &mut Session<'_, R>, tx: &mut Buffer<'_>) -> Sent {
        let Owed { join, pong, leave, close } = self.owed;
        if !(join || pong || leave || close) {
            return Sent::Done;
        }
        match self.try_settle(session, tx) {
            Ok(sent) => sent,
            // The program's own packet is unfinished: the rest is sent after it.
            Err(microws::SendError::MessageInProgress) => Sent::Done,
            // The WebSocket is closing: nothing more can be said.
            Err(_) => {
                self.owed = Owed::default();
                Sent::Done
            }
        }
    }

    fn try_settle<R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
    ) -> Result<Sent, microws::SendError> {
        let Owed { join, pong, leave, .. } = self.owed;
        // After the end only to leave makes sense.
        let ended = self.end.is_some();
        if (join && !ended) || leave {
            let mut packet = Packet::new(Kind::Disconnect, self.config.namespace.as_bytes());
            if !leave {
                (packet.kind, packet.data) = (Kind::Connect, self.config.auth);
            }
            match self.sending.send(session, tx, &packet, &[]) {
                Ok(Sent::Write) => return Ok(Sent::Write),
                // In the middle of another packet it can't be sent; the close frame is enough.
                Err(error) if !leave => return Err(error),
                _ => (self.owed.join, self.owed.leave) = (false, false),
            }
        }
        if pong && !ended {
            if session.send_text(tx, "3")? == Sent::Write {
                return Ok(Sent::Write);
            }
            self.owed.pong = false;
        }
        if self.owed.close {
            let code = match self.end {
                Some(End::Failed(fault)) => fault.close_code(),
                Some(End::Overdue(_)) => CloseCode::POLICY_VIOLATION,
                _ => CloseCode::NORMAL,
            };
            if session.close(tx, code, "")? == Sent::Write {
                return Ok(Sent::Write);
            }
            self.owed = Owed::default();
        }
        Ok(Sent::Done)
    }
}

/// The earlier of two times to wait.
pub(crate) fn earlier(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
