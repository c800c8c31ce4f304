//! The payload of a close frame, RFC 6455 section 5.5.1.

use core::fmt;

use crate::wire::code::CloseCode;
use crate::wire::error::ProtocolError;
use crate::wire::frame::MAX_CONTROL_LEN;
use crate::wire::utf8::is_text;

/// Longest reason in bytes: what the code leaves of a control frame's 125.
pub const MAX_REASON_LEN: usize = MAX_CONTROL_LEN - 2;

/// The content of a close frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Close<'b> {
    /// The code; [`CloseCode::NO_STATUS`] if the frame was empty (section 7.1.5).
    pub code: CloseCode,
    /// Valid UTF-8. Making a `str` of it costs a device half a kilobyte, so only `reason` does that.
    reason: &'b [u8],
}

impl<'b> Close<'b> {
    /// Reads the unmasked payload of a close frame.
    ///
    /// # Errors
    /// [`CloseTooShort`](ProtocolError::CloseTooShort) for a single byte,
    /// [`InvalidCloseCode`](ProtocolError::InvalidCloseCode) for a code that must not be sent,
    /// [`InvalidUtf8`](ProtocolError::InvalidUtf8) for a reason that is no UTF-8.
    pub fn parse(payload: &'b [u8]) -> Result<Self, ProtocolError> {
        let close = Self::of_checked(payload);
        if payload.len() == 1 {
            return Err(ProtocolError::CloseTooShort);
        }
        if !(payload.is_empty() || close.code.is_sendable()) {
            return Err(ProtocolError::InvalidCloseCode(close.code.0));
        }
        if !is_text(close.reason) {
            return Err(ProtocolError::InvalidUtf8);
        }
        Ok(close)
    }

    /// [`parse`](Self::parse) for what it found valid before.
    pub(crate) fn of_checked(payload: &'b [u8]) -> Self {
        match payload {
            [hi, lo, reason @ ..] => Self { code: CloseCode(u16::from_be_bytes([*hi, *lo])), reason },
            _ => Self { code: CloseCode::NO_STATUS, reason: &[] },
        }
    }

    /// The reason; empty if there was none.
    pub fn reason(&self) -> &'b str {
        core::str::from_utf8(self.reason).unwrap_or_default()
    }
}

impl fmt::Debug for Close<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Close").field("code", &self.code).field("reason", &self.reason()).finish()
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Close<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Close {{ code: {}, reason: {} }}", self.code, self.reason());
    }
}
