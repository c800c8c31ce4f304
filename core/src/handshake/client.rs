//! The connecting side.
//!
//! ```
//! use microws::handshake::client::{Handshake, Item, Request};
//! use microws::Buffer;
//!
//! let (mut a, mut b) = ([0; 256], [0; 256]);
//! let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
//! // The nonce is random, fresh for each connection; this one is RFC 6455's example.
//! let request = Request { subprotocols: &["chat"], ..Request::new("example.com", "/room?id=7") };
//! let mut handshake = Handshake::new(request, *b"the sample nonce");
//! while !handshake.send(&mut tx)? { /* write tx out */ }
//! # tx.consume(999);
//!
//! // The answer comes, in as many pieces as it likes.
//! assert!(rx.push(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
//! assert!(rx.push(b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
//! assert!(rx.push(b"Sec-WebSocket-Protocol: chat\r\n\r\n"));
//! while handshake.receive(&mut rx)? != Some(Item::End) {}
//! assert_eq!(handshake.subprotocol(), Some("chat"));
//! let mut connection = handshake.connection(|key: &mut [u8]| key.fill(4))?; // a real random source!
//! connection.send_text(&mut tx, "hello")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::checks::Findings;
use super::key::form;
use crate::buffer::Buffer;
use crate::connection::Connection;
use crate::connection::role::Client;
use crate::error::{HandshakeError, KnownField, SendError};
use crate::http::field::{Field, is_token, is_value};
use crate::http::reader::{self, HeadReader, Line, split_version};
use crate::http::writer::{Fields, Writer, check_own};

/// The request to make (section 4.1). Nothing of it is copied: it is written into `tx` line by line.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Request<'r> {
    /// The `Host` field: name or address, and `:port` unless it is the scheme's own (80 or 443).
    pub host: &'r str,
    /// Path and query: `/chat?room=7`, percent-encoded, without a fragment.
    pub target: &'r str,
    /// The `Origin` field, which browsers send; most others leave it out.
    pub origin: Option<&'r str>,
    /// The subprotocols to offer, best first (section 11.5).
    pub subprotocols: &'r [&'r str],
    /// Further fields, such as `Authorization` or `Cookie`.
    pub fields: &'r Fields<'r>,
}

impl<'r> Request<'r> {
    /// A request with nothing optional in it.
    pub const fn new(host: &'r str, target: &'r str) -> Self {
        Self { host, target, origin: None, subprotocols: &[], fields: &[] }
    }

    fn check(&self) -> Result<(), SendError> {
        let graphic = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let valid = graphic(self.host)
            && graphic(self.target)
            && self.target.starts_with('/')
            && !self.target.bytes().any(|byte| byte == b'#')
            && self.origin.is_none_or(|origin| is_value(origin.as_bytes()))
            && self.subprotocols.iter().all(|name| is_token(name.as_bytes()));
        if !valid {
            return Err(SendError::InvalidField);
        }
        check_own(self.fields)
    }
}

/// A piece of the answer, in the order in which they come: the status, the fields, the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item<'b> {
    /// The status line.
    Start {
        /// 101 where the server agrees.
        status: u16,
        /// The reason phrase; often empty, never of meaning.
        reason: &'b [u8],
    },
    /// A header field: for a 301 look at `Location`, for a 401 at `WWW-Authenticate`.
    Field(Field<'b>),
    /// The name of a header field whose line did not fit into `rx`; it is passed over.
    LongField(&'b [u8]),
    /// The head is complete: [`Handshake::connection`].
    End,
}

/// An item that is still to be borrowed from `rx`; see [`Handshake::step`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Unbound(reader::Unbound);

impl Unbound {
    /// Borrows the item from the `rx` that it was found in, which must not have been used since.
    pub fn bind<'b>(&self, rx: &'b Buffer<'_>) -> Item<'b> {
        match self.0.bind(rx) {
            Line::Start(line) => {
                let StatusLine { status, reason, .. } = StatusLine::parse(line).unwrap_or_default();
                Item::Start { status, reason }
            }
            Line::Field(field) => Item::Field(field),
            Line::LongField(name) => Item::LongField(name),
            Line::End => Item::End,
        }
    }
}

/// Makes one upgrade request and checks the answer (section 4.1).
///
/// [`send`](Self::send) until it is done, [`receive`](Self::receive) until [`Item::End`], then
/// [`connection`](Self::connection). After an error drop the transport.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Handshake<'r> {
    request: Request<'r>,
    nonce: [u8; 16],
    /// The next part of the request to write.
    part: usize,
    head: HeadReader,
    findings: Findings,
    status: u16,
    subprotocol: Option<&'r str>,
}

