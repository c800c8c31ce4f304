//! The adapters, both roles, every verb.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use microws::io::polled::{self, WebSocket};
use microws::io::{Join, asynch, blocking};
use microws::{Buffer, CloseCode, Endpoint, Event, MessageKind, Session, Step};

use super::{line, number, read_into, show, with_config};

/// The wire as a stream in each of the styles.
pub struct Wire;

impl embedded_io::ErrorType for Wire {
    type Error = embedded_io::ErrorKind;
}

impl embedded_io::Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        if number() == 7 { Err(embedded_io::ErrorKind::Other) } else { Ok(read_into(buf)) }
    }
}

impl embedded_io::Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        show(buf);
        if number() == 7 { Err(embedded_io::ErrorKind::Other) } else { Ok(number() as usize) }
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        if number() == 7 { Err(embedded_io::ErrorKind::Other) } else { Ok(()) }
    }
}

impl embedded_io_async::Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        stall().await;
        embedded_io::Read::read(self, buf)
    }
}

impl embedded_io_async::Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        stall().await;
        embedded_io::Write::write(self, buf)
    }

    async fn flush(&mut self) -> Result<(), Self::Error> {
        stall().await;
        embedded_io::Write::flush(self)
    }
}

pub(super) async fn stall() {
    core::future::poll_fn(|_| if number() == 7 { Poll::Pending } else { Poll::Ready(()) }).await;
}

impl polled::Stream for Wire {
    type Error = embedded_io::ErrorKind;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Self::Error> {
        if number() == 7 { Ok(None) } else { embedded_io::Read::read(self, buf).map(Some) }
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Self::Error> {
        if number() == 7 { Ok(None) } else { embedded_io::Write::write(self, buf).map(Some) }
    }

    fn shutdown(&mut self) -> Result<bool, Self::Error> {
        Ok(number() == 7)
    }
}

impl embedded_io::ReadReady for Wire {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(number() == 7)
    }
}

impl embedded_io::WriteReady for Wire {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        Ok(number() == 7)
    }
}

impl embedded_nal::TcpError for Error {
    fn kind(&self) -> embedded_nal::TcpErrorKind {
        embedded_nal::TcpErrorKind::PipeClosed
    }
}

#[derive(Debug)]
pub struct Error;

impl embedded_nal::TcpClientStack for Wire {
    type TcpSocket = ();
    type Error = Error;

