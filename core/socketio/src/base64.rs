//! Base64 (RFC 4648) for ids and payloads. The crates for it have panics left at opt-level z, which no input reaches.

use core::cell::Cell;

/// Section 4.
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Section 5, for URLs.
pub(crate) const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The length of `bytes` bytes in base64, with padding.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

/// Encodes with padding, as far as there is room.
pub(crate) fn encode(bytes: &[u8], out: &mut [u8]) {
    encode_with(STANDARD, bytes, out);
}

pub(crate) fn encode_with(alphabet: &[u8; 64], bytes: &[u8], out: &mut [u8]) {
    let mut out = out.chunks_mut(4);
    // No `zip`, which divides by the sizes of the chunks and keeps a panic for sizes of 0.
    for group in bytes.chunks(3) {
        let Some(digits) = out.next() else { return };
        let mut bits = [0; 4];
        for (to, from) in bits.iter_mut().zip(group) {
            *to = *from;
        }
        let mut bits = u32::from_be_bytes(bits);
        // One byte makes two digits, two make three.
        for (i, digit) in digits.iter_mut().enumerate() {
            let index = (bits >> 26) as usize;
            *digit = if i > group.len() { b'=' } else { alphabet.get(index).copied().unwrap_or(b'=') };
            bits <<= 6;
        }
    }
}

/// Decodes where it stands, with padding or without: the length of the bytes, or `None` if it is no base64.
pub(crate) fn decode_in_place(text: &mut [u8]) -> Option<usize> {
    let pads = text.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
    let digits = text.get_mut(..text.len().wrapping_sub(pads))?;
    let cells = Cell::from_mut(digits).as_slice_of_cells();
    let (mut bits, mut held, mut len) = (0u32, 0u32, 0usize);
    for cell in cells {
        let digit = cell.get();
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            // Fewer bytes than digits: those that are written were read.
            cells.get(len)?.set(bits.wrapping_shr(held) as u8);
            len = len.wrapping_add(1);
        }
    }
    // A lone digit is no byte.
    if held == 6 { None } else { Some(len) }
}
