//! Asynchronous, over [`embedded_io_async::Read`] and [`embedded_io_async::Write`].
//!
//! Every verb may be dropped at any `.await` and called again, as those of [`microws::io::asynch`].
//!
//! ```
//! use embedded_io_async::{Read, Write};
//! use microws::{Buffer, Config, Session, io::asynch::WebSocket};
//! use microws_socketio::io::{Error, asynch::Socket};
//! use microws_socketio::{Client, ClientConfig, Event, Inbox, TARGET};
//!
//! async fn run<S: Read + Write>(stream: S, random: fn(&mut [u8])) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx, mut inbox) = ([0; 256], [0; 256], [0; 512]);
//!     let (config, namespace) = (Config::new().request("example.org", TARGET), ClientConfig::new());
//!     let session = Session::client(&config, random);
//!     let socket = WebSocket::new(stream, Buffer::new(&mut rx), Buffer::new(&mut tx), session);
//!     let mut socket = Socket::new(socket, Client::new(&namespace), Inbox::new(&mut inbox));
//!     socket.open().await?;
//!     socket.sender().emit("hello", r#""world""#).await?;
//!     while let Some((event, sender)) = socket.recv().await? {
//!         if let Event::Event { name: b"time", ack: Some(id), .. } = event {
//!             sender.ack(id, "1700000000").await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```

verbs! { embedded_io_async, asynch, [async], [.await] }
