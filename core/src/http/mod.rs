//! HTTP/1.1 heads, RFC 9110 and 9112: read line by line, written whole or not at all. Nothing of WebSocket.
//!
//! `rx` must hold a line, not the head: a request with 4 KiB of cookies passes through 256 bytes. A longer
//! line is skipped, and only its name is reported. A line is parsed when the program asks for its parts, so that a
//! program that does not ask carries no code for it.

pub(crate) mod error;
pub(crate) mod field;
pub(crate) mod host;
pub(crate) mod line;
pub(crate) mod reader;
pub(crate) mod url;
pub(crate) mod writer;

pub use error::HeadError;
pub use field::Field;
pub use line::{RequestLine, StatusLine};
pub use url::{Url, UrlError};
pub use writer::respond;
