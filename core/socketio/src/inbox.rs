//! [`Inbox`]: where messages are put together, and wait for their attachments.

use microws::{Chunk, MessageKind};

use crate::fault::Fault;
use crate::write::copy;

/// The caller's memory for one incoming message: the largest one, or a packet together with all of its attachments and
/// four bytes for each. 256 bytes hold the server's first packet and small events.
///
/// It is lent to one connection at a time; to use it for the next one, make a new one over the same bytes.
#[derive(Debug)]
pub struct Inbox<'a> {
    bytes: &'a mut [u8],
    /// The packet that waits for attachments, with those that came; 0 if none waits.
    kept: u32,
    /// Of the packet alone.
    head: u32,
    /// Where the message in progress begins, and ends so far.
    start: u32,
    end: u32,
    /// Attachments that have not come yet.
    missing: u8,
}

/// Before each attachment stands its length.
const PREFIX: u32 = 4;

impl<'a> Inbox<'a> {
    /// Over the caller's memory.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, kept: 0, head: 0, start: 0, end: 0, missing: 0 }
    }

    /// Its size in bytes.
    pub const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of it that are in use: of a packet that waits for attachments, and of the message in progress. What is not
    /// in use now may be of a message that is not taken yet.
    pub const fn len(&self) -> usize {
        if self.end > self.kept { self.end as usize } else { self.kept as usize }
    }

    /// Whether none is in use.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets a message that is whole and was taken; what waits for attachments, or for its other parts, stays. Call it
    /// after a chunk that ended a message.
    pub const fn clear_taken(&mut self) {
        if self.missing == 0 {
            (self.kept, self.head, self.start, self.end) = (0, 0, 0, 0);
        }
    }

    /// Returns its memory, to make the next one of it.
    pub const fn into_memory(self) -> &'a mut [u8] {
        self.bytes
    }

    /// Gives it other memory, and returns that of before: more, or none while it is empty.
    ///
    /// # Errors
    /// The memory itself, if what is in use has no room in it.
    pub fn replace(&mut self, memory: &'a mut [u8]) -> Result<&'a mut [u8], &'a mut [u8]> {
        let used = self.bytes.get(..self.len()).unwrap_or_default();
        let Some(to) = memory.get_mut(..used.len()) else { return Err(memory) };
        copy(to, used);
        Ok(core::mem::replace(&mut self.bytes, memory))
    }

    /// Adds a part of a message: its kind when it is whole.
    pub(crate) fn push(&mut self, chunk: &Chunk<'_>) -> Result<Option<MessageKind>, Fault> {
        if chunk.first {
            self.start = match self.missing {
                0 => 0,
                _ => self.kept.saturating_add(PREFIX),
            };
            self.end = self.start;
        }
        let free = self.bytes.get_mut(self.end as usize..).unwrap_or_default();
        let to = free.get_mut(..chunk.payload.len()).ok_or(Fault::TooLong)?;
        copy(to, chunk.payload);
        self.end = self.end.saturating_add(u32::try_from(chunk.payload.len()).map_err(|_| Fault::TooLong)?);
        Ok(chunk.fin.then_some(chunk.kind))
    }

    /// Puts a whole text message in.
    pub(crate) fn keep(&mut self, text: &[u8]) -> Result<(), Fault> {
        let to = self.bytes.get_mut(..text.len()).ok_or(Fault::TooLong)?;
        copy(to, text);
        (self.start, self.end) = (0, u32::try_from(text.len()).map_err(|_| Fault::TooLong)?);
        Ok(())
    }

    /// The whole text message that [`push`](Self::push) reported.
    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The text message is a packet that waits for so many attachments; it begins with an Engine.IO type.
    pub(crate) const fn await_attachments(&mut self, n: u8) {
        (self.head, self.kept, self.missing) = (self.end, self.end, n);
    }

    pub(crate) const fn is_waiting(&self) -> bool {
        self.missing > 0
    }

    /// The binary message is the next attachment: whether it was the last.
    pub(crate) fn attach(&mut self) -> bool {
        let len = self.end.wrapping_sub(self.start);
        let prefix = self.bytes.get_mut(self.kept as usize..).and_then(|bytes| bytes.first_chunk_mut());
        if let Some(prefix) = prefix {
            *prefix = len.to_le_bytes();
        }
        self.kept = self.end;
        self.missing = self.missing.saturating_sub(1);
        self.missing == 0
    }

    /// The packet whose last attachment has come, and these.
    pub(crate) fn whole(&self) -> (&[u8], Attachments<'_>) {
        let kept = self.bytes.get(..self.kept as usize).unwrap_or_default();
        let (text, attached) = kept.split_at_checked(self.head as usize).unwrap_or_default();
        (text, Attachments(attached))
    }
}

/// How full it is; the bytes themselves are not logged.
#[cfg(feature = "defmt")]
impl defmt::Format for Inbox<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Inbox {{ {} of {} bytes }}", self.end, self.bytes.len());
    }
}

/// The attachments of a packet, in order. In the JSON text stands `{"_placeholder":true,"num":0}` for the first, and so
/// on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Attachments<'a>(&'a [u8]);

impl Attachments<'_> {
    /// There are none.
    pub const NONE: Self = Self(&[]);
}

impl<'a> Iterator for Attachments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let (attachment, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        self.0 = rest;
        Some(attachment)
    }
}
