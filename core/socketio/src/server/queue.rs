//! [`Queue`]: the messages that wait for the client to take them.

use core::cell::Cell;

use microws::MessageKind;

use crate::write::{Writer, copy};

/// Messages in order, each after its kind and length, over the caller's memory.
#[derive(Debug)]
pub(super) struct Queue<'a> {
    bytes: &'a mut [u8],
    start: usize,
    end: usize,
}

/// Before each message: its length, and in the lowest bit whether it is text.
const PREFIX: usize = 4;

impl<'a> Queue<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, start: 0, end: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Adds a message whole, or returns `false`.
    pub(super) fn push(&mut self, kind: MessageKind, write: impl Fn(&mut Writer<'_>)) -> bool {
        let mut measure = Writer::new(&mut [], 0);
        write(&mut measure);
        let len = measure.total();
        let size = len.saturating_add(PREFIX);
        if self.bytes.len().wrapping_sub(self.end) < size {
            self.compact();
        }
        let Ok(prefix) = u32::try_from(len) else { return false };
        let Some(prefix) = prefix.checked_mul(2) else { return false };
        let prefix = prefix | u32::from(kind == MessageKind::Text);
        let Some(room) = self.bytes.get_mut(self.end..).and_then(|room| room.get_mut(..size)) else {
            return false;
        };
        let Some((to, room)) = room.split_first_chunk_mut::<PREFIX>() else { return false };
        *to = prefix.to_le_bytes();
        write(&mut Writer::new(room, 0));
        self.end = self.end.wrapping_add(size);
        true
    }

    /// Goes on in other memory, and returns that of before; returns the other one if what waits has no room in it.
    pub(super) fn replace(&mut self, memory: &'a mut [u8]) -> Result<&'a mut [u8], &'a mut [u8]> {
        let waiting = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some(to) = memory.get_mut(..waiting.len()) else { return Err(memory) };
        copy(to, waiting);
        (self.start, self.end) = (0, waiting.len());
        Ok(core::mem::replace(&mut self.bytes, memory))
    }

    /// Bytes of its memory.
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    fn compact(&mut self) {
        let cells = Cell::from_mut(&mut *self.bytes).as_slice_of_cells();
        let waiting = cells.get(self.start..self.end).unwrap_or_default();
        for (to, from) in cells.iter().zip(waiting) {
            to.set(from.get());
        }
        (self.start, self.end) = (0, waiting.len());
    }

    /// How much waits; only to be given back to [`truncate`](Self::truncate).
    pub(super) const fn len(&self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    /// Drops what was added since.
    pub(super) fn truncate(&mut self, len: usize) {
        self.end = self.start.saturating_add(len).min(self.end);
    }

    pub(super) const fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// The oldest message.
    pub(super) fn front(&self) -> Option<(MessageKind, &[u8])> {
        self.iter().next()
    }

    /// Drops the oldest message.
    pub(super) fn pop(&mut self) {
        let len = self.front().map_or(0, |(_, message)| message.len().wrapping_add(PREFIX));
        self.start = self.start.wrapping_add(len);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (MessageKind, &[u8])> {
        let mut rest = self.bytes.get(self.start..self.end).unwrap_or_default();
        core::iter::from_fn(move || {
            let (prefix, after) = rest.split_first_chunk::<PREFIX>()?;
            let prefix = u32::from_le_bytes(*prefix);
            let (message, after) = after.split_at_checked((prefix / 2) as usize)?;
            rest = after;
            Some((if prefix & 1 == 1 { MessageKind::Text } else { MessageKind::Binary }, message))
        })
    }
}

/// How full it is; the bytes themselves are not logged.
#[cfg(feature = "defmt")]
impl defmt::Format for Queue<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Queue {{ {} of {} bytes }}", self.len(), self.bytes.len());
    }
}
