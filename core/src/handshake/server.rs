//! The accepting side: reads one upgrade request (section 4.2.1) and answers it (section 4.2.2).

use crate::buffer::Buffer;
use crate::config::{Config, Fields};
use crate::error::SendError;
use crate::handshake::checks::{Checks, are_own, needed};
use crate::handshake::error::{HandshakeError, KnownField};
use crate::handshake::key::{KEY_LEN, form};
use crate::http::field::{Field, elements, is_same, is_token, lists};
use crate::http::host::is_host;
use crate::http::line::RequestLine;
use crate::http::reader::HeadReader;
use crate::http::writer::{Response, Writer};
use crate::located::{Located, What};

/// A request that is coming in.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Request {
    head: HeadReader,
    checks: Checks,
    /// The chosen subprotocol's place among those of the configuration.
    subprotocol: Option<u8>,
    /// Of the key that came.
    digest: Option<form::Digest>,
    /// A HEAD request.
    pub(crate) head_only: bool,
    /// Of HTTP/1.0.
    is_old: bool,
    /// The client ends the connection after this request (RFC 9112 section 9.6).
    #[cfg(feature = "http")]
    pub(crate) close: bool,
    /// Bytes of the content that were not taken.
    #[cfg(feature = "http")]
    pub(crate) body_left: u64,
    #[cfg(feature = "deflate")]
    deflate: crate::handshake::deflate::Choice,
}

impl Request {
    pub(crate) const fn new(config: &Config<'_>) -> Self {
        Self {
            head: HeadReader::new(config.max_head_len, config.max_fields),
            checks: Checks::new(),
            subprotocol: None,
            digest: None,
            head_only: false,
            is_old: false,
            #[cfg(feature = "http")]
            close: false,
            #[cfg(feature = "http")]
            body_left: 0,
            #[cfg(feature = "deflate")]
            deflate: crate::handshake::deflate::Choice::new(config.deflate),
        }
    }

    /// Whether anything of it was taken.
    #[cfg(feature = "http")]
    pub(crate) const fn is_begun(&self) -> bool {
        self.head.is_begun()
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
        let Some(line) = self.head.next(rx, What::RequestLine)? else { return Ok(None) };
        #[cfg(feature = "deflate")]
        self.deflate.hold(rx);
        self.on_line(config, line.what, rx.taken(line.start..line.end))?;
        Ok(Some(line))
    }

