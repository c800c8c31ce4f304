//! [`Application`]: what a program makes of the events of Socket.IO's clients.

use std::fmt;

use microws_socketio::server::ServerSession;
use microws_socketio::{Attachments, End, Outgoing, SendError};

use super::memory::Memory;

/// Most attachments of an event, as in Node.js.
pub const MAX_ATTACHMENTS: usize = 10;

/// What a program makes of the events of Socket.IO's clients. All of it runs in the server's loop: no call may block.
///
/// JSON stays text, checked and not taken apart: [`microws_socketio::json`] looks into it, or a JSON library.
pub trait Application: fmt::Debug + Send {
    /// A client asks to join a namespace, with its auth payload, a JSON object, or nothing. `client` can't be sent
    /// anything yet.
    ///
    /// # Errors
    /// The client is refused: why, it is told by a JSON object, of which JavaScript clients show `message` and `data`:
    /// `{"message":"not authorized"}`.
    fn on_connect(&mut self, client: &mut Client<'_, '_>, auth: &str) -> Result<(), String> {
        let _ = (client, auth);
        Ok(())
    }

    /// The client has joined.
    fn on_joined(&mut self, client: &mut Client<'_, '_>) {
        let _ = client;
    }

    /// An event came.
    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>);

    /// The acknowledgement of an event came, with its arguments; of one that was sent by
    /// [`emit_expecting`](Client::emit_expecting), which returned the `id`.
    fn on_ack(&mut self, client: &mut Client<'_, '_>, id: u32, args: &str, attachments: &[&[u8]]) {
        let _ = (client, id, args, attachments);
    }

    /// The acknowledgement with this `id` has not come in time. Ids are a session's own: `client` is in the first of the
    /// namespaces that the client has joined, whichever the event was sent in.
    fn on_ack_overdue(&mut self, client: &mut Client<'_, '_>, id: u32) {
        let _ = (client, id);
    }

    /// The client has left a namespace that it had joined, and why. `client` can't be sent anything.
    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, reason: &End) {
        let _ = (client, reason);
    }
}

/// An event of a client.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'e> {
    /// Its name as it stands between the quotation marks, escapes as they are.
    pub name: &'e str,
    /// Its arguments: JSON texts with commas between them.
    pub args: &'e str,
    /// What the placeholders in the arguments stand for, in order.
    pub attachments: &'e [&'e [u8]],
    /// The client asks for an acknowledgement: [`Client::ack`] takes this id.
    pub ack: Option<u32>,
}

/// A client in a namespace, during a call of [`Application`].
#[derive(Debug)]
pub struct Client<'a, 'c> {
    pub(super) session: &'a mut ServerSession<'c>,
    pub(super) memory: &'a mut Memory<'c>,
    pub(super) names: &'a [String],
    pub(super) namespace: usize,
    pub(super) id: u64,
}

impl Client<'_, '_> {
    /// The number of its session, counted from 0: the same in all its namespaces, and no other's.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Its namespace, with its slash.
    pub fn namespace(&self) -> &str {
        self.names.get(self.namespace).map_or("/", String::as_str)
    }

    /// Sends an event. Arguments are JSON texts with commas between them, or nothing; where an attachment belongs,
    /// `{"_placeholder":true,"num":0}` stands for the first, and so on.
    ///
    /// # Errors
    /// [`QueueFull`](SendError::QueueFull) for a client that does not take what it is sent, [`InvalidJson`] and
    /// [`InvalidName`](SendError::InvalidName), [`NotConnected`](SendError::NotConnected) for one that left.
    ///
    /// [`InvalidJson`]: SendError::InvalidJson
    pub fn emit(&mut self, name: &str, args: &str, attachments: &[&[u8]]) -> Result<(), SendError> {
        self.send(&Outgoing::event(name, args).attachments(attachments))
    }

    /// [`emit`](Self::emit), and have the client acknowledge it within so many milliseconds; 0 waits forever. Returns the
    /// id of the acknowledgement.
    ///
    /// # Errors
    /// As [`emit`](Self::emit); [`QueueFull`](SendError::QueueFull) too if as many acknowledgements are awaited as
    /// [`SocketIo::awaited_acks`](super::SocketIo::awaited_acks) allows.
    pub fn emit_expecting(
        &mut self,
        name: &str,
        args: &str,
        attachments: &[&[u8]],
        timeout: u32,
    ) -> Result<u32, SendError> {
        let id = self.session.expect_ack(timeout).ok_or(SendError::QueueFull)?;
        self.send(&Outgoing::event(name, args).attachments(attachments).expect(id))?;
        Ok(id)
    }

    /// Acknowledges an event that asked for it.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn ack(&mut self, id: u32, args: &str, attachments: &[&[u8]]) -> Result<(), SendError> {
        self.send(&Outgoing::ack(id, args).attachments(attachments))
    }

    /// Makes the client leave this namespace.
    ///
    /// # Errors
    /// [`NotConnected`](SendError::NotConnected), [`QueueFull`](SendError::QueueFull).
    pub fn disconnect(&mut self) -> Result<(), SendError> {
        self.session.disconnect(self.namespace)
    }

    /// Makes the client leave all namespaces and ends its connection, after what waits.
    pub fn close(&mut self) {
        self.session.close();
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> Result<(), SendError> {
        loop {
            match self.session.send(self.namespace, outgoing) {
                Err(SendError::QueueFull) if grow(self.session, self.memory, 1) => {}
                sent => return sent,
            }
        }
    }
}

/// Gives a session memory for `more` bytes; whether there was some.
pub(super) fn grow<'c>(session: &mut ServerSession<'c>, memory: &mut Memory<'c>, more: usize) -> bool {
    let (_, capacity) = session.queue_len();
    let Some(larger) = memory.take_larger(capacity, more) else { return false };
    if larger.len() <= capacity {
        memory.give_back(larger);
        return false;
    }
    match session.replace_queue(larger) {
        Ok(before) => {
            memory.give_back(before);
            true
        }
        Err(same) => {
            memory.give_back(same);
            false
        }
    }
}

/// The attachments of an event, in a list.
pub(super) fn list<'e>(attachments: Attachments<'e>, room: &mut [&'e [u8]; MAX_ATTACHMENTS]) -> usize {
    room.iter_mut().zip(attachments).map(|(to, from)| *to = from).count()
}
