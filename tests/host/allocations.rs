//! After start-up no message costs the server an allocation.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::thread;

use microws_host::{Config, Server};
use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST, offering};
use microws_tests::zlib::Compressor;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use zlib_rs::Strategy;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One test counts at a time.
static ALONE: Mutex<()> = Mutex::new(());

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

    fn read_until(&mut self, end: &[u8]) {
        let mut came = Vec::new();
        while !came.ends_with(end) {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            came.push(byte[0]);
        }
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

/// An event over a WebSocket, and one over polling with its POST, its answer, and the GET that fetches it.
#[test]
fn an_event_of_socket_io_costs_no_allocation_over_a_websocket_or_polling() {
    let _alone = ALONE.lock().unwrap();
    let mut config = Config::default();
    config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()];
    config.timeouts.ping_after = 0;
    config.socketio.news = None;
    let server = Server::bind(config).unwrap();
    let address = server.addresses()[0];
    let handle = server.handle().try_clone().unwrap();
    let running = thread::spawn(move || server.run().unwrap());

    let text = |text: &str| frame(0x81, KEY, text.as_bytes());
    let upgrade = offering("/socket.io/?EIO=4&transport=websocket", "none");
    let event = r#"42["hello",1,{"a":[null]}]"#;
    let binary = [text(r#"451-["b",{"_placeholder":true,"num":0}]"#), frame(0x82, KEY, &[7; 500])].concat();
    let mut sockets = [
        (text(event).repeat(20), 20 * (2 + event.len())),
        (text(r#"421["ask",1]"#), 2 + 5),
        (binary, 2 + 39 + 4 + 500),
    ]
    .map(|(sent, len)| {
        let mut client = Client::asking(&upgrade, address, text("40"), 400);
        // The open packet and the one that says that it has joined.
        client.stream.write_all(&client.sent).unwrap();
        client.read_until(b"\"}");
        (client.sent, client.came) = (sent, vec![0; len]);
        client
    });
    let round = |sockets: &mut [Client; 3], rounds: usize| {
        for _ in 0..rounds {
            sockets.iter_mut().for_each(Client::round);
        }
    };
    round(&mut sockets, 100);
    let region = Region::new(ALLOCATOR);
    round(&mut sockets, 500);
    let over_websocket = region.change();

    let mut polling = Polling::open(address);
    let mut poll = |rounds: usize| {
        for _ in 0..rounds {
            polling.round();
        }
    };
    poll(100);
    let region = Region::new(ALLOCATOR);
    poll(500);
    let over_polling = region.change();
    handle.stop();
    drop((sockets, polling));
    let stats = running.join().unwrap();
    assert_eq!(stats.socketio.events, 600 * (22 + 1));
    let all = |change: &stats_alloc::Stats| (change.allocations, change.reallocations, change.deallocations);
    assert_eq!(all(&over_websocket), (0, 0, 0), "{over_websocket:?}");
    assert_eq!(all(&over_polling), (0, 0, 0), "{over_polling:?}");
}

/// A client over polling that allocates nothing after its first round.
struct Polling {
    stream: TcpStream,
    post: Vec<u8>,
    get: Vec<u8>,
    came: Vec<u8>,
}

impl Polling {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut client = Self { stream, post: Vec::new(), get: Vec::new(), came: vec![0; 4096] };
        client.get = b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: h\r\n\r\n".to_vec();
        let open = client.ask(false).to_vec();
        let at = open.windows(7).position(|window| window == b"\"sid\":\"").unwrap() + 7;
        let sid = String::from_utf8(open[at..at + 20].to_vec()).unwrap();
        let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: h\r\n");
        client.get = format!("GET {target}\r\n").into();
        client.post = format!("POST {target}Content-Length: 2\r\n\r\n40").into();
        assert!(client.ask(true).ends_with(b"ok"));
        client.ask(false);
        let event = r#"42["hello",1,{"a":[null]}]"#;
        client.post = format!("POST {target}Content-Length: {}\r\n\r\n{event}", event.len()).into();
        client
    }

    fn round(&mut self) {
        assert!(self.ask(true).ends_with(b"ok"));
        assert!(self.ask(false).ends_with(br#"42["hello",1,{"a":[null]}]"#));
    }

    /// Sends a request and reads its answer, which must come whole.
    fn ask(&mut self, post: bool) -> &[u8] {
        self.stream.write_all(if post { &self.post } else { &self.get }).unwrap();
        let mut len = 0;
        loop {
            let n = self.stream.read(&mut self.came[len..]).unwrap();
            assert!(n > 0);
            len += n;
            let came = &self.came[..len];
            let Some(end) = came.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let field = b"Content-Length: ";
            let at = came.windows(field.len()).position(|window| window == field).unwrap() + field.len();
            let digits = came[at..].iter().take_while(|byte| byte.is_ascii_digit());
            let content = digits.fold(0, |n, digit| 10 * n + usize::from(digit - b'0'));
            if len == end + 4 + content {
                return &self.came[..len];
            }
        }
    }
}

#[test]
fn an_echoed_message_costs_no_allocation() {
    let _alone = ALONE.lock().unwrap();
    let mut config = Config::default();
    config.listen = vec![SocketAddr::from(([127, 0, 0, 1], 0)).into()];
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
