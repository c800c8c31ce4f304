//! The connecting side: makes one upgrade request and checks the answer (section 4.1).

use crate::buffer::Buffer;
use crate::config::{Config, Fields};
use crate::error::SendError;
use crate::handshake::checks::{Checks, are_own, needed};
use crate::handshake::error::{HandshakeError, KnownField, Sought};
use crate::handshake::key::form;
use crate::http::field::{Field, is_alike, is_same, is_target, is_token, is_value, lists};
use crate::http::host::is_host;
use crate::http::line::StatusLine;
use crate::http::reader::HeadReader;
use crate::http::writer::Writer;
use crate::located::{Located, What};

/// An answer that is awaited, and the request for it.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Answer {
    nonce: [u8; 16],
    /// The next part of the request to write.
    part: u16,
    head: HeadReader,
    checks: Checks,
    status: u16,
    /// The chosen subprotocol's place among those of the configuration.
    subprotocol: Option<u8>,
    #[cfg(feature = "deflate")]
    deflate: crate::handshake::deflate::Offers,
}

/// Parts of the request that offer permessage-deflate.
const OFFERS: u16 = if cfg!(feature = "deflate") { 2 } else { 0 };

/// The fields without which an answer can't be checked.
const SOUGHT: Sought = Sought(&[
    KnownField::Upgrade.named(),
    KnownField::Connection.named(),
    KnownField::Accept.named(),
    KnownField::Protocol.named(),
    KnownField::Extensions.named(),
]);

impl Answer {
    /// The part after the last one.
    const SENT: u16 = u16::MAX;

    /// `nonce` must be random and fresh for each connection (section 4.1, item 7).
    pub(crate) const fn new(config: &Config<'_>, nonce: [u8; 16]) -> Self {
        Self {
            nonce,
            part: 0,
            head: HeadReader::new(config.max_head_len, config.max_fields),
            checks: Checks::new(),
            status: 0,
            subprotocol: None,
            #[cfg(feature = "deflate")]
            deflate: crate::handshake::deflate::Offers::new(config.deflate),
        }
    }

    /// Notes what `rx` can hold, before the request is sent.
    #[cfg(feature = "deflate")]
    pub(crate) fn hold(&mut self, rx: &Buffer<'_>) {
        self.deflate.hold(rx);
    }

    /// What was agreed on.
    #[cfg(feature = "deflate")]
    pub(crate) const fn deflate(&self) -> Option<crate::deflate::Agreed> {
        self.deflate.agreed
    }

