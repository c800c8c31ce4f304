//! A server's opening: reads one request and answers it, with 101 unless the program or a rule says otherwise.

use crate::buffer::Buffer;
use crate::config::{Config, Fields};
use crate::connection::State;
use crate::connection::role::Server;
use crate::error::SendError;
use crate::event::Event;
use crate::handshake::error::HandshakeError;
use crate::handshake::server::Request;
#[cfg(feature = "http")]
use crate::http::field::is_value;
#[cfg(feature = "http")]
use crate::http::writer::Date;
use crate::http::writer::{Response, are_valid};
use crate::located::{Located, What};
#[cfg(feature = "http")]
use crate::session::send::Partial;
use crate::session::{Endpoint, Opening, Sent, Session};
use crate::step::{End, Step};

/// The server's opening handshake.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Accepting {
    request: Request,
    stage: Stage,
    /// Whether a request of this stream was answered, and another one may come.
    #[cfg(feature = "http")]
    stays: bool,
    #[cfg(feature = "http")]
    date: Option<Date>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Stage {
    /// The request is read; from the end of its head on the program may respond.
    Request,
    /// The 101 is in `tx`.
    Accepted,
    /// A part of the response is in `tx`: the program goes on with it.
    #[cfg(feature = "http")]
    Responding,
    /// The response is in `tx`, and the next request may come.
    #[cfg(feature = "http")]
    Responded,
    /// The program responds later: until then only the peer's end of the stream is looked for.
    #[cfg(feature = "http")]
    Held,
}

impl Opening for Accepting {
    #[inline(never)]
    fn advance(&mut self, config: &Config<'_>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        if self.stage != Stage::Accepted {
            // The answer to a request needs all of `tx`.
            if !tx.is_empty() {
                return Step::Write;
            }
            #[cfg(feature = "http")]
            if self.stage == Stage::Responding {
                return Step::Event(Located::nowhere(What::ContentDue));
            }
            #[cfg(feature = "http")]
            if self.stage == Stage::Held {
                return Step::Read;
            }
            #[cfg(feature = "http")]
            if let Some(step) = self.body(config, rx) {
                return step;
            }
            if !self.request.is_complete() {
                return match self.request.receive(config, rx) {
                    Ok(None) => Step::Read,
                    Ok(Some(line)) => Step::Event(line),
                    Err(error) => Step::End(self.reject(tx, error)),
                };
            }
            if let Err(end) = self.accept(config, tx, &[]) {
                return Step::End(end);
            }
        }
        Step::Event(Located::nowhere(What::Open))
    }

    #[cfg(feature = "deflate")]
    fn agreed(&self) -> Option<crate::deflate::Agreed> {
        self.request.deflate()
    }

    #[inline]
    fn bind<'b>(line: Located, rx: &'b Buffer<'_>) -> Event<'b> {
        line.bind_request(rx)
    }

    #[cfg(feature = "http")]
    fn is_held(&self) -> bool {
        self.stage == Stage::Held
    }

    fn on_overdue(&mut self, tx: &mut Buffer<'_>) {
        // No byte of a next request has come, so no answer is due; nor is one in the middle of an answer.
        #[cfg(feature = "http")]
        if matches!(self.stage, Stage::Responding | Stage::Responded)
            || (self.stays && !self.request.is_begun())
        {
            return;
        }
        // Best effort: there may be no room.
        let _ = Response { status: 408, ..self.response() }.queue(tx, &["the request took too long\n"]);
    }
}

impl Accepting {
    #[cfg(feature = "deflate")]
    pub(super) fn deflate(&self) -> Option<crate::deflate::Agreed> {
        self.request.deflate()
    }

    #[cfg(feature = "deflate")]
    pub(super) const fn forget_contexts(&mut self) {
        self.request.forget_contexts();
    }

    const fn new(config: &Config<'_>) -> Self {
        Self {
            request: Request::new(config),
            stage: Stage::Request,
            #[cfg(feature = "http")]
            stays: false,
            #[cfg(feature = "http")]
            date: None,
        }
    }

