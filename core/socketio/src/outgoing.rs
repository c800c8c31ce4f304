//! [`Outgoing`]: an event or an acknowledgement to be sent.

use crate::error::SendError;
use crate::json;
use crate::packet::{Kind, Packet, is_reserved};

/// An event or an acknowledgement to be sent, with its attachments.
///
/// Arguments are JSON text with commas between them, without brackets around: `1,"two",{}`, or nothing. Where an
/// attachment belongs, `{"_placeholder":true,"num":0}` stands for the first, and so on.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outgoing<'a> {
    name: Option<&'a str>,
    id: Option<u32>,
    args: &'a str,
    attachments: &'a [&'a [u8]],
}

impl<'a> Outgoing<'a> {
    /// An event. The name stands between quotation marks as it is: what needs an escape must be one, as in a name that
    /// came with an event.
    pub const fn event(name: &'a str, args: &'a str) -> Self {
        Self { name: Some(name), id: None, args, attachments: &[] }
    }

    /// The acknowledgement of the event that came with this id.
    pub const fn ack(id: u32, args: &'a str) -> Self {
        Self { name: None, id: Some(id), args, attachments: &[] }
    }

    /// Asks for an acknowledgement of the event, under an id that was reserved for it.
    #[must_use]
    pub const fn expect(mut self, id: u32) -> Self {
        self.id = Some(id);
        self
    }

    /// Sends these with it, in order. Servers in Node.js take at most 10.
    #[must_use]
    pub const fn attachments(mut self, attachments: &'a [&'a [u8]]) -> Self {
        self.attachments = attachments;
        self
    }

    pub(crate) const fn attached(&self) -> &'a [&'a [u8]] {
        self.attachments
    }

    /// Whether it can be sent: a check that needs no session.
    ///
    /// # Errors
    /// [`InvalidName`](SendError::InvalidName), [`InvalidJson`](SendError::InvalidJson),
    /// [`TooManyAttachments`](SendError::TooManyAttachments).
    pub fn check(&self) -> Result<(), SendError> {
        if self.attachments.len() > usize::from(u8::MAX) {
            return Err(SendError::TooManyAttachments);
        }
        let is_invalid = |name: &[u8]| is_reserved(name) || !json::is_unquoted(name);
        if self.name.is_some_and(|name| is_invalid(name.as_bytes())) {
            return Err(SendError::InvalidName);
        }
        if json::are_values(self.args.as_bytes()) { Ok(()) } else { Err(SendError::InvalidJson) }
    }

    /// The packet of it.
    pub(crate) fn packet(&self, namespace: &'a [u8]) -> Packet<'a> {
        let attachments = self.attachments.len() as u8;
        let kind = match (self.name, attachments) {
            (Some(_), 0) => Kind::Event,
            (Some(_), _) => Kind::BinaryEvent,
            (None, 0) => Kind::Ack,
            (None, _) => Kind::BinaryAck,
        };
        let name = self.name.unwrap_or_default().as_bytes();
        Packet { attachments, id: self.id, name, data: self.args.as_bytes(), ..Packet::new(kind, namespace) }
    }
}
