//! [`Hub`]: all sessions, whatever carries them.

use std::collections::HashMap;

use microws::{Chunk, MessageKind};
use microws_socketio::server::{
    Get, PostEnd, Probed, ServerConfig, ServerEvent, ServerSession, Sid, Transport, Upgrade,
};
use microws_socketio::{AckSlot, End, Fault, Inbox, SendError};
use slab::Slab;
use typed_arena::Arena;

use super::application::{Application, Client, Event, MAX_ATTACHMENTS, grow, list};
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

    /// Milliseconds until a session is due.
    pub(crate) fn due_in(&self, now: u64) -> Option<u64> {
        self.wheel.next_in(now)
    }

    /// Does what is due.
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

    /// A GET of the current client. If it is to be held, this client is woken when there is an answer.
    pub(super) fn on_get(&mut self, id: Id, now: u64) -> Option<Get> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id)?;
        let get = entry.session.get();
        if get == Get::Hold {
            entry.carriers.get = Some(current);
        }
        Some(get)
    }

    /// Whether the GET that this client holds is to be answered now; `None` if the session is over.
    pub(super) fn answers_held(&mut self, id: Id) -> Option<bool> {
        self.get(id).map(|entry| entry.session.answers_held())
    }

    /// The content of the answer to a GET.
    pub(super) fn answer(&mut self, id: Id) -> &[u8] {
        let Some(entry) = self.sessions.get_mut(id.key).filter(|entry| entry.serial == id.serial) else {
            return &[];
        };
        let len = entry.session.answer_len();
        if self.scratch.len() < len {
            self.scratch.resize(len, 0);
        }
        let len = entry.session.answer(&mut self.scratch);
        entry.carriers.get = None;
        &self.scratch[..len]
    }

    /// A POST of the current client with so much content begins; whether it may.
    pub(super) fn begin_post(&mut self, id: Id, len: usize, now: u64) -> Option<bool> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let Some(content) = self.memory.take(len.min(CONTENT)) else { return Some(false) };
        let entry = self.sessions.get_mut(id.key)?;
        if !entry.session.begin_post() {
            self.memory.give_back(content);
            return Some(false);
        }
        entry.content = Some((content, 0));
        entry.carriers.post = Some(current);
        Some(true)
    }

    /// A part of its content came.
    pub(super) fn on_content(&mut self, id: Id, bytes: &[u8]) {
        let Some(entry) = self.sessions.get_mut(id.key).filter(|entry| entry.serial == id.serial) else {
            return;
        };
        let Some((mut content, len)) = entry.content.take() else { return };
        if content.len() - len < bytes.len() {
            // A client that only promises much takes little.
            let Some(larger) = self.memory.take_larger(len, bytes.len()) else {
                self.memory.give_back(content);
                return entry.session.fail_for(Fault::TooLong);
            };
            larger[..len].copy_from_slice(&content[..len]);
            self.memory.give_back(std::mem::replace(&mut content, larger));
        }
        content[len..len + bytes.len()].copy_from_slice(bytes);
        entry.content = Some((content, len + bytes.len()));
    }

    /// All of it came; `None` if the session is over.
    pub(super) fn end_post(&mut self, id: Id, now: u64, report: &mut Report) -> Option<PostEnd> {
        let (content, len) = self.get(id)?.content.take()?;
        self.equip(id, now, len + CONTROL);
        let entry = self.sessions.get_mut(id.key)?;
        entry.carriers.post = None;
        make_room(&mut entry.inbox, &mut self.memory, len);
        let Entry { session, inbox, joined, serial, who, .. } = entry;
        let mut post = session.post(&mut content[..len]);
        while let Some(event) = session.next_event(&mut post, inbox) {
            let client = (&mut *session, &mut self.memory, &mut *joined, *serial, &*who);
            dispatch(self.application, &self.config.namespaces, client, event, report);
        }
        let end = session.end_post(&post);
        tidy(&mut entry.inbox, &mut self.memory);
        self.memory.give_back(content);
        Some(end)
    }

    /// A POST of the current client whose content can't be taken.
    pub(super) fn refuse_post(&mut self, id: Id) {
        if let Some(entry) = self.get(id) {
            entry.session.fail_for(Fault::Encoding);
        }
    }

    /// The current client's WebSocket names the session.
    pub(super) fn on_upgrade(&mut self, id: Id, now: u64) -> Option<Upgrade> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id)?;
        let upgrade = entry.session.upgrade();
        if upgrade == Upgrade::Probe {
            entry.carriers.probe = Some(current);
        }
        Some(upgrade)
    }

    /// A part of a message came over the WebSocket that is probed; `None` if it is to be closed.
    pub(super) fn on_probe(&mut self, id: Id, chunk: &Chunk<'_>, now: u64) -> Option<Probed> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id).filter(|entry| entry.carriers.probe == Some(current))?;
        let probed = entry.session.probe(chunk);
        match probed {
            Probed::Upgraded => {
                entry.carriers.probe = None;
                entry.carriers.socket = Some(current);
            }
            Probed::Close => entry.carriers.probe = None,
            Probed::Wait | Probed::Reply(_) => {}
        }
        Some(probed)
    }

    /// Whether the current client's WebSocket is still probed.
    pub(super) fn is_probed(&mut self, id: Id) -> bool {
        let current = self.current;
        self.get(id).is_some_and(|entry| entry.carriers.probe == Some(current))
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

    /// Does what follows from a change: wakes those who have something to say, tells the application of the end, enters
    /// the next deadline, and takes memory back.
    pub(super) fn settle(&mut self, id: Id, now: u64, report: &mut Report) {
        let current = self.current;
        if self.equip(id, now, CONTROL).is_none() {
            return;
        }
        let Some(entry) = self.sessions.get_mut(id.key) else { return };
        let mut wait = entry.session.tick(now as u32);
        if wait == Some(0) {
            wait = entry.session.tick(now as u32);
        }
        while let Some(ack) = entry.session.ack_overdue() {
            for namespace in joined(entry.joined) {
                let mut client = Client {
                    session: &mut entry.session,
                    memory: &mut self.memory,
                    names: &self.config.namespaces,
                    namespace,
                    id: id.serial,
                };
                self.application.on_ack_overdue(&mut client, ack);
            }
        }
        if entry.session.probe_overdue()
            && let Some(probe) = entry.carriers.probe.take()
        {
            self.woken.push(probe);
        }
        let end = entry.session.end();
        if let Some(end) = &end
            && !std::mem::replace(&mut entry.told, true)
        {
            for namespace in joined(std::mem::take(&mut entry.joined)) {
                let mut client = Client {
                    session: &mut entry.session,
                    memory: &mut self.memory,
                    names: &self.config.namespaces,
                    namespace,
                    id: id.serial,
                };
                self.application.on_disconnect(&mut client, end);
            }
            report.session_ended(&entry.who, id.serial, end);
        }
        // Those that the application had it leave.
        for namespace in joined(entry.joined) {
            if entry.session.is_joined(namespace) {
                continue;
            }
            entry.joined &= !(1 << namespace);
            let mut client = Client {
                session: &mut entry.session,
                memory: &mut self.memory,
                names: &self.config.namespaces,
                namespace,
                id: id.serial,
            };
            self.application.on_disconnect(&mut client, &End::Left);
        }
        let Carriers { socket, get, probe, post } = &mut entry.carriers;
        let has_more = entry.session.front().is_some() || end.is_some();
        self.woken.extend(socket.filter(|peer| has_more && *peer != current));
        let answers = entry.session.answers_held();
        self.woken.extend(get.filter(|peer| (answers || end.is_some()) && *peer != current));
        if entry.session.is_over() && socket.is_none() {
            for carrier in [get, probe, post] {
                self.woken.extend(carrier.filter(|peer| *peer != current));
            }
            return self.remove(id.key, report);
        }
        if let Some(within) = wait {
            entry.tick = self.wheel.enter(id.key, now, within, entry.tick);
        }
        if entry.session.queue_len() == (0, entry.session.queue_len().1)
            && let Ok(memory) = entry.session.replace_queue(&mut [])
        {
            self.memory.give_back(memory);
        }
    }

    fn remove(&mut self, key: usize, report: &mut Report) {
        let mut entry = self.sessions.remove(key);
        self.keys.remove(&name_of(entry.session.sid()));
        report.session_gone();
        if let Ok(memory) = entry.session.replace_queue(&mut []) {
            self.memory.give_back(memory);
        }
        if let Some((content, _)) = entry.content {
            self.memory.give_back(content);
        }
        self.memory.give_back(entry.inbox.into_memory());
        let slots = entry.session.into_acks();
        if !slots.is_empty() {
            self.slots.push(slots);
        }
    }
}

