//! What a client makes of the server's messages.

use microws::{Chunk, Event, MessageKind};

use crate::client::{Client, Found, Phase};
use crate::engine::{self, Type};
use crate::error::SendError;
use crate::fault::Fault;
use crate::inbox::Inbox;
use crate::json;
use crate::packet::{Kind, Packet};
use crate::step::End;

/// A time that the clock of [`Deadline`](crate::deadline::Deadline) can tell.
const LONGEST: u32 = u32::MAX / 2;

impl Client<'_> {
    /// Takes an event of the WebSocket.
    pub(crate) fn take(&mut self, event: Event<'_>, inbox: &mut Inbox<'_>) -> Option<Found> {
        let Event::Chunk(chunk) = event else { return None };
        if self.end.is_some() {
            return None;
        }
        match self.chunk(&chunk, inbox) {
            Ok(found) => found,
            Err(fault) => {
                self.finish(End::Failed(fault));
                None
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, inbox: &mut Inbox<'_>) -> Result<Option<Found>, Fault> {
        match inbox.push(chunk)? {
            None => Ok(None),
            Some(MessageKind::Text) => self.text(inbox),
            Some(MessageKind::Binary) => {
                if !inbox.is_waiting() {
                    return Err(Fault::AttachmentUnannounced);
                }
                if !inbox.attach() {
                    return Ok(None);
                }
                let mut packet = Packet::new(Kind::Event, b"/");
                packet.read(inbox.whole().0.get(1..).unwrap_or_default(), u8::MAX)?;
                let relevant = self.packet(&packet)?;
                Ok(relevant.then_some(Found::WithAttachments))
            }
        }
    }

    fn text(&mut self, inbox: &mut Inbox<'_>) -> Result<Option<Found>, Fault> {
        let (kind, data) = engine::split(inbox.text())?;
        match (kind, self.phase) {
            (Type::Close, _) => self.finish(End::Closed),
            (Type::Open, Phase::Opening) => self.open(data)?,
            (Type::Open, _) | (_, Phase::Opening) => return Err(Fault::Unexpected),
            (Type::Ping, phase) => {
                self.owed.pong = true;
                // The time to join is not longer for it.
                if phase == Phase::Joined {
                    self.deadline.restart();
                }
            }
            (Type::Message, _) => {
                if inbox.is_waiting() {
                    return Err(Fault::AttachmentMissing);
                }
                let mut packet = Packet::new(Kind::Event, b"/");
                packet.read(data, self.config.max_attachments)?;
                if packet.attachments == 0 {
                    return Ok(self.packet(&packet)?.then_some(Found::Packet));
                }
                let n = packet.attachments;
                inbox.await_attachments(n);
            }
            // They mean nothing over WebSocket.
            (Type::Pong | Type::Upgrade | Type::Noop, _) => {}
        }
        Ok(None)
    }

    /// Takes the data of the open packet: of all that is in it, what a client needs.
    fn open(&mut self, data: &[u8]) -> Result<(), Fault> {
        if !json::is_value(data) {
            return Err(Fault::OpenPacket);
        }
        let number = |name: &[u8]| json::member(data, name).and_then(json::number).ok_or(Fault::OpenPacket);
        self.heartbeat = number(b"pingInterval")?.saturating_add(number(b"pingTimeout")?).min(LONGEST);
        self.max_payload = number(b"maxPayload").unwrap_or(0);
        self.phase = Phase::Joining;
        if self.config.is_valid() {
            self.owed.join = true;
        } else {
            self.finish(End::Unsendable(SendError::InvalidJson));
        }
        Ok(())
    }

    /// Takes a whole packet: whether the program is to hear of it.
    fn packet(&mut self, packet: &Packet<'_>) -> Result<bool, Fault> {
        if packet.namespace != self.config.namespace.as_bytes() {
            return Ok(false);
        }
        match (packet.kind, self.phase) {
            (Kind::Connect, Phase::Joining) => {
                // Without it the server speaks an older protocol.
                json::member(packet.data, b"sid").and_then(json::unquoted).ok_or(Fault::Data)?;
                self.phase = Phase::Joined;
                self.deadline.restart();
            }
            (Kind::ConnectError, _) => self.finish(End::Refused),
            (Kind::Disconnect, Phase::Joined) => {
                self.finish(End::Disconnected);
                return Ok(false);
            }
            (Kind::Event | Kind::BinaryEvent, Phase::Joined) => {}
            // One that comes too late is not awaited any more.
            (Kind::Ack | Kind::BinaryAck, Phase::Joined) => {
                return Ok(packet.id.is_some_and(|id| self.acks.take(id)));
            }
            _ => return Err(Fault::Namespace),
        }
        Ok(true)
    }
}
