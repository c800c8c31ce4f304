//! [`Application`]: what a program makes of the events of Socket.IO's clients.

use std::fmt;

use microws_socketio::{Attachments, End, Outgoing, SendError};

use super::hub::{ClientId, Sessions};

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
    /// The client is refused; a JSON object gives it the reason. JavaScript clients show its `message` and `data`:
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

    /// The client has left a namespace that it had joined, and why. `client` can't be sent anything; others can.
    fn on_disconnect(&mut self, client: &mut Client<'_, '_>, reason: &End) {
        let _ = (client, reason);
    }

    /// Does what is due, and returns in how many milliseconds to call it again at the latest; `None` for no time at all.
    /// It is called before the first client comes, then in time, and soon after [`Handle::wake`](crate::Handle::wake): another
    /// thread leaves its messages in a place that this function reads.
    fn on_tick(&mut self, clients: &mut Clients<'_, '_>) -> Option<u32> {
        let _ = clients;
        None
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
    sessions: &'a mut Sessions<'c>,
    id: ClientId,
    namespace: usize,
}

impl<'a, 'c> Client<'a, 'c> {
    pub(super) const fn new(sessions: &'a mut Sessions<'c>, id: ClientId, namespace: usize) -> Self {
        Self { sessions, id, namespace }
    }

    /// Its name in this server: the same in all its namespaces.
    pub const fn id(&self) -> ClientId {
        self.id
    }

    /// Its namespace, with its slash.
    pub fn namespace(&self) -> &str {
        self.sessions.names.get(self.namespace).map_or("/", String::as_str)
    }

    /// All clients, this one too.
    pub const fn clients(&mut self) -> Clients<'_, 'c> {
        Clients::new(self.sessions)
    }

    /// Another client in the same namespace; `None` if it does not exist, or has gone.
    pub fn other(&mut self, id: ClientId) -> Option<Client<'_, 'c>> {
        Clients::new(self.sessions).find(self.namespace, id)
    }

    /// Sends an event to all others in the same namespace. Those that have no room for it are ended, as with
    /// [`Clients::broadcast`].
    ///
    /// # Errors
    /// [`InvalidName`](SendError::InvalidName), [`InvalidJson`](SendError::InvalidJson),
    /// [`TooManyAttachments`](SendError::TooManyAttachments).
    pub fn broadcast(&mut self, name: &str, args: &str, attachments: &[&[u8]]) -> Result<(), SendError> {
        let event = Outgoing::event(name, args).attachments(attachments);
        self.sessions.broadcast(self.namespace, Some(self.id), &event)
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
        let session = self.sessions.session(self.id).ok_or(SendError::NotConnected)?;
        let id = session.expect_ack(timeout).ok_or(SendError::QueueFull)?;
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
        self.sessions.queue(self.id, |session| session.disconnect(self.namespace))
    }

    /// Makes the client leave all namespaces and ends its connection, after what waits.
    pub fn close(&mut self) {
        self.sessions.close(self.id);
    }

    fn send(&mut self, outgoing: &Outgoing<'_>) -> Result<(), SendError> {
        self.sessions.queue(self.id, |session| session.send(self.namespace, outgoing))
    }
}

/// All clients, during a call of [`Application`].
#[derive(Debug)]
pub struct Clients<'a, 'c> {
    sessions: &'a mut Sessions<'c>,
}

impl<'a, 'c> Clients<'a, 'c> {
    pub(super) const fn new(sessions: &'a mut Sessions<'c>) -> Self {
        Self { sessions }
    }

    /// The clients that have joined a namespace.
    pub fn ids(&self, namespace: &str) -> impl Iterator<Item = ClientId> {
        self.place(namespace).into_iter().flat_map(|namespace| self.sessions.joined(namespace))
    }

    /// A client that has joined a namespace; `None` if it does not exist, or has gone.
    pub fn get(&mut self, namespace: &str, id: ClientId) -> Option<Client<'_, 'c>> {
        self.place(namespace).and_then(|namespace| self.reborrow().find(namespace, id))
    }

    /// Sends an event to all in a namespace.
    ///
    /// What waits for a client is bounded ([`SocketIo::max_payload`](super::SocketIo::max_payload), and
    /// [`backlog_total`](crate::Config::backlog_total) for all): one that has no room for the event would miss it without
    /// knowing, so it is ended, with [`End::QueueFull`] and close code 1013. It may come back. For another treatment of
    /// slow clients, [`emit`](Client::emit) to each of the [`ids`](Self::ids): that returns an error instead.
    ///
    /// # Errors
    /// [`InvalidName`](SendError::InvalidName), [`InvalidJson`](SendError::InvalidJson),
    /// [`TooManyAttachments`](SendError::TooManyAttachments); [`NotConnected`](SendError::NotConnected) for a namespace that
    /// does not exist.
    pub fn broadcast(
        &mut self,
        namespace: &str,
        name: &str,
        args: &str,
        attachments: &[&[u8]],
    ) -> Result<(), SendError> {
        let namespace = self.place(namespace).ok_or(SendError::NotConnected)?;
        let event = Outgoing::event(name, args).attachments(attachments);
        self.sessions.broadcast(namespace, None, &event)
    }

    fn place(&self, namespace: &str) -> Option<usize> {
        self.sessions.names.iter().position(|name| name == namespace)
    }

    const fn reborrow(&mut self) -> Clients<'_, 'c> {
        Clients { sessions: self.sessions }
    }

    fn find(self, namespace: usize, id: ClientId) -> Option<Client<'a, 'c>> {
        self.sessions.session(id).filter(|session| session.is_joined(namespace))?;
        self.sessions.reach(id);
        Some(Client::new(self.sessions, id, namespace))
    }
}

/// The attachments of an event, in a list.
pub(super) fn list<'e>(attachments: Attachments<'e>, room: &mut [&'e [u8]; MAX_ATTACHMENTS]) -> usize {
    room.iter_mut().zip(attachments).map(|(to, from)| *to = from).count()
}
