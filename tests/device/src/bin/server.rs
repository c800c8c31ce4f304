//! Echo server for several clients at once.
#![no_std]
#![no_main]

use defmt_semihosting as _;
use microws_firmware::echo::{Echo, RX_LEN, TX_LEN};
use microws_firmware::lan9118::Lan9118;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use static_cell::ConstStaticCell;

const CLIENTS: usize = 6;
const PORT: u16 = 1740;

static TCP: ConstStaticCell<[TcpBuffers; CLIENTS]> =
    ConstStaticCell::new([[[0; TCP_BUFFER_LEN]; 2]; CLIENTS]);
static RX: ConstStaticCell<[[u8; RX_LEN]; CLIENTS]> = ConstStaticCell::new([[0; RX_LEN]; CLIENTS]);
static TX: ConstStaticCell<[[u8; TX_LEN]; CLIENTS]> = ConstStaticCell::new([[0; TX_LEN]; CLIENTS]);

#[cortex_m_rt::entry]
#[allow(unsafe_code)]
fn main() -> ! {
    // One that is pending ends a `wfi` all the same, and no handler is needed.
    cortex_m::interrupt::disable();
    // SAFETY: once, without interrupts, at the start of a program for an MPS2 board.
    let mut net = Net::start(unsafe { Lan9118::start() });

    let mut storage = [const { SocketStorage::EMPTY }; CLIENTS];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let mut buffers = TCP.take().iter_mut().zip(RX.take()).zip(TX.take());
    let mut clients = [(); CLIENTS].map(|()| {
        let ((tcp, rx), tx) = defmt::unwrap!(buffers.next());
        (sockets.add(tcp_socket(tcp)), Echo::new(rx, tx))
    });
    defmt::info!("up: {} clients on port {}", CLIENTS, PORT);
    loop {
        net.poll(&mut sockets);
        let now = net.clock.now();
        for (socket, echo) in &mut clients {
            echo.serve(sockets.get_mut::<tcp::Socket<'_>>(*socket), PORT, now);
        }
        let deadline = clients.iter().filter_map(|(_, echo)| echo.deadline()).min();
        net.wait(&sockets, deadline);
    }
}
