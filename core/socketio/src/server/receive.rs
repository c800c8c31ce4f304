//! What a server makes of a client's messages.

use microws::{Chunk, MessageKind};

use crate::engine::{self, Type};
use crate::fault::Fault;
use crate::inbox::{Attachments, Inbox};
use crate::packet::{Kind, Packet};
use crate::server::{ServerEvent, ServerSession, Trouble, bit};
use crate::step::End;

/// A packet that the program is to hear of, and in which namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    namespace: usize,
    /// It was kept in the inbox until its last attachment came.
    attached: bool,
}

impl Found {
    /// Borrows it from where it was found valid: the text message, or the inbox.
    pub(super) fn bind<'e>(self, text: &'e [u8], inbox: &'e Inbox<'_>) -> ServerEvent<'e> {
        let (text, attachments) = if self.attached { inbox.whole() } else { (text, Attachments::NONE) };
        let mut packet = Packet::new(Kind::Event, b"/");
        let _ = packet.read(text.get(1..).unwrap_or_default(), u8::MAX);
        ServerEvent::of(&packet, self.namespace, attachments)
    }
}

impl ServerSession<'_> {
    /// Takes a chunk of a message of the WebSocket that carries the session. A message that comes in one chunk is not
    /// copied; others are put together in the inbox, where packets also wait for their attachments.
    pub fn receive<'e>(&mut self, chunk: &'e Chunk<'_>, inbox: &'e mut Inbox<'_>) -> Option<ServerEvent<'e>> {
        if self.end.is_some() {
            return None;
        }
        let whole = chunk.first && chunk.fin && chunk.kind == MessageKind::Text;
        let taken = if chunk.payload.len() > self.config.max_payload as usize {
            Err(Trouble::Fault(Fault::TooLong))
        } else if whole {
            self.text(chunk.payload, inbox)
        } else {
            self.piece(chunk, inbox)
        };
        let found = self.or_end(taken)?;
        let inbox = &*inbox;
        Some(found.bind(if whole { chunk.payload } else { inbox.text() }, inbox))
    }

    /// Ends the session if something went wrong.
    pub(super) fn or_end<T>(&mut self, taken: Result<Option<T>, Trouble>) -> Option<T> {
        match taken {
            Ok(found) => found,
            Err(Trouble::Fault(fault)) => {
                self.fail(End::Failed(fault));
                None
            }
            Err(Trouble::QueueFull) => {
                self.fail(End::QueueFull);
                None
            }
        }
    }

    fn piece(&mut self, chunk: &Chunk<'_>, inbox: &mut Inbox<'_>) -> Result<Option<Found>, Trouble> {
        match inbox.push(chunk)? {
            None => Ok(None),
            Some(MessageKind::Binary) => self.attachment(inbox),
            Some(MessageKind::Text) => {
                // A packet that waits for attachments stays where it was put together.
                let (kind, data) = engine::split(inbox.text())?;
                let mut packet = Packet::new(Kind::Event, b"/");
                if kind != Type::Message {
                    self.control(kind)?;
                    return Ok(None);
                }
                if inbox.is_waiting() {
                    return Err(Fault::AttachmentMissing.into());
                }
                packet.read(data, self.config.max_attachments)?;
                if packet.attachments == 0 {
                    return self.packet(&packet, false);
                }
                let n = packet.attachments;
                inbox.await_attachments(n);
                Ok(None)
            }
        }
    }

    /// Takes a whole text message.
    pub(super) fn text(&mut self, text: &[u8], inbox: &mut Inbox<'_>) -> Result<Option<Found>, Trouble> {
        let (kind, data) = engine::split(text)?;
        if kind != Type::Message {
            self.control(kind)?;
            return Ok(None);
        }
        if inbox.is_waiting() {
            return Err(Fault::AttachmentMissing.into());
        }
        let mut packet = Packet::new(Kind::Event, b"/");
        packet.read(data, self.config.max_attachments)?;
        if packet.attachments == 0 {
            return self.packet(&packet, false);
        }
        inbox.keep(text)?;
        inbox.await_attachments(packet.attachments);
        Ok(None)
    }

    /// Takes a whole binary message, which was put into the inbox.
    pub(super) fn attachment(&mut self, inbox: &mut Inbox<'_>) -> Result<Option<Found>, Trouble> {
        if !inbox.is_waiting() {
            return Err(Fault::AttachmentUnannounced.into());
        }
        if !inbox.attach() {
            return Ok(None);
        }
        let mut packet = Packet::new(Kind::Event, b"/");
        packet.read(inbox.whole().0.get(1..).unwrap_or_default(), u8::MAX)?;
        self.packet(&packet, true)
    }

    /// Takes an Engine.IO packet that is no message.
    pub(super) fn control(&mut self, kind: Type) -> Result<(), Fault> {
        match kind {
            // "In v4 only the server pings": a client may before an upgrade alone.
            Type::Ping => Err(Fault::Unexpected),
            Type::Pong => {
                self.pinged = false;
                self.heartbeat.restart();
                Ok(())
            }
            Type::Close => {
                self.end_with(End::Closed, Type::Noop);
                Ok(())
            }
            // They mean nothing from a client, as in Node.js.
            Type::Open | Type::Upgrade | Type::Noop | Type::Message => Ok(()),
        }
    }

    /// Takes a whole packet: whether the program is to hear of it.
    fn packet(&mut self, packet: &Packet<'_>, attached: bool) -> Result<Option<Found>, Trouble> {
        let names = self.config.namespaces.iter();
        let namespace = names.take(32).position(|name| name.as_bytes() == packet.namespace);
        let Some(namespace) = namespace else {
            if packet.kind != Kind::Connect {
                return Err(Fault::Namespace.into());
            }
            let data = b"{\"message\":\"Invalid namespace\"}";
            let refusal = Packet { data, ..Packet::new(Kind::ConnectError, packet.namespace) };
            self.push_packet(&refusal).map_err(|_| Trouble::QueueFull)?;
            return Ok(None);
        };
        let bit = bit(namespace);
        let joined = self.joined & bit != 0;
        match packet.kind {
            Kind::Connect if !joined => self.asked |= bit,
            Kind::Disconnect if joined => self.joined &= !bit,
            Kind::Event | Kind::BinaryEvent if joined => {}
            // One that comes too late is not awaited any more.
            Kind::Ack | Kind::BinaryAck if joined => {
                if !packet.id.is_some_and(|id| self.acks.take(id)) {
                    return Ok(None);
                }
            }
            _ => return Err(Fault::Namespace.into()),
        }
        Ok(Some(Found { namespace, attached }))
    }
}
