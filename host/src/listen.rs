//! Where the server listens.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the server listens.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Listen {
    /// A TCP port; 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket of this name. If the server with that name is gone, the name is taken over; a running
    /// one keeps it. When this server stops, the name is removed.
    Unix(PathBuf),
    /// A socket that listens already, of TCP or Unix: a parent process made it. Its name is the parent's to remove.
    Inherited(Arc<OwnedFd>),
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// The name in error messages.
impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited(_) => f.write_str("the inherited socket"),
        }
    }
}
