//! The steps of an [`Inflater`], each of which takes all of its bits or none.
//!
//! ```text
//!            ┌── StoredLength ─▶ StoredCheck ─▶ Stored ─────────────────────────┐
//!  Header ───┼── Sizes ─▶ CodeLengths ─▶ Lengths ⇄ Repeat ──┐                   ├─▶ Header
//!            └──────────────────────────────────────────────┴─▶ Symbol ◀─┐      │
//!                Literal ◀── byte ──┤ ── end of block ──────────────────────────┘
//!                               LengthExtra ─▶ Distance ─▶ DistanceExtra ─▶ Copy ─┘
//! ```

use super::bits::Bits;
use super::fast::FAST;
use super::huffman::{Counts, Decoded, build, decode};
use super::inflate::{Inflater, LITERALS, MAX_RING_LEN};

/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: u16 = 256;

/// The order in which the lengths of the codes for code lengths come (RFC 1951 section 3.2.7).
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    Header,
    StoredLength,
    StoredCheck,
    Stored,
    Sizes,
    CodeLengths,
    Lengths,
    Repeat,
    Symbol,
    Literal,
    LengthExtra,
    Distance,
    DistanceExtra,
    Copy,
}

/// Why a step can't be made. Small, so that results are returned in a register.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Stop {
    Input,
    Output,
    Garbage,
    RingTooSmall,
}

impl Inflater {
    #[inline]
    pub(super) fn step(&mut self, input: &mut &[u8], ring: &mut [u8]) -> Result<(), Stop> {
        self.stage = match self.stage {
            Stage::Header => {
                // "When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end at a byte boundary, an endpoint
                // MUST add minimal padding bits of 0 to make it end at a byte boundary. The next DEFLATE block follows
                // the padded data if any." (7.2.1)
                if self.last {
                    self.bits.align();
                    self.last = false;
                }
                let header = self.take(3, input)?;
                self.last = header & 1 != 0;
                match header >> 1 {
                    0 => {
                        self.bits.align();
                        Stage::StoredLength
                    }
                    1 => {
                        self.use_fixed();
                        Stage::Symbol
                    }
                    2 => Stage::Sizes,
                    _ => return Err(Stop::Garbage),
                }
            }
            Stage::StoredLength => {
                self.length = self.take(16, input)?;
                Stage::StoredCheck
            }
            Stage::StoredCheck => {
                if self.take(16, input)? != !self.length {
                    return Err(Stop::Garbage);
                }
                Stage::Stored
            }
            Stage::Stored if self.length == 0 => Stage::Header,
            Stage::Stored => {
                self.symbol = self.take(8, input)?;
                Stage::Literal
            }
            Stage::Sizes => {
                let sizes = self.take(14, input)?;
                self.literals = (sizes & 31).wrapping_add(257);
                let distances = (sizes >> 5 & 31).wrapping_add(1);
                self.total = self.literals.wrapping_add(distances);
                self.code_lengths = (sizes >> 10).wrapping_add(4) as u8;
                if self.literals > 286 || distances > 30 {
                    return Err(Stop::Garbage);
                }
                (self.fixed, self.done) = (false, 0);
                for length in self.lengths.iter_mut().take(ORDER.len()) {
                    *length = 0;
                }
                Stage::CodeLengths
            }
            Stage::CodeLengths => {
                while self.done < u16::from(self.code_lengths) {
                    let length = self.take(3, input)? as u8;
                    let place = ORDER.get(usize::from(self.done)).map_or(0, |place| usize::from(*place));
                    if let Some(slot) = self.lengths.get_mut(place) {
                        *slot = length;
                    }
                    self.done = self.done.wrapping_add(1);
                }
                let lengths = self.lengths.get(..ORDER.len()).unwrap_or_default();
                if !build(lengths, &mut self.literal_counts, &mut self.literal_symbols, false) {
                    return Err(Stop::Garbage);
                }
                self.done = 0;
                Stage::Lengths
            }
            Stage::Lengths if self.done == self.total => {
                let lengths = self.lengths.get(..usize::from(self.total)).unwrap_or_default();
                let (literals, distances) =
                    lengths.split_at_checked(usize::from(self.literals)).unwrap_or_default();
                // A block without an end.
                let endless = literals.get(usize::from(END_OF_BLOCK)).is_none_or(|length| *length == 0);
                if endless
                    || !build(literals, &mut self.literal_counts, &mut self.literal_symbols, true)
                    || !build(distances, &mut self.distance_counts, &mut self.distance_symbols, true)
                {
                    return Err(Stop::Garbage);
                }
                self.tables.build((literals, &self.literal_counts), (distances, &self.distance_counts));
                Stage::Symbol
            }
            Stage::Lengths => match self.literal(input)? {
                length @ 0..=15 => {
                    self.fill(1, length as u8);
                    Stage::Lengths
                }
                symbol => {
                    self.symbol = symbol;
                    Stage::Repeat
                }
            },
            Stage::Repeat => {
                let (bits, least) = match self.symbol {
                    16 => (2, 3),
                    17 => (3, 3),
                    _ => (7, 11),
                };
                // "Copy the previous code length", or zeros.
                let before = usize::from(self.done).wrapping_sub(1);
                let length = match (self.symbol, self.lengths.get(before)) {
                    (16, Some(before)) => *before,
                    (16, None) => return Err(Stop::Garbage),
                    _ => 0,
                };
                let times = self.take(bits, input)?.wrapping_add(least);
                if times > self.total.wrapping_sub(self.done) {
                    return Err(Stop::Garbage);
                }
                self.fill(times, length);
                Stage::Lengths
            }
            Stage::Symbol => {
                if FAST {
                    self.run_fast(input, ring);
                    if self.stage != Stage::Symbol {
                        return Ok(());
                    }
                }
                self.symbol = self.literal(input)?;
                match self.symbol {
                    ..END_OF_BLOCK => Stage::Literal,
                    END_OF_BLOCK => Stage::Header,
                    _ => Stage::LengthExtra,
                }
            }
            Stage::Literal => {
                self.put(self.symbol as u8, ring)?;
                // In a block without compression there is a length, between matches there is none.
                match self.length.checked_sub(1) {
                    Some(left) => {
                        self.length = left;
                        Stage::Stored
                    }
                    None => Stage::Symbol,
                }
            }
            Stage::LengthExtra => {
                self.length = match self.symbol.wrapping_sub(257) {
                    28 => 258,
                    symbol @ ..28 => self.extra(symbol, 2, input)?.wrapping_add(3),
                    _ => return Err(Stop::Garbage),
                };
                Stage::Distance
            }
            Stage::Distance => {
                self.symbol = symbol(&mut self.bits, input, &self.distance_counts, &self.distance_symbols)?;
                Stage::DistanceExtra
            }
            Stage::DistanceExtra => {
                if self.symbol >= 30 {
                    return Err(Stop::Garbage);
                }
                self.distance = self.extra(self.symbol, 1, input)?.wrapping_add(1);
                if self.distance > self.seen {
                    return Err(Stop::Garbage);
                }
                if usize::from(self.distance) > ring.len() {
                    return Err(Stop::RingTooSmall);
                }
                Stage::Copy
            }
            Stage::Copy => {
                while self.length > 0 {
                    let (at, distance) = (usize::from(self.at), usize::from(self.distance));
                    let wrapped = if at < distance { ring.len().min(MAX_RING_LEN) } else { 0 };
                    let from = at.wrapping_add(wrapped).wrapping_sub(distance);
                    let byte = ring.get(from).copied().unwrap_or_default();
                    self.put(byte, ring)?;
                    self.length = self.length.wrapping_sub(1);
                }
                Stage::Symbol
            }
        };
        Ok(())
    }

