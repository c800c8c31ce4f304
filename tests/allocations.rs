//! Core takes nothing from the heap: neither to open a connection nor for any message.

use allocation_counter::{AllocationInfo, measure};
use microws::handshake::{client, server};
use microws::{
    Buffer, Chunk, CloseCode, Connection, Event, Keepalive, Message, MessageKind, Received, Role, Timeouts,
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

/// Hears all there is and echoes messages; answers how many bytes of messages came, and whether it is over.
fn hear<R: Role>(
    connection: &mut Connection<R>,
    rx: &mut Buffer<'_>,
    tx: &mut Buffer<'_>,
    echo: bool,
) -> (usize, bool) {
    let mut bytes = 0;
    loop {
        match connection.receive(rx, tx).unwrap() {
            Received::Event(Event::Chunk(Chunk { kind, fin, payload, .. })) => {
                bytes += payload.len();
                if echo {
                    connection.send_fragment(tx, kind, payload, fin).unwrap();
                }
            }
            Received::Event(Event::Close(_)) | Received::Closed => return (bytes, true),
            Received::Event(_) => {}
            Received::WantRead | Received::WantWrite => return (bytes, false),
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
        let request = client::Request { subprotocols: &["chat"], ..client::Request::new("example.com", "/") };
        let mut asking = client::Handshake::new(request, [7; 16]);
        let mut answering = server::Handshake::new(&["chat"]);
        assert!(asking.send(&mut client_tx).unwrap());
        carry(&mut client_tx, &mut server_rx);
        while answering.receive(&mut server_rx).unwrap() != Some(server::Item::End) {}
        let mut server = answering.upgrade().unwrap().accept(&mut server_tx, &[]).unwrap();
        carry(&mut server_tx, &mut client_rx);
        while asking.receive(&mut client_rx).unwrap() != Some(client::Item::End) {}
        let mut client = asking.connection(|key: &mut [u8]| key.fill(0x5a)).unwrap();

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
            faults += usize::from(connection.receive(&mut rx, &mut tx).is_err());
            tx.consume(1000);
        }
        assert_eq!(faults, 2);
        let mut handshake = server::Handshake::new(&[]);
        assert!(rx.push(b"GET / HTTP/1.1\r\nHost : h\r\n"));
        assert!(handshake.receive(&mut rx).is_ok());
        let error = handshake.receive(&mut rx).unwrap_err();
        server::refuse(&mut tx, error).unwrap();
    }));
}

#[test]
fn whole_messages_and_deadlines_allocate_nothing() {
    let mut payload = [b'x'; 100];
    none(measure(|| {
        let mut message = Message::<250>::new();
        for (first, fin) in [(true, false), (false, false), (false, true), (true, true)] {
            let chunk = Chunk { kind: MessageKind::Text, first, fin, payload: &mut payload };
            std::hint::black_box(message.push(&chunk));
        }
        let mut keepalive = Keepalive::new(0);
        keepalive.open(1);
        for now in 0..100 {
            std::hint::black_box(keepalive.due(now * 1000, &Timeouts::default()));
        }
    }));
}
