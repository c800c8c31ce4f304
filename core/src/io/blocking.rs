//! Blocking, over [`embedded_io::Read`] and [`embedded_io::Write`].
//!
//! ```
//! use embedded_io::{Read, Write};
//! use microws::io::{Error, blocking::WebSocket};
//! use microws::{Buffer, Config, Event, Session};
//!
//! fn echo<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx) = ([0; 256], [0; 256]);
//!     let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
//!     let config = Config::new();
//!     let mut socket = WebSocket::new(stream, rx, tx, Session::server(&config));
//!     while let Some((event, reply)) = socket.recv()? {
//!         if let Event::Chunk(c) = event {
//!             reply.send_fragment(c.kind, c.payload, c.fin)?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A program that looks at the request before it is answered:
//!
//! ```
//! # use embedded_io::{Read, Write};
//! # use microws::io::{Error, blocking::WebSocket};
//! # use microws::{Event, Server};
//! # fn serve<S: Read + Write>(socket: &mut WebSocket<'_, S, Server>) -> Result<(), Error<S::Error>> {
//! let (mut found, mut known) = (false, false);
//! while let Some((event, reply)) = socket.recv()? {
//!     match event {
//!         Event::Request(line) => found = line.path() == "/chat",
//!         Event::Field(field) if field.is("Authorization") => known = field.value() == b"Bearer 7",
//!         Event::HeadEnd if !found => reply.respond(404, &[], "only /chat is here\n")?,
//!         Event::HeadEnd if !known => reply.respond(401, &[("WWW-Authenticate", "Bearer")], "")?,
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use crate::connection::role::Client;

verbs! { embedded_io, [], [] }
byte_stream! { embedded_io, [], [] }

/// What a call returned that did not wait.
const fn at_once<T>(done: T) -> Option<T> {
    Some(done)
}

impl<S: Read + Write, F: FnMut(&mut [u8])> WebSocket<'_, S, Client<F>> {
    /// [`open`](Self::open) within [`Timeouts::handshake`](crate::Timeouts::handshake), for a stream whose reads and writes
    /// time out now and then: `now` is in milliseconds, as for [`tick`](Self::tick). `head` gets the server's answer line
    /// by line, status first; of an answer other than 101 a [`Refusal`](crate::handshake::Refusal) keeps what the next
    /// attempt needs.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), without a timeout of the stream; [`Overdue`](End::Overdue) after that time.
    pub fn open_with(
        &mut self,
        mut now: impl FnMut() -> u32,
        mut head: impl FnMut(Event<'_>),
    ) -> Result<(), Error<S::Error>> {
        loop {
            let _ = self.tick(now());
            match self.recv() {
                Ok(Some((Event::Open, _)) | None) => return Ok(()),
                Ok(Some((event, _))) => head(event),
                Err(error) if passes(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
