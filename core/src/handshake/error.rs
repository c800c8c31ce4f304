//! [`HandshakeError`]: why a request or an answer can't open a WebSocket.

use core::fmt;

use crate::http::error::HeadError;
use crate::http::field::is_alike;

/// A header field that the opening handshake looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum KnownField {
    /// `Host`
    Host,
    /// `Upgrade`
    Upgrade,
    /// `Connection`
    Connection,
    /// `Sec-WebSocket-Key`
    Key,
    /// `Sec-WebSocket-Version`
    Version,
    /// `Sec-WebSocket-Protocol`
    Protocol,
    /// `Sec-WebSocket-Extensions`
    Extensions,
    /// `Sec-WebSocket-Accept`
    Accept,
    /// `Origin`
    Origin,
    /// `Content-Length`
    ContentLength,
    /// `Transfer-Encoding`
    TransferEncoding,
}

impl KnownField {
    pub(super) const ALL: [Self; 11] = [
        Self::Host,
        Self::Upgrade,
        Self::Connection,
        Self::Key,
        Self::Version,
        Self::Protocol,
        Self::Extensions,
        Self::Accept,
        Self::Origin,
        Self::ContentLength,
        Self::TransferEncoding,
    ];

    /// The field's name as the RFCs write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Upgrade => "Upgrade",
            Self::Connection => "Connection",
            Self::Key => "Sec-WebSocket-Key",
            Self::Version => "Sec-WebSocket-Version",
            Self::Protocol => "Sec-WebSocket-Protocol",
            Self::Extensions => "Sec-WebSocket-Extensions",
            Self::Accept => "Sec-WebSocket-Accept",
            Self::Origin => "Origin",
            Self::ContentLength => "Content-Length",
            Self::TransferEncoding => "Transfer-Encoding",
        }
    }

    /// The field beside its name.
    pub(super) const fn named(self) -> (Self, &'static str) {
        (self, self.name())
    }

    /// The field with this name; case does not matter (RFC 9110 section 5.1).
    pub(crate) const fn of(name: &[u8]) -> Option<Self> {
        let mut all: &[Self] = &Self::ALL;
        while let [known, rest @ ..] = all {
            if is_alike(name, known.name().as_bytes()) {
                return Some(*known);
            }
            all = rest;
        }
        None
    }
}

/// Fields to look for, by their names. Fields that are in no list take no flash.
pub(super) struct Sought(pub(super) &'static [(KnownField, &'static str)]);

impl Sought {
    /// The one with this name; case does not matter.
    pub(super) fn find(&self, name: &[u8]) -> Option<KnownField> {
        let found = self.0.iter().find(|(_, known)| is_alike(name, known.as_bytes()));
        found.map(|(field, _)| *field)
    }
}

impl fmt::Display for KnownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The peer's part of the opening handshake can't be accepted.
///
/// A server responds with [`status`](Self::status): the session does, or [`reject`](crate::handshake::reject). A
/// client drops the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head can't be read. Its own status.
    Head(HeadError),
    /// The head is incomplete: go on receiving. It is not a fault of the peer.
    Incomplete,
    /// A field that matters does not fit into `rx`. 431.
    FieldTooLong(KnownField),
    /// A field that must come once came again. 400.
    Repeated(KnownField),
    /// A field that must be there is not. 400.
    Missing(KnownField),
    /// A field whose value is not what it must be. 400.
    Invalid(KnownField),
    /// The request brings content, which would be taken for frames. 400.
    Body,
    /// The request's content is longer than [`max_body_len`](crate::Config::max_body_len). 413.
    #[cfg(feature = "http")]
    BodyTooLong,
    /// The request's content has no `Content-Length`. 411.
    #[cfg(feature = "http")]
    LengthRequired,
    /// A method other than GET (section 4.2.1) and HEAD. 405.
    Method,
    /// A plain GET or HEAD request that asks for no upgrade to WebSocket, or can't because it is of HTTP/1.0. 426.
    NoUpgrade,
    /// A WebSocket version other than 13 (section 4.4). 426.
    WebSocketVersion,
    /// Client: the server answered with this status instead of 101 (section 4.1).
    Status(u16),
    /// Client: `Sec-WebSocket-Accept` belongs to another key (section 4.1).
    WrongAccept,
    /// Client: the server chose a subprotocol that was not offered (section 4.1).
    UnofferedSubprotocol,
    /// Client: the server uses an extension that was not offered (section 4.1).
    UnofferedExtension,
}

