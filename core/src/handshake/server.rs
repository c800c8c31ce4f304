//! The accepting side.
//!
//! ```
//! use microws::handshake::server::{Handshake, Item};
//! use microws::Buffer;
//!
//! let (mut a, mut b) = ([0; 256], [0; 256]);
//! let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
//! let mut handshake = Handshake::new(&["chat"]);
//!
//! // As much of the request as there is.
//! assert!(rx.push(b"GET /room?id=7 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"));
//! while let Some(item) = handshake.receive(&mut rx)? {
//!     if let Item::Start { target, .. } = item {
//!         assert_eq!((target.path(), target.query()), ("/room", Some("id=7")));
//!     }
//! }
//! // The rest.
//! assert!(rx.push(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"));
//! while handshake.receive(&mut rx)? != Some(Item::End) {}
//! let connection = handshake.upgrade()?.accept(&mut tx, &[])?;
//! assert!(tx.filled().starts_with(b"HTTP/1.1 101 "));
//! # let _ = connection;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::checks::Findings;
use super::key::{KEY_LEN, form};
use crate::buffer::Buffer;
use crate::connection::Connection;
use crate::connection::role::Server;
use crate::error::{HandshakeError, KnownField, SendError};
use crate::http::field::{Field, is_token, split};
use crate::http::reader::{self, HeadReader, Line, split_version};
use crate::http::writer::{Writer, check, check_own};

pub use crate::http::writer::Fields;

/// The request target, RFC 9112 section 3.2: `/path?query`, or a whole URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Target<'b>(&'b str);

impl<'b> Target<'b> {
    /// The target as it came: visible ASCII.
    pub const fn as_str(&self) -> &'b str {
        self.0
    }

    /// The path, percent-encoded as it came; it begins with a slash.
    pub fn path(&self) -> &'b str {
        match split_at_byte(self.origin_form(), b'?').0 {
            "" => "/",
            path => path,
        }
    }

    /// What follows the first question mark.
    pub fn query(&self) -> Option<&'b str> {
        split_at_byte(self.origin_form(), b'?').1
    }

    /// Without scheme and authority: "To allow for transition to the absolute-form for all
    /// requests [...] a server MUST accept the absolute-form" (RFC 9112 section 3.2.2).
    fn origin_form(&self) -> &'b str {
        if self.0.starts_with('/') {
            return self.0;
        }
        let authority = self.0.bytes().zip(self.0.bytes().skip(1)).position(|pair| pair == (b'/', b'/'));
        let rest = authority.and_then(|at| self.0.get(at.saturating_add(2)..)).unwrap_or_default();
        let path = rest.bytes().position(|byte| matches!(byte, b'/' | b'?'));
        path.and_then(|at| rest.get(at..)).unwrap_or_default()
    }
}

/// Splits around the first `byte`, an ASCII character.
fn split_at_byte(text: &str, byte: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|b| b == byte) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at.saturating_add(1)..)),
        None => (text, None),
    }
}

/// A piece of the request, in the order in which they come: the start, the fields, the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item<'b> {
    /// The request line.
    Start {
        /// `GET` for an upgrade.
        method: &'b str,
        /// What is asked for.
        target: Target<'b>,
    },
    /// A header field.
    Field(Field<'b>),
    /// The name of a header field whose line did not fit into `rx`. It is passed over; a caller
    /// who needs it refuses the request with 431.
    LongField(&'b [u8]),
    /// The head is complete: [`Handshake::upgrade`], or refuse.
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
                let (method, target) = split_request_line(line).unwrap_or_default();
                let text = |bytes| core::str::from_utf8(bytes).unwrap_or_default();
                Item::Start { method: text(method), target: Target(text(target)) }
            }
            Line::Field(field) => Item::Field(field),
            Line::LongField(name) => Item::LongField(name),
            Line::End => Item::End,
        }
    }
}

