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
                while let Some((word, after)) = rest.split_first_chunk::<4>() {
                    if u32::from_ne_bytes(*word) & 0x8080_8080 != 0 {
                        break;
                    }
                    rest = after;
                }
            }
            let Some((byte, after)) = rest.split_first() else { return Ok(()) };
            if !self.step(*byte) {
                return Err(bytes.len().saturating_sub(rest.len()));
            }
            rest = after;
        }
    }

    /// RFC 3629 section 4, the syntax of UTF-8 byte sequences.
    fn step(&mut self, byte: u8) -> bool {
        if self.needed == 0 {
            if byte < 0x80 {
                return true;
            }
            // The others begin nothing, or an overlong form, or what is beyond U+10FFFF.
            if !(0xc2..=0xf4).contains(&byte) {
                return false;
            }
            self.needed = 1u8.wrapping_add(u8::from(byte >= 0xe0)).wrapping_add(u8::from(byte >= 0xf0));
            match byte {
                0xe0 => self.lower = 0xa0, // against overlong forms
                0xed => self.upper = 0x9f, // against surrogates
                0xf0 => self.lower = 0x90, // against overlong forms
                0xf4 => self.upper = 0x8f, // against what is beyond U+10FFFF
                _ => {}
            }
            return true;
        }
        if byte < self.lower || byte > self.upper {
            return false;
        }
        (self.needed, self.lower, self.upper) = (self.needed.saturating_sub(1), 0x80, 0xbf);
        true
    }
}
