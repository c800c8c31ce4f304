//! Engine.IO packets, protocol version 4: a digit for the type, then the data. Binary data has no digit: it is a binary
//! message of the WebSocket, or a part of a [`payload`](crate::payload) that begins with `b`.

use crate::fault::Fault;
use crate::json;
use crate::write::Writer;

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "protocol version 4 has no others")]
#[repr(u8)]
pub enum Type {
    /// The server's first packet: see [`Open`].
    Open = b'0',
    /// The transport is to be closed.
    Close,
    /// The server asks for a sign of life; a client only before an upgrade, with `probe`.
    Ping,
    /// The reply to a ping.
    Pong,
    /// A message: here a Socket.IO packet.
    Message,
    /// The upgrade is complete.
    Upgrade,
    /// Nothing; it ends a held GET.
    Noop,
}

/// Splits a text packet into its type and its data.
///
/// # Errors
/// [`Fault::PacketType`].
pub fn split(packet: &[u8]) -> Result<(Type, &[u8]), Fault> {
    let (digit, data) = packet.split_first().ok_or(Fault::PacketType)?;
    let kind = match digit {
        b'0' => Type::Open,
        b'1' => Type::Close,
        b'2' => Type::Ping,
        b'3' => Type::Pong,
        b'4' => Type::Message,
        b'5' => Type::Upgrade,
        b'6' => Type::Noop,
        _ => return Err(Fault::PacketType),
    };
    Ok((kind, data))
}

/// What the server says in its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Open<'a> {
    /// The session's id. It is a secret: with it the session can be taken over.
    pub sid: &'a [u8],
    /// Whether the session can go on over a WebSocket, from polling.
    pub upgrade: bool,
    /// The time between two pings, in milliseconds.
    pub ping_interval: u32,
    /// How long the server waits for a pong, in milliseconds.
    pub ping_timeout: u32,
    /// The most bytes that the server takes in one message, or in the payload of one POST; 0 if it does not say.
    pub max_payload: u32,
}

impl<'a> Open<'a> {
    /// With no upgrade.
    pub const fn new(sid: &'a [u8], ping_interval: u32, ping_timeout: u32, max_payload: u32) -> Self {
        Self { sid, upgrade: false, ping_interval, ping_timeout, max_payload }
    }

    /// Reads the data of the packet.
    ///
    /// # Errors
    /// [`Fault::OpenPacket`].
    pub fn decode(data: &'a [u8]) -> Result<Self, Fault> {
        if !json::is_value(data) {
            return Err(Fault::OpenPacket);
        }
        let number = |name: &[u8]| json::member(data, name).and_then(json::number);
        Ok(Self {
            sid: json::member(data, b"sid").and_then(json::unquoted).ok_or(Fault::OpenPacket)?,
            upgrade: json::member(data, b"upgrades").is_some_and(lists_websocket),
            ping_interval: number(b"pingInterval").ok_or(Fault::OpenPacket)?,
            ping_timeout: number(b"pingTimeout").ok_or(Fault::OpenPacket)?,
            max_payload: number(b"maxPayload").unwrap_or(0),
        })
    }

    /// Writes the whole packet; `None` if it does not fit.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(out, 0);
        self.write(&mut w);
        w.whole()
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.put(b"0{\"sid\":\"");
        w.put(self.sid);
        w.put(b"\",\"upgrades\":[");
        if self.upgrade {
            w.put(b"\"websocket\"");
        }
        w.put(b"],\"pingInterval\":");
        w.number(self.ping_interval);
        w.put(b",\"pingTimeout\":");
        w.number(self.ping_timeout);
        w.put(b",\"maxPayload\":");
        w.number(self.max_payload);
        w.put(b"}");
    }
}

fn lists_websocket(upgrades: &[u8]) -> bool {
    match upgrades {
        [b'[', list @ .., b']'] => json::values(list).any(|name| name == b"\"websocket\""),
        _ => false,
    }
}
