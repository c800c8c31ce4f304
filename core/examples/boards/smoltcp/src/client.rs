//! A sensor: it connects, sends a reading now and then, and comes back after everything that can happen. After so many
//! readings it closes.

use std::net::IpAddr;

use microws::http::Url;
use microws::io::polled::WebSocket;
use microws::{Backoff, Buffer, Client, CloseCode, Config, End, Event, MessageKind, Session, State, Step};
use smoltcp::iface::Context;
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::tcp::Tcp;

/// Its host is an IPv4 address: there is no DNS here.
pub const URL: Url<'_> = match Url::parse("ws://10.0.0.1:1740/readings") {
    Ok(url) => url,
    Err(_) => panic!("no WebSocket address"),
};
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(50);

static CONFIG: Config<'_> = Config::new().url(URL).max_message_len(200).whole_up_to(200);

/// Where masking keys come from.
pub type Random = fn(&mut [u8]);

enum Doing {
    /// Until then nothing.
    Pausing(Instant),
    /// Until then at most.
    Connecting(Instant),
    /// The next reading is due then.
    Measuring(Instant),
}

pub struct Sensor<'a> {
    websocket: WebSocket<'a, Client<Random>>,
    random: Random,
    backoff: Backoff,
    doing: Doing,
    /// Readings that are still to be sent.
    left: u32,
    /// Readings that came back.
    pub echoed: u32,
}

impl<'a> Sensor<'a> {
    pub fn new(rx: &'a mut [u8; 256], tx: &'a mut [u8; 270], random: Random, readings: u32) -> Self {
        let session = Session::client(&CONFIG, random);
        let websocket = WebSocket::new(Buffer::new(rx), Buffer::new(tx), session);
        let (backoff, doing) = (Backoff::new(100, 60_000), Doing::Pausing(Instant::ZERO));
        Self { websocket, random, backoff, doing, left: readings, echoed: 0 }
    }

    /// When [`work`](Self::work) must be called even if nothing happens.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let due = match self.doing {
            Doing::Pausing(until) | Doing::Connecting(until) => return Some(until),
            Doing::Measuring(due) => (self.websocket.session().state() == State::Open).then_some(due),
        };
        let wait = self.websocket.wait().map(|ms| now + Duration::from_millis(ms.into()));
        [due, wait].into_iter().flatten().min()
    }

    /// Does everything that can be done without waiting; the end, when all readings are sent.
    pub fn work(&mut self, context: &mut Context, socket: &mut tcp::Socket<'_>, now: Instant) -> Option<End> {
        match self.doing {
            Doing::Pausing(until) if now < until => {}
            Doing::Pausing(_) => {
                self.websocket.restart(Session::client(&CONFIG, self.random));
                self.doing = Doing::Connecting(now + CONNECT_WITHIN);
                // A fresh port: segments of the last connection that are still on their way can't be taken for this
                // one's.
                let port = 0xc000 | self.number() as u16;
                socket.abort();
                if let Some(IpAddr::V4(server)) = URL.ip() {
                    _ = socket.connect(context, (server, URL.port()), port);
                }
            }
            Doing::Connecting(until) => match socket.state() {
                tcp::State::SynSent if now < until => {}
                tcp::State::SynSent | tcp::State::Closed => self.pause("no TCP connection", now),
                _ => self.doing = Doing::Measuring(now),
            },
            Doing::Measuring(due) => match self.converse(socket, now) {
                Some(end) => {
                    socket.close();
                    if self.left == 0 {
                        return Some(end);
                    }
                    self.pause(&end.to_string(), now);
                }
                None if now >= due && self.websocket.session().state() == State::Open => {
                    self.doing = Doing::Measuring(now + INTERVAL);
                    self.measure(now);
                    // What was queued is written out.
                    return self.work(context, socket, now);
                }
                None => {}
            },
        }
        None
    }

    /// Takes what came, and writes what is queued; how the session ended, if it did.
    fn converse(&mut self, socket: &mut tcp::Socket<'_>, now: Instant) -> Option<End> {
        loop {
            match self.websocket.poll(&mut Tcp(socket), now.total_millis() as u32) {
                Ok(Step::Event((Event::Open, _))) => println!("client: connected to {}", URL.authority()),
                Ok(Step::Event((Event::Chunk(c), _))) => {
                    println!("client: the server says {}", String::from_utf8_lossy(c.payload));
                    self.echoed += 1;
                    // It works: the next failure is a first one.
                    self.backoff.reset();
                }
                Ok(Step::Event(_)) => {}
                Ok(Step::End(end)) => return Some(end),
                Ok(_) => return None,
                // The connection was reset.
                Err(_) => return Some(End::Eof),
            }
        }
    }

    fn measure(&mut self, now: Instant) {
        let line = self.websocket.sender();
        match self.left.checked_sub(1) {
            Some(left) => {
                let reading = format!("uptime {} ms", now.total_millis());
                // If the server does not take them fast enough, this one is left out.
                _ = line.send(MessageKind::Text, reading.as_bytes());
                self.left = left;
            }
            // Without room it comes with the next reading's time.
            None => _ = line.close(CloseCode::NORMAL, "done"),
        }
    }

    fn pause(&mut self, why: &str, now: Instant) {
        let random = self.number();
        let wait = self.backoff.next(random);
        println!("client: {why}, again in {wait} ms");
        self.doing = Doing::Pausing(now + Duration::from_millis(wait.into()));
    }

    fn number(&self) -> u32 {
        let mut bytes = [0; 4];
        (self.random)(&mut bytes);
        u32::from_le_bytes(bytes)
    }
}
