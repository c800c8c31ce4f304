//! The event loop: listeners, clients, deadlines, signals. One thread.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::{Duration, Instant};

use log::{debug, info, warn};
use mio::net::{TcpListener, UnixStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::clock::Clock;
use crate::config::Config;
use crate::listen::listen;
use crate::peer::{Peer, Turn};
use crate::shared::Shared;
use crate::stats::Stats;
use crate::wheel::Wheel;

const STOP: Token = Token(0);
const STATUS: Token = Token(1);
const LISTENERS: usize = 2;

/// Connections accepted before the clients that are there get their turn.
const ACCEPT_BATCH: usize = 256;

/// Clients beside those within the limit that may be there to hear the last word, as those over it
/// are told so; more are dropped without a word.
const TURNED_AWAY: usize = 64;

/// How long clients that have more to read get turns until others are looked for.
const SLICE: Duration = Duration::from_millis(2);

/// How long to wait before files are tried for again, in milliseconds, unless a client leaves.
const RETRY_ACCEPT: u64 = 100;

/// A greeting that is longer has no room beside the answer to the request.
const MAX_GREETING: usize = 64 * 1024;

/// The echo server, bound to its addresses.
#[derive(Debug)]
pub struct Server {
    config: Config,
    poll: Poll,
    listeners: Vec<TcpListener>,
    stop: UnixStream,
    status: UnixStream,
    handle: Handle,
}

/// Reaches a [`Server`] that runs, from a signal handler or another thread.
#[derive(Debug)]
pub struct Handle {
    stop: StdUnixStream,
    status: StdUnixStream,
}

impl Handle {
    /// Another one for the same server.
    ///
    /// # Errors
    /// No file descriptor is free.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { stop: self.stop.try_clone()?, status: self.status.try_clone()? })
    }

    /// Stops accepting, sends 1001 to every client and lets [`Server::run`] return when all have
    /// answered or the close timeout is over. A second call ends it at once.
    pub fn stop(&self) {
        // A full pipe holds more than enough calls already.
        let _ = (&self.stop).write(b"s");
    }

    /// Has the status line logged.
    pub fn log_status(&self) {
        let _ = (&self.status).write(b"s");
    }

    /// The end that [`stop`](Self::stop) writes a byte to, for a signal handler.
    pub const fn stop_pipe(&self) -> &StdUnixStream {
        &self.stop
    }

    /// The end that [`log_status`](Self::log_status) writes a byte to, for a signal handler.
    pub const fn status_pipe(&self) -> &StdUnixStream {
        &self.status
    }
}

impl Server {
    /// Listens on all addresses of `config`.
    ///
    /// # Errors
    /// An address that can't be listened on, by name; a subprotocol or a greeting that can't be
    /// used; no file descriptor free.
    pub fn bind(config: Config) -> io::Result<Self> {
        let invalid = |what: String| Err(io::Error::new(ErrorKind::InvalidInput, what));
        if config.greeting.as_ref().is_some_and(|greeting| greeting.len() > MAX_GREETING) {
            return invalid(format!("the greeting is longer than {MAX_GREETING} bytes"));
        }
        let separator = |c: char| !c.is_ascii_graphic() || "\"(),/:;<=>?@[\\]{}".contains(c);
        if let Some(name) =
            config.subprotocols.iter().find(|name| name.is_empty() || name.contains(separator))
        {
            return invalid(format!("{name:?} can't be a subprotocol's name"));
        }
        let poll = Poll::new()?;
        let registry = poll.registry();
        let mut listeners = Vec::new();
        for (i, address) in config.listen.iter().enumerate() {
            let mut listener = listen(*address, config.reuse_port)?;
            registry.register(&mut listener, Token(LISTENERS + i), Interest::READABLE)?;
            listeners.push(listener);
        }
        let (stop_writer, mut stop) = pipe()?;
        let (status_writer, mut status) = pipe()?;
        registry.register(&mut stop, STOP, Interest::READABLE)?;
        registry.register(&mut status, STATUS, Interest::READABLE)?;
        let handle = Handle { stop: stop_writer, status: status_writer };
        Ok(Self { config, poll, listeners, stop, status, handle })
    }

    /// The addresses listened on, with the ports that 0 stood for.
    ///
    /// # Errors
    /// The kernel's.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.listeners.iter().map(TcpListener::local_addr).collect()
    }

    /// Reaches the server while it runs.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Serves until it is stopped; answers what it counted.
    ///
    /// # Errors
    /// The kernel's, for waiting; what one client does is no error.
    pub fn run(self) -> io::Result<Stats> {
        let Self { config, poll, listeners, stop, status, handle: _handle } = self;
        let subprotocols: Vec<&str> = config.subprotocols.iter().map(String::as_str).collect();
        let mut event_loop = EventLoop {
            subprotocols: &subprotocols,
            first_peer: LISTENERS + listeners.len(),
            listeners,
            stop,
            status,
            peers: Slab::new(),
            leaving: 0,
            again: VecDeque::new(),
            wheel: Wheel::new(0),
            accept: Accept::OnEvent,
            stopping: None,
            warned: None,
            reported: (0, Stats::default()),
            shared: Shared::new(&config),
            poll,
            clock: Clock::start(),
        };
        event_loop.run()?;
        Ok(event_loop.shared.stats)
    }
}

