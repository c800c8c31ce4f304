//! [`Prepared`]: a message that is encoded once and sent to many.

use crate::buffer::copy;
use crate::wire::frame::{MessageKind, Opcode, first_byte, header_len, write_header};

/// A whole message as a server sends it, header and payload, for any number of connections: a server does not mask, so
/// the frame is the same for every client (RFC 6455 section 5.1). It stands in memory that the caller lends: payload and
/// the longest header that fits it, 2 bytes, 4 in a storage of 126 bytes up, 10 from 65,536 up.
///
/// ```
/// use microws::{MessageKind, Prepared};
///
/// let mut storage = [0; 32];
/// let reading = Prepared::new(&mut storage, MessageKind::Text, b"21.5").unwrap();
/// assert_eq!(reading.frame(), b"\x81\x0421.5");
/// ```
///
/// `send_prepared` of a [`Session`](crate::Session) or an adapter sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Prepared<'s> {
    kind: MessageKind,
    frame: &'s [u8],
    payload: &'s [u8],
}

impl<'s> Prepared<'s> {
    /// Encodes a message; `None` if it has no room. Text must be UTF-8, which the caller must check.
    pub fn new(storage: &'s mut [u8], kind: MessageKind, payload: &[u8]) -> Option<Self> {
        let mut fits = false;
        let prepared = Self::with(storage, kind, |room| {
            fits = room.len() >= payload.len();
            copy(room, payload);
            payload.len()
        })?;
        if fits { Some(prepared) } else { None }
    }

    /// Encodes a message that is built in place: `fill` gets the room for the payload, of any content, and returns how many
    /// bytes of it are the payload; more than there are count as all. `None` if there is no room for a header.
    pub fn with(
        storage: &'s mut [u8],
        kind: MessageKind,
        fill: impl FnOnce(&mut [u8]) -> usize,
    ) -> Option<Self> {
        let headroom = header_len(storage.len() as u64, false);
        let room = storage.get_mut(headroom..)?;
        let len = fill(room).min(room.len());
        // Less payload than room may need a shorter header: it ends where the payload begins.
        let start = headroom.saturating_sub(header_len(len as u64, false));
        let opcode = match kind {
            MessageKind::Text => Opcode::Text,
            MessageKind::Binary => Opcode::Binary,
        };
        write_header(storage.get_mut(start..headroom)?, first_byte(true, opcode), None, len as u64);
        let end = headroom.saturating_add(len);
        Some(Self { kind, frame: storage.get(start..end)?, payload: storage.get(headroom..end)? })
    }

    /// Header and payload, as they go over the wire.
    pub const fn frame(&self) -> &'s [u8] {
        self.frame
    }

    /// What the message is.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The payload alone.
    pub const fn payload(&self) -> &'s [u8] {
        self.payload
    }
}
