//! A sensor as a client of MQTT over a WebSocket: publishes a reading every 100 ms on `sensors/1/readings`, obeys
//! `interval MILLISECONDS` and `stop` on `sensors/1/commands`, comes back when the broker does.
//!
//! Arguments: `server=ADDRESS:PORT`.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::{Backoff, Config};
use microws_firmware::client::Connection;
use microws_firmware::debugger;
use microws_firmware::lent::Lent;
use microws_firmware::mqtt::{BUFFER_LEN, PACKET_LEN, Sensor, visit};
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::Duration;
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static BUFFERS: ConstStaticCell<[[u8; BUFFER_LEN]; 2]> = ConstStaticCell::new([[0; BUFFER_LEN]; 2]);
static PACKET: ConstStaticCell<[u8; PACKET_LEN]> = ConstStaticCell::new([0; PACKET_LEN]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut net = Net::start();
    let (server, host) = debugger::server();
    let config = Config::new().request(&host, "/mqtt").subprotocols(&["mqtt"]);

    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let handle = sockets.add(tcp_socket(TCP.take()));
    let (buffers, packet) = (BUFFERS.take(), PACKET.take());
    let mut sensor = Sensor::new();
    let mut backoff = Backoff::new(100, 10_000);
    defmt::info!("up");
    loop {
        let mut connection = Connection { net: &mut net, sockets: &mut sockets, handle };
        match connection.connect(server.into()) {
            Ok(()) => {
                let lent = Lent::new(&mut net, &mut sockets);
                match lent.block_on(visit(&lent, handle, &config, buffers, packet, &mut sensor)) {
                    Ok(()) => break,
                    Err(failure) => defmt::warn!("{}", failure),
                }
            }
            Err(failure) => defmt::warn!("{}", failure),
        }
        if sensor.reset() {
            backoff.reset();
        }
        let pause = backoff.next(u32::from_le_bytes(debugger::random()));
        defmt::warn!("again in {} ms", pause);
        net.pause(&mut sockets, Duration::from_millis(pause.into()));
    }
    Connection { net: &mut net, sockets: &mut sockets, handle }.close();
    defmt::info!("stopped after {} readings, {} bytes of stack", sensor.acknowledged, debugger::stack_used());
    debugger::exit(true)
}