    /// A response to fill in.
    #[inline]
    const fn response(&self) -> Response<'static> {
        Response {
            #[cfg(feature = "http")]
            date: self.date,
            ..Response::EMPTY
        }
    }

    fn accept(&mut self, config: &Config<'_>, tx: &mut Buffer<'_>, fields: &Fields<'_>) -> Result<(), End> {
        let digest = match self.request.check() {
            Ok(digest) => digest,
            Err(error) => return Err(self.reject(tx, error)),
        };
        self.request.accept(config, digest, tx, fields).map_err(End::Unsendable)?;
        self.stage = Stage::Accepted;
        Ok(())
    }

    fn reject(&self, tx: &mut Buffer<'_>, error: HandshakeError) -> End {
        match self.request.reject(tx, error, self.response()) {
            Ok(()) => End::Rejected(error),
            Err(error) => End::Unsendable(error),
        }
    }

    /// Takes the request's content; after the response it is discarded, and the next request begins.
    #[cfg(feature = "http")]
    fn body(&mut self, config: &Config<'_>, rx: &mut Buffer<'_>) -> Option<Step<Located>> {
        if !self.request.is_complete() {
            return None;
        }
        let left = &mut self.request.body_left;
        if *left > 0 {
            let len = usize::try_from(*left).unwrap_or(usize::MAX).min(rx.len());
            if len == 0 {
                return Some(Step::Read);
            }
            *left = left.wrapping_sub(len as u64);
            let (range, fin) = (rx.take(len), *left == 0);
            if self.stage == Stage::Request {
                return Some(Step::Event(Located::new(What::Body { fin }, &range)));
            }
            if !fin {
                return Some(Step::Read);
            }
        }
        if self.stage == Stage::Responded {
            *self = Self { stays: true, date: self.date, ..Self::new(config) };
        }
        None
    }
}

impl Endpoint for Server {
    type Opening = Accepting;
}

impl<'c> Session<'c, Server> {
    /// A server's session on a stream that was accepted just now.
    pub const fn server(config: &'c Config<'c>) -> Self {
        Self::connecting(config, Accepting::new(config), Server)
    }

    /// The reason why the request can't be accepted, if there is one; sure at [`Event::HeadEnd`](crate::Event::HeadEnd).
    /// [`NoUpgrade`](HandshakeError::NoUpgrade) is a plain GET, [`Method`](HandshakeError::Method) any other request:
    /// the program may [`respond`](Self::respond); if it does not, the session rejects it.
    pub fn fault(&self) -> Option<HandshakeError> {
        self.opening.request.check().err()
    }

