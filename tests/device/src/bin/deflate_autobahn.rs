//! The client of Autobahn's fuzzing server for compressed messages.
//!
//! Arguments: `server=ADDRESS:PORT`, and `agent=NAME` for the report.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::deflate::MIN_TABLE_LEN;
use microws_firmware::autobahn::run;
use microws_firmware::compressed::{CONFIG, Compressed, Memory};
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers};
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::NEW);
static TABLE: ConstStaticCell<[u16; MIN_TABLE_LEN]> = ConstStaticCell::new([0; MIN_TABLE_LEN]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let net = Net::start();
    run(net, (TCP.take(), MEMORY.take()), CONFIG, Compressed::new(TABLE.take()))
}
