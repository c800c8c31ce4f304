//! The report of what happens: each log line together with its counter.

use std::fmt;
use std::io;
use std::time::Duration;

use log::{debug, error, info, trace, warn};
use microws::deflate::Agreed;
use microws::{Close, CloseCode, End, HandshakeError, MessageKind, Overdue, SendError};

use crate::proxy::BadPreamble;
use crate::stats::{Compressed, Stats};
use crate::transport::{Address, ReadError};

mod socketio;

/// Least milliseconds between two warnings that no file descriptor is free.
const WARN_AGAIN: u64 = 1000;

/// Counts what happens and logs it. Times are in milliseconds since the start.
#[derive(Debug, Default)]
pub(crate) struct Report {
    stats: Stats,
    /// When the last status line was logged, and the counters in it.
    last: (u64, Stats),
    /// When it was last said that no file descriptor is free.
    warned: Option<u64>,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause<'a> {
    /// It can't be read, or it is no valid upgrade.
    BadRequest(HandshakeError),
    Path(&'a str),
    /// It asked for it.
    Asked,
    /// It asked for a fault that does not exist.
    NoFault(&'a str),
    Origin(&'a str),
    OverLimit,
    Overdue,
    /// It came without TLS.
    Plain,
}

/// Why a client is dropped.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Its session ended.
    Session(End),
    Io(io::Error),
    /// A trusted proxy must send the address of its client, and did not.
    Preamble(BadPreamble),
    /// It broke TLS, found no version or cipher in common, or sent an alert.
    #[cfg(feature = "tls")]
    Tls(rustls::Error),
    /// The handshake of TLS took too long.
    TlsOverdue,
    /// The replies were left unread.
    Unread,
    /// It asked for a fault that ends it.
    Asked,
    /// The server stops.
    Stopped,
    /// The server tried to send what can't be sent.
    Bug(SendError),
}

/// Where a client was when it was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Opening,
    /// Its request was answered, and another one may come.
    Idle,
    Open,
    /// The end was reported before; only the client's own was waited for.
    Lingering,
}

/// What one client sent: messages, and their payload bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

/// What a client asked for, of what was not refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission<'a> {
    pub(crate) path: &'a str,
    /// Whether a query followed. It may hold secrets and is not logged.
    pub(crate) query: bool,
    pub(crate) origin: Option<&'a str>,
    pub(crate) subprotocol: Option<&'a str>,
    /// The version of TLS, if there is TLS.
    pub(crate) tls: Option<&'static str>,
    pub(crate) compression: Option<Agreed>,
}

/// One client.
impl Report {
    pub(crate) fn accepted(&mut self, who: &Address) {
        self.stats.accepted += 1;
        self.stats.connections += 1;
        trace!("{who} accepted");
    }

    /// It had no chance to be served.
    pub(crate) fn lost(&mut self, who: &Address, error: &io::Error) {
        self.gone();
        debug!("{who} was lost when it was accepted: {error}");
    }

    /// Its request, or the connection, is answered with `status`.
    pub(crate) fn refused(&mut self, who: &Address, status: u16, cause: Cause<'_>) {
        let Stats { refused, timeouts, .. } = &mut self.stats;
        *match cause {
            Cause::BadRequest(_) | Cause::Asked | Cause::NoFault(_) => &mut refused.bad_request,
            Cause::Plain => &mut refused.tls,
            Cause::Path(_) => &mut refused.path,
            Cause::Origin(_) => &mut refused.origin,
            Cause::OverLimit => &mut refused.too_many,
            Cause::Overdue => timeouts,
        } += 1;
        info!("{who} refused: {status}, {cause}");
    }

    /// It is over the limit, and there are too many of those to answer them all.
    pub(crate) fn dropped_over_limit(&mut self, who: &Address) {
        self.gone();
        self.stats.refused.too_many += 1;
        debug!("{who} dropped: {}", Cause::OverLimit);
    }

    /// It gets a fault that it asked for.
    pub(crate) fn faulty(&self, who: &Address) {
        info!("{who} gets the fault that it asked for");
    }

    /// A trusted proxy sent the address of its client: until now the log had its own.
    pub(crate) fn proxied(who: &Address, proxy: &Address) {
        debug!("{who} comes through {proxy}");
    }

    /// It was dropped.
    pub(crate) const fn gone(&mut self) {
        self.stats.connections -= 1;
    }

    /// A request of a kind that comes all day long.
    pub(crate) fn probed(&self, who: &Address, path: &str) {
        debug!("{who} asked for {path}");
    }

    /// The counters.
    pub(crate) const fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(crate) fn page_requested(&self, who: &Address) {
        info!("{who} asked for the page");
    }