    /// The subprotocol that is agreed to, as far as the request has come.
    pub fn subprotocol(&self) -> Option<&'c str> {
        self.opening.request.subprotocol(self.config)
    }

    /// Answers the request with 101 and `fields`, at [`Event::HeadEnd`](crate::Event::HeadEnd); a request at fault is
    /// rejected instead. Without further fields there is no need to call it.
    ///
    /// # Errors
    /// [`NotNow`](SendError::NotNow), [`BufferFull`](SendError::BufferFull) if the answer does not fit into an empty
    /// `tx`, or [`InvalidField`](SendError::InvalidField).
    pub fn accept(&mut self, tx: &mut Buffer<'_>, fields: &Fields<'_>) -> Result<Sent, SendError> {
        self.deciding()?;
        match self.opening.accept(self.config, tx, fields) {
            Err(End::Unsendable(SendError::BufferFull)) if !tx.is_empty() => return Ok(Sent::Write),
            Err(End::Unsendable(error)) => return Err(error),
            Err(end) => self.leave(end),
            Ok(()) => {}
        }
        Ok(Sent::Done)
    }

    /// Answers the request otherwise, at [`Event::HeadEnd`](crate::Event::HeadEnd) or before: `status`, `fields`, and
    /// `body` with its length, which a HEAD request does not get. Nothing more of the request is looked at, and the
    /// session ends.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn respond(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        #[cfg(feature = "http")]
        let held = self.opening.stage == Stage::Held;
        #[cfg(not(feature = "http"))]
        let held = false;
        if self.opening.stage != Stage::Request && !held {
            return Err(SendError::NotNow);
        }
        let sent = self.queue(tx, status, fields, body, "close")?;
        if sent == Sent::Done {
            self.leave(End::Responded);
        }
        Ok(sent)
    }

    /// [`respond`](Self::respond) at [`Event::HeadEnd`](crate::Event::HeadEnd) or later, and then read the next request
    /// of the same stream, unless the client wants it closed. Content that has not come is skipped.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    #[cfg(feature = "http")]
    pub fn respond_and_stay(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
    ) -> Result<Sent, SendError> {
        self.deciding()?;
        if self.opening.request.close {
            return self.respond(tx, status, fields, body);
        }
        let sent = self.queue(tx, status, fields, body, "keep-alive")?;
        if sent == Sent::Done {
            self.opening.stage = Stage::Responded;
            self.timer.restart();
        }
        Ok(sent)
    }

    /// [`respond_and_stay`](Self::respond_and_stay) with content of any length, such as a page in flash: as much as
    /// there is room for goes into `tx` at a time. `fields` say what it is: `Content-Type`, and `Content-Encoding: gzip`
    /// if it is compressed. Its length is sent in the head. A HEAD request gets the head alone, and so does the status 204 or
    /// 304.
    ///
    /// After [`Sent::Write`] write `tx` out and call again with the same content; a program that
    /// [`receive`](Self::receive)s between gets [`Event::ContentDue`](crate::Event::ContentDue).
    ///
    /// # Errors
    /// As [`accept`](Self::accept), for a head that does not fit into an empty `tx`;
    /// [`MessageInProgress`](SendError::MessageInProgress) if content of another length is unfinished.
    #[cfg(feature = "http")]
    pub fn respond_content(
        &mut self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        content: &[u8],
    ) -> Result<Sent, SendError> {
        if self.opening.stage != Stage::Responding {
            self.deciding()?;
            let connection = if self.opening.request.close { "close" } else { "keep-alive" };
            let response = self.begin_response(status, fields, connection)?;
            match response.queue_head(tx, content.len()) {
                Ok(()) => {}
                Err(SendError::BufferFull) if !tx.is_empty() => return Ok(Sent::Write),
                Err(error) => return Err(error),
            }
            self.opening.stage = Stage::Responding;
            self.partial = Partial::content(content.len());
        } else if self.connection.state != State::Connecting {
            return Err(SendError::NotNow);
        }
        let head_only = self.opening.request.head_only || matches!(status, 204 | 304);
        let all = head_only || self.partial.queue_content(tx, content).ok_or(SendError::MessageInProgress)?;
        // A page may take longer than a request.
        self.timer.restart();
        if !all {
            return Ok(Sent::Write);
        }
        self.partial = Partial::NONE;
        self.opening.stage = Stage::Responded;
        if self.opening.request.close {
            self.leave(End::Responded);
        }
        Ok(Sent::Done)
    }

    /// Puts the response off, at [`Event::HeadEnd`](crate::Event::HeadEnd) or when the last of the request's content has
    /// come: the program responds at any later time, as if it were then. Until then the stream is read, so that its end
    /// is found, but nothing is taken out of `rx`: a client that sends the next request early fills it, and a program
    /// that wants no more of it stops reading. The program keeps the time: no deadline of the session counts.
    ///
    /// # Errors
    /// [`NotNow`](SendError::NotNow).
    #[cfg(feature = "http")]
    pub fn hold(&mut self) -> Result<(), SendError> {
        self.deciding()?;
        self.opening.stage = Stage::Held;
        Ok(())
    }

    /// Sets the date of the responses that follow, except 101, as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`. "An
    /// origin server with a clock [...] MUST generate a Date header field in all 2xx (Successful), 3xx (Redirection), and
    /// 4xx (Client Error) responses" (RFC 9110 section 6.6.1): set it anew before each request. It takes 37 bytes of
    /// `tx`.
    ///
    /// # Errors
    /// [`InvalidField`](SendError::InvalidField) if it can't be the value of a field.
    #[cfg(feature = "http")]
    pub fn set_date(&mut self, date: [u8; 29]) -> Result<(), SendError> {
        if !is_value(&date) {
            return Err(SendError::InvalidField);
        }
        self.opening.date = Some(date);
        Ok(())
    }

    fn queue(
        &self,
        tx: &mut Buffer<'_>,
        status: u16,
        fields: &Fields<'_>,
        body: &str,
        connection: &str,
    ) -> Result<Sent, SendError> {
        let response = self.begin_response(status, fields, connection)?;
        match response.queue(tx, &[body]) {
            Ok(()) => Ok(Sent::Done),
            Err(SendError::BufferFull) if !tx.is_empty() => Ok(Sent::Write),
            Err(error) => Err(error),
        }
    }

    #[inline(always)]
    fn begin_response<'a>(
        &self,
        status: u16,
        fields: &'a Fields<'a>,
        connection: &'a str,
    ) -> Result<Response<'a>, SendError> {
        if self.connection.state != State::Connecting {
            return Err(SendError::NotNow);
        }
        if !are_valid(fields) {
            return Err(SendError::InvalidField);
        }
        let head_only = self.opening.request.head_only;
        let mut response: Response<'_> = self.opening.response();
        (response.status, response.fields) = (status, fields);
        (response.connection, response.head_only) = (connection, head_only);
        Ok(response)
    }

    fn deciding(&self) -> Result<(), SendError> {
        #[cfg(feature = "http")]
        if self.connection.state == State::Connecting && self.opening.stage == Stage::Held {
            return Ok(());
        }
        if self.connection.state == State::Connecting
            && self.opening.stage == Stage::Request
            && self.opening.request.is_complete()
        {
            Ok(())
        } else {
            Err(SendError::NotNow)
        }
    }
}
