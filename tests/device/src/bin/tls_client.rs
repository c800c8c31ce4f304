//! The sensor of `client.rs` over TLS, with a server whose key it knows.
//!
//! Arguments: as there, and `key=HEX`, the server's public key on P-256 as a compressed point of 33 bytes.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use heapless::String;
use microws::{Backoff, Config};
use microws_firmware::client::Connection;
use microws_firmware::debugger;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use microws_firmware::sensor::Sensor;
use microws_firmware::tls::pinned::Pinned;
use microws_firmware::tls::{Buffers, run};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::Duration;
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut net = Net::start();
    let (server, host) = debugger::server();
    let Some(key) = debugger::argument::<String<66>>("key").and_then(|hex| Pinned::from_hex(&hex)) else {
        defmt::panic!("no argument key=HEX with a point on P-256");
    };
    let config = Config::new().request(&host, "/sensors/1").subprotocols(&["readings"]);

    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let handle = sockets.add(tcp_socket(TCP.take()));
    let buffers = BUFFERS.take();
    let mut sensor = Sensor::new(debugger::argument("readings"));
    let mut backoff = Backoff::new(100, 10_000);
    defmt::info!("up");
    loop {
        let connection = Connection { net: &mut net, sockets: &mut sockets, handle };
        let Err(failure) = run(connection, server.into(), &key, &config, buffers, &mut sensor) else {
            break;
        };
        if sensor.reset() {
            backoff.reset();
        }
        let pause = backoff.next(u32::from_le_bytes(debugger::random()));
        defmt::warn!("{}, again in {} ms", failure, pause);
        net.pause(&mut sockets, Duration::from_millis(pause.into()));
    }
    defmt::info!("closed after {} readings, {} bytes of stack", sensor.sent, debugger::stack_used());
    debugger::exit(true)
}