/// Reads one upgrade request (section 4.2.1) and answers it (section 4.2.2).
///
/// [`receive`](Self::receive) until [`Item::End`], then [`upgrade`](Self::upgrade). After an
/// error: [`refuse`], write `tx` out, drop the transport.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Handshake<'p> {
    head: HeadReader,
    findings: Findings,
    supported: &'p [&'p str],
    subprotocol: Option<&'p str>,
    /// Of the key that came.
    digest: Option<form::Digest>,
}

impl<'p> Handshake<'p> {
    /// A handshake that agrees to the first of the client's subprotocols that is in `supported`,
    /// and to none if there is no such. Names compare exactly (section 11.5).
    pub const fn new(supported: &'p [&'p str]) -> Self {
        Self {
            head: HeadReader::new(),
            findings: Findings::new(),
            supported,
            subprotocol: None,
            digest: None,
        }
    }

    /// Limits the head to `max_len` bytes and `max_fields` fields instead of
    /// [`DEFAULT_MAX_HEAD_LEN`](super::DEFAULT_MAX_HEAD_LEN) and
    /// [`DEFAULT_MAX_FIELDS`](super::DEFAULT_MAX_FIELDS).
    #[must_use]
    pub fn limits(mut self, max_len: u32, max_fields: u16) -> Self {
        self.head = HeadReader::with_limits(max_len, max_fields);
        self
    }

    /// Takes the next item out of `rx`; `None` means: read more into `rx`.
    ///
    /// # Errors
    /// What makes the request unreadable, now and ever after: [`refuse`] it. What is
    /// wrong with the upgrade alone is said by [`upgrade`](Self::upgrade).
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

    /// The subprotocol that will be agreed to, as far as the fields have come.
    pub const fn subprotocol(&self) -> Option<&'p str> {
        self.subprotocol
    }

    /// The request as an upgrade that can be accepted; sure once [`Item::End`] has come.
    ///
    /// # Errors
    /// Why it is none. [`NoUpgrade`](HandshakeError::NoUpgrade) is a plain GET request, which
    /// may be answered as such, with [`answer`].
    pub fn upgrade(&self) -> Result<Upgrade<'_, 'p>, HandshakeError> {
        self.head.finished()?;
        match self.findings.objection() {
            Some(HandshakeError::Method) => return Err(HandshakeError::Method),
            _ if !self.findings.has(KnownField::Upgrade) => return Err(HandshakeError::NoUpgrade),
            _ => {}
        }
        self.findings.verdict(&[KnownField::Connection, KnownField::Version, KnownField::Key])?;
        match &self.digest {
            Some(digest) => Ok(Upgrade { digest, subprotocol: self.subprotocol }),
            None => Err(HandshakeError::Missing(KnownField::Key)),
        }
    }

    fn look_at(&mut self, line: &Line<'_>) -> Result<(), HandshakeError> {
        match line {
            Line::Start(line) => {
                let (method, _) = split_request_line(line)?;
                // "The method of the request MUST be GET" (4.1)
                if !matches!(method, [b'G', b'E', b'T']) {
                    self.findings.object(HandshakeError::Method);
                }
                Ok(())
            }
            Line::Field(field) => self.field(field),
            Line::LongField(name) => match KnownField::of(name) {
                // Extensions are declined whatever they are; the origin is the caller's to judge.
                None | Some(KnownField::Extensions | KnownField::Accept | KnownField::Origin) => Ok(()),
                Some(needed) => Err(HandshakeError::FieldTooLong(Some(needed))),
            },
            // "A server MUST respond with a 400 status code to any HTTP/1.1 request message that
            // lacks a Host header field and to any request message that contains more than one"
            // (RFC 9112 section 3.2)
            Line::End if !self.findings.has(KnownField::Host) => {
                Err(HandshakeError::Missing(KnownField::Host))
            }
            Line::End => Ok(()),
        }
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), HandshakeError> {
        let Some(known) = KnownField::of(field.name) else { return Ok(()) };
        match known {
            // A token among others: Firefox sends "keep-alive, Upgrade".
            KnownField::Upgrade if !field.lists("websocket") => {}
            KnownField::Connection if !field.lists("upgrade") => {}
            KnownField::Upgrade | KnownField::Connection => _ = self.findings.see(known),
            KnownField::Host | KnownField::Key | KnownField::Version => {
                if !self.findings.see(known) {
                    return Err(HandshakeError::Repeated(known));
                }
                if known == KnownField::Version && !matches!(field.value, [b'1', b'3']) {
                    self.findings.object(HandshakeError::WebSocketVersion);
                }
                if known == KnownField::Key {
                    if !is_16_bytes_in_base64(field.value) {
                        self.findings.object(HandshakeError::Invalid(known));
                    }
                    self.digest = Some(form::digest(field.value.iter().copied()));
                }
            }
            KnownField::Protocol => {
                for offered in field.elements() {
                    if !is_token(offered) {
                        self.findings.object(HandshakeError::Invalid(known));
                    }
                    if self.subprotocol.is_none() {
                        self.subprotocol =
                            self.supported.iter().find(|name| name.as_bytes() == offered).copied();
                    }
                }
            }
            // Bytes behind the head are frames here and a body to whoever stands before us.
            KnownField::ContentLength if matches!(field.value, [b'0']) => {}
            KnownField::ContentLength | KnownField::TransferEncoding => {
                // A method that may have a body is the better reason.
                let method = self.findings.objection().filter(|error| *error == HandshakeError::Method);
                return Err(method.unwrap_or(HandshakeError::Body));
            }
            KnownField::Extensions | KnownField::Accept | KnownField::Origin => {}
        }
        Ok(())
    }
}

