//! [`Sessions`]: all sessions, which the application can reach while it handles an event of one of them.

use std::fmt;

use microws_socketio::server::ServerSession;
use microws_socketio::{Inbox, Outgoing, SendError};
use slab::Slab;

use super::CONTROL;
use crate::engineio::Message;
use crate::reactor::Noted;
use crate::socketio::Protocol;
use crate::socketio::memory::Memory;
use crate::transport::Address;

/// Names a client by its session; after the end of that it names none. It is no secret, and no other client of this
/// server has had it. Shown as a number, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    pub(super) serial: u64,
    pub(super) key: usize,
}

impl ClientId {
    pub(crate) const fn serial(self) -> u64 {
        self.serial
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serial.fmt(f)
    }
}

/// What carries a session, by the keys of clients.
#[derive(Debug, Default)]
pub(super) struct Carriers {
    /// The WebSocket.
    pub(super) socket: Option<usize>,
    /// The connection of the GET that is held.
    pub(super) get: Option<usize>,
    /// The WebSocket that is probed.
    pub(super) probe: Option<usize>,
    /// The connection of a POST.
    pub(super) post: Option<usize>,
}

/// A session, and what the hub notes about it.
#[derive(Debug)]
pub(super) struct Entry<'c> {
    pub(super) serial: u64,
    pub(super) protocol: Protocol,
    /// The client that began it.
    pub(super) who: Address,
    pub(super) session: ServerSession<'c>,
    pub(super) inbox: Inbox<'c>,
    pub(super) carriers: Carriers,
    /// The content of a POST as far as it has come.
    pub(super) content: Option<(&'c mut [u8], usize)>,
    /// The namespaces that are joined, a bit for each.
    pub(super) joined: u32,
    /// Its tick in the timer wheel.
    pub(super) tick: Noted,
    /// The application knows of the end.
    pub(super) reported: bool,
    /// It is in the list of those that were reached.
    pub(super) reached: bool,
}

impl<'c> Entry<'c> {
    pub(super) fn new(serial: u64, protocol: Protocol, who: Address, session: ServerSession<'c>) -> Self {
        Self {
            serial,
            protocol,
            who,
            session,
            inbox: Inbox::new(&mut []),
            carriers: Carriers::default(),
            content: None,
            joined: 0,
            tick: Noted::NONE,
            reported: false,
            reached: false,
        }
    }

    /// Whether it speaks Engine.IO alone, and has not ended.
    fn is_bare(&self) -> bool {
        self.protocol == Protocol::EngineIo && self.session.end().is_none()
    }

    /// Gives it memory for `more` bytes in its queue; whether there was some.
    pub(super) fn grow(&mut self, memory: &mut Memory<'c>, more: usize) -> bool {
        let (_, capacity) = self.session.queue_len();
        let Some(larger) = memory.take_larger(capacity, more) else { return false };
        if larger.len() <= capacity {
            memory.give_back(larger);
            return false;
        }
        let replaced = self.session.replace_queue(larger);
        let has_grown = replaced.is_ok();
        let (Ok(piece) | Err(piece)) = replaced;
        memory.give_back(piece);
        has_grown
    }

    /// Gives it memory for so many bytes in its queue, unless it has that; without it the session ends when it needs it.
    pub(super) fn equip(&mut self, memory: &mut Memory<'c>, room: usize) {
        let (len, capacity) = self.session.queue_len();
        if capacity - len < room {
            let _ = self.grow(memory, room);
        }
    }

    /// Has its session queue something, with more memory if that is needed.
    fn queue(
        &mut self,
        memory: &mut Memory<'c>,
        mut verb: impl FnMut(&mut ServerSession<'c>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        loop {
            match verb(&mut self.session) {
                Err(SendError::QueueFull) if self.grow(memory, 1) => {}
                done => return done,
            }
        }
    }
}

/// All sessions, and the memory that they share.
#[derive(Debug)]
pub(crate) struct Sessions<'c> {
    /// The namespaces.
    pub(in crate::socketio) names: &'c [String],
    pub(super) slab: Slab<Entry<'c>>,
    pub(super) memory: Memory<'c>,
    /// Those that the application has used while it handled another one, or none.
    pub(super) reached: Vec<ClientId>,
}

impl<'c> Sessions<'c> {
    pub(super) const fn new(names: &'c [String], memory: Memory<'c>) -> Self {
        Self { names, slab: Slab::new(), memory, reached: Vec::new() }
    }

