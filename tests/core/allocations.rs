//! Core takes nothing from the heap: neither to open a connection nor for any message.

use allocation_counter::{AllocationInfo, measure};
use microws::handshake::{ClientHandshake, ServerHandshake, reject};
use microws::{
    Buffer, Chunk, CloseCode, Config, Connection, End, Event, Message, MessageKind, ProtocolError, Role,
    Server, Session, Step, Upgraded,
};

fn none(info: AllocationInfo) {
    assert_eq!(info.count_total, 0, "{info:?}");
}

/// The counter counts.
#[test]
fn an_allocation_would_be_seen() {
    assert_ne!(measure(|| drop(std::hint::black_box(vec![1u8]))).count_total, 0);
}

/// All that waits in `from` goes to `to`, as far as there is room.
fn carry(from: &mut Buffer<'_>, to: &mut Buffer<'_>) {
    let spare = to.spare();
    let n = spare.len().min(from.len());
    spare[..n].copy_from_slice(&from.filled()[..n]);
    to.commit(n);
    from.consume(n);
}

/// Receives everything and echoes messages; returns how many bytes of messages came, and whether it is over. Any end
/// except that of the closing handshake is a fault.
fn hear<R: Role>(
    connection: &mut Connection<R>,
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
    echo: bool,
) -> (usize, bool) {
    let mut bytes = 0;
    loop {
        match connection.receive(rx, tx) {
            Step::Event(Event::Chunk(Chunk { kind, fin, payload, .. })) => {
                bytes += payload.len();
                if echo {
                    connection.send_fragment(tx, kind, payload, fin).unwrap();
                }
            }
            Step::Event(Event::Close(_)) | Step::End(End::Closed(CloseCode::NORMAL)) => return (bytes, true),
            Step::Event(_) => {}
            Step::Read | Step::Write => return (bytes, false),
            Step::Shutdown => panic!("a connection never ends its direction of the stream"),
            Step::End(end) => panic!("{end}"),
        }
    }
}

#[test]
fn opening_talking_and_closing_allocate_nothing() {
    let mut storage = [[0; 1024]; 4];
    let [a, b, c, d] = &mut storage;
    let (mut client_rx, mut client_tx) = (Buffer::new(a), Buffer::new(b));
    let (mut server_rx, mut server_tx) = (Buffer::new(c), Buffer::new(d));
    none(measure(|| {
        let config = Config::new().request("example.com", "/").subprotocols(&["chat"]);
        let mut asking = ClientHandshake::new(&config, [7; 16]);
        let mut answering = ServerHandshake::new(&config);
        assert!(asking.send(&mut client_tx).unwrap());
        carry(&mut client_tx, &mut server_rx);
        while answering.receive(&mut server_rx).unwrap() != Some(Event::HeadEnd) {}
        answering.check().unwrap();
        answering.accept(&mut server_tx, &[]).unwrap();
        let mut server = Connection::server();
        carry(&mut server_tx, &mut client_rx);
        while asking.receive(&mut client_rx).unwrap() != Some(Event::HeadEnd) {}
        asking.check().unwrap();
        let mut client = Connection::client(|key: &mut [u8]| key.fill(0x5a));

        let payload = [b'x'; 400];
        let mut echoed = 0;
        for i in 0..100 {
            let kind = if i % 2 == 0 { MessageKind::Text } else { MessageKind::Binary };
            client.send(&mut client_tx, kind, &payload).unwrap();
            client.ping(&mut client_tx, b"ping").unwrap();
            client.send_with(&mut client_tx, kind, true, |space| space.len().min(100)).unwrap();
            carry(&mut client_tx, &mut server_rx);
            let _ = hear(&mut server, &mut server_rx, &mut server_tx, true);
            carry(&mut server_tx, &mut client_rx);
            echoed += hear(&mut client, &mut client_rx, &mut client_tx, false).0;
        }
        assert_eq!(echoed, 100 * 500);

        client.close(&mut client_tx, CloseCode::NORMAL, "bye").unwrap();
        let mut over = false;
        for _ in 0..4 {
            carry(&mut client_tx, &mut server_rx);
            let _ = hear(&mut server, &mut server_rx, &mut server_tx, true);
            carry(&mut server_tx, &mut client_rx);
            over |= hear(&mut client, &mut client_rx, &mut client_tx, false).1;
        }
        assert!(over);
    }));
}

#[test]
fn faults_and_refusals_allocate_nothing() {
    let mut storage = [[0; 1024]; 2];
    let [a, b] = &mut storage;
    let (mut rx, mut tx) = (Buffer::new(a), Buffer::new(b));
    none(measure(|| {
        let mut connection = Connection::server();
        assert!(rx.push(b"\x81\x85\0\0\0\0ab\xffcd"));
        let mut faults = 0;
        for _ in 0..4 {
            let failed = Step::End(End::Failed(ProtocolError::InvalidUtf8));
            faults += usize::from(connection.receive(&mut rx, &mut tx) == failed);
            tx.consume(1000);
        }
        assert_eq!(faults, 2);
        let config = Config::new();
        let mut handshake = ServerHandshake::new(&config);
        assert!(rx.push(b"GET / HTTP/1.1\r\nHost : h\r\n"));
        assert!(handshake.receive(&mut rx).is_ok());
        let error = handshake.receive(&mut rx).unwrap_err();
        reject(&mut tx, error).unwrap();
    }));
}

#[test]
fn whole_messages_and_deadlines_allocate_nothing() {
    let mut payload = [b'x'; 100];
    none(measure(|| {
        let mut message = Message::<250>::new();
        for (first, fin) in [(true, false), (false, false), (false, true), (true, true)] {
            let chunk = Chunk::new(MessageKind::Text, first, fin, &mut payload);
            std::hint::black_box(message.push(&chunk));
        }
        let (config, mut storage) = (Config::new(), [0; 256]);
        let mut tx = Buffer::new(&mut storage);
        let mut session: Session<'_, Upgraded<Server>> = Session::upgraded(&config, Server);
        for now in 0..100 {
            std::hint::black_box(session.tick(&mut tx, now * 1000));
        }
    }));
}
