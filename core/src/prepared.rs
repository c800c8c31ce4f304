//! [`Prepared`]: a message that is encoded once and sent to many.

use core::fmt;

use crate::buffer::copy;
use crate::wire::frame::{MessageKind, Opcode, first_byte, header_len, write_header};

/// A whole message as a server sends it, header and payload, for any number of connections: a server does not mask, so
/// the frame is the same for every client (RFC 6455 section 5.1). It has `N` bytes in all, of which the longest header
/// that it may need are 2, 4 from 126 bytes of payload on, or 10.
///
/// ```
/// use microws::{MessageKind, Prepared};
///
/// let reading = Prepared::<32>::new(MessageKind::Text, b"21.5").unwrap();
/// assert_eq!(reading.frame(), b"\x81\x0421.5");
/// ```
///
/// `send_prepared` of a [`Session`](crate::Session) or an adapter sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared<const N: usize> {
    kind: MessageKind,
    bytes: [u8; N],
    // start <= payload <= end <= N.
    start: usize,
    payload: usize,
    end: usize,
}

impl<const N: usize> Prepared<N> {
    /// Encodes a message; `None` if it has no room. Text must be UTF-8, which the caller must check.
    pub fn new(kind: MessageKind, payload: &[u8]) -> Option<Self> {
        let mut fits = false;
        let prepared = Self::with(kind, |room| {
            fits = room.len() >= payload.len();
            copy(room, payload);
            payload.len()
        })?;
        fits.then_some(prepared)
    }

    /// Encodes a message that is built in place: `fill` gets the room for the payload, all zero, and returns how many bytes
    /// of it are the payload; more than there are count as all. `None` if `N` is too small for a header.
    pub fn with(kind: MessageKind, fill: impl FnOnce(&mut [u8]) -> usize) -> Option<Self> {
        let mut bytes = [0; N];
        let payload = const { header_len(N as u64, false) };
        let room = bytes.get_mut(payload..)?;
        let len = fill(room).min(room.len());
        // Less payload than room may need a shorter header: it ends where the payload begins.
        let start = payload.saturating_sub(header_len(len as u64, false));
        let opcode = match kind {
            MessageKind::Text => Opcode::Text,
            MessageKind::Binary => Opcode::Binary,
        };
        write_header(bytes.get_mut(start..payload)?, first_byte(true, opcode), None, len as u64);
        Some(Self { kind, bytes, start, payload, end: payload.saturating_add(len) })
    }

    /// Header and payload, as they go over the wire.
    pub fn frame(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// What the message is.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload alone.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(self.payload..self.end).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for Prepared<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("kind", &self.kind).field("payload", &self.payload()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Prepared<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Prepared {{ {}, {} bytes }}", self.kind, self.payload().len());
    }
}
