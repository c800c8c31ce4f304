//! The client of Autobahn's fuzzing server: echoes every message, case by case.
//!
//! Arguments: `server=ADDRESS:PORT`, and `agent=NAME` for the report.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::Config;
use microws_firmware::autobahn::run;
use microws_firmware::echo::{Memory, Plain};
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers};
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::NEW);

#[cortex_m_rt::entry]
fn main() -> ! {
    let net = Net::start();
    run(net, (TCP.take(), MEMORY.take()), Config::new(), Plain)
}
