//! Deflaters for messages that are sent.

use std::fmt;

use slab::Slab;
use zlib_rs::{Deflate, DeflateFlush, Status};

use super::{Key, PIECE, index, key};
use crate::stats::Compressed;

/// Bytes of a deflater with a window of 32 KiB.
pub(super) const SIZE: usize = 384 * 1024;

/// The smallest window, 2^9 bytes, that zlib makes raw streams for: to clients that want a smaller one messages go plain.
const MIN_BITS: u8 = 9;

/// What a sender leaves out at the end of a message (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The end of a compressed message with nothing after its last part (section 7.2.3.6).
const NOTHING: [u8; 1] = [0x00];

/// One deflater for each size of window, and those of clients with context takeover.
pub(crate) struct Deflaters {
    level: i32,
    threshold: usize,
    shared: [Option<Deflate>; 7],
    own: Slab<Option<Deflate>>,
    /// How many clients own one.
    owners: usize,
    out: Vec<u8>,
    counts: Compressed,
}

/// The deflater of a client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) window_bits: u8,
    /// With context takeover.
    pub(crate) own: Option<Key>,
}

impl Deflaters {
    pub(super) fn new(level: u8, threshold: usize) -> Self {
        Self {
            level: level.into(),
            threshold,
            shared: Default::default(),
            own: Slab::new(),
            owners: 0,
            out: Vec::new(),
            counts: Compressed::default(),
        }
    }

    /// Bytes that clients own.
    pub(crate) const fn owned(&self) -> usize {
        self.owners * SIZE
    }

    /// A client with a window of 2^`bits` bytes has come: nothing is allocated when it gets messages.
    pub(crate) fn prepare(&mut self, bits: u8) {
        self.out.resize(2 * PIECE, 0);
        if let Some(slot) = bits.checked_sub(MIN_BITS).and_then(|at| self.shared.get_mut(usize::from(at))) {
            slot.get_or_insert_with(|| new_deflater(self.level, bits));
        }
    }

    /// A client has contexts, that of its replies if they have a window of 2^`bits` bytes.
    pub(crate) fn add_context(&mut self, bits: Option<u8>) -> Key {
        let deflater = bits.filter(|bits| *bits >= MIN_BITS).map(|bits| new_deflater(self.level, bits));
        self.owners += usize::from(deflater.is_some());
        key(self.own.insert(deflater))
    }

    pub(super) fn remove_context(&mut self, key: Key) {
        if self.own.remove(index(key)).is_some() {
            self.owners -= 1;
        }
    }

    /// Whether a message is worth it whose first part has so many bytes.
    pub(crate) const fn is_worth_it(&self, len: usize) -> bool {
        len >= self.threshold && len > 0
    }

    /// Compresses the next part of a message, at most [`PIECE`] bytes; `fin` ends it. `None` if the `first` part is no
    /// shorter so.
    pub(crate) fn deflate(
        &mut self,
        choice: Choice,
        payload: &[u8],
        first: bool,
        fin: bool,
    ) -> Option<&[u8]> {
        let Self { shared, own, out, counts, .. } = self;
        let kept = choice.own.and_then(|key| own.get_mut(index(key))?.as_mut());
        let is_shared = kept.is_none();
        let deflater = match kept {
            Some(deflater) => deflater,
            None => shared.get_mut(usize::from(choice.window_bits.checked_sub(MIN_BITS)?))?.as_mut()?,
        };
        if payload.is_empty() {
            return Some(if fin { &NOTHING } else { &[] });
        }
        // Another client's bytes may be in it.
        if is_shared {
            deflater.reset();
        }
        let before = deflater.total_out();
        // There is always room for all of it: output that waits inside of zlib-rs 0.6 takes room there even after a reset,
        // until it panics.
        let status = deflater.compress(payload, out, DeflateFlush::SyncFlush);
        let len = (deflater.total_out() - before) as usize;
        let tail = if fin { TAIL.len() } else { 0 };
        let deflated = out.get(..len.saturating_sub(tail)).filter(|_| status == Ok(Status::Ok))?;
        if first && deflated.len() >= payload.len() {
            // The client does not get what this deflater has seen.
            deflater.reset();
            return None;
        }
        counts.plain += payload.len() as u64;
        counts.compressed += deflated.len() as u64;
        Some(deflated)
    }

    pub(super) fn take_counts(&mut self) -> Compressed {
        std::mem::take(&mut self.counts)
    }
}

fn new_deflater(level: i32, bits: u8) -> Deflate {
    Deflate::new(level, false, bits)
}

