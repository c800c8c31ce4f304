//! A client over TLS 1.3 without a heap, std TCP in the place of a device's: says something to an echo server whose key
//! it knows, and closes both WebSocket and TLS.
//!
//! ```text
//! cargo run -p microws --features embedded-io --example client_tls -- 127.0.0.1:1740 KEY hello
//! ```
//! KEY is the server's public key on P-256 as a compressed point in hex: see core/TLS.md.

mod common;
#[path = "common/tls/mod.rs"]
mod tls;

use std::net::TcpStream;

use common::{Result, random};
use embedded_io_adapters::std::FromStd;
use embedded_tls::TlsConfig;
use embedded_tls::blocking::{TlsConnection, TlsContext};
use microws::io::blocking::WebSocket;
use microws::{Buffer, CloseCode, Config, Event, Session};
use tls::Guarded;
use tls::pinned::{Device, Pinned};

const USAGE: &str = "HOST:PORT KEY [TEXT]";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (server, key) = arguments.next().zip(arguments.next()).ok_or(USAGE)?;
    let text = arguments.next().unwrap_or_else(|| "hello".into());
    let key = Pinned::from_hex(&key).ok_or("KEY is not a point on P-256: 33 bytes in hex")?;

    // The longest record that a server may send, and one of ours with all that `tx` holds.
    let (mut record_rx, mut record_tx) = ([0; 16_645], [0; 512 + embedded_tls::TLS_RECORD_OVERHEAD]);
    let stream = Guarded::new(FromStd::new(TcpStream::connect(&server)?));
    let mut tls = TlsConnection::new(stream, &mut record_rx, &mut record_tx);
    let mut device = Device::new(&key, OsRandom);
    let opened = tls.open(TlsContext::new(&TlsConfig::new(), &mut device));
    // A server that has shown nothing is no error to embedded-tls.
    device.judge(opened)?;

    let (mut rx, mut tx) = ([0; 512], [0; 512]);
    let config = Config::new().request(&server, "/");
    let session = Session::client(&config, random);
    let mut socket = WebSocket::new(tls, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
    socket.open()?;
    socket.sender().send_text(&text)?;
    while let Some((event, reply)) = socket.recv()? {
        match event {
            Event::Chunk(chunk) => {
                print!("{}", String::from_utf8_lossy(chunk.payload));
                if chunk.fin {
                    println!();
                    reply.close(CloseCode::NORMAL, "done")?;
                }
            }
            // TLS is ended before the server ends it: afterwards embedded-tls would send our end in the clear.
            Event::Close(_) => break,
            _ => {}
        }
    }
    socket.into_parts().0.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Random bytes of the operating system, for embedded-tls.
#[derive(Debug)]
struct OsRandom;

impl rand_core::RngCore for OsRandom {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        random(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), rand_core::Error> {
        random(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for OsRandom {}
