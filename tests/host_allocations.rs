//! After start-up no message costs the server an allocation.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use microws_host::{Config, Server};
use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A client that allocates nothing while it sends the same bytes over and over and reads as many
/// back: what is counted then is the server's.
struct Client {
    stream: TcpStream,
    sent: Vec<u8>,
    came: Vec<u8>,
}

impl Client {
    fn new(address: SocketAddr, sent: Vec<u8>, echo_len: usize) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(REQUEST).unwrap();
        let mut head = [0; 129];
        stream.read_exact(&mut head).unwrap();
        assert!(head.starts_with(b"HTTP/1.1 101 ") && head.ends_with(b"\r\n\r\n"));
        Self { stream, sent, came: vec![0; echo_len] }
    }

    fn round(&mut self) {
        self.stream.write_all(&self.sent).unwrap();
        self.stream.read_exact(&mut self.came).unwrap();
    }
}

#[test]
fn an_echoed_message_costs_no_allocation() {
    let mut config =
        Config { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()], ..Config::default() };
    // A deadline that comes up is entered anew; that is no message's cost.
    config.timeouts.ping_after = 0;
    let server = Server::bind(config).unwrap();
    let address = server.addresses()[0];
    let handle = server.handle().try_clone().unwrap();
    let running = thread::spawn(move || server.run().unwrap());

    // As long as fits through the socket's buffers without reading and writing at once.
    let large = [frame(0x82, KEY, &[7; 60_000]), frame(0x89, KEY, b"ping")].concat();
    let small = frame(0x81, KEY, b"hello").repeat(50);
    let fragments = [frame(0x01, KEY, b"a"), frame(0x00, KEY, &[b'b'; 126]), frame(0x80, KEY, b"c")].concat();
    let mut clients = [
        Client::new(address, frame(0x81, KEY, b"hello"), 7),
        Client::new(address, small, 50 * 7),
        Client::new(address, fragments, 3 + 130 + 3),
    ];
    // Its echo may come in fragments of other sizes, so it is read up to its pong.
    let mut pinging = Client::new(address, large, 16 * 1024);
    let mut round = |rounds: usize| {
        for _ in 0..rounds {
            clients.iter_mut().for_each(Client::round);
            pinging.stream.write_all(&pinging.sent).unwrap();
            let mut last = [0; 6];
            while &last != b"\x8a\x04ping" {
                let n = pinging.stream.read(&mut pinging.came).unwrap();
                assert!(n > 0);
                for byte in &pinging.came[n.saturating_sub(last.len())..n] {
                    last.rotate_left(1);
                    last[5] = *byte;
                }
            }
        }
    };
    round(100);
    let region = Region::new(ALLOCATOR);
    round(500);
    let change = region.change();
    handle.stop();
    drop(clients);
    drop(pinging);
    let stats = running.join().unwrap();
    assert_eq!((change.allocations, change.reallocations, change.deallocations), (0, 0, 0), "{change:?}");
    assert_eq!(stats.messages.count(), 600 * (1 + 50 + 1 + 1));
}
