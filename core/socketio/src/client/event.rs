//! [`Event`]: everything that a server can send to a client.

use crate::inbox::{Attachments, Inbox};
use crate::json;
use crate::packet::{Kind, Packet};

/// What the server said. It borrows the [`Inbox`] alone: everything else stays free to reply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'i> {
    /// The namespace is joined: events can be sent.
    Connected {
        /// The client's id in this namespace, which the server may show to others.
        sid: &'i [u8],
        /// All that the server says with that, a JSON object.
        data: &'i [u8],
    },
    /// The server refuses us; the end follows.
    Refused {
        /// Why, in JSON: most often `{"message":"..."}`.
        error: &'i [u8],
    },
    /// An event. After a [`Recovery`](crate::Recovery) those that were missed come before [`Connected`](Self::Connected).
    Event {
        /// Its name as it stands between the quotation marks, escapes as they are.
        name: &'i [u8],
        /// Its arguments: see [`json::values`].
        args: &'i [u8],
        /// What its placeholders stand for.
        attachments: Attachments<'i>,
        /// The server asks for an acknowledgement: reply with [`Outgoing::ack`](crate::Outgoing::ack) and this id.
        ack: Option<u32>,
    },
    /// The acknowledgement of an event of ours.
    Ack {
        /// The id that was reserved for it.
        id: u32,
        /// Its arguments: see [`json::values`].
        args: &'i [u8],
        /// What its placeholders stand for.
        attachments: Attachments<'i>,
    },
    /// An acknowledgement has not come in time. If it comes later, it is ignored.
    AckOverdue {
        /// The id that was reserved for it.
        id: u32,
    },
}

/// An [`Event`] that is not borrowed yet, for functions that loop and then return it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    /// A text message that is a packet.
    Packet,
    /// The packet whose last attachment has come.
    WithAttachments,
    AckOverdue(u32),
}

impl Found {
    /// Borrows it from the inbox, where it was found valid.
    pub(crate) fn bind<'i>(self, inbox: &'i Inbox<'_>) -> Event<'i> {
        let (text, attachments) = match self {
            Self::AckOverdue(id) => return Event::AckOverdue { id },
            Self::Packet => (inbox.text(), Attachments::NONE),
            Self::WithAttachments => inbox.whole(),
        };
        let mut packet = Packet::new(Kind::Event, b"/");
        _ = packet.read(text.get(1..).unwrap_or_default(), u8::MAX);
        match packet.kind {
            Kind::Connect => Event::Connected {
                sid: json::member(packet.data, b"sid").and_then(json::unquoted).unwrap_or_default(),
                data: packet.data,
            },
            Kind::ConnectError => Event::Refused { error: packet.data },
            Kind::Ack | Kind::BinaryAck => {
                Event::Ack { id: packet.id.unwrap_or_default(), args: packet.data, attachments }
            }
            _ => Event::Event { name: packet.name, args: packet.data, attachments, ack: packet.id },
        }
    }
}
