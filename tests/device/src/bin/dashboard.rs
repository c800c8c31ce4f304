//! A dashboard for several viewers at once: a page out of flash, and a live reading over a WebSocket on the same port.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws::{MessageKind, Prepared};
use microws_device::dashboard::{BUFFER_LEN, INTERVAL, PAGE, TCP_BUFFER_LEN, reading};
use microws_firmware::dashboard::Viewer;
use microws_firmware::net::{Net, tcp_socket};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::Duration;
use static_cell::ConstStaticCell;

/// Connections: a browser may hold several besides the one that shows readings.
const PLACES: usize = 8;
const PORT: u16 = 1740;

static TCP: ConstStaticCell<[[[u8; TCP_BUFFER_LEN]; 2]; PLACES]> =
    ConstStaticCell::new([[[0; TCP_BUFFER_LEN]; 2]; PLACES]);
static BUFFERS: ConstStaticCell<[[[u8; BUFFER_LEN]; 2]; PLACES]> =
    ConstStaticCell::new([[[0; BUFFER_LEN]; 2]; PLACES]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut net = Net::start();

    let mut storage = [const { SocketStorage::EMPTY }; PLACES];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let mut buffers = TCP.take().iter_mut().zip(BUFFERS.take());
    let mut viewers = [(); PLACES].map(|()| {
        let (tcp, [rx, tx]) = defmt::unwrap!(buffers.next());
        (sockets.add(tcp_socket(tcp)), Viewer::new(rx, tx))
    });
    defmt::info!("up: a page of {} bytes on port {}", PAGE.len(), PORT);
    let mut measure_at = net.clock.now();
    loop {
        net.poll(&mut sockets);
        let now = net.clock.now();
        if now >= measure_at {
            measure_at = now + Duration::from_millis(INTERVAL.into());
            let reading = reading(now.total_millis() as u32);
            // Encoded once for all viewers; it has room for the longest one.
            let mut message = [0; 64];
            let message = defmt::unwrap!(Prepared::new(&mut message, MessageKind::Text, reading.as_bytes()));
            for (_, viewer) in &mut viewers {
                viewer.show(&message);
            }
        }
        for (socket, viewer) in &mut viewers {
            viewer.serve(sockets.get_mut::<tcp::Socket<'_>>(*socket), PORT, now);
        }
        let deadlines = viewers.iter().filter_map(|(_, viewer)| viewer.deadline());
        net.wait(&sockets, deadlines.chain([measure_at]).min());
    }
}
