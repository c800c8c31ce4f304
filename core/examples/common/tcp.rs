//! A std TCP stream as a [`Stream`] that never waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use microws::io::polled::Stream;

#[derive(Debug)]
pub struct Tcp(pub TcpStream);

impl Tcp {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }
}

impl Stream for Tcp {
    type Error = io::Error;

    fn read(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.read(buf))
    }

    fn write(&mut self, buf: &[u8]) -> io::Result<Option<usize>> {
        unless_blocked(self.0.write(buf))
    }

    fn shutdown(&mut self) -> io::Result<bool> {
        super::half_close(&self.0);
        Ok(true)
    }
}

fn unless_blocked(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(n) => Ok(Some(n)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nothing is ready: a device sleeps here until the next interrupt.
pub fn idle() {
    std::thread::sleep(std::time::Duration::from_micros(200));
}
