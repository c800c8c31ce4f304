//! [`Sid`]: the id of a session, or of a client in a namespace.

use core::fmt;

use crate::base64;

/// An id of 20 characters, base64url of 15 random bytes. With that of a session the session can be taken over:
/// the bytes must be such that nobody can predict them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sid([u8; 20]);

impl Sid {
    /// Of fresh random bytes.
    pub fn new(random: [u8; 15]) -> Self {
        let mut text = [0; 20];
        // 15 bytes make 20 characters, without padding.
        base64::encode_with(base64::URL, &random, &mut text);
        Self(text)
    }

    /// As it stands in JSON and in a request's query.
    pub const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The id is a secret: it is not shown.
impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid")
    }
}

/// The id is a secret: it is not shown.
#[cfg(feature = "defmt")]
impl defmt::Format for Sid {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Sid");
    }
}
