//! Why a client is dropped, in the words of the log.

use std::{fmt, io};

use microws::{CloseCode, SendError};

/// Why a client is dropped.
#[derive(Debug)]
pub(crate) enum Ending {
    Closed {
        code: CloseCode,
        reason: String,
    },
    /// The client ended the connection without a close frame.
    Eof,
    Io(io::Error),
    HandshakeOverdue,
    PongOverdue,
    CloseOverdue,
    /// The replies were left unread.
    Unread,
    /// The server stops.
    Stopped,
    /// After the last word; logged before.
    Left,
    Bug(SendError),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code, reason } if reason.is_empty() => write!(f, "{code}"),
            Self::Closed { code, reason } => write!(f, "{code} {reason:?}"),
            Self::Eof => write!(f, "{}", CloseCode::ABNORMAL),
            Self::Io(error) => write!(f, "{}, {error}", CloseCode::ABNORMAL),
            Self::HandshakeOverdue => f.write_str("the handshake took too long"),
            Self::PongOverdue => f.write_str("no sign of life after a ping"),
            Self::CloseOverdue => f.write_str("no answer to the close frame"),
            Self::Unread => f.write_str("the replies were not read"),
            Self::Stopped => f.write_str("the server stops"),
            Self::Left => f.write_str("left"),
            Self::Bug(error) => write!(f, "internal error: {error}"),
        }
    }
}

impl From<io::Error> for Ending {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<SendError> for Ending {
    fn from(error: SendError) -> Self {
        Self::Bug(error)
    }
}
