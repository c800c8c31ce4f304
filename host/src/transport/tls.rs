//! TLS over the stream of one client: records in and out, through buffers that all clients share.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{Error, ProtocolVersion, ServerConfig};

/// Plaintext of a record, at most (RFC 8446 section 5.1).
const RECORD: usize = 16 * 1024;

/// Ciphertext read at once.
const INCOMING: usize = 64 * 1024;

/// Records made at once, for one write.
const BATCH: usize = 4 * RECORD;

/// Bytes that records are longer than their plaintext, at most: header, nonce, type and tag of each of a batch. More is
/// made room for when it is needed.
const OVERHEAD: usize = 1024;

/// Buffers that serve all clients with TLS, one at a time.
#[derive(Debug)]
pub(super) struct Records {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Plaintext of two places that goes in one record.
    joined: Vec<u8>,
}

impl Records {
    pub(super) fn new() -> Self {
        Self {
            incoming: vec![0; INCOMING],
            outgoing: vec![0; BATCH + OVERHEAD],
            joined: Vec::with_capacity(RECORD),
        }
    }
}

/// The TLS connection of one client.
pub(super) struct Tls {
    connection: UnbufferedServerConnection,
    /// Ciphertext that can't be used before more has come: a part of a record, or records with a part of a handshake
    /// message.
    partial: Vec<u8>,
    /// Plaintext for which there was no room.
    left: Vec<u8>,
    /// The client said that nothing comes after.
    is_closed: bool,
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Bytes of plaintext.
    pub(super) len: usize,
    /// Nothing comes after them.
    pub(super) is_end: bool,
    /// There may be more.
    pub(super) more: bool,
}

/// Writes bytes to the stream, or keeps them for later.
pub(super) type Out<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

impl Tls {
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let connection = UnbufferedServerConnection::new(config)?;
        Ok(Self { connection, partial: Vec::new(), left: Vec::new(), is_closed: false })
    }

    /// The version, once the handshake is done.
    pub(super) fn version(&self) -> Option<&'static str> {
        match self.connection.protocol_version()? {
            _ if self.is_handshaking() => None,
            ProtocolVersion::TLSv1_3 => Some("TLS 1.3"),
            _ => Some("TLS 1.2"),
        }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Takes `first`, bytes that were read already, as if they were still to be read.
    pub(super) fn unread(&mut self, first: &[u8]) {
        self.partial.extend_from_slice(first);
    }

    /// Has `read` read ciphertext once and puts the plaintext into `room`. The handshake's answers go `out`, and the alert
    /// after an error.
    pub(super) fn read(
        &mut self,
        room: &mut [u8],
        read: impl FnOnce(&mut [u8]) -> io::Result<Option<usize>>,
        records: &mut Records,
        out: &mut Out<'_>,
    ) -> Result<Option<Taken>, Failure> {
        if !self.left.is_empty() {
            let n = self.left.len().min(room.len());
            room[..n].copy_from_slice(&self.left[..n]);
            self.left.drain(..n);
            return Ok(Some(Taken { len: n, is_end: false, more: true }));
        }
        if self.is_closed {
            return Ok(Some(Taken { len: 0, is_end: true, more: false }));
        }
        let Records { incoming, outgoing, .. } = records;
        let kept = self.partial.len();
        if incoming.len() < kept + INCOMING {
            incoming.resize(kept + INCOMING, 0);
        }
        incoming[..kept].copy_from_slice(&self.partial);
        // No more than there is room for, so that nothing is left; a long record may be.
        let most = room.len().clamp(RECORD, INCOMING);
        let n = match read(&mut incoming[kept..][..most])? {
            // Without close_notify: its meaning depends on the state of the protocol above.
            Some(0) => return Ok(Some(Taken { len: 0, is_end: true, more: false })),
            n => n,
        };
        // Records that were handed over with `unread` are looked at even if no more have come.
        if n.is_none() && kept == 0 {
            return Ok(None);
        }
        let filled = kept + n.unwrap_or(0);
        let mut plain = Plain { room, len: 0, left: &mut self.left };
        let mut used = 0;
        let ciphertext = &mut incoming[..filled];
        let processed = process(&mut self.connection, ciphertext, &mut used, outgoing, out, &mut plain);
        let len = plain.len;
        if let Err(Failure::Tls(error)) = processed {
            let _ = say_alert(&mut self.connection, ciphertext, &mut used, outgoing, out);
            return Err(Failure::Tls(error));
        }
        let is_closed = processed?;
        self.is_closed = is_closed;
        self.partial.clear();
        self.partial.extend_from_slice(&incoming[used..filled]);
        if self.partial.is_empty() {
            self.partial = Vec::new();
        }
        let more = n == Some(most) || !self.left.is_empty();
        Ok(Some(Taken { len, is_end: false, more: more || is_closed }))
    }

    /// Encrypts two slices, one after the other, and has them go `out`. Whether it could: before the handshake is done
    /// nothing can be sent.
    pub(super) fn write(
        &mut self,
        first: &[u8],
        second: &[u8],
        records: &mut Records,
        out: &mut Out<'_>,
    ) -> io::Result<bool> {
        if self.is_handshaking() {
            return Ok(false);
        }
        let Records { outgoing, joined, .. } = records;
        // Both in one record, if they fit. A copy of a longer payload would cost more than a record for the header.
        let (first, second): (&[u8], &[u8]) =
            if first.is_empty() || second.is_empty() || first.len() + second.len() > RECORD {
                (first, second)
            } else {
                joined.clear();
                joined.extend_from_slice(first);
                joined.extend_from_slice(second);
                (joined, &[])
            };
        let batches = first.chunks(BATCH).chain(second.chunks(BATCH));
        self.when_writable(outgoing, out, |traffic, outgoing, out| {
            // As many records as there is room for go in one write.
            let mut filled = 0;
            for batch in batches.clone() {
                loop {
                    match traffic.encrypt(batch, &mut outgoing[filled..]) {
                        Ok(n) => break filled += n,
                        Err(EncryptError::InsufficientSize(_)) if filled > 0 => {
                            out(&outgoing[..std::mem::take(&mut filled)])?;
                        }
                        Err(error) => make_room(error, outgoing)?,
                    }
                }
            }
            out(&outgoing[..filled])
        })?;
        Ok(true)
    }

    /// Says that nothing comes after.
    pub(super) fn close(&mut self, records: &mut Records, out: &mut Out<'_>) -> io::Result<()> {
        self.when_writable(&mut records.outgoing, out, |traffic, outgoing, out| {
            loop {
                match traffic.queue_close_notify(outgoing) {
                    Ok(n) => return out(&outgoing[..n]),
                    Err(error) => make_room(error, outgoing)?,
                }
            }
        })
    }

    /// Calls `act` when it can write, with a buffer for what it makes and the way out for that.
    #[inline]
    fn when_writable(
        &mut self,
        outgoing: &mut Vec<u8>,
        out: &mut Out<'_>,
        mut act: impl FnMut(
            &mut WriteTraffic<'_, ServerConnectionData>,
            &mut Vec<u8>,
            &mut Out<'_>,
        ) -> io::Result<()>,
    ) -> io::Result<()> {
        // rustls knows where it is in the bytes that it has not used: it must see them each time.
        loop {
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(&mut self.partial);
            match state.map_err(broken)? {
                ConnectionState::WriteTraffic(mut traffic) => return act(&mut traffic, outgoing, out),
                ConnectionState::EncodeTlsData(mut data) => encode(&mut data, outgoing, out)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.is_closed = true,
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        self.left.extend_from_slice(record.map_err(broken)?.payload);
                    }
                }
                // Nothing may be sent any more.
                _ => return Ok(()),
            }
            self.partial.drain(..discard);
        }
    }
}

