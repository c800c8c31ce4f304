//! TCP as the stream below embedded-tls, which waits.

use core::cell::RefCell;

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use embedded_tls::TlsError;
use microws::io::polled::Stream;
use smoltcp::time::{Duration, Instant};

use super::records::{BadRecord, Records, mended_alert};
use crate::client::{Connection, Transport};

/// A record that has begun is there within this time, and one of ours is taken.
const RECORD_WITHIN: Duration = Duration::from_secs(10);

/// What lies below TLS: TCP, and where in the server's records it is.
pub struct Under<'n, 's> {
    pub connection: Connection<'n, 's>,
    records: Records,
    /// The handshake ends at this time.
    handshake: Option<Instant>,
}

impl<'n, 's> Under<'n, 's> {
    pub const fn new(connection: Connection<'n, 's>) -> Self {
        Self { connection, records: Records::new(), handshake: None }
    }

    /// From now on a read waits for bytes, and all of that no longer than `limit`.
    pub fn begin_handshake(&mut self, limit: Duration) {
        self.records = Records::new();
        self.handshake = Some(self.connection.poll() + limit);
    }

    /// From now on a read waits within a record alone.
    pub const fn end_handshake(&mut self) {
        self.handshake = None;
    }
}

/// The stream that embedded-tls owns.
pub struct Wire<'u, 'n, 's>(pub &'u RefCell<Under<'n, 's>>);

/// Why the wire gives no bytes, or takes none.
#[derive(Debug, Clone, Copy)]
pub enum WireError {
    /// Nothing has come, and no record has begun: call again.
    BetweenRecords,
    /// The peer was too slow.
    Overdue,
    /// The TCP connection is gone.
    Gone,
    Record(BadRecord),
}

impl embedded_io::Error for WireError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BetweenRecords => ErrorKind::Interrupted,
            Self::Overdue => ErrorKind::TimedOut,
            Self::Gone => ErrorKind::ConnectionReset,
            Self::Record(_) => ErrorKind::InvalidData,
        }
    }
}

impl core::fmt::Display for WireError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl core::error::Error for WireError {}

/// Whether it is [`WireError::BetweenRecords`]; embedded-tls passes on the kind of an error alone.
pub fn is_between_records(error: &TlsError) -> bool {
    matches!(error, TlsError::Io(ErrorKind::Interrupted))
}

impl ErrorType for Wire<'_, '_, '_> {
    type Error = WireError;
}

impl Read for Wire<'_, '_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, WireError> {
        let Under { connection, records, handshake } = &mut *self.0.borrow_mut();
        let until = handshake.unwrap_or(connection.poll() + RECORD_WITHIN);
        loop {
            let now = connection.poll();
            if let Some(n) = connection.read(buf).map_err(|_| WireError::Gone)? {
                records.pass(buf.get(..n).unwrap_or_default()).map_err(|bad| {
                    match bad {
                        BadRecord::Clear(kind) => defmt::warn!("a record of type {} in the clear", kind),
                        BadRecord::Length(len) => defmt::warn!("an encrypted record of {} bytes", len),
                        BadRecord::Kind(kind) => defmt::warn!("a record of unknown type {}", kind),
                    }
                    WireError::Record(bad)
                })?;
                return Ok(n);
            }
            if handshake.is_none() && records.is_between() {
                return Err(WireError::BetweenRecords);
            }
            if now >= until {
                return Err(WireError::Overdue);
            }
            connection.wait(Some(until));
        }
    }
}

impl Write for Wire<'_, '_, '_> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, WireError> {
        let mended = mended_alert(buf);
        let buf = mended.as_ref().map_or(buf, <[u8; 7]>::as_slice);
        let Under { connection, .. } = &mut *self.0.borrow_mut();
        let until = connection.poll() + RECORD_WITHIN;
        loop {
            let now = connection.poll();
            if let Some(n) = connection.write(buf).map_err(|_| WireError::Gone)? {
                return Ok(n);
            }
            if now >= until {
                return Err(WireError::Overdue);
            }
            connection.wait(Some(until));
        }
    }

    fn flush(&mut self) -> Result<(), WireError> {
        self.0.borrow_mut().connection.poll();
        Ok(())
    }
}
