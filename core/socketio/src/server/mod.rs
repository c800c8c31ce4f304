//! A server's side: [`ServerSession`] is the life of one client, over a WebSocket, over HTTP polling, or over polling
//! first and a WebSocket then. It takes messages and requests as values and returns what to answer; sockets, HTTP and the
//! clock are the host's.
//!
//! # Over a WebSocket
//!
//! Each chunk of a message goes to [`receive`](ServerSession::receive), which returns an event, if it makes one. After
//! that, and after each verb, [`send_queued`](ServerSession::send_queued) puts what waits into the WebSocket's `tx`, and
//! the close frame in the end.
//!
//! # Over polling
//!
//! - A GET: [`get`](ServerSession::get) says whether to answer it now, to hold it, or to refuse it.
//! - A POST: [`begin_post`](ServerSession::begin_post) when its head has come, then [`post`](ServerSession::post) with its
//!   whole content, then [`next_event`](ServerSession::next_event) until there is no event left, then
//!   [`end_post`](ServerSession::end_post) for the answer.
//! - After everything else, [`answers_held`](ServerSession::answers_held) says whether the GET that is held is to be
//!   answered now. A GET is answered with 200 and the bytes of [`answer`](ServerSession::answer).
//! - A request whose connection ends before its answer: [`lost`](ServerSession::lost).
//!
//! # The upgrade
//!
//! A WebSocket with the id of a session over polling: [`upgrade`](ServerSession::upgrade), then
//! [`probe`](ServerSession::probe) for each chunk of its messages, until it says that the WebSocket carries the session
//! now.
//!
//! # Engine.IO alone
//!
//! A server of [`ServerConfig::bare`] has no namespaces: [`receive_message`](ServerSession::receive_message),
//! [`next_message`](ServerSession::next_message), [`send_text`](ServerSession::send_text) and
//! [`send_binary`](ServerSession::send_binary) stand for `receive`, `next_event` and `send`. All else is the same.
//!
//! # The end
//!
//! When [`end`](ServerSession::end) is known, nothing is taken any more, but the last packets may still wait for a GET:
//! the session is over when [`is_over`](ServerSession::is_over) says so.

use microws::{CloseCode, MessageKind};

use crate::acks::{AckSlot, Acks};
use crate::client::earlier;
use crate::deadline::Deadline;
use crate::engine::{Open, Type};
use crate::error::SendError;
use crate::fault::Fault;
use crate::json;
use crate::outgoing::Outgoing;
use crate::packet::{Kind, Packet};
use crate::sending::write_packet;
pub use crate::sid::Sid;
use crate::step::{End, Overdue};

mod config;
mod event;
mod memory;
mod message;
mod polling;
mod queue;
mod receive;
mod socket;
mod upgrade;

pub use config::ServerConfig;
pub use event::ServerEvent;
pub use message::Message;
pub use polling::{Get, Post, PostEnd};
use queue::Queue;
use upgrade::Probe;
pub use upgrade::{Probed, Upgrade};

/// How a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the protocol has no others here")]
pub enum Transport {
    /// By a GET, over polling.
    Polling,
    /// By a WebSocket.
    WebSocket,
}

