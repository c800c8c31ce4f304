//! The server's counters, and the status line made of them.

use std::fmt;
use std::time::Duration;

use crate::histogram::Histogram;

/// What happened since the start.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Clients connected now.
    pub connections: u64,
    /// Clients that connected so far, those refused included.
    pub accepted: u64,
    /// Payload bytes of the messages echoed.
    pub messages: Histogram,
    /// Compressed messages that were received: payload bytes on the wire, and inflated.
    pub inflated: Compressed,
    /// Messages that were sent compressed: payload bytes before, and on the wire.
    pub deflated: Compressed,
    /// Socket.IO.
    pub socketio: SocketIoStats,
    /// Requests and connections refused, by reason.
    pub refused: Refused,
    /// Connections on which the client broke RFC 6455, or a limit.
    pub protocol_errors: u64,
    /// Connections dropped because no byte came after a ping.
    pub pings_overdue: u64,
    /// Connections dropped because another deadline passed: a handshake, unread replies.
    pub timeouts: u64,
    /// Milliseconds that the loop worked between two waits, to the kernel's tick of 1 to 10 ms.
    pub turns: Histogram,
    /// The longest of those.
    pub longest_turn: Duration,
}

/// Payload bytes of messages in both forms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compressed {
    /// Bytes of the messages themselves.
    pub plain: u64,
    /// Bytes on the wire.
    pub compressed: u64,
}

impl Compressed {
    pub(crate) const fn add(&mut self, more: Self) {
        self.plain += more.plain;
        self.compressed += more.compressed;
    }
}

/// What happened in Socket.IO.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketIoStats {
    /// Sessions now.
    pub sessions: u64,
    /// Sessions that began so far, over polling and over a WebSocket.
    pub polling: u64,
    /// See [`polling`](Self::polling).
    pub websocket: u64,
    /// Sessions that went on over a WebSocket.
    pub upgraded: u64,
    /// Events that came.
    pub events: u64,
    /// Bytes of their arguments and attachments.
    pub event_bytes: u64,
    /// Requests that Engine.IO refused.
    pub refused: u64,
    /// Sessions that ended because the client broke the protocol.
    pub failed: u64,
    /// Sessions that ended because a deadline passed, or because the client did not take what it was sent.
    pub overdue: u64,
}

/// Refused requests and connections, by reason.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Refused {
    /// Requests that can't be read, or that are no valid upgrade.
    pub bad_request: u64,
    /// Requests whose origin is not allowed.
    pub origin: u64,
    /// Requests for a path that is not served.
    pub path: u64,
    /// Connections that broke TLS or that could not agree on it, and plain requests where TLS is a must.
    pub tls: u64,
    /// Connections over the limit.
    pub too_many: u64,
    /// Connections that had to wait because no file descriptor was free.
    pub out_of_files: u64,
}

