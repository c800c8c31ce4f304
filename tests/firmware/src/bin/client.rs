//! A sensor: subscribes, sends a reading every 100 ms, comes back when the server does.
//!
//! Arguments: `server=ADDRESS:PORT`, and `readings=N` to close after so many; without it the server's
//! text `stop` ends it.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::net::SocketAddrV4;

use defmt_semihosting as _;
use heapless::String;
use microws::{CloseCode, Config, Event, MessageKind, SendError, Sent};
use microws_firmware::backoff::Backoff;
use microws_firmware::client::{Application, Line, RX_LEN, TX_LEN, run};
use microws_firmware::debugger;
use microws_firmware::lan9118::Lan9118;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::time::{Duration, Instant};
use static_cell::ConstStaticCell;

const INTERVAL: Duration = Duration::from_millis(100);

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static RX: ConstStaticCell<[u8; RX_LEN]> = ConstStaticCell::new([0; RX_LEN]);
static TX: ConstStaticCell<[u8; TX_LEN]> = ConstStaticCell::new([0; TX_LEN]);

#[cortex_m_rt::entry]
#[allow(unsafe_code)]
fn main() -> ! {
    // One that is pending ends a `wfi` all the same, and no handler is needed.
    cortex_m::interrupt::disable();
    // SAFETY: once, without interrupts, at the start of a program for an MPS2 board.
    let mut net = Net::start(unsafe { Lan9118::start() });
    let Some(server) = debugger::argument::<SocketAddrV4>("server") else {
        defmt::panic!("no argument server=ADDRESS:PORT");
    };
    let mut host = String::<21>::new();
    // The longest address has 15 characters, the longest port 5.
    _ = write!(host, "{server}");
    let config = Config::new().request(&host, "/sensors/1").subprotocols(&["readings"]);

    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let socket = sockets.add(tcp_socket(TCP.take()));
    let (rx, tx) = (RX.take(), TX.take());
    let mut sensor = Sensor { sent: 0, limit: debugger::argument("readings"), next: None };
    let mut backoff = Backoff::new();
    defmt::info!("up");
    loop {
        sensor.next = None;
        match run(&mut net, &mut sockets, socket, server.into(), &config, rx, tx, &mut sensor) {
            Ok(()) => break,
            Err(failure) => {
                if sensor.next.is_some() {
                    backoff.reset();
                }
                let pause = backoff.next(u16::from_le_bytes(debugger::random()));
                defmt::warn!("{}, again in {} ms", failure, pause.total_millis());
                net.pause(&mut sockets, pause);
            }
        }
    }
    defmt::info!("closed after {} readings", sensor.sent);
    debugger::exit(true)
}

struct Sensor {
    sent: u32,
    limit: Option<u32>,
    /// When the next reading is due; `None` while there is no connection.
    next: Option<Instant>,
}

impl Application for Sensor {
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_>) {
        match event {
            Event::Open => {
                defmt::info!("connected");
                let sent = defmt::unwrap!(line.send(MessageKind::Text, b"subscribe commands"));
                defmt::assert!(sent == Sent::Done);
                self.next = Some(Instant::ZERO);
            }
            Event::Chunk(chunk) if chunk.kind == MessageKind::Text && chunk.payload == b"stop" => {
                self.stop(line);
            }
            Event::Close(close) => defmt::info!("closed with {}", close.code),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.next
    }

    fn due(&mut self, now: Instant, line: &mut Line<'_>) {
        self.next = Some(now + INTERVAL);
        if self.limit.is_some_and(|limit| self.sent >= limit) {
            return self.stop(line);
        }
        let mut reading = String::<32>::new();
        // A number of 32 bits has at most ten digits.
        _ = write!(reading, "reading {} {}", self.sent, now.total_millis() as u32);
        match line.send(MessageKind::Text, reading.as_bytes()) {
            Ok(Sent::Done) => self.sent += 1,
            // The server does not take them fast enough: this one is left out.
            Ok(Sent::Write) => defmt::warn!("a reading is left out"),
            Err(error) => defmt::panic!("{}", error),
        }
    }
}

impl Sensor {
    fn stop(&mut self, line: &mut Line<'_>) {
        match line.close(CloseCode::NORMAL, "done") {
            Ok(Sent::Done) | Err(SendError::Closed) => self.next = None,
            // Bytes before it go out first; `due` or the server comes back to it.
            Ok(Sent::Write) => self.limit = Some(0),
            Err(error) => defmt::panic!("{}", error),
        }
    }
}
