//! The client led by its session, over TLS 1.3 with embedded-tls and a pinned key. It is weighed and never run: the rig
//! is no TLS server.

use embedded_io::{ErrorKind, ErrorType, Read, Write};
use embedded_tls::blocking::{TlsConnection, TlsContext};
use embedded_tls::{Aes128GcmSha256, TLS_RECORD_OVERHEAD, TlsConfig};
use microws::{Buffer, Config, Event, Session, Step};
use static_cell::ConstStaticCell;

use crate::{BUFFER_LEN, Buffers, rig};

#[allow(dead_code, reason = "the program needs no more of it")]
#[path = "../../../../core/examples/common/tls/pinned.rs"]
mod pinned;
#[allow(dead_code, reason = "the program needs no more of it")]
#[path = "../../../../core/examples/common/tls/records.rs"]
mod records;
use pinned::{Device, Pinned};
use records::{Records, mended_alert};

/// What TLS needs beside the buffers that every job has: the longest record of a server, and one of ours.
type RecordBuffers = ([u8; 16_645], [u8; BUFFER_LEN + TLS_RECORD_OVERHEAD]);
static RECORDS: ConstStaticCell<RecordBuffers> =
    ConstStaticCell::new(([0; 16_645], [0; BUFFER_LEN + TLS_RECORD_OVERHEAD]));

static CONFIG: Config<'static> = Config::new().request("device.local:1740", "/chat?room=7");

pub fn client(buffers: &mut Buffers) {
    let (record_rx, record_tx) = RECORDS.take();
    // A key that the optimizer can't know.
    let mut hex = [0; 66];
    rig::receive(&mut hex);
    let Some(key) = core::str::from_utf8(&hex).ok().and_then(Pinned::from_hex) else { return };
    let mut tls = TlsConnection::new(Wire(Records::new()), record_rx, record_tx);
    let mut device = Device::new(&key, Random);
    let opened = tls.open(TlsContext::new(&TlsConfig::new(), &mut device));
    if device.judge(opened).is_ok() {
        talk(buffers, tls);
    }
}

fn talk(buffers: &mut Buffers, mut tls: TlsConnection<'_, Wire, Aes128GcmSha256>) {
    let (mut rx, mut tx) = (Buffer::new(buffers.rx), Buffer::new(buffers.tx));
    let mut session = Session::client(&CONFIG, rig::random as fn(&mut [u8]));
    rig::state(&session);
    loop {
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(chunk)) => {
                if session.send_fragment(&mut tx, chunk.kind, chunk.payload, chunk.fin).is_err() {
                    return;
                }
            }
            Step::Event(Event::Close(_)) => {
                _ = tls.close();
                return;
            }
            Step::Event(_) | Step::Shutdown => {}
            step @ (Step::Read | Step::Write) => {
                if tls.write_all(tx.filled()).and_then(|()| tls.flush()).is_err() {
                    return;
                }
                tx.consume(tx.len());
                if step == Step::Read {
                    let Ok(n) = tls.read(rx.spare()) else { return };
                    session.commit(&mut rx, n);
                }
            }
            Step::End(_) => return,
        }
    }
}

struct Wire(Records);

impl ErrorType for Wire {
    type Error = ErrorKind;
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let n = rig::receive(buf);
        self.0.pass(buf.get(..n).unwrap_or_default()).map_err(|_| ErrorKind::InvalidData)?;
        Ok(n)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mended = mended_alert(buf);
        rig::send(mended.as_ref().map_or(buf, <[u8; 7]>::as_slice));
        Ok(buf.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

struct Random;

impl rand_core::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rig::random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        rig::random(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for Random {}
