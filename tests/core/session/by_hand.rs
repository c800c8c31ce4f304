//! A session driven by hand, step by step.

use microws::{Buffer, Config, Endpoint, Event, Server, Session, Step, Upgraded};
use microws_tests::{buffer, frame};

/// A session, its buffers and the peer's way to send.
#[derive(Debug)]
pub(crate) struct ByHand<R: Endpoint> {
    pub session: Session<'static, R>,
    pub rx: Buffer<'static>,
    pub tx: Buffer<'static>,
}

/// A request for an upgrade that any server accepts.
pub(crate) const REQUEST: &[u8] =
    b"GET /room HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// The answer to it.
pub(crate) const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A masked frame.
pub(crate) fn masked(b0: u8, payload: &[u8]) -> Vec<u8> {
    frame(b0, Some([0x37, 0xfa, 0x21, 0x3d]), payload)
}

/// Responses as this build of the core writes them: its small form leaves out the reason phrases.
pub(crate) fn as_built(responses: impl AsRef<[u8]>) -> Vec<u8> {
    let (mut rest, mut bytes) = (responses.as_ref(), Vec::new());
    while cfg!(feature = "compact") && !rest.is_empty() {
        if rest.starts_with(b"HTTP/1.1 ") && !rest[9..].starts_with(b"101 ") {
            bytes.extend(&rest[..13]);
            let phrase = rest[13..].iter().position(|byte| *byte == b'\r');
            rest = &rest[13 + phrase.unwrap_or(rest.len() - 13)..];
        } else {
            bytes.push(rest[0]);
            rest = &rest[1..];
        }
    }
    bytes.extend(rest);
    bytes
}

/// A configuration for the whole test.
pub(crate) fn config(config: Config<'static>) -> &'static Config<'static> {
    Box::leak(Box::new(config))
}

impl ByHand<Server> {
    /// A server before its request.
    pub(crate) fn server(of: Config<'static>) -> Self {
        Self::new(Session::server(config(of)), 512, 512)
    }
}

impl ByHand<Upgraded<Server>> {
    /// A server that is open.
    pub(crate) fn open(of: Config<'static>) -> Self {
        Self::new(Session::upgraded(config(of), Server), 256, 256)
    }
}

impl<R: Endpoint> ByHand<R> {
    pub(crate) fn new(session: Session<'static, R>, rx: usize, tx: usize) -> Self {
        Self { session, rx: buffer(rx), tx: buffer(tx) }
    }

    /// Bytes come.
    ///
    /// # Panics
    /// If they don't fit into `rx`.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.rx.spare()[..bytes.len()].copy_from_slice(bytes);
        self.session.commit(&mut self.rx, bytes.len());
    }

    /// The peer ends the stream.
    pub(crate) fn feed_end(&mut self) {
        self.session.commit(&mut self.rx, 0);
    }

    pub(crate) fn receive(&mut self) -> Step<Event<'_>> {
        self.session.receive(&mut self.rx, &mut self.tx)
    }

    /// Steps over events.
    pub(crate) fn skip_events(&mut self) -> Step<()> {
        loop {
            match self.receive() {
                Step::Event(_) => {}
                other => return other.map(|_| ()),
            }
        }
    }

    /// Steps up to the end of a request's head.
    pub(crate) fn skip_head(&mut self) {
        while !matches!(self.receive(), Step::Event(Event::HeadEnd)) {}
    }

    /// The stream takes all of `tx`.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        let bytes = self.tx.filled().to_vec();
        self.tx.consume(bytes.len());
        bytes
    }

    /// A caller's wait: one tick, after `tx` was written out.
    pub(crate) fn tick(&mut self, now: u32) -> Option<u32> {
        self.session.tick(&mut self.tx, now)
    }
}
