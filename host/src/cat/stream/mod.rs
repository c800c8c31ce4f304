//! The stream to the server: TCP, and TLS over it. No other module depends on which it is.

#[cfg(feature = "tls")]
mod tls;

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use url::Host;

#[cfg(feature = "tls")]
use self::tls::Tls;
use crate::address::Address;
use crate::arguments::Arguments;

/// A connected stream that never waits.
#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    /// The last read filled its buffer: there may be more that was taken from the kernel already.
    may_hold_more: bool,
}

impl Stream {
    /// Connects to the first address of the host that takes it. The error says what went wrong, in a line.
    pub(crate) fn connect(arguments: &Arguments, timeout: Duration) -> Result<Self, String> {
        let address = &arguments.url;
        let deadline = Instant::now() + timeout;
        let mut failed = None;
        for address in resolve(address, timeout)? {
            let left = deadline.saturating_duration_since(Instant::now());
            // A time of 0 is no time to connect in.
            let left = left.max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left) {
                Ok(tcp) => return Self::begin(tcp, arguments, deadline),
                Err(error) => failed = Some(format!("can't connect to {address}: {error}")),
            }
        }
        Err(failed.unwrap_or_else(|| format!("{} has no address", address.host)))
    }

    #[cfg_attr(not(feature = "tls"), expect(unused_variables, unused_mut, reason = "TLS has a handshake"))]
    fn begin(mut tcp: TcpStream, arguments: &Arguments, deadline: Instant) -> Result<Self, String> {
        let failed = |error: io::Error| format!("can't use the connection: {error}");
        // A frame is written as a whole: to wait for more of them gains nothing.
        tcp.set_nodelay(true).map_err(failed)?;
        #[cfg(feature = "tls")]
        let tls = if arguments.url.is_secure {
            Some(Tls::connect(&mut tcp, &arguments.url.host, arguments, deadline)?)
        } else {
            None
        };
        tcp.set_nonblocking(true).map_err(failed)?;
        Ok(Self {
            tcp,
            #[cfg(feature = "tls")]
            tls,
            may_hold_more: false,
        })
    }

    /// What protects it, if something does.
    pub(crate) fn protection(&self) -> Option<String> {
        #[cfg(feature = "tls")]
        return self.tls.as_ref().map(Tls::agreed);
        #[cfg(not(feature = "tls"))]
        None
    }

    /// Reads some bytes; `None` if there are none yet, 0 for the end of the stream.
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            let read = unless_blocked(tls.read(&mut self.tcp, buf));
            self.may_hold_more = matches!(read, Ok(Some(n)) if n == buf.len() && n > 0);
            return read;
        }
        unless_blocked(self.tcp.read(buf))
    }

    /// Whether there may be bytes to read that the kernel knows nothing of.
    pub(crate) const fn may_hold_more(&self) -> bool {
        self.may_hold_more
    }

    /// Takes some of the bytes; `None` if it can't take any now.
    pub(crate) fn write(&mut self, buf: &[u8]) -> io::Result<Option<usize>> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return unless_blocked(tls.write(&mut self.tcp, buf));
        }
        unless_blocked(self.tcp.write(buf))
    }

    /// Whether bytes that it has taken wait to be written.
    pub(crate) fn wants_write(&self) -> bool {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return tls.wants_write();
        }
        false
    }

    /// Writes out what it has taken, as far as that goes.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.flush(&mut self.tcp);
        }
        Ok(())
    }

    /// Ends our direction; the server's is still read.
    pub(crate) fn shutdown(&mut self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &mut self.tls {
            return tls.end(&mut self.tcp);
        }
        end(&self.tcp)
    }
}

fn end(tcp: &TcpStream) -> io::Result<()> {
    tcp.shutdown(Shutdown::Write)
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
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
        // The receiver may be gone: the timeout has passed.
        let _ = sender.send((of_thread.as_str(), port).to_socket_addrs().map(Iterator::collect));
    });
    match addresses.recv_timeout(timeout) {
        Ok(found) => found.map_err(|error| format!("no address for {name}: {error}")),
        Err(RecvTimeoutError::Timeout) => Err(format!("no address for {name} within {timeout:?}")),
        Err(RecvTimeoutError::Disconnected) => Err(format!("no address for {name}")),
    }
}