impl<'r> Handshake<'r> {
    /// A handshake that makes `request`. `nonce` must be random and fresh for each connection
    /// (section 4.1, item 7).
    pub fn new(request: Request<'r>, nonce: [u8; 16]) -> Self {
        Self {
            request,
            nonce,
            part: 0,
            head: HeadReader::new(),
            findings: Findings::new(),
            status: 0,
            subprotocol: None,
        }
    }

    /// Limits the answer's head to `max_len` bytes and `max_fields` fields instead of
    /// [`DEFAULT_MAX_HEAD_LEN`](super::DEFAULT_MAX_HEAD_LEN) and
    /// [`DEFAULT_MAX_FIELDS`](super::DEFAULT_MAX_FIELDS).
    #[must_use]
    pub fn limits(mut self, max_len: u32, max_fields: u16) -> Self {
        self.head = HeadReader::with_limits(max_len, max_fields);
        self
    }

    /// Queues as many lines of the request as `tx` has room for, and answers whether that was the
    /// rest of it; if not, write `tx` out and call again.
    ///
    /// # Errors
    /// [`InvalidField`](SendError::InvalidField) before anything is written;
    /// [`BufferFull`](SendError::BufferFull) if a line does not fit into an empty `tx`.
    pub fn send(&mut self, tx: &mut Buffer<'_>) -> Result<bool, SendError> {
        if self.part == 0 {
            self.request.check()?;
        }
        loop {
            let was_empty = tx.is_empty();
            let mut done = false;
            match Writer::queue(tx, |head| done = self.write_part(head)) {
                Ok(()) => self.part = self.part.saturating_add(1),
                Err(SendError::BufferFull) if !was_empty => return Ok(false),
                Err(error) => return Err(error),
            }
            if done {
                return Ok(true);
            }
        }
    }

    /// Writes the lines of one part; the answer is whether it is the last one, after which
    /// further calls write nothing.
    fn write_part(&self, head: &mut Writer<'_>) -> bool {
        let request = &self.request;
        match self.part {
            0 => head.text("GET ").text(request.target).text(" HTTP/1.1\r\n"),
            1 => head.field(KnownField::Host.name(), request.host.as_bytes()),
            2 => head.text("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"),
            3 => head.field_of(KnownField::Key.name(), form::key(&self.nonce)),
            4 => match request.origin {
                Some(origin) => head.field(KnownField::Origin.name(), origin.as_bytes()),
                None => head,
            },
            5 => {
                for (i, name) in request.subprotocols.iter().enumerate() {
                    head.text(if i == 0 { "Sec-WebSocket-Protocol: " } else { ", " }).text(name);
                }
                if request.subprotocols.is_empty() { head } else { head.text("\r\n") }
            }
            further => match request.fields.get(further.saturating_sub(6)) {
                Some((name, value)) => head.field(name, value.as_bytes()),
                None if further.saturating_sub(6) == request.fields.len() => {
                    head.text("\r\n");
                    return true;
                }
                None => return true,
            },
        };
        false
    }

    /// Takes the next item out of `rx`; `None` means: read more into `rx`.
    ///
    /// # Errors
    /// What makes the answer unreadable, now and ever after. What speaks against the upgrade
    /// is said by [`connection`](Self::connection), so that an answer other than 101 can be read.
    pub fn receive<'b>(&mut self, rx: &'b mut Buffer<'_>) -> Result<Option<Item<'b>>, HandshakeError> {
        let item = self.step(rx)?;
        Ok(item.map(|item| item.bind(rx)))
    }

    /// [`receive`](Self::receive) in two halves, this and [`Unbound::bind`], for functions that
    /// loop and then return the item.
    ///
    /// # Errors
    /// As [`receive`](Self::receive).
    pub fn step(&mut self, rx: &mut Buffer<'_>) -> Result<Option<Unbound>, HandshakeError> {
        let result = self.head.next(rx).and_then(|line| {
            if let Some(line) = &line {
                self.look_at(&line.bind(rx))?;
            }
            Ok(line.map(Unbound))
        });
        if let Err(error) = result {
            self.head.fail(error);
        }
        result
    }

