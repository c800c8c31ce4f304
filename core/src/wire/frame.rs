//! The frame header, RFC 6455 section 5.2. Pure: no state and no buffer of its own.

use crate::wire::error::ProtocolError;

/// Longest header in bytes: 2, an 8-byte length and a 4-byte masking key.
pub const MAX_HEADER_LEN: usize = 14;

/// Longest payload of a control frame in bytes, RFC 6455 section 5.5.
pub const MAX_CONTROL_LEN: usize = 125;

/// "the most significant bit MUST be 0" (section 5.2)
const MAX_PAYLOAD_LEN: u64 = u64::MAX >> 1;

/// The reserved bits in the first byte of a header: RSV1, RSV2, RSV3 (section 5.2).
const RESERVED: u8 = 0x70;

/// The two kinds of messages, RFC 6455 section 5.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "RFC 6455 has two; a third would change every program")]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// What the payload of a frame is, RFC 6455 section 5.2.
#[expect(clippy::exhaustive_enums, reason = "section 5.2 has these; others are errors")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message that has begun.
    Continuation = 0x0,
    /// The first fragment, or all, of a text message.
    Text = 0x1,
    /// The first fragment, or all, of a binary message.
    Binary = 0x2,
    /// Close, section 5.5.1.
    Close = 0x8,
    /// Ping, section 5.5.2.
    Ping = 0x9,
    /// Pong, section 5.5.3.
    Pong = 0xa,
}

impl Opcode {
    /// Close, ping or pong: frames that may stand between the fragments of a message (section 5.5).
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }

    const fn from_bits(bits: u8) -> Result<Self, ProtocolError> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            // "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
            reserved => return Err(ProtocolError::ReservedOpcode(reserved)),
        })
    }
}

/// A frame header that is valid by itself. The connection decides whether it is masked as its
/// sender's role demands, whether its reserved bits were negotiated and whether it may come at this point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    fin: bool,
    reserved: u8,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    payload_len: u64,
}

impl Header {
    /// A header for `payload_len` bytes of payload, masked with the key `mask` if there is one.
    ///
    /// # Errors
    /// [`FragmentedControl`](ProtocolError::FragmentedControl),
    /// [`ControlTooLong`](ProtocolError::ControlTooLong) or, from 2^63 bytes up,
    /// [`LengthTooLarge`](ProtocolError::LengthTooLarge).
    pub const fn new(
        fin: bool,
        opcode: Opcode,
        mask: Option<[u8; 4]>,
        payload_len: u64,
    ) -> Result<Self, ProtocolError> {
        // "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be
        // fragmented." (5.5)
        if opcode.is_control() {
            if !fin {
                return Err(ProtocolError::FragmentedControl);
            }
            if payload_len > MAX_CONTROL_LEN as u64 {
                return Err(ProtocolError::ControlTooLong);
            }
        }
        if payload_len > MAX_PAYLOAD_LEN {
            return Err(ProtocolError::LengthTooLarge);
        }
        Ok(Self { fin, reserved: 0, opcode, mask, payload_len })
    }

    /// The same header with the reserved bits RSV1, RSV2 and RSV3 as in `bits`: 4, 2 and 1. An extension gives
    /// them a meaning (section 5.2); other bits of `bits` are ignored.
    #[must_use]
    pub const fn with_reserved(mut self, bits: u8) -> Self {
        self.reserved = (bits << 4) & RESERVED;
        self
    }

    /// The reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. Without an extension they must be 0.
    pub const fn reserved(&self) -> u8 {
        self.reserved >> 4
    }

    /// Whether this frame is the last of its message.
    pub const fn fin(&self) -> bool {
        self.fin
    }

    /// What the payload is.
    pub const fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// The masking key, if the payload is masked.
    pub const fn mask(&self) -> Option<[u8; 4]> {
        self.mask
    }

    /// Payload bytes after the header: at most 2^63 - 1, of a control frame at most 125.
    pub const fn payload_len(&self) -> u64 {
        self.payload_len
    }

