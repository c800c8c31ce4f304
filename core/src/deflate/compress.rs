//! [`Deflater`]: one message at a time into DEFLATE (RFC 1951), with the fixed codes and the message as the window.

use core::fmt;

/// The least hash table in entries.
pub const MIN_TABLE_LEN: usize = 256;

/// The longest match in bytes (RFC 1951 section 3.2.5); shorter ones than this many save nothing.
const MAX_MATCH: usize = 258;
const MIN_MATCH: usize = 4;

/// How many symbols, as a power of two, have the same number of extra bits (RFC 1951 section 3.2.5).
const LENGTH_STEPS: u32 = 2;
const DISTANCE_STEPS: u32 = 1;

/// Compresses one message at a time over a hash table that the caller lends, at least [`MIN_TABLE_LEN`] entries of two
/// bytes; more entries find more. Nothing is kept between messages: no context takeover, RFC 7692 section 7.1.1.
///
/// [`Session::send_compressed`](crate::Session::send_compressed) does all of it. By hand:
///
/// ```
/// use microws::deflate::Deflater;
///
/// let (mut table, mut out) = ([0; 256], [0; 64]);
/// let mut deflater = Deflater::new(&mut table).expect("256 entries are enough");
/// deflater.begin(15);
/// let progress = deflater.deflate(b"to be or not to be, to be or not", &mut out);
/// assert!(progress.done && progress.len < 32);
/// ```
pub struct Deflater<'t> {
    table: &'t mut [u16],
    stage: Stage,
    /// Bits that were made and not yet written.
    bits: u32,
    count: u32,
    /// How far back a match may begin, in bytes.
    furthest: usize,
    /// Bytes of the message that were used.
    at: usize,
    /// The distance of a match whose length was made.
    distance: usize,
    saved: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    Begin,
    Tokens,
    Distance,
    Align,
    Done,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that were written.
    pub len: usize,
    /// Whether these were the last. If not, call again with the same message and more room.
    pub done: bool,
}

impl<'t> Deflater<'t> {
    /// Over `table`; `None` if it has fewer than [`MIN_TABLE_LEN`] entries.
    pub const fn new(table: &'t mut [u16]) -> Option<Self> {
        if table.len() < MIN_TABLE_LEN {
            return None;
        }
        Some(Self { table, stage: Stage::Done, bits: 0, count: 0, furthest: 0, at: 0, distance: 0, saved: 0 })
    }

    /// Begins a message, for a peer with a window of 2^`window_bits` bytes, 8 to 15.
    #[inline(never)]
    pub fn begin(&mut self, window_bits: u8) {
        self.table.fill(0);
        self.furthest = 1usize.wrapping_shl(u32::from(window_bits.min(15)));
        (self.stage, self.bits, self.count, self.at) = (Stage::Begin, 0, 0, 0);
    }

    /// Writes as much of the compressed `message` into `out` as there is room for. The bytes that every message ends
    /// with are left out (RFC 7692 section 7.2.1). The message must be the same in each call since
    /// [`begin`](Self::begin).
    pub fn deflate(&mut self, message: &[u8], out: &mut [u8]) -> Progress {
        let mut len = 0usize;
        for slot in out.iter_mut() {
            self.hold_a_byte(message);
            if self.count == 0 {
                break;
            }
            *slot = self.bits as u8;
            len = len.wrapping_add(1);
            self.bits >>= 8;
            self.count = self.count.saturating_sub(8);
        }
        // The room may end where the message does.
        self.hold_a_byte(message);
        Progress { len, done: self.stage == Stage::Done && self.count == 0 }
    }

    /// How many bytes [`deflate`](Self::deflate) makes of a whole message, by making and dropping them; `None` if they
    /// are not fewer than the message's own. Begin again afterwards.
    pub fn measure(&mut self, message: &[u8], window_bits: u8) -> Option<usize> {
        self.begin(window_bits);
        let (mut dropped, mut total) = ([0; 32], 0usize);
        loop {
            let Progress { len, done } = self.deflate(message, &mut dropped);
            total = total.saturating_add(len);
            if total >= message.len() {
                return None;
            }
            if done {
                return Some(total);
            }
        }
    }

    /// How many bytes of payload the last message was shorter by when it was
    /// [sent](crate::Session::send_compressed), 0 if it went plain.
    pub const fn saved(&self) -> usize {
        self.saved
    }

    pub(crate) const fn set_saved(&mut self, bytes: usize) {
        self.saved = bytes;
    }

    /// Makes tokens until there is a byte of them, or no more.
    fn hold_a_byte(&mut self, message: &[u8]) {
        while self.count < 8 && self.stage != Stage::Done {
            self.make(message);
        }
    }

