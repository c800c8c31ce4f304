//! The steps of an [`Inflater`], each of which takes all of its bits or none.
//!
//! ```text
//!  Start
//!    ▼       ┌── StoredLength ─▶ StoredCheck ─▶ Stored ⇄ StoredByte ────────────┐
//!  Header ───┼── Sizes ─▶ CodeLengths ─▶ Lengths ⇄ Repeat ──┐                   ├─▶ Header
//!            └──────────────────────────────────────────────┴─▶ Symbol ◀─┐      │
//!                Literal ◀── byte ──┤ ── end of block ──────────────────────────┘
//!                    LengthExtra ─▶ Distance ─▶ DistanceExtra ─▶ Copy ───┘
//! ```
//!
//! Each begins with what it needs: a symbol, or so many bits, maybe none.

use super::fast::FAST;
use super::huffman::Code;
use super::inflate::{Inflater, LITERALS, MAX_RING_LEN};

/// The symbol that ends a block.
pub(super) const END_OF_BLOCK: u16 = 256;

/// The bits of a block's header.
const HEADER_BITS: u8 = 3;

/// The order in which the lengths of the codes for code lengths come (RFC 1951 section 3.2.7).
const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The lengths of the fixed codes, for literals and lengths and for distances (section 3.2.6): how many of each.
const FIXED: [(u8, u8); 5] = [(144, 8), (112, 9), (24, 7), (8, 8), (32, 5)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    // Before the first bit. It comes first, so that a new inflater is all zeros, and a static one takes no flash.
    Start,
    // These begin with a symbol, the others with bits.
    Lengths,
    Symbol,
    Distance,
    Header,
    StoredLength,
    StoredCheck,
    Stored,
    Sizes,
    CodeLengths,
    Repeat,
    LengthExtra,
    DistanceExtra,
    // These make bytes.
    Literal,
    StoredByte,
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
        if FAST && self.stage == Stage::Symbol {
            self.run_fast(input, ring);
        }
        let value = loop {
            let (value, bits) = match self.stage {
                Stage::Lengths | Stage::Symbol => self.decode(Code::Literals),
                Stage::Distance => self.decode(Code::Distances),
                _ => (self.bits.peek(u32::from(self.wanted)), u32::from(self.wanted)),
            };
            if self.bits.drop(bits) {
                break value;
            }
            if !self.bits.read(input) {
                return Err(Stop::Input);
            }
        };
        // Most stages need none.
        self.wanted = 0;
        self.stage = match self.stage {
            Stage::Start => self.next_block(),
            Stage::Header => {
                self.last = value & 1 != 0;
                match value >> 1 {
                    0 => {
                        self.bits.align();
                        self.want(16, Stage::StoredLength)
                    }
                    1 => {
                        // The codes of RFC 1951 section 3.2.6; those before may be the same.
                        if !self.fixed {
                            (self.fixed, self.done) = (true, 0);
                            for (times, length) in &FIXED {
                                self.fill(u16::from(*times), *length);
                            }
                            (self.literals, self.total) = (LITERALS as u16, self.done);
                            self.build_both()?;
                        }
                        Stage::Symbol
                    }
                    2 => self.want(14, Stage::Sizes),
                    _ => return Err(Stop::Garbage),
                }
            }
            Stage::StoredLength => {
                self.length = value;
                self.want(16, Stage::StoredCheck)
            }
            Stage::StoredCheck => {
                if value != !self.length {
                    return Err(Stop::Garbage);
                }
                self.next_stored()
            }
            Stage::Stored => {
                self.symbol = value;
                Stage::StoredByte
            }
            Stage::Sizes => {
                self.literals = (value & 31).wrapping_add(257);
                let distances = (value >> 5 & 31).wrapping_add(1);
                self.total = self.literals.wrapping_add(distances);
                self.code_lengths = (value >> 10).wrapping_add(4) as u8;
                if self.literals > 286 || distances > 30 {
                    return Err(Stop::Garbage);
                }
                (self.fixed, self.done) = (false, 0);
                self.want(3, Stage::CodeLengths)
            }
            Stage::CodeLengths => {
                let place = ORDER.get(usize::from(self.done)).map_or(0, |place| usize::from(*place));
                if let Some(slot) = self.lengths.get_mut(place) {
                    *slot = value as u8;
                }
                self.done = self.done.wrapping_add(1);
                if self.done < u16::from(self.code_lengths) {
                    self.want(3, Stage::CodeLengths)
                } else if self.done < ORDER.len() as u16 {
                    // Those that do not come are 0.
                    Stage::CodeLengths
                } else if self.build(Code::Lengths, 0, ORDER.len() as u16) {
                    self.done = 0;
                    Stage::Lengths
                } else {
                    return Err(Stop::Garbage);
                }
            }
            Stage::Lengths => {
                self.symbol = value;
                match value {
                    ..16 => {}
                    // "Copy the previous code length": there is none.
                    16 if self.done == 0 => return Err(Stop::Garbage),
                    16 => self.wanted = 2,
                    17 => self.wanted = 3,
                    _ => self.wanted = 7,
                }
                Stage::Repeat
            }
            Stage::Repeat => {
                let (least, length) = match self.symbol {
                    16 => {
                        let before = self.lengths.get(usize::from(self.done).wrapping_sub(1));
                        (3, before.copied().unwrap_or_default())
                    }
                    17 => (3, 0),
                    18 => (11, 0),
                    length => (1, length as u8),
                };
                let times = value.wrapping_add(least);
                if times > self.total.wrapping_sub(self.done) {
                    return Err(Stop::Garbage);
                }
                self.fill(times, length);
                if self.done < self.total { Stage::Lengths } else { self.build_both()? }
            }
            Stage::Symbol => {
                (self.symbol, self.length) = (value, 1);
                match value {
                    ..END_OF_BLOCK => Stage::Literal,
                    END_OF_BLOCK => self.next_block(),
                    285 => {
                        self.length = 258;
                        Stage::Distance
                    }
                    257..285 => {
                        self.length = self.number(value.wrapping_sub(257), 2).wrapping_add(3);
                        Stage::LengthExtra
                    }
                    _ => return Err(Stop::Garbage),
                }
            }
            Stage::LengthExtra => {
                self.length = self.length.wrapping_add(value);
                Stage::Distance
            }
            Stage::Distance if value >= 30 => return Err(Stop::Garbage),
            Stage::Distance => {
                self.distance = self.number(value, 1).wrapping_add(1);
                Stage::DistanceExtra
            }
            Stage::DistanceExtra => {
                self.distance = self.distance.wrapping_add(value);
                if self.distance > self.seen {
                    return Err(Stop::Garbage);
                }
                if usize::from(self.distance) > ring.len() {
                    return Err(Stop::RingTooSmall);
                }
                Stage::Copy
            }
            Stage::Literal | Stage::StoredByte | Stage::Copy => {
                if self.at >= self.end {
                    return Err(Stop::Output);
                }
                let mut byte = self.symbol as u8;
                if self.stage == Stage::Copy {
                    let wrapped = if self.at < self.distance { ring.len() } else { 0 };
                    let from =
                        usize::from(self.at).wrapping_add(wrapped).wrapping_sub(usize::from(self.distance));
                    byte = ring.get(from).copied().unwrap_or_default();
                }
                if let Some(slot) = ring.get_mut(usize::from(self.at)) {
                    *slot = byte;
                }
                self.at = self.at.wrapping_add(1);
                self.seen = self.seen.wrapping_add(1).min(MAX_RING_LEN as u16);
                self.length = self.length.wrapping_sub(1);
                match self.stage {
                    Stage::StoredByte => self.next_stored(),
                    stage if self.length > 0 => stage,
                    _ => Stage::Symbol,
                }
            }
        };
        Ok(())
    }

    /// The next stage, which needs `bits`.
    #[inline(always)]
    const fn want(&mut self, bits: u8, stage: Stage) -> Stage {
        self.wanted = bits;
        stage
    }

    /// Before a block.
    #[inline(always)]
    const fn next_block(&mut self) -> Stage {
        // "When any DEFLATE block with the "BFINAL" bit set to 1 doesn't end at a byte boundary, an endpoint
        // MUST add minimal padding bits of 0 to make it end at a byte boundary. The next DEFLATE block follows
        // the padded data if any." (7.2.1)
        if self.last {
            self.bits.align();
        }
        self.want(HEADER_BITS, Stage::Header)
    }

    /// In a block without compression.
    const fn next_stored(&mut self) -> Stage {
        if self.length == 0 { self.next_block() } else { self.want(8, Stage::Stored) }
    }

    /// Notes the next `times` code lengths.
    fn fill(&mut self, times: u16, length: u8) {
        for _ in 0..times {
            if let Some(slot) = self.lengths.get_mut(usize::from(self.done)) {
                *slot = length;
            }
            self.done = self.done.wrapping_add(1);
        }
    }

    /// Builds both codes, whose lengths have come.
    fn build_both(&mut self) -> Result<Stage, Stop> {
        let (literals, total) = (self.literals, self.total);
        // A block without an end.
        let endless = self.lengths.get(usize::from(END_OF_BLOCK)).is_none_or(|length| *length == 0);
        if endless
            || !self.build(Code::Literals, 0, literals)
            || !self.build(Code::Distances, literals, total)
        {
            return Err(Stop::Garbage);
        }
        let lengths = self.lengths.get(..usize::from(total)).unwrap_or_default();
        let (literals, distances) = lengths.split_at_checked(usize::from(literals)).unwrap_or_default();
        self.tables.build((literals, &self.literal_ends), (distances, &self.distance_ends));
        Ok(Stage::Symbol)
    }

    /// The least number that `symbol` stands for, counted from 0; its extra bits are wanted next (RFC 1951 section 3.2.5):
    /// both tables there go on by powers of two, with 2^`steps` symbols of the same number of extra bits.
    #[inline(never)]
    fn number(&mut self, symbol: u16, steps: u32) -> u16 {
        let power = u32::from(symbol).wrapping_shr(steps);
        let bits = power.saturating_sub(1);
        self.wanted = bits as u8;
        let first = 1u32.wrapping_shl(steps);
        // The first 2^(steps + 1) symbols stand for themselves.
        let base =
            if power == 0 { u32::from(symbol) } else { first | (u32::from(symbol) & first.wrapping_sub(1)) };
        base.wrapping_shl(bits) as u16
    }
}
