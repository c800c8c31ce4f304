//! A client's session, whose opening handshake takes memory only while it lasts.

use std::io::Write;
use std::time::SystemTime;

use httpdate::HttpDate;
use microws::{
    Buffer, CloseCode, Config, End, Event, Fields, HandshakeError, MessageKind, SendError, Sent, Server,
    State, Step, Upgraded,
};

use crate::proxy::{BadPreamble, Preamble, read_preamble};
use crate::report::Report;
use crate::transport::Address;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Session<'c> {
    /// Until the connection is open; for good if it never is.
    opening: Option<Box<Opening<'c>>>,
    open: microws::Session<'c, Upgraded<Server>>,
}

/// The opening handshake, and what a proxy says before it.
#[derive(Debug)]
struct Opening<'c> {
    session: microws::Session<'c, Server>,
    preamble: Preamble,
    /// The stream has ended.
    at_end: bool,
}

/// Calls the session that is in force.
macro_rules! current {
    ($self:ident, $session:ident => $call:expr) => {
        match &mut $self.opening {
            None => {
                let $session = &mut $self.open;
                $call
            }
            Some(opening) => {
                let $session = &mut opening.session;
                $call
            }
        }
    };
}

impl<'c> Session<'c> {
    /// A session on a stream that was accepted just now. Before the request a `preamble` may be awaited.
    pub(crate) fn server(config: &'c Config<'c>, preamble: Preamble) -> Self {
        let opening = Opening { session: microws::Session::server(config), preamble, at_end: false };
        let mut session =
            Self { opening: Some(Box::new(opening)), open: microws::Session::upgraded(config, Server) };
        session.set_date();
        session
    }

    /// Has the answers to the request that comes next be of now.
    pub(crate) fn set_date(&mut self) {
        let Some(opening) = &mut self.opening else { return };
        let mut date = [0; 29];
        let now = HttpDate::from(SystemTime::now());
        // It writes 29 characters until the year 9999.
        if write!(&mut date[..], "{now}").is_ok() {
            let _ = opening.session.set_date(date);
        }
    }

    /// Takes the next event out of `rx`; the protocol's own replies go to `tx`. A proxy may tell the client's `address`
    /// before the first event.
    #[inline]
    pub(crate) fn receive<'b>(
        &mut self,
        rx: &'b mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        address: &mut Address,
    ) -> Step<Event<'b>> {
        match &mut self.opening {
            None => self.open.receive(rx, tx),
            Some(_) => self.receive_opening(rx, tx, address),
        }
    }

    #[cold]
    fn receive_opening<'b>(
        &mut self,
        rx: &'b mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        address: &mut Address,
    ) -> Step<Event<'b>> {
        let Some(mut opening) = self.opening.take() else { return self.open.receive(rx, tx) };
        if let Some(step) = opening.receive_preamble(rx, address) {
            self.opening = Some(opening);
            return step;
        }
        let step = opening.session.receive(rx, tx);
        if !matches!(step, Step::Event(Event::Open)) {
            self.opening = Some(opening);
        } else if let Ok(open) = opening.session.into_upgraded() {
            self.open = open;
        }
        step
    }

    /// What was wrong with the preamble, at [`Step::End`].
    pub(crate) fn bad_preamble(&self) -> Option<BadPreamble> {
        match self.opening.as_ref()?.preamble {
            Preamble::Bad(error) => Some(error),
            Preamble::Done | Preamble::Awaited => None,
        }
    }

    /// Tells that `n` bytes were read into the room of `rx`; 0 is the end of the stream.
    #[inline]
    pub(crate) fn commit(&mut self, rx: &mut Buffer<'_>, n: usize) {
        match &mut self.opening {
            None => self.open.commit(rx, n),
            Some(opening) => opening.commit(rx, n),
        }
    }

    /// Tells of a sign of life other than bytes: the client took some of ours.
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
        match &self.opening {
            None => self.open.end(),
            Some(opening) => opening.session.end(),
        }
    }

    /// Whether the opening handshake is not done.
    #[inline]
    pub(crate) fn is_connecting(&self) -> bool {
        self.opening.as_ref().is_some_and(|opening| opening.session.state() == State::Connecting)
    }

    /// Payload bytes of the current data frame that have not been taken.
    #[inline]
    pub(crate) fn payload_left(&self) -> u64 {
        self.open.payload_left()
    }

    /// Why the request can't be accepted; sure at [`Event::HeadEnd`].
    pub(crate) fn fault(&self) -> Option<HandshakeError> {
        self.opening.as_ref().and_then(|opening| opening.session.fault())
    }

    /// The subprotocol that will be agreed to, at [`Event::HeadEnd`].
    pub(crate) fn subprotocol(&self) -> Option<&'c str> {
        self.opening.as_ref().and_then(|opening| opening.session.subprotocol())
    }

    /// Answers the request otherwise than with 101, at [`Event::HeadEnd`] or before.
    pub(crate) fn respond(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        match &mut self.opening {
            Some(opening) => opening.session.respond(tx, status, fields, body),
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
        match &mut self.opening {
            Some(opening) => opening.session.respond_and_stay(tx, status, fields, body),
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
        self.open.send_fragment(tx, kind, payload, fin)
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
        self.open.send_header(tx, kind, len, fin)
    }

    /// Queues a ping.
    pub(crate) fn ping(&mut self, tx: &mut Buffer<'_>, payload: &[u8]) -> Result<Sent, SendError> {
        self.open.ping(tx, payload)
    }

    /// Queues a close frame.
    pub(crate) fn close(
        &mut self,
        tx: &mut Buffer<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Result<Sent, SendError> {
        self.open.close(tx, code, reason)
    }
}

impl Opening<'_> {
    #[cold]
    fn commit(&mut self, rx: &mut Buffer<'_>, n: usize) {
        self.at_end |= n == 0;
        self.session.commit(rx, n);
    }

    /// Takes the preamble out of `rx`; `None` if none is awaited any more.
    fn receive_preamble(
        &mut self,
        rx: &mut Buffer<'_>,
        address: &mut Address,
    ) -> Option<Step<Event<'static>>> {
        // A client that was answered already, because it took too long, is heard no more.
        if self.preamble != Preamble::Awaited || self.session.state() != State::Connecting {
            return None;
        }
        let read = match read_preamble(rx.filled()) {
            // A connection without a byte: somebody looked whether the server is there.
            Ok(None) if self.at_end && rx.is_empty() => return None,
            Ok(None) if self.at_end => Err(BadPreamble::CUT),
            Ok(None) => return Some(Step::Read),
            Ok(Some(header)) => Ok(header),
            Err(error) => Err(error),
        };
        match read {
            Ok(header) => {
                rx.consume(header.len);
                if let Some(client) = header.client {
                    let proxy = std::mem::replace(address, client.into());
                    Report::proxied(address, &proxy);
                }
                self.preamble = Preamble::Done;
                None
            }
            Err(error) => {
                self.preamble = Preamble::Bad(error);
                Some(Step::End(End::Eof))
            }
        }
    }
}
