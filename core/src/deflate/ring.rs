//! `rx` with an inflater and its ring.

use core::ops::Range;

use super::inflate::{Inflater, MAX_RING_LEN, MIN_RING_LEN};
use crate::buffer::Buffer;

impl<'a> Buffer<'a> {
    /// The same queue as `rx` with an inflater for compressed messages: sessions agree to permessage-deflate (RFC 7692)
    /// then, and hand out inflated chunks. `ring` is the peer's window, 256 bytes to 32 KiB; other sizes do not compile:
    /// see [`deflate`](crate::deflate).
    ///
    /// ```compile_fail
    /// # use microws::{Buffer, deflate::Inflater};
    /// Buffer::new(&mut [0; 256]).inflating(&mut Inflater::new(), &mut [0; 255]);
    /// ```
    #[must_use]
    pub const fn inflating<const N: usize>(self, inflater: &'a mut Inflater, ring: &'a mut [u8; N]) -> Self {
        const { assert!(N >= MIN_RING_LEN && N <= MAX_RING_LEN, "a ring has 256 bytes to 32 KiB") }
        self.with_inflater(inflater, ring)
    }

    /// [`inflating`](Self::inflating) for a length known at run time only; `None` below [`MIN_RING_LEN`]. Bytes beyond
    /// [`MAX_RING_LEN`] are not used.
    pub const fn inflating_slice(self, inflater: &'a mut Inflater, ring: &'a mut [u8]) -> Option<Self> {
        if ring.len() < MIN_RING_LEN {
            return None;
        }
        Some(self.with_inflater(inflater, ring))
    }

    const fn with_inflater(mut self, inflater: &'a mut Inflater, ring: &'a mut [u8]) -> Self {
        self.inflating = Some((inflater, ring));
        self
    }

    /// The largest window that the ring holds, 2^n bytes with n from 8 to 15; `None` without a ring.
    pub(crate) fn ring_bits(&self) -> Option<u8> {
        let (_, ring) = self.inflating.as_ref()?;
        Some(ring.len().min(MAX_RING_LEN).checked_ilog2()? as u8)
    }

    /// Bytes that were inflated.
    pub(crate) fn inflated_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        match &mut self.inflating {
            Some((_, ring)) => ring.get_mut(range).unwrap_or_default(),
            None => Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    /// A message without compression, masked; and its bytes.
    fn stored(len: u16) -> (Vec<u8>, Vec<u8>) {
        let plain: Vec<u8> = (0..len).map(|i| (i * 7 / 5) as u8).collect();
        let [low, high] = len.to_le_bytes();
        let mut payload = [&[0x00, low, high, !low, !high][..], &plain, &[0x00]].concat();
        Mask::new(KEY).apply(&mut payload);
        (payload, plain)
    }

    #[test]
    fn a_ring_has_256_bytes_at_least_and_no_more_than_32_kib_of_it_count() {
        for (len, bits) in [
            (0, None),
            (255, None),
            (256, Some(8)),
            (511, Some(8)),
            (512, Some(9)),
            (32767, Some(14)),
            (32768, Some(15)),
            (65536, Some(15)),
        ] {
            let (mut storage, mut ring, mut inflater) = ([0; 139], vec![0; len], Inflater::new());
            let rx = Buffer::new(&mut storage).inflating_slice(&mut inflater, &mut ring);
            assert_eq!(rx.and_then(|rx| rx.ring_bits()), bits, "{len}");
        }
        let (mut storage, mut ring, mut inflater) = ([0; 139], [0; 1024], Inflater::new());
        let rx = Buffer::new(&mut storage);
        assert_eq!(rx.ring_bits(), None);
        assert_eq!(rx.inflating(&mut inflater, &mut ring).ring_bits(), Some(10));
    }

    #[test]
    fn all_that_waits_of_a_payload_is_inflated_at_once_and_nothing_after_it() {
        let (payload, plain) = stored(3 * PIECE as u16);
        let (mut storage, mut ring, mut inflater) = ([0; 4096], [0; 4096], Inflater::new());
        let mut rx = Buffer::new(&mut storage).inflating(&mut inflater, &mut ring);
        assert!(rx.push(&payload) && rx.push(b"\x89\x00"));
        let (mut remaining, mut mask) = (payload.len() as u64, Mask::new(KEY));
        let inflated = rx.inflate(&mut remaining, Some(&mut mask), usize::MAX);
        assert_eq!(inflated, Inflated { bytes: 0..plain.len(), next: Next::Input });
        assert_eq!((remaining, rx.filled()), (0, &b"\x89\x00"[..]));
        assert_eq!(rx.inflated_mut(0..plain.len()), plain);
    }

    #[test]
    fn what_has_no_room_waits_as_it_came() {
        let (payload, plain) = stored(600);
        let (mut storage, mut ring, mut inflater) = ([0; 700], [0; 256], Inflater::new());
        let mut rx = Buffer::new(&mut storage).inflating(&mut inflater, &mut ring);
        assert!(rx.push(&payload));
        let (mut remaining, mut mask) = (payload.len() as u64, Mask::new(KEY));
        let mut made = Vec::new();
        // As many bytes as were asked for, up to the ring's end, from its front again; of one more the bits are held.
        for (most, bytes, next) in [
            (100, 0..100, Next::Output),
            (999, 100..256, Next::Output),
            (256, 0..256, Next::Output),
            (999, 0..88, Next::Input),
        ] {
            let inflated = rx.inflate(&mut remaining, Some(&mut mask), most);
            assert_eq!(inflated, Inflated { bytes: bytes.clone(), next });
            made.extend_from_slice(rx.inflated_mut(bytes));
            assert_eq!(rx.filled(), &payload[payload.len() - remaining as usize..]);
        }
        assert_eq!((made, remaining), (plain, 0));
    }

    #[test]
    fn a_piece_that_ends_with_the_ring_is_handed_out_before_the_next() {
        // After five bytes these make a piece, or several.
        let (payload, plain) = stored(1300);
        let (mut storage, mut ring, mut inflater) = ([0; 4096], [0; 1024 - 5], Inflater::new());
        let len = ring.len();
        let mut rx = Buffer::new(&mut storage).inflating(&mut inflater, &mut ring);
        assert!(rx.push(&payload));
        let (mut remaining, mut mask) = (payload.len() as u64, Mask::new(KEY));
        let inflated = rx.inflate(&mut remaining, Some(&mut mask), usize::MAX);
        assert_eq!(inflated, Inflated { bytes: 0..len, next: Next::Input });
        assert_eq!(rx.inflated_mut(0..len), &plain[..len]);
        let inflated = rx.inflate(&mut remaining, Some(&mut mask), usize::MAX);
        assert_eq!(inflated, Inflated { bytes: 0..1300 - len, next: Next::Input });
        assert_eq!(rx.inflated_mut(0..1300 - len), &plain[len..]);
    }
}
