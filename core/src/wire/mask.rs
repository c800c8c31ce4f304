//! Payload masking, RFC 6455 section 5.3.

/// A masking key, together with how far into the payload it has been applied.
///
/// Masking and unmasking are the same operation, and a payload may be given in any pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mask {
    // In memory order; the next payload byte meets its first byte.
    key: u32,
}

impl Mask {
    /// The start of a payload.
    pub const fn new(key: [u8; 4]) -> Self {
        Self { key: u32::from_ne_bytes(key) }
    }

    /// Masks or unmasks the next bytes of the payload where they stand.
    // Where flash is scarce, one copy of the code is enough.
    #[cfg_attr(target_pointer_width = "64", inline)]
    #[cfg_attr(not(target_pointer_width = "64"), inline(never))]
    pub fn apply(&mut self, payload: &mut [u8]) {
        xor(payload, self.key);
        self.key = advance(self.key, payload.len());
    }
}

/// The key as it meets the byte `n` bytes further on.
#[inline(always)]
const fn advance(key: u32, n: usize) -> u32 {
    let bits = (n as u32 & 3) << 3;
    if cfg!(target_endian = "little") { key.rotate_right(bits) } else { key.rotate_left(bits) }
}

/// From this length on it pays to begin at a cache line: a load or store that crosses one costs two.
#[cfg(target_pointer_width = "64")]
const ALIGNED_FROM: usize = 512;

#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn xor(payload: &mut [u8], key: u32) {
    if payload.len() < ALIGNED_FROM {
        return words(payload, key);
    }
    // align_offset may return usize::MAX; then the whole payload is the unaligned head.
    let head = payload.as_ptr().align_offset(64).min(payload.len());
    if let Some((head, rest)) = payload.split_at_mut_checked(head) {
        words(head, key);
        long(rest, advance(key, head.len()));
    }
}

/// The widest registers that the processor has, instead of those that every processor of its kind has.
#[cfg(all(target_pointer_width = "64", feature = "simd"))]
fn long(payload: &mut [u8], key: u32) {
    fearless_simd::dispatch!(fearless_simd::Level::new(), _ => blocks(payload, key));
}

#[cfg(all(target_pointer_width = "64", not(feature = "simd")))]
use blocks as long;

/// Bytes that are masked without a look at how many are left.
#[cfg(target_pointer_width = "64")]
const BLOCK: usize = 256;

#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn blocks(payload: &mut [u8], key: u32) {
    // One loop over words, not one over blocks with another inside: of these the compiler makes one that gathers and scatters
    // words where the processor can (AVX-512), which takes five times as long.
    let rest = payload.len() % BLOCK;
    let whole = payload.len().wrapping_sub(rest);
    if let Some((whole, rest)) = payload.split_at_mut_checked(whole) {
        block(whole, key);
        words(rest, key);
    }
}

/// By four wide words, or by one where there are less than four.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn words(payload: &mut [u8], key: u32) {
    if !overlapping::<32>(payload, key) && !overlapping::<8>(payload, key) {
        bytes(payload, key);
    }
}

/// Blocks of `N` bytes, a multiple of 8, the last one overlapping the one before it: a tail done byte by byte costs a
/// mispredicted branch for every length that differs from the last one. `false` if the payload is shorter than a block.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn overlapping<const N: usize>(payload: &mut [u8], key: u32) -> bool {
    let len = payload.len();
    let Some(last) = payload.last_chunk::<N>() else { return false };
    // Read before the blocks below change it, written when they are done.
    let mut last = *last;
    block(&mut last, advance(key, len));
    for chunk in payload.chunks_exact_mut(N) {
        block(chunk, key);
    }
    if let Some(end) = payload.last_chunk_mut::<N>() {
        *end = last;
    }
    true
}

/// Whole words.
#[cfg(target_pointer_width = "64")]
#[inline(always)]
fn block(block: &mut [u8], key: u32) {
    let wide = (u64::from(key) << 32) | u64::from(key);
    for word in block.chunks_exact_mut(8) {
        if let Some(word) = word.first_chunk_mut::<8>() {
            *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
        }
    }
}

/// Words of the machine's own width. A core without unaligned loads (Cortex-M0) builds each word
/// from bytes, which costs more than four bytes XORed one by one.
#[cfg(not(target_pointer_width = "64"))]
#[inline(always)]
fn xor(payload: &mut [u8], key: u32) {
    let mut words = payload.chunks_exact_mut(4);
    for word in &mut words {
        if cfg!(target_has_atomic = "32") {
            if let Some(word) = word.first_chunk_mut::<4>() {
                *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
            }
        } else {
            bytes(word, key);
        }
    }
    bytes(words.into_remainder(), key);
}

/// Less than two words. Turning the key needs no iterator over it, which opt-level z would spell out.
#[inline(always)]
fn bytes(payload: &mut [u8], mut key: u32) {
    for byte in payload {
        let [next, ..] = key.to_ne_bytes();
        *byte ^= next;
        key = advance(key, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 section 5.3, as printed: transformed-octet-i = original-octet-i XOR
    /// masking-key-octet-(i MOD 4).
    fn as_printed(payload: &[u8], key: [u8; 4]) -> std::vec::Vec<u8> {
        payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }

    #[test]
    fn every_length_in_any_two_pieces_masks_as_the_rfc_prints_it() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        // Those from 511 on are masked by cache lines.
        for len in (0..100).chain([511, 512, 513, 640, 700]) {
            let payload: std::vec::Vec<u8> = (0..len).map(|i: usize| (i * 31) as u8).collect();
            for cut in 0..=len {
                let mut masked = payload.clone();
                let mut mask = Mask::new(key);
                mask.apply(&mut masked[..cut]);
                mask.apply(&mut masked[cut..]);
                assert_eq!(masked, as_printed(&payload, key), "{len} bytes cut at {cut}");
            }
        }
    }
}
