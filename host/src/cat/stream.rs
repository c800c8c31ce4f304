//! The stream to the server. TCP alone today; TLS goes in here, and nothing else has to know of it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use url::Host;

use crate::address::Address;

/// A connected stream that never waits.
#[derive(Debug)]
pub(crate) struct Stream(TcpStream);

impl Stream {
    /// Connects to the first address of the host that takes it. The error says what went wrong, in a line.
    pub(crate) fn connect(address: &Address, timeout: Duration) -> Result<Self, String> {
        let deadline = Instant::now() + timeout;
        let mut failed = None;
        for address in resolve(address, timeout)? {
            let left = deadline.saturating_duration_since(Instant::now());
            // A time of 0 is no time to connect in.
            let left = left.max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left).and_then(Self::new) {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Some(format!("can't connect to {address}: {error}")),
            }
        }
        Err(failed.unwrap_or_else(|| format!("{} has no address", address.host)))
    }

    fn new(stream: TcpStream) -> io::Result<Self> {
        // A frame is written as a whole: to wait for more of them gains nothing.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }

    /// Reads some bytes; `None` if there are none yet, 0 for the end of the stream.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.read(buf))
    }

    /// Takes some of the bytes; `None` if it can't take any now.
    pub(crate) fn write(&mut self, buf: &[u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.write(buf))
    }

    /// Ends our direction; the server's is still read.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Write)
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The addresses of the host. The system's resolver has no timeout to set: a thread waits for it.
fn resolve(address: &Address, timeout: Duration) -> Result<Vec<SocketAddr>, String> {
    let port = address.port;
    let name = match &address.host {
        Host::Ipv4(ip) => return Ok(vec![(*ip, port).into()]),
        Host::Ipv6(ip) => return Ok(vec![(*ip, port).into()]),
        Host::Domain(name) => name.clone(),
    };
    let (sender, addresses) = channel();
    let of_thread = name.clone();
    thread::spawn(move || {
        // Nobody may wait for it any more.
        let _ = sender.send((of_thread.as_str(), port).to_socket_addrs().map(Iterator::collect));
    });
    match addresses.recv_timeout(timeout) {
        Ok(found) => found.map_err(|error| format!("no address for {name}: {error}")),
        Err(RecvTimeoutError::Timeout) => Err(format!("no address for {name} within {timeout:?}")),
        Err(RecvTimeoutError::Disconnected) => Err(format!("no address for {name}")),
    }
}
