//! Our client and our server's session, each over a WebSocket session of its role, with streams that cut anywhere.

use std::collections::VecDeque;

use fastrand::Rng;
use microws::{Buffer, CloseCode, Config, Event as Ws, MIN_CAPACITY, Sent, Session};
use microws_socketio::server::{ServerConfig, ServerEvent, ServerSession, Sid, Transport};
use microws_socketio::{AckSlot, Client, ClientConfig, End, Event, Inbox, Outgoing, Step, TARGET};
use microws_tests::buffer;

type Pipe = VecDeque<u8>;

/// Takes some bytes, by chance.
fn write_some(rng: &mut Rng, tx: &mut Buffer<'_>, pipe: &mut Pipe) {
    if !tx.is_empty() {
        let n = rng.usize(1..=tx.len());
        pipe.extend(&tx.filled()[..n]);
        tx.consume(n);
    }
}

/// Brings some bytes, by chance: how many.
fn read_some(rng: &mut Rng, pipe: &mut Pipe, rx: &mut Buffer<'_>) -> usize {
    let most = pipe.len().min(rx.free());
    let n = if most == 0 { 0 } else { rng.usize(1..=most) };
    for (to, from) in rx.spare().iter_mut().zip(pipe.drain(..n)) {
        *to = from;
    }
    n
}

const PLACE: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

/// What the client says in each round: arguments and attachments.
fn round(rng: &mut Rng) -> (String, Vec<Vec<u8>>) {
    let text: String = (0..rng.usize(..200)).map(|_| rng.alphanumeric()).collect();
    let attachments = if rng.bool() { 2 } else { 0 };
    let attachments: Vec<Vec<u8>> =
        (0..attachments).map(|_| (0..rng.usize(..200)).map(|_| rng.u8(..)).collect()).collect();
    (
        if attachments.is_empty() { format!("\"{text}\",1") } else { format!("\"{text}\",{PLACE}") },
        attachments,
    )
}

