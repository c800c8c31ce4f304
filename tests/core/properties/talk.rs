//! Two ends back to back.

use std::collections::VecDeque;

use microws::{
    Buffer, CloseCode, Connection, Event, MIN_CAPACITY, MessageKind, Role, SendError, State, Step,
};
use microws_tests::{ClientSide, Cuts, Seen, ServerSide, Side};
use proptest::collection::vec;
use proptest::prelude::*;

/// What one end sends.
#[derive(Debug, Clone)]
enum Say {
    /// A message in fragments, with a ping of one byte after each fragment that has one.
    Message(MessageKind, Vec<(Vec<u8>, Option<u8>)>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn say() -> impl Strategy<Value = Say> {
    let fragments = vec((vec(any::<u8>(), 0..90), any::<Option<u8>>()), 1..5);
    let text = (any::<String>(), vec((0..90usize, any::<Option<u8>>()), 0..5)).prop_map(|(text, cuts)| {
        // Text is cut anywhere, in the middle of code points too.
        let (mut rest, mut parts) = (text.as_bytes(), Vec::new());
        for (n, ping) in cuts {
            let (now, later) = rest.split_at(n.min(rest.len()));
            parts.push((now.to_vec(), ping));
            rest = later;
        }
        parts.extend(rest.chunks(90).map(|part| (part.to_vec(), None)));
        if parts.is_empty() {
            parts.push((vec![], None));
        }
        Say::Message(MessageKind::Text, parts)
    });
    prop_oneof![
        3 => fragments.prop_map(|parts| Say::Message(MessageKind::Binary, parts)),
        3 => text,
        1 => vec(any::<u8>(), 0..=125).prop_map(Say::Ping),
        1 => vec(any::<u8>(), 0..=125).prop_map(Say::Pong),
    ]
}

/// One send each.
#[derive(Debug, Clone)]
enum Action {
    Fragment(MessageKind, Vec<u8>, bool),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close,
}

fn steps(script: &[Say], close: bool) -> VecDeque<Action> {
    let mut steps = VecDeque::new();
    for say in script {
        match say {
            Say::Message(kind, parts) => {
                for (i, (part, ping)) in parts.iter().enumerate() {
                    let fin = i + 1 == parts.len();
                    steps.push_back(Action::Fragment(*kind, part.clone(), fin));
                    steps.extend(ping.map(|byte| Action::Ping(vec![byte])));
                }
            }
            Say::Ping(payload) => steps.push_back(Action::Ping(payload.clone())),
            Say::Pong(payload) => steps.push_back(Action::Pong(payload.clone())),
        }
    }
    if close {
        steps.push_back(Action::Close);
    }
    steps
}

/// What the other end must hear of it: pongs of ours are left out, because replies come among them.
fn heard(steps: &VecDeque<Action>) -> Vec<Seen> {
    let (mut heard, mut first) = (Vec::new(), true);
    for step in steps {
        match step {
            Action::Fragment(kind, payload, fin) => {
                Seen::part(*kind, first, *fin, payload).note(&mut heard);
                first = *fin;
            }
            Action::Ping(payload) => heard.push(Seen::Ping(payload.clone())),
            Action::Pong(_) => {}
            Action::Close => heard.push(Seen::close(4321, "done")),
        }
    }
    heard
}

/// One end: its connection, its buffers, what it has still to say and what it has heard.
struct Peer<'a, R> {
    connection: Connection<R>,
    rx: Buffer<'a>,
    tx: Buffer<'a>,
    to_say: VecDeque<Action>,
    heard: Vec<Seen>,
    pongs: Vec<Vec<u8>>,
    over: bool,
}

impl<R: Role> Peer<'_, R> {
    /// Sends what there is room for.
    fn speak(&mut self) {
        while let Some(step) = self.to_say.front() {
            let tx = &mut self.tx;
            let said = match step {
                Action::Fragment(kind, payload, fin) => {
                    self.connection.send_fragment(tx, *kind, payload, *fin)
                }
                Action::Ping(payload) => self.connection.ping(tx, payload),
                Action::Pong(payload) => self.connection.pong(tx, payload),
                Action::Close => self.connection.close(tx, CloseCode(4321), "done"),
            };
            match said {
                Ok(()) => drop(self.to_say.pop_front()),
                Err(SendError::BufferFull) => return,
                // The other one closed first.
                Err(SendError::Closed) => self.to_say.clear(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn listen(&mut self) {
        while !self.over {
            match self.connection.receive(&mut self.rx, &mut self.tx) {
                Step::Event(Event::Pong(payload)) => self.pongs.push(payload.to_vec()),
                Step::Event(event) => {
                    self.over = matches!(event, Event::Close(_));
                    Seen::of(&event).note(&mut self.heard);
                }
                Step::Read | Step::Write => return,
                other => panic!("no last event: {other:?}"),
            }
        }
    }
}

/// One direction of the transport between them: it takes and gives in pieces, and holds what is
/// under way. Without that, two ends that flood one another would wait for each other.
#[derive(Default)]
struct Pipe(VecDeque<u8>);

impl Pipe {
    /// Returns whether anything moved.
    fn carry(&mut self, from: &mut Buffer<'_>, to: &mut Buffer<'_>, cuts: &mut Cuts) -> bool {
        let n = cuts.size().min(from.len());
        self.0.extend(&from.filled()[..n]);
        from.consume(n);
        let spare = to.spare();
        let m = cuts.size().min(spare.len()).min(self.0.len());
        for (to, from) in spare.iter_mut().zip(self.0.drain(..m)) {
            *to = from;
        }
        to.commit(m);
        n + m > 0
    }
}

/// Two ends back to back; `whole` is what the server wants whole.
fn talk(
    client_says: &[Say],
    server_says: &[Say],
    client_closes: bool,
    sizes: [usize; 4],
    whole: u32,
    seed: u64,
) {
    let mut storage = sizes.map(|size| vec![0; size]);
    let [a, b, c, d] = &mut storage;
    let buffer = |bytes| Buffer::from_slice(bytes).unwrap();
    let mut client = Peer {
        connection: ClientSide::open(),
        rx: buffer(a),
        tx: buffer(b),
        to_say: steps(client_says, client_closes),
        heard: vec![],
        pongs: vec![],
        over: false,
    };
    let mut server = Peer {
        connection: ServerSide::open().whole_up_to(whole),
        rx: buffer(c),
        tx: buffer(d),
        to_say: steps(server_says, false),
        heard: vec![],
        pongs: vec![],
        over: false,
    };
    let (from_client, from_server) = (heard(&client.to_say), heard(&server.to_say));
    let mut cuts = Cuts::random(seed, 200);
    let (mut up, mut down) = (Pipe::default(), Pipe::default());
    let mut idle = 0;
    while idle < 3 {
        // In an order by chance, so that either may be late.
        for _ in 0..4 {
            match cuts.size() % 4 {
                0 => client.speak(),
                1 => server.speak(),
                2 => client.listen(),
                _ => server.listen(),
            }
        }
        idle += 1;
        if up.carry(&mut client.tx, &mut server.rx, &mut cuts) {
            idle = 0;
        }
        if down.carry(&mut server.tx, &mut client.rx, &mut cuts) {
            idle = 0;
        }
        if idle > 0 {
            // Chance may have left something out.
            client.speak();
            server.speak();
            client.listen();
            server.listen();
        }
    }
    if client_closes {
        assert!(client.over && server.over);
        assert_eq!((client.connection.state(), server.connection.state()), (State::Closed, State::Closed));
        assert_eq!(server.heard, from_client);
        // The close may have come before the server had sent all: what arrived is the beginning of it.
        assert_eq!(client.heard.pop(), Some(Seen::close(4321, "done")));
    } else {
        assert_eq!(server.heard, from_client);
        assert_eq!(client.heard, from_server);
        // Every ping was answered, in order; the other pongs are the script's own.
        for (one, other) in [(client_says, &client.pongs), (server_says, &server.pongs)] {
            let pings = steps(one, false)
                .into_iter()
                .filter_map(|step| if let Action::Ping(payload) = step { Some(payload) } else { None });
            let mut pongs = other.iter();
            for ping in pings {
                assert!(pongs.any(|pong| *pong == ping), "a ping without its pong");
            }
        }
    }
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![Just(MIN_CAPACITY), MIN_CAPACITY..MIN_CAPACITY + 20, 150..600usize]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn two_ends_back_to_back_hear_what_the_other_says(
        client_says in vec(say(), 0..8),
        server_says in vec(say(), 0..8),
        client_closes: bool,
        sizes in [size(), size(), size(), size()],
        whole in prop_oneof![Just(0), 0..200u32],
        seed: u64,
    ) {
        talk(&client_says, &server_says, client_closes, sizes, whole, seed);
    }

    /// No input does any harm, and none depends on its cuts.
    #[test]
    fn any_bytes_cut_anywhere_give_the_same(
        input in vec(prop_oneof![any::<u8>(), prop::sample::select(&b"\x81\x82\x88\x89\x00\x01\x80\x85"[..])], 0..300),
        rx in size(), tx in size(), seed: u64, lazy: bool,
    ) {
        let drive = || microws_tests::Drive { rx, ..Default::default() };
        let cut = microws_tests::Drive {
            rx, tx, lazy, reads: Cuts::random(seed, 30), writes: Cuts::random(!seed, 30), ring: 0,
        };
        prop_assert_eq!(
            drive().listen(&mut ServerSide::open(), &input),
            cut.clone().listen(&mut ServerSide::open(), &input));
        prop_assert_eq!(
            drive().listen(&mut ClientSide::open(), &input),
            cut.listen(&mut ClientSide::open(), &input));
    }
}
