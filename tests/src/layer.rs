//! What may be between the bytes of a client and its socket, as TLS is.

use std::fmt::Debug;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::TIMEOUT;
use crate::raw::Raw;

/// A protocol between a client and its socket. Where the socket does not block, it says so as the socket does.
pub trait Layer: Debug + Send {
    /// Reads some bytes; 0 is the end.
    ///
    /// # Errors
    /// The socket's, or the end came otherwise than the protocol has it.
    fn read(&mut self, tcp: &mut TcpStream, room: &mut [u8]) -> io::Result<usize>;

    /// Writes some of the bytes.
    ///
    /// # Errors
    /// The socket's.
    fn write(&mut self, tcp: &mut TcpStream, bytes: &[u8]) -> io::Result<usize>;

    /// Writes what was taken, and not written.
    ///
    /// # Errors
    /// The socket's.
    fn flush(&mut self, tcp: &mut TcpStream) -> io::Result<()>;

    /// Says that nothing more comes.
    ///
    /// # Errors
    /// The socket's.
    fn finish(&mut self, tcp: &mut TcpStream) -> io::Result<()>;
}

impl Read for Raw {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match &mut self.layer {
            Some(layer) => layer.read(&mut self.stream, room),
            None => self.stream.read(room),
        }
    }
}

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Some(layer) => layer.write(&mut self.stream, bytes),
            None => self.stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.layer.as_mut().map_or(Ok(()), |layer| layer.flush(&mut self.stream))
    }
}

impl Raw {
    /// The same client with `layer` between it and its socket.
    #[must_use]
    pub fn with_layer(mut self, layer: Box<dyn Layer>) -> Self {
        self.layer = Some(layer);
        self
    }

    /// Says that nothing more comes; the answers can still be read.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn try_finish(&mut self) -> io::Result<()> {
        if let Some(layer) = &mut self.layer {
            layer.finish(&mut self.stream)?;
        }
        self.stream.shutdown(Shutdown::Write)
    }

    /// Sends `bytes` and ends our direction. What comes meanwhile is kept; a server that takes no more is no error.
    ///
    /// # Errors
    /// It can't be read, or nothing happened for too long.
    pub fn send_and_finish(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut came = Vec::new();
        let done = self.exchange(bytes, bytes.len(), |read| {
            came.extend_from_slice(read);
            Ok(true)
        });
        self.came.extend(came);
        match done {
            // The server may end before us.
            Ok(()) => drop(self.try_finish()),
            // It is read again.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Sends `n` bytes of `bytes`, which repeat, and gives what comes meanwhile to `on_read`, until all is sent, or the server
    /// takes no more, and `on_read` has returned `true`. It is called with nothing first.
    ///
    /// # Errors
    /// Its own; the connection ended, or nothing happened for too long.
    pub fn exchange(
        &mut self,
        bytes: &[u8],
        n: usize,
        on_read: impl FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let done = self.exchange_unblocked(bytes, n, on_read);
        self.stream.set_nonblocking(false)?;
        done
    }

    fn exchange_unblocked(
        &mut self,
        bytes: &[u8],
        mut n: usize,
        mut on_read: impl FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut room = vec![0; 1 << 18];
        let (mut sent, mut is_done, mut last) = (0, on_read(&[])?, Instant::now());
        loop {
            let mut moved = 0;
            let at = sent % bytes.len();
            let piece = &bytes[at..][..(bytes.len() - at).min(n - sent)];
            // With nothing to write, TLS may hold bytes still.
            let written = if piece.is_empty() { self.flush().map(|()| 0) } else { self.write(piece) };
            match written {
                Ok(_) if sent == n && is_done => return Ok(()),
                Ok(written) => moved += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // What it sent before can still be read.
                Err(_) => n = sent,
            }
            sent += moved;
            match self.read(&mut room) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    moved += read;
                    is_done |= on_read(&room[..read])?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if moved > 0 {
                last = Instant::now();
            } else if last.elapsed() > TIMEOUT {
                return Err(ErrorKind::TimedOut.into());
            } else {
                thread::sleep(Duration::from_micros(100));
            }
        }
    }
}