fn pipe() -> io::Result<(StdUnixStream, UnixStream)> {
    let (writer, reader) = StdUnixStream::pair()?;
    writer.set_nonblocking(true)?;
    reader.set_nonblocking(true)?;
    Ok((writer, UnixStream::from_std(reader)))
}

/// When to accept next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accept {
    /// When the kernel says that somebody came.
    OnEvent,
    /// In the next turn: a batch was full, or a file was freed.
    Next,
    /// At this time, or when a client leaves: no file descriptor was free.
    At(u64),
}

struct EventLoop<'c> {
    poll: Poll,
    listeners: Vec<TcpListener>,
    stop: UnixStream,
    status: UnixStream,
    subprotocols: &'c [&'c str],
    first_peer: usize,
    peers: Slab<Peer<'c>>,
    /// How many of them have heard the last word: they take no place from others.
    leaving: usize,
    /// Clients that get another turn.
    again: VecDeque<usize>,
    wheel: Wheel,
    accept: Accept,
    /// When the clients' time to say goodbye is over, while the server stops; `None` in it is never.
    stopping: Option<Option<u64>>,
    /// When it was last said that no file descriptor is free.
    warned: Option<u64>,
    /// When the last status line was logged, and what it said.
    reported: (u64, Stats),
    shared: Shared<'c>,
    clock: Clock,
}

