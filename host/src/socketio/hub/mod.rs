//! [`Hub`]: all sessions, whatever carries them.

mod dispatch;
mod requests;
mod sessions;
mod settle;

use std::collections::HashMap;

use microws::{Chunk, MessageKind};
use microws_socketio::server::{self, ServerConfig, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, End, Fault, Inbox};
use typed_arena::Arena;

use self::dispatch::dispatch;
pub use self::sessions::ClientId;
pub(crate) use self::sessions::Sessions;
use self::sessions::{Carriers, Entry};
use super::application::{Application, Clients, MAX_ATTACHMENTS};
use super::config::SocketIo;
use super::http::Protocol;
use super::memory::{Memory, Source};
use crate::engineio::{self, Message, Socket, Sockets};
use crate::reactor::{Entry as Due, Noted, Wheel};
use crate::report::Report;
use crate::transport::Address;

/// Bytes that the protocol's own packets may need in a queue.
pub(super) const CONTROL: usize = 256;

/// Bytes of memory for the content of a POST before any of it has come.
const CONTENT: usize = 4096;

/// What outlives all sessions.
#[derive(Default)]
pub(crate) struct Sources {
    memory: Source,
    slots: Arena<AckSlot>,
}

/// What clients find.
pub(crate) struct Served<'c> {
    pub(crate) socketio: &'c ServerConfig<'c>,
    pub(crate) application: &'c mut dyn Application,
    /// Of Engine.IO alone.
    pub(crate) engineio: &'c ServerConfig<'c>,
    pub(crate) engine_application: Option<&'c mut (dyn engineio::Application + 'static)>,
    /// The client script.
    pub(crate) script: Option<&'c [u8]>,
}

/// All sessions, and what they share.
pub(crate) struct Hub<'c> {
    config: &'c SocketIo,
    sources: &'c Sources,
    pub(super) served: Served<'c>,
    sessions: Sessions<'c>,
    keys: HashMap<[u8; 20], usize>,
    slots: Vec<&'c mut [AckSlot]>,
    wheel: Wheel,
    due: Vec<Due>,
    /// Clients that are to run because of a message of another one, or because of the clock.
    woken: Vec<usize>,
    /// When the application is called at the latest, in milliseconds since the start.
    tick: Option<u64>,
    /// The client that runs.
    pub(crate) current: usize,
    serial: u64,
    /// The answer to a GET.
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Hub<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("sessions", &self.sessions.slab.len()).finish_non_exhaustive()
    }
}

impl<'c> Hub<'c> {
    pub(crate) fn new(config: &'c SocketIo, served: Served<'c>, sources: &'c Sources, total: usize) -> Self {
        Self {
            config,
            sources,
            served,
            sessions: Sessions::new(
                &config.namespaces,
                Memory::new(&sources.memory, total, config.largest()),
            ),
            keys: HashMap::new(),
            slots: Vec::new(),
            wheel: Wheel::new(0),
            due: Vec::new(),
            woken: Vec::new(),
            tick: Some(0),
            current: 0,
            serial: 0,
            scratch: Vec::new(),
        }
    }

    /// Moves the clients that are to run to `woken`, which is empty.
    pub(crate) const fn take_woken(&mut self, woken: &mut Vec<usize>) {
        std::mem::swap(&mut self.woken, woken);
    }