impl Stats {
    /// The counters in Prometheus' text format.
    pub(crate) fn metrics(&self) -> String {
        let Self {
            connections,
            accepted,
            messages,
            inflated,
            deflated,
            socketio,
            refused,
            protocol_errors,
            pings_overdue,
            timeouts,
            turns,
            longest_turn,
        } = self;
        let Refused { bad_request, origin, path, tls, too_many, out_of_files } = refused;
        let longest_turn = longest_turn.as_secs_f64();
        let mut text = format!(
            "# TYPE microws_connections gauge\n\
             microws_connections {connections}\n\
             # TYPE microws_accepted_total counter\n\
             microws_accepted_total {accepted}\n\
             # TYPE microws_refused_total counter\n\
             microws_refused_total{{reason=\"bad_request\"}} {bad_request}\n\
             microws_refused_total{{reason=\"origin\"}} {origin}\n\
             microws_refused_total{{reason=\"path\"}} {path}\n\
             microws_refused_total{{reason=\"tls\"}} {tls}\n\
             microws_refused_total{{reason=\"too_many\"}} {too_many}\n\
             microws_refused_total{{reason=\"out_of_files\"}} {out_of_files}\n\
             # TYPE microws_compressed_bytes_total counter\n\
             microws_compressed_bytes_total{{direction=\"received\",form=\"wire\"}} {}\n\
             microws_compressed_bytes_total{{direction=\"received\",form=\"plain\"}} {}\n\
             microws_compressed_bytes_total{{direction=\"sent\",form=\"wire\"}} {}\n\
             microws_compressed_bytes_total{{direction=\"sent\",form=\"plain\"}} {}\n\
             # TYPE microws_socketio_sessions gauge\n\
             microws_socketio_sessions {}\n\
             # TYPE microws_socketio_sessions_total counter\n\
             microws_socketio_sessions_total{{transport=\"polling\"}} {}\n\
             microws_socketio_sessions_total{{transport=\"websocket\"}} {}\n\
             # TYPE microws_socketio_upgrades_total counter\n\
             microws_socketio_upgrades_total {}\n\
             # TYPE microws_socketio_events_total counter\n\
             microws_socketio_events_total {}\n\
             # TYPE microws_socketio_event_bytes_total counter\n\
             microws_socketio_event_bytes_total {}\n\
             # TYPE microws_socketio_refused_total counter\n\
             microws_socketio_refused_total {}\n\
             # TYPE microws_socketio_failed_total counter\n\
             microws_socketio_failed_total {}\n\
             # TYPE microws_socketio_overdue_total counter\n\
             microws_socketio_overdue_total {}\n\
             # TYPE microws_protocol_errors_total counter\n\
             microws_protocol_errors_total {protocol_errors}\n\
             # TYPE microws_timeouts_total counter\n\
             microws_timeouts_total{{deadline=\"pong\"}} {pings_overdue}\n\
             microws_timeouts_total{{deadline=\"other\"}} {timeouts}\n\
             # TYPE microws_longest_turn_seconds gauge\n\
             microws_longest_turn_seconds {longest_turn}\n",
            inflated.compressed,
            inflated.plain,
            deflated.compressed,
            deflated.plain,
            socketio.sessions,
            socketio.polling,
            socketio.websocket,
            socketio.upgraded,
            socketio.events,
            socketio.event_bytes,
            socketio.refused,
            socketio.failed,
            socketio.overdue,
        );
        // A String takes all that is written to it.
        let _ = messages.write_metrics(&mut text, "microws_message_size_bytes", 1);
        let _ = turns.write_metrics(&mut text, "microws_turn_seconds", 1000);
        text
    }

    /// The status line. Its rates are since `before`, the counters of `elapsed` ago.
    pub(crate) fn line(&self, before: &Self, elapsed: Duration) -> impl fmt::Display {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let rate = |now: u64, then: u64| (now - then) as f64 / seconds;
        format!(
            "status: {} connections of {} accepted, {} messages ({:.0}/s), {} bytes ({:.0}/s), \
             {} bytes inflated to {}, {} bytes deflated to {}, \
             Socket.IO: {} sessions, {} events ({:.0}/s), \
             {} protocol errors, {} pings overdue, {} timeouts, \
             refused: {} bad requests, {} origins, {} paths, {} for TLS, {} over the limit, {} out of files; \
             longest turn {:.0} ms",
            self.connections,
            self.accepted,
            self.messages.count(),
            rate(self.messages.count(), before.messages.count()),
            self.messages.sum(),
            rate(self.messages.sum(), before.messages.sum()),
            self.inflated.compressed,
            self.inflated.plain,
            self.deflated.plain,
            self.deflated.compressed,
            self.socketio.sessions,
            self.socketio.events,
            rate(self.socketio.events, before.socketio.events),
            self.protocol_errors,
            self.pings_overdue,
            self.timeouts,
            self.refused.bad_request,
            self.refused.origin,
            self.refused.path,
            self.refused.tls,
            self.refused.too_many,
            self.refused.out_of_files,
            self.longest_turn.as_secs_f64() * 1e3,
        )
    }
}
