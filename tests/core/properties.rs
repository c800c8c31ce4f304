//! What holds for any input, tried on inputs by chance.

use std::collections::VecDeque;

use microws::frame::{Header, MAX_HEADER_LEN, Opcode};
use microws::{
    Buffer, CloseCode, Connection, Event, MIN_CAPACITY, Mask, MessageKind, ProtocolError, Role, SendError,
    State, Step, Validator,
};
use microws_tests::{ClientSide, Cuts, Seen, ServerSide, Side};
use proptest::collection::vec;
use proptest::prelude::*;

fn opcode() -> impl Strategy<Value = Opcode> {
    prop_oneof![
        Just(Opcode::Continuation),
        Just(Opcode::Text),
        Just(Opcode::Binary),
        Just(Opcode::Close),
        Just(Opcode::Ping),
        Just(Opcode::Pong),
    ]
}

/// Lengths of every form, and their edges more often than chance would have it.
fn len() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=125u64,
        126..=65_535u64,
        65_536..=u64::MAX,
        prop::sample::select(vec![0, 125, 126, 65_535, 65_536, (1 << 63) - 1, 1 << 63])
    ]
}

proptest! {
    #[test]
    fn a_header_that_exists_is_decoded_as_it_was_encoded(
        fin: bool, reserved in 0..8u8, opcode in opcode(), mask: Option<[u8; 4]>, len in len(),
        after in vec(any::<u8>(), 0..5)
    ) {
        let Ok(header) = Header::new(fin, opcode, mask, len) else {
            prop_assert!(len >= 1 << 63 || (opcode.is_control() && (!fin || len > 125)));
            return Ok(());
        };
        prop_assert_eq!(header.reserved(), 0);
        let header = header.with_reserved(reserved);
        let mut bytes = [0xee; MAX_HEADER_LEN];
        let size = header.encode(&mut bytes).unwrap();
        prop_assert_eq!(size, header.encoded_len());
        prop_assert_eq!(&bytes[..size], &microws_tests::frames::header(
            (u8::from(fin) << 7) | (reserved << 4) | opcode as u8, mask, len)[..]);
        // A byte less is no room, and changes nothing; nor is a byte less a header.
        let mut short = vec![0xee; size - 1];
        prop_assert_eq!(header.encode(&mut short), None);
        prop_assert_eq!(short, vec![0xee; size - 1]);
        for cut in 0..size {
            prop_assert_eq!(Header::decode(&bytes[..cut]), Ok(None));
        }
        let input = [&bytes[..size], &after[..]].concat();
        prop_assert_eq!(Header::decode(&input), Ok(Some((header, size))));
        prop_assert_eq!((header.fin(), header.reserved(), header.opcode()), (fin, reserved, opcode));
        prop_assert_eq!((header.mask(), header.payload_len()), (mask, len));
    }

    /// What is decoded at all is encoded to the bytes it came from: there is one way to write a header.
    #[test]
    fn bytes_that_are_a_header_are_its_only_encoding(bytes in vec(any::<u8>(), 0..20)) {
        if let Ok(Some((header, size))) = Header::decode(&bytes) {
            let mut out = [0; MAX_HEADER_LEN];
            prop_assert_eq!(header.encode(&mut out), Some(size));
            prop_assert_eq!(&out[..size], &bytes[..size]);
        }
    }

    /// More bytes never take back what fewer have said.
    #[test]
    fn what_a_header_is_does_not_depend_on_what_follows(bytes in vec(any::<u8>(), 0..20), cut in 0usize..20) {
        let cut = cut.min(bytes.len());
        match Header::decode(&bytes[..cut]) {
            Ok(None) => {}
            decided => prop_assert_eq!(Header::decode(&bytes), decided),
        }
    }

    #[test]
    fn masking_in_any_pieces_is_masking_as_printed(
        payload in vec(any::<u8>(), 0..200), key: [u8; 4], seed: u64
    ) {
        let mut masked = payload.clone();
        let (mut mask, mut cuts) = (Mask::new(key), Cuts::random(seed, 40));
        let mut rest = &mut masked[..];
        while !rest.is_empty() {
            let n = cuts.size().min(rest.len());
            let (now, later) = rest.split_at_mut(n);
            mask.apply(now);
            rest = later;
        }
        prop_assert_eq!(masked, microws_tests::frames::masked(Some(key), &payload));
    }

    #[test]
    fn text_in_any_pieces_is_judged_as_by_the_standard_library(
        text in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            vec(any::<u8>(), 0..200),
            // Mostly text, with one byte changed.
            (any::<String>(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
                let mut text = text.into_bytes();
                if !text.is_empty() {
                    let at = at.index(text.len());
                    text[at] = byte;
                }
                text
            }),
        ],
        seed: u64,
    ) {
        let (mut validator, mut cuts, mut at) = (Validator::new(), Cuts::random(seed, 50), 0);
        let mut valid = Ok(());
        while at < text.len() && valid.is_ok() {
            let end = text.len().min(at + cuts.size());
            valid = validator.feed(&text[at..end]).map_err(|n| at + n);
            at = end;
        }
        match std::str::from_utf8(&text) {
            Ok(_) => prop_assert!(valid.is_ok() && validator.is_complete()),
            Err(error) if error.error_len().is_none() => prop_assert!(valid.is_ok() && !validator.is_complete()),
            Err(error) => {
                // The standard library names the start of the bad sequence, we the byte that spoils it.
                let first = error.valid_up_to()..error.valid_up_to() + 4;
                prop_assert!(valid.is_err_and(|at| first.contains(&at)));
            }
        }
    }

    /// A buffer is a queue of bytes with a bound.
    #[test]
    fn a_buffer_is_a_queue(
        capacity in MIN_CAPACITY..200, steps in vec((0..5u8, 0..250usize), 0..60)
    ) {
        let mut storage = vec![0; capacity];
        let mut buffer = Buffer::from_slice(&mut storage).unwrap();
        let (mut queue, mut next) = (VecDeque::new(), 0u8);
        let mut bytes = |n: usize| -> Vec<u8> { (0..n).map(|_| { next = next.wrapping_add(1); next }).collect() };
        for (step, n) in steps {
            match step {
                0 => {
                    buffer.consume(n);
                    queue.drain(..n.min(queue.len()));
                }
                1 => {
                    let new = bytes(n);
                    let fits = n <= capacity - queue.len();
                    prop_assert_eq!(buffer.push(&new), fits);
                    if fits { queue.extend(new); }
                }
                2 => {
                    let (a, b) = (bytes(n / 2), bytes(n - n / 2));
                    let fits = n <= capacity - queue.len();
                    prop_assert_eq!(buffer.push_all(&[&a, &b]), fits);
                    if fits { queue.extend(a); queue.extend(b); }
                }
                3 => {
                    let spare = buffer.spare();
                    prop_assert_eq!(spare.len(), capacity - queue.len());
                    let new = bytes(n.min(spare.len()));
                    spare[..new.len()].copy_from_slice(&new);
                    buffer.commit(new.len());
                    queue.extend(new);
                }
                _ => {
                    // More than there is room for counts as all of it.
                    let spare = buffer.spare();
                    let new = bytes(spare.len());
                    spare.copy_from_slice(&new);
                    buffer.commit(spare_len_and_more(new.len(), n));
                    queue.extend(new);
                }
            }
            prop_assert_eq!(buffer.filled(), queue.make_contiguous() as &[u8]);
            prop_assert_eq!(buffer.len(), queue.len());
            prop_assert_eq!(buffer.free(), capacity - queue.len());
            prop_assert_eq!(buffer.is_empty(), queue.is_empty());
            prop_assert_eq!(buffer.capacity(), capacity);
        }
    }
}