    /// Makes the bits of the next token: at most 18 beside the 7 that are held.
    fn make(&mut self, message: &[u8]) {
        self.stage = match self.stage {
            Stage::Begin => {
                // BFINAL 0, BTYPE 01: the fixed codes. An empty message is an empty block of no compression, whose last
                // four bytes are left out: "an empty message [...] 0x00" (7.2.3.6).
                self.put(if message.is_empty() { 0b000 } else { 0b010 }, 3);
                if message.is_empty() { Stage::Align } else { Stage::Tokens }
            }
            Stage::Tokens => match message.get(self.at) {
                Some(byte) => {
                    let length = self.find(message);
                    self.at = self.at.wrapping_add(length.max(1));
                    if length > 0 {
                        // Lengths count from 3 on; the longest has a symbol of its own.
                        match length {
                            MAX_MATCH => self.symbol(285),
                            _ => self.number(length.wrapping_sub(3) as u32, LENGTH_STEPS),
                        }
                        Stage::Distance
                    } else {
                        self.symbol(u32::from(*byte));
                        Stage::Tokens
                    }
                }
                None => {
                    self.symbol(256);
                    // The header of an empty block without compression; its four bytes are left out.
                    self.put(0, 3);
                    Stage::Align
                }
            },
            Stage::Distance => {
                self.number(self.distance.wrapping_sub(1) as u32, DISTANCE_STEPS);
                Stage::Tokens
            }
            Stage::Align => {
                self.put(0, self.count.wrapping_neg() & 7);
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
    }

    /// The length of a match for what comes next, 0 if there is none worth it; its distance is noted.
    fn find(&mut self, message: &[u8]) -> usize {
        let rest = message.get(self.at..).unwrap_or_default();
        let Some([a, b, c, _]) = rest.first_chunk::<4>() else { return 0 };
        let hash = u32::from_le_bytes([*a, *b, *c, 0]).wrapping_mul(0x9e37_79b1) >> 16;
        // A table of any length: the upper half of a product is below it.
        let entries = self.table.len().min(0xffff) as u32;
        let slot = hash.wrapping_mul(entries) >> 16;
        let Some(slot) = self.table.get_mut(slot as usize) else { return 0 };
        // The table holds the lower half of each position; a comparison shows whether the string is the same.
        let distance = usize::from((self.at as u16).wrapping_sub(*slot));
        *slot = self.at as u16;
        if distance == 0 || distance > self.furthest || distance > self.at {
            return 0;
        }
        let before = message.get(self.at.wrapping_sub(distance)..).unwrap_or_default();
        let length = before.iter().zip(rest).take(MAX_MATCH).take_while(|(a, b)| a == b).count();
        self.distance = distance;
        if length < MIN_MATCH { 0 } else { length }
    }

    /// The symbol for `value`, counted from 0, and its extra bits: the reverse of what the inflater does with 2^`steps`
    /// symbols of the same number of extra bits.
    fn number(&mut self, value: u32, steps: u32) {
        let bits = value.checked_ilog2().unwrap_or(0).saturating_sub(steps);
        // Up to 2^(steps + 1) values are symbols themselves.
        let symbol = bits.wrapping_shl(steps).wrapping_add(value.wrapping_shr(bits));
        if steps == LENGTH_STEPS {
            self.symbol(symbol.wrapping_add(257));
        } else {
            self.code(symbol, 5);
        }
        self.put(value & 1u32.wrapping_shl(bits).wrapping_sub(1), bits);
    }

    /// A symbol of the fixed code for literals and lengths (RFC 1951 section 3.2.6).
    fn symbol(&mut self, symbol: u32) {
        let (code, bits) = match symbol {
            ..144 => (symbol.wrapping_add(0x30), 8),
            144..256 => (symbol.wrapping_add(0x190 - 144), 9),
            256..280 => (symbol.wrapping_sub(256), 7),
            _ => (symbol.wrapping_add(0xc0).wrapping_sub(280), 8),
        };
        self.code(code, bits);
    }

    /// "Huffman codes are packed starting with the most-significant bit of the code" (RFC 1951 section 3.1.1)
    fn code(&mut self, code: u32, bits: u32) {
        self.put(code.reverse_bits().wrapping_shr(32u32.wrapping_sub(bits)), bits);
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn put(&mut self, value: u32, bits: u32) {
        self.bits |= value.wrapping_shl(self.count);
        self.count = self.count.wrapping_add(bits);
    }
}

impl fmt::Debug for Deflater<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater").field("entries", &self.table.len()).field("at", &self.at).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Deflater<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Deflater {{ entries: {}, at: {} }}", self.table.len(), self.at);
    }
}
