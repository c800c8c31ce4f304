//! A client's name in the log.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

/// A client's address: its name in the log. Each client has one, so the usual kind is short.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    V4(SocketAddrV4),
    V6(Box<SocketAddrV6>),
    /// A client of a Unix socket has no address: its number, counted from 1.
    Unix(u32),
}

impl Address {
    /// As the standard library has it; a client of a Unix socket has none.
    pub(crate) fn socket(&self) -> Option<SocketAddr> {
        match self {
            Self::V4(address) => Some(SocketAddr::V4(*address)),
            Self::V6(address) => Some(SocketAddr::V6(**address)),
            Self::Unix(_) => None,
        }
    }

    pub(super) const fn is_tcp(&self) -> bool {
        !matches!(self, Self::Unix(_))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(address) => Self::V4(address),
            SocketAddr::V6(address) => match address.ip().to_ipv4_mapped() {
                Some(ip) => Self::V4(SocketAddrV4::new(ip, address.port())),
                None => Self::V6(Box::new(address)),
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A header of a proxy names no port.
            Self::V4(address) if address.port() == 0 => write!(f, "{}", address.ip()),
            Self::V6(address) if address.port() == 0 => write!(f, "{}", address.ip()),
            Self::V4(address) => write!(f, "{address}"),
            Self::V6(address) => write!(f, "{address}"),
            Self::Unix(number) => write!(f, "unix:{number}"),
        }
    }
}
