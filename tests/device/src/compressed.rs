//! permessage-deflate (RFC 7692) on a device: what a connection needs for it, and replies that are compressed.

use microws::deflate::{Deflater, Inflater, MIN_TABLE_LEN};
use microws::io::polled::Sender;
use microws::{Buffer, Chunk, Config, Endpoint, SendError, Sent};

use crate::echo::{Lend, RX_LEN, Reply};

/// The peer's window, and the largest piece of a message that is echoed at once.
pub const RING_LEN: usize = 1024;
/// There is always room to echo what is in the ring.
pub const TX_LEN: usize = RING_LEN + 14;

/// Messages that come in one short frame come whole, and so can be compressed again; 14 bytes are the longest header.
pub const CONFIG: Config<'static> = Config::new().whole_up_to(RX_LEN as u32 - 14);

/// The buffers, and what inflates.
pub struct Memory {
    rx: [u8; RX_LEN],
    tx: [u8; TX_LEN],
    inflater: Inflater,
    ring: [u8; RING_LEN],
}

impl Memory {
    pub const NEW: Self =
        Self { rx: [0; RX_LEN], tx: [0; TX_LEN], inflater: Inflater::new(), ring: [0; RING_LEN] };
}

impl Lend for Memory {
    fn lend(&mut self) -> (Buffer<'_>, Buffer<'_>) {
        let rx = Buffer::new(&mut self.rx).inflating(&mut self.inflater, &mut self.ring);
        (rx, Buffer::new(&mut self.tx))
    }
}

/// A message that came in one piece goes back compressed, where that is shorter; others piece by piece, as they are.
///
/// One is enough for all connections: nothing is kept between two messages.
pub struct Compressed<'t>(Deflater<'t>);

impl<'t> Compressed<'t> {
    pub fn new(table: &'t mut [u16; MIN_TABLE_LEN]) -> Self {
        Self(defmt::unwrap!(Deflater::new(table)))
    }
}

impl Reply for Compressed<'_> {
    fn reply<R: Endpoint>(&mut self, chunk: &Chunk<'_>, line: &mut Sender<'_, R>) -> Result<Sent, SendError> {
        if chunk.first && chunk.fin {
            line.send_compressed(&mut self.0, chunk.kind, chunk.payload)
        } else {
            line.send_fragment(chunk.kind, chunk.payload, chunk.fin)
        }
    }
}