    /// Decodes the header at the front of `input`: the header and its size in bytes, or `None` if
    /// it is incomplete. A fault is reported at the first byte that shows it; reserved bits are no error
    /// here.
    ///
    /// # Errors
    /// What [`new`](Self::new) refuses, [`ReservedOpcode`](ProtocolError::ReservedOpcode) and
    /// [`LengthNotMinimal`](ProtocolError::LengthNotMinimal).
    #[inline]
    pub fn decode(input: &[u8]) -> Result<Option<(Self, usize)>, ProtocolError> {
        let [b0, b1, rest @ ..] = input else { return Ok(None) };
        let opcode = Opcode::from_bits(b0 & 0x0f)?;
        let fin = b0 & 0x80 != 0;
        let (payload_len, rest) = match b1 & 0x7f {
            short @ 0..=125 => (u64::from(short), rest),
            // A control frame's length is refused before its bytes come.
            _ if opcode.is_control() => return Err(ProtocolError::ControlTooLong),
            // "in all cases, the minimal number of bytes MUST be used to encode the length"
            126 => {
                let Some((len, rest)) = rest.split_first_chunk::<2>() else { return Ok(None) };
                let len = u16::from_be_bytes(*len);
                if len <= 125 {
                    return Err(ProtocolError::LengthNotMinimal);
                }
                (u64::from(len), rest)
            }
            _ => {
                let Some((len, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
                let len = u64::from_be_bytes(*len);
                if len <= 65_535 {
                    return Err(ProtocolError::LengthNotMinimal);
                }
                if len > MAX_PAYLOAD_LEN {
                    return Err(ProtocolError::LengthTooLarge);
                }
                (len, rest)
            }
        };
        if opcode.is_control() && !fin {
            return Err(ProtocolError::FragmentedControl);
        }
        let (mask, rest) = if b1 & 0x80 == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            (Some(*key), rest)
        };
        let size = input.len().saturating_sub(rest.len());
        Ok(Some((Self { fin, reserved: b0 & RESERVED, opcode, mask, payload_len }, size)))
    }

    /// The bytes that [`encode`](Self::encode) writes: 2 to 14.
    pub const fn encoded_len(&self) -> usize {
        header_len(self.payload_len, self.mask.is_some())
    }

    /// Writes the header to the front of `out` and returns its size in bytes, or changes nothing
    /// and returns `None` if `out` is too short.
    #[inline]
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let size = self.encoded_len();
        let b0 = first_byte(self.fin, self.opcode) | self.reserved;
        write_header(out.get_mut(..size)?, b0, self.mask, self.payload_len);
        Some(size)
    }
}

/// The first byte of a header without reserved bits.
#[inline(always)]
pub(crate) const fn first_byte(fin: bool, opcode: Opcode) -> u8 {
    ((fin as u8) << 7) | opcode as u8
}

/// Writes a header to all of `out`, which is as long as [`header_len`] says.
// Two verbs may need it when messages are compressed, else one does.
#[cfg_attr(not(all(feature = "compact", feature = "deflate")), inline(always))]
pub(crate) fn write_header(out: &mut [u8], first: u8, mask: Option<[u8; 4]>, len: u64) {
    let [b0, b1, rest @ ..] = out else { return };
    *b0 = first;
    let masked = u8::from(mask.is_some()) << 7;
    let [.., b6, b7] = len.to_be_bytes();
    let key = if len <= 125 {
        *b1 = masked | b7;
        Some(rest)
    } else if len <= 65_535 {
        *b1 = masked | 126;
        rest.split_first_chunk_mut::<2>().map(|(to, key)| {
            *to = [b6, b7];
            key
        })
    } else {
        *b1 = masked | 127;
        rest.split_first_chunk_mut::<8>().map(|(to, key)| {
            *to = len.to_be_bytes();
            key
        })
    };
    if let (Some(mask), Some(to)) = (mask, key.and_then(|key| key.first_chunk_mut::<4>())) {
        *to = mask;
    }
}

/// The size in bytes of a header for `payload_len` bytes of payload: 2 to 14.
pub const fn header_len(payload_len: u64, masked: bool) -> usize {
    match (payload_len, masked) {
        (0..=125, false) => 2,
        (126..=65_535, false) => 4,
        (_, false) => 10,
        (0..=125, true) => 6,
        (126..=65_535, true) => 8,
        (_, true) => 14,
    }
}