/// The smallest buffer is as small as that, and no smaller.
/// 5.2: RSV1, RSV2 and RSV3 are kept as they come and written as they are set: whether they may be set, an extension
/// decides, and not the header.
#[test]
fn a_header_keeps_each_reserved_bit() {
    for (bytes, reserved) in [
        (&b"\x81\x05"[..], 0),
        (b"\xc1\x05", 4),
        (b"\xa1\x05", 2),
        (b"\x91\x05", 1),
        (b"\xf1\x05", 7),
        (b"\xd0\x85\x37\xfa\x21\x3d", 5),
        (b"\x42\x7e\x01\x00", 4),
        (b"\x20\xff\0\0\0\0\0\x01\0\0\x01\x02\x03\x04", 2),
        (b"\xf9\x00", 7),
        (b"\xca\x7d", 4),
        (b"\x98\x82\x01\x02\x03\x04", 1),
    ] {
        let (header, size) = Header::decode(bytes).unwrap().unwrap();
        assert_eq!((header.reserved(), size), (reserved, bytes.len()));
        let encoded = |header: Header| {
            let mut out = [0; MAX_HEADER_LEN];
            let size = header.encode(&mut out).unwrap();
            out[..size].to_vec()
        };
        assert_eq!(encoded(header), bytes);
        // The bits are set anew, the rest stays; a byte has no more than these three.
        let plain = header.with_reserved(0);
        assert_eq!(encoded(plain), [&[bytes[0] & 0x8f], &bytes[1..]].concat());
        assert_eq!(plain.reserved(), 0);
        assert_eq!(plain.with_reserved(reserved), header);
        assert_eq!(plain.with_reserved(0xf8 | reserved), header);
        assert_eq!(plain.with_reserved(7).with_reserved(reserved), header);
        assert_eq!(plain.with_reserved(7).encoded_len(), header.encoded_len());
    }
    // Other faults of a header are told as without the bits.
    for (bytes, error) in [
        (&b"\xf3\x00"[..], ProtocolError::ReservedOpcode(3)),
        (b"\x79\x00", ProtocolError::FragmentedControl),
        (b"\xf9\x7e", ProtocolError::ControlTooLong),
        (b"\xf2\x7e\x00\x7d", ProtocolError::LengthNotMinimal),
        (b"\xf2\x7f\x80\0\0\0\0\0\0\0", ProtocolError::LengthTooLarge),
    ] {
        assert_eq!(Header::decode(bytes), Err(error));
    }
}

#[test]
fn a_buffer_holds_at_least_one_whole_control_frame() {
    assert_eq!(MIN_CAPACITY, 14 + 125);
    assert!(Buffer::from_slice(&mut [0; MIN_CAPACITY]).is_some());
    assert!(Buffer::from_slice(&mut [0; MIN_CAPACITY - 1]).is_none());
    assert!(Buffer::from_slice(&mut []).is_none());
}

fn spare_len_and_more(len: usize, more: usize) -> usize {
    if more.is_multiple_of(3) { usize::MAX } else { len + more }
}

/// What one end says.
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
    /// Says what there is room for.
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
        // The close may have come before the server had said all: what was heard is the beginning of it.
        assert_eq!(client.heard.pop(), Some(Seen::close(4321, "done")));
    } else {
        assert_eq!(server.heard, from_client);
        assert_eq!(client.heard, from_server);
        // Every ping was answered, in order; what else was ponged was said by the script.
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
