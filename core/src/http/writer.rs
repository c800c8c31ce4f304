//! Writing HTTP heads into `tx`: checked, and whole or not at all.

use super::field::{is_token, is_value};
use crate::buffer::Buffer;
use crate::error::{KnownField, SendError};

/// Further header fields of a request or answer, as name and value.
pub type Fields<'a> = [(&'a str, &'a str)];

/// Refuses what would end a line or begin another one.
pub(crate) fn check(fields: &Fields<'_>) -> Result<(), SendError> {
    if fields.iter().all(|(name, value)| is_token(name.as_bytes()) && is_value(value.as_bytes())) {
        Ok(())
    } else {
        Err(SendError::InvalidField)
    }
}

/// [`check`] for fields beside those that the handshake writes itself, which must not come twice.
pub(crate) fn check_own(fields: &Fields<'_>) -> Result<(), SendError> {
    if fields.iter().any(|(name, _)| KnownField::of(name.as_bytes()).is_some()) {
        return Err(SendError::InvalidField);
    }
    check(fields)
}

/// A head, or a part of one, that is counted first and written then.
#[derive(Debug)]
pub(crate) struct Writer<'t> {
    room: &'t mut [u8],
    len: usize,
}

impl<'t> Writer<'t> {
    /// Queues what `write` writes, if it fits.
    pub(crate) fn queue(tx: &mut Buffer<'_>, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        let free = tx.free();
        let mut writer = Writer { room: tx.room(free).unwrap_or_default(), len: 0 };
        write(&mut writer);
        let len = writer.len;
        if len > free {
            return Err(SendError::BufferFull);
        }
        tx.commit(len);
        Ok(())
    }

    /// Writes as far as there is room; [`queue`](Self::queue) judges at the end.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.len.saturating_add(bytes.len());
        if let Some(to) = self.room.get_mut(self.len..end) {
            crate::buffer::copy(to, bytes);
        }
        self.len = end;
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn field(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.text(name).text(": ").bytes(value).text("\r\n")
    }

    /// [`field`](Self::field) whose value is made byte by byte.
    pub(crate) fn field_of(&mut self, name: &str, value: impl Iterator<Item = u8>) -> &mut Self {
        self.text(name).text(": ");
        for byte in value {
            self.bytes(&[byte]);
        }
        self.text("\r\n")
    }

    pub(crate) fn fields(&mut self, fields: &Fields<'_>) -> &mut Self {
        for (name, value) in fields {
            self.field(name, value.as_bytes());
        }
        self
    }

    /// A number in decimal.
    pub(crate) fn number(&mut self, number: usize) -> &mut Self {
        let mut digits = [b'0'; 20];
        let mut rest = number;
        let mut used = 0usize;
        for digit in digits.iter_mut().rev() {
            *digit = b'0'.wrapping_add((rest % 10) as u8);
            rest /= 10;
            used = used.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        let first = digits.len().saturating_sub(used);
        self.bytes(digits.get(first..).unwrap_or_default())
    }
}
