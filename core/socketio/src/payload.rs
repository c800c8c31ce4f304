//! Payloads of Engine.IO polling: the packets of one request or response with the character 0x1e between them. A part
//! that begins with `b` is binary data in base64.

use microws::MessageKind;

use crate::base64;
use crate::fault::Fault;

/// Stands between two packets. JSON never contains it raw.
pub const SEPARATOR: u8 = 0x1e;

/// One part of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "a payload has no other parts")]
pub enum Part<'a> {
    /// An Engine.IO packet: see [`engine::split`](crate::engine::split).
    Text(&'a [u8]),
    /// The data of a binary message.
    Binary(&'a [u8]),
}

impl Part<'_> {
    /// Its length inside a payload, in bytes.
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Text(packet) => packet.len(),
            Self::Binary(bytes) => base64::encoded_len(bytes.len()).saturating_add(1),
        }
    }

    /// Writes it as it stands in a payload; `None` if it does not fit.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let len = self.encoded_len();
        let (first, rest) = out.get_mut(..len)?.split_first_mut()?;
        match self {
            Self::Text(packet) => {
                let (byte, bytes) = packet.split_first()?;
                *first = *byte;
                for (to, from) in rest.iter_mut().zip(bytes) {
                    *to = *from;
                }
            }
            Self::Binary(bytes) => {
                *first = b'b';
                base64::encode(bytes, rest);
            }
        }
        Some(len)
    }
}

/// Calls `each` for the parts of a payload in order, and stops when it returns an error. Base64 is decoded where it
/// stands.
///
/// # Errors
/// [`Fault::Encoding`], or what `each` returns.
pub fn decode(payload: &mut [u8], mut each: impl FnMut(Part<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    for part in payload.split_mut(|byte| *byte == SEPARATOR) {
        match decode_in_place(part)? {
            (MessageKind::Text, text) => each(Part::Text(text))?,
            (MessageKind::Binary, bytes) => each(Part::Binary(bytes))?,
        }
    }
    Ok(())
}

/// The message that a part stands for: text, which is checked, or the bytes of base64, which may lack its padding, as some
/// clients leave it out.
pub(crate) fn decode_in_place(part: &mut [u8]) -> Result<(MessageKind, &mut [u8]), Fault> {
    if part.first() != Some(&b'b') {
        let is_text = core::str::from_utf8(part).is_ok();
        return if is_text { Ok((MessageKind::Text, part)) } else { Err(Fault::Encoding) };
    }
    let encoded = part.get_mut(1..).unwrap_or_default();
    let len = base64::decode_in_place(encoded).ok_or(Fault::Encoding)?;
    Ok((MessageKind::Binary, encoded.get_mut(..len).unwrap_or_default()))
}