    pub(crate) fn connected(&self, who: &Address, admission: &Admission<'_>) {
        let Admission { path, query, origin, subprotocol, tls, compression } = admission;
        info!(
            "{who} connected{}{}: path {path}{}, origin {}, subprotocol {}{}",
            if tls.is_some() { " over " } else { "" },
            tls.unwrap_or_default(),
            if *query { "?..." } else { "" },
            origin.unwrap_or("none"),
            subprotocol.unwrap_or("none"),
            compression.map_or(String::new(), |agreed| format!(", {agreed}")),
        );
    }

    #[inline]
    pub(crate) fn message(&mut self, who: &Address, kind: MessageKind, len: u64) {
        self.stats.messages.record(len);
        debug!("{who} received: {}, {len} bytes", name_of(kind));
    }

    /// What compression saved: of messages that were received, and of those that were sent.
    pub(crate) const fn saved(&mut self, (inflated, deflated): (Compressed, Compressed)) {
        self.stats.inflated.add(inflated);
        self.stats.deflated.add(deflated);
    }

    /// It waits in the middle of a compressed message, and too many do.
    pub(crate) fn out_of_inflaters(&self, who: &Address) {
        info!("{who} is closed: too many incomplete compressed messages");
    }

    pub(crate) fn ping(&self, who: &Address, payload: &[u8]) {
        trace!("{who} ping, {} bytes", payload.len());
    }

    pub(crate) fn pong(&self, who: &Address, payload: &[u8]) {
        trace!("{who} pong, {} bytes", payload.len());
    }

    /// Both close frames were exchanged.
    pub(crate) fn closed(&self, who: &Address, close: &Close<'_>, traffic: Traffic) {
        let code = close.code;
        match close.reason() {
            "" => info!("{who} disconnected: {code}, {traffic}"),
            reason => info!("{who} disconnected: {code} {reason:?}, {traffic}"),
        }
    }

    /// It is dropped, or its end is known and it is dropped when its own end has come.
    pub(crate) fn ended(&mut self, who: &Address, stage: Stage, ending: &Ending, traffic: Traffic) {
        if stage == Stage::Lingering {
            return debug!("{who} gone: {ending}");
        }
        match ending {
            // The usual end of connections that are kept for the next request.
            Ending::Session(End::Eof | End::Overdue(_)) | Ending::Io(_) | Ending::Stopped
                if stage == Stage::Idle =>
            {
                return debug!("{who} gone: {ending}");
            }
            Ending::Session(End::Rejected(error)) => {
                return self.refused(who, error.status(), Cause::BadRequest(*error));
            }
            Ending::Session(End::Overdue(Overdue::Handshake)) => {
                return self.refused(who, 408, Cause::Overdue);
            }
            // Reported when it happened, by `closed`, `refused` or `page_requested`.
            Ending::Session(End::Closed(_) | End::Responded) => return,
            Ending::Session(End::Failed(error)) => {
                self.stats.protocol_errors += 1;
                return info!("{who} failed: {}, {error}, {traffic}", error.close_code());
            }
            Ending::Bug(_) | Ending::Session(End::Unsendable(_)) => {
                return error!("{who} disconnected: {ending}");
            }
            Ending::Session(End::Overdue(Overdue::Pong)) => self.stats.pings_overdue += 1,
            Ending::Session(End::Overdue(_)) | Ending::TlsOverdue | Ending::Unread => {
                self.stats.timeouts += 1
            }
            Ending::Preamble(_) => self.stats.refused.bad_request += 1,
            #[cfg(feature = "tls")]
            Ending::Tls(_) => self.stats.refused.tls += 1,
            Ending::Session(_) | Ending::Io(_) | Ending::Stopped | Ending::Asked => {}
        }
        match (stage, ending) {
            // Port scanners and health checkers do so all day long.
            (Stage::Opening, Ending::Session(End::Eof) | Ending::Io(_)) => {
                debug!("{who} left before it was open: {ending}");
            }
            (Stage::Opening | Stage::Idle, _) => info!("{who} disconnected before it was open: {ending}"),
            _ => info!("{who} disconnected: {ending}, {traffic}"),
        }
    }
}

/// The server.
impl Report {
    /// It listens on 127.0.0.1 alone.
    pub(crate) fn without_ipv6(error: &io::Error) {
        debug!("not listening on [::1]: {error}");
    }