impl From<HeadError> for HandshakeError {
    fn from(error: HeadError) -> Self {
        Self::Head(error)
    }
}

impl HandshakeError {
    /// The HTTP status for the answer to the request at fault. For a fault that only a client can see: the
    /// status that the server gave, or 502.
    pub const fn status(self) -> u16 {
        match self {
            Self::Head(error) => error.status(),
            Self::FieldTooLong(_) => 431,
            Self::Method => 405,
            #[cfg(feature = "http")]
            Self::BodyTooLong => 413,
            #[cfg(feature = "http")]
            Self::LengthRequired => 411,
            Self::NoUpgrade | Self::WebSocketVersion => 426,
            Self::Status(status) => status,
            Self::WrongAccept | Self::UnofferedSubprotocol | Self::UnofferedExtension => 502,
            Self::Incomplete | Self::Repeated(_) | Self::Missing(_) | Self::Invalid(_) | Self::Body => 400,
        }
    }

    /// What the operator of a client can do about it, in a line; its [`Display`](fmt::Display) says what came.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Status(200..=299) => "no WebSocket is served there: check host, port and path",
            Self::Status(300..=308) => "connect to the address in the answer's Location field",
            Self::Status(401) => "send valid credentials, in an Authorization field",
            Self::Status(403) => "the server does not let this client in: trying again changes nothing",
            Self::Status(404 | 405 | 410) => "nothing is served there: check host, port and path",
            Self::Status(407) => "a proxy on the way wants credentials",
            Self::Status(408 | 429 | 503) => {
                "wait as long as the answer's Retry-After field says, then try again"
            }
            Self::Status(426) => {
                "the upgrade was lost on the way, or the server wants another version: check proxies on the way"
            }
            Self::Status(500..) => "the server or a proxy before it failed: try again later",
            Self::Status(_) => "the server does not take the request: check target, fields and subprotocols",
            Self::UnofferedSubprotocol | Self::UnofferedExtension => {
                "the server does not keep to the request: offer what it speaks, or report it to who runs it"
            }
            Self::FieldTooLong(_) | Self::Head(HeadError::StartLineTooLong | HeadError::FieldTooLong) => {
                "make rx larger, or check host and port: this may be no HTTP server"
            }
            _ => "this is no WebSocket server, or a proxy spoils its answer: check host, port and TLS",
        }
    }

    /// The fault of a request in a line; the field's name, if there is one, goes after it. A device that
    /// only serves carries no text about faults of servers.
    pub(crate) const fn reason(self) -> (&'static str, Option<KnownField>) {
        match self {
            Self::Head(error) => (error.reason(), None),
            Self::Incomplete => ("the head is not complete", None),
            Self::FieldTooLong(field) => ("a header field is too long: ", Some(field)),
            Self::Repeated(field) => ("a header field is repeated: ", Some(field)),
            Self::Missing(field) => ("a header field is missing: ", Some(field)),
            Self::Invalid(field) => ("a header field is invalid: ", Some(field)),
            Self::Body => ("a request with a body", None),
            #[cfg(feature = "http")]
            Self::BodyTooLong => ("the content is too long", None),
            #[cfg(feature = "http")]
            Self::LengthRequired => ("content needs a Content-Length", None),
            Self::Method => ("the method must be GET", None),
            Self::NoUpgrade => ("this is a WebSocket endpoint", None),
            Self::WebSocketVersion => ("the WebSocket version must be 13", None),
            Self::Status(_) | Self::WrongAccept | Self::UnofferedSubprotocol | Self::UnofferedExtension => {
                ("the server's answer is wrong", None)
            }
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, field) = match self {
            Self::Status(status) => {
                return write!(f, "the server answered with status {status} instead of 101");
            }
            Self::WrongAccept => ("Sec-WebSocket-Accept does not belong to the key", None),
            Self::UnofferedSubprotocol => ("the server chose a subprotocol that was not offered", None),
            Self::UnofferedExtension => ("the server uses an extension that was not offered", None),
            _ => self.reason(),
        };
        f.write_str(text)?;
        field.map_or(Ok(()), |field| f.write_str(field.name()))
    }
}

impl core::error::Error for HandshakeError {}