/// The life of one client. See the [module](self).
///
/// ```
/// use microws::{Chunk, MessageKind};
/// use microws_socketio::server::{ServerConfig, ServerEvent, ServerSession, Sid, Transport};
/// use microws_socketio::{Inbox, Outgoing};
///
/// let (mut queue, mut arena, config) = ([0; 1024], [0; 512], ServerConfig::new());
/// let mut inbox = Inbox::new(&mut arena);
/// let mut session = ServerSession::new(&config, Sid::new([7; 15]), Transport::WebSocket, &mut queue);
///
/// let mut join = *b"40";
/// let chunk = Chunk::new(MessageKind::Text, true, true, &mut join);
/// if let Some(ServerEvent::Connect { namespace, .. }) = session.receive(&chunk, &mut inbox) {
///     session.accept(namespace, Sid::new([8; 15])).unwrap();
///     session.send(namespace, &Outgoing::event("hello", "1")).unwrap();
/// }
/// ```
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerSession<'a> {
    config: &'a ServerConfig<'a>,
    queue: Queue<'a>,
    acks: Acks<'a>,
    sid: Sid,
    transport: Transport,
    /// A GET waits for its answer.
    held: bool,
    /// A POST's content is being received.
    posting: bool,
    probe: Probe,
    /// The namespaces that are joined, and those that the client asked for, a bit for each.
    joined: u32,
    asked: u32,
    /// Until the first namespace is joined; then until the last packets are fetched.
    connect: Deadline,
    ever_joined: bool,
    heartbeat: Deadline,
    /// A ping waits for its pong.
    pinged: bool,
    end: Option<End>,
}

impl<'a> ServerSession<'a> {
    /// Of a client that has come just now, with an id of fresh random bytes and memory for the packets that wait: the
    /// first of them is queued. It can't await acknowledgements.
    ///
    /// A queue needs room for that packet, 140 bytes, and for all that the program sends between two GETs.
    pub fn new(config: &'a ServerConfig<'a>, sid: Sid, transport: Transport, queue: &'a mut [u8]) -> Self {
        let mut session = Self {
            config,
            queue: Queue::new(queue),
            acks: Acks::new(&mut []),
            sid,
            transport,
            held: false,
            posting: false,
            probe: Probe::NONE,
            joined: 0,
            asked: 0,
            connect: Deadline::new(),
            ever_joined: false,
            heartbeat: Deadline::new(),
            pinged: false,
            end: None,
        };
        let mut open =
            Open::new(sid.as_bytes(), config.ping_interval, config.ping_timeout, config.max_payload);
        open.upgrade = transport == Transport::Polling && config.upgrades;
        if !session.queue.push(MessageKind::Text, |w| open.write(w)) {
            session.fail(End::QueueFull);
        }
        session
    }

    /// Gives it memory to await as many acknowledgements at a time as there are slots.
    #[must_use]
    pub fn acks(mut self, slots: &'a mut [AckSlot]) -> Self {
        self.acks = Acks::new(slots);
        self.acks.clear();
        self
    }

    /// Ends it because of a fault that the host found: content of a wrong type, a message in pieces that is too long.
    pub fn fail_for(&mut self, fault: Fault) {
        self.fail(End::Failed(fault));
    }

    /// Ends it because the client takes what it is sent more slowly than the program sends it: what waits is dropped. See
    /// [`End::QueueFull`].
    pub fn fail_full(&mut self) {
        self.fail(End::QueueFull);
    }

    /// The id by which further requests name it. A secret.
    pub const fn sid(&self) -> &Sid {
        &self.sid
    }

    /// Whether the client is in a namespace.
    pub fn is_joined(&self, namespace: usize) -> bool {
        self.joined & bit(namespace) != 0
    }

    /// What carries the session now.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// Accepts the client in a namespace that it asked for, under an id of fresh random bytes.
    ///
    /// # Errors
    /// [`NotConnected`](SendError::NotConnected) if it did not ask, [`QueueFull`](SendError::QueueFull).
    pub fn accept(&mut self, namespace: usize, sid: Sid) -> Result<(), SendError> {
        let bit = self.asked_bit(namespace)?;
        let packet = Packet::new(Kind::Connect, self.name(namespace));
        let pushed = self.queue.push(MessageKind::Text, |w| {
            write_packet(&packet, w);
            w.put(b"{\"sid\":\"");
            w.put(sid.as_bytes());
            w.put(b"\"}");
        });
        if !pushed {
            return Err(SendError::QueueFull);
        }
        self.asked &= !bit;
        self.joined |= bit;
        self.ever_joined = true;
        Ok(())
    }

