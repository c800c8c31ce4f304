//! The key of the opening handshake and the accept value for it, RFC 6455 sections 1.3 and 4.2.2: SHA-1 and base64.

#[cfg(any(feature = "compact", test))]
pub(super) mod compact;

/// RFC 6455 section 1.3.
#[cfg(any(not(feature = "compact"), test))]
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a `Sec-WebSocket-Key`: 16 random ones in base64.
pub(super) const KEY_LEN: usize = 24;

/// Bytes of a `Sec-WebSocket-Accept`: a SHA-1 in base64.
const ACCEPT_LEN: usize = 28;

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (section 4.2.2).
///
/// ```
/// # use microws::handshake::accept_key;
/// assert_eq!(&accept_key(b"sN9cRrP/n9NdMgdcy2VJFQ=="), b"fFBooB7FAkLlXgRSz0BT3v4hq5s=");
/// ```
pub fn accept_key(key: &[u8; KEY_LEN]) -> [u8; ACCEPT_LEN] {
    let digest = form::digest(key.iter().copied());
    let mut digits = form::accept(&digest);
    core::array::from_fn(|_| digits.next().unwrap_or_default())
}

#[cfg(feature = "compact")]
pub(super) use compact as form;
#[cfg(not(feature = "compact"))]
pub(super) use crates as form;

/// Hash and base64 by the crates for them.
#[cfg(any(not(feature = "compact"), test))]
pub(super) mod crates {
    use base64ct::{Base64, Encoding};

    use super::{ACCEPT_LEN, GUID, KEY_LEN};
    use crate::buffer::copy;

    pub(crate) type Digest = [u8; 20];

    /// SHA-1 of `key` and the GUID.
    pub(crate) fn digest(key: impl Iterator<Item = u8>) -> Digest {
        let mut text = [0; KEY_LEN];
        text.iter_mut().zip(key).for_each(|(to, byte)| *to = byte);
        let mut sha1 = sha1_smol::Sha1::new();
        sha1.update(&text);
        sha1.update(GUID);
        sha1.digest().bytes()
    }

    /// The digits of a digest.
    pub(crate) fn accept(digest: &Digest) -> impl Iterator<Item = u8> {
        base64(digest).into_iter()
    }

    /// The digits of a nonce.
    pub(crate) fn key(nonce: &[u8; 16]) -> impl Iterator<Item = u8> {
        base64(nonce).into_iter().take(KEY_LEN)
    }

    /// `bytes`, at most 20, in base64, padded to [`ACCEPT_LEN`].
    fn base64(bytes: &[u8]) -> [u8; ACCEPT_LEN] {
        // 20 bytes make 27 characters. 21 is a multiple of 3: base64ct's remainder path is then not linked.
        let mut whole = [0; 21];
        copy(&mut whole, bytes);
        let mut text = [0; ACCEPT_LEN];
        // 21 bytes make 28 characters: it fits.
        let _ = Base64::encode(&whole, &mut text);
        let used = bytes.len().saturating_mul(8).div_ceil(6);
        text.iter_mut().skip(used).for_each(|pad| *pad = b'=');
        text
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn the_compact_hash_and_base64_say_what_the_crates_say() {
        // xorshift64: any nonces, and all of one byte.
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random.to_le_bytes()
        };
        let any = (0..20_000).map(|_| [next(), next()].concat());
        let same = (0..=255).map(|byte| std::vec![byte; 16]);
        for nonce in any.chain(same) {
            let nonce: [u8; 16] = nonce.try_into().unwrap();
            let key: Vec<u8> = crates::key(&nonce).collect();
            assert_eq!(compact::key(&nonce).collect::<Vec<_>>(), key, "{nonce:02x?}");
            let (ours, theirs) = (compact::digest(key.iter().copied()), crates::digest(key.iter().copied()));
            assert_eq!(ours.map(u32::to_be_bytes).as_flattened(), theirs, "{nonce:02x?}");
            let accept: Vec<u8> = crates::accept(&theirs).collect();
            assert_eq!(compact::accept(&ours).collect::<Vec<_>>(), accept, "{nonce:02x?}");
        }
    }
}
