//! The half of a connection that sends.

use microws::deflate::Deflater;
use microws::{Buffer, Client, CloseCode, MessageKind, SendError, Sent, Session};

/// The longest fragment that is sent; a message that fits is one frame.
pub(crate) const FRAGMENT: usize = 64 * 1024;

/// The longest header of a frame (RFC 6455 section 5.2).
const HEADER: usize = 14;

/// Room for pongs and a close frame while messages wait to be written: without it this program and a server that reads only after its
/// own messages were read would wait for each other.
const CONTROL: usize = 4096;

/// What the transmit buffer holds.
pub(crate) const CAPACITY: usize = FRAGMENT + HEADER + CONTROL;

/// A source of random bytes.
pub(crate) type Random = fn(&mut [u8]);

/// Session and transmit buffer.
#[derive(Debug)]
pub(crate) struct Sender<'a> {
    pub(crate) session: Session<'a, Client<Random>>,
    pub(crate) tx: Buffer<'a>,
    /// To compress messages with, if the server agrees.
    pub(crate) deflater: Option<Deflater<'a>>,
    /// A message was begun and not ended.
    pub(crate) in_message: bool,
}

impl Sender<'_> {
    /// Whether a fragment of `len` bytes fits beside the control frames that may come.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.tx.free() >= len + HEADER + CONTROL || self.tx.is_empty()
    }

    /// Queues a fragment of at most [`FRAGMENT`] bytes, for which there must be room.
    pub(crate) fn fragment(&mut self, kind: MessageKind, payload: &[u8], fin: bool) -> Result<(), SendError> {
        debug_assert!(payload.len() <= FRAGMENT && self.has_room(payload.len()));
        let is_whole = fin && !self.in_message;
        self.in_message = !fin;
        match &mut self.deflater {
            Some(deflater) if is_whole => {
                self.session.send_compressed(&mut self.tx, deflater, kind, payload).map(all)
            }
            _ => self.session.send_fragment(&mut self.tx, kind, payload, fin).map(all),
        }
    }

    /// Queues a ping, for which there must be room.
    pub(crate) fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.session.ping(&mut self.tx, payload).map(all)
    }

    /// Queues a close frame: whether there was room.
    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Result<bool, SendError> {
        Ok(self.session.close(&mut self.tx, code, reason)? == Sent::Done)
    }
}

fn all(sent: Sent) {
    debug_assert!(sent == Sent::Done, "there was room");
}

/// Random bytes of the operating system, for keys that nobody can predict (RFC 6455 section 10.3).
pub(crate) fn random(bytes: &mut [u8]) {
    if let Err(error) = getrandom::fill(bytes) {
        eprintln!("microws-cat: no random bytes: {error}");
        // Rather no connection than one with keys that can be guessed.
        std::process::exit(1);
    }
}
