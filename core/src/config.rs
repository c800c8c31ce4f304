//! [`Config`]: the limits, deadlines and choices of an endpoint, in one value that is made before the handshake.

/// Further header fields of a request or a response, as name and value.
pub type Fields<'a> = [(&'a str, &'a str)];

/// Limits, deadlines, the subprotocols to agree to, and a client's request. Sessions borrow it: one value, in flash
/// if it is a constant, is enough for all.
///
/// ```
/// use microws::Config;
/// const CONFIG: Config<'_> = Config::new().subprotocols(&["chat"]).max_message_len(4096).whole_up_to(200);
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Config<'c> {
    pub(crate) host: &'c str,
    pub(crate) target: &'c str,
    pub(crate) origin: Option<&'c str>,
    pub(crate) subprotocols: &'c [&'c str],
    pub(crate) fields: &'c Fields<'c>,
    /// The parts of the request that can't be sent, a bit for each.
    pub(crate) unsendable: u8,
    pub(crate) max_head_len: u32,
    pub(crate) max_fields: u16,
    #[cfg(feature = "http")]
    pub(crate) max_body_len: u64,
    pub(crate) max_message_len: u64,
    pub(crate) max_fragments: u32,
    pub(crate) whole_up_to: u32,
    #[cfg(feature = "deflate")]
    pub(crate) deflate: Option<crate::deflate::Params>,
    pub(crate) timeouts: Timeouts,
}

impl<'c> Config<'c> {
    /// No subprotocols; heads of at most 16 KiB and 100 fields; messages of any length in any number of
    /// fragments, payload as it arrives; the deadlines of [`Timeouts::new`].
    pub const fn new() -> Self {
        Self {
            host: "",
            target: "/",
            origin: None,
            subprotocols: &[],
            fields: &[],
            unsendable: Self::REQUEST,
            max_head_len: 16 * 1024,
            max_fields: 100,
            #[cfg(feature = "http")]
            max_body_len: 0,
            max_message_len: u64::MAX,
            max_fragments: u32::MAX,
            whole_up_to: 0,
            #[cfg(feature = "deflate")]
            deflate: None,
            timeouts: Timeouts::new(),
        }
    }

    /// Limits the peer's head to so many bytes, line ends included, and so many fields; a server rejects a longer one with
    /// 431. Memory does not depend on it. Default: 16 KiB and 100.
    #[must_use]
    pub const fn max_head(mut self, bytes: u32, fields: u16) -> Self {
        (self.max_head_len, self.max_fields) = (bytes, fields);
        self
    }

    /// Server: takes the content of requests with a `Content-Length` of at most so many bytes, as
    /// [`Event::Body`](crate::Event::Body). Longer content is rejected with 413, content without a known length
    /// with 411. Default 0: content is rejected with 400, because without an upgrade no part of the program takes it.
    #[cfg(feature = "http")]
    #[must_use]
    pub const fn max_body_len(mut self, bytes: u64) -> Self {
        self.max_body_len = bytes;
        self
    }

    /// Fails the connection with 1009 when a message is longer than `bytes`; the frame's header tells, before
    /// the payload comes. Default: no limit, because memory does not depend on it. Of a compressed message the inflated
    /// bytes count, as they are made; a program that inflates by itself counts them itself.
    #[must_use]
    pub const fn max_message_len(mut self, bytes: u64) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Fails the connection with 1008 when a message comes in more than `frames` frames. Default: no limit,
    /// because each costs constant work and no memory.
    #[must_use]
    pub const fn max_fragments(mut self, frames: u32) -> Self {
        self.max_fragments = frames;
        self
    }

    /// Hands out the payload of a data frame of at most `bytes` only when it is whole, in one chunk, if header
    /// and payload fit into `rx`: an unfragmented message then needs no second buffer. Such text is checked
    /// when it is whole. Default 0: payload as it arrives, and text fails at the first impossible byte.
    #[must_use]
    pub const fn whole_up_to(mut self, bytes: u32) -> Self {
        self.whole_up_to = bytes;
        self
    }

    /// Agrees to permessage-deflate (RFC 7692) on these terms. With an inflater in `rx` there is no need for it, unless
    /// the terms are others than [`Params::new`](crate::deflate::Params::new). Without one, compressed messages come as
    /// they are: see [`Chunk::compressed`](crate::Chunk::compressed). Default: without an inflater in `rx` it is
    /// declined.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn deflate(mut self, params: crate::deflate::Params) -> Self {
        self.deflate = Some(params);
        self
    }

    /// How long to wait for what.
    #[must_use]
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}

impl Default for Config<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// How long to wait for what, in milliseconds: at most 2^31 - 1, 24 days; 0 waits forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Timeouts {
    /// For the opening handshake to be done.
    pub handshake: u32,
    /// From the last byte that came to the ping.
    pub ping_after: u32,
    /// From the ping to the next byte: its pong or any other, because data is a sign of life as well.
    pub pong_within: u32,
    /// From our close frame to the peer's, and from our end of the stream to the peer's.
    pub close_within: u32,
    /// From the last byte of `tx` that the peer took to the next.
    pub write_within: u32,
}

impl Timeouts {
    /// 10 s for the handshake, a ping after 20 s of silence, 20 s for its pong, 5 s to close, 20 s to write.
    pub const fn new() -> Self {
        Self {
            handshake: 10_000,
            ping_after: 20_000,
            pong_within: 20_000,
            close_within: 5_000,
            write_within: 20_000,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::new()
    }
}
