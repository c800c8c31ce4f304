//! Visits: a client connects, upgrades, has one message echoed, closes as RFC 6455 says, and comes again.

use std::{
    error::Error,
    fmt::Write as _,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use microws_benches::{
    frames::{FIN, PlainHeader, push_masked},
    stats::human,
};
use rustix::net::sockopt::set_socket_linger;

use crate::{
    check::Protocol,
    load::{ACCEPT, STALL, request},
    process::Process,
    report::{Cell, Figures, or_dash},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Visitors at the same time.
const AT_ONCE: usize = 16;

/// Visits for a figure, at most.
const MOST: u64 = 1_000_000;

/// Bytes of a reply, at most.
const MOST_HEARD: usize = 16 << 10;

const BINARY: u8 = 2;
const CLOSE: u8 = 8;
/// The code of a normal end (section 7.4.1).
const NORMAL: [u8; 2] = 1000_u16.to_be_bytes();
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What a visitor says, and what it must hear before it says the next.
struct Visit {
    protocol: Protocol,
    message: Vec<u8>,
    said: [Vec<u8>; 3],
}

/// One connection. It does not block, and waits without sleep: the server pays nothing for waking the load.
struct Visitor {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// Visits a server that was started for it, for `time` after a warm-up.
pub(crate) fn measure(process: &Process, protocol: Protocol, time: Duration) -> Outcome<Figures> {
    let visit = Visit::new(protocol);
    let pass = |time: Duration| -> Outcome<u64> {
        let begun = Instant::now();
        let mut visits = 0;
        while visits == 0 || (begun.elapsed() < time && visits < MOST) {
            visit.at_once(process.address)?;
            visits += AT_ONCE as u64;
        }
        Ok(visits)
    };
    pass(time / 5)?;
    let before = process.cpu_time()?;
    let visits = pass(time)?;
    Ok(Figures::of_cpu(process.cpu_time()? - before, visits))
}

impl Visit {
    fn new(protocol: Protocol) -> Self {
        let message: Vec<u8> = (0..125).collect();
        let frame = |opcode, payload| {
            let mut frame = vec![];
            push_masked(&mut frame, FIN | opcode, KEY, payload);
            frame
        };
        let said = [request("/", "").into_bytes(), frame(BINARY, &message), frame(CLOSE, &NORMAL)];
        Self { protocol, message, said }
    }

    /// As many visits as there are visitors, step by step.
    fn at_once(&self, address: SocketAddr) -> Outcome {
        let mut visitors: Vec<Visitor> =
            (0..AT_ONCE).map(|_| Visitor::connect(address)).collect::<Outcome<_>>()?;
        for (step, said) in self.said.iter().enumerate() {
            for visitor in &mut visitors {
                visitor.stream.write_all(said)?;
            }
            for visitor in &mut visitors {
                visitor.await_reply(|heard| match self.protocol {
                    Protocol::Raw => Ok((heard.len() >= said.len()).then_some(said.len())),
                    _ => self.reply_len(step, heard),
                })?;
            }
        }
        for visitor in &mut visitors {
            // The floor does not know what a Close frame is: the reset is all that it gets.
            if self.protocol != Protocol::Raw {
                visitor.await_end()?;
            }
            // No socket waits out its time (TIME-WAIT), on neither side, and no port is used up.
            set_socket_linger(&visitor.stream, Some(Duration::ZERO))?;
        }
        Ok(())
    }

    /// Bytes of the reply to a step; `None` while it is not all there.
    fn reply_len(&self, step: usize, heard: &[u8]) -> Outcome<Option<usize>> {
        if step == 0 {
            let Some(end) = heard.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
            let head = std::str::from_utf8(&heard[..end])?;
            if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
                return Err(format!("the handshake was refused: {head}").into());
            }
            return Ok(Some(end + 4));
        }
        let Some(header) = PlainHeader::parse(heard)? else { return Ok(None) };
        let len = header.size + usize::try_from(header.len)?;
        let Some(payload) = heard.get(header.size..len) else { return Ok(None) };
        let is_right = match step {
            1 => header.first == FIN | BINARY && payload == self.message,
            _ => header.first == FIN | CLOSE,
        };
        if !is_right {
            return Err(format!("not the reply to step {step}: {heard:02x?}").into());
        }
        Ok(Some(len))
    }
}

impl Visitor {
    fn connect(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, heard: Vec::with_capacity(1024) })
    }

    /// Reads until `len` finds its bytes, and takes those.
    fn await_reply(&mut self, len: impl Fn(&[u8]) -> Outcome<Option<usize>>) -> Outcome {
        loop {
            if let Some(len) = len(&self.heard)? {
                self.heard.drain(..len);
                return Ok(());
            }
            if self.heard.len() > MOST_HEARD {
                return Err("the reply is too long".into());
            }
            if self.read()? == 0 {
                return Err("the server closed a connection".into());
            }
        }
    }

    /// Some bytes more, or none at the end.
    fn read(&mut self) -> Outcome<usize> {
        let begun = Instant::now();
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(len) => {
                    self.heard.extend(&buffer[..len]);
                    return Ok(len);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            if begun.elapsed() > STALL {
                return Err("nothing came".into());
            }
        }
    }

    /// The server closes first, as RFC 6455 wants it (section 7.1.1).
    fn await_end(&mut self) -> Outcome {
        if self.read()? > 0 || !self.heard.is_empty() {
            return Err(format!("more came after the end: {:02x?}", self.heard).into());
        }
        Ok(())
    }
}

/// The table.
pub(crate) fn markdown<'a>(
    servers: &[String],
    visits: impl Iterator<Item = (&'a Cell, [String; 2])>,
) -> String {
    let mut out = format!(
        "\n## Visits\n\nA client connects, upgrades, has one message of 125 B echoed and closes, {AT_ONCE} at a time; the \
         rate is what one core has time for. The floor echoes the same bytes.\n\n| server | CPU µs per visit | × floor | ÷ microws | \
         visits per second of processor time |\n|---|--:|--:|--:|--:|\n"
    );
    for (server, (cell, [floor, own])) in servers.iter().zip(visits) {
        let _infallible = writeln!(
            out,
            "| {server} | {} | {floor} | {own} | {} |",
            or_dash(cell.cpu().map(|cpu| cpu / 1000.0)),
            cell.cpu().map_or("n/a".into(), |cpu| human(1e9 / cpu)),
        );
    }
    out
}
