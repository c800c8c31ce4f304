//! The client of Autobahn's fuzzing server: echoes every message, case by case.

use core::fmt::Write;
use core::net::SocketAddrV4;

use heapless::String;
use microws::{Config, Event};
use smoltcp::iface::{SocketHandle, SocketSet, SocketStorage};

use crate::client::{self, Application, Failure, Line};
use crate::debugger;
use crate::echo::{Lend, Reply, send_back};
use crate::net::{Net, TcpBuffers, tcp_socket};

/// Runs all cases, one connection after the other in the same memory.
pub fn run(
    net: Net,
    (tcp, memory): (&mut TcpBuffers, &mut impl Lend),
    config: Config<'_>,
    reply: impl Reply,
) -> ! {
    let Some(server) = debugger::argument("server") else {
        defmt::panic!("no argument server=ADDRESS:PORT");
    };
    let Some(agent) = debugger::argument::<String<32>>("agent") else {
        defmt::panic!("no argument agent=NAME");
    };
    let mut storage = [SocketStorage::EMPTY];
    let mut sockets = SocketSet::new(&mut storage[..]);
    let socket = sockets.add(tcp_socket(tcp));
    let mut suite = Suite { net, sockets, socket, server, config, memory };

    let mut count = CaseCount(0);
    if let Err(failure) = suite.visit(format_args!("/getCaseCount"), &mut count) {
        defmt::panic!("no case count: {}", failure);
    }
    defmt::info!("up: {} cases", count.0);
    let mut echo = Echo(reply);
    for case in 1..=count.0 {
        // Many cases want the connection to fail.
        let result = suite.visit(format_args!("/runCase?case={case}&agent={agent}"), &mut echo);
        defmt::info!("case {}: {}", case, result);
    }
    if let Err(failure) = suite.visit(format_args!("/updateReports?agent={agent}"), &mut echo) {
        defmt::panic!("no reports: {}", failure);
    }
    debugger::exit(true)
}

struct Suite<'a, M> {
    net: Net,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
    server: SocketAddrV4,
    config: Config<'a>,
    memory: &'a mut M,
}

impl<M: Lend> Suite<'_, M> {
    fn visit(
        &mut self,
        target: core::fmt::Arguments<'_>,
        application: &mut impl Application,
    ) -> Result<(), Failure> {
        let (mut host, mut path) = (String::<21>::new(), String::<64>::new());
        if write!(host, "{}", self.server).is_err() || path.write_fmt(target).is_err() {
            defmt::panic!("the target is too long");
        }
        let config = self.config.request(&host, &path);
        let (rx, tx) = self.memory.lend();
        let Self { net, sockets, socket, server, .. } = self;
        client::run(net, sockets, *socket, (*server).into(), &config, rx, tx, application)
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

struct Echo<R>(R);

impl<R: Reply> Application for Echo<R> {
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_>) {
        if let Event::Chunk(chunk) = event {
            send_back(&chunk, &mut self.0, line);
        }
    }
}
