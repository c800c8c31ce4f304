//! Two endpoints, any terms, any messages, any cuts: each hears what the other said.

use microws::deflate::{Deflater, Inflater, Params};
use microws::{Buffer, Config, Endpoint, Event, MessageKind, Sent, Session, Step};
use proptest::collection::vec;
use proptest::prelude::*;

/// What one end has beside its session.
struct End<'a, R: Endpoint> {
    session: Session<'a, R>,
    rx: Buffer<'a>,
    tx: Buffer<'a>,
    deflater: Deflater<'a>,
    to_send: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
    message: Vec<u8>,
}

impl<R: Endpoint> End<'_, R> {
    /// Goes on until it wants to read; bytes that leave go onto `wire`. Whether anything happened.
    fn step(&mut self, wire: &mut Vec<u8>) -> bool {
        let mut went = false;
        loop {
            match self.session.receive(&mut self.rx, &mut self.tx) {
                Step::Event(Event::Chunk(c)) => {
                    self.message.extend_from_slice(c.payload);
                    if c.fin {
                        self.heard.push(std::mem::take(&mut self.message));
                    }
                }
                Step::Event(_) => {}
                Step::Write => self.write(wire),
                Step::Read => break,
                other => panic!("{other:?}"),
            }
            went = true;
        }
        if self.session.state() == microws::State::Open
            && let Some(message) = self.to_send.first()
        {
            went = true;
            let sent =
                self.session.send_compressed(&mut self.tx, &mut self.deflater, MessageKind::Binary, message);
            if sent.unwrap() == Sent::Done {
                self.to_send.remove(0);
            }
        }
        went |= !self.tx.is_empty();
        self.write(wire);
        went
    }

    fn write(&mut self, wire: &mut Vec<u8>) {
        wire.extend(self.tx.filled());
        self.tx.consume(usize::MAX);
    }

    /// Reads some of what came: whether there was any.
    fn read(&mut self, wire: &mut Vec<u8>, piece: usize) -> bool {
        let n = piece.min(wire.len()).min(self.rx.free());
        let came: Vec<u8> = wire.drain(..n).collect();
        assert!(self.rx.push(&came));
        n > 0
    }
}

/// Messages with repetitions, of no more bytes than the smallest ring: then any window serves.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let word = prop::sample::select(vec![&b"the "[..], b"{\"value\":", b"\xff\x00", b"0"]);
    let words = vec(word, 0..60);
    let message = prop_oneof![
        words.prop_map(|words| words.concat()),
        vec(any::<u8>(), 0..256),
        (any::<u8>(), 0..256usize).prop_map(|(byte, n)| vec![byte; n]),
    ];
    vec(message.prop_map(|message| message.into_iter().take(256).collect()), 0..8)
}

proptest! {
    #[test]
    fn each_hears_what_the_other_said(
        from_server in messages(), from_client in messages(), piece in 1..400usize,
        rings in (256..3000usize, 256..3000usize), bits in 8..=15u8, keep: bool, bounded: bool
    ) {
        let params = Params::new().window_bits(bits).keep_peers_context(keep).bounded_only(bounded);
        let config = Config::new().request("h", "/").deflate(params);
        let (mut a, mut b, mut c, mut d) = ([0; 300], [0; 300], [0; 300], [0; 300]);
        let (mut ring, mut other_ring) = (vec![0; rings.0], vec![0; rings.1]);
        let (mut inflater, mut other_inflater) = (Inflater::new(), Inflater::new());
        let (mut table, mut other_table) = ([0; 256], [0; 400]);
        let mut server = End {
            session: Session::server(&config),
            rx: Buffer::new(&mut a).inflating_slice(&mut inflater, &mut ring).unwrap(),
            tx: Buffer::new(&mut b),
            deflater: Deflater::new(&mut table).unwrap(),
            to_send: from_server.clone(),
            heard: Vec::new(),
            message: Vec::new(),
        };
        let mut client = End {
            session: Session::client(&config, |bytes: &mut [u8]| bytes.fill(0x5a)),
            rx: Buffer::new(&mut c).inflating_slice(&mut other_inflater, &mut other_ring).unwrap(),
            tx: Buffer::new(&mut d),
            deflater: Deflater::new(&mut other_table).unwrap(),
            to_send: from_client.clone(),
            heard: Vec::new(),
            message: Vec::new(),
        };
        let (mut up, mut down) = (Vec::new(), Vec::new());
        loop {
            let went = [
                client.step(&mut up),
                server.read(&mut up, piece),
                server.step(&mut down),
                client.read(&mut down, piece),
            ];
            if went == [false; 4] {
                break;
            }
        }
        prop_assert_eq!(server.heard, from_client);
        prop_assert_eq!(client.heard, from_server);
        // Both mean the same by what they agreed on.
        let (server, client) = (server.session.agreed().unwrap(), client.session.agreed().unwrap());
        prop_assert!(client.send_window_bits() >= server.receive_window_bits());
        prop_assert_eq!(client.receive_window_bits(), server.send_window_bits());
    }
}