/// Where plaintext goes: to the room for it, and beyond that to what is left for later.
struct Plain<'a> {
    room: &'a mut [u8],
    len: usize,
    left: &'a mut Vec<u8>,
}

impl Plain<'_> {
    fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.room[self.len..];
        let (now, later) = bytes.split_at(bytes.len().min(room.len()));
        room[..now.len()].copy_from_slice(now);
        self.len += now.len();
        self.left.extend_from_slice(later);
    }
}

/// Handles all records of `ciphertext` that are whole, after those that are `used` already. Whether the client said that
/// nothing comes after.
fn process(
    connection: &mut UnbufferedServerConnection,
    ciphertext: &mut [u8],
    used: &mut usize,
    outgoing: &mut Vec<u8>,
    out: &mut Out<'_>,
    plain: &mut Plain<'_>,
) -> Result<bool, Failure> {
    let mut is_closed = false;
    loop {
        let UnbufferedStatus { discard, state } = connection.process_tls_records(&mut ciphertext[*used..]);
        let mut goes_on = true;
        let handled = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    plain.push(record.map_err(Failure::Tls)?.payload);
                }
                Ok(())
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                encode(&mut data, outgoing, out).map_err(Failure::Io)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                data.done();
                Ok(())
            }
            Ok(ConnectionState::PeerClosed) => {
                is_closed = true;
                Ok(())
            }
            // More must come before anything happens; early data is not allowed.
            Ok(_) => {
                goes_on = false;
                Ok(())
            }
            Err(error) => Err(Failure::Tls(error)),
        };
        *used += discard;
        handled?;
        if !goes_on {
            return Ok(is_closed);
        }
    }
}

/// After an error has the alert go `out`. Asked for more than that, rustls would panic: it sends one alert only.
fn say_alert(
    connection: &mut UnbufferedServerConnection,
    ciphertext: &mut [u8],
    used: &mut usize,
    outgoing: &mut Vec<u8>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    while connection.wants_write() {
        let UnbufferedStatus { discard, state } = connection.process_tls_records(&mut ciphertext[*used..]);
        match state.map_err(broken)? {
            ConnectionState::EncodeTlsData(mut data) => encode(&mut data, outgoing, out)?,
            // What came before the error is of no use any more.
            ConnectionState::ReadTraffic(mut traffic) => while traffic.next_record().is_some() {},
            _ => return Ok(()),
        }
        *used += discard;
    }
    Ok(())
}

fn encode(
    data: &mut EncodeTlsData<'_, ServerConnectionData>,
    outgoing: &mut Vec<u8>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    loop {
        match data.encode(outgoing) {
            Ok(n) => return out(&outgoing[..n]),
            Err(EncodeError::InsufficientSize(needed)) => outgoing.resize(needed.required_size, 0),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Room for what did not fit.
fn make_room(error: EncryptError, outgoing: &mut Vec<u8>) -> io::Result<()> {
    match error {
        EncryptError::InsufficientSize(needed) => {
            outgoing.resize(needed.required_size, 0);
            Ok(())
        }
        error => Err(io::Error::other(error)),
    }
}

fn broken(error: Error) -> io::Error {
    io::Error::other(error)
}

/// Why a connection with TLS can't be read.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    Tls(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("version", &self.version()).finish_non_exhaustive()
    }
}
