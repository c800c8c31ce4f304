//! `rx` with an inflater: compressed payload out of the queue, inflated bytes into the ring.

use core::ops::Range;

use super::fast::FAST;
use super::inflate::{Inflater, MAX_RING_LEN, MIN_RING_LEN};
use super::inflated::{Inflated, Next};
use crate::buffer::Buffer;
use crate::wire::mask::Mask;

/// Payload that is unmasked at a time: what is not used is masked again.
const PIECE: usize = if FAST { 1024 } else { 64 };

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

    /// Inflates what waits of a payload of `remaining` bytes, at most `most` bytes out, and no further than the end of
    /// the ring.
    pub(crate) fn inflate(
        &mut self,
        remaining: &mut u64,
        mut mask: Option<&mut Mask>,
        most: usize,
    ) -> Inflated {
        let mut all = Inflated { bytes: 0..0, next: Next::Input };
        loop {
            let (waiting, Some((inflater, ring))) = self.filled_and_ring() else { return all };
            let len = waiting.len().min(PIECE).min(usize::try_from(*remaining).unwrap_or(usize::MAX));
            let piece = waiting.get_mut(..len).unwrap_or_default();
            if let Some(mask) = mask.as_deref() {
                mask.clone().apply(piece);
            }
            let mut input = &*piece;
            let left = most.saturating_sub(all.bytes.len());
            let inflated = inflater.inflate(&mut input, ring, left);
            let used = len.wrapping_sub(input.len());
            if let Some(mask) = &mut mask {
                mask.skip(used);
                mask.clone().apply(piece.get_mut(used..).unwrap_or_default());
            }
            let ring_len = ring.len().min(MAX_RING_LEN);
            self.consume(used);
            *remaining = remaining.wrapping_sub(used as u64);
            if all.bytes.is_empty() {
                all.bytes = inflated.bytes;
            } else {
                all.bytes.end = inflated.bytes.end;
            }
            all.next = inflated.next;
            // After the end of the ring the next byte goes to its front.
            let wraps = !all.bytes.is_empty() && all.bytes.end >= ring_len;
            if all.next != Next::Input || len == 0 || wraps {
                return all;
            }
        }
    }
}
