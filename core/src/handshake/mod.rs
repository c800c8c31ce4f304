//! The opening handshake, RFC 6455 section 4: one HTTP/1.1 head each way, read line by line.
//!
//! `rx` must hold a line, not the head: a request with 4 KiB of cookies passes through 256 bytes.
//! A longer line of a field that nobody needs is skipped. The head's fields are handed out as
//! they pass, before the caller decides.
//!
//! What comes behind the head stays in `rx`: it is the first frame.

use base64ct::{Base64, Encoding};

pub mod client;
mod head;
pub mod server;
mod write;

pub use head::{DEFAULT_MAX_FIELDS, DEFAULT_MAX_HEAD_LEN, Field};

/// RFC 6455 section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Bytes of a `Sec-WebSocket-Key`: 16 random ones in base64.
const KEY_LEN: usize = 24;

/// Bytes of a `Sec-WebSocket-Accept`: a SHA-1 in base64.
const ACCEPT_LEN: usize = 28;

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (section 4.2.2).
///
/// ```
/// # use microws::handshake::accept_key;
/// assert_eq!(&accept_key(b"sN9cRrP/n9NdMgdcy2VJFQ=="), b"fFBooB7FAkLlXgRSz0BT3v4hq5s=");
/// ```
pub fn accept_key(key: &[u8]) -> [u8; ACCEPT_LEN] {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key);
    sha1.update(GUID);
    let mut accept = [0; ACCEPT_LEN];
    // 20 bytes make 28 characters: it fits.
    let _ = Base64::encode(&sha1.digest().bytes(), &mut accept);
    accept
}
