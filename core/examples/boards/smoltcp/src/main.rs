//! A server and a client on bare smoltcp, each with its own interface, and a cable between them: no board is needed, nor
//! any privilege. Nothing waits but the loop, between two turns. To use it on a device, take your driver for the cable,
//! and the half that you need.

mod cable;
mod client;
mod server;
mod tcp;

use cable::{Plug, cable};
use client::{Sensor, URL};
use server::Echo;
use smoltcp::iface::{self, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};

const READINGS: u32 = 5;
/// The server is not there at first: the client has to come back.
const SERVER_STARTS: Instant = Instant::from_millis_const(400);

/// An interface with one socket.
struct Host<'a> {
    interface: Interface,
    device: Plug,
    sockets: SocketSet<'a>,
    handle: SocketHandle,
}

impl<'a> Host<'a> {
    /// The last byte of its addresses is `number`.
    fn new(
        number: u8,
        mut device: Plug,
        storage: &'a mut [SocketStorage<'a>],
        tcp: &'a mut tcp::Buffers,
    ) -> Self {
        let mut config = iface::Config::new(EthernetAddress([2, 0, 0, 0, 0, number]).into());
        let mut seed = [0; 8];
        random(&mut seed);
        // It decides sequence numbers: they should differ at every start.
        config.random_seed = u64::from_le_bytes(seed);
        let mut interface = Interface::new(config, &mut device, Instant::ZERO);
        // The table has room: it was empty.
        let address = IpCidr::new(Ipv4Address::new(10, 0, 0, number).into(), 24);
        interface.update_ip_addrs(|addresses| _ = addresses.push(address));
        let mut sockets = SocketSet::new(storage);
        let handle = sockets.add(tcp::socket(tcp));
        Self { interface, device, sockets, handle }
    }

    /// Moves what came to the socket, and what it has to the cable.
    fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
    }

    /// When TCP wants its next turn.
    fn deadline(&mut self, now: Instant) -> Option<Instant> {
        self.interface.poll_at(now, &self.sockets)
    }
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has random numbers");
}

fn main() -> Result<(), &'static str> {
    let started = std::time::Instant::now();
    let (one, other) = cable();
    let (mut storage, mut tcp) = ([[SocketStorage::EMPTY], [SocketStorage::EMPTY]], [[[0; 1024]; 2]; 2]);
    let ([place_1, place_2], [tcp_1, tcp_2]) = (&mut storage, &mut tcp);
    let (mut server, mut client) = (Host::new(1, one, place_1, tcp_1), Host::new(2, other, place_2, tcp_2));
    let (mut rx, mut tx) = ([[0; 256]; 2], [[0; 270]; 2]);
    let ([rx_1, rx_2], [tx_1, tx_2]) = (&mut rx, &mut tx);
    let (mut echo, mut sensor) = (Echo::new(rx_1, tx_1), Sensor::new(rx_2, tx_2, random, READINGS));

    let mut ended = None;
    loop {
        let now = Instant::from_millis(started.elapsed().as_millis() as i64);
        server.poll(now);
        if now >= SERVER_STARTS {
            let socket = server.sockets.get_mut(server.handle);
            if let Some(end) = echo.serve(socket, URL.port(), now) {
                println!("server: {end}");
                break;
            }
        }
        client.poll(now);
        if ended.is_none() {
            let socket = client.sockets.get_mut(client.handle);
            ended = sensor.work(client.interface.context(), socket, now);
            if let Some(end) = ended {
                println!("client: {end}");
            }
        }
        // A device sleeps here, until an interrupt or the first of the deadlines.
        if server.device.is_idle() && client.device.is_idle() {
            let start = (now < SERVER_STARTS).then_some(SERVER_STARTS);
            let sensor = if ended.is_none() { sensor.deadline(now) } else { None };
            let deadlines = [start, server.deadline(now), client.deadline(now), echo.deadline, sensor];
            if let Some(next) = deadlines.into_iter().flatten().min()
                && next > now
            {
                std::thread::sleep((next - now).into());
            }
        }
    }
    if sensor.echoed == READINGS { Ok(()) } else { Err("readings are missing") }
}
