//! [`Sending`]: a packet and its attachments on their way into `tx`.

use microws::{Buffer, Endpoint, MessageKind, SendError, Sent, Session};

use crate::engine::Type;
use crate::packet::Packet;
use crate::write::Writer;

/// How far the packet that is being sent has come; nothing is kept of the packet itself.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Sending {
    /// Of the packet's text.
    len: u32,
    /// Bytes of it that are queued.
    queued: u32,
    /// Attachments that are queued.
    attached: u8,
}

/// The longest header of a frame (RFC 6455 section 5.2).
const HEADER: usize = 14;

impl Sending {
    pub(crate) const NONE: Self = Self { len: 0, queued: 0, attached: 0 };

    /// Whether a packet is queued in part.
    pub(crate) const fn is_none(&self) -> bool {
        self.len == 0
    }

    /// Queues as much as there is room for: the packet in one message, whole if it fits into `tx`, then each attachment
    /// in one of its own. After [`Sent::Write`] call again with the same packet.
    pub(crate) fn send<R: Endpoint>(
        &mut self,
        session: &mut Session<'_, R>,
        tx: &mut Buffer<'_>,
        packet: &Packet<'_>,
        attachments: &[&[u8]],
    ) -> Result<Sent, SendError> {
        let len = packet_len(packet);
        if !self.is_none() && self.len != len {
            return Err(SendError::MessageInProgress);
        }
        if self.queued < len {
            let room = tx.free().saturating_sub(HEADER);
            let fin = len.wrapping_sub(self.queued) as usize <= room;
            if !fin && !tx.is_empty() {
                return Ok(Sent::Write);
            }
            let skip = self.queued as usize;
            let n = session.send_with(tx, MessageKind::Text, fin, |space| {
                let mut w = Writer::new(space.get_mut(..room).unwrap_or_default(), skip);
                write_packet(packet, &mut w);
                w.copied()
            })?;
            self.len = len;
            self.queued = self.queued.saturating_add(n as u32);
            if !fin {
                return Ok(Sent::Write);
            }
        }
        while let Some(attachment) = attachments.get(usize::from(self.attached)) {
            if session.send_binary(tx, attachment)? == Sent::Write {
                return Ok(Sent::Write);
            }
            self.attached = self.attached.wrapping_add(1);
        }
        *self = Self::NONE;
        Ok(Sent::Done)
    }
}

/// The length of its text.
pub(crate) fn packet_len(packet: &Packet<'_>) -> u32 {
    let mut w = Writer::new(&mut [], 0);
    write_packet(packet, &mut w);
    u32::try_from(w.total()).unwrap_or(u32::MAX)
}

/// As the message of Engine.IO that it is.
pub(crate) fn write_packet(packet: &Packet<'_>, w: &mut Writer<'_>) {
    w.put(&[Type::Message as u8]);
    packet.write(w);
}
