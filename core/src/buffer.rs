//! [`Buffer`]: a first-in first-out queue of bytes over the caller's storage.

use core::cell::Cell;
use core::ops::Range;

use crate::wire::frame::{MAX_CONTROL_LEN, MAX_HEADER_LEN};

/// The least storage a [`Buffer`] may have, in bytes: 139, one whole control frame (125 bytes,
/// RFC 6455 section 5.5) after the longest header (14 bytes, section 5.2).
///
/// It is enough for messages of any size once the connection is open. During the opening
/// handshake `rx` must hold the longest header line that matters: 256 bytes are enough for most peers,
/// 512 for browsers with long `Origin`s and targets.
pub const MIN_CAPACITY: usize = MAX_HEADER_LEN + MAX_CONTROL_LEN;

/// A queue of bytes over the caller's storage; the same type serves both directions.
///
/// The side that does the I/O reads into [`spare`](Self::spare) of `rx` and [`commit`](Self::commit)s; the
/// protocol takes bytes from it. The protocol commits into `tx`; the side that does the I/O writes
/// [`filled`](Self::filled) and [`consume`](Self::consume)s the bytes that the transport took. The buffer
/// remembers what was consumed, so the caller keeps no cursor.
#[derive(Debug)]
pub struct Buffer<'a> {
    storage: &'a mut [u8],
    // start <= end <= storage.len(): differences of these can't wrap.
    start: usize,
    end: usize,
    /// The inflater of compressed messages, and its ring.
    #[cfg(feature = "deflate")]
    pub(crate) inflating: Option<(&'a mut crate::deflate::Inflater, &'a mut [u8])>,
}

impl<'a> Buffer<'a> {
    /// An empty queue over `storage`. `N` below [`MIN_CAPACITY`] does not compile:
    ///
    /// ```compile_fail
    /// microws::Buffer::new(&mut [0; microws::MIN_CAPACITY - 1]);
    /// ```
    pub const fn new<const N: usize>(storage: &'a mut [u8; N]) -> Self {
        const { assert!(N >= MIN_CAPACITY, "a Buffer needs at least MIN_CAPACITY bytes") }
        Self::over(storage)
    }

    const fn over(storage: &'a mut [u8]) -> Self {
        Self {
            storage,
            start: 0,
            end: 0,
            #[cfg(feature = "deflate")]
            inflating: None,
        }
    }

    /// [`new`](Self::new) for a length known at run time only; `None` below [`MIN_CAPACITY`].
    pub const fn from_slice(storage: &'a mut [u8]) -> Option<Self> {
        if storage.len() < MIN_CAPACITY {
            return None;
        }
        Some(Self::over(storage))
    }

    /// The bytes that wait, oldest first.
    pub fn filled(&self) -> &[u8] {
        self.storage.get(self.start..self.end).unwrap_or_default()
    }

    /// How many bytes wait.
    pub const fn len(&self) -> usize {
        self.end.wrapping_sub(self.start)
    }

    /// Whether no byte waits.
    pub const fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The size of the storage in bytes.
    pub const fn capacity(&self) -> usize {
        self.storage.len()
    }

    /// How many bytes can still be added.
    pub const fn free(&self) -> usize {
        self.capacity().wrapping_sub(self.len())
    }

    /// All the [`free`](Self::free) room as one slice, to read into; then [`commit`](Self::commit).
    ///
    /// Moves the waiting bytes to the front first where they are not there already.
    pub fn spare(&mut self) -> &mut [u8] {
        self.compact();
        self.storage.get_mut(self.end..).unwrap_or_default()
    }

    /// Declares the first `n` bytes of [`spare`](Self::spare) filled; more than there is counts as all of it.
    pub fn commit(&mut self, n: usize) {
        self.end = self.end.wrapping_add(n.min(self.storage.len().wrapping_sub(self.end)));
    }

    /// Drops the `n` oldest bytes; more than there are counts as all of them.
    pub fn consume(&mut self, n: usize) {
        self.start = self.start.wrapping_add(n.min(self.len()));
    }

