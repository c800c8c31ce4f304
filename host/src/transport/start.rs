//! A connection's beginning, before it is known what comes: a proxy's header, then TLS or a plain request.

#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use rustls::ServerConfig;

use crate::proxy::{BadPreamble, Header, read_preamble};

/// The first byte of a TLS connection: the type of a record that holds a part of the handshake (RFC 8446 section 5.1). A
/// request begins with a letter.
#[cfg(feature = "tls")]
const HANDSHAKE: u8 = 0x16;

/// A connection whose first bytes decide what it is.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// A proxy must send the address of its client.
    preamble: bool,
    /// TLS may begin.
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// A part of the preamble.
    partial: Vec<u8>,
}

/// What the first bytes say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// Nothing yet.
    Not,
    /// So many bytes are the proxy's, and name its client; the rest is the client's.
    With { header: Option<Header>, is_tls: bool },
}

impl Start {
    /// A beginning that must be a proxy's header if there is a `preamble`.
    pub(crate) fn new(preamble: bool) -> Self {
        Self { preamble, ..Self::default() }
    }

    /// It may be TLS.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(self, tls: Option<Arc<ServerConfig>>) -> Self {
        Self { tls, ..self }
    }

    /// Whether there is nothing to wait for.
    pub(super) const fn is_over(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return false;
        }
        !self.preamble
    }

    /// Bytes that were kept, to be read again before others.
    pub(super) fn take_partial(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// Looks at the first `bytes` of the connection; keeps them if they are too few, unless the stream is `at_end`.
    pub(super) fn look(&mut self, bytes: &[u8], at_end: bool) -> Result<Begun, BadPreamble> {
        let header = match self.preamble.then(|| read_preamble(bytes)).transpose()? {
            // A connection without a byte: a probe whether the server is up.
            Some(None) if at_end && !bytes.is_empty() => return Err(BadPreamble::CUT),
            Some(None) => return Ok(self.keep(bytes)),
            Some(Some(header)) => Some(header),
            None => None,
        };
        match bytes.get(header.as_ref().map_or(0, |header| header.len)) {
            Some(&first) => Ok(Begun::With { header, is_tls: self.is_tls(first) }),
            None if at_end => Ok(Begun::With { header, is_tls: false }),
            None if header.is_some() && !self.awaits_tls() => Ok(Begun::With { header, is_tls: false }),
            None => Ok(self.keep(bytes)),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Begun {
        self.partial = bytes.to_vec();
        Begun::Not
    }

    #[cfg(feature = "tls")]
    pub(super) const fn awaits_tls(&self) -> bool {
        self.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    pub(super) const fn awaits_tls(&self) -> bool {
        false
    }

    #[cfg(feature = "tls")]
    const fn is_tls(&self, first: u8) -> bool {
        self.tls.is_some() && first == HANDSHAKE
    }

    #[cfg(not(feature = "tls"))]
    const fn is_tls(&self, _first: u8) -> bool {
        false
    }
}
