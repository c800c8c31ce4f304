//! Socket.IO: the codec, the client, the server's session, and both against each other.

mod codec;
mod deadlines;
mod endpoints;
mod json;
mod life;
mod payloads;
mod polling;
mod properties;
mod recovery;
mod server;
mod styles;
mod upgrade;

mod acks;
mod client;
mod endings;
