//! Echo server for several clients at once, which inflates their messages and compresses its replies.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::deflate::MIN_TABLE_LEN;
use microws_firmware::compressed::{CONFIG, Compressed, Memory};
use microws_firmware::echo::run;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers};
use static_cell::ConstStaticCell;

const CLIENTS: usize = 6;

static TCP: ConstStaticCell<[TcpBuffers; CLIENTS]> =
    ConstStaticCell::new([[[0; TCP_BUFFER_LEN]; 2]; CLIENTS]);
static MEMORY: ConstStaticCell<[Memory; CLIENTS]> = ConstStaticCell::new([const { Memory::NEW }; CLIENTS]);
static TABLE: ConstStaticCell<[u16; MIN_TABLE_LEN]> = ConstStaticCell::new([0; MIN_TABLE_LEN]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let net = Net::start();
    run(net, (TCP.take(), MEMORY.take()), &CONFIG, Compressed::new(TABLE.take()))
}
