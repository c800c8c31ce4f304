//! TCP: listening sockets, and the stream of one client.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{Address, Transport};
use crate::config::Config;

/// Connections that the kernel holds until they are accepted; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener(TcpListener);

impl Listener {
    /// Listens on `address`; events come as `token`.
    pub(crate) fn bind(
        address: SocketAddr,
        config: &Config,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut listener = open(address, config)?;
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Self(listener))
    }

    /// The address listened on, with the port that 0 stood for.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next client; [`ErrorKind::WouldBlock`] if none waits.
    pub(crate) fn accept(&self) -> io::Result<(Transport, Address)> {
        let (stream, address) = self.0.accept()?;
        Ok((Transport::new(Tcp(stream)), address.into()))
    }
}

fn open(address: SocketAddr, config: &Config) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        let takes_ipv4 = address.ip().is_unspecified() && !config.ipv6_only;
        socket.set_only_v6(!takes_ipv4)?;
    }
    socket.set_reuse_address(true)?;
    if config.reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// The stream of a client. It never blocks: `None` says that the call would have.
#[derive(Debug)]
pub(super) struct Tcp(TcpStream);

impl Tcp {
    #[cfg(test)]
    pub(super) fn from_std(stream: std::net::TcpStream) -> Self {
        Self(TcpStream::from_std(stream))
    }

    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        // Replies are whole when they are sent: to hold them back gains nothing.
        self.0.set_nodelay(true)?;
        registry.register(&mut self.0, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Reads once; 0 is the peer's end of the stream.
    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        retry(|| self.0.read(room))
    }

    /// Writes once, both slices in one call.
    #[inline]
    pub(super) fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<Option<usize>> {
        retry(|| match second {
            [] => self.0.write(first),
            _ => self.0.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]),
        })
    }

    /// Writes once, from all of the slices.
    pub(super) fn write_slices(&mut self, slices: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
        retry(|| self.0.write_vectored(slices))
    }

    /// Has it end in a reset when it is dropped.
    pub(super) fn reset(&self) -> io::Result<()> {
        SockRef::from(&self.0).set_linger(Some(Duration::ZERO))
    }

    /// Ends our direction. If the peer is gone already, reading finds that out.
    pub(super) fn shutdown(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// Repeats a call that a signal interrupted; `None` if it would block.
#[inline(always)]
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(n) => return Ok(Some(n)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
