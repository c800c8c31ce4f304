//! The fast form: a shift automaton over a table of 2 KiB.
//!
//! Each byte value has one row of 64 bits that holds, six bits apiece, where every state goes on
//! that byte. A step is one load, which does not wait for the step before, and one shift.

use super::automaton::states::*;

/// The six-bit field of each state in a row; named by what must follow.
mod states {
    pub(super) const COMPLETE: u64 = 0;
    pub(super) const IMPOSSIBLE: u64 = 6;
    pub(super) const ONE: u64 = 12;
    pub(super) const TWO: u64 = 18;
    pub(super) const THREE: u64 = 24;
    /// After E0: A0 to BF, against overlong forms.
    pub(super) const TWO_FROM_A0: u64 = 30;
    /// After ED: 80 to 9F, against surrogates.
    pub(super) const TWO_TO_9F: u64 = 36;
    /// After F0: 90 to BF, against overlong forms.
    pub(super) const THREE_FROM_90: u64 = 42;
    /// After F4: 80 to 8F, against what is beyond U+10FFFF.
    pub(super) const THREE_TO_8F: u64 = 48;
    pub(super) const ALL: [u64; 9] =
        [COMPLETE, IMPOSSIBLE, ONE, TWO, THREE, TWO_FROM_A0, TWO_TO_9F, THREE_FROM_90, THREE_TO_8F];
}

/// RFC 3629 section 4, the syntax of UTF-8 byte sequences.
const fn next(state: u64, byte: u8) -> u64 {
    match (state, byte) {
        (COMPLETE, 0x00..=0x7f) => COMPLETE,
        (COMPLETE, 0xc2..=0xdf) => ONE,
        (COMPLETE, 0xe0) => TWO_FROM_A0,
        (COMPLETE, 0xed) => TWO_TO_9F,
        (COMPLETE, 0xe1..=0xef) => TWO,
        (COMPLETE, 0xf0) => THREE_FROM_90,
        (COMPLETE, 0xf1..=0xf3) => THREE,
        (COMPLETE, 0xf4) => THREE_TO_8F,
        (ONE, 0x80..=0xbf) => COMPLETE,
        (TWO, 0x80..=0xbf) | (TWO_FROM_A0, 0xa0..=0xbf) | (TWO_TO_9F, 0x80..=0x9f) => ONE,
        (THREE, 0x80..=0xbf) | (THREE_FROM_90, 0x90..=0xbf) | (THREE_TO_8F, 0x80..=0x8f) => TWO,
        _ => IMPOSSIBLE,
    }
}

#[expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "evaluated by the compiler")]
const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut i = 0;
        while i < ALL.len() {
            table[byte] |= next(ALL[i], byte as u8) << ALL[i];
            i += 1;
        }
        byte += 1;
    }
    table
}

static TABLE: [u64; 256] = table();

/// Where in a code point the message stands.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct State(u8);

impl Default for State {
    fn default() -> Self {
        Self::START
    }
}

#[inline(always)]
fn step(state: u64, byte: u8) -> u64 {
    // A byte can't index past a table of 256.
    TABLE.get(usize::from(byte)).map_or(IMPOSSIBLE, |row| row >> (state & 63))
}

/// ASCII is passed over in blocks of this many bytes.
const BLOCK: usize = 64;

/// Whether these are at least eight bytes of ASCII: by words, the last overlapping the one before
/// it, because most texts are shorter than a block. Fewer bytes are stepped through as fast.
#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else { return false };
    let all = bytes.chunks_exact(8).fold(u64::from_ne_bytes(*last), |all, word| {
        all | word.first_chunk().map_or(0, |word| u64::from_ne_bytes(*word))
    });
    all & 0x8080_8080_8080_8080 == 0
}

impl State {
    pub(super) const START: Self = Self(COMPLETE as u8);

    pub(super) const fn is_complete(&self) -> bool {
        self.0 as u64 == COMPLETE
    }

    #[inline]
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut state = u64::from(self.0);
        let mut blocks = bytes.chunks_exact(BLOCK);
        for block in &mut blocks {
            let ascii = block.iter().fold(0, |all, byte| all | byte) < 0x80;
            if ascii && state & 63 == COMPLETE {
                continue;
            }
            state = block.iter().fold(state, |state, byte| step(state, *byte));
        }
        let rest = blocks.remainder();
        if !(state & 63 == COMPLETE && is_ascii(rest)) {
            state = rest.iter().fold(state, |state, byte| step(state, *byte));
        }
        state &= 63;
        // Once impossible, always impossible: one look at the end suffices.
        if state == IMPOSSIBLE {
            return Err(self.first_impossible(bytes));
        }
        self.0 = state as u8;
        Ok(())
    }

    #[cold]
    fn first_impossible(&self, bytes: &[u8]) -> usize {
        let mut state = u64::from(self.0);
        bytes
            .iter()
            .position(|byte| {
                state = step(state, *byte) & 63;
                state == IMPOSSIBLE
            })
            .unwrap_or(bytes.len())
    }
}
