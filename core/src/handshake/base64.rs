//! Base64, RFC 4648 section 4, for the two values of fixed length that the handshake writes.
//! base64ct would leave a panic path at opt-level z.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn encode<const N: usize, const M: usize>(bytes: &[u8; N]) -> [u8; M] {
    const { assert!(M == N.div_ceil(3) * 4) }
    let mut text = [b'='; M];
    let mut rest = bytes.as_slice();
    for digits in text.chunks_exact_mut(4) {
        let (group, behind) = rest.split_at_checked(3).unwrap_or((rest, &[]));
        rest = behind;
        let mut bits = [0; 4];
        for (to, from) in bits.iter_mut().zip(group) {
            *to = *from;
        }
        let mut bits = u32::from_be_bytes(bits);
        // n bytes fill n + 1 digits; the others stay padding.
        for digit in digits.iter_mut().take(group.len().saturating_add(1)) {
            *digit = ALPHABET.get((bits >> 26) as usize).copied().unwrap_or_default();
            bits <<= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn the_test_vectors_of_rfc_4648_section_10() {
        assert_eq!(&encode::<1, 4>(b"f"), b"Zg==");
        assert_eq!(&encode::<2, 4>(b"fo"), b"Zm8=");
        assert_eq!(&encode::<3, 4>(b"foo"), b"Zm9v");
        assert_eq!(&encode::<4, 8>(b"foob"), b"Zm9vYg==");
        assert_eq!(&encode::<5, 8>(b"fooba"), b"Zm9vYmE=");
        assert_eq!(&encode::<6, 8>(b"foobar"), b"Zm9vYmFy");
    }

    #[test]
    fn every_digit_of_the_alphabet() {
        let bytes = [
            0x00, 0x10, 0x83, 0x10, 0x51, 0x87, 0x20, 0x92, 0x8b, 0x30, 0xd3, 0x8f, 0x41, 0x14, 0x93, 0x51,
            0x55, 0x97, 0x61, 0x96, 0x9b, 0x71, 0xd7, 0x9f, 0x82, 0x18, 0xa3, 0x92, 0x59, 0xa7, 0xa2, 0x9a,
            0xab, 0xb2, 0xdb, 0xaf, 0xc3, 0x1c, 0xb3, 0xd3, 0x5d, 0xb7, 0xe3, 0x9e, 0xbb, 0xf3, 0xdf, 0xbf,
        ];
        assert_eq!(&encode::<48, 64>(&bytes), super::ALPHABET);
    }
}
