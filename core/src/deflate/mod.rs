//! permessage-deflate (RFC 7692) in fixed memory: DEFLATE (RFC 1951) both ways, and the terms that the peers agree on.
//!
//! Give `rx` an [`Inflater`] and a ring; nothing else is needed. Sessions then agree to the extension, and hand out
//! chunks as if there were no compression.
//!
//! ```
//! use microws::{Buffer, deflate::Inflater};
//!
//! let (mut storage, mut ring, mut inflater) = ([0; 512], [0; 1024], Inflater::new());
//! let rx = Buffer::new(&mut storage).inflating(&mut inflater, &mut ring);
//! # let _ = rx;
//! ```
//!
//! # How large the ring must be
//!
//! The ring is the peer's LZ77 window and the output at once: 256 bytes to 32 KiB. A session asks the peer to keep to
//! it, where the peer allows that (sections 7.1.2.1 and 7.1.2.2), and to forget it between messages (sections
//! 7.1.1.1 and 7.1.1.2). With a peer that does not allow it, such as Firefox, messages no longer than the ring can be
//! inflated; a longer one that reaches further back fails with 1009. See [`Params`] for other terms.
//!
//! In JSON a window of 1 KiB saves nearly as much as one of 32 KiB where each message stands alone, and 4 KiB where [the
//! context is kept](Params::keep_peers_context): the README has the figures.
//!
//! `tx` must hold the answer to the request: 230 bytes with Chrome's offer, and a line for the subprotocol; 300 are
//! enough for most. A client's `tx` must hold one of its two offers at a time: 151 bytes. A server declines what
//! does not fit into `rx`: its line with both offers of such a client has 253 bytes.
//!
//! # Sending
//!
//! [`Session::send_compressed`](crate::Session::send_compressed) takes a [`Deflater`] for one message at a time, and
//! sends the message plain if that is not longer. Nothing else is compressed: replies, fragments and control frames go
//! out as they are, which the extension allows (section 6).
//!
//! # An engine of your own
//!
//! A program with memory to spare may bring its own DEFLATE: one for all connections is enough, if it keeps a message
//! until it is whole. Such a program sets [`Config::deflate`](crate::Config::deflate) and lends `rx` no inflater:
//! chunks then come as they are on the wire, [`Chunk::compressed`](crate::Chunk::compressed) says so, and
//! [`Session::send_deflated`](crate::Session::send_deflated) sends what the engine made.

mod bits;
mod compress;
mod fast;
mod huffman;
mod inflate;
mod inflated;
mod params;
mod ring;
mod steps;

pub use compress::{Deflater, MIN_TABLE_LEN, Progress};
pub use inflate::{Inflater, MAX_RING_LEN, MIN_RING_LEN};
pub use inflated::{Fault, Inflated, Next};
pub use params::{Agreed, Params};
