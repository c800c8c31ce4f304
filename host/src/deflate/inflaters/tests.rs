//! Messages in every form and cut, and what they take of the memory.

use microws::MessageKind::{Binary, Text};
use microws::ProtocolError::{InvalidDeflate, InvalidUtf8, MessageTooBig};

use super::*;

/// "Hello" as RFC 7692 section 7.2.3.1 prints it; the same with BFINAL (7.2.3.4); as it refers to the message before
/// (7.2.3.2).
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
const FINAL: &[u8] = b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00";
const AGAIN: &[u8] = b"\xf2\x00\x11\x00\x00";

fn pool() -> Pool {
    Pool::new(1 << 20, 1 << 20)
}

/// What the message comes to whose payload comes in these parts, at most `room` bytes out at a time: its bytes, restarts,
/// and what is wrong after them.
fn inflate_parts(
    inflating: &mut Inflating,
    parts: &[&[u8]],
    room: usize,
    max: u64,
) -> (Vec<u8>, usize, Option<ProtocolError>) {
    let (mut piece, mut made, mut restarts) = (vec![0; room], Vec::new(), 0);
    for (i, part) in (1..).zip(parts) {
        let (mut input, fin) = (*part, i == parts.len());
        loop {
            let filled = inflating.fill(&mut input, fin, &mut piece, max);
            made.extend_from_slice(&piece[..filled.len]);
            restarts += filled.restarts;
            if filled.fault.is_some() {
                return (made, restarts, filled.fault);
            }
            if filled.done {
                break;
            }
            assert_eq!(filled.len, room, "there was more, and room for it");
        }
        assert!(input.is_empty());
    }
    (made, restarts, None)
}

/// The same for a message of a client without a context, cut anywhere, into pieces of any size.
fn inflate(kind: MessageKind, payload: &[u8], max: u64) -> (Vec<u8>, usize, Option<ProtocolError>) {
    let mut inflating = Inflating::new();
    inflating.begin(kind, None);
    let whole = inflate_parts(&mut inflating, &[payload], 64, max);
    for cut in 0..=payload.len() {
        let (first, second) = payload.split_at(cut);
        for room in [1, 2, 5, 64] {
            inflating.begin(kind, Some(Window::new()));
            let (made, restarts, fault) = inflate_parts(&mut inflating, &[first, second], room, max);
            assert_eq!((&made, fault), (&whole.0, whole.2), "{payload:02x?} cut at {cut}, {room} bytes out");
            assert!(restarts == whole.1 || fault.is_some(), "{payload:02x?}: {restarts}");
        }
    }
    whole
}

fn hello(times: usize) -> Vec<u8> {
    b"Hello".repeat(times)
}

