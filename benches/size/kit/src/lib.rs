//! A function is a program that `run` links alone. They come in pairs: the same job without and with a part of the kit.
#![no_std]

use core::future::Future;
use core::net::{IpAddr, SocketAddr};
use core::panic::PanicInfo;
use core::pin::pin;
use core::ptr;
use core::task::{Context, Poll, Waker};

use embedded_io::ErrorKind;
use embedded_nal_async::{AddrType, Dns, TcpConnect};
use microws::handshake::Refusal;
use microws::http::Url;
use microws::io::dial::Dialer;
use microws::io::{asynch, blocking};
use microws::{
    Backoff, Buffer, Client, Config, Event, Message, MessageKind, Prepared, Server, Session, Upgraded, Whole,
};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// A device that bytes come from and go to: the optimizer can't know them.
const WIRE: *mut u8 = ptr::without_provenance_mut(0x4000_0000);

#[inline(never)]
fn receive(to: &mut [u8]) -> usize {
    for byte in to {
        // SAFETY: never run.
        *byte = unsafe { ptr::read_volatile(WIRE) };
    }
    // SAFETY: never run.
    unsafe { ptr::read_volatile(WIRE.cast::<usize>()) }
}

#[inline(never)]
fn send(bytes: &[u8]) -> usize {
    for byte in bytes {
        // SAFETY: never run.
        unsafe { ptr::write_volatile(WIRE, *byte) };
    }
    bytes.len()
}

fn random(bytes: &mut [u8]) {
    receive(bytes);
}

async fn sleep(milliseconds: u32) {
    send(&milliseconds.to_be_bytes());
}

/// The wire as a stream, and as the stack that makes it.
pub struct Wire;

impl embedded_io::ErrorType for Wire {
    type Error = ErrorKind;
}

impl embedded_io::Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(receive(buf))
    }
}

impl embedded_io::Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        Ok(send(buf))
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl embedded_io_async::Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        Ok(receive(buf))
    }
}

impl embedded_io_async::Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        Ok(send(buf))
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl TcpConnect for Wire {
    type Error = ErrorKind;
    type Connection<'a> = Wire;

    async fn connect(&self, remote: SocketAddr) -> Result<Wire, ErrorKind> {
        send(&remote.port().to_be_bytes());
        Ok(Wire)
    }
}

impl Dns for Wire {
    type Error = ();

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, ()> {
        send(host.as_bytes());
        Ok(IpAddr::V4(9.into()))
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, ()> {
        Err(())
    }
}

const URL: Url<'_> = match Url::parse("ws://example.org/chat?room=7") {
    Ok(url) => url,
    Err(_) => panic!("no address"),
};
static CONFIG: Config<'_> = Config::new().url(URL);

type Random = fn(&mut [u8]);

