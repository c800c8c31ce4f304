//! Socket.IO beside plain WebSocket, under the path `/socket.io/`; and [Engine.IO](crate::engineio) alone, whose sessions
//! are the same.
//!
//! ```text
//!  client ──▶ peer ──▶ Carrier  a request, a held GET, a WebSocket: what one connection is to a session
//!                        └────▶ Hub  the sessions, whatever carries them ──▶ Application
//! ```
//!
//! A session outlives the connections that carry it over polling, so the hub has a timer wheel of its own, and a list of
//! clients to be woken: a POST answers the GET that another client holds.

mod application;
mod carrier;
mod config;
mod echo;
mod http;
mod hub;
mod memory;

pub use application::{Application, Client, Clients, Event, MAX_ATTACHMENTS};
pub(crate) use carrier::{Around, Carrier};
pub use config::{SocketIo, Transports};
pub(crate) use echo::Echo;
pub(crate) use http::{Protocol, Refused};
pub use hub::ClientId;
pub(crate) use hub::{Hub, Served, Sessions, Sources};