/// The client's rounds come back acknowledged, word for word; the server acknowledges in any order of its own writes.
fn converse(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let rounds: Vec<_> = (0..20).map(|_| round(&mut rng)).collect();
    let size = |rng: &mut Rng| MIN_CAPACITY + rng.usize(..300);

    // The client.
    let ws_config = Config::new().request("h", TARGET);
    let namespace = ClientConfig::new().namespace("/a").auth(r#"{"t":1}"#);
    let mut slots = [AckSlot::new(); 1];
    let mut session = Session::client(&ws_config, |bytes: &mut [u8]| bytes.fill(0x5a));
    let mut client = Client::new(&namespace).acks(&mut slots);
    let (mut rx, mut tx, mut arena) = (buffer(256), buffer(size(&mut rng)), [0; 1024]);
    let mut inbox = Inbox::new(&mut arena);

    // The server.
    let server_config = Config::new();
    let offer = ServerConfig::new().namespaces(&["/", "/a"]).max_payload(2000);
    let mut server_ws = Session::server(&server_config);
    let (mut server_rx, mut server_tx) = (buffer(size(&mut rng) + 120), buffer(size(&mut rng) + 120));
    let (mut queue, mut server_arena) = ([0; 2048], [0; 1024]);
    let mut server_inbox = Inbox::new(&mut server_arena);
    let mut server = ServerSession::new(&offer, Sid::new([1; 15]), Transport::WebSocket, &mut queue);

    let (mut up, mut down) = (Pipe::new(), Pipe::new());
    let mut next = 0; // the round that is sent
    let mut to_send: Option<(usize, u32)> = None;
    let (mut acknowledged, mut client_end, mut server_end) = (0, None, None);
    let mut joined = false;
    for _ in 0..2_000_000 {
        if client_end.is_some() && server_end.is_some() {
            break;
        }
        if client_end.is_none() && (rng.bool() || server_end.is_some()) {
            if let Some((n, id)) = to_send {
                let attachments: Vec<&[u8]> = rounds[n].1.iter().map(Vec::as_slice).collect();
                let outgoing = Outgoing::event("round", &rounds[n].0).expect(id).attachments(&attachments);
                match client.send(&mut session, &mut tx, &outgoing).unwrap() {
                    Sent::Done => to_send = None,
                    Sent::Write => write_some(&mut rng, &mut tx, &mut up),
                }
            } else if joined && acknowledged == next {
                if next == rounds.len() {
                    client.disconnect();
                } else {
                    to_send = Some((next, client.expect_ack(0).unwrap()));
                    next += 1;
                }
                joined = next <= rounds.len() && client.end().is_none();
            }
            match client.receive(&mut session, &mut rx, &mut tx, &mut inbox) {
                Step::Event(Event::Connected { sid, .. }) => {
                    assert_eq!(sid, Sid::new([2; 15]).as_bytes());
                    joined = true;
                }
                Step::Event(Event::Ack { args, attachments, .. }) => {
                    let (expected, bytes) = &rounds[acknowledged];
                    assert_eq!(args, expected.as_bytes());
                    assert!(attachments.eq(bytes.iter().map(Vec::as_slice)));
                    acknowledged += 1;
                }
                Step::Event(other) => panic!("{other:?}"),
                Step::Read => {
                    write_some(&mut rng, &mut tx, &mut up);
                    let n = read_some(&mut rng, &mut down, &mut rx);
                    if n > 0 {
                        session.commit(&mut rx, n);
                    } else if server_end.is_some() && tx.is_empty() {
                        session.commit_end();
                    }
                }
                Step::Write => write_some(&mut rng, &mut tx, &mut up),
                Step::Shutdown => {}
                Step::End(end) => client_end = Some(end),
            }
            continue;
        }
        if server_end.is_some() {
            continue;
        }
        if server_ws.state() == microws::State::Open {
            match server.send_queued(&mut server_ws, &mut server_tx) {
                Ok(_) | Err(microws::SendError::Closed) => {}
                Err(error) => panic!("{error}"),
            }
        }
        match server_ws.receive(&mut server_rx, &mut server_tx) {
            microws::Step::Event(Ws::Chunk(chunk)) => match server.receive(&chunk, &mut server_inbox) {
                Some(ServerEvent::Connect { namespace, auth }) => {
                    assert_eq!((namespace, auth), (1, &br#"{"t":1}"#[..]));
                    server.accept(1, Sid::new([2; 15])).unwrap();
                }
                Some(ServerEvent::Event {
                    namespace: 1,
                    name: b"round",
                    args,
                    attachments,
                    ack: Some(id),
                }) => {
                    let attachments: Vec<&[u8]> = attachments.collect();
                    let args = std::str::from_utf8(args).unwrap();
                    server.send(1, &Outgoing::ack(id, args).attachments(&attachments)).unwrap();
                }
                Some(ServerEvent::Disconnected { namespace: 1 }) => server.close(),
                None => assert_eq!(server.end(), None),
                other => panic!("{other:?}"),
            },
            microws::Step::Event(_) => {}
            step @ (microws::Step::Read | microws::Step::Write) => {
                write_some(&mut rng, &mut server_tx, &mut down);
                if step == microws::Step::Read {
                    let n = read_some(&mut rng, &mut up, &mut server_rx);
                    if n > 0 {
                        server_ws.commit(&mut server_rx, n);
                    } else if client_end.is_some() {
                        server_ws.commit_end();
                    }
                }
            }
            microws::Step::Shutdown => server_ws.commit_end(),
            microws::Step::End(end) => server_end = Some(end),
        }
    }
    assert_eq!(acknowledged, rounds.len(), "seed {seed}");
    assert_eq!(client_end, Some(End::Left), "seed {seed}");
    assert_eq!(server_end, Some(microws::End::Closed(CloseCode::NORMAL)), "seed {seed}");
    assert_eq!(server.end(), Some(End::Left));
}

#[test]
fn what_the_client_sends_comes_back_through_streams_that_cut_anywhere() {
    for seed in 0..50 {
        converse(seed);
    }
}
