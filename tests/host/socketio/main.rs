//! Socket.IO in the echo server, by raw HTTP and raw frames.

mod application;
mod bad;
mod deadlines;
mod handshake;
mod limits;
mod polling;
mod support;
mod upgrade;
mod websocket;
