//! Echo server for several clients at once.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::Config;
use microws_firmware::echo::{Memory, Plain, run};
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers};
use static_cell::ConstStaticCell;

const CLIENTS: usize = 6;

static TCP: ConstStaticCell<[TcpBuffers; CLIENTS]> =
    ConstStaticCell::new([[[0; TCP_BUFFER_LEN]; 2]; CLIENTS]);
static MEMORY: ConstStaticCell<[Memory; CLIENTS]> = ConstStaticCell::new([const { Memory::NEW }; CLIENTS]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let net = Net::start();
    run(net, (TCP.take(), MEMORY.take()), &Config::new(), Plain)
}