    /// Refuses a namespace that the client asked for. A JSON object gives it the reason; JavaScript clients show its
    /// `message` and `data`: `{"message":"not authorized"}`.
    ///
    /// # Errors
    /// As [`accept`](Self::accept); [`InvalidJson`](SendError::InvalidJson).
    pub fn refuse(&mut self, namespace: usize, error: &str) -> Result<(), SendError> {
        let bit = self.asked_bit(namespace)?;
        if error.as_bytes().first() != Some(&b'{') || !json::is_value(error.as_bytes()) {
            return Err(SendError::InvalidJson);
        }
        let name = self.name(namespace);
        self.push_packet(&Packet { data: error.as_bytes(), ..Packet::new(Kind::ConnectError, name) })?;
        self.asked &= !bit;
        Ok(())
    }

    /// Reserves an id to await an acknowledgement under, for at most `timeout` milliseconds (0: forever) from the next
    /// look at the clock on; `None` if all slots are taken. Give it to [`Outgoing::expect`].
    pub fn expect_ack(&mut self, timeout: u32) -> Option<u32> {
        self.acks.reserve(timeout)
    }

    /// The next acknowledgement that has not come in time, after [`tick`](Self::tick). If it comes later, it is ignored.
    pub fn ack_overdue(&mut self) -> Option<u32> {
        self.acks.take_overdue()
    }

    /// Queues an event or an acknowledgement with its attachments: all of it, or nothing.
    ///
    /// # Errors
    /// [`QueueFull`](SendError::QueueFull): the client is slower than the program. The program waits, drops the event,
    /// or closes the session.
    pub fn send(&mut self, namespace: usize, outgoing: &Outgoing<'_>) -> Result<(), SendError> {
        if self.end.is_some() || self.joined & bit(namespace) == 0 {
            return Err(SendError::NotConnected);
        }
        outgoing.check()?;
        let packet = outgoing.packet(self.name(namespace));
        let before = self.queue.len();
        let attached = outgoing.attached();
        let fits = self.queue.push(MessageKind::Text, |w| write_packet(&packet, w))
            && attached.iter().all(|bytes| self.queue.push(MessageKind::Binary, |w| w.put(bytes)));
        if !fits {
            self.queue.truncate(before);
            return Err(SendError::QueueFull);
        }
        Ok(())
    }

    /// Makes the client leave a namespace; the session goes on.
    ///
    /// # Errors
    /// [`NotConnected`](SendError::NotConnected), [`QueueFull`](SendError::QueueFull).
    pub fn disconnect(&mut self, namespace: usize) -> Result<(), SendError> {
        let bit = bit(namespace);
        if self.end.is_some() || self.joined & bit == 0 {
            return Err(SendError::NotConnected);
        }
        self.push_packet(&Packet::new(Kind::Disconnect, self.name(namespace)))?;
        self.joined &= !bit;
        Ok(())
    }

    /// Makes the client leave all namespaces and ends the session, after what is queued.
    pub fn close(&mut self) {
        if self.end.is_some() {
            return;
        }
        for namespace in 0..self.config.namespaces.len() {
            // Without room the end of the session says enough.
            let _ = self.disconnect(namespace);
        }
        self.end = Some(End::Left);
        self.connect.restart();
        if self.transport == Transport::Polling {
            self.push_type(Type::Close);
        }
    }