#[test]
fn messages_of_every_form_are_inflated() {
    assert_eq!(inflate(Text, HELLO, 5), (hello(1), 0, None));
    assert_eq!(inflate(Text, FINAL, 5), (hello(1), 1, None));
    assert_eq!(inflate(Binary, b"\x00", 0), (vec![], 0, None));
    assert_eq!(inflate(Binary, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 5), (hello(1), 0, None));
    // The block whose header ends the message is the last of its stream as well.
    assert_eq!(inflate(Binary, b"\x01", 0), (vec![], 0, None));
    assert_eq!(inflate(Text, b"\xf2\x48\xcd\xc9\xc9\x07\x04", 5), (hello(1), 0, None));
    assert_eq!(inflate(Text, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x01", 5), (hello(1), 1, None));
    // Last blocks, empty, before the message; and what refers to before one.
    let blocks = [&b"\x01\x00\x00\xff\xff".repeat(3)[..], HELLO].concat();
    assert_eq!(inflate(Binary, &blocks, 5), (hello(1), 3, None));
    assert_eq!(inflate(Binary, &[&FINAL[..7], AGAIN].concat(), 10), (hello(2), 1, None));
}

#[test]
fn what_is_no_deflate_data_is_at_fault_after_what_was_good() {
    let garbage = |payload: &[u8]| {
        let (made, _, fault) = inflate(Binary, payload, 99);
        assert_eq!(fault, Some(InvalidDeflate), "{payload:02x?}");
        made
    };
    assert_eq!(garbage(b""), b"");
    assert_eq!(garbage(b"\x06"), b"");
    assert_eq!(garbage(b"\xf2\x48\xcd\xc9\xc9\x07\x06"), b"Hello");
    // Cut off, in a code, and before an end that is to come.
    assert!(garbage(&HELLO[..4]).starts_with(b"Hel"));
    assert_eq!(garbage(&HELLO[..6]), b"Hello");
    assert_eq!(garbage(&FINAL[..6]), b"Hello");
    assert_eq!(garbage(&FINAL[..7]), b"Hello");
    // Cut off in a block without compression: what every message ends with would be its data.
    for left in 1..=20 {
        let payload = [&[0x00, 5 + left, 0x00, !(5 + left), 0xff], &b"Hello"[..]].concat();
        assert_eq!(garbage(&payload), b"Hello", "{left} bytes left");
        assert_eq!(garbage(&[&FINAL[..7], &payload].concat()), b"HelloHello", "{left} bytes left");
    }
    garbage(b"\x00\x09\x00\xf6\xff");
}

#[test]
fn a_message_has_as_many_bytes_as_are_allowed() {
    for (max, len) in [(5, 5), (4, 4), (1, 1), (0, 0)] {
        let (made, _, fault) = inflate(Binary, HELLO, max);
        assert_eq!((made, fault), (hello(1)[..len].to_vec(), (len < 5).then_some(MessageTooBig)));
    }
    // Cut in a character: it is too long, and no more is said of it.
    assert_eq!(inflate(Text, b"\x00\x02\x00\xfd\xff\xc3\xa9\x00", 1), (vec![0xc3], 0, Some(MessageTooBig)));
}

#[test]
fn text_is_utf_8_to_its_end() {
    // A whole character, half of one, and a byte that is in none.
    for (plain, good, fault) in
        [(*b"a\xc3\xa9", 3, None), (*b"ab\xc3", 3, Some(InvalidUtf8)), (*b"a\xffb", 1, Some(InvalidUtf8))]
    {
        let payload = [b"\x00\x03\x00\xfc\xff", &plain[..], b"\x00"].concat();
        assert_eq!(inflate(Text, &payload, 3), (plain[..good].to_vec(), 0, fault));
        assert_eq!(inflate(Binary, &payload, 3), (plain.to_vec(), 0, None));
    }
    // No DEFLATE data after half a character.
    let payload = b"\x00\x01\x00\xfe\xff\xc3\x06";
    assert_eq!(inflate(Text, payload, 3), (vec![0xc3], 0, Some(InvalidDeflate)));
}

#[test]
fn what_clients_own_is_counted_in_bytes() {
    let (mut inflaters, mut pool) = (Inflaters::new(1_000_000), pool());
    let owns = |inflaters: &Inflaters, bytes: usize| {
        let left = 1_000_000 - bytes;
        for others in [0, 1, 200_000] {
            assert!(inflaters.has_room(others, left - others), "of {bytes}");
            assert!(!inflaters.has_room(others, left - others + 1), "of {bytes}");
        }
        assert!(!inflaters.is_spent(left) && inflaters.is_spent(left + 1), "of {bytes}");
        assert!(!inflaters.is_spent(left - 1), "of {bytes}");
    };
    owns(&inflaters, 0);
    let forgets = inflaters.add_window(false);
    owns(&inflaters, 0);
    let keeps = inflaters.add_window(true);
    owns(&inflaters, 32_768);
    let other = inflaters.lend(Text, Some(forgets));
    owns(&inflaters, 32_768 + 81_920);
    // A window that goes with a message and comes back.
    let message = inflaters.lend(Text, Some(keeps));
    owns(&inflaters, 32_768 + 2 * 81_920);
    inflaters.end(message, Some(keeps), &mut pool);
    owns(&inflaters, 32_768 + 81_920);
    inflaters.end(other, Some(forgets), &mut pool);
    owns(&inflaters, 32_768);
    // One that goes with a message and stays away.
    let message = inflaters.lend(Text, Some(keeps));
    inflaters.release(message, &mut pool);
    owns(&inflaters, 0);
    inflaters.remove_window(keeps);
    inflaters.remove_window(forgets);
    let keeps = inflaters.add_window(true);
    inflaters.add_window(true);
    owns(&inflaters, 2 * 32_768);
    inflaters.remove_window(keeps);
    owns(&inflaters, 32_768);
}

#[test]
fn as_many_clients_have_contexts_as_there_are_keys() {
    let mut inflaters = Inflaters::new(0);
    for _ in 0..65_533 {
        inflaters.add_window(false);
    }
    assert!(inflaters.has_room(0, 0) && !inflaters.is_spent(0));
    let last = inflaters.add_window(false);
    assert_eq!(last.get(), 65_534);
    assert!(!inflaters.has_room(0, 0) && inflaters.is_spent(0));
    inflaters.remove_window(last);
    assert!(inflaters.has_room(0, 0) && !inflaters.is_spent(0));
}

#[test]
fn a_few_inflaters_are_kept_for_the_next_messages() {
    let (mut inflaters, mut pool) = (Inflaters::new(1 << 20), pool());
    let lent: Vec<Key> = (0..6).map(|_| inflaters.lend(Binary, None)).collect();
    assert_eq!(inflaters.get(lent[5]).1.len(), 65_536);
    for (n, key) in (1..).zip(lent) {
        pool.hold(&mut inflaters.get(key).0.held, b"waits");
        inflaters.release(key, &mut pool);
        assert_eq!((inflaters.lent.len(), inflaters.spare.len()), (6 - n, n.min(4)));
    }
    // Nothing of the message before is left.
    let key = inflaters.lend(Text, None);
    assert_eq!((inflaters.lent.len(), inflaters.spare.len()), (1, 3));
    let message = inflaters.get(key).0;
    assert!(message.first && !message.fin && message.held.is_none());
    assert_eq!(format!("{message:?}"), "Inflating { kind: Text, len: 0, .. }");
}

#[test]
fn a_message_may_refer_to_those_before_where_the_window_is_kept() {
    let (mut inflaters, mut pool) = (Inflaters::new(1 << 20), pool());
    let (keeps, forgets) = (inflaters.add_window(true), inflaters.add_window(false));
    let mut message = |context, payload: &[u8]| {
        let key = inflaters.lend(Binary, Some(context));
        let came = inflate_parts(inflaters.get(key).0, &[payload], 7, 99);
        match came.2 {
            None => inflaters.end(key, Some(context), &mut pool),
            Some(_) => inflaters.release(key, &mut pool),
        }
        let window = inflaters.windows[index(context)].as_ref();
        (came.0, came.2, window.map(|window| window.slices().concat()))
    };
    assert_eq!(message(keeps, HELLO), (hello(1), None, Some(hello(1))));
    assert_eq!(message(keeps, AGAIN), (hello(1), None, Some(hello(2))));
    // A stream that ends inside of the message, and one at its end.
    assert_eq!(message(keeps, &[&FINAL[..7], AGAIN].concat()), (hello(2), None, Some(hello(4))));
    assert_eq!(message(keeps, FINAL), (hello(1), None, Some(hello(5))));
    // After a fault there is no window any more.
    assert_eq!(message(keeps, b"\x06"), (vec![], Some(InvalidDeflate), None));
    assert_eq!(message(forgets, HELLO), (hello(1), None, None));
    assert_eq!(message(forgets, AGAIN), (b"H".to_vec(), Some(InvalidDeflate), None));
}

#[test]
fn the_counts_are_taken_once() {
    let (mut inflaters, expected) = (Inflaters::new(0), Compressed { plain: 5, compressed: 7 });
    let key = inflaters.lend(Binary, None);
    inflaters.get(key).2.add(expected);
    assert_eq!(inflaters.take_counts(), expected);
    assert_eq!(inflaters.take_counts(), Compressed::default());
}
