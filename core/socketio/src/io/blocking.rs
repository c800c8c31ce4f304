//! Blocking, over [`embedded_io::Read`] and [`embedded_io::Write`].
//!
//! ```
//! use embedded_io::{Read, Write};
//! use microws::{Buffer, Config, Session, io::blocking::WebSocket};
//! use microws_socketio::io::{Error, blocking::Socket};
//! use microws_socketio::{Client, ClientConfig, Event, Inbox, TARGET};
//!
//! fn run<S: Read + Write>(stream: S, random: fn(&mut [u8])) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx, mut inbox) = ([0; 256], [0; 256], [0; 512]);
//!     let (config, namespace) = (Config::new().request("example.org", TARGET), ClientConfig::new());
//!     let session = Session::client(&config, random);
//!     let socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
//!     let mut socket = Socket::new(socket, Client::new(&namespace), Inbox::new(&mut inbox));
//!     socket.open()?;
//!     socket.sender().emit("hello", r#""world""#)?;
//!     while let Some((event, sender)) = socket.recv()? {
//!         if let Event::Event { name: b"time", ack: Some(id), .. } = event {
//!             sender.ack(id, "1700000000")?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Without a clock there are no deadlines: with a read timeout on the stream, call `tick` between two `recv`.

verbs! { embedded_io, blocking, [], [] }