    /// Whether there may be something to do: there are sessions, or clients that must learn of the last one's end, or the
    /// application waits for a time.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        !self.sessions.slab.is_empty() || !self.woken.is_empty() || self.tick.is_some()
    }

    /// Milliseconds until there is something to do.
    #[cold]
    pub(crate) fn due_in(&self, now: u64) -> Option<u64> {
        if !self.woken.is_empty() || !self.sessions.reached.is_empty() {
            return Some(0);
        }
        let tick = self.tick.map(|tick| tick.saturating_sub(now));
        self.wheel.next_in(now).into_iter().chain(tick).min()
    }

    /// Has the application called as soon as possible.
    pub(crate) const fn wake(&mut self) {
        self.tick = Some(0);
    }

    /// Does what is due.
    #[cold]
    pub(crate) fn expire(&mut self, now: u64, report: &mut Report) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        // No client runs now.
        self.current = usize::MAX;
        for Due { owner: key, tick } in due.drain(..) {
            if let Some(entry) = self.sessions.slab.get_mut(key).filter(|entry| entry.tick == tick) {
                entry.tick = Noted::NONE;
                let id = ClientId { serial: entry.serial, key };
                self.settle(id, now, report);
            }
        }
        self.due = due;
        if self.tick.is_some_and(|tick| tick <= now) {
            let within = self.served.application.on_tick(&mut Clients::new(&mut self.sessions));
            let engine = self.served.engine_application.as_mut();
            let other = engine.and_then(|engine| engine.on_tick(&mut Sockets::new(&mut self.sessions)));
            // Not without end in one millisecond.
            let within = within.into_iter().chain(other).min().map(|within| within.max(1));
            self.tick = within.map(|within| now + u64::from(within));
        }
    }

    /// Whether there is a client script, and Socket.IO to be used with it.
    pub(crate) fn has_client(&self) -> bool {
        self.config.is_on() && self.served.script.is_some()
    }

    /// The protocol whose requests have this path.
    pub(crate) fn protocol(&self, path: &str) -> Option<Protocol> {
        let is_below =
            |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        match path {
            _ if self.config.is_on() && is_below("/socket.io") => Some(Protocol::SocketIo),
            _ if self.served.engine_application.is_some() && is_below("/engine.io") => {
                Some(Protocol::EngineIo)
            }
            _ => None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.sessions.slab.len() >= self.config.max_sessions
    }

    /// The session that a request names.
    pub(super) fn find(&self, protocol: Protocol, sid: &str) -> Option<ClientId> {
        let sid: [u8; 20] = sid.as_bytes().try_into().ok()?;
        let key = *self.keys.get(&sid)?;
        let entry = self.sessions.slab.get(key).filter(|entry| entry.protocol == protocol)?;
        Some(ClientId { serial: entry.serial, key })
    }

    /// Begins a session; `None` if there are too many, if there is no memory for it, or no randomness.
    pub(super) fn begin(
        &mut self,
        protocol: Protocol,
        transport: Transport,
        who: &Address,
        now: u64,
        report: &mut Report,
    ) -> Option<ClientId> {
        if self.is_full() {
            return None;
        }
        let sid = sid()?;
        let queue = self.sessions.memory.take(CONTROL)?;
        let server = match protocol {
            Protocol::SocketIo => self.served.socketio,
            Protocol::EngineIo => self.served.engineio,
        };
        let mut session = ServerSession::new(server, sid, transport, queue);
        if self.config.awaited_acks > 0 {
            let fresh = || {
                let slots = std::iter::repeat_n(AckSlot::new(), self.config.awaited_acks);
                self.sources.slots.alloc_extend(slots)
            };
            session = session.acks(self.slots.pop().unwrap_or_else(fresh));
        }
        self.serial += 1;
        let entry = Entry::new(self.serial, protocol, who.clone(), session);
        let key = self.sessions.slab.insert(entry);
        self.keys.insert(name_of(&sid), key);
        report.session_began(who, self.serial, protocol, transport);
        let id = ClientId { serial: self.serial, key };
        if transport == Transport::WebSocket {
            let current = self.current;
            self.get(id)?.carriers.socket = Some(current);
        }
        if let (Protocol::EngineIo, Some(engine)) = (protocol, &mut self.served.engine_application) {
            engine.on_open(&mut Socket::new(&mut self.sessions, id));
        }
        self.settle(id, now, report);
        Some(id)
    }

    fn get(&mut self, id: ClientId) -> Option<&mut Entry<'c>> {
        self.sessions.get_mut(id)
    }

    /// Looks at the clock, with memory for `room` bytes more in the queue.
    pub(super) fn equip(&mut self, id: ClientId, now: u64, room: usize) -> Option<()> {
        let Sessions { slab, memory, .. } = &mut self.sessions;
        let entry = slab.get_mut(id.key).filter(|entry| entry.serial == id.serial)?;
        entry.equip(memory, room);
        entry.session.tick(now as u32);
        Some(())
    }

    /// A part of a message came over the WebSocket that carries the session.
    pub(super) fn receive(&mut self, id: ClientId, chunk: &Chunk<'_>, now: u64, report: &mut Report) {
        // An echo is as long, and a little longer.
        if self.equip(id, now, chunk.payload.len() + CONTROL).is_none() {
            return;
        }
        let Some(Entry { protocol, .. }) = self.get(id) else { return };
        let protocol = *protocol;
        let Some(mut inbox) = self.take_inbox(id) else { return };
        let is_whole = chunk.first && chunk.fin;
        // One of Engine.IO alone is not copied if it comes whole.
        let is_copied = match protocol {
            Protocol::EngineIo => !is_whole,
            Protocol::SocketIo if is_whole && chunk.kind == MessageKind::Text => {
                matches!(*chunk.payload, [b'4', b'5' | b'6', ..])
            }
            Protocol::SocketIo => true,
        };
        if is_copied {
            make_room(&mut inbox, &mut self.sessions.memory, chunk.payload.len());
        }
        let session = self.sessions.session(id);
        if protocol == Protocol::EngineIo {
            if let Some(message) = session.and_then(|session| session.receive_message(chunk, &mut inbox)) {
                self.on_message(id, message, report);
            }
        } else if let Some(event) = session.and_then(|session| session.receive(chunk, &mut inbox)) {
            dispatch(self.served.application, &mut self.sessions, id, event, report);
        }
        if chunk.fin {
            tidy(&mut inbox, &mut self.sessions.memory);
        }
        self.put_inbox(id, inbox);
    }

    /// A client of Engine.IO alone has sent a message.
    fn on_message(&mut self, id: ClientId, message: server::Message<'_>, report: &mut Report) {
        let Some(engine) = &mut self.served.engine_application else { return };
        if let Some(entry) = self.sessions.get(id) {
            report.engine_message(&entry.who, id.serial, message.kind, message.payload.len() as u64);
        }
        let message = match message.kind {
            MessageKind::Text => Message::Text(std::str::from_utf8(message.payload).unwrap_or_default()),
            MessageKind::Binary => Message::Binary(message.payload),
        };
        engine.on_message(&mut Socket::new(&mut self.sessions, id), message);
    }

    /// The inbox of a session, while what came in it is handled: the application may reach for all sessions then.
    fn take_inbox(&mut self, id: ClientId) -> Option<Inbox<'c>> {
        self.get(id).map(|entry| std::mem::replace(&mut entry.inbox, Inbox::new(&mut [])))
    }

    /// Gives it back.
    fn put_inbox(&mut self, id: ClientId, inbox: Inbox<'c>) {
        // Nothing ends a session for good meanwhile.
        if let Some(entry) = self.get(id) {
            entry.inbox = inbox;
        }
    }

    /// The next message for the WebSocket that carries the session.
    pub(super) fn front(&self, id: ClientId) -> Option<(MessageKind, &[u8])> {
        self.sessions.get(id)?.session.front()
    }

    /// It was sent.
    pub(super) fn pop(&mut self, id: ClientId) {
        if let Some(entry) = self.get(id) {
            entry.session.pop();
        }
    }

    /// A message of the session is larger than the limit that clients got.
    pub(super) fn too_long(&mut self, id: ClientId) {
        if let Some(entry) = self.get(id) {
            entry.session.fail_for(Fault::TooLong);
        }
    }

    /// The close code for the WebSocket that carries the session, once it has ended. The session is forgotten then.
    pub(super) fn detach(&mut self, id: ClientId) -> Option<(microws::CloseCode, End)> {
        let entry = self.get(id)?;
        let (code, end) = (entry.session.close_code()?, entry.session.end()?);
        entry.carriers.socket = None;
        Some((code, end))
    }

    /// What carries the session.
    pub(super) fn transport(&mut self, id: ClientId) -> Option<Transport> {
        self.get(id).map(|entry| entry.session.transport())
    }

    /// The current client has ended: what it carried is lost.
    pub(super) fn lost(&mut self, id: ClientId, end: microws::End, now: u64, report: &mut Report) {
        let current = self.current;
        let Some(entry) = self.get(id) else { return };
        let Carriers { socket, get, probe, post } = &mut entry.carriers;
        if *probe == Some(current) {
            *probe = None;
            entry.session.probe_lost();
        }
        let mut carried = false;
        for carrier in [socket, get, post] {
            if *carrier == Some(current) {
                *carrier = None;
                carried = true;
            }
        }
        if carried {
            entry.session.lost(end);
        }
        self.settle(id, now, report);
    }
}

/// An id as the key of a table.
fn name_of(sid: &Sid) -> [u8; 20] {
    sid.as_bytes().try_into().unwrap_or_default()
}

/// Fresh random bytes.
fn sid() -> Option<Sid> {
    let mut random = [0; 15];
    getrandom::fill(&mut random).ok()?;
    Some(Sid::new(random))
}

/// Gives an inbox room for so many bytes more; without memory the session ends when it needs it.
fn make_room<'c>(inbox: &mut Inbox<'c>, memory: &mut Memory<'c>, more: usize) {
    // Four bytes stand before each attachment.
    let more = more + 8 + 8 * MAX_ATTACHMENTS;
    if inbox.capacity() - inbox.len() >= more {
        return;
    }
    if let Some(larger) = memory.take_larger(inbox.len(), more) {
        match inbox.replace(larger) {
            Ok(piece) | Err(piece) => memory.give_back(piece),
        }
    }
}

/// Takes an inbox's memory back, unless something waits in it.
fn tidy<'c>(inbox: &mut Inbox<'c>, memory: &mut Memory<'c>) {
    inbox.clear_taken();
    if inbox.is_empty()
        && let Ok(piece) = inbox.replace(&mut [])
    {
        memory.give_back(piece);
    }
}
