//! The client of Autobahn's fuzzing server: echoes every message, case by case.
//!
//! Arguments: `server=ADDRESS:PORT`, and `agent=NAME` for the report.
#![no_std]
#![no_main]

use core::fmt::Write;
use core::net::SocketAddrV4;

use defmt_semihosting as _;
use heapless::String;
use microws::{Config, Event, SendError, Sent};
use microws_firmware::client::{Application, Failure, Line, RX_LEN, TX_LEN, run};
use microws_firmware::debugger;
use microws_firmware::lan9118::Lan9118;
use microws_firmware::net::{Net, TCP_BUFFER_LEN, TcpBuffers, tcp_socket};
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};
use static_cell::ConstStaticCell;

static TCP: ConstStaticCell<TcpBuffers> = ConstStaticCell::new([[0; TCP_BUFFER_LEN]; 2]);
static RX: ConstStaticCell<[u8; RX_LEN]> = ConstStaticCell::new([0; RX_LEN]);
static TX: ConstStaticCell<[u8; TX_LEN]> = ConstStaticCell::new([0; TX_LEN]);

#[cortex_m_rt::entry]
#[allow(unsafe_code)]
fn main() -> ! {
    // One that is pending ends a `wfi` all the same, and no handler is needed.
    cortex_m::interrupt::disable();
    // SAFETY: once, without interrupts, at the start of a program for an MPS2 board.
    let net = Net::start(unsafe { Lan9118::start() });
    let Some(server) = debugger::argument("server") else {
        defmt::panic!("no argument server=ADDRESS:PORT");
    };
    let Some(agent) = debugger::argument::<String<32>>("agent") else {
        defmt::panic!("no argument agent=NAME");
    };
    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let socket = sockets.add(tcp_socket(TCP.take()));
    let mut suite = Suite { net, sockets, socket, server, rx: RX.take(), tx: TX.take() };

    let mut count = CaseCount(0);
    if let Err(failure) = suite.visit(format_args!("/getCaseCount"), &mut count) {
        defmt::panic!("no case count: {}", failure);
    }
    defmt::info!("up: {} cases", count.0);
    for case in 1..=count.0 {
        // Many cases want the connection to fail.
        let result = suite.visit(format_args!("/runCase?case={case}&agent={agent}"), &mut Echo);
        defmt::info!("case {}: {}", case, result);
    }
    if let Err(failure) = suite.visit(format_args!("/updateReports?agent={agent}"), &mut Echo) {
        defmt::panic!("no reports: {}", failure);
    }
    debugger::exit(true)
}

struct Suite<'a> {
    net: Net,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
    server: SocketAddrV4,
    rx: &'a mut [u8; RX_LEN],
    tx: &'a mut [u8; TX_LEN],
}

impl Suite<'_> {
    fn visit(
        &mut self,
        target: core::fmt::Arguments<'_>,
        application: &mut impl Application,
    ) -> Result<(), Failure> {
        let (mut host, mut path) = (String::<21>::new(), String::<64>::new());
        if write!(host, "{}", self.server).is_err() || path.write_fmt(target).is_err() {
            defmt::panic!("the target is too long");
        }
        let config = Config::new().request(&host, &path);
        let Self { net, sockets, socket, server, rx, tx } = self;
        run(net, sockets, *socket, (*server).into(), &config, rx, tx, application)
    }
}

/// A message with a number.
struct CaseCount(u32);

impl Application for CaseCount {
    fn event(&mut self, event: Event<'_>, _: &mut Line<'_>) {
        if let Event::Chunk(chunk) = event {
            for digit in chunk.payload.iter().filter(|byte| byte.is_ascii_digit()) {
                self.0 = self.0 * 10 + u32::from(digit - b'0');
            }
        }
    }
}

struct Echo;

impl Application for Echo {
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_>) {
        if let Event::Chunk(chunk) = event {
            match line.send_fragment(chunk.kind, chunk.payload, chunk.fin) {
                Ok(Sent::Done) | Err(SendError::Closed) => {}
                other => defmt::panic!("{}", other),
            }
        }
    }
}
