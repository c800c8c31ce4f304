//! The state that both roles keep while a head comes: the fields that were seen, and the first fault.

use crate::config::Fields;
use crate::handshake::error::{HandshakeError, KnownField};
use crate::http::writer::are_valid;

#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Checks {
    /// A bit for each of the known fields.
    seen: u16,
    /// The first thing that is wrong with the upgrade; the head as such may still be read to its end.
    rejection: Option<HandshakeError>,
}

impl Checks {
    pub(super) const fn new() -> Self {
        Self { seen: 0, rejection: None }
    }

    /// Notes that `field` came: whether for the first time.
    pub(super) fn mark_seen(&mut self, field: KnownField) -> bool {
        let first = !self.has(field);
        self.seen |= bit(field);
        first
    }

    pub(super) fn has(&self, field: KnownField) -> bool {
        self.seen & bit(field) != 0
    }

    pub(super) fn reject(&mut self, error: HandshakeError) {
        self.rejection = self.rejection.or(Some(error));
    }

    pub(super) const fn rejection(&self) -> Option<HandshakeError> {
        self.rejection
    }

    /// The reason against the upgrade, if it needs these `fields`: the bits of [`needed`].
    pub(super) fn require(&self, fields: u16) -> Result<(), HandshakeError> {
        if let Some(error) = self.rejection {
            return Err(error);
        }
        let missing = fields & !self.seen;
        match KnownField::ALL.get(missing.trailing_zeros() as usize) {
            Some(field) => Err(HandshakeError::Missing(*field)),
            None => Ok(()),
        }
    }
}

/// A bit for each of the `fields`.
pub(super) const fn needed(mut fields: &[KnownField]) -> u16 {
    let mut bits = 0;
    while let [field, rest @ ..] = fields {
        bits |= bit(*field);
        fields = rest;
    }
    bits
}

/// By its place in [`KnownField::ALL`].
const fn bit(field: KnownField) -> u16 {
    1u16.wrapping_shl(field as u32)
}

/// Whether a caller's fields can be sent beside those that the handshake writes itself, which must not come twice.
pub(super) const fn are_own(mut fields: &Fields<'_>) -> bool {
    if !are_valid(fields) {
        return false;
    }
    while let [(name, _), rest @ ..] = fields {
        if KnownField::of(name.as_bytes()).is_some() {
            return false;
        }
        fields = rest;
    }
    true
}
