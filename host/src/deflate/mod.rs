//! permessage-deflate (RFC 7692) for all clients, with zlib-rs as the engine.
//!
//! ```text
//!  session ── compressed ──▶ Inflow ── plain ──▶ service ── plain ──▶ Link ── compressed ──▶ session
//!                              │                                       │
//!                          Inflaters                               Deflaters
//! ```
//!
//! Without context takeover a client owns nothing: one inflater and one deflater of each window serve all of them, a
//! message at a time. A client in the middle of a message keeps the inflater until the message ends, and with context
//! takeover a client owns a window and a deflater. Both come out of [`Config::deflate_memory`]: a client for whose contexts
//! there is no room gets no context takeover, and one that stays in the middle of a message without room is closed
//! with 1013. So a thousand clients with half a message each take no more, and whole messages are served still.

mod deflaters;
mod inflaters;
mod window;

use std::num::NonZeroU16;

pub(crate) use deflaters::{Choice, Deflaters};
pub(crate) use inflaters::{Filled, Inflaters};

use crate::config::Config;
use crate::stats::Compressed;

/// Bytes that the contexts of a client take.
pub(crate) const CONTEXTS: usize = window::SIZE + deflaters::SIZE;

/// Plain bytes that are inflated or deflated at a time.
pub(crate) const PIECE: usize = 64 * 1024;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) inflaters: Inflaters,
    pub(crate) deflaters: Deflaters,
}

impl Engine {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            inflaters: Inflaters::new(config.deflate_memory),
            deflaters: Deflaters::new(config.deflate_level, config.deflate_threshold),
        }
    }

    /// What was saved since the last call.
    pub(crate) fn take_saved(&mut self) -> (Compressed, Compressed) {
        (self.inflaters.take_counts(), self.deflaters.take_counts())
    }
}

/// Names what a client owns.
pub(crate) type Key = NonZeroU16;

/// What there is to know about one client.
#[derive(Debug)]
pub(crate) struct Compression {
    /// Its inflater, in the middle of a compressed message.
    pub(crate) inflater: Option<Key>,
    /// Its contexts, with context takeover.
    pub(crate) context: Option<Key>,
    pub(crate) reply: Reply,
    /// Bytes of it were read and not handled.
    pub(crate) unfinished: bool,
}

/// The message that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// There is none.
    None,
    Plain,
    Compressed,
}

impl Compression {
    pub(crate) const NONE: Self =
        Self { inflater: None, context: None, reply: Reply::None, unfinished: false };

    /// Gives back what it owns.
    pub(crate) fn release(&mut self, engine: &mut Engine, pool: &mut crate::transport::Pool) {
        if let Some(key) = self.inflater.take() {
            engine.inflaters.release(key, pool);
        }
        if let Some(key) = self.context.take() {
            engine.inflaters.remove_window(key);
            engine.deflaters.remove_context(key);
        }
    }
}

fn key(index: usize) -> Key {
    u16::try_from(index + 1).ok().and_then(Key::new).expect("asked for before: has_free_keys")
}

fn index(key: Key) -> usize {
    usize::from(key.get()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_leaves_gives_back_what_it_owns() {
        let config = Config::default();
        let (mut engine, mut pool) = (Engine::new(&config), crate::transport::Pool::new(1 << 20, 1 << 20));
        let mut client = Compression::NONE;
        for in_a_message in [false, true] {
            client.context = Some(engine.inflaters.add_window(true));
            assert_eq!(client.context, Some(engine.deflaters.add_context(Some(15))));
            if in_a_message {
                client.inflater = Some(engine.inflaters.lend(microws::MessageKind::Text, client.context));
            }
            assert!(!engine.inflaters.has_room(0, config.deflate_memory));
            assert_eq!(engine.deflaters.owned(), 393_216);
            client.release(&mut engine, &mut pool);
            assert_eq!((client.inflater, client.context), (None, None));
            assert_eq!(engine.deflaters.owned(), 0);
            assert!(engine.inflaters.has_room(0, config.deflate_memory));
        }
    }

    #[test]
    fn contexts_take_a_window_and_a_deflater() {
        assert_eq!((CONTEXTS, PIECE), (425_984, 65_536));
    }

    #[test]
    fn what_was_saved_is_taken_for_both_directions() {
        let mut engine = Engine::new(&Config::default());
        engine.deflaters.prepare(15);
        let choice = Choice { window_bits: 15, own: None };
        let compressed = engine.deflaters.deflate(choice, &[b'a'; 100], true, true).map(<[u8]>::len);
        let out = Compressed { plain: 100, compressed: compressed.expect("it is shorter") as u64 };
        let key = engine.inflaters.lend(microws::MessageKind::Text, None);
        let came = Compressed { plain: 5, compressed: 7 };
        engine.inflaters.get(key).2.add(came);
        assert_eq!(engine.take_saved(), (came, out));
        assert_eq!(engine.take_saved(), Default::default());
    }
}
