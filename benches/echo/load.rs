//! The load: one thread, all connections, never asleep while a measurement runs, so that waking it up is no
//! part of what the server pays for a send.

use std::{
    collections::VecDeque,
    error::Error,
    io::ErrorKind,
    net::SocketAddr,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use mio::{Events, Poll, Token};

use crate::{
    check::{Checker, Protocol},
    deflate::{self, Agreed, Compressed, Replies},
    socketio,
    wire::{ReadWrite, Tls, Wire},
    workload::{Script, Workload},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What stands still for so long has failed.
pub(crate) const STALL: Duration = Duration::from_secs(20);

const REQUEST: &str = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
/// The answer to that key, from RFC 6455, section 1.3.
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct Client {
    stream: Wire,
    checker: Checker,
    /// The next message to send.
    next: usize,
    /// Messages from there on that may be sent, but wait for room.
    owed: usize,
    /// Bytes of the last write that the kernel did not take.
    unsent: Option<(usize, usize, usize)>,
    sent_at: VecDeque<Instant>,
}

/// Open connections to one server.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    script: Script,
    in_flight: usize,
    /// Every client of this number sends; the others are idle.
    stride: usize,
    /// Clients, the first ones, that have one message in flight, and whose latency alone counts; all, if none is.
    calm: usize,
    buffer: Vec<u8>,
}

/// What a run showed from the client's side.
#[derive(Debug)]
pub(crate) struct Run {
    /// All messages echoed, those in flight at the end included.
    pub messages: u64,
    /// Messages echoed in a second.
    pub rate: f64,
    /// Of the calm clients, if there are any.
    pub latency: Histogram<u64>,
}

/// How long a run goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    Elapsed(Duration),
    Messages(u64),
}

impl Load {
    pub(crate) fn connect(
        address: SocketAddr,
        protocol: Protocol,
        tls: Option<&Tls>,
        workload: &Workload,
    ) -> Outcome<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::with_capacity(workload.connections);
        for token in 0..workload.connections {
            let mut head = String::new();
            let mut stream = Wire::open(address, token, tls, |stream| {
                match protocol {
                    Protocol::Raw => {}
                    Protocol::WebSocket => {
                        head = upgrade(stream, "/", if workload.deflate { deflate::OFFER } else { "" })?;
                    }
                    Protocol::SocketIo => socketio::join(stream)?,
                }
                Ok(())
            })?;
            let mut checker = Checker::new(protocol);
            if workload.deflate && protocol == Protocol::WebSocket {
                checker.replies = Some(Replies::new(Agreed::parse(&head)?));
            }
            stream.register(poll.registry(), Token(token))?;
            clients.push(Client {
                stream,
                checker,
                next: 0,
                owed: 0,
                unsent: None,
                sent_at: VecDeque::with_capacity(workload.in_flight),
            });
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            clients,
            script: Script::new(workload),
            in_flight: workload.in_flight,
            stride: workload.connections / workload.active,
            calm: workload.calm,
            buffer: vec![0; 1 << 20],
        })
    }

    /// What came compressed, since the connections were opened.
    pub(crate) fn compressed(&self) -> Option<Compressed> {
        let mut all = self.clients.iter().filter_map(|client| client.checker.replies.as_ref());
        let first = all.next()?;
        let mut counts = first.counts;
        all.for_each(|replies| counts.add(replies.counts));
        Some(Compressed { agreed: first.agreed, counts })
    }

    /// Keep the agreed number of messages in flight, then wait for the last echo.
    pub(crate) fn run(&mut self, until: Until) -> Outcome<Run> {
        let mut latency = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
        let begun = Instant::now();
        let mut in_flight = 0;
        for (i, client) in self.clients.iter_mut().enumerate().step_by(self.stride) {
            client.owed = if i < self.calm { 1 } else { self.in_flight };
            in_flight += client.owed;
            client.send(&self.script, Instant::now())?;
        }
        let (mut messages, mut last) = (0, begun);
        let mut in_time = None;
        while in_flight > 0 {
            self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
            let now = Instant::now();
            if self.events.is_empty() && now - last > STALL {
                return Err(format!("{in_flight} echoes are missing").into());
            }
            let stop = match until {
                Until::Elapsed(time) => now - begun >= time,
                Until::Messages(count) => messages + in_flight as u64 >= count,
            };
            if stop && in_time.is_none() {
                in_time = Some((messages, now - begun));
            }
            for event in &self.events {
                last = now;
                let client = &mut self.clients[event.token().0];
                let done = client.receive(&mut self.buffer, &self.script)?;
                let now = Instant::now();
                let counts = self.calm == 0 || event.token().0 < self.calm;
                for at in client.sent_at.drain(..done).filter(|_| counts) {
                    latency.saturating_record((now - at).as_nanos() as u64);
                }
                messages += done as u64;
                in_flight -= done;
                if !stop {
                    client.owed += done;
                    in_flight += done;
                }
                client.send(&self.script, now)?;
            }
        }
        let (count, time) = in_time.unwrap_or((messages, begun.elapsed()));
        Ok(Run { messages, rate: count as f64 / time.as_secs_f64(), latency })
    }
}

impl Client {
    /// Read until drained; the number of messages that came to their end.
    fn receive(&mut self, buffer: &mut [u8], script: &Script) -> Outcome<usize> {
        let mut done = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(len) => {
                    done += self.checker.take(&buffer[..len], script)?;
                    if len < buffer.len() && self.stream.short_read_drains() {
                        return Ok(done);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(done),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Send what may be sent, in one write where the kernel takes it.
    fn send(&mut self, script: &Script, now: Instant) -> Outcome {
        match self.stream.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            flushed => flushed?,
        }
        loop {
            let (index, count, from) = match self.unsent.take() {
                Some(unsent) => unsent,
                None => {
                    // Between two frames, and not timed: it is rare.
                    if let Some(pong) = self.checker.pongs.pop() {
                        if self.stream.write(pong)? < pong.len() {
                            return Err("no room for a pong".into());
                        }
                        continue;
                    }
                    if self.owed == 0 {
                        return Ok(());
                    }
                    let batch = (self.next, self.owed.min(script.payloads.len()), 0);
                    self.next = script.after(self.next, batch.1);
                    self.owed -= batch.1;
                    self.sent_at.extend(std::iter::repeat_n(now, batch.1));
                    batch
                }
            };
            let bytes = &script.wire(index, count)[from..];
            match self.stream.write(bytes) {
                Ok(len) if len == bytes.len() => {}
                Ok(len) => self.unsent = Some((index, count, from + len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.unsent = Some((index, count, from));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A client's part of the opening handshake, with more lines in its head.
pub(crate) fn request(target: &str, lines: &str) -> String {
    format!("GET {target}{REQUEST}{lines}\r\n")
}

/// The opening handshake, with more lines in its head; the head of the answer.
pub(crate) fn upgrade(stream: &mut dyn ReadWrite, target: &str, lines: &str) -> Outcome<String> {
    stream.write_all(request(target, lines).as_bytes())?;
    // A frame may follow the head, so nothing is read beyond.
    let mut head = Vec::with_capacity(1024);
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).map_err(|error| format!("during the handshake: {error}"))?;
        head.extend(byte);
    }
    let head = String::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
        return Err(format!("the handshake was refused: {head}").into());
    }
    Ok(head)
}
