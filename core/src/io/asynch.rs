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

use crate::connection::role::Client;
use crate::step::Overdue;

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

impl<S: Read + Write, F: FnMut(&mut [u8])> WebSocket<'_, S, Client<F>> {
    /// [`open`](Self::open) within [`Timeouts::handshake`](crate::Timeouts::handshake); `sleep` makes a future that is
    /// ready after so many milliseconds. `head` gets the server's answer line by line, status first; of an answer other
    /// than 101 a [`Refusal`](crate::handshake::Refusal) keeps what the next attempt needs.
    ///
    /// # Errors
    /// As [`recv`](Self::recv); [`Overdue`](End::Overdue) after that time.
    pub async fn open_with<T: Future<Output = ()>>(
        &mut self,
        sleep: impl FnOnce(u32) -> T,
        mut head: impl FnMut(Event<'_>),
    ) -> Result<(), Error<S::Error>> {
        let timeout = self.sender.session.handshake_timeout();
        let opened = async {
            loop {
                match self.recv().await? {
                    Some((Event::Open, _)) | None => return Ok(()),
                    Some((event, _)) => head(event),
                }
            }
        };
        let timer = (timeout > 0).then(|| sleep(timeout));
        within(opened, timer).await.unwrap_or(Err(Error::End(End::Overdue(Overdue::Handshake))))
    }
}

/// What `future` returns, or `None` if `timer` is ready first.
pub(super) async fn within<F: Future>(
    future: F,
    timer: Option<impl Future<Output = ()>>,
) -> Option<F::Output> {
    use core::pin::pin;
    use core::task::Poll;
    let (mut future, mut timer) = (pin!(future), pin!(timer));
    core::future::poll_fn(|context| {
        if let Poll::Ready(done) = future.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        match timer.as_mut().as_pin_mut().map(|timer| timer.poll(context)) {
            Some(Poll::Ready(())) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    })
    .await
}