    fn socket(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn connect(&mut self, (): &mut (), _: core::net::SocketAddr) -> nb::Result<(), Error> {
        Ok(())
    }

    fn send(&mut self, (): &mut (), buf: &[u8]) -> nb::Result<usize, Error> {
        show(buf);
        if number() == 7 { Err(nb::Error::WouldBlock) } else { Ok(number() as usize) }
    }

    fn receive(&mut self, (): &mut (), buf: &mut [u8]) -> nb::Result<usize, Error> {
        if number() == 7 { Err(nb::Error::Other(Error)) } else { Ok(read_into(buf)) }
    }

    fn close(&mut self, (): ()) -> Result<(), Error> {
        Ok(())
    }
}

/// A reply to each event of an open connection.
macro_rules! converse {
    ($event:expr, $reply:expr, $call:ident) => {{
        let mut bytes = [0; 300];
        let n = read_into(&mut bytes);
        let bytes = bytes.get(..n).unwrap_or_default();
        match $event {
            Event::Chunk(c) => $call!($reply.send_fragment(c.kind, c.payload, c.fin)),
            Event::Ping(_) => $call!($reply.send(MessageKind::Binary, bytes)),
            Event::Pong(payload) => $call!($reply.ping(payload)),
            Event::Close(close) => $call!($reply.close(CloseCode(number() as u16), close.reason())),
            _ => $call!($reply.flush()),
        }
    }};
}

/// The same program in the style of an adapter; `$call` makes a verb's result one of `Option`.
macro_rules! style {
    ($adapter:ident, $serve:ident, $connect:ident, $call:ident) => {
        mod $serve {
            use super::*;

            #[unsafe(no_mangle)]
            extern "C" fn $serve() {
                let (mut rx, mut tx) = ([0; 256], [0; 256]);
                let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
                _ = with_config(|config| {
                    let wire = Join { reader: Wire, writer: Wire };
                    let mut socket = super::$adapter::WebSocket::new(wire, rx, tx, Session::server(config))
                        .half_close(|_| show(b"half-close"));
                    _ = socket.tick(number());
                    while let Some(Some((event, reply))) = $call!(socket.recv()) {
                        line(&event);
                        _ = match (event, number()) {
                            (Event::HeadEnd, 7) => $call!(reply.accept(&[("Server", "device")])),
                            (Event::HeadEnd, 8) => {
                                $call!(reply.respond(number() as u16, &[("Retry-After", "9")], "later"))
                            }
                            (event, _) => converse!(event, reply, $call),
                        };
                        _ = socket.tick(number());
                    }
                });
            }

            #[unsafe(no_mangle)]
            extern "C" fn $connect() {
                let (mut rx, mut tx) = ([0; 256], [0; 256]);
                let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
                _ = with_config(|config| {
                    let random = |bytes: &mut [u8]| _ = read_into(bytes);
                    let mut socket =
                        super::$adapter::WebSocket::new(Wire, rx, tx, Session::client(config, random));
                    _ = $call!(socket.open());
                    while let Some(Some((event, reply))) = $call!(socket.recv()) {
                        line(&event);
                        _ = converse!(event, reply, $call);
                        _ = socket.tick(number());
                    }
                });
            }
        }
    };
}

macro_rules! plain {
    ($verb:expr) => {
        $verb.ok()
    };
}

macro_rules! poll {
    ($verb:expr) => {{
        let mut future = pin!($verb);
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                break done.ok();
            }
        }
    }};
}

style!(blocking, serve_blocking, connect_blocking, plain);
style!(asynch, serve_async, connect_async, poll);

#[unsafe(no_mangle)]
extern "C" fn serve_polled() {
    let (mut rx, mut tx) = ([0; 256], [0; 270]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    _ = with_config(|config| polled(WebSocket::new(rx, tx, Session::server(config))));
}

#[unsafe(no_mangle)]
extern "C" fn connect_polled() {
    let (mut rx, mut tx) = ([0; 256], [0; 270]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    let random = |bytes: &mut [u8]| _ = read_into(bytes);
    _ = with_config(|config| polled(WebSocket::new(rx, tx, Session::client(config, random))));
}

/// Over each kind of stream that can be polled.
fn polled<R: Endpoint>(mut socket: WebSocket<'_, R>) {
    while poll(&mut socket, &mut Wire) {}
    while poll(&mut socket, &mut &mut Wire) {}
    while poll(&mut socket, &mut (&mut Wire, &mut ())) {}
}

/// Whether it goes on.
fn poll<R: Endpoint, S: polled::Stream>(socket: &mut WebSocket<'_, R>, stream: &mut S) -> bool {
    match socket.poll(stream, number()) {
        Ok(Step::Event((event, reply))) => {
            line(&event);
            _ = match event {
                Event::Chunk(c) => reply.send_fragment(c.kind, c.payload, c.fin).ok(),
                Event::Ping(payload) => reply.send(MessageKind::Binary, payload).ok(),
                Event::Pong(payload) => reply.ping(payload).ok(),
                Event::Close(close) => reply.close(CloseCode(number() as u16), close.reason()).ok(),
                _ => None,
            };
            true
        }
        Ok(Step::End(_)) | Err(_) => false,
        Ok(_) => {
            show(&socket.wait().unwrap_or_default().to_be_bytes());
            socket.flush(stream).is_ok()
        }
    }
}
