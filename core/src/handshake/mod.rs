//! The opening handshake, RFC 6455 section 4: one HTTP/1.1 head each way, read line by line.
//!
//! `rx` must hold a line, not the head: a request with 4 KiB of cookies passes through 256 bytes.
//! A longer line of a field that nobody needs is skipped. The head's fields are handed out as
//! they pass, before the caller decides.
//!
//! What comes behind the head stays in `rx`: it is the first frame.

use base64ct::{Base64, Encoding};

use crate::buffer::copy;

pub mod client;
mod field;
mod findings;
mod head;
pub mod server;
mod write;

pub use field::Field;
pub use head::{DEFAULT_MAX_FIELDS, DEFAULT_MAX_HEAD_LEN};

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
    base64(&sha1.digest().bytes())
}

/// `bytes`, at most 20, in base64, padded to [`ACCEPT_LEN`].
fn base64(bytes: &[u8]) -> [u8; ACCEPT_LEN] {
    // 20 bytes make 27 characters. Of 21 nothing is left over that would need other code than the rest.
    let mut whole = [0; 21];
    copy(&mut whole, bytes);
    let mut text = [0; ACCEPT_LEN];
    // 21 bytes make 28 characters: it fits.
    let _ = Base64::encode(&whole, &mut text);
    let used = bytes.len().saturating_mul(8).div_ceil(6);
    text.iter_mut().skip(used).for_each(|pad| *pad = b'=');
    text
}
