//! Non-blocking, over a stream that is lent to each call: see [`microws::io::polled`].

use microws::io::polled::{Stream, WebSocket};
use microws::{Endpoint, Sent};

use crate::client::{Client, Event, Found, earlier};
use crate::error::SendError;
use crate::inbox::Inbox;
use crate::outgoing::Outgoing;
use crate::step::Step;

/// A client in one namespace and its WebSocket, which the program polls.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Socket<'a, R: Endpoint> {
    inbox: Inbox<'a>,
    sender: Sender<'a, R>,
    wait: Option<u32>,
}

/// The half of a [`Socket`] that sends, into `tx` alone: [`Sent::Write`] means poll, then again.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sender<'a, R: Endpoint> {
    socket: WebSocket<'a, R>,
    client: Client<'a>,
}

impl<'a, R: Endpoint> Socket<'a, R> {
    /// With a WebSocket, a client and an inbox that nothing was done to.
    pub const fn new(socket: WebSocket<'a, R>, client: Client<'a>, inbox: Inbox<'a>) -> Self {
        Self { inbox, sender: Sender { socket, client }, wait: None }
    }

    /// Goes on as far as the stream can. An event comes with the [`Sender`] to reply with. [`Step::Read`] and
    /// [`Step::Write`] say what is waited for, and [`wait`](Self::wait) how long at most; [`Step::Shutdown`] never
    /// comes.
    ///
    /// `now` is in milliseconds of any clock that goes on steadily and may wrap.
    ///
    /// # Errors
    /// The stream's. One that comes after the last word was said is no error but the end.
    #[allow(clippy::type_complexity)]
    pub fn poll<S: Stream>(
        &mut self,
        stream: &mut S,
        now: u32,
    ) -> Result<Step<(Event<'_>, &mut Sender<'a, R>)>, S::Error> {
        let step = self.drive(stream, now)?;
        Ok(step.map(|found| (found.bind(&self.inbox), &mut self.sender)))
    }

    fn drive<S: Stream>(&mut self, stream: &mut S, now: u32) -> Result<Step<Found>, S::Error> {
        let Self { inbox, sender: Sender { socket, client }, wait } = self;
        loop {
            let due = client.due(now);
            if let Some(end) = client.aborted(socket.session().state()) {
                return Ok(Step::End(end));
            }
            let (session, tx) = socket.sender().parts();
            // A stream that fails says so again below, where it may be the end.
            if client.settle(session, tx) == Sent::Write && socket.flush(stream).unwrap_or(false) {
                continue;
            }
            if let Some(found) = client.overdue() {
                return Ok(Step::Event(found));
            }
            let step = match socket.poll(stream, now)? {
                microws::Step::Event((event, _)) => match client.take(event, inbox) {
                    Some(found) => return Ok(Step::Event(found)),
                    None => continue,
                },
                microws::Step::Read => Step::Read,
                microws::Step::Write => Step::Write,
                microws::Step::Shutdown => Step::Shutdown,
                microws::Step::End(end) => Step::End(client.ended(end)),
            };
            *wait = earlier(due, socket.wait());
            return Ok(step);
        }
    }

    /// Writes out queued bytes, as far as the stream takes them: whether all of them went.
    ///
    /// # Errors
    /// The stream's.
    pub fn flush<S: Stream>(&mut self, stream: &mut S) -> Result<bool, S::Error> {
        self.sender.socket.flush(stream)
    }

    /// In how many milliseconds to poll again, if nothing happens before; `None` for never.
    pub const fn wait(&self) -> Option<u32> {
        self.wait
    }

    /// The half that sends.
    pub const fn sender(&mut self) -> &mut Sender<'a, R> {
        &mut self.sender
    }

    /// The client, to ask for its state and its end.
    pub const fn client(&self) -> &Client<'a> {
        &self.sender.client
    }
}

impl<R: Endpoint> Sender<'_, R> {
    /// Queues an event without attachments. Arguments are JSON text with commas between them.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn emit(&mut self, name: &str, args: &str) -> Result<Sent, SendError> {
        self.send(&Outgoing::event(name, args))
    }

    /// Queues the acknowledgement of the event that came with this id.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub fn ack(&mut self, id: u32, args: &str) -> Result<Sent, SendError> {
        self.send(&Outgoing::ack(id, args))
    }

    /// Queues an event or an acknowledgement, with its attachments: see [`Client::send`].
    ///
    /// # Errors
    /// As there.
    pub fn send(&mut self, outgoing: &Outgoing<'_>) -> Result<Sent, SendError> {
        let (session, tx) = self.socket.sender().parts();
        self.client.send(session, tx, outgoing)
    }

    /// Reserves an id to await an acknowledgement under: see [`Client::expect_ack`].
    pub fn expect_ack(&mut self, timeout: u32) -> Option<u32> {
        self.client.expect_ack(timeout)
    }

    /// Leaves the namespace; go on until [`Step::End`].
    pub const fn disconnect(&mut self) {
        self.client.disconnect();
    }
}
