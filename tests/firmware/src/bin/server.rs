//! Echo server.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use defmt_semihosting as _;
use microws_firmware::clock::Clock;
use microws_firmware::debugger;
use microws_firmware::lan9118::Lan9118;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use static_cell::ConstStaticCell;

const CONNECTIONS: usize = 6;
const PORT: u16 = 1740;

static TCP: ConstStaticCell<[TcpBuffers; CONNECTIONS]> =
    ConstStaticCell::new([[[0; TCP_BUFFER_LEN]; 2]; CONNECTIONS]);

#[entry]
#[allow(unsafe_code)]
fn main() -> ! {
    let Some(core) = cortex_m::Peripherals::take() else { debugger::exit(false) };
    // One that is pending ends a `wfi` all the same, and no handler is needed.
    cortex_m::interrupt::disable();
    // SAFETY: once, without interrupts, at the start of a program for an MPS2 board.
    let device = match unsafe { Lan9118::start() } {
        Ok(device) => device,
        Err(error) => defmt::panic!("{}", error),
    };
    let clock = Clock::start(core.SYST);
    let mut net = Net::new(device, clock, u64::from_le_bytes(debugger::random()));
    let mut storage = [const { SocketStorage::EMPTY }; CONNECTIONS];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let handles = TCP.take().each_mut().map(|buffers| sockets.add(tcp_socket(buffers)));
    defmt::info!("listening on port {}", PORT);
    loop {
        net.poll(&mut sockets);
        for handle in handles {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
            if !socket.is_open() || socket.state() == tcp::State::TimeWait {
                socket.abort();
                _ = socket.listen(PORT);
            }
            if socket.can_send() && socket.can_recv() {
                let mut buf = [0; 512];
                let n = socket
                    .recv_slice(&mut buf[..(socket.send_capacity() - socket.send_queue()).min(512)])
                    .unwrap();
                socket.send_slice(&buf[..n]).unwrap();
            }
            if socket.may_send() && !socket.may_recv() && socket.recv_queue() == 0 {
                socket.close();
            }
        }
        net.wait(&sockets, None);
    }
}
