//! The adapters, both roles, every verb.

use core::pin::pin;
use core::task::{Context, Poll, Waker};

use microws::handshake::{client, server};
use microws::io::{asynch, blocking, nonblocking};
use microws::{Buffer, CloseCode, Event, MessageKind, Role};

use super::{field, number, read_into, show};

/// The wire as a stream in each of the styles.
struct Wire;

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

async fn stall() {
    core::future::poll_fn(|_| if number() == 7 { Poll::Pending } else { Poll::Ready(()) }).await;
}

impl nonblocking::Stream for Wire {
    type Error = embedded_io::ErrorKind;

    fn read(&mut self, buf: &mut [u8]) -> nb::Result<usize, Self::Error> {
        if number() == 7 { Err(nb::Error::WouldBlock) } else { Ok(embedded_io::Read::read(self, buf)?) }
    }

    fn write(&mut self, buf: &[u8]) -> nb::Result<usize, Self::Error> {
        if number() == 7 { Err(nb::Error::WouldBlock) } else { Ok(embedded_io::Write::write(self, buf)?) }
    }
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
                let mut request = super::$adapter::Accept::new(Wire, rx, tx, &["chat", "readings"]);
                while let Some(Some(item)) = $call!(request.next()) {
                    match item {
                        server::Item::Start { target, .. } => show(target.path().as_bytes()),
                        server::Item::Field(f) => field(&f),
                        _ => {}
                    }
                }
                if number() == 7 {
                    _ = $call!(request.refuse(number() as u16, &[("Retry-After", "9")], "later"));
                } else if let Some(socket) = $call!(request.accept(&[("Server", "device")])) {
                    converse(socket);
                }
            }

            #[unsafe(no_mangle)]
            extern "C" fn $connect() {
                let (mut rx, mut tx) = ([0; 256], [0; 256]);
                let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
                let request = client::Request { subprotocols: &["chat"], ..client::Request::new("h", "/") };
                let random = |bytes: &mut [u8]| _ = read_into(bytes);
                let mut request = super::$adapter::Connect::new(Wire, rx, tx, request, random);
                while let Some(Some(item)) = $call!(request.next()) {
                    if let client::Item::Field(f) = item {
                        field(&f);
                    }
                }
                if let Some(socket) = $call!(request.connect()) {
                    converse(socket);
                }
            }

            fn converse<R: Role>(socket: super::$adapter::WebSocket<'_, Wire, R>) {
                let mut socket = socket.limits(|c| c.max_message_len(number().into()).whole_up_to(number()));
                while let Some((event, reply)) = $call!(socket.recv()) {
                    let mut bytes = [0; 300];
                    let n = read_into(&mut bytes);
                    let bytes = bytes.get(..n).unwrap_or_default();
                    _ = match event {
                        Event::Chunk(c) => $call!(reply.send_fragment(c.kind, c.payload, c.fin)),
                        Event::Ping(_) => $call!(reply.send(MessageKind::Binary, bytes)),
                        Event::Pong(payload) => $call!(reply.ping(payload)),
                        Event::Close(close) => $call!(reply.close(CloseCode(number() as u16), close.reason())),
                    };
                    if number() == 7 {
                        _ = $call!(reply.flush());
                    }
                }
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
style!(nonblocking, serve_nb, connect_nb, plain);
style!(asynch, serve_async, connect_async, poll);
