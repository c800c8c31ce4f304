//! A sensor as a client of Socket.IO: joins `/sensors`, emits readings, obeys commands, comes back when the server does.
//!
//! Arguments: `server=ADDRESS:PORT`, and `token=TEXT`, which the server lets it in by.
#![no_std]
#![no_main]

use core::fmt::Write;

use defmt_semihosting as _;
use heapless::String;
use microws::{Backoff, Config, Timeouts};
use microws_firmware::client::Connection;
use microws_firmware::debugger;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use microws_firmware::socketio::sensor::Sensor;
use microws_firmware::socketio::{Buffers, run};
use microws_socketio::{ClientConfig, TARGET};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::Duration;
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut net = Net::start();
    let (server, host) = debugger::server();
    let mut auth = String::<64>::new();
    let Some(token) = debugger::argument::<String<32>>("token") else {
        defmt::panic!("no argument token=TEXT of at most 32 bytes");
    };
    // Both texts are as long as that at most.
    _ = write!(auth, r#"{{"token":"{token}"}}"#);
    // The server pings, and that it does is watched: no pings of the WebSocket's own.
    let mut timeouts = Timeouts::new();
    timeouts.ping_after = 0;
    // A server that says nothing is not waited for: the next connection counts.
    timeouts.close_within = 1_000;
    let config = Config::new().request(&host, TARGET).timeouts(timeouts);
    let namespace = ClientConfig::new().namespace("/sensors").auth(&auth);

    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let handle = sockets.add(tcp_socket(TCP.take()));
    let buffers = BUFFERS.take();
    let mut sensor = Sensor::new();
    let mut backoff = Backoff::new(100, 10_000);
    defmt::info!("up");
    loop {
        let connection = Connection { net: &mut net, sockets: &mut sockets, handle };
        let Err(failure) = run(connection, server.into(), &config, &namespace, buffers, &mut sensor) else {
            break;
        };
        if sensor.reset() {
            backoff.reset();
        }
        let pause = backoff.next(u32::from_le_bytes(debugger::random()));
        defmt::warn!("{}, again in {} ms", failure, pause);
        net.pause(&mut sockets, Duration::from_millis(pause.into()));
    }
    defmt::info!("left after {} readings, {} bytes of stack", sensor.sent, debugger::stack_used());
    debugger::exit(true)
}
