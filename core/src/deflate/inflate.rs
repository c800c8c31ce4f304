//! [`Inflater`]: raw DEFLATE (RFC 1951) into a ring, cut anywhere.

use core::fmt;

use super::bits::Bits;
use super::fast::Tables;
use super::huffman::{Ends, Symbols};
use super::inflated::{Fault, Inflated, Next};
use super::steps::{Stage, Stop};

/// The least ring in bytes: the smallest window that peers can agree on (RFC 7692 section 7.1.2).
pub const MIN_RING_LEN: usize = 1 << 8;

/// The largest ring in bytes: no distance is longer (RFC 1951 section 3.2.5).
pub const MAX_RING_LEN: usize = 1 << 15;

/// Codes for lengths of literals and matches, and for distances.
pub(super) const LITERALS: usize = 288;
pub(super) const DISTANCES: usize = 32;

/// The state of one stream of DEFLATE: 1,064 bytes, and on 64-bit machines, unless the feature `compact` is on, 3 KB of
/// tables for five times the speed. The ring is lent to each call, always the same one.
///
/// A program with a [`Session`](crate::Session) lends it to [`rx`](crate::Buffer::inflating); it may serve the next
/// connection when the one before has ended. By hand:
///
/// ```
/// use microws::deflate::{Inflater, Next};
///
/// // "Hello" as RFC 7692 section 7.2.3.1 prints it.
/// let mut input: &[u8] = &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
/// let inflated = inflater.inflate(&mut input, &mut ring, usize::MAX);
/// assert_eq!((&ring[inflated.bytes], inflated.next), (&b"Hello"[..], Next::Input));
/// assert!(inflater.is_complete());
/// ```
#[derive(Clone)]
// What is small and used often comes first, where a Thumb instruction of two bytes reaches it.
#[repr(C)]
pub struct Inflater {
    pub(super) stage: Stage,
    /// How many bits the stage needs.
    pub(super) wanted: u8,
    /// This block is the last of its stream; the next one begins at the next byte.
    pub(super) last: bool,
    /// The codes are those of RFC 1951 section 3.2.6.
    pub(super) fixed: bool,
    /// How many code lengths for code lengths come.
    pub(super) code_lengths: u8,
    pub(super) bits: Bits,
    /// Where the next byte goes, and where there is no more room in this call.
    pub(super) at: u16,
    pub(super) end: u16,
    /// How far back there are bytes: at most [`MAX_RING_LEN`].
    pub(super) seen: u16,
    /// Bytes that are left to copy.
    pub(super) length: u16,
    pub(super) distance: u16,
    /// A literal that waits for room, or the symbol that tells how code lengths repeat.
    pub(super) symbol: u16,
    /// Code lengths for literals; for these and distances; those that have come.
    pub(super) literals: u16,
    pub(super) total: u16,
    pub(super) done: u16,
    /// How many of the bytes that wait in `rx` are unmasked.
    pub(crate) unmasked: usize,
    pub(super) literal_ends: Ends,
    pub(super) distance_ends: Ends,
    pub(super) symbols: Symbols,
    pub(super) lengths: [u8; LITERALS + DISTANCES],
    pub(super) tables: Tables,
}

// One and a half KB is what a device can spare for it.
const _: () = assert!(size_of::<Inflater>() - size_of::<Tables>() <= 1536);

impl Inflater {
    /// At the start of a message, with an empty window.
    pub const fn new() -> Self {
        Self {
            stage: Stage::Start,
            wanted: 0,
            bits: Bits::NONE,
            last: false,
            fixed: false,
            code_lengths: 0,
            literals: 0,
            total: 0,
            done: 0,
            symbol: 0,
            length: 0,
            distance: 0,
            at: 0,
            end: 0,
            seen: 0,
            unmasked: 0,
            literal_ends: [0; 16],
            distance_ends: [0; 16],
            symbols: [0; LITERALS + DISTANCES],
            lengths: [0; LITERALS + DISTANCES],
            tables: Tables::NONE,
        }
    }

    /// Begins the next message, whether or not the last one was finished. `keep` keeps the window: context takeover, RFC 7692
    /// section 7.1.1. Without it the message's output begins at the front of the ring.
    pub const fn begin(&mut self, keep: bool) {
        (self.stage, self.wanted, self.bits, self.unmasked) = (Stage::Start, 0, Bits::NONE, 0);
        if !keep {
            (self.at, self.seen) = (0, 0);
        }
    }

    /// Inflates `input` into `ring`, until the input is used up, the ring's end is reached, or `most` bytes were made
    /// and there is another one. `input` becomes what was not used.
    ///
    /// A byte is made as soon as its bits are there: where the input was cut does not matter.
    #[inline(never)]
    pub fn inflate(&mut self, input: &mut &[u8], ring: &mut [u8], most: usize) -> Inflated {
        let len = ring.len().min(MAX_RING_LEN);
        let ring = ring.get_mut(..len).unwrap_or_default();
        if usize::from(self.at) >= len {
            self.at = 0;
        }
        let start = usize::from(self.at);
        // At most 2^15.
        self.end = len.min(start.saturating_add(most)) as u16;
        let next = loop {
            match self.step(input, ring) {
                Ok(()) => {}
                Err(Stop::Input) => break Next::Input,
                Err(Stop::Output) => break Next::Output,
                Err(Stop::Garbage) => break Next::Fault(Fault::Garbage),
                Err(Stop::RingTooSmall) => break Next::Fault(Fault::RingTooSmall(self.distance)),
            }
        };
        Inflated { bytes: start..usize::from(self.at), next }
    }

    /// Whether the message is complete, when all of its input was used.
    ///
    /// "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message" (RFC 7692 section 7.2.2):
    /// these end an empty block whose header has come, or the message was cut off.
    pub const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::StoredLength) && self.bits.is_empty()
    }
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").field("stage", &self.stage).field("seen", &self.seen).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Inflater {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Inflater {{ seen: {} }}", self.seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_is_all_zeros_so_that_a_static_takes_no_flash() {
        let Inflater {
            stage,
            wanted,
            last,
            fixed,
            code_lengths,
            bits,
            at,
            end,
            seen,
            length,
            distance,
            symbol,
            literals,
            total,
            done,
            unmasked,
            literal_ends,
            distance_ends,
            symbols,
            lengths,
            tables: _, // of numbers alone
        } = Inflater::new();
        assert_eq!((stage as u8, last, fixed, unmasked, bits.held, bits.count), (0, false, false, 0, 0, 0));
        assert_eq!((wanted, code_lengths, at, end, seen, length), (0, 0, 0, 0, 0, 0));
        assert_eq!((distance, symbol, literals, total, done), (0, 0, 0, 0, 0));
        assert!(
            [&literal_ends[..], &distance_ends, &symbols].iter().all(|part| part.iter().all(|one| *one == 0))
        );
        assert!(lengths.iter().all(|length| *length == 0));
    }
}
