//! Streams that hold bytes back until they are flushed, as a TLS library does whose flush sends a record.

use microws::io::{asynch, blocking, polled};
use microws_tests::wire::{Broken, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::scripts::{LEAST, Side, client, server};
use crate::styles::{asynchronous, blocking, polled};

/// Longest record.
const RECORD_LEN: usize = 90;

/// Sends nothing but whole records; those that wait for the wire are a queue of their own.
struct Records {
    wire: Wire,
    record: Vec<u8>,
    sealed: Vec<u8>,
    /// Polled: the plain bytes of the record that is on its way.
    given: Vec<u8>,
}

impl Records {
    fn new(wire: &Wire) -> Self {
        Self { wire: wire.clone(), record: Vec::new(), sealed: Vec::new(), given: Vec::new() }
    }

    fn hold(&mut self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(RECORD_LEN - self.record.len());
        self.record.extend(&bytes[..n]);
        n
    }

    fn seal(&mut self) {
        self.sealed.append(&mut self.record);
    }

    /// Called before the stream waits for the peer: otherwise both would wait for ever.
    fn check_that_all_was_sent(&self) {
        assert!(self.record.is_empty(), "{} bytes wait to be flushed", self.record.len());
    }

    fn shut_down(&mut self) {
        self.check_that_all_was_sent();
        assert!(self.sealed.is_empty());
        self.wire.shut_down();
    }
}

impl embedded_io::ErrorType for Records {
    type Error = Broken;
}

impl embedded_io::Read for Records {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        self.check_that_all_was_sent();
        embedded_io::Read::read(&mut self.wire, buf)
    }
}

impl embedded_io::Write for Records {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        if self.record.len() == RECORD_LEN {
            self.flush()?;
        }
        Ok(self.hold(buf))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.seal();
        while !self.sealed.is_empty() {
            let n = embedded_io::Write::write(&mut self.wire, &self.sealed)?;
            self.sealed.drain(..n);
        }
        embedded_io::Write::flush(&mut self.wire)
    }
}

impl embedded_io_async::Read for Records {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        self.check_that_all_was_sent();
        embedded_io_async::Read::read(&mut self.wire, buf).await
    }
}

impl embedded_io_async::Write for Records {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        if self.record.len() == RECORD_LEN {
            self.flush().await?;
        }
        Ok(self.hold(buf))
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        self.seal();
        while !self.sealed.is_empty() {
            let n = embedded_io_async::Write::write(&mut self.wire, &self.sealed).await?;
            self.sealed.drain(..n);
        }
        embedded_io_async::Write::flush(&mut self.wire).await
    }
}

/// It can't wait, so it says that it has taken a record's bytes when the record has gone, and is given the same bytes
/// until then.
impl polled::Stream for Records {
    type Error = Broken;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Broken> {
        polled::Stream::read(&mut self.wire, buf)
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Broken> {
        if self.sealed.is_empty() {
            self.hold(buf);
            self.given = self.record.clone();
            self.seal();
        }
        assert!(buf.starts_with(&self.given), "other bytes than before");
        while !self.sealed.is_empty() {
            let Some(n) = polled::Stream::write(&mut self.wire, &self.sealed)? else { return Ok(None) };
            self.sealed.drain(..n);
        }
        Ok(Some(self.given.len()))
    }

    fn shutdown(&mut self) -> Result<bool, Broken> {
        self.shut_down();
        Ok(true)
    }
}

#[test]
fn a_stream_that_sends_when_it_is_flushed_sends_all_before_it_waits() {
    for side in Side::BOTH {
        for script in side.scripts() {
            for (writes, stalls) in [
                (Cuts::Whole, Stalls::Never),
                (Cuts::Every(1), Stalls::Often),
                (Cuts::Every(50), Stalls::Often),
            ] {
                for style in 0..4 {
                    let wire = Wire::new(&script.input, Cuts::Every(100), writes.clone(), stalls);
                    let (rx, tx, mut stream) = (buffer(LEAST), buffer(LEAST), Records::new(&wire));
                    macro_rules! run {
                        ($session:expr) => {
                            match style {
                                0 => polled($session, &mut stream, LEAST + 14),
                                1 => blocking(
                                    blocking::WebSocket::new(stream, rx, tx, $session)
                                        .half_close(Records::shut_down),
                                    0,
                                ),
                                polls => asynchronous(
                                    asynch::WebSocket::new(stream, rx, tx, $session)
                                        .half_close(Records::shut_down),
                                    if polls == 2 { 1 } else { usize::MAX },
                                ),
                            }
                        };
                    }
                    let outcome = match side {
                        Side::Server => run!(server()),
                        Side::Client => run!(client()),
                    };
                    assert_eq!(outcome, script.outcome);
                    assert_eq!(side.sent(&wire.output()), script.sent);
                }
            }
        }
    }
}
