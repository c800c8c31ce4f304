//! Socket.IO's part of the report.

use log::info;
use microws::MessageKind;
use microws_socketio::End;
use microws_socketio::server::Transport;

use super::Report;
use crate::socketio::{Protocol, Refused};
use crate::transport::Address;

impl Report {
    /// Engine.IO refused a request.
    pub(crate) fn engine_refused(&mut self, who: &Address, why: Refused) {
        self.stats.socketio.refused += 1;
        info!("{who} refused: 400, Socket.IO: {}", why.reason());
    }

    pub(crate) fn session_began(&mut self, who: &Address, id: u64, protocol: Protocol, transport: Transport) {
        let stats = &mut self.stats.socketio;
        stats.sessions += 1;
        let (count, name) = match transport {
            Transport::Polling => (&mut stats.polling, "polling"),
            Transport::WebSocket => (&mut stats.websocket, "WebSocket"),
        };
        *count += 1;
        info!("{who} began {} session {id} over {name}", protocol.name());
    }

    /// Its session goes on over a WebSocket.
    pub(crate) fn upgraded(&mut self, who: &Address, id: u64) {
        self.stats.socketio.upgraded += 1;
        info!("{who} carries Socket.IO session {id} over WebSocket now");
    }

    pub(crate) fn namespace_joined(&self, who: &Address, id: u64, namespace: &str) {
        info!("{who} joined {} in Socket.IO session {id}", namespace.escape_debug());
    }

    pub(crate) fn namespace_refused(&self, who: &Address, id: u64, namespace: &str) {
        info!("{who} was refused {} in Socket.IO session {id}", namespace.escape_debug());
    }

    pub(crate) fn event(&mut self, who: &Address, id: u64, name: &str, len: u64) {
        self.stats.socketio.events += 1;
        self.stats.socketio.event_bytes += len;
        info!("{who} event \"{}\", {len} bytes, in Socket.IO session {id}", name.escape_debug());
    }

    /// A message of Engine.IO alone came.
    pub(crate) fn engine_message(&mut self, who: &Address, id: u64, kind: MessageKind, len: u64) {
        self.stats.socketio.events += 1;
        self.stats.socketio.event_bytes += len;
        let kind = if kind == MessageKind::Text { "text" } else { "binary" };
        info!("{who} {kind} message, {len} bytes, in Engine.IO session {id}");
    }

    /// The end of a session is known.
    pub(crate) fn session_ended(&mut self, who: &Address, id: u64, end: &End) {
        match end {
            End::Failed(_) => self.stats.socketio.failed += 1,
            End::Overdue(_) | End::QueueFull => self.stats.socketio.overdue += 1,
            _ => {}
        }
        info!("{who} ended Socket.IO session {id}: {end}");
    }

    /// It is forgotten.
    pub(crate) const fn session_gone(&mut self) {
        self.stats.socketio.sessions -= 1;
    }
}
