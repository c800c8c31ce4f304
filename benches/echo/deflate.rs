//! The load's side of permessage-deflate (RFC 7692), with zlib-rs.

use zlib_rs::{Deflate, DeflateFlush, Inflate, InflateFlush, Status};

/// Marks a compressed message, in its first frame (section 6).
pub(crate) const RSV1: u8 = 0x40;

/// What the load offers: its own messages stand alone, and for the replies it takes what comes.
pub(crate) const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n";

/// The level of what the load sends.
const LEVEL: i32 = 6;

/// The end of each message, which is left out on the wire (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// A client's deflater, without context takeover.
pub(crate) struct Compressor(Deflate);

impl Compressor {
    pub(crate) fn new() -> Self {
        Self(Deflate::new(LEVEL, false, 15))
    }

    /// The payload of one message.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        self.0.reset();
        let mut out = vec![0; message.len() + message.len() / 8 + 128];
        let status = self.0.compress(message, &mut out, DeflateFlush::SyncFlush);
        out.truncate(self.0.total_out() as usize);
        assert!(status == Ok(Status::Ok) && out.ends_with(&TAIL), "zlib does not compress: {status:?}");
        out.truncate(out.len() - TAIL.len());
        out
    }
}

/// What was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// The server may refer to its earlier messages.
    pub takeover: bool,
}

impl Agreed {
    /// Reads the head of the server's answer.
    pub(crate) fn parse(head: &str) -> Result<Self, String> {
        let extensions = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Extensions"))
            .map(|(_, value)| value.to_ascii_lowercase());
        match extensions {
            Some(value) if value.trim_start().starts_with("permessage-deflate") => {
                Ok(Self { takeover: !value.contains("server_no_context_takeover") })
            }
            _ => Err(format!("permessage-deflate was not agreed: {head}")),
        }
    }
}

/// What a server's replies were, over all connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compressed {
    pub agreed: Agreed,
    pub counts: Counts,
}

/// What came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    messages: u64,
    /// Messages that came as they are.
    plain: u64,
    /// Bytes of payload on the wire, and of the messages in it.
    wire: u64,
    inflated: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.plain += other.plain;
        self.wire += other.wire;
        self.inflated += other.inflated;
    }

    /// The share of bytes that did not go over the wire.
    pub(crate) fn saved(&self) -> f64 {
        1.0 - self.wire as f64 / self.inflated as f64
    }

    pub(crate) fn plain_share(&self) -> f64 {
        self.plain as f64 / self.messages as f64
    }
}

/// The replies of one connection, inflated.
pub(crate) struct Replies {
    inflate: Inflate,
    pub agreed: Agreed,
    is_compressed: bool,
    payload: Vec<u8>,
    out: Vec<u8>,
    pub counts: Counts,
}

impl std::fmt::Debug for Replies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replies").field("agreed", &self.agreed).field("counts", &self.counts).finish()
    }
}

impl Replies {
    pub(crate) fn new(agreed: Agreed) -> Self {
        Self {
            inflate: Inflate::new(false, 15),
            agreed,
            is_compressed: false,
            payload: vec![],
            out: vec![],
            counts: Counts::default(),
        }
    }

    /// A message's first frame came.
    pub(crate) fn begin(&mut self, is_compressed: bool) {
        self.is_compressed = is_compressed;
        self.payload.clear();
    }

    /// Part of its payload came.
    pub(crate) fn push(&mut self, payload: &[u8]) {
        self.payload.extend(payload);
    }

    /// It is all there: whether it is `expected`.
    pub(crate) fn end_is(&mut self, expected: &[u8]) -> Result<bool, String> {
        self.counts.messages += 1;
        self.counts.wire += self.payload.len() as u64;
        self.counts.inflated += expected.len() as u64;
        if !self.is_compressed {
            self.counts.plain += 1;
            return Ok(self.payload == expected);
        }
        if !self.agreed.takeover {
            self.inflate.reset(false);
        }
        self.payload.extend(TAIL);
        // One byte more than it may have, so that a longer one shows.
        self.out.resize(expected.len() + 1, 0);
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(&self.payload, &mut self.out, InflateFlush::SyncFlush)
            .map_err(|error| format!("a reply does not inflate: {error:?}"))?;
        if status == Status::StreamEnd {
            return Err("a reply ends its stream".into());
        }
        let used = (self.inflate.total_in() - before.0) as usize;
        let made = (self.inflate.total_out() - before.1) as usize;
        Ok(used == self.payload.len() && self.out.get(..made) == Some(expected))
    }
}
