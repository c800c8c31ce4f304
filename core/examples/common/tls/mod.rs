//! TLS 1.3 with embedded-tls: what it leaves to the program. The firmware in `tests/device` uses `pinned` and
//! `records`, too.
#![allow(dead_code, unreachable_pub, reason = "shared by programs none of which needs all of it")]

pub mod pinned;
pub mod records;

use embedded_io::{Error as _, ErrorKind, ErrorType, Read, Write};
use records::{Records, mended_alert};

/// A blocking stream below embedded-tls that refuses records which must not come.
#[derive(Debug)]
pub struct Guarded<S> {
    stream: S,
    records: Records,
}

impl<S> Guarded<S> {
    pub const fn new(stream: S) -> Self {
        Self { stream, records: Records::new() }
    }
}

impl<S> ErrorType for Guarded<S> {
    // embedded-tls passes on the kind alone.
    type Error = ErrorKind;
}

impl<S: Read> Read for Guarded<S> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let n = self.stream.read(buf).map_err(|error| error.kind())?;
        self.records.pass(buf.get(..n).unwrap_or_default()).map_err(|_| ErrorKind::InvalidData)?;
        Ok(n)
    }
}

impl<S: Write> Write for Guarded<S> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mended = mended_alert(buf);
        self.stream.write(mended.as_ref().map_or(buf, <[u8; 7]>::as_slice)).map_err(|error| error.kind())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.stream.flush().map_err(|error| error.kind())
    }
}
