//! Inflaters for messages that arrive.

use std::fmt;

use microws::{MessageKind, ProtocolError, Validator};
use slab::Slab;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::window::{self, Window};
use super::{Key, PIECE, index, key};
use crate::stats::Compressed;
use crate::transport::{Pool, Queue};

/// Bytes of an inflater: its state, and a window of 32 KiB.
const SIZE: usize = 80 * 1024;

/// Inflaters that are kept for the next clients.
const MAX_SPARES: usize = 4;

/// What a sender leaves out at the end of a message (RFC 7692 section 7.2.1), and a last block, empty as well: the
/// inflater reaches its end only if the message was not cut off.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];

/// Bytes of [`END`] that the sender left out.
const OMITTED: usize = 4;

/// Lends inflaters to clients, each for one message.
#[derive(Debug, Default)]
pub(crate) struct Inflaters {
    lent: Slab<Inflating>,
    spare: Vec<Inflating>,
    /// The windows of clients with context takeover, while no message of theirs is on its way.
    windows: Slab<Option<Window>>,
    /// How many clients own one.
    owners: usize,
    piece: Vec<u8>,
    /// Bytes that clients may own.
    memory: usize,
    counts: Compressed,
}

/// A message that is being inflated.
pub(crate) struct Inflating {
    inflate: Inflate,
    /// The client's window, if that is kept.
    window: Option<Window>,
    utf8: Validator,
    pub(crate) kind: MessageKind,
    /// No piece was handed out.
    pub(crate) first: bool,
    /// The message ends with the input that waits.
    pub(crate) fin: bool,
    /// Plain bytes so far.
    len: u64,
    /// Bytes of [`END`] that were used.
    ended: usize,
    /// The last piece was full, so that there may be more of the input that was used.
    waits: bool,
    /// Input that waits.
    pub(crate) held: Option<Box<Queue>>,
}

/// What a piece came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    /// Bytes in the piece.
    pub(crate) len: usize,
    /// All of the input was used.
    pub(crate) done: bool,
    /// Further blocks that ended a stream: each costs as much time as some output does.
    pub(crate) restarts: usize,
    /// What is wrong after these bytes.
    pub(crate) fault: Option<ProtocolError>,
}

impl Inflaters {
    pub(super) fn new(memory: usize) -> Self {
        Self { memory, ..Self::default() }
    }

    /// Whether there is room for contexts of another client, while so many bytes are owned otherwise.
    pub(crate) fn has_room(&self, others: usize, contexts: usize) -> bool {
        self.owned() + others + contexts <= self.memory && self.has_free_keys()
    }

    /// Whether a client must not keep an inflater, while so many bytes are owned otherwise.
    pub(crate) fn is_spent(&self, others: usize) -> bool {
        self.owned() + others > self.memory || !self.has_free_keys()
    }

    /// Bytes that clients own.
    fn owned(&self) -> usize {
        self.lent.len() * SIZE + self.owners * window::SIZE
    }

    fn has_free_keys(&self) -> bool {
        self.lent.len().max(self.windows.len()) < usize::from(u16::MAX) - 1
    }

    /// A client has contexts, that of the messages to come if it is `kept`.
    pub(crate) fn add_window(&mut self, kept: bool) -> Key {
        self.owners += usize::from(kept);
        key(self.windows.insert(kept.then(Window::new)))
    }

    pub(super) fn remove_window(&mut self, key: Key) {
        if self.windows.remove(index(key)).is_some() {
            self.owners -= 1;
        }
    }

    /// An inflater for a message that begins, of the client with this `context`.
    pub(crate) fn lend(&mut self, kind: MessageKind, context: Option<Key>) -> Key {
        self.piece.resize(PIECE, 0);
        let mut inflating = self.spare.pop().unwrap_or_else(Inflating::new);
        inflating.begin(kind, context.and_then(|context| self.windows[index(context)].take()));
        key(self.lent.insert(inflating))
    }

    /// The message `key`, and room for a piece of it.
    pub(crate) fn get(&mut self, key: Key) -> (&mut Inflating, &mut [u8], &mut Compressed) {
        (&mut self.lent[index(key)], &mut self.piece, &mut self.counts)
    }

    /// The message has ended: the inflater goes back, and its window to the client's `context`.
    pub(crate) fn end(&mut self, key: Key, context: Option<Key>, pool: &mut Pool) {
        let window = self.lent[index(key)].window.take();
        if let Some(context) = context.filter(|_| window.is_some()) {
            self.windows[index(context)] = window;
        }
        self.release(key, pool);
    }

    /// The inflater goes back.
    pub(crate) fn release(&mut self, key: Key, pool: &mut Pool) {
        let mut inflating = self.lent.remove(index(key));
        if inflating.window.take().is_some() {
            self.owners -= 1;
        }
        if let Some(held) = inflating.held.take() {
            pool.give_back_held(held);
        }
        if self.spare.len() < MAX_SPARES {
            self.spare.push(inflating);
        }
    }

