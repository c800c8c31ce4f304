//! A sensor: subscribes, sends a reading every 100 ms, comes back when the server does.
//!
//! Arguments: `server=ADDRESS:PORT`, and `readings=N` to close after so many; without it the server's
//! text `stop` ends it.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::{Backoff, Buffer};
use microws_device::sensor::request;
use microws_firmware::client::{RX_LEN, TX_LEN, run};
use microws_firmware::debugger;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use microws_firmware::sensor::Sensor;
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::Duration;
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static RX: ConstStaticCell<[u8; RX_LEN]> = ConstStaticCell::new([0; RX_LEN]);
static TX: ConstStaticCell<[u8; TX_LEN]> = ConstStaticCell::new([0; TX_LEN]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut net = Net::start();
    let (server, host) = debugger::server();
    let config = request(&host);

    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let socket = sockets.add(tcp_socket(TCP.take()));
    let (rx, tx) = (RX.take(), TX.take());
    let mut sensor = Sensor::new(debugger::argument("readings"));
    let mut backoff = Backoff::new(100, 10_000);
    defmt::info!("up");
    while let Err(failure) = {
        let (rx, tx) = (Buffer::new(rx), Buffer::new(tx));
        run(&mut net, &mut sockets, socket, server.into(), &config, rx, tx, &mut sensor)
    } {
        if sensor.reset() {
            backoff.reset();
        }
        let pause = backoff.next(u32::from_le_bytes(debugger::random()));
        defmt::warn!("{}, again in {} ms", failure, pause);
        net.pause(&mut sockets, Duration::from_millis(pause.into()));
    }
    defmt::info!("closed after {} readings", sensor.sent);
    debugger::exit(true)
}
