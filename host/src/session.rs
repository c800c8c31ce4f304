//! A client's session, whose opening handshake takes memory only while it lasts.

use microws::deflate::Agreed;
use microws::{
    Buffer, CloseCode, Config, End, Event, Fields, HandshakeError, MessageKind, ProtocolError, SendError,
    Sent, Server, State, Step, Upgraded,
};

use crate::date;

/// See the [module](self).
#[derive(Debug)]
pub(crate) enum Session<'c> {
    /// Until the connection is open; for good if it never is.
    Opening(Box<microws::Session<'c, Server>>),
    Open(microws::Session<'c, Upgraded<Server>>),
}

/// Calls the session that is in force.
macro_rules! current {
    ($self:ident, $session:ident => $call:expr) => {
        match $self {
            Self::Open($session) => $call,
            Self::Opening($session) => $call,
        }
    };
}

impl<'c> Session<'c> {
    /// A session on a stream that was accepted just now.
    pub(crate) fn server(config: &'c Config<'c>) -> Self {
        Self::Opening(Box::new(microws::Session::server(config)))
    }

    /// Sets the date of the answers to the next request to now.
    pub(crate) fn set_date(&mut self) {
        let Self::Opening(opening) = self else { return };
        if let Some(date) = date::now() {
            let _ = opening.set_date(date);
        }
    }

    /// Takes the next event out of `rx`; the protocol's own replies go to `tx`.
    #[inline]
    pub(crate) fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Event<'b>> {
        match self {
            Self::Open(open) => open.receive(rx, tx),
            Self::Opening(_) => self.receive_opening(rx, tx),
        }
    }

    /// The session, if the connection is open: for callers that ask it more than once.
    #[inline]
    pub(crate) const fn open(&mut self) -> Option<&mut microws::Session<'c, Upgraded<Server>>> {
        match self {
            Self::Open(open) => Some(open),
            Self::Opening(_) => None,
        }
    }

    const fn opening(&mut self) -> Option<&mut microws::Session<'c, Server>> {
        match self {
            Self::Open(_) => None,
            Self::Opening(opening) => Some(opening),
        }
    }

    /// Whether the client must send more before there is anything to [`receive`](Self::receive), as far as that is known
    /// without a call of it.
    #[inline]
    pub(crate) fn awaits_bytes(&self, rx: &Buffer<'_>) -> bool {
        matches!(self, Self::Open(open) if open.awaits_bytes(rx))
    }

    #[cold]
    fn receive_opening<'b>(&mut self, rx: &'b mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Event<'b>> {
        let opening = match self {
            Self::Open(open) => return open.receive(rx, tx),
            Self::Opening(opening) => opening,
        };
        let step = opening.receive(rx, tx);
        if matches!(step, Step::Event(Event::Open)) {
            let open = Self::Open(microws::Session::upgraded(opening.config(), Server));
            if let Self::Opening(opening) = std::mem::replace(self, open)
                && let Ok(open) = opening.into_upgraded()
            {
                *self = Self::Open(open);
            }
        }
        step
    }

    /// Reports that `n` bytes were read into the room of `rx`; 0 is the end of the stream.
    #[inline]
    pub(crate) fn commit(&mut self, rx: &mut Buffer<'_>, n: usize) {
        current!(self, session => session.commit(rx, n));
    }

    /// Reports a sign of life other than bytes: the client took some of ours.
    pub(crate) fn heard(&mut self) {
        current!(self, session => session.heard());
    }

    /// Does what is due at `now`, in milliseconds of a clock that may wrap, and returns in how many milliseconds
    /// to call it again; after `Some(0)` there is something to [`receive`](Self::receive).
    #[inline]
    pub(crate) fn tick(&mut self, tx: &mut Buffer<'_>, now: u32) -> Option<u32> {
        current!(self, session => session.tick(tx, now))
    }

    /// Why the session ends, once that is known: it may be before the stream is done with.
    #[inline]
    pub(crate) fn end(&self) -> Option<End> {
        current!(self, session => session.end())
    }

    /// Whether the opening handshake is not done.
    #[inline]
    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self, Self::Opening(opening) if opening.state() == State::Connecting)
    }

    /// Payload bytes of the current data frame that have not been taken.
    #[inline]
    pub(crate) fn payload_left(&self) -> u64 {
        current!(self, session => session.payload_left())
    }

    /// Why the request can't be accepted; sure at [`Event::HeadEnd`].
    pub(crate) fn fault(&self) -> Option<HandshakeError> {
        if let Self::Opening(opening) = self { opening.fault() } else { None }
    }

    /// The subprotocol that will be agreed to, at [`Event::HeadEnd`].
    pub(crate) fn subprotocol(&self) -> Option<&'c str> {
        if let Self::Opening(opening) = self { opening.subprotocol() } else { None }
    }

    /// What is agreed on about compression; sure from [`Event::HeadEnd`] on.
    #[inline]
    pub(crate) fn agreed(&self) -> Option<Agreed> {
        match self {
            Self::Open(open) => open.agreed(),
            Self::Opening(opening) => opening.offered(),
        }
    }

    /// Agrees to no context takeover, at [`Event::HeadEnd`].
    pub(crate) fn forget_contexts(&mut self) {
        if let Self::Opening(opening) = self {
            opening.forget_contexts();
        }
    }

    /// Fails the connection because of a compressed message.
    pub(crate) fn fail(&mut self, error: ProtocolError) {
        current!(self, session => session.fail(error));
    }

    /// Where the client is in its life.
    pub(crate) fn state(&self) -> State {
        current!(self, session => session.state())
    }

    /// Queues the next part of a compressed message; `fin` ends it.
    pub(crate) fn send_deflated(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendError> {
        current!(self, session => session.send_deflated(tx, kind, payload, fin))
    }

    /// Answers the request otherwise than with 101, at [`Event::HeadEnd`] or before.
    pub(crate) fn respond(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        match self.opening() {
            Some(opening) => opening.respond(tx, status, fields, body),
            None => Err(SendError::NotNow),
        }
    }

    /// [`respond`](Self::respond), and then the next request may come, unless the client wants the connection closed.
    pub(crate) fn respond_and_stay(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        match self.opening() {
            Some(opening) => opening.respond_and_stay(tx, status, fields, body),
            None => Err(SendError::NotNow),
        }
    }

    /// [`respond_and_stay`](Self::respond_and_stay) with content of any length; after [`Sent::Write`] it goes on.
    pub(crate) fn respond_content(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        content: &[u8],
    ) -> Result<Sent, SendError> {
        match self.opening() {
            Some(opening) => opening.respond_content(tx, status, fields, content),
            None => Err(SendError::NotNow),
        }
    }

    /// Rejects a request at fault, and does not wait for its content.
    pub(crate) fn reject(&mut self, tx: &mut Buffer<'_>) -> Result<Sent, SendError> {
        match self.opening() {
            // A request at fault is never accepted.
            Some(opening) if opening.fault().is_some() => opening.accept(tx, &[]),
            _ => Err(SendError::NotNow),
        }
    }

    /// Puts the answer to the request off.
    pub(crate) fn hold(&mut self) -> Result<(), SendError> {
        match self.opening() {
            Some(opening) => opening.hold(),
            None => Err(SendError::NotNow),
        }
    }

    /// Queues the next part of a message; `fin` ends it.
    #[inline]
    pub(crate) fn send_fragment(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        payload: &[u8],
        fin: bool,
    ) -> Result<Sent, SendError> {
        current!(self, session => session.send_fragment(tx, kind, payload, fin))
    }

    /// Queues the header alone of the next part of a message.
    #[inline]
    pub(crate) fn send_header(
        &mut self,
        tx: &mut Buffer<'_>,
        kind: MessageKind,
        len: usize,
        fin: bool,
    ) -> Result<(), SendError> {
        current!(self, session => session.send_header(tx, kind, len, fin))
    }

    /// Queues a ping.
    pub(crate) fn ping(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<Sent, SendError> {
        current!(self, session => session.ping(tx, payload))
    }

    /// Queues a close frame.
    pub(crate) fn close(
        &mut self,
        tx: &mut Buffer<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Result<Sent, SendError> {
        current!(self, session => session.close(tx, code, reason))
    }
}
