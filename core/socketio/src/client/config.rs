//! [`ClientConfig`]: what a client asks for, and its limits.

/// The request target of a Socket.IO server over WebSocket, for [`microws::Config::request`]. A server with a path of
/// its own takes the same query.
pub const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

/// The namespace that a client joins, and its limits.
///
/// ```
/// use microws_socketio::ClientConfig;
/// const CONFIG: ClientConfig<'_> = ClientConfig::new().namespace("/sensors").auth(r#"{"token":"abc"}"#);
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ClientConfig<'c> {
    pub(crate) namespace: &'c str,
    pub(crate) auth: &'c [u8],
    is_namespace: bool,
    pub(crate) max_attachments: u8,
    pub(crate) connect_within: u32,
}

impl<'c> ClientConfig<'c> {
    /// The main namespace, no auth payload, at most 10 attachments, 20 seconds to join.
    pub const fn new() -> Self {
        Self { namespace: "/", auth: b"", is_namespace: true, max_attachments: 10, connect_within: 20_000 }
    }

    /// The namespace to join, with its slash and without a comma.
    #[must_use]
    pub const fn namespace(mut self, namespace: &'c str) -> Self {
        self.namespace = namespace;
        // For a constant the compiler does this.
        let mut bytes = namespace.as_bytes();
        self.is_namespace = matches!(bytes, [b'/', ..]);
        while let [first, rest @ ..] = bytes {
            self.is_namespace &= *first != b',';
            bytes = rest;
        }
        self
    }

    /// The auth payload, by which the server decides: a JSON object. Default: none.
    #[must_use]
    pub const fn auth(self, json: &'c str) -> Self {
        self.auth_bytes(json.as_bytes())
    }

    /// [`auth`](Self::auth) as bytes, as a [`Recovery`](crate::Recovery) makes them.
    #[must_use]
    pub const fn auth_bytes(mut self, json: &'c [u8]) -> Self {
        self.auth = json;
        self
    }

    /// The most attachments that a packet of the server may have. Default: 10, as in JavaScript.
    #[must_use]
    pub const fn max_attachments(mut self, n: u8) -> Self {
        self.max_attachments = n;
        self
    }

    /// How long the namespace may take to be joined, in milliseconds, from the first look at the clock on; 0 waits
    /// forever. At most 2^31 - 1.
    #[must_use]
    pub const fn connect_within(mut self, milliseconds: u32) -> Self {
        self.connect_within = milliseconds;
        self
    }

    /// Whether the request to join can be sent.
    pub(crate) fn is_valid(&self) -> bool {
        let auth = self.auth;
        self.is_namespace && (auth.is_empty() || auth.first() == Some(&b'{') && crate::json::is_value(auth))
    }
}

impl Default for ClientConfig<'_> {
    fn default() -> Self {
        Self::new()
    }
}
