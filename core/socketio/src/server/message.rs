//! Engine.IO without Socket.IO: messages as they are.

use microws::{Chunk, MessageKind};

use crate::engine::{self, Type};
use crate::error::SendError;
use crate::fault::Fault;
use crate::inbox::Inbox;
use crate::payload;
use crate::server::{Post, ServerSession, Trouble};
use crate::step::End;

/// A message of a client, on a server of Engine.IO alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Message<'m> {
    /// Text or binary.
    pub kind: MessageKind,
    /// Its bytes; of text they are UTF-8.
    pub payload: &'m [u8],
}

impl<'m> Message<'m> {
    const fn new(kind: MessageKind, payload: &'m [u8]) -> Self {
        Self { kind, payload }
    }
}

/// With [`ServerConfig::bare`](super::ServerConfig::bare): the same session, whose messages are the program's own.
impl ServerSession<'_> {
    /// [`receive`](Self::receive) for a message that is no packet of Socket.IO. One that comes in one chunk is not copied.
    pub fn receive_message<'e>(
        &mut self,
        chunk: &'e Chunk<'_>,
        inbox: &'e mut Inbox<'_>,
    ) -> Option<Message<'e>> {
        if self.end.is_some() {
            return None;
        }
        let is_whole = chunk.first && chunk.fin;
        let pushed = if chunk.payload.len() > self.config.max_payload as usize {
            Err(Fault::TooLong.into())
        } else if is_whole {
            Ok(Some(chunk.kind))
        } else {
            inbox.push(chunk).map_err(Trouble::from)
        };
        let kind = self.or_end(pushed)?;
        self.message(kind, if is_whole { chunk.payload } else { inbox.text() })
    }

    /// [`next_event`](Self::next_event) for messages that are no packets of Socket.IO.
    pub fn next_message<'b>(&mut self, post: &mut Post<'b>) -> Option<Message<'b>> {
        while let Some(encoded) = self.next_part(post) {
            let decoded = payload::decode_in_place(encoded).map(Some).map_err(Trouble::from);
            let message = self.or_end(decoded).and_then(|(kind, payload)| self.message(kind, payload));
            post.bad |= matches!(self.end, Some(End::Failed(_)));
            if message.is_some() {
                return message;
            }
        }
        None
    }

    /// Queues a text message.
    ///
    /// # Errors
    /// [`NotConnected`](SendError::NotConnected) after the end, [`QueueFull`](SendError::QueueFull) as
    /// [`send`](Self::send).
    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.push_message(MessageKind::Text, &[Type::Message as u8], text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.push_message(MessageKind::Binary, &[], bytes)
    }

    fn push_message(&mut self, kind: MessageKind, digit: &[u8], payload: &[u8]) -> Result<(), SendError> {
        if self.end.is_some() {
            return Err(SendError::NotConnected);
        }
        let pushed = self.queue.push(kind, |w| {
            w.put(digit);
            w.put(payload);
        });
        if pushed { Ok(()) } else { Err(SendError::QueueFull) }
    }

    /// Takes a whole message of the transport.
    fn message<'e>(&mut self, kind: MessageKind, payload: &'e [u8]) -> Option<Message<'e>> {
        if kind == MessageKind::Binary {
            return Some(Message::new(kind, payload));
        }
        let taken = match engine::split(payload) {
            Ok((Type::Message, data)) => Ok(Some(Message::new(kind, data))),
            Ok((other, _)) => self.control(other).map(|()| None),
            Err(fault) => Err(fault),
        };
        self.or_end(taken.map_err(Trouble::from))
    }
}
