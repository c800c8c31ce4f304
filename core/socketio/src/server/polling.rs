//! HTTP polling: GETs that are held, POSTs with payloads.

use microws::{Chunk, MessageKind};

use crate::engine::Type;
use crate::fault::Fault;
use crate::inbox::Inbox;
use crate::payload::{self, Part};
use crate::server::{ServerEvent, ServerSession, Transport};
use crate::step::End;

/// What to do with a GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must do each")]
#[must_use]
pub enum Get {
    /// Answer it now, with 200 and [`ServerSession::answer`].
    Answer,
    /// Hold it until [`ServerSession::answers_held`].
    Hold,
    /// Answer it with 400. If another one is held, it is to be answered now, and the session ends.
    BadRequest,
}

/// How to answer a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must do each")]
#[must_use]
pub enum PostEnd {
    /// With 200 and `ok`.
    Ok,
    /// With 400.
    BadRequest,
}

/// The content of a POST, taken packet by packet.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Post<'b> {
    rest: Option<&'b mut [u8]>,
    pub(super) bad: bool,
}

impl ServerSession<'_> {
    /// Takes a GET. The first one, which began the session, too.
    pub fn get(&mut self) -> Get {
        if self.transport != Transport::Polling {
            return Get::BadRequest;
        }
        if self.held {
            self.fail(End::Failed(Fault::Overlap));
            return Get::BadRequest;
        }
        self.held = true;
        if self.probe.is_probing() && self.queue.is_empty() && self.end.is_none() {
            self.push_type(Type::Noop);
        }
        if self.answers_held() {
            return Get::Answer;
        }
        if self.end.is_some() {
            self.held = false;
            return Get::BadRequest;
        }
        Get::Hold
    }

    /// Whether the GET that is held is to be answered now.
    pub const fn answers_held(&self) -> bool {
        self.held && !self.queue.is_empty()
    }

    /// The length of the next answer in bytes, if it has room for all that waits.
    pub fn answer_len(&self) -> usize {
        let len = self
            .queue
            .iter()
            .fold(0usize, |len, message| len.saturating_add(part(message).encoded_len()).saturating_add(1));
        len.saturating_sub(1)
    }

    /// Writes the content of the answer to a GET, as many packets as there is room for, and returns its length. The GET
    /// is answered with it: the packets are gone. What had no room goes with the next one; 0 if not even one packet has
    /// room, and the GET is not answered.
    pub fn answer(&mut self, out: &mut [u8]) -> usize {
        let mut len = 0usize;
        while let Some(message) = self.queue.front() {
            let at = if len == 0 { 0 } else { len.wrapping_add(1) };
            let Some(n) = out.get_mut(at..).and_then(|room| part(message).encode(room)) else { break };
            if let Some(separator) = out.get_mut(len..at).and_then(|between| between.first_mut()) {
                *separator = payload::SEPARATOR;
            }
            len = at.wrapping_add(n);
            self.queue.pop();
        }
        self.held &= len == 0 && !self.queue.is_empty();
        len
    }

    /// Tells that a POST has begun, before its content has come: whether it may go on. If not, answer it with 400; a
    /// second POST beside another ends the session.
    pub fn begin_post(&mut self) -> bool {
        if self.transport != Transport::Polling || self.end.is_some() {
            return false;
        }
        if self.posting {
            self.fail(End::Failed(Fault::Overlap));
            return false;
        }
        self.posting = true;
        true
    }

    /// Takes the whole content of the POST that has begun.
    pub fn post<'b>(&mut self, content: &'b mut [u8]) -> Post<'b> {
        let bad = !self.posting;
        let long = content.len() > self.config.max_payload as usize;
        if long && !bad {
            self.fail(End::Failed(Fault::TooLong));
        }
        Post { rest: if bad || long { None } else { Some(content) }, bad: bad || long }
    }

    /// The next event of a POST's content.
    pub fn next_event<'e, 'b: 'e>(
        &mut self,
        post: &mut Post<'b>,
        inbox: &'e mut Inbox<'_>,
    ) -> Option<ServerEvent<'e>> {
        while let Some(encoded) = self.next_part(post) {
            let taken = match payload::decode_in_place(encoded) {
                Ok((MessageKind::Text, text)) => self.text(text, inbox),
                Ok((MessageKind::Binary, bytes)) => {
                    let chunk = Chunk::new(MessageKind::Binary, true, true, bytes);
                    inbox.push(&chunk).map_err(Into::into).and_then(|_| self.attachment(inbox))
                }
                Err(fault) => Err(fault.into()),
            };
            post.bad |= taken.is_err();
            if let Some(found) = self.or_end(taken) {
                return Some(found.bind(encoded, inbox));
            }
        }
        None
    }

    /// The next packet of a POST's content, as it is encoded there.
    pub(super) fn next_part<'b>(&self, post: &mut Post<'b>) -> Option<&'b mut [u8]> {
        let rest = post.rest.take().filter(|_| self.end.is_none())?;
        let len = rest.iter().take_while(|byte| **byte != payload::SEPARATOR).count();
        let (encoded, rest) = rest.split_at_mut_checked(len)?;
        post.rest = rest.split_first_mut().map(|(_, rest)| rest);
        Some(encoded)
    }

    /// How to answer the POST, when there is no event left.
    pub const fn end_post(&mut self, post: &Post<'_>) -> PostEnd {
        self.posting = false;
        if post.bad { PostEnd::BadRequest } else { PostEnd::Ok }
    }
}

const fn part((kind, message): (MessageKind, &[u8])) -> Part<'_> {
    match kind {
        MessageKind::Text => Part::Text(message),
        MessageKind::Binary => Part::Binary(message),
    }
}