/// A request that may be accepted.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Upgrade<'h, 'p> {
    digest: &'h form::Digest,
    subprotocol: Option<&'p str>,
}

impl<'p> Upgrade<'_, 'p> {
    /// The subprotocol that will be agreed to.
    pub const fn subprotocol(&self) -> Option<&'p str> {
        self.subprotocol
    }

    /// Queues the 101 answer with `fields` added: 129 bytes, and a line for the subprotocol.
    /// The connection is open; what waits in `rx` is its first frame.
    ///
    /// # Errors
    /// [`BufferFull`](SendError::BufferFull) or [`InvalidField`](SendError::InvalidField);
    /// nothing was written.
    pub fn accept(&self, tx: &mut Buffer<'_>, fields: &Fields<'_>) -> Result<Connection<Server>, SendError> {
        check_own(fields)?;
        Writer::queue(tx, |head| {
            head.text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
                .field_of(KnownField::Accept.name(), form::accept(self.digest));
            if let Some(name) = self.subprotocol {
                head.field(KnownField::Protocol.name(), name.as_bytes());
            }
            head.fields(fields).text("\r\n");
        })?;
        Ok(Connection::server())
    }
}

/// Queues the answer to a request at fault: the status of `error` and its reason as one line of
/// text, left out where `tx` has no room for it. Then write `tx` out and close the transport.
///
/// # Errors
/// [`BufferFull`](SendError::BufferFull) if not even the head fits; nothing was written.
pub fn refuse(tx: &mut Buffer<'_>, error: HandshakeError) -> Result<(), SendError> {
    let status = error.status();
    // "426 [...] The server MUST send an Upgrade header field" (RFC 9110 section 15.5.22),
    // "a |Sec-WebSocket-Version| header field indicating the version(s)" (4.2.2);
    // "405 [...] MUST generate an Allow header field" (RFC 9110 section 15.5.6)
    let (phrase, fields): (_, &Fields<'_>) = match status {
        400 => (BAD_REQUEST, &[]),
        405 => (METHOD_NOT_ALLOWED, &[("Allow", "GET")]),
        414 => (URI_TOO_LONG, &[]),
        426 => (UPGRADE_REQUIRED, &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]),
        431 => (FIELDS_TOO_LARGE, &[]),
        505 => (VERSION_NOT_SUPPORTED, &[]),
        _ => ("", &[]),
    };
    let head = Head { status, phrase, fields };
    let (text, field) = error.reason();
    let field = field.map_or("", KnownField::name);
    match head.queue(tx, &[text, field, "\n"]) {
        Err(SendError::BufferFull) => head.queue(tx, &[]),
        done => done,
    }
}

