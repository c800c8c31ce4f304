//! [`Fault`]: what a peer does wrong.

use core::fmt;

use microws::CloseCode;

/// The rule of Engine.IO or Socket.IO that the peer broke. The session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum Fault {
    /// Engine.IO: a packet of no known type, or an empty one.
    PacketType,
    /// Engine.IO: a packet that can't come at this point, or in this direction: a client's ping, a second open packet.
    Unexpected,
    /// Engine.IO: an open packet without `sid`, `pingInterval` or `pingTimeout`.
    OpenPacket,
    /// Engine.IO polling: binary data that is not base64, or text that is not UTF-8.
    Encoding,
    /// Socket.IO: a packet of no known type.
    Kind,
    /// Socket.IO: a binary packet without a valid number of attachments, or with more than are allowed.
    Attachments,
    /// Socket.IO: an acknowledgement id that does not fit into 32 bits.
    Id,
    /// Socket.IO: data that is no JSON, or not of the form that the packet's type demands.
    Data,
    /// Socket.IO: an event with a name that the protocol keeps for itself, such as `connect`.
    ReservedName,
    /// Socket.IO: a text packet while the attachments of another are awaited.
    AttachmentMissing,
    /// Socket.IO: a binary message that no packet announced.
    AttachmentUnannounced,
    /// Socket.IO: a packet for a namespace that was not joined, or joined already.
    Namespace,
    /// Engine.IO polling: a second GET while one is held, or a second POST beside another.
    Overlap,
    /// A message, or a packet with its attachments, is larger than the memory for it.
    TooLong,
}

impl Fault {
    /// The close code for the peer.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::TooLong => CloseCode::MESSAGE_TOO_BIG,
            _ => CloseCode::POLICY_VIOLATION,
        }
    }

    /// The fault in words, for the log.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::PacketType => "unknown Engine.IO packet type",
            Self::Unexpected => "an Engine.IO packet out of place",
            Self::OpenPacket => "an open packet without its fields",
            Self::Encoding => "a payload that can't be decoded",
            Self::Kind => "unknown Socket.IO packet type",
            Self::Attachments => "an illegal number of attachments",
            Self::Id => "an acknowledgement id out of range",
            Self::Data => "invalid data in a Socket.IO packet",
            Self::ReservedName => "a reserved event name",
            Self::AttachmentMissing => "a text packet instead of an attachment",
            Self::AttachmentUnannounced => "an attachment that no packet announced",
            Self::Namespace => "a packet for a namespace that is not joined",
            Self::Overlap => "two requests of a kind at a time",
            Self::TooLong => "a message larger than the memory for it",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}

impl core::error::Error for Fault {}
