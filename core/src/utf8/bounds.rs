//! The small form: how many bytes are still needed, and the bounds of the next one. No table.

/// Where in a code point the message stands.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct State {
    needed: u8,
    lower: u8,
    upper: u8,
}

impl Default for State {
    fn default() -> Self {
        Self::START
    }
}

impl State {
    pub(super) const START: Self = Self { needed: 0, lower: 0x80, upper: 0xbf };

    pub(super) const fn is_complete(&self) -> bool {
        self.needed == 0
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut rest = bytes;
        loop {
            if self.needed == 0 {
                // Words of ASCII are passed over whole.
                while let Some((word, behind)) = rest.split_first_chunk::<4>() {
                    if u32::from_ne_bytes(*word) & 0x8080_8080 != 0 {
                        break;
                    }
                    rest = behind;
                }
            }
            let Some((byte, behind)) = rest.split_first() else { return Ok(()) };
            if !self.step(*byte) {
                return Err(bytes.len().saturating_sub(rest.len()));
            }
            rest = behind;
        }
    }

    /// RFC 3629 section 4, the syntax of UTF-8 byte sequences.
    fn step(&mut self, byte: u8) -> bool {
        if self.needed == 0 {
            (self.needed, self.lower, self.upper) = match byte {
                0x00..=0x7f => (0, 0x80, 0xbf),
                0xc2..=0xdf => (1, 0x80, 0xbf),
                0xe0 => (2, 0xa0, 0xbf), // against overlong forms
                0xed => (2, 0x80, 0x9f), // against surrogates
                0xe1..=0xef => (2, 0x80, 0xbf),
                0xf0 => (3, 0x90, 0xbf), // against overlong forms
                0xf1..=0xf3 => (3, 0x80, 0xbf),
                0xf4 => (3, 0x80, 0x8f), // against what is beyond U+10FFFF
                _ => return false,
            };
            return true;
        }
        if byte < self.lower || byte > self.upper {
            return false;
        }
        (self.needed, self.lower, self.upper) = (self.needed.saturating_sub(1), 0x80, 0xbf);
        true
    }
}
