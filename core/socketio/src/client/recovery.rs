//! [`Recovery`]: what brings a client back to where its last connection has ended.

use core::fmt;

use crate::client::Event;
use crate::json;
use crate::write::{Writer, copy};

/// What brings a client back to where its last connection has ended, on servers with connection state recovery: they send
/// what it has missed, and its rooms are as they were. It outlives clients, each of which has one connection.
///
/// Such a server adds an argument to its events that need no acknowledgement, a string at the end. The events that were
/// missed come before [`Event::Connected`].
///
/// ```
/// use microws_socketio::{Client, ClientConfig, Event, Recovery};
/// # fn connect(client: Client<'_>) -> Event<'static> {
/// #     Event::Connected { sid: b"x", data: br#"{"sid":"x","pid":"y"}"# }
/// # }
/// let mut recovery = Recovery::new();
/// for _ in 0..2 {
///     let mut room = [0; 128];
///     let auth = recovery.auth(r#"{"token":"abc"}"#, &mut room).expect("128 bytes are enough");
///     let config = ClientConfig::new().auth_bytes(auth);
///     let event = connect(Client::new(&config));
///     recovery.note(&event); // each event of the connection
/// }
/// assert!(recovery.is_recovered());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// The server's secret name for what it keeps of the session.
    pid: Kept,
    /// The last event that came.
    offset: Kept,
    is_recovered: bool,
}

/// A short text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kept {
    bytes: [u8; 32],
    len: u8,
}

impl Kept {
    const NONE: Self = Self { bytes: [0; 32], len: 0 };

    fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// One too long is not kept.
    fn set(&mut self, text: &[u8]) {
        let len = if text.len() > self.bytes.len() { 0 } else { text.len() };
        self.len = len as u8;
        copy(&mut self.bytes, text.get(..len).unwrap_or_default());
    }
}

impl Recovery {
    /// Of a client that has not been connected.
    pub const fn new() -> Self {
        Self { pid: Kept::NONE, offset: Kept::NONE, is_recovered: false }
    }

    /// Takes note of an event: give it each one that comes.
    pub fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Connected { data, .. } => {
                let pid = json::member(data, b"pid").and_then(json::unquoted).unwrap_or_default();
                self.is_recovered = !pid.is_empty() && pid == self.pid.get();
                if !self.is_recovered {
                    self.offset = Kept::NONE;
                }
                self.pid.set(pid);
            }
            Event::Event { args, ack: None, .. } if self.pid.len > 0 => {
                if let Some(offset) = json::values(args).last().and_then(json::unquoted) {
                    self.offset.set(offset);
                }
            }
            _ => {}
        }
    }

    /// Whether the last connection went on where the one before had ended: what was missed comes, or has come.
    pub const fn is_recovered(&self) -> bool {
        self.is_recovered
    }

    /// The auth payload for the next connection, of the program's own one, an object or nothing; for
    /// [`ClientConfig::auth_bytes`](crate::ClientConfig::auth_bytes). `None` if `out` has no room: it takes up to 86 bytes
    /// more.
    pub fn auth<'o>(&self, auth: &str, out: &'o mut [u8]) -> Option<&'o [u8]> {
        let mut w = Writer::new(&mut *out, 0);
        let (pid, offset, own) = (self.pid.get(), self.offset.get(), auth.as_bytes());
        if pid.is_empty() || offset.is_empty() {
            w.put(own);
        } else {
            for piece in [b"{\"pid\":\"", pid, b"\",\"offset\":\"", offset, b"\""] {
                w.put(piece);
            }
            match json::white(json::white(own).strip_prefix(b"{").unwrap_or_default()) {
                [] | [b'}', ..] => w.put(b"}"),
                members => {
                    w.put(b",");
                    w.put(members);
                }
            }
        }
        let len = w.whole()?;
        out.get(..len)
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::new()
    }
}

/// What it has is a secret: it is not shown.
impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recovery")
    }
}

/// What it has is a secret: it is not shown.
#[cfg(feature = "defmt")]
impl defmt::Format for Recovery {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Recovery");
    }
}
