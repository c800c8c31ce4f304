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
