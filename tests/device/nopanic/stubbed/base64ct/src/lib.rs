//! Has the face of base64ct, as far as the core sees it, without the panics that base64ct's encoder has left at
//! opt-level z.
#![no_std]

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub struct Base64;

pub trait Encoding {
    /// `text` must have the right length; the answer is of no interest.
    fn encode(bytes: &[u8], text: &mut [u8]) -> Result<(), ()>;
}

impl Encoding for Base64 {
    fn encode(bytes: &[u8], text: &mut [u8]) -> Result<(), ()> {
        let mut rest = bytes;
        for digits in text.chunks_exact_mut(4) {
            let (group, after) = rest.split_at_checked(3).unwrap_or((rest, &[]));
            rest = after;
            let mut bits = [0; 4];
            for (to, from) in bits.iter_mut().zip(group) {
                *to = *from;
            }
            let mut bits = u32::from_be_bytes(bits);
            for digit in digits {
                *digit = ALPHABET.get((bits >> 26) as usize).copied().unwrap_or_default();
                bits <<= 6;
            }
        }
        Ok(())
    }
}