impl fmt::Debug for Deflaters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflaters")
            .field("level", &self.level)
            .field("owners", &self.owners)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use zlib_rs::{Inflate, InflateFlush};

    use super::*;

    /// Text and noise in turns, from a generator of its own.
    fn payload(seed: usize, len: usize) -> Vec<u8> {
        let mut state = (seed as u32).wrapping_mul(2_654_435_761);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..len)
            .map(|n| if (n >> (seed % 14)) & 3 == 0 { b"reading "[n % 8] } else { next() >> (seed % 8) })
            .collect()
    }

    #[test]
    fn parts_of_every_kind_and_size_inflate_again_at_every_level_and_window() {
        for level in [1, 3, 6] {
            for bits in [9, 12, 15] {
                let mut deflaters = Deflaters::new(level, 0);
                deflaters.prepare(bits);
                let own = deflaters.add_context(Some(bits));
                let mut kept = Inflate::new(false, 15);
                let mut out = vec![0; PIECE + 1];
                for seed in 0..16 {
                    let len =
                        [1, 2, 60, 300, 2000, 10_000, PIECE - 1, PIECE][(seed + usize::from(level)) % 8];
                    let plain = payload(seed, len);
                    for own in [None, Some(own)] {
                        let choice = Choice { window_bits: bits, own };
                        let (first, fin) = (seed % 3 > 0, seed % 2 > 0);
                        let Some(deflated) = deflaters.deflate(choice, &plain, first, fin) else {
                            assert!(first, "only a first part may go plain");
                            continue;
                        };
                        assert!(!first || deflated.len() < plain.len());
                        let tail = if fin { &TAIL[..] } else { &[] };
                        let mut fresh = Inflate::new(false, bits);
                        let inflate = if own.is_some() { &mut kept } else { &mut fresh };
                        let before = inflate.total_out();
                        let input = [deflated, tail].concat();
                        let status = inflate.decompress(&input, &mut out, InflateFlush::SyncFlush);
                        let made = (inflate.total_out() - before) as usize;
                        assert!(
                            status.is_ok() && out[..made] == plain,
                            "level {level}, window {bits}, {seed}: {made}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_message_is_worth_it_from_the_threshold_on_and_an_empty_one_never() {
        let worth = |threshold, len| Deflaters::new(1, threshold).is_worth_it(len);
        assert!(!worth(100, 99) && worth(100, 100) && worth(100, 101));
        assert!(!worth(0, 0) && worth(0, 1) && worth(0, 2));
        assert!(!worth(1, 0) && worth(1, 1));
    }

    #[test]
    fn what_clients_own_is_counted_in_bytes() {
        let mut deflaters = Deflaters::new(6, 0);
        assert_eq!(deflaters.owned(), 0);
        let keys = [Some(15), Some(9), Some(8), None].map(|bits| deflaters.add_context(bits));
        assert_eq!(format!("{deflaters:?}"), "Deflaters { level: 6, owners: 2, .. }");
        assert_eq!(deflaters.owned(), 2 * 393_216);
        for (key, owners) in keys.into_iter().zip([1, 0, 0, 0]) {
            deflaters.remove_context(key);
            assert_eq!(deflaters.owned(), owners * 393_216);
        }
    }

    #[test]
    fn the_bytes_of_compressed_messages_are_counted_in_both_forms() {
        let mut deflaters = Deflaters::new(1, 0);
        deflaters.prepare(15);
        let choice = Choice { window_bits: 15, own: None };
        let text = [b'a'; 1000];
        let mut expected = Compressed::default();
        for (message, first) in [(&text[..], true), (&text[..300], true), (&text[..1], false), (b"", true)] {
            let deflated =
                deflaters.deflate(choice, message, first, true).expect("it is shorter, or not the first");
            let compressed = if message.is_empty() { 0 } else { deflated.len() as u64 };
            expected.add(Compressed { plain: message.len() as u64, compressed });
        }
        assert_eq!(deflaters.deflate(choice, b"a", true, true), None);
        assert_eq!(deflaters.take_counts(), expected);
        assert_eq!(deflaters.take_counts(), Compressed::default());
    }

    #[test]
    fn a_part_without_bytes_is_the_end_of_its_message_or_nothing() {
        let mut deflaters = Deflaters::new(1, 0);
        deflaters.prepare(9);
        let choice = Choice { window_bits: 9, own: None };
        assert_eq!(deflaters.deflate(choice, b"", false, true), Some(&[0x00][..]));
        assert_eq!(deflaters.deflate(choice, b"", false, false), Some(&[][..]));
        // zlib makes no window of 2^8 bytes, and none was prepared of 2^10.
        for window_bits in [8, 10] {
            assert_eq!(
                deflaters.deflate(Choice { window_bits, own: None }, b"aaaaaaaaaaaa", true, true),
                None
            );
        }
    }

    #[test]
    fn there_is_room_for_a_part_that_gets_longer() {
        // The noise of a payload without its text.
        let plain: Vec<u8> =
            payload(0, 2 * PIECE).chunks(4).flat_map(|bytes| &bytes[1..]).copied().take(PIECE).collect();
        for level in [1, 6, 9] {
            let mut deflaters = Deflaters::new(level, 0);
            deflaters.prepare(15);
            let choice = Choice { window_bits: 15, own: None };
            let deflated = deflaters.deflate(choice, &plain, false, false).expect("no first part");
            assert!(deflated.len() > PIECE, "level {level}: {}", deflated.len());
            let (mut inflate, mut out) = (Inflate::new(false, 15), vec![0; PIECE + 1]);
            inflate.decompress(deflated, &mut out, InflateFlush::SyncFlush).expect("DEFLATE data");
            assert!(inflate.total_out() == 65_536 && out[..PIECE] == plain, "level {level}");
        }
    }
}
