//! HTTP/1.1 heads, RFC 9110 and 9112: read line by line, written whole or not at all. Nothing of WebSocket.

pub(crate) mod field;
pub(crate) mod reader;
pub(crate) mod writer;