    /// Does what is due at `now`, in milliseconds of any clock that goes on steadily and may wrap: a ping, an end, an
    /// acknowledgement that is overdue. Returns in how many milliseconds to call it again at the latest. Call it before
    /// each request and message, too: the clock decides, not the timer.
    pub fn tick(&mut self, now: u32) -> Option<u32> {
        if self.end.is_some() {
            return self.closing(now);
        }
        let config = self.config;
        let mut wait = self.probe.tick(now, config.upgrade_within);
        if !self.ever_joined && config.connect_within > 0 {
            let left = self.connect.left(now, config.connect_within);
            if left == 0 {
                self.fail(End::Overdue(Overdue::Connect));
                return Some(0);
            }
            wait = earlier(wait, Some(left));
        }
        let mut left = match self.pinged {
            true => self.heartbeat.left(now, config.ping_timeout),
            false => self.heartbeat.left_exactly(now, config.ping_interval),
        };
        if left == 0 && self.pinged {
            self.fail(End::Overdue(Overdue::Heartbeat));
            return Some(0);
        }
        if left == 0 {
            self.pinged = true;
            self.heartbeat.restart();
            if !self.push_type(Type::Ping) {
                self.fail(End::QueueFull);
                return Some(0);
            }
            left = self.heartbeat.left(now, config.ping_timeout);
        }
        earlier(earlier(wait, Some(left)), self.acks.left(now))
    }

    /// Of a session that is ended: until the last packets are fetched.
    fn closing(&mut self, now: u32) -> Option<u32> {
        let within = self.config.close_within;
        if self.queue.is_empty() || self.transport == Transport::WebSocket || within == 0 {
            return None;
        }
        let left = self.connect.left(now, within);
        if left == 0 {
            self.queue.clear();
        }
        Some(left)
    }

    /// The code to close the WebSocket with, when the session is ended.
    pub const fn close_code(&self) -> Option<CloseCode> {
        match self.end {
            None => None,
            Some(End::Failed(fault)) => Some(fault.close_code()),
            Some(End::Overdue(_)) => Some(CloseCode::POLICY_VIOLATION),
            Some(End::QueueFull) => Some(CloseCode::TRY_AGAIN_LATER),
            Some(_) => Some(CloseCode::NORMAL),
        }
    }

    /// What carries the session has ended: the WebSocket, or the connection of a request before it was answered.
    pub const fn lost(&mut self, end: microws::End) {
        if self.end.is_none() {
            self.end = Some(End::WebSocket(end));
        }
        (self.held, self.posting) = (false, false);
        self.probe = Probe::NONE;
        self.queue.clear();
    }

    /// Why it ends, as soon as that is known.
    pub const fn end(&self) -> Option<End> {
        self.end
    }

    /// Whether it has ended and nothing waits any more: the host forgets it.
    pub const fn is_over(&self) -> bool {
        self.end.is_some() && self.queue.is_empty() && !self.held
    }

    /// Ends it at once: what is queued is dropped. A GET that is held is answered with a close packet.
    fn fail(&mut self, end: End) {
        self.end_with(end, Type::Close);
    }

    fn end_with(&mut self, end: End, last: Type) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(end);
        self.connect.restart();
        self.queue.clear();
        if self.held {
            self.push_type(last);
        }
    }

    /// Queues an Engine.IO packet without data.
    fn push_type(&mut self, kind: Type) -> bool {
        self.queue.push(MessageKind::Text, |w| w.put(&[kind as u8]))
    }

    fn push_packet(&mut self, packet: &Packet<'_>) -> Result<(), SendError> {
        if self.queue.push(MessageKind::Text, |w| write_packet(packet, w)) {
            return Ok(());
        }
        Err(SendError::QueueFull)
    }

    fn asked_bit(&self, namespace: usize) -> Result<u32, SendError> {
        let bit = bit(namespace);
        if self.end.is_some() || self.asked & bit == 0 { Err(SendError::NotConnected) } else { Ok(bit) }
    }

    fn name(&self, namespace: usize) -> &'a [u8] {
        self.config.namespaces.get(namespace).map_or(b"/", |name| name.as_bytes())
    }
}

/// The bit of a namespace, or none.
fn bit(namespace: usize) -> u32 {
    u32::try_from(namespace).ok().and_then(|n| 1u32.checked_shl(n)).unwrap_or(0)
}

/// A fault of the client, or of the host's memory.
enum Trouble {
    Fault(Fault),
    QueueFull,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
