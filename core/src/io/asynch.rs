//! Asynchronous, over [`embedded_io_async::Read`] and [`embedded_io_async::Write`].
//!
//! Every verb may be dropped at any `.await` and called again, if `read`, `write` and `flush` of the stream may be:
//! all progress is in the buffers and in the session. That makes `recv` one arm of a `select`, so that sending never
//! waits for receiving.
//!
//! ```
//! use embedded_io_async::{Read, Write};
//! use microws::io::{Error, asynch::WebSocket};
//! use microws::{Buffer, Config, Event, Session};
//!
//! async fn echo<S: Read + Write>(stream: S) -> Result<(), Error<S::Error>> {
//!     let (mut rx, mut tx) = ([0; 256], [0; 256]);
//!     let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
//!     let config = Config::new();
//!     let mut socket = WebSocket::new(stream, rx, tx, Session::server(&config));
//!     while let Some((event, reply)) = socket.recv().await? {
//!         if let Event::Chunk(c) = event {
//!             reply.send_fragment(c.kind, c.payload, c.fin).await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```

verbs! { embedded_io_async, [async], [.await] }
byte_stream! { embedded_io_async, [async], [.await] }

/// What a future returns that need not wait; `None` if it must, though it was said that it need not.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    use core::task::{Context, Poll, Waker};
    match core::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}
