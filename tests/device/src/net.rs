//! The network stack: smoltcp over the controller, polled when an interrupt or a deadline says so.

use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{IpAddress, IpCidr, Ipv4Address};

use crate::clock::Clock;
use crate::debugger;
use crate::lan9118::Lan9118;

/// The address that QEMU's user network forwards to.
const ADDRESS: IpCidr = IpCidr::new(IpAddress::v4(10, 0, 2, 15), 24);
/// Its gateway, which is also the host.
pub const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);

/// What TCP keeps for one connection in each direction: two of them in flight fit the controller's FIFO.
pub const TCP_BUFFER_LEN: usize = 2048;

/// What the connections of a TCP socket pass through, receiving and sending.
pub type TcpBuffers = [[u8; TCP_BUFFER_LEN]; 2];

/// A socket over its buffers.
pub fn tcp_socket<const LEN: usize>([rx, tx]: &mut [[u8; LEN]; 2]) -> tcp::Socket<'_> {
    let mut socket =
        tcp::Socket::new(tcp::SocketBuffer::new(&mut rx[..]), tcp::SocketBuffer::new(&mut tx[..]));
    // A frame is answered by a frame: waiting for more to put into a segment only adds delay.
    socket.set_nagle_enabled(false);
    socket
}

/// Interface, controller and clock.
pub struct Net {
    pub interface: Interface,
    pub clock: Clock,
    device: Lan9118,
}

impl Net {
    /// Start controller, clock and stack of an MPS2 board, once.
    #[allow(unsafe_code)]
    pub fn start() -> Self {
        // One that is pending ends a `wfi` all the same, and no handler is needed.
        cortex_m::interrupt::disable();
        let Some(core) = cortex_m::Peripherals::take() else { defmt::panic!("the board is started") };
        // SAFETY: once, because the peripherals are taken once; without interrupts; this firmware runs on MPS2 boards only.
        let mut device = match unsafe { Lan9118::start() } {
            Ok(device) => device,
            Err(error) => defmt::panic!("{}", error),
        };
        let mut clock = Clock::start(core.SYST);
        let mut config = Config::new(device.address().into());
        // It decides sequence numbers: they should differ at every start.
        config.random_seed = u64::from_le_bytes(debugger::random());
        let mut interface = Interface::new(config, &mut device, clock.now());
        // Both tables have room: they were empty.
        interface.update_ip_addrs(|addresses| _ = addresses.push(ADDRESS));
        _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);
        Self { interface, clock, device }
    }

    /// Move what came to the sockets, and what they have to the network.
    pub fn poll(&mut self, sockets: &mut SocketSet<'_>) {
        self.device.acknowledge();
        self.interface.poll(self.clock.now(), &mut self.device, sockets);
    }

    /// Sleep until something is to be done: a frame came, a socket's time has come, or `deadline` is reached.
    pub fn wait(&mut self, sockets: &SocketSet<'_>, deadline: Option<Instant>) {
        let now = self.clock.now();
        let socket = self.interface.poll_at(now, sockets);
        let next = [socket, deadline].into_iter().flatten().min();
        if next.is_none_or(|next| next > now) {
            self.clock.sleep(next.map(|next| next - now));
        }
    }

    /// Let `time` pass; the network goes on.
    pub fn pause(&mut self, sockets: &mut SocketSet<'_>, time: Duration) {
        let end = self.clock.now() + time;
        while self.clock.now() < end {
            self.poll(sockets);
            self.wait(sockets, Some(end));
        }
    }
}
