//! After start-up no message costs the server an allocation.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use microws_host::{Config, Server};
use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST, offering};
use microws_tests::zlib::Compressor;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use zlib_rs::Strategy;

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
        Self::asking(REQUEST, address, sent, echo_len)
    }

    fn asking(request: &[u8], address: SocketAddr, sent: Vec<u8>, echo_len: usize) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(request).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        Self { stream, sent, came: vec![0; echo_len] }
    }

    fn round(&mut self) {
        self.stream.write_all(&self.sent).unwrap();
        self.stream.read_exact(&mut self.came).unwrap();
    }

    fn round_to_pong(&mut self, sent: &[u8]) {
        self.stream.write_all(sent).unwrap();
        let mut last = [0; 6];
        while &last != b"\x8a\x04ping" {
            let n = self.stream.read(&mut self.came).unwrap();
            assert!(n > 0);
            for byte in &self.came[n.saturating_sub(last.len())..n] {
                last.rotate_left(1);
                last[5] = *byte;
            }
        }
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
    // A compressed message, whole and in two parts that come one after the other.
    let text = "{\"sensor\":\"temp-1\",\"value\":21.5}".repeat(50);
    let deflated = Compressor::new(6, 15, Strategy::Default).message(text.as_bytes());
    let (half, rest) = deflated.split_at(deflated.len() / 2);
    let ping = frame(0x89, KEY, b"ping");
    let whole = [frame(0xc1, KEY, &deflated), ping.clone()].concat();
    let begun = [frame(0x41, KEY, half), ping.clone()].concat();
    let ended = [frame(0x80, KEY, rest), ping].concat();
    let mut compressing =
        Client::asking(&offering("/", "permessage-deflate"), address, Vec::new(), 16 * 1024);
    // Their echoes may come in fragments of other sizes, so they are read up to their pongs.
    let mut pinging = Client::new(address, Vec::new(), 16 * 1024);
    let mut round = |rounds: usize| {
        for _ in 0..rounds {
            clients.iter_mut().for_each(Client::round);
            pinging.round_to_pong(&large);
            for bytes in [&whole, &begun, &ended] {
                compressing.round_to_pong(bytes);
            }
        }
    };
    round(100);
    let region = Region::new(ALLOCATOR);
    round(500);
    let change = region.change();
    handle.stop();
    drop(clients);
    drop((pinging, compressing));
    let stats = running.join().unwrap();
    assert_eq!((change.allocations, change.reallocations, change.deallocations), (0, 0, 0), "{change:?}");
    assert_eq!(stats.messages.count(), 600 * (1 + 50 + 1 + 1 + 2));
}
