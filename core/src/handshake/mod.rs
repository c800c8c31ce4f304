//! The opening handshake, RFC 6455 section 4: one HTTP/1.1 head each way, read line by line.
//!
//! `rx` must hold a line, not the head: a request with 4 KiB of cookies passes through 256 bytes.
//! A longer line of a field that nobody needs is skipped. The head's fields are handed out as
//! they pass, before the caller decides.
//!
//! What comes behind the head stays in `rx`: it is the first frame.

mod checks;
pub mod client;
mod key;
pub mod server;

pub use crate::http::field::Field;
pub use crate::http::reader::{DEFAULT_MAX_FIELDS, DEFAULT_MAX_HEAD_LEN};
pub use key::accept_key;
