//! The socket of one client: its bytes as they are.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::io::{Errno, read, write, writev};
use socket2::SockRef;

/// The stream of a client, of TCP or of a Unix socket. It never blocks: `None` says that the call would have.
#[derive(Debug)]
pub(super) struct Stream(OwnedFd);

impl Stream {
    /// A connected socket that does not block.
    pub(super) const fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Has events come as `token`; `is_tcp` says of which kind it is.
    pub(super) fn register(&self, registry: &Registry, token: Token, is_tcp: bool) -> io::Result<()> {
        if is_tcp {
            // Replies are whole when they are sent: to hold them back gains nothing.
            SockRef::from(&self.0).set_tcp_nodelay(true)?;
        }
        let interest = Interest::READABLE | Interest::WRITABLE;
        registry.register(&mut SourceFd(&self.0.as_fd().as_raw_fd()), token, interest)
    }

    /// Reads once; 0 is the peer's end of the stream.
    #[inline]
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        retry(|| read(&self.0, &mut *room))
    }

    /// Writes once, both slices in one call.
    #[inline]
    pub(super) fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<Option<usize>> {
        retry(|| match second {
            [] => write(&self.0, first),
            _ => writev(&self.0, &[IoSlice::new(first), IoSlice::new(second)]),
        })
    }

    /// Writes once, from all of the slices.
    pub(super) fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        retry(|| writev(&self.0, slices))
    }

    /// Has it end in a reset when it is dropped; a Unix socket ends as ever.
    pub(super) fn reset(&self) -> io::Result<()> {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO))
    }

    /// Ends our direction. If the peer is gone already, reading finds that out.
    pub(super) fn shutdown(&self) {
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Write);
    }
}

/// Repeats a call that a signal interrupted; `None` if it would block.
#[inline(always)]
fn retry(mut call: impl FnMut() -> rustix::io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(n) => return Ok(Some(n)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
