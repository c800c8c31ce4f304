//! [`SendError`]: requests of the caller that fail.

use core::fmt;

/// The caller asked for what can't be sent now. Nothing was queued and nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// The namespace is not joined: it is not yet, or not any more.
    NotConnected,
    /// An event's name is reserved, or has a quotation mark, a backslash or a control character.
    InvalidName,
    /// The arguments are not JSON values with commas between them, or the auth payload is no JSON object.
    InvalidJson,
    /// More attachments than a packet may have, 255.
    TooManyAttachments,
    /// The packet, or an attachment, is larger than what the peer takes.
    TooLong,
    /// Server: the queue has no room for it.
    QueueFull,
    /// Of the WebSocket session.
    WebSocket(microws::SendError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotConnected => "the namespace is not joined",
            Self::InvalidName => "no name for an event",
            Self::InvalidJson => "the arguments are not JSON",
            Self::TooManyAttachments => "more than 255 attachments",
            Self::TooLong => "larger than what the peer takes",
            Self::QueueFull => "the queue has no room for it",
            Self::WebSocket(error) => return write!(f, "{error}"),
        })
    }
}

impl core::error::Error for SendError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::WebSocket(error) => Some(error),
            _ => None,
        }
    }
}

impl From<microws::SendError> for SendError {
    fn from(error: microws::SendError) -> Self {
        Self::WebSocket(error)
    }
}
