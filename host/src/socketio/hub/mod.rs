//! [`Hub`]: all sessions, whatever carries them.

mod dispatch;
mod requests;
mod settle;

use std::collections::HashMap;

use microws::{Chunk, MessageKind};
use microws_socketio::server::{ServerConfig, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, End, Fault, Inbox};
use slab::Slab;
use typed_arena::Arena;

use self::dispatch::dispatch;
use super::application::{Application, MAX_ATTACHMENTS, grow};
use super::config::SocketIo;
use super::memory::{Memory, Source};
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

/// Names a session; after its end it names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id {
    key: usize,
    serial: u64,
}

impl Id {
    pub(super) const fn serial(self) -> u64 {
        self.serial
    }
}

/// What carries a session, by the keys of clients.
#[derive(Debug, Default)]
struct Carriers {
    /// The WebSocket.
    socket: Option<usize>,
    /// The connection of the GET that is held.
    get: Option<usize>,
    /// The WebSocket that is probed.
    probe: Option<usize>,
    /// The connection of a POST.
    post: Option<usize>,
}

/// A session, and what the hub notes about it.
#[derive(Debug)]
struct Entry<'c> {
    serial: u64,
    /// Who began it.
    who: Address,
    session: ServerSession<'c>,
    inbox: Inbox<'c>,
    carriers: Carriers,
    /// The content of a POST as far as it has come.
    content: Option<(&'c mut [u8], usize)>,
    /// The namespaces that are joined, a bit for each.
    joined: u32,
    /// Its tick in the timer wheel.
    tick: Noted,
    /// The application knows of the end.
    told: bool,
}

/// All sessions, and what they share.
pub(crate) struct Hub<'c> {
    config: &'c SocketIo,
    server: &'c ServerConfig<'c>,
    sources: &'c Sources,
    application: &'c mut dyn Application,
    /// The client script.
    pub(super) script: Option<&'c [u8]>,
    memory: Memory<'c>,
    sessions: Slab<Entry<'c>>,
    keys: HashMap<[u8; 20], usize>,
    slots: Vec<&'c mut [AckSlot]>,
    wheel: Wheel,
    due: Vec<Due>,
    /// Clients that are to run, because of what another one said, or of the clock.
    woken: Vec<usize>,
    /// The client that runs.
    pub(crate) current: usize,
    serial: u64,
    /// The answer to a GET.
    scratch: Vec<u8>,
}

impl std::fmt::Debug for Hub<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("sessions", &self.sessions.len()).finish_non_exhaustive()
    }
}

impl<'c> Hub<'c> {
    pub(crate) fn new(
        config: &'c SocketIo,
        server: &'c ServerConfig<'c>,
        sources: &'c Sources,
        application: &'c mut dyn Application,
        script: Option<&'c [u8]>,
        total: usize,
    ) -> Self {
        Self {
            config,
            server,
            sources,
            application,
            script,
            memory: Memory::new(&sources.memory, total, config.largest()),
            sessions: Slab::new(),
            keys: HashMap::new(),
            slots: Vec::new(),
            wheel: Wheel::new(0),
            due: Vec::new(),
            woken: Vec::new(),
            current: 0,
            serial: 0,
            scratch: Vec::new(),
        }
    }

    /// The next client that is to run.
    pub(crate) fn take_woken(&mut self) -> Option<usize> {
        self.woken.pop()
    }

