//! [`Step`] and [`End`]: what is to be done next, and why there is nothing left to do.

use core::fmt;

use crate::error::SendError;
use crate::handshake::error::HandshakeError;
use crate::wire::code::CloseCode;
use crate::wire::error::ProtocolError;

/// What is to be done next. `X` is why it ended: a protocol over WebSocket has ends of its own.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "each must be done: a new one must not be overlooked")]
#[must_use]
#[repr(u8)]
pub enum Step<E, X = End> {
    /// The peer said something.
    Event(E),
    /// Write `tx` out; then read into `rx` and commit.
    Read,
    /// Write `tx` out, or some of it. Nothing was taken from `rx`.
    Write,
    /// End our direction of the stream and no more: a half-close. The peer's bytes are still read. It is
    /// said once.
    Shutdown,
    /// Drop the stream. From now on always the same.
    End(X),
}

impl<E, X> Step<E, X> {
    /// Applies `f` to the event, if it is one.
    #[inline]
    pub fn map<T>(self, f: impl FnOnce(E) -> T) -> Step<T, X> {
        match self {
            Self::Event(event) => Step::Event(f(event)),
            Self::Read => Step::Read,
            Self::Write => Step::Write,
            Self::Shutdown => Step::Shutdown,
            Self::End(end) => Step::End(end),
        }
    }
}

/// Why an endpoint's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum End {
    /// Both close frames were exchanged; this is the code in the peer's.
    Closed(CloseCode),
    /// Server: the request was answered otherwise than with 101.
    Responded,
    /// The peer ended the stream without a close frame, 1006 in a browser (section 7.1.5).
    Eof,
    /// The opening handshake failed. A server's response has left.
    Rejected(HandshakeError),
    /// The peer broke the protocol. The close frame that says so has left.
    Failed(ProtocolError),
    /// The peer took too long.
    Overdue(Overdue),
    /// Our part of the opening handshake can't be sent: it does not fit into `tx`, or has characters that
    /// can't stand in a header.
    Unsendable(SendError),
}

impl End {
    /// What the operator of a client can do about it, in a line; its [`Display`](fmt::Display) says what came.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Closed(CloseCode::NORMAL | CloseCode::NO_STATUS) | Self::Responded => "nothing: it is done",
            Self::Closed(CloseCode::POLICY_VIOLATION) => "the server does not allow what was sent",
            Self::Closed(CloseCode::MESSAGE_TOO_BIG) => "send shorter messages",
            Self::Closed(_) => "connect again, after a while",
            Self::Eof => {
                "the server or the network gave up: connect again, after a while; check host, port and TLS"
            }
            Self::Rejected(error) => error.advice(),
            Self::Failed(_) => "the server is at fault: report it to who runs it",
            Self::Overdue(Overdue::Handshake) => {
                "no answer: connect again, after a while; check host and port, and whether TLS is wanted there"
            }
            Self::Overdue(_) => "the network or the server is slow or gone: connect again, after a while",
            Self::Unsendable(SendError::BufferFull) => {
                "make tx larger: a line of the request must fit into it"
            }
            Self::Unsendable(_) => "check host, target and fields of the configuration",
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(code) => write!(f, "closed: {code}"),
            Self::Responded => f.write_str("the request was answered without an upgrade"),
            Self::Eof => f.write_str("the stream ended without a close frame"),
            Self::Rejected(error) => write!(f, "the opening handshake failed: {error}"),
            Self::Failed(error) => write!(f, "the peer broke the protocol: {error}"),
            Self::Overdue(overdue) => write!(f, "{overdue}"),
            Self::Unsendable(error) => write!(f, "the opening handshake can't be sent: {error}"),
        }
    }
}

impl core::error::Error for End {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Rejected(error) => Some(error),
            Self::Failed(error) => Some(error),
            Self::Unsendable(error) => Some(error),
            Self::Closed(_) | Self::Responded | Self::Eof | Self::Overdue(_) => None,
        }
    }
}

/// The deadline that the peer missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Overdue {
    /// For the opening handshake.
    Handshake,
    /// For any byte after a ping.
    Pong,
    /// For the peer's close frame, or for its end of the stream after ours.
    Close,
    /// For the peer to take the bytes in `tx`.
    Write,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handshake => "the handshake took too long",
            Self::Pong => "no sign of life after a ping",
            Self::Close => "no answer to the close frame",
            Self::Write => "the replies were not read",
        })
    }
}
