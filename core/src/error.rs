//! What can go wrong, by whose fault it is: [`ProtocolError`] is the peer's, [`SendError`] the
//! caller's, [`HandshakeError`] the peer's before the connection is open.

use core::fmt;

use crate::CloseCode;

/// The peer broke RFC 6455, or a limit that the caller set. Final: the connection has failed.
///
/// Whoever sees one from [`receive`](crate::Connection::receive) has only the transport left to
/// drop; the close frame that tells the peer is written already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ProtocolError {
    /// A reserved bit is set although no extension was negotiated (section 5.2). 1002.
    ReservedBits,
    /// An opcode that means nothing (section 5.2). 1002.
    ReservedOpcode(u8),
    /// A close, ping or pong without FIN (section 5.5). 1002.
    FragmentedControl,
    /// A close, ping or pong of more than 125 bytes (section 5.5). 1002.
    ControlTooLong,
    /// A length in more bytes than it needs (section 5.2). 1002.
    LengthNotMinimal,
    /// A length of 2^63 bytes or more (section 5.2). 1002.
    LengthTooLarge,
    /// An unmasked frame from a client (section 5.1). 1002.
    MaskMissing,
    /// A masked frame from a server (section 5.1). 1002.
    MaskForbidden,
    /// A continuation of no message (section 5.4). 1002.
    UnexpectedContinuation,
    /// A new message amid the fragments of another (section 5.4). 1002.
    ExpectedContinuation,
    /// Text, or the reason of a close frame, that is no UTF-8 (sections 5.6, 8.1). 1007.
    InvalidUtf8,
    /// A close frame of one byte, half a code (section 5.5.1). 1002.
    CloseTooShort,
    /// A close code that must not be sent (section 7.4). 1002.
    InvalidCloseCode(u16),
    /// A message longer than [`max_message_len`](crate::Connection::max_message_len). 1009.
    MessageTooBig,
    /// A message in more fragments than [`max_fragments`](crate::Connection::max_fragments). 1008.
    TooManyFragments,
}

impl ProtocolError {
    /// The code the connection is failed with (section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::InvalidUtf8 => CloseCode::INVALID_DATA,
            Self::MessageTooBig => CloseCode::MESSAGE_TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY_VIOLATION,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "a reserved bit is set, but no extension was negotiated",
            Self::ReservedOpcode(opcode) => return write!(f, "the reserved opcode 0x{opcode:x}"),
            Self::FragmentedControl => "a fragmented control frame",
            Self::ControlTooLong => "a control frame of more than 125 bytes",
            Self::LengthNotMinimal => "a payload length in more bytes than it needs",
            Self::LengthTooLarge => "a payload length of 2^63 bytes or more",
            Self::MaskMissing => "an unmasked frame from a client",
            Self::MaskForbidden => "a masked frame from a server",
            Self::UnexpectedContinuation => "a continuation frame, but no message is under way",
            Self::ExpectedContinuation => "a new message before the one under way was finished",
            Self::InvalidUtf8 => "text that is not valid UTF-8",
            Self::CloseTooShort => "a close frame with half a close code",
            Self::InvalidCloseCode(code) => {
                return write!(f, "the close code {code}, which must not be sent");
            }
            Self::MessageTooBig => "a message longer than the limit",
            Self::TooManyFragments => "a message in more fragments than the limit",
        })
    }
}

impl core::error::Error for ProtocolError {}

/// The caller asked for what can't be sent now. Nothing was written and nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// `tx` has no room: write it out and try again, or send in fragments.
    BufferFull,
    /// A close frame was queued already: nothing may follow it (section 5.5.1).
    Closed,
    /// Another message is unfinished: end it with `fin` first (section 5.4).
    MessageInProgress,
    /// More than 125 bytes for a ping or 123 for the reason of a close.
    ControlTooLong,
    /// A close code that must not stand in a frame, or a reason without a code (section 7.4).
    InvalidCloseCode,
    /// A name or value that can't stand in an HTTP header: a line break, a control character or,
    /// in a name or a token, a separator.
    InvalidField,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferFull => "the transmit buffer has no room for it",
            Self::Closed => "a close frame was sent already",
            Self::MessageInProgress => "another message is unfinished",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::InvalidCloseCode => "a close code that must not be sent",
            Self::InvalidField => "a header field with characters that can't stand there",
        })
    }
}

