//! [`ServerConfig`]: what a server offers, and its limits.

/// What a server offers, and its limits: one value, in flash if it is a constant, is enough for all sessions.
///
/// ```
/// use microws_socketio::server::ServerConfig;
/// const CONFIG: ServerConfig<'_> = ServerConfig::new().namespaces(&["/", "/admin"]).heartbeat(10_000, 5_000);
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ServerConfig<'c> {
    pub(crate) namespaces: &'c [&'c str],
    pub(crate) ping_interval: u32,
    pub(crate) ping_timeout: u32,
    pub(crate) connect_within: u32,
    pub(crate) upgrade_within: u32,
    pub(crate) close_within: u32,
    pub(crate) max_payload: u32,
    pub(crate) max_attachments: u8,
    pub(crate) upgrades: bool,
}

impl<'c> ServerConfig<'c> {
    /// How many namespaces a server can have.
    pub const MAX_NAMESPACES: usize = 32;

    /// The main namespace; a ping every 25 seconds, to be answered within 20; 45 seconds to join a namespace, 10 to
    /// upgrade, 30 to fetch the last packets; messages of at most 1,024 bytes with at most 10 attachments; sessions over
    /// polling may go on over a WebSocket.
    pub const fn new() -> Self {
        Self {
            namespaces: &["/"],
            ping_interval: 25_000,
            ping_timeout: 20_000,
            connect_within: 45_000,
            upgrade_within: 10_000,
            close_within: 30_000,
            max_payload: 1024,
            max_attachments: 10,
            upgrades: true,
        }
    }

    /// A server of Engine.IO alone, with the other values of [`new`](Self::new): it has no namespaces, and its messages are
    /// the program's own.
    pub const fn bare() -> Self {
        Self { namespaces: &[], connect_within: 0, ..Self::new() }
    }

    /// The namespaces that a client may ask for, each with its slash; those after the first
    /// [`MAX_NAMESPACES`](Self::MAX_NAMESPACES) are ignored.
    #[must_use]
    pub const fn namespaces(mut self, names: &'c [&'c str]) -> Self {
        self.namespaces = names;
        self
    }

    /// The time between two pings and the time to answer one, in milliseconds: at least 1, together at most 2^31 - 1.
    #[must_use]
    pub const fn heartbeat(mut self, interval: u32, timeout: u32) -> Self {
        (self.ping_interval, self.ping_timeout) = (interval, timeout);
        self
    }

    /// How long a client may take to join its first namespace, in milliseconds; 0 waits forever.
    #[must_use]
    pub const fn connect_within(mut self, milliseconds: u32) -> Self {
        self.connect_within = milliseconds;
        self
    }

    /// How long an upgrade may take, in milliseconds; 0 waits forever. After that the session goes on over polling.
    #[must_use]
    pub const fn upgrade_within(mut self, milliseconds: u32) -> Self {
        self.upgrade_within = milliseconds;
        self
    }

    /// How long the last packets of a session over polling wait for a GET, in milliseconds; 0 waits forever.
    #[must_use]
    pub const fn close_within(mut self, milliseconds: u32) -> Self {
        self.close_within = milliseconds;
        self
    }

    /// The most bytes of a message or of a POST's content, which the open packet says. It must be true: the host must take
    /// that much content, and an [`Inbox`](crate::Inbox) must hold a message that comes in pieces.
    #[must_use]
    pub const fn max_payload(mut self, bytes: u32) -> Self {
        self.max_payload = bytes;
        self
    }

    /// The most attachments of a packet. Default: 10, as in Node.js.
    #[must_use]
    pub const fn max_attachments(mut self, n: u8) -> Self {
        self.max_attachments = n;
        self
    }

    /// Whether a session over polling may go on over a WebSocket. Default: yes.
    #[must_use]
    pub const fn upgrades(mut self, yes: bool) -> Self {
        self.upgrades = yes;
        self
    }
}

impl Default for ServerConfig<'_> {
    fn default() -> Self {
        Self::new()
    }
}
