//! What was found in a head so far, for either role to judge at its end.

use crate::error::{HandshakeError, KnownField};

#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Findings {
    /// A bit for each of the known fields.
    seen: u16,
    /// The first thing that is wrong with the upgrade; the head as such may still be read to its end.
    objection: Option<HandshakeError>,
}

impl Findings {
    pub(super) const fn new() -> Self {
        Self { seen: 0, objection: None }
    }

    /// Whether `field` is seen for the first time.
    pub(super) fn see(&mut self, field: KnownField) -> bool {
        let first = !self.has(field);
        self.seen |= bit(field);
        first
    }

    pub(super) fn has(&self, field: KnownField) -> bool {
        self.seen & bit(field) != 0
    }

    pub(super) fn object(&mut self, error: HandshakeError) {
        self.objection = self.objection.or(Some(error));
    }

    pub(super) const fn objection(&self) -> Option<HandshakeError> {
        self.objection
    }

    /// What speaks against the upgrade, if it `needs` these fields.
    pub(super) fn verdict(&self, needs: &[KnownField]) -> Result<(), HandshakeError> {
        if let Some(error) = self.objection {
            return Err(error);
        }
        match needs.iter().find(|field| !self.has(**field)) {
            Some(missing) => Err(HandshakeError::Missing(*missing)),
            None => Ok(()),
        }
    }
}

const fn bit(field: KnownField) -> u16 {
    1u16.wrapping_shl(field as u32)
}