/// Tells the application what a client said.
fn dispatch<'c>(
    application: &mut dyn Application,
    names: &[String],
    (session, memory, joined, id, who): (&mut ServerSession<'c>, &mut Memory<'c>, &mut u32, u64, &Address),
    event: ServerEvent<'_>,
    report: &mut Report,
) {
    let mut room: [&[u8]; MAX_ATTACHMENTS] = [&[]; MAX_ATTACHMENTS];
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match event {
        ServerEvent::Connect { namespace, auth } => {
            let mut client = Client { session, memory, names, namespace, id };
            if let Err(error) = application.on_connect(&mut client, text(auth)) {
                if client.session.refuse(namespace, &error).is_err() {
                    let _ = client.session.refuse(namespace, r#"{"message":"refused"}"#);
                }
                report.namespace_refused(who, id, client.namespace());
                return;
            }
            let Some(sid) = sid() else { return };
            let mut accepted = client.session.accept(namespace, sid);
            while accepted == Err(SendError::QueueFull) && grow(client.session, client.memory, CONTROL) {
                accepted = client.session.accept(namespace, sid);
            }
            if accepted.is_ok() {
                *joined |= 1 << namespace;
                report.namespace_joined(who, id, client.namespace());
                application.on_joined(&mut client);
            }
        }
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            let len = args.len() + attachments.map(<[u8]>::len).sum::<usize>();
            let count = list(attachments, &mut room);
            let event = Event { name: text(name), args: text(args), attachments: &room[..count], ack };
            report.event(who, id, event.name, len as u64);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_event(&mut client, &event);
        }
        ServerEvent::Ack { namespace, id: ack, args, attachments } => {
            let count = list(attachments, &mut room);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_ack(&mut client, ack, text(args), &room[..count]);
        }
        ServerEvent::Disconnected { namespace } => {
            *joined &= !(1 << namespace);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_disconnect(&mut client, &End::Disconnected);
        }
        _ => {}
    }
}

/// The namespaces of a set.
fn joined(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |bit| set & (1 << bit) != 0)
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