    /// Queues as many lines of the request as `tx` has room for: whether that was the rest of it; if not, write `tx`
    /// out and call again. Further calls write nothing.
    ///
    /// # Errors
    /// [`InvalidField`](SendError::InvalidField) before anything is written;
    /// [`BufferFull`](SendError::BufferFull) if a line does not fit into an empty `tx`.
    pub(crate) fn send(&mut self, config: &Config<'_>, tx: &mut Buffer<'_>) -> Result<bool, SendError> {
        if config.unsendable != 0 {
            return Err(SendError::InvalidField);
        }
        while self.part != Self::SENT {
            let was_empty = tx.is_empty();
            let mut next = Self::SENT;
            match Writer::queue(tx, |head| {
                if !self.write_part(config, head) {
                    next = self.part.saturating_add(1);
                }
            }) {
                Ok(()) => self.part = next,
                Err(SendError::BufferFull) if !was_empty => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Writes the lines of one part: whether it is the last one.
    fn write_part(&self, config: &Config<'_>, head: &mut Writer<'_>) -> bool {
        match self.part {
            0 => head.text("GET ").text(config.target).text(" HTTP/1.1\r\n"),
            1 => head.field(KnownField::Host.name(), config.host.as_bytes()),
            2 => head.text("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"),
            3 => head.field_of(KnownField::Key.name(), form::key(&self.nonce)),
            4 => match config.origin {
                Some(origin) => head.field(KnownField::Origin.name(), origin.as_bytes()),
                None => head,
            },
            5 => match config.subprotocols {
                [first, others @ ..] => {
                    head.text(KnownField::Protocol.name()).text(": ").text(first);
                    for name in others {
                        head.text(", ").text(name);
                    }
                    head.text("\r\n")
                }
                [] => head,
            },
            #[cfg(feature = "deflate")]
            offer @ 6..=7 => {
                self.deflate.write(head, offer == 7);
                head
            }
            further => {
                let place = usize::from(further.saturating_sub(6 + OFFERS));
                match config.fields.get(place) {
                    Some((name, value)) => head.field(name, value.as_bytes()),
                    None => {
                        head.text("\r\n");
                        return true;
                    }
                }
            }
        };
        false
    }

    /// Whether the head is complete.
    pub(crate) const fn is_complete(&self) -> bool {
        self.head.is_complete()
    }

    /// Takes the next line of the head out of `rx`; `None` if it is incomplete. An error is final.
    pub(crate) fn receive(
        &mut self,
        config: &Config<'_>,
        rx: &mut Buffer<'_>,
    ) -> Result<Option<Located>, HandshakeError> {
        loop {
            let Some(line) = self.head.next(rx, What::StatusLine)? else { return Ok(None) };
            let bytes = rx.taken(line.start..line.end);
            if matches!(line.what, What::StatusLine) {
                self.on_status(bytes)?;
            }
            if !self.is_interim() {
                if let Err(error) = self.on_field(config, line.what, bytes) {
                    self.checks.reject(error);
                }
                return Ok(Some(line));
            }
            if matches!(line.what, What::HeadEnd) {
                self.status = 0;
                self.head.begin_next();
            }
        }
    }

    /// "A client MUST be able to parse one or more 1xx responses received prior to a final response, even if the client
    /// does not expect one" (RFC 9110 section 15.2); 101 is the final one here.
    const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// The subprotocol that the server chose among those offered.
    pub(crate) fn subprotocol<'c>(&self, config: &Config<'c>) -> Option<&'c str> {
        config.subprotocols.get(usize::from(self.subprotocol?)).copied()
    }

    /// Whether the answer opens the connection; sure once its head is complete.
    pub(crate) fn check(&self) -> Result<(), HandshakeError> {
        if !self.head.is_complete() {
            return Err(HandshakeError::Incomplete);
        }
        // "If the status code received from the server is not 101, the client handles the
        // response per HTTP procedures."
        if self.status != 101 {
            return Err(HandshakeError::Status(self.status));
        }
        self.checks
            .require(const { needed(&[KnownField::Upgrade, KnownField::Connection, KnownField::Accept]) })
    }

    fn on_status(&mut self, line: &[u8]) -> Result<(), HandshakeError> {
        let (status, minor) = StatusLine::parse(line)?;
        self.status = status;
        // Any other answer may come from an old proxy on the way.
        if status == 101 && minor == b'0' {
            self.checks.reject(HandshakeError::Head(crate::http::error::HeadError::HttpVersion));
        }
        Ok(())
    }

    fn on_field(&mut self, config: &Config<'_>, what: What, line: &[u8]) -> Result<(), HandshakeError> {
        if !matches!(what, What::Field | What::LongField) {
            return Ok(());
        }
        let (name, value) = Field(line).split();
        let Some(known) = SOUGHT.find(name) else { return Ok(()) };
        if matches!(what, What::LongField) {
            return Err(HandshakeError::FieldTooLong(known));
        }
        match known {
            // "contains a value that is not an ASCII case-insensitive match for the value
            // "websocket"": fail
            KnownField::Upgrade => {
                // Two lines are one list (RFC 9110 section 5.3), which is no match either.
                let matches = self.checks.mark_seen(known) && is_alike(value, b"websocket");
                if !matches {
                    return Err(HandshakeError::Invalid(known));
                }
            }
            // "doesn't contain a token that is an ASCII case-insensitive match for the value
            // "Upgrade"": fail
            KnownField::Connection if lists(value, "upgrade") => _ = self.checks.mark_seen(known),
            KnownField::Accept | KnownField::Protocol => {
                if !self.checks.mark_seen(known) {
                    return Err(HandshakeError::Repeated(known));
                }
                if known == KnownField::Accept {
                    if !form::accept(&form::digest(form::key(&self.nonce))).eq(value.iter().copied()) {
                        return Err(HandshakeError::WrongAccept);
                    }
                    return Ok(());
                }
                // "indicates the use of a subprotocol that was not present in the client's handshake": fail
                let place = config.subprotocols.iter().position(|name| is_same(name.as_bytes(), value));
                self.subprotocol = place.and_then(|place| u8::try_from(place).ok());
                if self.subprotocol.is_none() {
                    return Err(HandshakeError::UnofferedSubprotocol);
                }
            }
            #[cfg(feature = "deflate")]
            KnownField::Extensions => self.deflate.on_response(value)?,
            // "indicates the use of an extension that was not present in the client's handshake": fail
            #[cfg(not(feature = "deflate"))]
            KnownField::Extensions if value.iter().any(|byte| !matches!(byte, b',' | b' ' | b'\t')) => {
                return Err(HandshakeError::UnofferedExtension);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The request of a client. It is checked where it is made: for a constant that is when the program is compiled, and
/// costs no flash.
impl<'c> Config<'c> {
    pub(crate) const REQUEST: u8 = 1;
    const ORIGIN: u8 = 2;
    const SUBPROTOCOLS: u8 = 4;
    const FIELDS: u8 = 8;

    /// A server agrees to the first of the client's subprotocols that is among these; a client offers them,
    /// best first. Names compare exactly (section 11.5). At most 255 are looked at.
    #[must_use]
    pub const fn subprotocols(mut self, names: &'c [&'c str]) -> Self {
        self.subprotocols = names;
        self.note(Self::SUBPROTOCOLS, are_tokens(names))
    }

    /// Client: the request (section 4.1). `host` is the `Host` field: name or address, and `:port` unless it is
    /// the scheme's own (80 or 443). `target` is path and query, `/chat?room=7`, percent-encoded, without a
    /// fragment.
    #[must_use]
    pub const fn request(mut self, host: &'c str, target: &'c str) -> Self {
        (self.host, self.target) = (host, target);
        let absolute = matches!(target.as_bytes(), [b'/', ..]);
        self.note(
            Self::REQUEST,
            !host.is_empty() && is_host(host.as_bytes()) && absolute && is_target(target.as_bytes()),
        )
    }

    /// Client: the request for what `url` names: see [`request`](Self::request). Port and TLS are the stream's.
    #[must_use]
    pub const fn url(self, url: crate::http::Url<'c>) -> Self {
        self.request(url.authority(), url.target())
    }

    /// Client: the `Origin` field, which browsers send; most others leave it out.
    #[must_use]
    pub const fn origin(mut self, origin: &'c str) -> Self {
        self.origin = Some(origin);
        self.note(Self::ORIGIN, is_value(origin.as_bytes()))
    }

    /// Client: further fields of the request, such as `Authorization` or `Cookie`.
    #[must_use]
    pub const fn fields(mut self, fields: &'c Fields<'c>) -> Self {
        self.fields = fields;
        self.note(Self::FIELDS, are_own(fields))
    }

    const fn note(mut self, part: u8, sendable: bool) -> Self {
        self.unsendable = if sendable { self.unsendable & !part } else { self.unsendable | part };
        self
    }
}

const fn are_tokens(mut names: &[&str]) -> bool {
    while let [name, rest @ ..] = names {
        if !is_token(name.as_bytes()) {
            return false;
        }
        names = rest;
    }
    true
}
