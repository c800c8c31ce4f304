//! What is between the stream's bytes and the session's: a beginning that is not known yet, or TLS.

use std::io;
use std::net::SocketAddr;

use super::start::{Begun, Start};
#[cfg(feature = "tls")]
use super::tls::{Failure, Tls};
use super::{Pool, Transport};
use crate::proxy::BadPreamble;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Layer {
    kind: Kind,
    /// Bytes that were written before any can go: an answer that did not wait for the request.
    early: Vec<u8>,
    /// Our direction of the stream has ended, or ends after them.
    ends: bool,
}

#[derive(Debug)]
enum Kind {
    Start(Start),
    #[cfg(feature = "tls")]
    Tls(Box<Tls>),
}

/// Why a client can't be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io(io::Error),
    /// A trusted proxy must send the address of its client, and did not.
    Preamble(BadPreamble),
    /// It broke TLS, found no version or cipher in common, or sent an alert.
    #[cfg(feature = "tls")]
    Tls(rustls::Error),
}

impl Layer {
    pub(super) fn new(start: Start) -> Option<Self> {
        (!start.is_over()).then(|| Self { kind: Kind::Start(start), early: Vec::new(), ends: false })
    }
}

impl Transport {
    /// Whether it is read by [`read_layered`](Self::read_layered).
    #[inline]
    pub(crate) const fn is_layered(&self) -> bool {
        self.layer.is_some()
    }

    /// Whether TLS has begun, and its handshake is not done.
    pub(crate) fn is_shaking_hands(&self) -> bool {
        match self.layer.as_ref().map(|layer| &layer.kind) {
            #[cfg(feature = "tls")]
            Some(Kind::Tls(tls)) => tls.is_handshaking(),
            _ => false,
        }
    }

