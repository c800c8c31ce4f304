//! Engine.IO without Socket.IO, under the path `/engine.io/`: messages that are a program's own, over WebSocket, over HTTP
//! polling, and over polling with the upgrade to a WebSocket.
//!
//! [`Server::engine_application`](crate::Server::engine_application) takes an [`Application`]. Heartbeat, sizes, transports
//! and the number of sessions are those of [`SocketIo`](crate::socketio::SocketIo).

use std::fmt;

use microws_socketio::{End, SendError};

pub use crate::socketio::ClientId;
use crate::socketio::Sessions;

/// What a program makes of the messages of Engine.IO's clients. All of it runs in the server's loop: no call may block.
pub trait Application: fmt::Debug + Send {
    /// A client has come. What it is sent here comes first.
    fn on_open(&mut self, socket: &mut Socket<'_, '_>) {
        let _ = socket;
    }

    /// A message came.
    fn on_message(&mut self, socket: &mut Socket<'_, '_>, message: Message<'_>);

    /// The client is gone, and why. `socket` can't be sent anything; others can.
    fn on_close(&mut self, socket: &mut Socket<'_, '_>, reason: &End) {
        let _ = (socket, reason);
    }

    /// As [`socketio::Application::on_tick`](crate::socketio::Application::on_tick).
    fn on_tick(&mut self, sockets: &mut Sockets<'_, '_>) -> Option<u32> {
        let _ = sockets;
        None
    }
}

/// A message, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol has no others")]
pub enum Message<'m> {
    /// Text.
    Text(&'m str),
    /// Bytes.
    Binary(&'m [u8]),
}

impl<'m> From<&'m str> for Message<'m> {
    fn from(text: &'m str) -> Self {
        Self::Text(text)
    }
}

impl<'m> From<&'m [u8]> for Message<'m> {
    fn from(bytes: &'m [u8]) -> Self {
        Self::Binary(bytes)
    }
}

/// A client, during a call of [`Application`].
#[derive(Debug)]
pub struct Socket<'a, 'c> {
    sessions: &'a mut Sessions<'c>,
    id: ClientId,
}

impl<'a, 'c> Socket<'a, 'c> {
    pub(crate) const fn new(sessions: &'a mut Sessions<'c>, id: ClientId) -> Self {
        Self { sessions, id }
    }

    /// Its name in this server.
    pub const fn id(&self) -> ClientId {
        self.id
    }

    /// All clients, this one too.
    pub const fn sockets(&mut self) -> Sockets<'_, 'c> {
        Sockets::new(self.sessions)
    }

    /// Another client; `None` if it does not exist, or has gone.
    pub fn other(&mut self, id: ClientId) -> Option<Socket<'_, 'c>> {
        Sockets::new(self.sessions).find(id)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`QueueFull`](SendError::QueueFull) for a client that does not take what it is sent,
    /// [`NotConnected`](SendError::NotConnected) for one that left.
    pub fn send<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), SendError> {
        self.sessions.send(self.id, message.into())
    }

    /// Sends a message to all others. Those that have no room for it are ended, as with [`Sockets::broadcast`].
    pub fn broadcast<'m>(&mut self, message: impl Into<Message<'m>>) {
        self.sessions.send_to_all(Some(self.id), message.into());
    }

    /// Ends its connection, after what waits.
    pub fn close(&mut self) {
        self.sessions.close(self.id);
    }
}

/// All clients, during a call of [`Application`].
#[derive(Debug)]
pub struct Sockets<'a, 'c> {
    sessions: &'a mut Sessions<'c>,
}

impl<'a, 'c> Sockets<'a, 'c> {
    pub(crate) const fn new(sessions: &'a mut Sessions<'c>) -> Self {
        Self { sessions }
    }

    /// The clients that are there.
    pub fn ids(&self) -> impl Iterator<Item = ClientId> {
        self.sessions.bare()
    }

    /// A client; `None` if it does not exist, or has gone.
    pub fn get(&mut self, id: ClientId) -> Option<Socket<'_, 'c>> {
        Sockets { sessions: self.sessions }.find(id)
    }

    /// Sends a message to all. One that has no room for it is ended, with [`End::QueueFull`]: see
    /// [`Clients::broadcast`](crate::socketio::Clients::broadcast).
    pub fn broadcast<'m>(&mut self, message: impl Into<Message<'m>>) {
        self.sessions.send_to_all(None, message.into());
    }

    fn find(self, id: ClientId) -> Option<Socket<'a, 'c>> {
        self.sessions.is_bare(id).then(|| {
            self.sessions.reach(id);
            Socket::new(self.sessions, id)
        })
    }
}