    /// Adds `bytes` whole and returns `true`, or changes nothing and returns `false`.
    #[must_use]
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        self.push_all(&[bytes])
    }

    /// Adds all `parts` in order and returns `true`, or changes nothing and returns `false`.
    #[must_use]
    pub fn push_all(&mut self, parts: &[&[u8]]) -> bool {
        let total = parts.iter().fold(0usize, |n, part| n.saturating_add(part.len()));
        let Some(mut room) = self.room(total) else { return false };
        for part in parts {
            let Some((here, rest)) = core::mem::take(&mut room).split_at_mut_checked(part.len()) else {
                return false;
            };
            copy(here, part);
            room = rest;
        }
        self.commit(total);
        true
    }

    /// The next `n` bytes of free room, to be committed; `None` if there are fewer. Moves
    /// waiting bytes only where the room after them is too small.
    pub(crate) fn room(&mut self, n: usize) -> Option<&mut [u8]> {
        if self.is_empty() || self.storage.len().wrapping_sub(self.end) < n {
            self.compact();
        }
        self.storage.get_mut(self.end..)?.get_mut(..n)
    }

    /// Declares `n` bytes of [`room`](Self::room) filled: no more than it gave.
    pub(crate) fn fill(&mut self, n: usize) {
        self.end = self.end.wrapping_add(n);
    }

    /// Consumes `n` bytes and says where they stand, until [`spare`](Self::spare) is next called.
    pub(crate) fn take(&mut self, n: usize) -> Range<usize> {
        let from = self.start;
        self.consume(n);
        from..self.start
    }

    /// [`take`](Self::take) after a header, both of which are known to be there.
    pub(crate) fn take_after(&mut self, header: usize, n: usize) -> Range<usize> {
        let from = self.start.wrapping_add(header);
        self.start = from.wrapping_add(n);
        from..self.start
    }

    /// Puts the last `n` bytes that were taken back, before [`spare`](Self::spare) is next called.
    pub(crate) fn untake(&mut self, n: usize) {
        self.start = self.start.saturating_sub(n);
    }

    /// Bytes taken before.
    pub(crate) fn taken(&self, range: Range<usize>) -> &[u8] {
        self.storage.get(range).unwrap_or_default()
    }

    /// Bytes taken before.
    pub(crate) fn taken_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        self.storage.get_mut(range).unwrap_or_default()
    }

    /// The waiting bytes, to be changed where they stand.
    pub(crate) fn filled_mut(&mut self) -> Option<&mut [u8]> {
        self.storage.get_mut(self.start..self.end)
    }

    /// The waiting bytes, and what inflates them.
    #[cfg(feature = "deflate")]
    #[allow(clippy::type_complexity)]
    pub(crate) fn filled_and_ring(
        &mut self,
    ) -> (&mut [u8], Option<(&mut crate::deflate::Inflater, &mut [u8])>) {
        let filled = self.storage.get_mut(self.start..self.end).unwrap_or_default();
        (filled, self.inflating.as_mut().map(|(inflater, ring)| (&mut **inflater, &mut **ring)))
    }

    /// Sets bits in the first of the last `n` bytes that were queued.
    #[cfg(feature = "deflate")]
    pub(crate) fn set_in_last(&mut self, n: usize, bits: u8) {
        if let Some(byte) = self.storage.get_mut(self.end.wrapping_sub(n)) {
            *byte |= bits;
        }
    }

    /// Drops all but the `n` oldest bytes.
    pub(crate) fn truncate(&mut self, n: usize) {
        self.end = self.start.wrapping_add(n.min(self.len()));
    }

    fn compact(&mut self) {
        if self.start == 0 {
            return;
        }
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            return;
        }
        shift_left(self.storage, self.start..self.end, 0);
        self.end = self.len();
        self.start = 0;
    }
}

/// How full it is; the bytes themselves are not logged.
#[cfg(feature = "defmt")]
impl defmt::Format for Buffer<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Buffer {{ {} of {} bytes }}", self.len(), self.capacity());
    }
}

/// Moves `from` of `bytes` down to `to`; what does not exist is not moved.
///
/// `copy_within` would leave a panic path that the optimizer cannot remove.
pub(crate) fn shift_left(bytes: &mut [u8], from: Range<usize>, to: usize) {
    let cells = Cell::from_mut(bytes).as_slice_of_cells();
    let source = cells.get(from).unwrap_or_default();
    for (to, from) in cells.get(to..).unwrap_or_default().iter().zip(source) {
        to.set(from.get());
    }
}

/// `copy_from_slice` without its panic, which stays at opt-level z even after a comparison of the
/// lengths. If one slice is longer, the rest of it is left alone.
#[cfg(not(all(target_pointer_width = "32", target_has_atomic = "32")))]
#[inline(always)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

/// The same for 32-bit machines with unaligned loads: their `memcpy` takes four instructions a byte when
/// source and target are not aligned alike. Two words at a time, because the optimizer turns a loop over
/// single words into that `memcpy`.
#[cfg(all(target_pointer_width = "32", target_has_atomic = "32"))]
#[inline(never)]
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    let n = to.len().min(from.len());
    let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) else { return };
    let (mut to, mut from) = (to.chunks_exact_mut(8), from.chunks_exact(8));
    for (to, from) in (&mut to).zip(&mut from) {
        let words = (from.first_chunk::<4>(), from.last_chunk::<4>());
        let (Some(low), Some(high)) = words else { return };
        let (low, high) = (u32::from_ne_bytes(*low), u32::from_ne_bytes(*high));
        if let Some(to) = to.first_chunk_mut::<4>() {
            *to = low.to_ne_bytes();
        }
        if let Some(to) = to.last_chunk_mut::<4>() {
            *to = high.to_ne_bytes();
        }
    }
    for (to, from) in to.into_remainder().iter_mut().zip(from.remainder()) {
        *to = *from;
    }
}
