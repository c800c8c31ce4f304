//! The two ends of a connection, as types: a device that only serves carries no client code.

mod sealed {
    pub trait Sealed {
        /// The masking key for the next frame; `None` for the role that does not mask.
        fn masking_key(&mut self) -> Option<[u8; 4]>;
    }
}
pub(crate) use sealed::Sealed;

/// Which end of the connection this is, [`Server`] or [`Client`]; it decides who masks
/// (RFC 6455 section 5.1).
pub trait Role: Sealed {
    /// Whether this end masks what it sends, and must not receive masked frames.
    const MASKS: bool;
}

/// The accepting end: it receives masked frames and sends unmasked ones.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct Server;

/// The connecting end: it masks what it sends. The closure fills a slice with random bytes, fresh
/// and unpredictable for each frame (RFC 6455 section 10.3).
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for the source of randomness")]
pub struct Client<F>(pub F);

impl<F> core::fmt::Debug for Client<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Client")
    }
}

#[cfg(feature = "defmt")]
impl<F> defmt::Format for Client<F> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Client");
    }
}

impl Sealed for Server {
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        None
    }
}

impl Role for Server {
    const MASKS: bool = false;
}

impl<F: FnMut(&mut [u8])> Sealed for Client<F> {
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        let mut key = [0; 4];
        (self.0)(&mut key);
        Some(key)
    }
}

impl<F: FnMut(&mut [u8])> Role for Client<F> {
    const MASKS: bool = true;
}
