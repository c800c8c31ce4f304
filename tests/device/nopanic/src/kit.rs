//! What programs write around a WebSocket: addresses, waits, pages, messages for many, whole messages, byte streams, and
//! the way from an address to an open connection.

use core::net::{IpAddr, SocketAddr};
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_nal_async::{AddrType, Dns, TcpConnect};
use microws::handshake::Refusal;
use microws::http::Url;
use microws::io::dial::Dialer;
use microws::io::{asynch, blocking, polled};
use microws::{Backoff, Buffer, Config, Event, Message, MessageKind, Prepared, Session, Step, Whole};

use super::adapters::{Wire, stall};
use super::{number, read, read_into, show, with_config, write};

/// An address and everything that it is asked for.
fn with_url(run: impl FnOnce(Url<'_>)) -> Option<()> {
    let mut text = [0; 64];
    let n = read_into(&mut text);
    let url = Url::parse(core::str::from_utf8(text.get(..n)?).ok()?).ok()?;
    show(url.host().as_bytes());
    show(&[u8::from(url.is_secure()), url.port() as u8]);
    run(url);
    Some(())
}

#[unsafe(no_mangle)]
extern "C" fn kit_session() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    let mut backoff = Backoff::new(number(), number());
    show(&backoff.next_after(number(), number()).to_be_bytes());
    _ = with_url(|url| {
        let config = Config::new().url(url);
        let mut session = Session::client(&config, |bytes: &mut [u8]| _ = read_into(bytes));
        let mut refusal = Refusal::<16>::new();
        while let Step::Event(event) = session.receive(&mut rx, &mut tx) {
            refusal.note(&event);
        }
        show(refusal.location().unwrap_or_default().as_bytes());
        show(&refusal.retry_after().unwrap_or_default().to_be_bytes());
    });
    let mut storage = [0; 200];
    let prepared = Prepared::with(&mut storage, MessageKind::Binary, |room| read_into(room));
    let mut content = [0; 300];
    let n = read_into(&mut content);
    let content = content.get(..n).unwrap_or_default();
    _ = with_config(|config| {
        let mut session = Session::server(config);
        let mut message = Message::<32>::new();
        loop {
            match session.receive(&mut rx, &mut tx) {
                Step::Event(Event::HeadEnd | Event::ContentDue) => {
                    _ = session.respond_content(&mut tx, number() as u16, &[("A", "b")], content);
                }
                Step::Event(Event::Open) => break,
                Step::Event(_) | Step::Shutdown => {}
                Step::Read => {
                    write(&mut tx);
                    read(&mut rx);
                    session.commit(&mut rx, number() as usize);
                }
                Step::Write => write(&mut tx),
                Step::End(_) => return,
            }
        }
        loop {
            match session.receive_message(&mut rx, &mut tx, &mut message) {
                Step::Event(whole) => told(whole),
                Step::End(_) => return,
                _ => write(&mut tx),
            }
            if let Some(prepared) = &prepared {
                _ = session.send_prepared(&mut tx, prepared);
            }
            _ = session.close_normal(&mut tx);
        }
    });
}

/// Something of a message.
fn told(whole: Whole<'_>) {
    match whole {
        Whole::Text(text) => show(text.as_bytes()),
        Whole::Binary(bytes) => show(bytes),
        _ => {}
    }
}

