//! The paths that bytes from the network take through the core, both roles, as functions that a linker can start
//! from. Whatever they reach that can panic reaches [`panic_is_reachable`], which exists nowhere: no link.
#![no_std]

mod adapters;
mod deflate;
mod kit;
mod session;
mod socketio;

use core::panic::PanicInfo;
use core::ptr;

use microws::handshake::{ClientHandshake, ServerHandshake, reject};
use microws::http::{Field, respond};
use microws::{
    Buffer, CloseCode, Config, Connection, End, Event, HandshakeError, Message, Role, Step, Whole,
};

unsafe extern "C" {
    fn panic_is_reachable() -> !;
}

/// A device that bytes come from and go to: the optimizer can't know them.
const WIRE: *mut u8 = ptr::without_provenance_mut(0x4000_0000);

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: never linked.
    unsafe { panic_is_reachable() }
}

/// The result may be any number.
fn read_into(bytes: &mut [u8]) -> usize {
    for byte in bytes {
        // SAFETY: never run.
        *byte = unsafe { ptr::read_volatile(WIRE) };
    }
    // SAFETY: never run.
    unsafe { ptr::read_volatile(WIRE.cast::<usize>()) }
}

fn read(rx: &mut Buffer<'_>) {
    let n = read_into(rx.spare());
    rx.commit(n);
}

fn write(tx: &mut Buffer<'_>) {
    show(tx.filled());
    tx.consume(tx.len());
}

/// Somebody looks at the bytes, so that they must be there.
fn show(bytes: &[u8]) {
    for byte in bytes {
        // SAFETY: never run.
        unsafe { ptr::write_volatile(WIRE, *byte) };
    }
}

fn number() -> u32 {
    let mut bytes = [0; 4];
    read_into(&mut bytes);
    u32::from_le_bytes(bytes)
}

/// Looks at everything that a line of a head can be asked for.
fn line(event: &Event<'_>) {
    match event {
        Event::Request(line) => {
            show(line.method().as_bytes());
            show(line.path().as_bytes());
            show(line.query().unwrap_or_default().as_bytes());
        }
        Event::Status(line) => {
            show(&line.status().to_be_bytes());
            show(line.reason());
        }
        Event::Field(f) => field(f),
        Event::LongField(name) => show(name),
        _ => {}
    }
}

fn field(field: &Field<'_>) {
    show(field.name());
    show(field.text().unwrap_or_default().as_bytes());
    for element in field.elements() {
        show(element);
    }
    if field.is("Cookie") || field.lists("deflate") {
        show(field.value());
    }
}

