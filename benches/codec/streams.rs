//! Echo by the libraries that own their stream: it is one in memory, which gives what was received once in
//! each run and takes the echoes.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_websockets::{Config, Limits, ServerBuilder};

use crate::{Echo, Sink};

struct Wire {
    input: Rc<[u8]>,
    read: usize,
    output: Sink,
}

#[derive(Clone)]
struct Memory(Rc<RefCell<Wire>>);

impl Memory {
    fn new(input: Rc<[u8]>) -> Self {
        let read = input.len();
        Self(Rc::new(RefCell::new(Wire { input, read, output: Sink::default() })))
    }

    /// Give the input once more; what `work` writes goes to `sink`.
    fn again(&self, sink: &mut Sink, work: impl FnOnce()) {
        std::mem::swap(sink, &mut self.0.borrow_mut().output);
        self.0.borrow_mut().read = 0;
        work();
        std::mem::swap(sink, &mut self.0.borrow_mut().output);
    }
}

impl io::Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wire = &mut *self.0.borrow_mut();
        let rest = &wire.input[wire.read..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        wire.read += len;
        Ok(len)
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().output.take(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self.0.borrow_mut();
        let rest = &wire.input[wire.read..];
        if rest.is_empty() {
            return Poll::Pending;
        }
        let len = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..len]);
        wire.read += len;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().output.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let output = &mut self.0.borrow_mut().output;
        Poll::Ready(Ok(slices.iter().inspect(|slice| output.take(slice)).map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Poll a server once for each run: it goes on until the stream has no more.
fn driven(memory: Memory, server: impl Future<Output = ()> + 'static) -> Echo {
    let mut server = Box::pin(server);
    Box::new(move |sink| {
        memory.again(sink, || {
            let poll = server.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(poll.is_pending(), "the server has ended");
        });
    })
}

pub(crate) fn fastwebsockets(input: Rc<[u8]>) -> Echo {
    let memory = Memory::new(input);
    let mut socket = FragmentCollector::new(WebSocket::after_handshake(memory.clone(), Role::Server));
    driven(memory, async move {
        loop {
            let frame = socket.read_frame().await.expect("a valid frame");
            assert!(matches!(frame.opcode, OpCode::Text | OpCode::Binary));
            socket.write_frame(frame).await.expect("written");
        }
    })
}

pub(crate) fn tokio_websockets(input: Rc<[u8]>) -> Echo {
    let memory = Memory::new(input);
    let mut socket = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::unlimited())
        .serve(memory.clone());
    driven(memory, async move {
        loop {
            // Flushed when there is no more to answer, not for every message: what serves it best.
            let message = match socket.next().now_or_never() {
                Some(message) => message,
                None => {
                    socket.flush().await.expect("written");
                    socket.next().await
                }
            };
            socket.feed(message.expect("open").expect("a valid frame")).await.expect("written");
        }
    })
}

pub(crate) fn tungstenite(input: Rc<[u8]>) -> Echo {
    let memory = Memory::new(input);
    let mut socket =
        tungstenite::WebSocket::from_raw_socket(memory.clone(), tungstenite::protocol::Role::Server, None);
    Box::new(move |sink| {
        memory.again(sink, || {
            loop {
                match socket.read() {
                    Ok(message) => socket.write(message).expect("written"),
                    Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
            socket.flush().expect("written");
        });
    })
}