    pub(super) fn take_counts(&mut self) -> Compressed {
        std::mem::take(&mut self.counts)
    }
}

impl Inflating {
    fn new() -> Self {
        Self {
            inflate: Inflate::new(false, 15),
            window: None,
            utf8: Validator::new(),
            kind: MessageKind::Binary,
            first: true,
            fin: false,
            len: 0,
            ended: 0,
            waits: false,
            held: None,
        }
    }

    fn begin(&mut self, kind: MessageKind, window: Option<Window>) {
        (self.kind, self.window, self.utf8) = (kind, window, Validator::new());
        (self.first, self.fin, self.len, self.ended, self.waits) = (true, false, 0, 0, false);
        self.restart(&[]);
    }

    /// Begins a stream that may refer to what came before it: the window, if that is kept, and `made`.
    fn restart(&mut self, made: &[u8]) {
        self.inflate.reset(false);
        let kept = self.window.as_ref().map_or([&[][..]; 2], Window::slices);
        for bytes in kept.into_iter().chain([made]).filter(|bytes| !bytes.is_empty()) {
            // A raw stream takes any.
            let _ = self.inflate.set_dictionary(bytes);
        }
    }

    /// Inflates `input` into `piece`, as far as there is room.
    /// [`END`] comes after it if `fin`.
    pub(crate) fn fill(&mut self, input: &mut &[u8], fin: bool, piece: &mut [u8], max: u64) -> Filled {
        let mut filled = Filled { len: 0, done: false, restarts: 0, fault: None };
        let mut kept = 0;
        if self.inflate_into(input, fin, piece, &mut filled, &mut kept).is_err() {
            filled.fault = Some(ProtocolError::InvalidDeflate);
        }
        if let Some(window) = &mut self.window {
            window.extend(&piece[kept..filled.len]);
        }
        self.len += filled.len as u64;
        if self.len > max {
            filled.len -= filled.len.min((self.len - max) as usize);
            filled.fault = Some(ProtocolError::MessageTooBig);
        }
        if self.kind == MessageKind::Text {
            let is_last = filled.done && fin && filled.fault.is_none();
            match self.utf8.feed(&piece[..filled.len]) {
                Ok(()) if is_last && !self.utf8.is_complete() => {
                    filled.fault = Some(ProtocolError::InvalidUtf8);
                }
                Ok(()) => {}
                Err(valid) => (filled.len, filled.fault) = (valid, Some(ProtocolError::InvalidUtf8)),
            }
        }
        filled
    }

    /// The part of [`fill`](Self::fill) that is zlib's; `kept` bytes of the piece are in the window.
    fn inflate_into(
        &mut self,
        input: &mut &[u8],
        fin: bool,
        piece: &mut [u8],
        filled: &mut Filled,
        kept: &mut usize,
    ) -> Result<(), ()> {
        loop {
            let at_end = input.is_empty();
            if at_end && !fin {
                filled.done = true;
                return Ok(());
            }
            let drains = at_end && self.waits;
            let ends = at_end && !drains;
            let from = if ends { &END[self.ended..] } else { *input };
            let (read, made) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(from, &mut piece[filled.len..], InflateFlush::SyncFlush);
            let used = (self.inflate.total_in() - read) as usize;
            let len = (self.inflate.total_out() - made) as usize;
            if ends && len > 0 {
                // The message was cut off in a block, which took its end for data.
                return Err(());
            }
            filled.len += len;
            self.waits = !ends && filled.len == piece.len();
            if ends {
                self.ended += used;
            } else {
                *input = &input[used..];
            }
            match status {
                Err(_) => return Err(()),
                // The block that ends the message may be the last of its stream as well.
                Ok(Status::StreamEnd) if ends && [OMITTED, END.len()].contains(&self.ended) => {
                    filled.done = true;
                    return Ok(());
                }
                // "BFINAL" in a message is allowed, and it goes on (section 7.2.3.4). Of a window that is not kept only this
                // piece is known.
                Ok(Status::StreamEnd) => {
                    let made = match &mut self.window {
                        Some(window) => {
                            window.extend(&piece[*kept..filled.len]);
                            *kept = filled.len;
                            &[]
                        }
                        None => &piece[..filled.len],
                    };
                    filled.restarts += 1;
                    self.restart(made);
                }
                Ok(_) if filled.len == piece.len() => return Ok(()),
                // The message was cut off: all that comes after it was used.
                Ok(_) if used == 0 && len == 0 && !drains => return Err(()),
                Ok(_) => {}
            }
        }
    }
}

impl fmt::Debug for Inflating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflating").field("kind", &self.kind).field("len", &self.len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
