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

    use super::*;

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
}