impl core::error::Error for SendError {}

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
    const ALL: [Self; 11] = [
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

    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| name.eq_ignore_ascii_case(known.name().as_bytes()))
    }
}

impl fmt::Display for KnownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The peer's part of the opening handshake can't be accepted.
///
/// A server answers with [`status`](Self::status), which
/// [`refuse`](crate::handshake::server::refuse) does; a client drops the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HandshakeError {
    /// The head is not all there yet: go on receiving. No fault of anybody.
    Incomplete,
    /// The first line is no HTTP request or status line. 400.
    BadStartLine,
    /// The first line does not fit into `rx`. 414.
    StartLineTooLong,
    /// An HTTP version other than 1.1. 505.
    HttpVersion,
    /// A line that does not end in CR LF, or a CR or LF inside one. 400.
    BadLineEnd,
    /// A field continued on a second line, which RFC 9112 section 5.2 retired. 400.
    Folded,
    /// A line that is no `name: value`, or with a control character in it. 400.
    BadField,
    /// The head is longer than the limit. 431.
    HeadTooLong,
    /// More header fields than the limit. 431.
    TooManyFields,
    /// A field that matters does not fit into `rx`. 431.
    FieldTooLong(Option<KnownField>),
    /// A field that must come once came again. 400.
    Repeated(KnownField),
    /// A field that must be there is not. 400.
    Missing(KnownField),
    /// A field whose value is not what it must be. 400.
    Invalid(KnownField),
    /// The request brings a body, which would be taken for frames. 400.
    Body,
    /// A method other than GET (section 4.2.1). 405.
    Method,
    /// A plain GET request that asks for no upgrade to WebSocket. 426.
    NoUpgrade,
    /// A WebSocket version other than 13 (section 4.4). 426.
    WebSocketVersion,
    /// Client: the server answered with this status instead of 101 (section 4.1).
    Status(u16),
    /// Client: `Sec-WebSocket-Accept` belongs to another key (section 4.1).
    WrongAccept,
    /// Client: the server chose a subprotocol that was not offered (section 4.1).
    UnofferedSubprotocol,
    /// Client: the server uses an extension, none was offered (section 4.1).
    UnofferedExtension,
}

impl HandshakeError {
    /// The HTTP status for the answer to the request at fault; to a client, for what only a
    /// client can see: the status that the server gave, or 502.
    pub const fn status(self) -> u16 {
        match self {
            Self::StartLineTooLong => 414,
            Self::HttpVersion => 505,
            Self::HeadTooLong | Self::TooManyFields | Self::FieldTooLong(_) => 431,
            Self::Method => 405,
            Self::NoUpgrade | Self::WebSocketVersion => 426,
            Self::Status(status) => status,
            Self::WrongAccept | Self::UnofferedSubprotocol | Self::UnofferedExtension => 502,
            _ => 400,
        }
    }

    /// What a server may find wrong, in a line; the field's name, where there is one, goes behind
    /// it. Of what a client may find wrong a device that only serves carries no text.
    pub(crate) const fn reason(self) -> (&'static str, Option<KnownField>) {
        match self {
            Self::Incomplete => ("the head is not complete", None),
            Self::BadStartLine => ("the first line is not HTTP", None),
            Self::StartLineTooLong => ("the first line is too long", None),
            Self::HttpVersion => ("the HTTP version must be 1.1", None),
            Self::BadLineEnd => ("a line of the head does not end in CR LF", None),
            Self::Folded => ("a header field is folded", None),
            Self::BadField => ("a header line is not 'name: value'", None),
            Self::HeadTooLong => ("the head is too long", None),
            Self::TooManyFields => ("too many header fields", None),
            Self::FieldTooLong(field) => ("a header field is too long: ", field),
            Self::Repeated(field) => ("a header field is repeated: ", Some(field)),
            Self::Missing(field) => ("a header field is missing: ", Some(field)),
            Self::Invalid(field) => ("a header field is invalid: ", Some(field)),
            Self::Body => ("a request with a body", None),
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
