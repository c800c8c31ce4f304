//! The event loop: listening sockets, clients, deadlines, control. One thread.

mod acceptor;
mod clock;
mod control;
mod slots;
mod wheel;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};

use crate::config::Config;
use crate::context::Context;
use crate::deflate::Engine;
use crate::engineio;
use crate::report::Report;
use crate::socketio::{Application, Echo, Hub, Served, Sources};
use crate::stats::Stats;
use crate::transport::{Buffers, Pool};

use acceptor::Acceptor;
use clock::Clock;
use control::Control;
pub use control::Handle;
use slots::Slots;
pub(crate) use wheel::{Entry, Noted, Wheel};

// A client's token is its key, counted from 0.
const STOP: Token = Token(usize::MAX - 1);
const STATUS: Token = Token(usize::MAX - 2);
const RELOAD: Token = Token(usize::MAX - 3);
const WAKE: Token = Token(usize::MAX - 4);
const LISTENERS: Token = Token(usize::MAX - 5);

/// Events taken from the kernel at once.
const EVENTS: usize = 1024;

/// Turns in a row without a look at the deadlines, because the kernel had more events than it could give at once:
/// enough for 65,536 clients.
const FULL_TURNS: u32 = 64;

/// Clients that are read in a turn although replies to them wait.
const READ_ONS: u32 = 2;

/// A wait that ends so much too late, or a turn of this length, is time that nobody had: the process was stopped, the
/// machine slept. Clients may have spoken in it, and were not read. In milliseconds.
const STALL: u64 = 250;

/// The echo server, bound to its addresses.
#[derive(Debug)]
pub struct Server {
    config: Config,
    poll: Poll,
    acceptor: Acceptor,
    control: Control,
    handle: Handle,
    application: Box<dyn Application>,
    engine_application: Option<Box<dyn engineio::Application>>,
    /// The client script of Socket.IO.
    script: Option<Vec<u8>>,
}

impl Server {
    /// Listens on all addresses of `config`.
    ///
    /// # Errors
    /// Those of [`Config::check`]; a certificate or key that can't be used, by file name; an address that can't be listened on, by name; no file descriptor free.
    pub fn bind(config: Config) -> io::Result<Self> {
        config.check()?;
        let poll = Poll::new()?;
        let acceptor = Acceptor::bind(&config, poll.registry(), LISTENERS)?;
        let (control, handle) = Control::open(poll.registry(), [STOP, STATUS, RELOAD, WAKE])?;
        let script = config.socketio.read_client()?;
        let application = Box::new(Echo::new(config.socketio.news.clone()));
        let engine_application = None;
        Ok(Self { config, poll, acceptor, control, handle, application, engine_application, script })
    }

    /// The TCP addresses listened on, with the ports that 0 stood for, in the order of [`Config::listen`].
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.acceptor.addresses()
    }

    /// What clients connect to, in the order of [`Config::listen`]: `ws://HOST:PORT/`, and `ws+unix:PATH` for a Unix
    /// socket. With TLS each has one with `wss` instead, or both.
    pub fn urls(&self) -> Vec<String> {
        self.acceptor.urls(&self.config)
    }

    /// SHA-256 of the certificate in hexadecimal, for clients that are to trust no other; `None` without TLS.
    #[cfg(feature = "tls")]
    pub fn certificate_fingerprint(&mut self) -> Option<&str> {
        self.acceptor.tls().map(|tls| tls.fingerprint())
    }

    /// Serves Socket.IO's clients with an application of the program's own, instead of the echo.
    #[must_use]
    pub fn application(mut self, application: impl Application + 'static) -> Self {
        self.application = Box::new(application);
        self
    }

    /// Serves Engine.IO as well, without Socket.IO, under the path `/engine.io/`.
    #[must_use]
    pub fn engine_application(mut self, application: impl engineio::Application + 'static) -> Self {
        self.engine_application = Some(Box::new(application));
        self
    }

    /// Reaches the server while it runs.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Serves until it is stopped; returns what it counted.
    ///
    /// # Errors
    /// The kernel's, when waiting for events; what one client does is no error.
    pub fn run(self) -> io::Result<Stats> {
        let Self { config, poll, acceptor, control, handle: _handle, script, .. } = self;
        let (mut application, mut engine_application) = (self.application, self.engine_application);
        let subprotocols: Vec<&str> = config.subprotocols.iter().map(String::as_str).collect();
        let mut session_config = config.session(&subprotocols);
        if engine_application.is_some() && config.socketio.polls() {
            session_config = session_config.max_body_len(config.socketio.max_payload.into());
        }
        let namespaces: Vec<&str> = config.socketio.namespaces.iter().map(String::as_str).collect();
        let socketio_config = config.socketio.session(&namespaces);
        let engineio_config = config.socketio.bare_session();
        let sources = Sources::default();
        let served = Served {
            socketio: &socketio_config,
            application: &mut *application,
            engineio: &engineio_config,
            engine_application: engine_application.as_deref_mut(),
            script: script.as_deref(),
        };
        let hub = Hub::new(&config.socketio, served, &sources, config.backlog_total);
        let mut event_loop = Loop {
            config: &config,
            poll,
            acceptor,
            control,
            slots: Slots::new(&config, &session_config),
            buffers: Buffers::new(Pool::new(config.backlog, config.backlog_total)),
            engine: Engine::new(&config),
            report: Report::default(),
            socketio: hub,
            full_turns: 0,
            stopping: None,
        };
        event_loop.run()?;
        Ok(event_loop.report.into_stats())
    }
}