    /// The files of its certificate were to be read again, if there are any.
    #[cfg(feature = "tls")]
    pub(crate) fn reloaded(&self, result: io::Result<Option<&str>>) {
        match result {
            Ok(Some(fingerprint)) => info!("certificate read again: SHA-256 {fingerprint}"),
            Ok(None) => debug!("the certificate is not from a file: it stays"),
            Err(error) => warn!("{error}; keeping the previous certificate"),
        }
    }

    /// The kernel gave a connection that was over already.
    pub(crate) fn lost_unseen(&self, error: &io::Error) {
        debug!("a connection was lost before it was accepted: {error}");
    }

    /// A connection waits for a file descriptor.
    pub(crate) fn out_of_files(&mut self, now: u64, clients: usize, error: &io::Error) {
        self.stats.refused.out_of_files += 1;
        if self.warned.is_none_or(|warned| now - warned >= WARN_AGAIN) {
            self.warned = Some(now);
            warn!("cannot accept more than {clients} clients: {error}; going on with these");
        }
    }

    /// The loop was busy for so many milliseconds between two waits.
    #[inline]
    pub(crate) fn was_busy(&mut self, time: u64) {
        self.stats.turns.record(time);
        // Most turns take less than a tick of the clock.
        if time > 0 {
            let longest = &mut self.stats.longest_turn;
            *longest = (*longest).max(Duration::from_millis(time));
        }
    }

    /// The process was stopped, the machine slept, or one iteration of the loop took too long.
    pub(crate) fn stood_still(&self, milliseconds: u64) {
        let time = Duration::from_millis(milliseconds);
        warn!("the process stood still for {time:.1?}: no deadline counts that time");
    }

    /// Logs the status line.
    pub(crate) fn status(&mut self, now: u64) {
        let (then, before) = &self.last;
        let elapsed = Duration::from_millis(now - then);
        info!(target: "status", "{}", self.stats.line(before, elapsed));
        self.last = (now, self.stats.clone());
    }

    /// Milliseconds until the next status line, if there is one every `interval` milliseconds; 0 for none.
    pub(crate) fn status_due_in(&self, now: u64, interval: u32) -> Option<u64> {
        (interval > 0).then(|| (self.last.0 + u64::from(interval)).saturating_sub(now))
    }

    pub(crate) fn stopping(&self, clients: usize) {
        info!("stopping: {clients} clients get a close frame");
    }

    pub(crate) fn stopped(&self, clients: usize) {
        info!("stopped, {clients} clients did not answer");
    }

    pub(crate) fn stopped_at_once(&self, clients: usize) {
        info!("stopped at once, {clients} clients were connected");
    }

    /// The counters, at the end.
    pub(crate) fn into_stats(self) -> Stats {
        self.stats
    }
}

const fn name_of(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Text => "text",
        MessageKind::Binary => "binary",
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages, {} bytes", self.messages, self.bytes)
    }
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(error) => write!(f, "{error}"),
            Self::Path(path) => write!(f, "path {path}"),
            Self::Asked => f.write_str("as it asked"),
            Self::NoFault(error) => write!(f, "no such fault, {error}"),
            Self::Origin(origin) => write!(f, "origin {origin}"),
            Self::OverLimit => f.write_str("too many connections"),
            Self::Overdue => f.write_str("the handshake took too long"),
            Self::Plain => f.write_str("it came without TLS"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(End::Eof) => write!(f, "{}", CloseCode::ABNORMAL),
            Self::Session(End::Overdue(overdue)) => write!(f, "{overdue}"),
            Self::Session(End::Unsendable(error)) | Self::Bug(error) => write!(f, "internal error: {error}"),
            // Its cause was reported before.
            Self::Session(_) => f.write_str("left"),
            Self::Io(error) => write!(f, "{}, {error}", CloseCode::ABNORMAL),
            Self::Preamble(error) => write!(f, "{error}"),
            #[cfg(feature = "tls")]
            Self::Tls(rustls::Error::AlertReceived(alert)) => write!(f, "TLS: it sent the alert {alert:?}"),
            #[cfg(feature = "tls")]
            Self::Tls(error) => write!(f, "TLS: {error}"),
            Self::TlsOverdue => f.write_str("the handshake of TLS took too long"),
            Self::Unread => f.write_str("the replies were not read"),
            Self::Asked => f.write_str("it asked for a fault"),
            Self::Stopped => f.write_str("the server stops"),
        }
    }
}

impl From<io::Error> for Ending {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for Ending {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => Self::Io(error),
            ReadError::Preamble(error) => Self::Preamble(error),
            #[cfg(feature = "tls")]
            ReadError::Tls(error) => Self::Tls(error),
        }
    }
}

impl From<SendError> for Ending {
    fn from(error: SendError) -> Self {
        Self::Bug(error)
    }
}
