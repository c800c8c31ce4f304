//! A std TCP stream as a [`Stream`] that never waits: two functions.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use microws::io::nonblocking::Stream;

#[derive(Debug)]
pub(crate) struct Tcp(pub(crate) TcpStream);

impl Tcp {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }
}

impl Stream for Tcp {
    type Error = io::Error;

    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, io::Error> {
        self.0.read(buf).map_err(blocked)
    }

    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, io::Error> {
        self.0.write(buf).map_err(blocked)
    }
}

fn blocked(error: io::Error) -> nb::Error<io::Error> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => nb::Error::WouldBlock,
        _ => nb::Error::Other(error),
    }
}

/// `WouldBlock` as `None`.
pub(crate) fn ready<T, E>(result: nb::Result<T, E>) -> Result<Option<T>, E> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(nb::Error::WouldBlock) => Ok(None),
        Err(nb::Error::Other(error)) => Err(error),
    }
}

/// Nothing is ready: what a device does until the next interrupt.
pub(crate) fn idle() {
    std::thread::sleep(std::time::Duration::from_micros(200));
}
