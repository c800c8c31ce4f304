//! The paths that bytes from the network take through the core, both roles, as functions that a linker can start
//! from. Whatever they reach that can panic reaches [`panic_is_reachable`], which exists nowhere: no link.
#![no_std]

mod adapters;

use core::panic::PanicInfo;
use core::ptr;

use microws::handshake::{Field, client, server};
use microws::{
    Buffer, Client, CloseCode, Connection, Due, Event, HandshakeError, Keepalive, Message, Received, Role,
    Server, Timeouts, Whole,
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

/// The answer may be any number.
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

fn field(field: &Field<'_>) {
    show(field.name);
    show(field.text().unwrap_or_default().as_bytes());
    for element in field.elements() {
        show(element);
    }
    if field.is("Cookie") || field.lists("deflate") {
        show(field.value);
    }
}

fn server_handshake(rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Option<Connection<Server>> {
    let mut handshake = server::Handshake::new(&["chat", "readings"]).limits(number(), number() as u16);
    loop {
        match handshake.receive(rx) {
            Ok(None) => read(rx),
            Ok(Some(server::Item::Start { method, target })) => {
                show(method.as_bytes());
                show(target.path().as_bytes());
                show(target.query().unwrap_or_default().as_bytes());
            }
            Ok(Some(server::Item::Field(f))) => field(&f),
            Ok(Some(server::Item::LongField(name))) => show(name),
            Ok(Some(server::Item::End)) => break,
            Ok(Some(_)) => {}
            Err(error) => {
                server::refuse(tx, error).ok()?;
                write(tx);
                return None;
            }
        }
    }
    match handshake.upgrade() {
        Ok(upgrade) => upgrade.accept(tx, &[("Server", "device")]).ok(),
        Err(HandshakeError::NoUpgrade) => {
            server::answer(tx, 200, &[("Content-Type", "text/plain")], "hello").ok()?;
            None
        }
        Err(error) => {
            server::refuse(tx, error).ok()?;
            None
        }
    }
}

fn client_handshake(
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
) -> Option<Connection<Client<impl FnMut(&mut [u8]) + use<>>>> {
    let (mut host, mut nonce) = ([0; 32], [0; 16]);
    let n = read_into(&mut host);
    read_into(&mut nonce);
    let host = core::str::from_utf8(host.get(..n)?).ok()?;
    let request = client::Request {
        origin: Some("null"),
        subprotocols: &["chat", "readings"],
        fields: &[("Authorization", host)],
        ..client::Request::new(host, host)
    };
    let mut handshake = client::Handshake::new(request, nonce).limits(number(), number() as u16);
    while !handshake.send(tx).ok()? {
        write(tx);
    }
    loop {
        match handshake.receive(rx).ok()? {
            None => read(rx),
            Some(client::Item::Start { status, reason }) => {
                show(&status.to_be_bytes());
                show(reason);
            }
            Some(client::Item::Field(f)) => field(&f),
            Some(client::Item::LongField(name)) => show(name),
            Some(client::Item::End) => break,
            Some(_) => {}
        }
    }
    show(handshake.subprotocol().unwrap_or_default().as_bytes());
    handshake.connection(|bytes: &mut [u8]| _ = read_into(bytes)).ok()
}

/// Every verb of an open connection, as the network decides.
fn converse<R: Role>(connection: Connection<R>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) {
    let mut connection =
        connection.max_message_len(number().into()).max_fragments(number()).whole_up_to(number());
    let timeouts = Timeouts::default();
    let mut keepalive = Keepalive::new(number());
    let mut message = Message::<64>::new();
    loop {
        match keepalive.due(number(), &timeouts) {
            Due::Ping => _ = connection.ping(tx, b"still there?"),
            Due::HandshakeOverdue | Due::PongOverdue | Due::CloseOverdue => return,
            Due::Nothing { again_in } => show(&again_in.unwrap_or(0).to_be_bytes()),
        }
        match connection.receive(rx, tx) {
            Ok(Received::Event(Event::Chunk(chunk))) => {
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
                    None => {}
                }
            }
            Ok(Received::Event(Event::Ping(payload) | Event::Pong(payload))) => {
                keepalive.heard(number());
                show(payload);
                let reason = core::str::from_utf8(payload).unwrap_or_default();
                _ = connection.close(tx, CloseCode(number() as u16), reason);
            }
            Ok(Received::Event(Event::Close(close))) => {
                show(close.reason().as_bytes());
                show(close.code.meaning().as_bytes());
            }
            Ok(Received::WantRead) => read(rx),
            Ok(Received::WantWrite) => write(tx),
            Ok(Received::Closed) => return,
            Err(error) => {
                show(&error.close_code().0.to_be_bytes());
                return;
            }
        }
    }
}

/// A server, from a connection's first byte to its last.
#[unsafe(no_mangle)]
extern "C" fn serve() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    if let Some(connection) = server_handshake(&mut rx, &mut tx) {
        converse(connection, &mut rx, &mut tx);
    }
    write(&mut tx);
}

/// A client, likewise.
#[unsafe(no_mangle)]
extern "C" fn connect() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    let (mut rx, mut tx) = (Buffer::new(&mut a), Buffer::new(&mut b));
    if let Some(connection) = client_handshake(&mut rx, &mut tx) {
        converse(connection, &mut rx, &mut tx);
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
