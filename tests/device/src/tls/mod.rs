//! TLS 1.3 between the session and TCP, with [`embedded_tls`], without a heap.
//!
//! ```text
//!  session --> tls::Tls (a polled stream) --> embedded-tls --> wire::Wire (waits) --> client::Connection (TCP)
//!                                              pinned::Pinned      records::Records
//! ```
//!
//! embedded-tls waits for the rest of a record that has begun, and loses its place if it is not let. So only a read
//! between two records returns without bytes; within a record [`wire::Wire`] waits, and the network goes on meanwhile.

// What any program over embedded-tls needs stands beside the example for std.
#[path = "../../../../core/examples/common/tls/pinned.rs"]
pub mod pinned;
#[path = "../../../../core/examples/common/tls/records.rs"]
pub mod records;
pub mod wire;

use core::cell::RefCell;

use embedded_tls::blocking::TlsConnection;
use embedded_tls::{Aes128GcmSha256, TLS_RECORD_OVERHEAD, TlsConfig, TlsContext, TlsError};
use microws::io::polled::Stream;
use microws::{Buffer, Config};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::IpEndpoint;

use crate::client::{self, Application, Connection, RX_LEN, TX_LEN, Transport};
use crate::debugger;
use pinned::{Device, HandshakeError, Pinned};
use wire::{Under, Wire};

/// Holds the longest record that a server may send (RFC 8446 section 5.2). embedded-tls takes a record only when all of
/// it is there. With a server that never sends more than a few hundred bytes at once, its certificate included, it may
/// be that small.
pub const RECORD_RX_LEN: usize = 5 + (1 << 14) + 256;
/// Holds all that the session has to send in one record.
pub const RECORD_TX_LEN: usize = TX_LEN + TLS_RECORD_OVERHEAD;

/// The handshake is done within this time.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Why a connection did not end with a closing handshake.
#[derive(Debug, Clone, Copy)]
pub enum Failure {
    /// The TCP connection could not be made, or the session ended otherwise.
    Session(client::Failure),
    /// The TLS handshake failed, or showed that the server is not the one that is wanted.
    Handshake(HandshakeError),
}

impl defmt::Format for Failure {
    fn format(&self, f: defmt::Formatter<'_>) {
        match self {
            Self::Session(failure) => defmt::write!(f, "{}", failure),
            Self::Handshake(HandshakeError::Refused(refusal)) => defmt::write!(f, "{}", refusal.as_str()),
            Self::Handshake(HandshakeError::Tls(error)) => {
                defmt::write!(f, "the TLS handshake failed: {}", error);
            }
        }
    }
}

/// As [`client::run`], over TLS, with a server that has the key that is pinned.
pub fn run(
    connection: Connection<'_, '_>,
    server: IpEndpoint,
    key: &Pinned,
    config: &Config<'_>,
    buffers: &mut Buffers,
    application: &mut impl Application,
) -> Result<(), Failure> {
    let Buffers { rx, tx, record_rx, record_tx } = buffers;
    let under = RefCell::new(Under::new(connection));
    under.borrow_mut().connection.connect(server).map_err(Failure::Session)?;
    let mut tls = Tls { under: &under, connection: None };
    let (rx, tx) = (Buffer::new(rx), Buffer::new(tx));
    let result = tls
        .open(key, record_rx, record_tx)
        .and_then(|()| client::converse(&mut tls, config, rx, tx, application).map_err(Failure::Session));
    under.borrow_mut().connection.close();
    result
}

/// The session's buffers and the records'.
pub struct Buffers {
    pub rx: [u8; RX_LEN],
    pub tx: [u8; TX_LEN],
    pub record_rx: [u8; RECORD_RX_LEN],
    pub record_tx: [u8; RECORD_TX_LEN],
}

impl Buffers {
    pub const fn new() -> Self {
        Self {
            rx: [0; RX_LEN],
            tx: [0; TX_LEN],
            record_rx: [0; RECORD_RX_LEN],
            record_tx: [0; RECORD_TX_LEN],
        }
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}

/// A TLS connection as a stream that is polled.
struct Tls<'u, 'b, 'n, 's> {
    under: &'u RefCell<Under<'n, 's>>,
    /// `None` before the handshake, and after our `close_notify`.
    connection: Option<TlsConnection<'b, Wire<'u, 'n, 's>, Aes128GcmSha256>>,
}

impl<'b> Tls<'_, 'b, '_, '_> {
    /// Makes the handshake.
    fn open(&mut self, key: &Pinned, rx: &'b mut [u8], tx: &'b mut [u8]) -> Result<(), Failure> {
        let connection = self.connection.insert(TlsConnection::new(Wire(self.under), rx, tx));
        self.under.borrow_mut().begin_handshake(HANDSHAKE_WITHIN);
        let mut device = Device::new(key, HostRandom);
        let opened = connection.open(TlsContext::new(&TlsConfig::new(), &mut device));
        device.judge(opened).map_err(Failure::Handshake)?;
        self.under.borrow_mut().end_handshake();
        Ok(())
    }
}

impl Stream for Tls<'_, '_, '_, '_> {
    type Error = TlsError;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, TlsError> {
        let Some(connection) = &mut self.connection else {
            // What comes after our end is not wanted, but until the peer's end there may be more.
            let mut under = self.under.borrow_mut();
            while let Some(n) = under.connection.read(buf).map_err(|_| TlsError::ConnectionClosed)? {
                if n == 0 {
                    return Ok(Some(0));
                }
            }
            return Ok(None);
        };
        match connection.read(buf) {
            Ok(n) => Ok(Some(n)),
            Err(error) if wire::is_between_records(&error) => Ok(None),
            Err(TlsError::ConnectionClosed) => Ok(Some(0)),
            Err(error) => {
                // The end of TCP alone may be anybody's, so it is none of TLS (RFC 8446 section 6.1).
                defmt::warn!("TLS failed: {}", error);
                Err(error)
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, TlsError> {
        let connection = self.connection.as_mut().ok_or(TlsError::ConnectionClosed)?;
        connection.write(buf).map(Some)
    }

    fn flush(&mut self) -> Result<(), TlsError> {
        self.connection.as_mut().ok_or(TlsError::ConnectionClosed)?.flush()
    }

    fn shutdown(&mut self) -> Result<bool, TlsError> {
        self.finish();
        self.under.borrow_mut().connection.shutdown().map_err(|_| TlsError::ConnectionClosed)
    }
}

impl Transport for Tls<'_, '_, '_, '_> {
    fn poll(&mut self) -> Instant {
        self.under.borrow_mut().connection.poll()
    }

    fn wait(&mut self, deadline: Option<Instant>) {
        self.under.borrow_mut().connection.wait(deadline);
    }

    /// Sends `close_notify`. embedded-tls 0.19 would send it in the clear after it has received one.
    fn finish(&mut self) {
        if let Some(Err((_, error))) = self.connection.take().map(TlsConnection::close) {
            // The server may be gone already, which reading finds out.
            defmt::warn!("no close_notify: {}", error);
        }
    }
}

/// The host's random bytes.
struct HostRandom;

impl rand_core::RngCore for HostRandom {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(debugger::random())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(debugger::random())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        debugger::fill_random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for HostRandom {}
