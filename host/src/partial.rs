//! Bytes that were read and can't be used yet.

use microws::frame::MAX_HEADER_LEN;

use crate::transport::Queue;

/// The longest frame header.
const SHORT: usize = MAX_HEADER_LEN;

/// Part of a header line, of a frame's header, or of a control frame, kept for the next read; or the part of a frame's
/// payload that is held until the rest is there. While a payload arrives, nothing else is kept.
///
/// A frame's header is cut most often: it takes no allocation.
#[derive(Debug)]
pub(crate) enum Partial {
    Short {
        len: u8,
        bytes: [u8; SHORT],
    },
    /// Boxed twice, because a slice's box is twice as large as all the others.
    Long(Box<Box<[u8]>>),
    Payload(Box<Queue>),
}

// Every client has one.
const _: () = assert!(size_of::<Partial>() <= 16);

impl Partial {
    pub(crate) const EMPTY: Self = Self::Short { len: 0, bytes: [0; SHORT] };

    /// Keeps `rest` instead of what it kept before.
    #[inline]
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() || !self.is_empty() {
            *self = Self::new(rest);
        }
    }

    fn new(rest: &[u8]) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..rest.len()) {
            Some(room) => {
                room.copy_from_slice(rest);
                Self::Short { len: rest.len() as u8, bytes }
            }
            None => Self::Long(Box::new(rest.into())),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        matches!(self, Self::Short { len: 0, .. })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
            Self::Payload(_) => &[],
        }
    }

    /// Takes the payload that is held, if there is one.
    #[inline]
    pub(crate) fn take_payload(&mut self) -> Option<Box<Queue>> {
        if !matches!(self, Self::Payload(_)) {
            return None;
        }
        match std::mem::replace(self, Self::EMPTY) {
            Self::Payload(payload) => Some(payload),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_any_number_of_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut partial = Partial::EMPTY;
        assert!(partial.is_empty());
        for len in [0, 1, SHORT, SHORT + 1, 139, 256, 3, 200, 0] {
            partial.keep(&bytes[..len]);
            assert_eq!(partial.bytes(), &bytes[..len]);
            assert_eq!(partial.is_empty(), len == 0);
        }
    }
}
