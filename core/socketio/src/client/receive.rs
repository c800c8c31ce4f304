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

/// A time that the clock of [`Deadline`](crate::deadline::Deadline) can measure.
const LONGEST: u32 = u32::MAX / 2;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It is an event for the program.
    Heard,
    Unheard,
    /// It waits for so many attachments.
    Waits(u8),
}

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
                let text = inbox.whole().0.get(1..).unwrap_or_default();
                let taken = self.packet(text, true)?;
                Ok((taken == Taken::Heard).then_some(Found::WithAttachments))
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
                // A ping does not extend the time to join.
                if phase == Phase::Joined {
                    self.deadline.restart();
                }
            }
            (Type::Message, _) => {
                if inbox.is_waiting() {
                    return Err(Fault::AttachmentMissing);
                }
                match self.packet(data, false)? {
                    Taken::Heard => return Ok(Some(Found::Packet)),
                    Taken::Waits(n) => inbox.await_attachments(n),
                    Taken::Unheard => {}
                }
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

    /// Takes a packet; its attachments have come, or have not.
    fn packet(&mut self, text: &[u8], attached: bool) -> Result<Taken, Fault> {
        let mut packet = Packet::new(Kind::Event, b"/");
        packet.read(text, self.config.max_attachments)?;
        if packet.attachments > 0 && !attached {
            return Ok(Taken::Waits(packet.attachments));
        }
        if packet.namespace != self.config.namespace.as_bytes() {
            return Ok(Taken::Unheard);
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
                return Ok(Taken::Unheard);
            }
            // Before it is joined: what was missed, after a recovery.
            (Kind::Event | Kind::BinaryEvent, Phase::Joining | Phase::Joined) => {}
            // One that comes too late is not awaited any more.
            (Kind::Ack | Kind::BinaryAck, Phase::Joined) => {
                if !packet.id.is_some_and(|id| self.acks.take(id)) {
                    return Ok(Taken::Unheard);
                }
            }
            _ => return Err(Fault::Namespace),
        }
        Ok(Taken::Heard)
    }
}
