//! SHA-1 and base64 for exactly what a handshake needs, in as little flash as they take: the feature `compact`.

/// A key is 24 bytes, the GUID 36: with the padding that SHA-1 puts after 60 bytes always two blocks, the second
/// of which is the same for every key.
const TAIL: &[u8; 40] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11\x80\0\0\0";
const BITS: u32 = 8 * 60;

pub(crate) type Digest = [u32; 5];

/// SHA-1 (RFC 3174) of a `key` of 24 bytes and the GUID.
pub(crate) fn digest(key: impl Iterator<Item = u8>) -> Digest {
    let mut sum = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut bytes = key.chain(TAIL.iter().copied());
    let mut first = || (0..4).fold(0, |word, _| (word << 8) | u32::from(bytes.next().unwrap_or_default()));
    block(&mut sum, core::array::from_fn(|_| first()));
    block(&mut sum, core::array::from_fn(|i| if i == 15 { BITS } else { 0 }));
    sum
}

/// One block. The 80 words of its schedule pass through the 16 places of the first ones.
#[inline(never)]
fn block(sum: &mut Digest, mut words: [u32; 16]) {
    let [mut a, mut b, mut c, mut d, mut e] = *sum;
    for t in 0..80usize {
        let at = |ahead: usize| words.get(t.wrapping_add(ahead) & 15).copied().unwrap_or_default();
        let word = at(0);
        let later = (word ^ at(2) ^ at(8) ^ at(13)).rotate_left(1);
        if let Some(place) = words.get_mut(t & 15) {
            *place = later;
        }
        let (f, k) = match t {
            0..20 => (d ^ (b & (c ^ d)), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (d & (b | c)), 0x8f1b_bcdc_u32),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (sum, more) in sum.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(more);
    }
}

/// The digits of a digest.
pub(crate) fn accept(digest: &Digest) -> impl Iterator<Item = u8> {
    let [a, b, c, d, e] = *digest;
    Base64 { words: [a, b, c, d, e], left: 160, digits: 0 }
}

/// The digits of a nonce.
pub(crate) fn key(nonce: &[u8; 16]) -> impl Iterator<Item = u8> {
    let word = |i: usize| {
        nonce.get(i..).and_then(|bytes| bytes.first_chunk()).map_or(0, |word| u32::from_be_bytes(*word))
    };
    Base64 { words: [word(0), word(4), word(8), word(12), 0], left: 128, digits: 0 }
}

/// The digits of base64 (RFC 4648 section 4) for as many bits as are left, and its padding. The bits are shifted out
/// of the words, six at a time.
struct Base64 {
    words: [u32; 5],
    left: u8,
    digits: u8,
}

impl Iterator for Base64 {
    type Item = u8;

    #[inline(never)]
    fn next(&mut self) -> Option<u8> {
        if self.left == 0 && self.digits & 3 == 0 {
            return None;
        }
        self.digits = self.digits.wrapping_add(1);
        if self.left == 0 {
            return Some(b'=');
        }
        self.left = self.left.saturating_sub(6);
        let six = self.words.iter_mut().rev().fold(0, |carry, word| {
            let out = *word >> 26;
            *word = (*word << 6) | carry;
            out
        });
        Some(digit(six as u8))
    }
}

/// The digit for six bits: A to Z, a to z, 0 to 9, plus, slash.
fn digit(six: u8) -> u8 {
    let mut digit = six.wrapping_add(b'A');
    if six >= 26 {
        digit = digit.wrapping_add(b'a' - b'A' - 26);
    }
    if six >= 52 {
        digit = digit.wrapping_sub(b'a' + 26 - b'0');
    }
    if six >= 62 {
        digit = digit.wrapping_sub(b'9' + 1 - b'+');
    }
    if six >= 63 {
        digit = digit.wrapping_add(b'/' - b'+' - 1);
    }
    digit
}