struct Loop<'c> {
    config: &'c Config,
    poll: Poll,
    acceptor: Acceptor,
    control: Control,
    slots: Slots<'c>,
    buffers: Buffers,
    engine: Engine,
    report: Report,
    socketio: Hub<'c>,
    full_turns: u32,
    stopping: Option<Stopping>,
}

/// The server was told to stop, and waits for its clients.
#[derive(Debug, Clone, Copy)]
struct Stopping {
    /// When it waits no longer, in milliseconds since the start; `None` for never.
    until: Option<u64>,
}

impl Loop<'_> {
    fn run(&mut self) -> io::Result<()> {
        let mut clock = Clock::start();
        let mut events = Events::with_capacity(EVENTS);
        let mut now = clock.now();
        loop {
            let timeout = self.timeout(now);
            match self.poll.poll(&mut events, timeout.map(Duration::from_millis)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
                result => result?,
            }
            let mut woken = clock.now();
            let waited = woken - now;
            if waited > STALL && timeout.is_some_and(|timeout| waited - STALL > timeout) {
                self.report.stood_still(waited);
                clock.skip(waited);
                woken = now;
            }
            let over = self.work(&events, woken);
            now = clock.now();
            let busy = now - woken;
            self.report.was_busy(busy);
            if busy > STALL {
                self.report.stood_still(busy);
                clock.skip(busy - STALL);
                now = woken + STALL;
            }
            if over {
                return Ok(());
            }
        }
    }

    /// How many milliseconds to wait for events, at `now`; `None` for ever.
    fn timeout(&self, now: u64) -> Option<u64> {
        let sooner = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, None) => a,
            (None, b) => b,
        };
        let mut within = sooner(self.slots.due_in(now), self.acceptor.due_in(now, self.slots.len()));
        within = sooner(within, self.report.status_due_in(now, self.config.stats_interval));
        if let Some(Stopping { until: Some(until) }) = self.stopping {
            within = sooner(within, Some(until.saturating_sub(now)));
        }
        if self.socketio.is_active() {
            within = sooner(within, self.socketio.due_in(now));
        }
        within
    }

    /// Does all there is to do at `now`, in milliseconds since the start; whether that was the last.
    fn work(&mut self, events: &Events, now: u64) -> bool {
        let Self { buffers, engine, report, socketio, config, .. } = self;
        let cx = &mut Context { buffers, engine, report, socketio, config, now, read_ons: READ_ONS };
        let mut count = 0;
        for event in events {
            count += 1;
            match event.token() {
                STOP => {
                    let calls = self.control.take_stops();
                    if self.stopping.is_some() || calls > 1 {
                        cx.report.stopped_at_once(self.slots.len());
                        return true;
                    }
                    cx.report.stopping(self.slots.served());
                    let within = u64::from(self.config.timeouts.close_within);
                    self.stopping = Some(Stopping { until: (within > 0).then_some(now + within) });
                    self.acceptor.stop();
                    self.slots.stop(cx);
                }
                STATUS => {
                    self.control.clear_status();
                    cx.report.status(now);
                }
                RELOAD => {
                    self.control.clear_reload();
                    #[cfg(feature = "tls")]
                    if let Some(tls) = self.acceptor.tls() {
                        cx.report
                            .reloaded(tls.reload().map(|has_files| has_files.then(|| tls.fingerprint())));
                    }
                }
                WAKE => cx.socketio.wake(),
                LISTENERS => self.acceptor.on_event(),
                Token(key) => {
                    let readable = event.is_readable() || event.is_error();
                    self.slots.on_event(key, readable, event.is_read_closed(), cx);
                }
            }
        }
        self.slots.run_queue(cx);
        self.acceptor.accept(&mut self.slots, self.poll.registry(), cx);
        // Who is due may have spoken, in an event that is still to come.
        let full = count == EVENTS;
        self.full_turns = if full { self.full_turns + 1 } else { 0 };
        if !full || self.full_turns > FULL_TURNS {
            self.full_turns = 0;
            self.slots.expire(cx);
        }
        if cx.socketio.is_active() {
            self.slots.run_socketio(self.full_turns == 0, cx);
        }
        if cx.report.status_due_in(now, self.config.stats_interval) == Some(0) {
            cx.report.status(now);
        }
        let Some(Stopping { until }) = self.stopping else { return false };
        let is_over = self.slots.served() == 0 || until.is_some_and(|until| now >= until);
        if is_over {
            cx.report.stopped(self.slots.served());
        }
        is_over
    }
}