/// The same program in the style of an adapter; `$call` makes a verb's result one of `Option`.
macro_rules! style {
    ($adapter:ident, $io:ident, $stream:ident, $whole:ident, $open:expr, $call:ident) => {
        #[unsafe(no_mangle)]
        extern "C" fn $stream() {
            let (mut rx, mut tx) = ([0; 256], [0; 256]);
            let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
            _ = with_config(|config| {
                let random = |bytes: &mut [u8]| _ = read_into(bytes);
                let mut socket = $adapter::WebSocket::new(Wire, rx, tx, Session::client(config, random));
                let mut refusal = Refusal::<16>::new();
                _ = $call!(socket.open_with($open, |event| refusal.note(&event)));
                show(refusal.location().unwrap_or_default().as_bytes());
                let mut stream = $adapter::ByteStream::new(socket);
                let mut bytes = [0; 300];
                while number() != 7 {
                    let n = $call!($io::Read::read(&mut stream, &mut bytes)).unwrap_or_default();
                    let read = bytes.get(..n).unwrap_or_default();
                    show(read);
                    _ = $call!($io::Write::write(&mut stream, read));
                    _ = $call!($io::Write::flush(&mut stream));
                    show(&[u8::from($io::ReadReady::read_ready(&mut stream).unwrap_or_default())]);
                    _ = stream.tick(number());
                }
                _ = $call!(stream.close());
            });
        }

        #[unsafe(no_mangle)]
        extern "C" fn $whole() {
            let (mut rx, mut tx) = ([0; 256], [0; 256]);
            let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
            let mut content = [0; 300];
            let n = read_into(&mut content);
            let content = content.get(..n).unwrap_or_default();
            let mut storage = [0; 300];
            let prepared = Prepared::new(&mut storage, MessageKind::Text, content);
            _ = with_config(|config| {
                let mut socket = $adapter::WebSocket::new(Wire, rx, tx, Session::server(config));
                while let Some(Some((event, reply))) = $call!(socket.recv()) {
                    match event {
                        Event::HeadEnd if number() == 7 => {
                            _ = $call!(reply.respond_content(number() as u16, &[], content));
                        }
                        Event::Open => break,
                        _ => {}
                    }
                }
                let mut message = Message::<32>::new();
                while let Some(Some(whole)) = $call!(socket.recv_message(&mut message)) {
                    told(whole);
                    if let Some(prepared) = &prepared {
                        _ = $call!(socket.sender().send_prepared(prepared));
                    }
                }
                _ = $call!(socket.close());
            });
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

style!(blocking, embedded_io, stream_blocking, whole_blocking, number, plain);
style!(asynch, embedded_io_async, stream_async, whole_async, sleep, poll);

async fn sleep(_: u32) {
    stall().await;
}

#[unsafe(no_mangle)]
extern "C" fn whole_polled() {
    let (mut rx, mut tx) = ([0; 256], [0; 270]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    _ = with_config(|config| {
        let mut socket = polled::WebSocket::new(rx, tx, Session::server(config));
        let mut message = Message::<32>::new();
        while let Ok(step) = socket.poll_message(&mut Wire, number(), &mut message) {
            match step {
                Step::Event(whole) => told(whole),
                Step::End(_) => return,
                _ => _ = socket.close(),
            }
        }
    });
}

impl TcpConnect for Wire {
    type Error = embedded_io::ErrorKind;
    type Connection<'a> = Wire;

    async fn connect(&self, _: SocketAddr) -> Result<Wire, Self::Error> {
        stall().await;
        if number() == 7 { Err(embedded_io::ErrorKind::Other) } else { Ok(Wire) }
    }
}

impl Dns for Wire {
    type Error = ();

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, ()> {
        show(host.as_bytes());
        stall().await;
        Ok(IpAddr::V4(number().into()))
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, ()> {
        Err(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn dial_async() {
    let (mut rx, mut tx) = ([0; 256], [0; 256]);
    let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
    _ = with_url(|url| {
        let config = Config::new().url(url);
        let session = Session::client(&config, |bytes: &mut [u8]| _ = read_into(bytes));
        let mut dialer = Dialer::new(&Wire, &Wire, sleep);
        dialer.connect_within = number();
        let mut refusal = Refusal::<16>::new();
        if poll!(dialer.dial(url, rx, tx, session, |event| refusal.note(&event))).is_none() {
            show(&refusal.status().to_be_bytes());
        }
    });
}
