//! [`Message`]: whole messages of bounded length, put together from chunks.

use heapless::Vec;

use crate::event::Chunk;
use crate::wire::frame::MessageKind;

/// Collects the chunks of a message of at most `N` bytes.
///
/// A longer one is skipped and its length reported. To fail the connection with 1009 instead, set
/// [`max_message_len`](crate::Config::max_message_len) to `N`. A device that gets unfragmented
/// messages only does not need this: see [`whole_up_to`](crate::Config::whole_up_to).
///
/// `recv_message` of the adapters in [`io`](crate::io), and [`Session::receive_message`](crate::Session::receive_message),
/// fill it; [`push`](Self::push) is for programs that look at the other events, too.
///
/// ```
/// use microws::{Chunk, Message, MessageKind, Whole};
///
/// let mut message = Message::<16>::new();
/// let kind = MessageKind::Text;
/// assert_eq!(message.push(&Chunk::new(kind, true, false, &mut [b'H', b'e', b'l'])), None);
/// assert_eq!(message.push(&Chunk::new(kind, false, true, &mut [b'l', b'o'])), Some(Whole::Text("Hello")));
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Message<const N: usize> {
    bytes: Vec<u8, N>,
    /// Of the message, not of what was kept of it.
    len: u64,
}

/// A message that is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Whole<'m> {
    /// A text message.
    Text(&'m str),
    /// A binary message; or text that is not UTF-8, which chunks from a session never are.
    Binary(&'m [u8]),
    /// A message of `len` bytes, more than `N`. Its content was dropped.
    TooLong {
        /// What it was.
        kind: MessageKind,
        /// Its length in bytes.
        len: u64,
    },
}

impl<const N: usize> Message<N> {
    /// An empty one.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), len: 0 }
    }

    /// Adds the next chunk; returns the message when this was its last one.
    pub fn push(&mut self, chunk: &Chunk<'_>) -> Option<Whole<'_>> {
        let kind = self.add(chunk)?;
        Some(self.whole(kind))
    }

    /// [`push`](Self::push) in two halves, for functions that loop: the kind of the message that this chunk ends.
    pub(crate) fn add(&mut self, chunk: &Chunk<'_>) -> Option<MessageKind> {
        if chunk.first {
            self.bytes.clear();
            self.len = 0;
        }
        self.len = self.len.saturating_add(chunk.payload.len() as u64);
        // What does not fit is counted only.
        let _ = self.bytes.extend_from_slice(chunk.payload);
        if chunk.fin { Some(chunk.kind) } else { None }
    }

    /// The message whose last chunk was added.
    pub(crate) fn whole(&self, kind: MessageKind) -> Whole<'_> {
        if self.len > N as u64 {
            return Whole::TooLong { kind, len: self.len };
        }
        match (kind, core::str::from_utf8(&self.bytes)) {
            (MessageKind::Text, Ok(text)) => Whole::Text(text),
            _ => Whole::Binary(&self.bytes),
        }
    }
}

impl<const N: usize> Default for Message<N> {
    fn default() -> Self {
        Self::new()
    }
}
