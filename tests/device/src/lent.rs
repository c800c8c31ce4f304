//! The polled network, lent to futures: for clients of other hands that only know streams to be awaited.
//!
//! There is one future at a time and no waker: after each interrupt, and when the time has come that one of its parts
//! sleeps until, it is asked again.

use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_futures::select::{Either, select};
use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use microws::io::polled::Stream;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};

use crate::net::Net;
use crate::tcp::Tcp;

pub struct Lent<'n, 's>(RefCell<Inner<'n, 's>>);

struct Inner<'n, 's> {
    net: &'n mut Net,
    sockets: &'n mut SocketSet<'s>,
    /// When the future is to be asked again, even if nothing happens.
    deadline: Option<Instant>,
}

impl<'n, 's> Lent<'n, 's> {
    pub fn new(net: &'n mut Net, sockets: &'n mut SocketSet<'s>) -> Self {
        Self(RefCell::new(Inner { net, sockets, deadline: None }))
    }

    /// Runs the future to its end; the network goes on meanwhile.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            {
                let Inner { net, sockets, deadline } = &mut *self.0.borrow_mut();
                net.poll(sockets);
                *deadline = None;
            }
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            // It does not sleep while there is something to send.
            let Inner { net, sockets, deadline } = &mut *self.0.borrow_mut();
            net.wait(sockets, *deadline);
        }
    }

    pub fn now(&self) -> Instant {
        self.0.borrow_mut().net.clock.now()
    }

    pub async fn sleep_until(&self, time: Instant) {
        poll_fn(|_| {
            let inner = &mut *self.0.borrow_mut();
            if inner.net.clock.now() >= time {
                return Poll::Ready(());
            }
            inner.deadline = Some(inner.deadline.map_or(time, |deadline| deadline.min(time)));
            Poll::Pending
        })
        .await;
    }

    pub async fn sleep(&self, milliseconds: u32) {
        self.sleep_until(self.now() + Duration::from_millis(milliseconds.into())).await;
    }

    /// What the future returns, if it does so within that time.
    pub async fn within<F: Future>(&self, milliseconds: u32, future: F) -> Option<F::Output> {
        match select(future, self.sleep(milliseconds)).await {
            Either::First(output) => Some(output),
            Either::Second(()) => None,
        }
    }

    /// Asks the socket again and again, until it says something else than `None`.
    async fn socket<T>(&self, handle: SocketHandle, mut ask: impl FnMut(&mut Tcp<'_, 's>) -> Option<T>) -> T {
        poll_fn(|_| {
            let inner = &mut *self.0.borrow_mut();
            let socket = inner.sockets.get_mut::<tcp::Socket<'s>>(handle);
            ask(&mut Tcp(socket)).map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// A TCP connection on the lent network.
pub struct TcpStream<'l, 'n, 's> {
    lent: &'l Lent<'n, 's>,
    handle: SocketHandle,
}

impl<'l, 'n, 's> TcpStream<'l, 'n, 's> {
    /// One that is connected.
    pub const fn new(lent: &'l Lent<'n, 's>, handle: SocketHandle) -> Self {
        Self { lent, handle }
    }

    /// Ends our direction; the peer's is still read.
    pub fn half_close(&mut self) {
        self.lent.0.borrow_mut().sockets.get_mut::<tcp::Socket<'_>>(self.handle).close();
    }
}

impl ErrorType for TcpStream<'_, '_, '_> {
    type Error = ErrorKind;
}

impl Read for TcpStream<'_, '_, '_> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let read = |socket: &mut Tcp<'_, '_>| socket.read(buf).transpose();
        self.lent.socket(self.handle, read).await.map_err(|_| ErrorKind::ConnectionReset)
    }
}

impl Write for TcpStream<'_, '_, '_> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let write = |socket: &mut Tcp<'_, '_>| socket.write(buf).transpose();
        self.lent.socket(self.handle, write).await.map_err(|_| ErrorKind::ConnectionReset)
    }

    /// What was written goes out whenever the future waits.
    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
