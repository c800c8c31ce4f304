//! Where one record ends and the next begins (RFC 8446 section 5.1), and which must not come.
//!
//! embedded-tls 0.19 panics on two kinds of record that anybody on the way to the server can send, and believes a
//! third: an encrypted record too short for a content type, a handshake message in the clear after the handshake, an
//! alert in the clear after the handshake. They are refused here, before it sees them.

const HEADER_LEN: usize = 5;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// The tag of AES-GCM, and the content type at least.
const SHORTEST_ENCRYPTED: usize = 16 + 1;
/// Section 5.2.
const LONGEST_ENCRYPTED: usize = (1 << 14) + 256;

/// A record that must not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, defmt::Format)]
pub enum BadRecord {
    /// Of that content type, in the clear, at this point.
    Clear(u8),
    /// Encrypted, of that length.
    Length(usize),
}

/// The records of one direction, as their bytes pass.
pub struct Records {
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// Bytes that the record still has after its header.
    left: usize,
    encrypted_only: bool,
}

impl Records {
    pub const fn new() -> Self {
        Self { header: [0; HEADER_LEN], header_len: 0, left: 0, encrypted_only: false }
    }

    /// From the next record on none may come in the clear.
    pub const fn expect_encrypted(&mut self) {
        self.encrypted_only = true;
    }

    /// Whether no record has begun.
    pub const fn is_between(&self) -> bool {
        self.header_len == 0 && self.left == 0
    }

    /// The next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), BadRecord> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let n = self.left.min(bytes.len());
                self.left -= n;
                bytes = bytes.get(n..).unwrap_or_default();
                continue;
            }
            bytes = rest;
            if let Some(place) = self.header.get_mut(self.header_len) {
                *place = byte;
            }
            self.header_len += 1;
            if self.header_len == HEADER_LEN {
                self.header_len = 0;
                self.left = self.judge()?;
            }
        }
        Ok(())
    }

    /// The length after the header.
    fn judge(&self) -> Result<usize, BadRecord> {
        let [kind, _, _, high, low] = self.header;
        let len = usize::from(u16::from_be_bytes([high, low]));
        match kind {
            APPLICATION_DATA if (SHORTEST_ENCRYPTED..=LONGEST_ENCRYPTED).contains(&len) => Ok(len),
            APPLICATION_DATA => Err(BadRecord::Length(len)),
            CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE if !self.encrypted_only => Ok(len),
            _ => Err(BadRecord::Clear(kind)),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::new()
    }
}