/// Queues any other answer than 101: `status`, `fields`, and `body` with its length. The answer
/// says `Connection: close`: write `tx` out and close the transport.
///
/// # Errors
/// [`BufferFull`](SendError::BufferFull) or [`InvalidField`](SendError::InvalidField); nothing
/// was written.
pub fn answer(tx: &mut Buffer<'_>, status: u16, fields: &Fields<'_>, body: &str) -> Result<(), SendError> {
    check(fields)?;
    // RFC 9110 section 15; a status without a phrase here goes without.
    let phrase = match status {
        200 => "OK",
        400 => BAD_REQUEST,
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => METHOD_NOT_ALLOWED,
        408 => "Request Timeout",
        414 => URI_TOO_LONG,
        426 => UPGRADE_REQUIRED,
        431 => FIELDS_TOO_LARGE,
        503 => "Service Unavailable",
        505 => VERSION_NOT_SUPPORTED,
        _ => "",
    };
    Head { status, phrase, fields }.queue(tx, &[body])
}

// The phrases of what `refuse` answers; a device that needs no more carries no more.
const BAD_REQUEST: &str = "Bad Request";
const METHOD_NOT_ALLOWED: &str = "Method Not Allowed";
const URI_TOO_LONG: &str = "URI Too Long";
const UPGRADE_REQUIRED: &str = "Upgrade Required";
const FIELDS_TOO_LARGE: &str = "Request Header Fields Too Large";
const VERSION_NOT_SUPPORTED: &str = "HTTP Version Not Supported";

/// The head of an answer other than 101.
struct Head<'a> {
    status: u16,
    phrase: &'a str,
    fields: &'a Fields<'a>,
}

impl Head<'_> {
    fn queue(&self, tx: &mut Buffer<'_>, body: &[&str]) -> Result<(), SendError> {
        let len = body.iter().fold(0usize, |n, part| n.saturating_add(part.len()));
        // "A sender of Upgrade MUST also send an "Upgrade" connection option" (RFC 9110 section 7.8)
        let upgrade = self.fields.iter().any(|(name, _)| *name == "Upgrade");
        Writer::queue(tx, |head| {
            head.text("HTTP/1.1 ").number(usize::from(self.status)).text(" ").text(self.phrase);
            head.text("\r\nConnection: close").text(if upgrade { ", Upgrade" } else { "" });
            head.text("\r\nContent-Length: ").number(len).text("\r\n").fields(self.fields).text("\r\n");
            for part in body {
                head.text(part);
            }
        })
    }
}

/// request-line = method SP request-target SP HTTP-version (RFC 9112 section 3); the version is checked.
fn split_request_line(line: &[u8]) -> Result<(&[u8], &[u8]), HandshakeError> {
    let (method, rest) = split(line, b' ');
    let (target, version) = split(rest.unwrap_or_default(), b' ');
    let absolute = || target.windows(3).any(|bytes| matches!(bytes, [b':', b'/', b'/']));
    if !is_token(method)
        || !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#')
        || !(target.first() == Some(&b'/') || absolute())
    {
        return Err(HandshakeError::BadStartLine);
    }
    match version.and_then(split_version) {
        // "an HTTP/1.1 or higher GET request" (4.2.1); a higher minor version is read as 1.1.
        Some((b'1', b'1'.., [])) => Ok((method, target)),
        Some((_, _, [])) => Err(HandshakeError::HttpVersion),
        _ => Err(HandshakeError::BadStartLine),
    }
}

/// "a |Sec-WebSocket-Key| header field with a base64-encoded value that, when decoded, is 16
/// bytes in length" (4.2.1): 22 characters and two of padding.
fn is_16_bytes_in_base64(key: &[u8]) -> bool {
    match key {
        [digits @ .., b'=', b'='] if key.len() == KEY_LEN => {
            digits.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        }
        _ => false,
    }
}