    /// The subprotocol that will be agreed to, as far as the fields have come.
    pub(crate) fn subprotocol<'c>(&self, config: &Config<'c>) -> Option<&'c str> {
        config.subprotocols.get(usize::from(self.subprotocol?)).copied()
    }

    /// What will be agreed on, as far as the fields have come.
    #[cfg(feature = "deflate")]
    pub(crate) fn deflate(&self) -> Option<crate::deflate::Agreed> {
        self.deflate.agreed()
    }

    /// Keeps no context between messages.
    #[cfg(feature = "deflate")]
    pub(crate) const fn forget_contexts(&mut self) {
        self.deflate.forget_contexts();
    }

    /// Whether the request is an upgrade that can be accepted; sure once its head is complete.
    pub(crate) fn check(&self) -> Result<&form::Digest, HandshakeError> {
        if !self.head.is_complete() {
            return Err(HandshakeError::Incomplete);
        }
        match self.checks.rejection() {
            Some(HandshakeError::Method) => return Err(HandshakeError::Method),
            _ if !self.checks.has(KnownField::Upgrade) => return Err(HandshakeError::NoUpgrade),
            _ => {}
        }
        self.checks
            .require(const { needed(&[KnownField::Connection, KnownField::Version, KnownField::Key]) })?;
        self.digest.as_ref().ok_or(HandshakeError::Missing(KnownField::Key))
    }

    /// Queues the 101 answer to a request whose `digest` [`check`](Self::check) returned.
    pub(crate) fn accept(
        &self,
        config: &Config<'_>,
        digest: &form::Digest,
        tx: &mut Buffer<'_>,
        fields: &Fields<'_>,
    ) -> Result<(), SendError> {
        if !are_own(fields) {
            return Err(SendError::InvalidField);
        }
        Writer::queue(tx, |head| {
            head.text("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
                .field_of(KnownField::Accept.name(), form::accept(digest));
            if let Some(name) = self.subprotocol(config) {
                head.field(KnownField::Protocol.name(), name.as_bytes());
            }
            #[cfg(feature = "deflate")]
            self.deflate.write(head);
            head.fields(fields).text("\r\n");
        })
    }

    /// [`reject`], with what `response` has, and without content if the request wants none.
    pub(crate) fn reject(
        &self,
        tx: &mut Buffer<'_>,
        error: HandshakeError,
        response: Response<'_>,
    ) -> Result<(), SendError> {
        reject_with(tx, error, Response { head_only: self.head_only, ..response })
    }

    fn on_line(&mut self, config: &Config<'_>, what: What, line: &[u8]) -> Result<(), HandshakeError> {
        match what {
            What::RequestLine => {
                let (method, minor) = RequestLine::check(line)?;
                self.is_old = minor == b'0';
                // "The method of the request MUST be GET" (4.1). "All general-purpose servers MUST support the
                // methods GET and HEAD" (RFC 9110 section 9.1): a HEAD is answered as a GET without an upgrade is.
                self.head_only = matches!(method, [b'H', b'E', b'A', b'D']);
                if !self.head_only && !matches!(method, [b'G', b'E', b'T']) {
                    self.checks.reject(HandshakeError::Method);
                }
                // A client of HTTP/1.0 expects the connection to be closed (RFC 9112 section 9.3).
                #[cfg(feature = "http")]
                if self.is_old {
                    self.close = true;
                }
                Ok(())
            }
            What::Field => self.on_field(config, Field(line)),
            What::LongField => match KnownField::of(line) {
                // Offers that do not fit into `rx` are declined; the program decides about the origin.
                None | Some(KnownField::Extensions | KnownField::Accept | KnownField::Origin) => Ok(()),
                Some(KnownField::Protocol) if config.subprotocols.is_empty() => Ok(()),
                Some(needed) => Err(HandshakeError::FieldTooLong(needed)),
            },
            // "A server MUST respond with a 400 status code to any HTTP/1.1 request message that
            // lacks a Host header field and to any request message that contains more than one Host header
            // field line or a Host header field with an invalid field value" (RFC 9112 section 3.2)
            _ if !self.is_old && !self.checks.has(KnownField::Host) => {
                Err(HandshakeError::Missing(KnownField::Host))
            }
            _ => Ok(()),
        }
    }

    fn on_field(&mut self, config: &Config<'_>, field: Field<'_>) -> Result<(), HandshakeError> {
        let (name, value) = field.split();
        let Some(known) = KnownField::of(name) else { return Ok(()) };
        match known {
            KnownField::Upgrade | KnownField::Connection => {
                #[cfg(feature = "http")]
                if known == KnownField::Connection && lists(value, "close") {
                    self.close = true;
                }
                // "A server MUST ignore an Upgrade header field that is received in an HTTP/1.0 request" (RFC 9110
                // section 7.8)
                if known == KnownField::Upgrade && (self.is_old || self.head_only) {
                    return Ok(());
                }
                // A token among others: Firefox sends "keep-alive, Upgrade".
                if lists(value, if known == KnownField::Upgrade { "websocket" } else { "upgrade" }) {
                    let _ = self.checks.mark_seen(known);
                }
            }
            KnownField::Host | KnownField::Key | KnownField::Version => {
                if !self.checks.mark_seen(known) {
                    return Err(HandshakeError::Repeated(known));
                }
                if known == KnownField::Host && !is_host(value) {
                    return Err(HandshakeError::Invalid(known));
                }
                if known == KnownField::Version && !matches!(value, [b'1', b'3']) {
                    self.checks.reject(HandshakeError::WebSocketVersion);
                }
                if known == KnownField::Key {
                    if !is_16_bytes_in_base64(value) {
                        self.checks.reject(HandshakeError::Invalid(known));
                    }
                    self.digest = Some(form::digest(value.iter().copied()));
                }
            }
            KnownField::Protocol => {
                for offered in elements(value) {
                    if !is_token(offered) {
                        self.checks.reject(HandshakeError::Invalid(known));
                    }
                    if self.subprotocol.is_none() {
                        let place =
                            config.subprotocols.iter().position(|name| is_same(name.as_bytes(), offered));
                        self.subprotocol = place.and_then(|place| u8::try_from(place).ok());
                    }
                }
            }
            KnownField::ContentLength | KnownField::TransferEncoding => {
                return self.on_body(config, known, value);
            }
            #[cfg(feature = "deflate")]
            KnownField::Extensions => {
                if !self.deflate.on_offers(value) {
                    self.checks.reject(HandshakeError::Invalid(known));
                }
            }
            #[cfg(not(feature = "deflate"))]
            KnownField::Extensions => {}
            KnownField::Accept | KnownField::Origin => {}
        }
        Ok(())
    }

    /// Bytes after the head are frames here, and content to a proxy on the way.
    fn on_body(
        &mut self,
        config: &Config<'_>,
        known: KnownField,
        value: &[u8],
    ) -> Result<(), HandshakeError> {
        #[cfg(feature = "http")]
        if config.max_body_len > 0 {
            return self.on_length(config, known, value);
        }
        let _ = config;
        if known == KnownField::ContentLength && matches!(value, [b'0']) {
            return Ok(());
        }
        // A method that may have a body is the better reason.
        let method = self.checks.rejection().filter(|error| *error == HandshakeError::Method);
        Err(method.unwrap_or(HandshakeError::Body))
    }

    /// Content is taken by its length (RFC 9112 section 6.2), but not with an upgrade.
    #[cfg(feature = "http")]
    fn on_length(
        &mut self,
        config: &Config<'_>,
        known: KnownField,
        value: &[u8],
    ) -> Result<(), HandshakeError> {
        if known == KnownField::TransferEncoding {
            return Err(HandshakeError::LengthRequired);
        }
        if !self.checks.mark_seen(known) {
            return Err(HandshakeError::Repeated(known));
        }
        let digits = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
        if !digits {
            return Err(HandshakeError::Invalid(known));
        }
        // At most 18 digits: no wrap.
        let len =
            value.iter().fold(0u64, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit & 0x0f)));
        if len > config.max_body_len {
            return Err(HandshakeError::BodyTooLong);
        }
        if len > 0 {
            self.checks.reject(HandshakeError::Body);
        }
        self.body_left = len;
        Ok(())
    }
}