impl EventLoop<'_> {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut due = Vec::new();
        let mut now = self.clock.now();
        loop {
            match self.poll.poll(&mut events, self.timeout(now)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            let woken = self.clock.now();
            self.shared.now = woken.as_millis() as u64;

            for event in &events {
                match event.token() {
                    STOP => {
                        if self.stop() {
                            return Ok(());
                        }
                    }
                    STATUS => {
                        drain(&mut self.status);
                        self.report();
                    }
                    Token(token) if token < self.first_peer => self.accept = Accept::Next,
                    Token(token) => {
                        let key = token - self.first_peer;
                        // Gone in this turn, if it is not there.
                        if let Some(peer) = self.peers.get_mut(key) {
                            peer.ready(event.is_readable() || event.is_error(), event.is_read_closed());
                            // One that waits for its turn has it when those before it had theirs.
                            if !peer.queued {
                                self.turn(key);
                            }
                        }
                    }
                }
            }
            self.go_on();
            self.accept_if_due();
            self.expire(&mut due);
            self.report_if_due();

            now = self.clock.now();
            let turn = now.saturating_sub(woken);
            let longest = &mut self.shared.stats.longest_turn;
            *longest = turn.max(*longest);
            if let Some(until) = self.stopping {
                let over = until.is_some_and(|until| self.shared.now >= until);
                if self.served() == 0 || over {
                    info!("stopped, {} clients did not answer", self.served());
                    return Ok(());
                }
            }
        }
    }

    /// How long to wait for events, at `now`.
    fn timeout(&self, now: Duration) -> Option<Duration> {
        if !self.again.is_empty() || self.accept == Accept::Next {
            return Some(Duration::ZERO);
        }
        let now = now.as_millis() as u64;
        let accept = match self.accept {
            Accept::At(at) => Some(at.saturating_sub(now)),
            _ => None,
        };
        let interval = u64::from(self.shared.config.stats_interval);
        let report = (interval > 0).then(|| (self.reported.0 + interval).saturating_sub(now));
        let stopping = self.stopping.flatten().map(|until| until.saturating_sub(now));
        let waits = [self.wheel.next_in(now), accept, report, stopping];
        waits.into_iter().flatten().min().map(Duration::from_millis)
    }

    /// Gives turns to those that were not done, behind those that just came: each once, and no
    /// longer than until it is time to see who came meanwhile.
    fn go_on(&mut self) {
        if self.again.is_empty() {
            return;
        }
        let begun = Instant::now();
        for _ in 0..self.again.len() {
            let Some(key) = self.again.pop_front() else { break };
            if let Some(peer) = self.peers.get_mut(key) {
                peer.queued = false;
                self.turn(key);
            }
            if begun.elapsed() >= SLICE {
                break;
            }
        }
    }

    /// Clients but for those that have heard the last word.
    fn served(&self) -> usize {
        self.peers.len() - self.leaving
    }

    fn turn(&mut self, key: usize) {
        if let Some(peer) = self.peers.get_mut(key) {
            let turn = peer.turn(&mut self.shared);
            self.after(key, turn);
        }
    }

    /// Does what `turn` says, and sees to deadlines that came nearer.
    fn after(&mut self, key: usize, turn: Turn) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        match turn {
            Turn::Gone => {
                self.leaving -= usize::from(peer.counted_out);
                self.peers.remove(key);
                self.shared.stats.connections -= 1;
                if let Accept::At(_) = self.accept {
                    self.accept = Accept::Next;
                }
                return;
            }
            Turn::Again if !peer.queued => {
                peer.queued = true;
                self.again.push_back(key);
            }
            _ => {}
        }
        if peer.is_leaving() && !std::mem::replace(&mut peer.counted_out, true) {
            self.leaving += 1;
        }
        if std::mem::take(&mut peer.hurried) {
            self.look_at_deadlines(key);
        }
    }

    fn look_at_deadlines(&mut self, key: usize) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let (turn, again_in) = peer.deadline(&mut self.shared);
        if let Some(after) = again_in {
            peer.tick = self.wheel.enter(key, self.shared.now, after, peer.tick);
        }
        // What `deadline` hurried is in `again_in` already.
        peer.hurried = false;
        self.after(key, turn);
    }

    fn expire(&mut self, due: &mut Vec<crate::wheel::Entry>) {
        self.wheel.expire(self.shared.now, due);
        for entry in due.drain(..) {
            if self.peers.get(entry.owner).is_some_and(|peer| peer.tick == entry.tick) {
                self.look_at_deadlines(entry.owner);
            }
        }
    }

    fn accept_if_due(&mut self) {
        match self.accept {
            Accept::OnEvent => return,
            Accept::At(at) if self.shared.now < at => return,
            _ => self.accept = Accept::OnEvent,
        }
        for i in 0..self.listeners.len() {
            for accepted in 0.. {
                if accepted == ACCEPT_BATCH {
                    self.accept = Accept::Next;
                    break;
                }
                match self.listeners[i].accept() {
                    Ok((stream, address)) => self.welcome(stream, address),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if is_out_of_files(&error) => {
                        self.out_of_files(&error);
                        break;
                    }
                    // The client was gone before it was accepted.
                    Err(error) => debug!("a connection was lost before it was accepted: {error}"),
                }
            }
        }
    }

    fn welcome(&mut self, mut stream: mio::net::TcpStream, address: SocketAddr) {
        self.shared.stats.accepted += 1;
        let max = self.shared.config.max_connections;
        let over = self.served() >= max;
        if self.peers.len() >= max.saturating_add(TURNED_AWAY) {
            self.shared.stats.refused.too_many += 1;
            return;
        }
        let entry = self.peers.vacant_entry();
        let key = entry.key();
        let both = Interest::READABLE | Interest::WRITABLE;
        // Echoes are whole when they are sent: nothing is gained by holding them back.
        let ready = stream
            .set_nodelay(true)
            .and_then(|()| self.poll.registry().register(&mut stream, Token(self.first_peer + key), both));
        if let Err(error) = ready {
            debug!("{address} was lost when it was accepted: {error}");
            return;
        }
        let peer = Peer::new(stream, address, &self.shared, self.subprotocols);
        let peer = entry.insert(peer);
        self.shared.stats.connections += 1;
        let turn = if over { peer.turn_away(&mut self.shared) } else { Turn::Wait };
        self.after(key, turn);
    }

    fn out_of_files(&mut self, error: &io::Error) {
        let now = self.shared.now;
        self.shared.stats.refused.out_of_files += 1;
        self.accept = Accept::At(now + RETRY_ACCEPT);
        if self.warned.is_none_or(|warned| now - warned >= 1000) {
            self.warned = Some(now);
            warn!("cannot accept more than {} clients: {error}; going on with these", self.peers.len());
        }
    }

    /// Begins to stop; a second time, answers `true`: at once.
    fn stop(&mut self) -> bool {
        let signals = drain(&mut self.stop);
        if self.stopping.is_some() || signals > 1 {
            info!("stopped at once, {} clients were connected", self.peers.len());
            return true;
        }
        info!("stopping: {} clients are told", self.served());
        self.listeners.clear();
        self.accept = Accept::OnEvent;
        let within = u64::from(self.shared.config.timeouts.close_within);
        self.stopping = Some((within > 0).then_some(self.shared.now + within));
        let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            let turn = self.peers[key].stop(&mut self.shared);
            self.after(key, turn);
        }
        false
    }

    fn report_if_due(&mut self) {
        let interval = u64::from(self.shared.config.stats_interval);
        if interval > 0 && self.shared.now >= self.reported.0 + interval {
            self.report();
        }
    }

    fn report(&mut self) {
        let (then, before) = &self.reported;
        let elapsed = Duration::from_millis(self.shared.now - then);
        info!(target: "status", "{}", self.shared.stats.line(before, elapsed));
        self.reported = (self.shared.now, self.shared.stats.clone());
    }
}

/// Reads all there is; answers how many bytes that were.
fn drain(stream: &mut UnixStream) -> usize {
    let mut bytes = [0; 64];
    let mut total = 0;
    while let Ok(n @ 1..) = stream.read(&mut bytes) {
        total += n;
    }
    total
}

/// EMFILE, ENFILE, ENOBUFS and ENOMEM: this process's or the system's limit, not the client's doing.
fn is_out_of_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}
