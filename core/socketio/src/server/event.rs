//! [`ServerEvent`]: everything that a client can send to a server.

use crate::inbox::Attachments;
use crate::packet::{Kind, Packet};

/// What the client said. It borrows the bytes that came and the [`Inbox`](crate::Inbox): the session stays free to reply
/// to it. A namespace is given by its place in [`ServerConfig::namespaces`](super::ServerConfig::namespaces).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ServerEvent<'e> {
    /// The client asks to join a namespace: [`accept`](super::ServerSession::accept) it or
    /// [`refuse`](super::ServerSession::refuse).
    Connect {
        /// Which.
        namespace: usize,
        /// The auth payload, a JSON object; empty if there is none.
        auth: &'e [u8],
    },
    /// An event.
    Event {
        /// In which namespace.
        namespace: usize,
        /// Its name as it stands between the quotation marks, escapes as they are.
        name: &'e [u8],
        /// Its arguments: see [`json::values`](crate::json::values).
        args: &'e [u8],
        /// What its placeholders stand for.
        attachments: Attachments<'e>,
        /// The client asks for an acknowledgement: reply with [`Outgoing::ack`](crate::Outgoing::ack) and this id.
        ack: Option<u32>,
    },
    /// The acknowledgement of an event of ours.
    Ack {
        /// In which namespace.
        namespace: usize,
        /// The id that was reserved for it.
        id: u32,
        /// Its arguments: see [`json::values`](crate::json::values).
        args: &'e [u8],
        /// What its placeholders stand for.
        attachments: Attachments<'e>,
    },
    /// The client left a namespace.
    Disconnected {
        /// Which.
        namespace: usize,
    },
}

impl<'e> ServerEvent<'e> {
    /// Of a packet that was taken.
    pub(super) const fn of(packet: &Packet<'e>, namespace: usize, attachments: Attachments<'e>) -> Self {
        match packet.kind {
            Kind::Connect => Self::Connect { namespace, auth: packet.data },
            Kind::Ack | Kind::BinaryAck => {
                let id = match packet.id {
                    Some(id) => id,
                    None => 0,
                };
                Self::Ack { namespace, id, args: packet.data, attachments }
            }
            Kind::Event | Kind::BinaryEvent => {
                Self::Event { namespace, name: packet.name, args: packet.data, attachments, ack: packet.id }
            }
            Kind::Disconnect | Kind::ConnectError => Self::Disconnected { namespace },
        }
    }
}