    /// The version of TLS that protects it; `None` without TLS, and before its handshake is done.
    pub(crate) fn tls_version(&self) -> Option<&'static str> {
        match &self.layer.as_ref()?.kind {
            Kind::Start(_) => None,
            #[cfg(feature = "tls")]
            Kind::Tls(tls) => tls.version(),
        }
    }

    /// Reads once, like [`read`](Self::read). A proxy may report the address of its client.
    pub(crate) fn read_layered(
        &mut self,
        room: &mut [u8],
        pool: &mut Pool,
        now: u64,
        on_client: impl FnOnce(SocketAddr),
    ) -> Result<Option<usize>, ReadError> {
        let Some(mut layer) = self.layer.take() else { return Ok(self.read(room)?) };
        let read = match &mut layer.kind {
            Kind::Start(start) => {
                let begun = self.read_start(start, room, on_client)?;
                match begun {
                    First::Nothing(read) => Ok(read),
                    First::Plain(n) => {
                        if !layer.early.is_empty() {
                            self.write_out(&layer.early, &[], pool, now)?;
                        }
                        if layer.ends {
                            self.shutdown_stream();
                        }
                        return Ok(n);
                    }
                    #[cfg(feature = "tls")]
                    First::Tls(n) => {
                        let Some(config) = start.tls.take() else { return Ok(Some(n)) };
                        let mut tls = Tls::new(config)?;
                        tls.unread(&room[..n]);
                        layer.kind = Kind::Tls(Box::new(tls));
                        self.read_tls(&mut layer, room, pool, now)
                    }
                }
            }
            #[cfg(feature = "tls")]
            Kind::Tls(_) => self.read_tls(&mut layer, room, pool, now),
        };
        self.layer = Some(layer);
        read
    }

    /// Reads the beginning of the connection.
    fn read_start(
        &mut self,
        start: &mut Start,
        room: &mut [u8],
        on_client: impl FnOnce(SocketAddr),
    ) -> Result<First, ReadError> {
        let partial = start.take_partial();
        let kept = partial.len();
        let (before, rest) = room.split_at_mut(kept.min(room.len()));
        before.copy_from_slice(&partial[..before.len()]);
        let read = self.read(rest)?;
        let at_end = read == Some(0);
        let filled = kept + read.unwrap_or(0);
        let begun = start.look(&room[..filled], at_end).map_err(ReadError::Preamble)?;
        let Begun::With { header, is_tls } = begun else {
            return Ok(First::Nothing(read.filter(|n| *n == 0)));
        };
        let len = header.as_ref().map_or(0, |header| header.len);
        room.copy_within(len..filled, 0);
        if let Some(client) = header.and_then(|header| header.client) {
            on_client(client);
        }
        let rest = filled - len;
        // The end of the stream is read once more, after these.
        self.unread |= at_end && rest > 0;
        Ok(match (rest, is_tls) {
            #[cfg(feature = "tls")]
            (_, true) => First::Tls(rest),
            (0, _) if !at_end => First::Plain(None),
            _ => First::Plain(Some(rest)),
        })
    }

    #[cfg(feature = "tls")]
    fn read_tls(
        &mut self,
        layer: &mut Layer,
        room: &mut [u8],
        pool: &mut Pool,
        now: u64,
    ) -> Result<Option<usize>, ReadError> {
        let Kind::Tls(tls) = &mut layer.kind else { return Ok(None) };
        let mut records = pool.take_records();
        // The handshake's answers wait until the read is done: both need the stream.
        let mut answers = Vec::new();
        let was_handshaking = tls.is_handshaking();
        let taken = tls.read(room, |room| self.read(room), &mut records, &mut |bytes| {
            answers.extend_from_slice(bytes);
            Ok(())
        });
        pool.give_back_records(records);
        if !answers.is_empty() {
            self.write_out(&answers, &[], pool, now)?;
        }
        let taken = match taken {
            Ok(taken) => taken,
            Err(Failure::Io(error)) => return Err(error.into()),
            Err(Failure::Tls(error)) => {
                // Nothing can be encrypted any more, and nothing may go as it is.
                self.shutdown_stream();
                self.mute();
                self.read_away();
                return Err(ReadError::Tls(error));
            }
        };
        if was_handshaking && !tls.is_handshaking() && !layer.early.is_empty() {
            let early = std::mem::take(&mut layer.early);
            self.write_tls(layer, &early, &[], pool, now)?;
            if layer.ends {
                self.close_tls(layer, pool, now)?;
                self.shutdown_stream();
            }
        }
        let Some(taken) = taken else { return Ok(None) };
        self.unread |= taken.more;
        Ok((taken.len > 0 || taken.is_end).then_some(taken.len))
    }

    /// Bytes that the client sent before it got the alert are read and dropped: closed with bytes unread, the stream would
    /// end in a reset, which discards the alert.
    #[cfg(feature = "tls")]
    fn read_away(&mut self) {
        let mut room = [0; 4096];
        for _ in 0..64 {
            if !matches!(self.stream.read(&mut room), Ok(Some(1..))) {
                return;
            }
        }
    }

    #[inline(never)]
    pub(super) fn write_layered(
        &mut self,
        first: &[u8],
        second: &[u8],
        pool: &mut Pool,
        now: u64,
    ) -> io::Result<()> {
        let Some(mut layer) = self.layer.take() else { return self.write_out(first, second, pool, now) };
        let written = match &layer.kind {
            // It can only be plain.
            Kind::Start(start) if !start.awaits_tls() => self.write_out(first, second, pool, now),
            Kind::Start(_) => {
                layer.early.extend_from_slice(first);
                layer.early.extend_from_slice(second);
                Ok(())
            }
            #[cfg(feature = "tls")]
            Kind::Tls(_) => self.write_tls(&mut layer, first, second, pool, now),
        };
        self.layer = Some(layer);
        written
    }

    #[cfg(feature = "tls")]
    fn write_tls(
        &mut self,
        layer: &mut Layer,
        first: &[u8],
        second: &[u8],
        pool: &mut Pool,
        now: u64,
    ) -> io::Result<()> {
        let Kind::Tls(tls) = &mut layer.kind else { return Ok(()) };
        let mut records = pool.take_records();
        let written =
            tls.write(first, second, &mut records, &mut |bytes| self.write_out(bytes, &[], pool, now));
        pool.give_back_records(records);
        if !written? {
            layer.early.extend_from_slice(first);
            layer.early.extend_from_slice(second);
        }
        Ok(())
    }

    /// Does what must come before the end of our direction: whether that may come at once.
    #[inline(never)]
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "TLS sends close_notify"))]
    pub(super) fn end_layer(&mut self, pool: &mut Pool, now: u64) -> bool {
        let Some(mut layer) = self.layer.take() else { return true };
        let is_done = match &layer.kind {
            Kind::Start(start) => !start.awaits_tls(),
            #[cfg(feature = "tls")]
            Kind::Tls(tls) if tls.is_handshaking() => false,
            #[cfg(feature = "tls")]
            // If that fails, reading finds out.
            Kind::Tls(_) => self.close_tls(&mut layer, pool, now).is_ok(),
        };
        layer.ends = true;
        self.layer = Some(layer);
        is_done
    }

    /// Ends our direction of a stream with a layer, unless that has begun or the client takes nothing now.
    #[inline(never)]
    pub(crate) fn start_close(&mut self, pool: &mut Pool, now: u64) {
        if self.layer.as_ref().is_some_and(|layer| !layer.ends) && !self.is_blocked() {
            self.shutdown(pool, now);
        }
    }

    #[cfg(feature = "tls")]
    fn close_tls(&mut self, layer: &mut Layer, pool: &mut Pool, now: u64) -> io::Result<()> {
        let Kind::Tls(tls) = &mut layer.kind else { return Ok(()) };
        let mut records = pool.take_records();
        let closed = tls.close(&mut records, &mut |bytes| self.write_out(bytes, &[], pool, now));
        pool.give_back_records(records);
        closed
    }
}

/// What the first read shows.
enum First {
    /// Nothing yet; `Some(0)` at the stream's end.
    Nothing(Option<usize>),
    /// A plain connection, of which so many bytes are there.
    Plain(Option<usize>),
    /// TLS, of whose ciphertext so many bytes are there.
    #[cfg(feature = "tls")]
    Tls(usize),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(feature = "tls")]
impl From<rustls::Error> for ReadError {
    fn from(error: rustls::Error) -> Self {
        Self::Tls(error)
    }
}
