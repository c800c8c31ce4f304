//! Socket.IO (protocol 5, over Engine.IO protocol 4) on fixed buffers, over [`microws`]: no std, no heap, no unsafe, no
//! panic.
//!
#![cfg_attr(feature = "embedded-io", doc = "```")]
#![cfg_attr(not(feature = "embedded-io"), doc = "```ignore")]
//! use embedded_io::{Read, Write};
//! use microws::{Buffer, Config, Session, io::blocking::WebSocket};
//! use microws_socketio::io::{Error, blocking::Socket};
//! use microws_socketio::{Client, ClientConfig, Event, Inbox, TARGET, json};
//!
//! fn run<S: Read + Write>(stream: S, random: fn(&mut [u8])) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx, mut inbox) = ([0; 256], [0; 256], [0; 512]);
//!     let config = Config::new().request("example.org", TARGET);
//!     let namespace = ClientConfig::new().namespace("/sensors").auth(r#"{"token":"abc"}"#);
//!     let session = Session::client(&config, random);
//!     let socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
//!     let mut socket = Socket::new(socket, Client::new(&namespace), Inbox::new(&mut inbox));
//!     while let Some((event, sender)) = socket.recv()? {
//!         match event {
//!             Event::Connected { .. } => sender.emit("reading", r#"{"celsius":21.5}"#)?,
//!             Event::Event { name: b"led", args, ack, .. } => {
//!                 let on = json::values(args).next() == Some(b"true"); // ... switch it
//!                 if let Some(id) = ack {
//!                     sender.ack(id, if on { "1" } else { "0" })?;
//!                 }
//!             }
//!             _ => {}
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! - [`json`], [`engine`], [`packet`] and [`payload`] are functions of text and slices: the codec.
//! - [`Client`] is a client's life in one namespace, beside the [`Session`](microws::Session) of its WebSocket.
//! - [`server`] has the server's side: a session over a WebSocket or over HTTP polling, with the upgrade between them.
//! - [`io`] has both in one handle: blocking, async and polled.
//!
//! The data of an application stays JSON text, checked and not taken apart. A client speaks WebSocket from the start:
//! that is what a JavaScript client does with `transports: ["websocket"]`, and every server takes it unless it is configured
//! otherwise. To reconnect is a loop of the caller: each connection is a new session and a new client over the same
//! buffers. With a [`Recovery`] it goes on where the last one has ended, if the server can do that.
//!
//! # Memory
//!
//! Beside `rx` and `tx` of the WebSocket there is an [`Inbox`] for one incoming message, with its attachments if it has
//! some, and an [`AckSlot`] for each acknowledgement that is awaited at a time.
//!
//! The server pings, and [`Client`] watches that it does: the WebSocket's own pings are not needed. With
//! [`Timeouts::ping_after`](microws::Timeouts::ping_after) 0 there are none.
//!
//! # Features
//!
//! None is on by default: `embedded-io`, `embedded-io-async` and `defmt` as in [`microws`]; `serde-json-core` makes and
//! reads arguments.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
// No panic path: what the network sends must never stop a device.
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::todo,
    clippy::unimplemented,
    clippy::arithmetic_side_effects
)]
// Everything public that can grow is non_exhaustive.
#![deny(clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod acks;
mod base64;
mod client;
mod deadline;
pub mod engine;
mod error;
mod fault;
mod inbox;
pub mod io;
pub mod json;
mod outgoing;
pub mod packet;
pub mod payload;
mod sending;
pub mod server;
mod sid;
mod step;
mod write;

pub use acks::AckSlot;
pub use client::{Client, ClientConfig, Event, Recovery, TARGET};
pub use error::SendError;
pub use fault::Fault;
pub use inbox::{Attachments, Inbox};
pub use outgoing::Outgoing;
pub use step::{End, Overdue, Step};

/// The README's Rust is compiled.
#[cfg(all(doctest, feature = "embedded-io"))]
#[doc = include_str!("../README.md")]
struct Readme;