    /// What is noted about a session.
    pub(super) fn get(&self, id: ClientId) -> Option<&Entry<'c>> {
        self.slab.get(id.key).filter(|entry| entry.serial == id.serial)
    }

    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Entry<'c>> {
        self.slab.get_mut(id.key).filter(|entry| entry.serial == id.serial)
    }

    /// The session itself.
    pub(crate) fn session(&mut self, id: ClientId) -> Option<&mut ServerSession<'c>> {
        self.get_mut(id).map(|entry| &mut entry.session)
    }

    /// Those that are in a namespace.
    pub(in crate::socketio) fn joined(&self, namespace: usize) -> impl Iterator<Item = ClientId> {
        let joined = self.slab.iter().filter(move |(_, entry)| entry.session.is_joined(namespace));
        joined.map(|(key, entry)| ClientId { serial: entry.serial, key })
    }

    /// A session is reached for: what follows from that is done when the application has returned.
    pub(crate) fn reach(&mut self, id: ClientId) {
        if let Some(entry) = self.slab.get_mut(id.key).filter(|entry| !entry.reached) {
            entry.reached = true;
            self.reached.push(id);
        }
    }

    /// Has a session queue something, with more memory if that is needed.
    pub(in crate::socketio) fn queue(
        &mut self,
        id: ClientId,
        verb: impl FnMut(&mut ServerSession<'c>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        let Self { slab, memory, .. } = self;
        let entry = slab.get_mut(id.key).filter(|entry| entry.serial == id.serial);
        entry.ok_or(SendError::NotConnected)?.queue(memory, verb)
    }

    /// Ends a session, after what waits.
    pub(crate) fn close(&mut self, id: ClientId) {
        let Self { slab, memory, .. } = self;
        let Some(entry) = slab.get_mut(id.key).filter(|entry| entry.serial == id.serial) else { return };
        entry.equip(memory, CONTROL);
        entry.session.close();
    }

    /// Whether it is a client of Engine.IO alone that is there.
    pub(crate) fn is_bare(&self, id: ClientId) -> bool {
        self.get(id).is_some_and(Entry::is_bare)
    }

    /// Those of Engine.IO alone.
    pub(crate) fn bare(&self) -> impl Iterator<Item = ClientId> {
        let bare = self.slab.iter().filter(|(_, entry)| entry.is_bare());
        bare.map(|(key, entry)| ClientId { serial: entry.serial, key })
    }

    /// Sends a message of Engine.IO alone.
    pub(crate) fn send(&mut self, id: ClientId, message: Message<'_>) -> Result<(), SendError> {
        self.queue(id, |session| send(session, message))
    }

    /// Sends one to all but one.
    pub(crate) fn send_to_all(&mut self, except: Option<ClientId>, message: Message<'_>) {
        self.queue_for_all(except, Entry::is_bare, |session| send(session, message));
    }

    /// Sends an event to all in a namespace but one.
    pub(in crate::socketio) fn broadcast(
        &mut self,
        namespace: usize,
        except: Option<ClientId>,
        event: &Outgoing<'_>,
    ) -> Result<(), SendError> {
        event.check()?;
        self.queue_for_all(
            except,
            |entry| entry.session.is_joined(namespace),
            |session| session.send(namespace, event),
        );
        Ok(())
    }

    /// Has all sessions that are meant, but one, queue something. Those that have no room for it are ended.
    fn queue_for_all(
        &mut self,
        except: Option<ClientId>,
        is_meant: impl Fn(&Entry<'c>) -> bool,
        verb: impl Fn(&mut ServerSession<'c>) -> Result<(), SendError>,
    ) {
        for (key, entry) in &mut self.slab {
            let id = ClientId { serial: entry.serial, key };
            if !is_meant(entry) || Some(id) == except {
                continue;
            }
            if entry.queue(&mut self.memory, &verb) == Err(SendError::QueueFull) {
                entry.session.fail_full();
            }
            if !std::mem::replace(&mut entry.reached, true) {
                self.reached.push(id);
            }
        }
    }
}

fn send(session: &mut ServerSession<'_>, message: Message<'_>) -> Result<(), SendError> {
    match message {
        Message::Text(text) => session.send_text(text),
        Message::Binary(bytes) => session.send_binary(bytes),
    }
}