/// Defines a program; `rx` and `tx` are its buffers.
macro_rules! program {
    ($name:ident, |$rx:ident, $tx:ident| $body:block) => {
        #[unsafe(no_mangle)]
        extern "C" fn $name() {
            let (mut a, mut b) = ([0; 256], [0; 256]);
            let ($rx, $tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
            #[allow(unused_mut, reason = "some change nothing outside")]
            let mut run = || -> Option<()> { $body };
            let _ = run();
        }
    };
}

fn client<'a>(rx: Buffer<'a>, tx: Buffer<'a>) -> Option<blocking::WebSocket<'a, Wire, Client<Random>>> {
    let mut socket = blocking::WebSocket::new(Wire, rx, tx, Session::client(&CONFIG, random as Random));
    socket.open().ok()?;
    Some(socket)
}

program!(client_echo, |rx, tx| {
    let mut socket = client(rx, tx)?;
    while let Some((event, reply)) = socket.recv().ok()? {
        if let Event::Chunk(c) = event {
            reply.send_binary(c.payload).ok()?;
            reply.flush().ok()?;
        }
    }
    None
});

program!(client_deadlines, |rx, tx| {
    let mut socket = client(rx, tx)?;
    loop {
        let _ = socket.tick(receive(&mut []) as u32);
        let (event, reply) = socket.recv().ok()??;
        if let Event::Chunk(c) = event {
            reply.send_binary(c.payload).ok()?;
            reply.flush().ok()?;
        }
    }
});

program!(client_messages, |rx, tx| {
    let mut socket = client(rx, tx)?;
    let mut message = Message::<64>::new();
    while let Some(whole) = socket.recv_message(&mut message).ok()? {
        if let Whole::Binary(bytes) = whole {
            socket.sender().send_binary(bytes).ok()?;
            socket.sender().flush().ok()?;
        }
    }
    None
});

program!(client_bytes, |rx, tx| {
    use embedded_io::{Read, Write};
    let mut stream = blocking::ByteStream::new(client(rx, tx)?);
    let mut buf = [0; 64];
    loop {
        let n = stream.read(&mut buf).ok().filter(|n| *n > 0)?;
        stream.write(buf.get(..n)?).ok()?;
        stream.flush().ok()?;
    }
});

/// A server that answers `/` and echoes otherwise.
macro_rules! server {
    ($name:ident, $verb:ident, $content:expr) => {
        program!($name, |rx, tx| {
            let mut socket = blocking::WebSocket::new(Wire, rx, tx, Session::<Server>::server(&CONFIG));
            let mut page = false;
            while let Some((event, reply)) = socket.recv().ok()? {
                match event {
                    Event::Request(line) => page = line.path() == "/",
                    Event::HeadEnd if page => {
                        reply.$verb(200, &[("Content-Type", "text/html")], $content).ok()?
                    }
                    Event::Chunk(c) => reply.send_fragment(c.kind, c.payload, c.fin).ok()?,
                    _ => {}
                }
            }
            None
        });
    };
}

server!(server_short, respond_and_stay, "hello");
server!(server_page, respond_content, b"hello");

fn viewer<'a>(rx: Buffer<'a>, tx: Buffer<'a>) -> blocking::WebSocket<'a, Wire, Upgraded<Server>> {
    blocking::WebSocket::new(Wire, rx, tx, Session::upgraded(&CONFIG, Server))
}

program!(viewers_each, |rx, tx| {
    let mut socket = viewer(rx, tx);
    let mut bytes = [0; 64];
    while socket.recv().ok()?.is_some() {
        let n = receive(&mut bytes);
        socket.sender().send(MessageKind::Text, bytes.get(..n)?).ok()?;
    }
    None
});

program!(viewers_prepared, |rx, tx| {
    let mut socket = viewer(rx, tx);
    let mut bytes = [0; 64];
    while socket.recv().ok()?.is_some() {
        socket.sender().send_prepared(&Prepared::with(&mut bytes, MessageKind::Text, receive)?).ok()?;
    }
    None
});

async fn work(mut socket: asynch::WebSocket<'_, Wire, Client<Random>>) -> Option<()> {
    while let Some((event, reply)) = socket.recv().await.ok()? {
        if let Event::Chunk(c) = event {
            reply.send_binary(c.payload).await.ok()?;
        }
    }
    None
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

program!(async_open, |rx, tx| {
    block_on(async {
        let mut socket = asynch::WebSocket::new(Wire, rx, tx, Session::client(&CONFIG, random as Random));
        socket.open().await.ok()?;
        work(socket).await
    })
});

program!(async_dial, |rx, tx| {
    block_on(async {
        let session = Session::client(&CONFIG, random as Random);
        let mut refusal = Refusal::<64>::new();
        let dialer = Dialer::new(&Wire, &Wire, sleep);
        match dialer.dial(URL, rx, tx, session, |event| refusal.note(&event)).await {
            Ok(socket) => work(socket).await,
            Err(_) => refusal.retry_after().map(|seconds| _ = send(&seconds.to_be_bytes())),
        }
    })
});

/// A text that is known at run time only.
fn text(bytes: &mut [u8; 64]) -> Option<&str> {
    let n = receive(bytes);
    core::str::from_utf8(bytes.get(..n)?).ok()
}

program!(url_without, |_rx, _tx| {
    let mut bytes = [0; 64];
    send(text(&mut bytes)?.as_bytes());
    None
});

program!(url_with, |_rx, _tx| {
    let mut bytes = [0; 64];
    let url = Url::parse(text(&mut bytes)?).ok()?;
    send(url.host().as_bytes());
    send(url.authority().as_bytes());
    send(url.target().as_bytes());
    send(&url.port().to_be_bytes());
    None
});

program!(fixed_wait, |_rx, _tx| {
    let mut bytes = [0; 4];
    loop {
        receive(&mut bytes);
        send(&bytes);
    }
});

program!(backoff, |_rx, _tx| {
    let mut backoff = Backoff::new(500, 60_000);
    let mut bytes = [0; 4];
    loop {
        receive(&mut bytes);
        send(&backoff.next(u32::from_le_bytes(bytes)).to_be_bytes());
    }
});