/// Queues the answer to a request at fault: the status of `error` and its reason as one line of
/// text, left out where `tx` has no room for it. Then write `tx` out and linger: see
/// [`http::respond`](crate::http::respond).
///
/// # Errors
/// [`BufferFull`](SendError::BufferFull) if not even the head fits; nothing was written.
pub fn reject(tx: &mut Buffer<'_>, error: HandshakeError) -> Result<(), SendError> {
    reject_with(tx, error, Response::EMPTY)
}

fn reject_with(tx: &mut Buffer<'_>, error: HandshakeError, response: Response<'_>) -> Result<(), SendError> {
    let status = error.status();
    // "426 [...] The server MUST send an Upgrade header field" (RFC 9110 section 15.5.22),
    // "a |Sec-WebSocket-Version| header field indicating the version(s)" (4.2.2);
    // "405 [...] MUST generate an Allow header field" (RFC 9110 section 15.5.6)
    let fields: &Fields<'_> = match status {
        405 => &[("Allow", "GET, HEAD")],
        426 => &[("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")],
        _ => &[],
    };
    let response = Response { status, fields, ..response };
    let (text, field) = error.reason();
    let field = field.map_or("", KnownField::name);
    match response.queue(tx, &[text, field, "\n"]) {
        Err(SendError::BufferFull) => response.queue(tx, &[]),
        done => done,
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