    #[inline(never)]
    fn take(&mut self, n: u8, input: &mut &[u8]) -> Result<u16, Stop> {
        self.bits.take(n, input).ok_or(Stop::Input)
    }

    /// The next symbol of the code for literals and lengths, or for code lengths.
    #[inline(always)]
    fn literal(&mut self, input: &mut &[u8]) -> Result<u16, Stop> {
        symbol(&mut self.bits, input, &self.literal_counts, &self.literal_symbols)
    }

    /// The number that `symbol` and its extra bits stand for, counted from 0 (RFC 1951 section 3.2.5): both tables there
    /// go on by powers of two, with 2^`steps` symbols of the same number of extra bits.
    #[inline(never)]
    fn extra(&mut self, symbol: u16, steps: u8, input: &mut &[u8]) -> Result<u16, Stop> {
        let power = (symbol >> steps) as u8;
        let bits = power.saturating_sub(1);
        let extra = self.take(bits, input)?;
        let first = 1u16.wrapping_shl(u32::from(steps));
        // The first 2^(steps + 1) symbols stand for themselves.
        let base = if power == 0 { symbol } else { first | (symbol & first.wrapping_sub(1)) };
        Ok(base.wrapping_shl(u32::from(bits)).wrapping_add(extra))
    }

    /// Notes the next `times` code lengths.
    fn fill(&mut self, times: u16, length: u8) {
        for slot in self.lengths.iter_mut().skip(usize::from(self.done)).take(usize::from(times)) {
            *slot = length;
        }
        self.done = self.done.wrapping_add(times);
    }

    /// Makes the next byte, if there is room for it.
    #[inline(never)]
    fn put(&mut self, byte: u8, ring: &mut [u8]) -> Result<(), Stop> {
        let at = usize::from(self.at);
        if self.at >= self.end {
            return Err(Stop::Output);
        }
        if let Some(slot) = ring.get_mut(at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1);
        self.seen = self.seen.wrapping_add(1).min(MAX_RING_LEN as u16);
        Ok(())
    }

    /// The codes of RFC 1951 section 3.2.6; those before may be the same.
    fn use_fixed(&mut self) {
        if self.fixed {
            return;
        }
        for (symbol, length) in (0u16..).zip(&mut self.lengths) {
            *length = match symbol {
                144..256 => 9,
                256..280 => 7,
                288.. => 5,
                _ => 8,
            };
        }
        let (literals, distances) = self.lengths.split_at_checked(LITERALS).unwrap_or_default();
        self.fixed = build(literals, &mut self.literal_counts, &mut self.literal_symbols, false)
            && build(distances, &mut self.distance_counts, &mut self.distance_symbols, false);
        self.tables.build((literals, &self.literal_counts), (distances, &self.distance_counts));
    }
}

#[inline(always)]
fn symbol(bits: &mut Bits, input: &mut &[u8], counts: &Counts, symbols: &[u16]) -> Result<u16, Stop> {
    match decode(bits, input, counts, symbols) {
        Decoded::Symbol(symbol) => Ok(symbol),
        Decoded::Incomplete => Err(Stop::Input),
        Decoded::Unknown => Err(Stop::Garbage),
    }
}
