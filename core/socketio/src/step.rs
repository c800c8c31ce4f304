//! [`Step`] and [`End`]: what is to be done next, and why there is nothing left to do.

use core::fmt;

use crate::error::SendError;
use crate::fault::Fault;

/// What is to be done next.
pub type Step<E> = microws::Step<E, End>;

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum End {
    /// We left the namespace.
    Left,
    /// The peer left the namespace, or made us leave it. A client that wants to come back begins anew at once only if
    /// that makes sense: the other side meant it.
    Disconnected,
    /// Client: the server refused us. Why, the event before said.
    Refused,
    /// The peer closed the transport by an Engine.IO packet.
    Closed,
    /// The peer broke the protocol. It got a close frame.
    Failed(Fault),
    /// The peer took too long.
    Overdue(Overdue),
    /// Server: the client does not take what is sent. A packet that the protocol demands had no room in the queue, or the
    /// program ended it because one of its own had none.
    QueueFull,
    /// Client: the request to join can't be sent: its namespace or its auth payload is not what it must be.
    Unsendable(SendError),
    /// The WebSocket ended without a word of Socket.IO.
    WebSocket(microws::End),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("we left the namespace"),
            Self::Disconnected => f.write_str("the peer ended the namespace"),
            Self::Refused => f.write_str("the server refused the namespace"),
            Self::Closed => f.write_str("the peer closed the transport"),
            Self::Failed(fault) => write!(f, "the peer broke the protocol: {fault}"),
            Self::Overdue(overdue) => write!(f, "{overdue}"),
            Self::QueueFull => f.write_str("the client does not take what is sent"),
            Self::Unsendable(error) => write!(f, "the request to join can't be sent: {error}"),
            Self::WebSocket(end) => write!(f, "{end}"),
        }
    }
}

impl core::error::Error for End {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Failed(fault) => Some(fault),
            Self::Unsendable(error) => Some(error),
            Self::WebSocket(end) => Some(end),
            _ => None,
        }
    }
}

/// The deadline that the peer missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Overdue {
    /// To join a namespace, or to confirm that.
    Connect,
    /// For the heartbeat: the server's ping, or the client's pong.
    Heartbeat,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no namespace was joined in time",
            Self::Heartbeat => "the heartbeat was missed",
        })
    }
}