/// Gives `run` a configuration that the optimizer can't know.
fn with_config<T>(run: impl FnOnce(&Config<'_>) -> T) -> Option<T> {
    let mut host = [0; 32];
    let n = read_into(&mut host);
    let host = core::str::from_utf8(host.get(..n)?).ok()?;
    let fields = [("Authorization", host)];
    let config = Config::new()
        .request(host, host)
        .origin(host)
        .subprotocols(&["chat", "readings"])
        .fields(&fields)
        .max_head(number(), number() as u16)
        .max_body_len(number().into())
        .max_message_len(number().into())
        .max_fragments(number())
        .whole_up_to(number());
    Some(run(&config))
}

fn server_handshake(config: &Config<'_>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> bool {
    server_handshake_with(&mut ServerHandshake::new(config), rx, tx)
}

fn server_handshake_with(
    handshake: &mut ServerHandshake<'_>,
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
) -> bool {
    let checked = loop {
        match handshake.receive(rx) {
            Ok(None) => read(rx),
            Ok(Some(Event::HeadEnd)) => break handshake.check(),
            Ok(Some(event)) => line(&event),
            Err(error) => break Err(error),
        }
    };
    match checked {
        Ok(()) => handshake.accept(tx, &[("Server", "device")]).is_ok(),
        Err(HandshakeError::NoUpgrade) => {
            _ = respond(tx, 200, &[("Content-Type", "text/plain")], "hello");
            false
        }
        Err(error) => {
            _ = reject(tx, error);
            false
        }
    }
}

fn client_handshake(config: &Config<'_>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Option<()> {
    let mut nonce = [0; 16];
    read_into(&mut nonce);
    client_handshake_with(&mut ClientHandshake::new(config, nonce), rx, tx)
}

fn client_handshake_with(
    handshake: &mut ClientHandshake<'_>,
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
) -> Option<()> {
    while !handshake.send(tx).ok()? {
        write(tx);
    }
    loop {
        match handshake.receive(rx).ok()? {
            None => read(rx),
            Some(Event::HeadEnd) => break,
            Some(event) => line(&event),
        }
    }
    show(handshake.subprotocol().unwrap_or_default().as_bytes());
    handshake.check().ok()
}

/// Every verb of an open connection, as the network decides.
fn converse<R: Role>(connection: Connection<R>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) {
    let mut connection =
        connection.max_message_len(number().into()).max_fragments(number()).whole_up_to(number());
    let mut message = Message::<64>::new();
    loop {
        match connection.receive(rx, tx) {
            Step::Event(Event::Chunk(chunk)) => {
                let sent = match number() % 4 {
                    0 => connection.send(tx, chunk.kind, chunk.payload),
                    1 => connection
                        .send_with(tx, chunk.kind, chunk.fin, |space| read_into(space))
                        .map(|n| show(&n.to_be_bytes())),
                    2 => connection.pong(tx, chunk.payload),
                    _ => connection.send_fragment(tx, chunk.kind, chunk.payload, chunk.fin),
                };
                if sent.is_err() {
                    write(tx);
                }
                match message.push(&chunk) {
                    Some(Whole::Text(text)) => show(text.as_bytes()),
                    Some(Whole::Binary(bytes)) => show(bytes),
                    Some(Whole::TooLong { len, .. }) => show(&len.to_be_bytes()),
                    _ => {}
                }
            }
            Step::Event(Event::Ping(payload) | Event::Pong(payload)) => {
                show(payload);
                let reason = core::str::from_utf8(payload).unwrap_or_default();
                _ = connection.close(tx, CloseCode(number() as u16), reason);
            }
            Step::Event(Event::Close(close)) => {
                show(close.reason().as_bytes());
                show(close.code.meaning().as_bytes());
            }
            Step::Event(_) | Step::Shutdown => {}
            Step::Read => read(rx),
            Step::Write => write(tx),
            Step::End(End::Failed(error)) => {
                show(&error.close_code().0.to_be_bytes());
                return;
            }
            Step::End(_) => return,
        }
    }
}

/// A server by hand, from a connection's first byte to its last.
#[unsafe(no_mangle)]
extern "C" fn serve() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    if with_config(|config| server_handshake(config, &mut rx, &mut tx)) == Some(true) {
        converse(Connection::server(), &mut rx, &mut tx);
    }
    write(&mut tx);
}

/// A client by hand.
#[unsafe(no_mangle)]
extern "C" fn connect() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    if let Some(Some(())) = with_config(|config| client_handshake(config, &mut rx, &mut tx)) {
        converse(Connection::client(|bytes: &mut [u8]| _ = read_into(bytes)), &mut rx, &mut tx);
    }
    write(&mut tx);
}

/// Both ends of a connection whose upgrade was done elsewhere: without a hash.
#[unsafe(no_mangle)]
extern "C" fn converse_only() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    converse(Connection::server(), &mut rx, &mut tx);
    converse(Connection::client(|bytes: &mut [u8]| _ = read_into(bytes)), &mut rx, &mut tx);
}

/// What must not link, so that it is seen that the others could fail to.
#[unsafe(no_mangle)]
extern "C" fn panics() {
    let bytes = [0; 4];
    show(&bytes[number() as usize..]);
}