    /// Whether there may be something to do: without sessions, and clients to be told of the last one's end, there is not.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        !self.sessions.is_empty() || !self.woken.is_empty()
    }

    /// Milliseconds until a session is due.
    #[cold]
    pub(crate) fn due_in(&self, now: u64) -> Option<u64> {
        self.wheel.next_in(now)
    }

    /// Does what is due.
    #[cold]
    pub(crate) fn expire(&mut self, now: u64, report: &mut Report) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.expire(now, &mut due);
        // No client runs now.
        self.current = usize::MAX;
        for Due { owner: key, tick } in due.drain(..) {
            if let Some(entry) = self.sessions.get_mut(key).filter(|entry| entry.tick == tick) {
                entry.tick = Noted::NONE;
                let id = Id { key, serial: entry.serial };
                self.settle(id, now, report);
            }
        }
        self.due = due;
    }

    pub(super) fn is_full(&self) -> bool {
        self.sessions.len() >= self.config.max_sessions
    }

    /// The session that a request names.
    pub(super) fn find(&self, sid: &str) -> Option<Id> {
        let sid: [u8; 20] = sid.as_bytes().try_into().ok()?;
        let key = *self.keys.get(&sid)?;
        Some(Id { key, serial: self.sessions.get(key)?.serial })
    }

    /// Begins a session; `None` if there is no memory for it, or no randomness.
    pub(super) fn begin(
        &mut self,
        transport: Transport,
        who: &Address,
        now: u64,
        report: &mut Report,
    ) -> Option<Id> {
        let sid = sid()?;
        let queue = self.memory.take(CONTROL)?;
        let mut session = ServerSession::new(self.server, sid, transport, queue);
        if self.config.awaited_acks > 0 {
            let fresh = || {
                let slots = std::iter::repeat_n(AckSlot::new(), self.config.awaited_acks);
                self.sources.slots.alloc_extend(slots)
            };
            session = session.acks(self.slots.pop().unwrap_or_else(fresh));
        }
        self.serial += 1;
        let entry = Entry {
            serial: self.serial,
            who: who.clone(),
            session,
            inbox: Inbox::new(&mut []),
            carriers: Carriers::default(),
            content: None,
            joined: 0,
            tick: Noted::NONE,
            told: false,
        };
        let key = self.sessions.insert(entry);
        self.keys.insert(name_of(&sid), key);
        report.session_began(who, self.serial, transport);
        let id = Id { key, serial: self.serial };
        if transport == Transport::WebSocket {
            let current = self.current;
            self.get(id)?.carriers.socket = Some(current);
        }
        self.settle(id, now, report);
        Some(id)
    }

    fn get(&mut self, id: Id) -> Option<&mut Entry<'c>> {
        self.sessions.get_mut(id.key).filter(|entry| entry.serial == id.serial)
    }

    /// Looks at the clock, with memory for `room` bytes more in the queue.
    pub(super) fn equip(&mut self, id: Id, now: u64, room: usize) -> Option<()> {
        let entry = self.sessions.get_mut(id.key).filter(|entry| entry.serial == id.serial)?;
        let (len, capacity) = entry.session.queue_len();
        if capacity - len < room {
            // Without it the session ends when it needs it.
            let _ = grow(&mut entry.session, &mut self.memory, room);
        }
        entry.session.tick(now as u32);
        Some(())
    }

    /// A part of a message came over the WebSocket that carries the session.
    pub(super) fn receive(&mut self, id: Id, chunk: &Chunk<'_>, now: u64, report: &mut Report) {
        // An echo is as long, and a little longer.
        if self.equip(id, now, chunk.payload.len() + CONTROL).is_none() {
            return;
        }
        let Some(entry) = self.sessions.get_mut(id.key) else { return };
        let whole = chunk.first && chunk.fin && chunk.kind == MessageKind::Text;
        let attaches = whole && matches!(*chunk.payload, [b'4', b'5' | b'6', ..]);
        if !whole || attaches {
            make_room(&mut entry.inbox, &mut self.memory, chunk.payload.len());
        }
        let Entry { session, inbox, joined, serial, who, .. } = entry;
        if let Some(event) = session.receive(chunk, inbox) {
            let client = (session, &mut self.memory, joined, *serial, &*who);
            dispatch(self.application, &self.config.namespaces, client, event, report);
        }
        if chunk.fin {
            tidy(&mut entry.inbox, &mut self.memory);
        }
    }

    /// The next message for the WebSocket that carries the session.
    pub(super) fn front(&self, id: Id) -> Option<(MessageKind, &[u8])> {
        self.sessions.get(id.key).filter(|entry| entry.serial == id.serial)?.session.front()
    }

    /// It was sent.
    pub(super) fn pop(&mut self, id: Id) {
        if let Some(entry) = self.get(id) {
            entry.session.pop();
        }
    }

    /// A message of the session is larger than clients were told that it may be.
    pub(super) fn too_long(&mut self, id: Id) {
        if let Some(entry) = self.get(id) {
            entry.session.fail_for(Fault::TooLong);
        }
    }

    /// The close code for the WebSocket that carries the session, once it has ended. It is told then, and forgotten.
    pub(super) fn detach(&mut self, id: Id) -> Option<(microws::CloseCode, End)> {
        let entry = self.get(id)?;
        let (code, end) = (entry.session.close_code()?, entry.session.end()?);
        entry.carriers.socket = None;
        Some((code, end))
    }

    /// What carries the session.
    pub(super) fn transport(&mut self, id: Id) -> Option<Transport> {
        self.get(id).map(|entry| entry.session.transport())
    }

    /// The current client has ended: what it carried is lost.
    pub(super) fn lost(&mut self, id: Id, end: microws::End, now: u64, report: &mut Report) {
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
