//! Where one TLS record ends and the next begins (RFC 8446 section 5.1), and which must not come.
//!
//! embedded-tls 0.19 panics on two kinds of record that anybody on the way to the server can send: one of encrypted data
//! that is too short for a content type, and a handshake message in the clear after the handshake. It believes a third:
//! an alert in the clear after the handshake, so that anybody can end the connection as if the server had. They are
//! refused here, before it sees them. Its own alerts in the clear have a content type that no server understands, which
//! is mended here.

const HEADER_LEN: usize = 5;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// The tag of AES-GCM, and the content type at least.
const SHORTEST_ENCRYPTED: usize = 16 + 1;
/// Section 5.2.
const LONGEST_ENCRYPTED: usize = (1 << 14) + 256;

/// The right form of a record that is to be sent, if it is an alert in the clear.
pub fn mended_alert(record: &[u8]) -> Option<[u8; 7]> {
    let [CHANGE_CIPHER_SPEC, 3, 1, 0, 2, level, description] = *record else { return None };
    Some([ALERT, 3, 3, 0, 2, level, description])
}

/// A record that must not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRecord {
    /// Of that content type, in the clear, after an encrypted one.
    Clear(u8),
    /// Encrypted, of that length.
    Length(usize),
    /// Of an unknown content type.
    Kind(u8),
}

/// The server's records, as their bytes pass.
#[derive(Debug)]
pub struct Records {
    header: [u8; HEADER_LEN],
    header_len: usize,
    /// Bytes that the record still has after its header.
    left: usize,
    /// An encrypted record has come: all that follow are.
    encrypted: bool,
}

impl Records {
    pub const fn new() -> Self {
        Self { header: [0; HEADER_LEN], header_len: 0, left: 0, encrypted: false }
    }

    /// Whether no record has begun: embedded-tls may be interrupted here, and nowhere else.
    pub const fn is_between(&self) -> bool {
        self.header_len == 0 && self.left == 0
    }

    /// Takes note of the next bytes. After an error the connection is to be dropped.
    pub fn pass(&mut self, mut bytes: &[u8]) -> Result<(), BadRecord> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                let n = self.left.min(bytes.len());
                self.left = self.left.saturating_sub(n);
                bytes = bytes.get(n..).unwrap_or_default();
                continue;
            }
            bytes = rest;
            if let Some(place) = self.header.get_mut(self.header_len) {
                *place = byte;
            }
            self.header_len = self.header_len.saturating_add(1);
            if self.header_len == HEADER_LEN {
                self.header_len = 0;
                self.left = self.judge()?;
            }
        }
        Ok(())
    }

    /// The length after the header.
    fn judge(&mut self) -> Result<usize, BadRecord> {
        let [kind, _, _, high, low] = self.header;
        let len = usize::from(u16::from_be_bytes([high, low]));
        match kind {
            APPLICATION_DATA if (SHORTEST_ENCRYPTED..=LONGEST_ENCRYPTED).contains(&len) => {
                self.encrypted = true;
                Ok(len)
            }
            APPLICATION_DATA => Err(BadRecord::Length(len)),
            ALERT | HANDSHAKE if self.encrypted => Err(BadRecord::Clear(kind)),
            CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE => Ok(len),
            _ => Err(BadRecord::Kind(kind)),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::new()
    }
}