    /// The subprotocol that the server chose among those offered.
    pub const fn subprotocol(&self) -> Option<&'r str> {
        self.subprotocol
    }

    /// The open connection; what waits in `rx` is its first frame. `random` fills a slice with
    /// unpredictable bytes; it makes each frame's masking key (section 5.3).
    ///
    /// # Errors
    /// Why there is none: [`Status`](HandshakeError::Status) for an answer other than 101,
    /// [`Incomplete`](HandshakeError::Incomplete) before [`Item::End`] has come, or what the
    /// server did wrong.
    pub fn connection<F: FnMut(&mut [u8])>(
        &self,
        random: F,
    ) -> Result<Connection<Client<F>>, HandshakeError> {
        self.head.finished()?;
        // "If the status code received from the server is not 101, the client handles the
        // response per HTTP procedures."
        if self.status != 101 {
            return Err(HandshakeError::Status(self.status));
        }
        self.findings.verdict(&[KnownField::Upgrade, KnownField::Connection, KnownField::Accept])?;
        Ok(Connection::client(random))
    }

    fn look_at(&mut self, line: &Line<'_>) -> Result<(), HandshakeError> {
        match line {
            Line::Start(line) => {
                let line = StatusLine::parse(line)?;
                self.status = line.status;
                // Any other answer may come from an old proxy on the way.
                if line.status == 101 && line.minor == b'0' {
                    self.findings.object(HandshakeError::HttpVersion);
                }
            }
            Line::Field(field) => self.field(field),
            Line::LongField(name) => {
                if let Some(needed) = KnownField::of(name).filter(is_needed) {
                    self.findings.object(HandshakeError::FieldTooLong(Some(needed)));
                }
            }
            Line::End => {}
        }
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) {
        let Some(known) = KnownField::of(field.name) else { return };
        match known {
            // "contains a value that is not an ASCII case-insensitive match for the value
            // "websocket"": fail
            KnownField::Upgrade => {
                let _ = self.findings.see(known);
                if !field.value.eq_ignore_ascii_case(b"websocket") {
                    self.findings.object(HandshakeError::Invalid(known));
                }
            }
            // "doesn't contain a token that is an ASCII case-insensitive match for the value
            // "Upgrade"": fail
            KnownField::Connection if field.lists("upgrade") => _ = self.findings.see(known),
            KnownField::Accept | KnownField::Protocol => {
                if !self.findings.see(known) {
                    self.findings.object(HandshakeError::Repeated(known));
                }
                if known == KnownField::Accept {
                    if !form::accept(&form::digest(form::key(&self.nonce))).eq(field.value.iter().copied()) {
                        self.findings.object(HandshakeError::WrongAccept);
                    }
                    return;
                }
                // "indicates the use of a subprotocol that was not present in the client's handshake": fail
                self.subprotocol =
                    self.request.subprotocols.iter().find(|name| name.as_bytes() == field.value).copied();
                if self.subprotocol.is_none() {
                    self.findings.object(HandshakeError::UnofferedSubprotocol);
                }
            }
            // "indicates the use of an extension that was not present in the client's handshake": fail
            KnownField::Extensions if field.elements().next().is_some() => {
                self.findings.object(HandshakeError::UnofferedExtension);
            }
            _ => {}
        }
    }
}

/// The fields without which an answer can't be judged.
const fn is_needed(field: &KnownField) -> bool {
    matches!(
        field,
        KnownField::Upgrade
            | KnownField::Connection
            | KnownField::Accept
            | KnownField::Protocol
            | KnownField::Extensions
    )
}

/// status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4). The last
/// blank may be missing, as section 4 lets a client be lenient about the phrase.
#[derive(Default)]
struct StatusLine<'b> {
    /// A digit: the minor version.
    minor: u8,
    status: u16,
    reason: &'b [u8],
}

impl<'b> StatusLine<'b> {
    fn parse(line: &'b [u8]) -> Result<Self, HandshakeError> {
        let Some((major, minor, [b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..])) =
            split_version(line)
        else {
            return Err(HandshakeError::BadStartLine);
        };
        let reason = match rest {
            [] => rest,
            [b' ', reason @ ..] => reason,
            _ => return Err(HandshakeError::BadStartLine),
        };
        if major != b'1' {
            return Err(HandshakeError::HttpVersion);
        }
        let status = [a, b, c]
            .into_iter()
            .fold(0u16, |number, digit| number.wrapping_mul(10).wrapping_add(u16::from(digit & 0x0f)));
        Ok(Self { minor, status, reason })
    }
}
