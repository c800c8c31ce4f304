//! Socket.IO in the echo server, by raw HTTP and raw frames.

mod application;
mod bad;
mod deadlines;
mod engine;
mod handshake;
mod limits;
mod others;
mod polling;
mod program;
mod support;
mod upgrade;
mod websocket;
