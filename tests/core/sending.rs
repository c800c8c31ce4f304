//! What RFC 6455 demands of a sender, and that every verb writes whole frames or nothing.

use microws::{CloseCode, Connection, Event, MessageKind, SendError, State, Step};
use microws_tests::frames::header;
use microws_tests::{Drive, Side, buffer, frames, in_both_roles};

const TEXT: MessageKind = MessageKind::Text;
const BINARY: MessageKind = MessageKind::Binary;

in_both_roles! {
    /// 5.2: the shortest length that holds it: 125 in one byte, 65,535 in three, the rest in nine.
    fn a_message_is_one_frame_with_the_shortest_header<S: Side>() {
        for len in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let payload: Vec<u8> = (0..len).map(|i| (i * 13) as u8).collect();
            for (kind, b0) in [(TEXT, 0x81), (BINARY, 0x82)] {
                let mut tx = buffer(70_014);
                S::open().send(&mut tx, kind, &payload).unwrap();
                let size = header(b0, S::MASKS.then_some([0; 4]), len as u64).len();
                assert_eq!(tx.len(), size + payload.len());
                assert_eq!(S::sent(tx.filled()), [(b0, payload.clone())]);
            }
        }
    }

    /// 5.4: the first frame has the opcode, the others 0; the last has FIN.
    fn fragments_have_their_opcodes_and_fin<S: Side>() {
        for (kind, opcode) in [(TEXT, 0x01), (BINARY, 0x02)] {
            let (mut connection, mut tx) = (S::open(), buffer(200));
            for (payload, fin) in [("He", false), ("", false), ("llo", true), ("alone", true)] {
                connection.send_fragment(&mut tx, kind, payload.as_bytes(), fin).unwrap();
            }
            assert_eq!(S::sent(tx.filled()), [
                (opcode, b"He".to_vec()), (0x00, vec![]), (0x80, b"llo".to_vec()),
                (0x80 | opcode, b"alone".to_vec())]);
        }
    }

    /// 5.4: control frames may stand between our fragments, and change nothing about them.
    fn control_frames_between_our_fragments_leave_them_fragments<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(200));
        connection.send_fragment(&mut tx, TEXT, b"a", false).unwrap();
        connection.ping(&mut tx, b"1").unwrap();
        connection.pong(&mut tx, b"2").unwrap();
        let mut rx = buffer(139);
        assert!(rx.push(&S::incoming(0x89, b"3")));
        assert!(matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Ping(_))));
        connection.send_fragment(&mut tx, TEXT, b"b", true).unwrap();
        assert_eq!(S::sent(tx.filled()), [
            (0x01, b"a".to_vec()), (0x89, b"1".to_vec()), (0x8a, b"2".to_vec()), (0x8a, b"3".to_vec()),
            (0x80, b"b".to_vec())]);
    }

    /// 5.4: no other message between the fragments of one.
    fn another_message_between_the_fragments_of_one_is_refused<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(200));
        connection.send_fragment(&mut tx, TEXT, b"a", false).unwrap();
        let before = tx.filled().to_vec();
        assert_eq!(connection.send(&mut tx, TEXT, b"b"), Err(SendError::MessageInProgress));
        assert_eq!(connection.send_text(&mut tx, "b"), Err(SendError::MessageInProgress));
        assert_eq!(connection.send_binary(&mut tx, b"b"), Err(SendError::MessageInProgress));
        assert_eq!(connection.send_fragment(&mut tx, BINARY, b"b", true), Err(SendError::MessageInProgress));
        let refused = connection.send_with(&mut tx, BINARY, true, |_| panic!("called in vain"));
        assert_eq!(refused, Err(SendError::MessageInProgress));
        assert_eq!(tx.filled(), before);
        connection.send_fragment(&mut tx, TEXT, b"c", true).unwrap();
        connection.send_binary(&mut tx, b"d").unwrap();
        assert_eq!(S::sent(tx.filled()), [
            (0x01, b"a".to_vec()), (0x80, b"c".to_vec()), (0x82, b"d".to_vec())]);
    }

    /// 5.5.2, 5.5.3: pings and pongs up to 125 bytes.
    fn pings_and_pongs_carry_up_to_125_bytes<S: Side>() {
        for len in [0, 1, 125] {
            let payload = vec![0x77; len];
            let mut tx = buffer(300);
            S::open().ping(&mut tx, &payload).unwrap();
            S::open().pong(&mut tx, &payload).unwrap();
            assert_eq!(S::sent(tx.filled()), [(0x89, payload.clone()), (0x8a, payload)]);
        }
        for len in [126, 127, 65_536] {
            let mut tx = buffer(300);
            assert_eq!(S::open().ping(&mut tx, &vec![0; len]), Err(SendError::ControlTooLong));
            assert_eq!(S::open().pong(&mut tx, &vec![0; len]), Err(SendError::ControlTooLong));
            assert!(tx.is_empty());
        }
    }

    /// Whole or nothing: exactly enough room, and one byte less.
    fn a_frame_that_does_not_fit_changes_nothing<S: Side>() {
        let overhead = if S::MASKS { 6 } else { 2 };
        type Verb<S> = fn(&mut Connection<<S as Side>::Role>, &mut microws::Buffer<'_>) -> Result<(), SendError>;
        let verbs: [Verb<S>; 6] = [
            |c, tx| c.send_text(tx, "12345"),
            |c, tx| c.send_fragment(tx, BINARY, b"12345", false),
            |c, tx| c.send_fragment(tx, TEXT, b"12345", true),
            |c, tx| c.ping(tx, b"12345"),
            |c, tx| c.pong(tx, b"12345"),
            |c, tx| c.close(tx, CloseCode::NORMAL, "345"),
        ];
        for (i, verb) in verbs.into_iter().enumerate() {
            // Waiting bytes at the front or, after some were consumed, elsewhere.
            for shifted in [0, 3] {
                let (mut connection, mut tx) = (S::open(), buffer(139));
                assert!(tx.push(&vec![0xee; 139 - overhead - 5 + 1]));
                tx.consume(shifted);
                assert!(tx.push(&vec![0xdd; shifted]));
                let before = tx.filled().to_vec();
                assert_eq!(verb(&mut connection, &mut tx), Err(SendError::BufferFull), "verb {i}");
                assert_eq!((tx.filled(), connection.state()), (&before[..], State::Open));
                // No fragment was begun.
                tx.consume(1);
                assert_eq!(verb(&mut connection, &mut tx), Ok(()), "verb {i}");
                assert_eq!(tx.free(), 0);
                assert_eq!(tx.filled()[..before.len() - 1], before[1..]);
                assert_eq!(S::sent(&tx.filled()[before.len() - 1..]).len(), 1);
            }
        }
    }

    /// A fragment refused for room leaves the message where it was.
    fn a_refused_fragment_is_sent_as_what_it_was<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(139));
        assert!(tx.push(&[0; 139]));
        assert_eq!(connection.send_fragment(&mut tx, TEXT, b"a", false), Err(SendError::BufferFull));
        tx.consume(139);
        connection.send_fragment(&mut tx, TEXT, b"a", false).unwrap();
        assert!(tx.push(&vec![0; tx.free()]));
        assert_eq!(connection.send_fragment(&mut tx, TEXT, b"b", true), Err(SendError::BufferFull));
        tx.consume(139);
        connection.send_fragment(&mut tx, TEXT, b"b", true).unwrap();
        assert_eq!(S::sent(tx.filled()), [(0x80, b"b".to_vec())]);
    }

    /// A payload built in place: any length that fits, with the shortest header.
    fn a_payload_built_in_place_is_sent_like_another<S: Side>() {
        for len in [0, 1, 2, 124, 125, 126, 127, 500, 65_535, 65_536, 70_000] {
            for used in [0, 1, 7] {
                let payload: Vec<u8> = (0..len).map(|i| (i * 29) as u8).collect();
                let mut tx = buffer(70_100);
                assert!(tx.push(&vec![0xee; used]));
                let sent = S::open().send_with(&mut tx, BINARY, true, |space| {
                    space[..len].copy_from_slice(&payload);
                    len
                });
                assert_eq!(sent, Ok(len));
                assert_eq!(S::sent(&tx.filled()[used..]), [(0x82, payload)]);
            }
        }
    }

    /// The room lent is never more than can be sent, whatever is free.
    fn all_the_room_lent_can_be_used<S: Side>() {
        for free in 0..=300 {
            let (mut connection, mut tx) = (S::open(), buffer(300));
            assert!(tx.push(&vec![0; 300 - free]));
            tx.consume(0);
            let mut lent = None;
            let sent = connection.send_with(&mut tx, BINARY, false, |space| {
                space.fill(0x42);
                lent = Some(space.len());
                usize::MAX
            });
            match sent {
                Ok(len) => {
                    assert_eq!(lent, Some(len));
                    assert_eq!(S::sent(&tx.filled()[300 - free..]), [(0x02, vec![0x42; len])]);
                    connection.send_fragment(&mut buffer(139), BINARY, b"", true).unwrap();
                }
                Err(error) => {
                    assert_eq!((error, lent), (SendError::BufferFull, None));
                    assert!(free < if S::MASKS { 6 } else { 2 });
                    assert_eq!(tx.free(), free);
                }
            }
        }
    }

    /// Fragments built in place are fragments.
    fn fragments_built_in_place_have_their_opcodes<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(200));
        for fin in [false, false, true] {
            connection
                .send_with(&mut tx, TEXT, fin, |space| {
                    space[0] = b'x';
                    1
                })
                .unwrap();
        }
        let opcodes: Vec<u8> = S::sent(tx.filled()).into_iter().map(|(b0, _)| b0).collect();
        assert_eq!(opcodes, [0x01, 0x00, 0x80]);
    }

    /// 5.5.1: "The application MUST NOT send any more data frames after sending a Close frame."
    fn nothing_is_sent_after_a_close<S: Side>() {
        let (mut connection, mut tx) = (S::open(), buffer(200));
        connection.send_fragment(&mut tx, TEXT, b"a", false).unwrap();
        connection.close(&mut tx, CloseCode::NORMAL, "").unwrap();
        let before = tx.filled().to_vec();
        assert_eq!(connection.send_fragment(&mut tx, TEXT, b"b", true), Err(SendError::Closed));
        let refused = connection.send_with(&mut tx, TEXT, true, |_| panic!("called in vain"));
        assert_eq!(refused, Err(SendError::Closed));
        assert_eq!(connection.ping(&mut tx, b""), Err(SendError::Closed));
        assert_eq!(connection.pong(&mut tx, b""), Err(SendError::Closed));
        assert_eq!(connection.close(&mut tx, CloseCode::NORMAL, ""), Err(SendError::Closed));
        assert_eq!(tx.filled(), before);
        assert_eq!(S::sent(&before), [(0x01, b"a".to_vec()), (0x88, b"\x03\xe8".to_vec())]);
    }

    /// What is sent and received do not depend on each other: both may be in the middle of a message.
    fn a_message_may_be_sent_while_another_arrives<S: Side>() {
        let input = S::script(&[(0x01, b"a"), (0x00, b"b"), (0x80, b"c")]);
        let mut parts = [("x", false), ("y", false), ("z", true)].into_iter();
        // One byte at a time, so that each fragment is an event.
        let run = Drive::default().run(&mut S::open(), &input, |connection, _, tx| {
            let (text, fin) = parts.next().unwrap();
            connection.send_fragment(&mut tx.buffer, BINARY, text.as_bytes(), fin).unwrap();
        });
        assert_eq!(S::sent(&run.output), [
            (0x02, b"x".to_vec()), (0x00, b"y".to_vec()), (0x80, b"z".to_vec())]);
    }
}

/// 5.3: "The masking key is a 32-bit value chosen at random by the client. When preparing a masked
/// frame, the client MUST pick a fresh masking key".
#[test]
fn the_client_takes_a_fresh_key_for_each_frame() {
    let mut next = 0u8;
    let mut client = Connection::client(|key: &mut [u8]| {
        assert_eq!(key.len(), 4);
        key.fill(next);
        next += 1;
    });
    let (mut rx, mut tx) = (buffer(139), buffer(200));
    client.send_text(&mut tx, "a").unwrap();
    client.send_fragment(&mut tx, TEXT, b"b", false).unwrap();
    client.send_with(&mut tx, TEXT, true, |_| 0).unwrap();
    client.ping(&mut tx, b"").unwrap();
    assert!(rx.push(b"\x89\x01p"));
    assert!(matches!(client.receive(&mut rx, &mut tx), Step::Event(Event::Ping(_))));
    client.close(&mut tx, CloseCode::NORMAL, "").unwrap();
    let keys: Vec<_> = frames(tx.filled()).into_iter().map(|frame| frame.key.unwrap()).collect();
    assert_eq!(keys, [[0; 4], [1; 4], [2; 4], [3; 4], [4; 4], [5; 4]]);
}

/// A frame that is refused takes no key: the random source of a device may be slow.
#[test]
fn a_refused_frame_takes_no_key() {
    let mut client = Connection::client(|_: &mut [u8]| panic!("a key for nothing"));
    let mut tx = buffer(139);
    assert!(tx.push(&[0; 139]));
    assert_eq!(client.send_text(&mut tx, ""), Err(SendError::BufferFull));
    assert_eq!(client.ping(&mut tx, &[0; 126]), Err(SendError::ControlTooLong));
    assert_eq!(client.close(&mut tx, CloseCode(1), ""), Err(SendError::InvalidCloseCode));
    assert_eq!(client.send_with(&mut tx, TEXT, true, |_| 0), Err(SendError::BufferFull));
}

/// 5.2, 5.4: a header alone is that of the frame whose payload comes from elsewhere.
#[test]
fn a_header_alone_counts_as_its_frame() {
    let (mut server, mut tx) = (Connection::server(), buffer(139));
    server.send_header(&mut tx, TEXT, 125, false).unwrap();
    server.send_header(&mut tx, TEXT, 126, false).unwrap();
    server.send_header(&mut tx, TEXT, 65_536, true).unwrap();
    assert_eq!(tx.filled(), b"\x01\x7d\x00\x7e\x00\x7e\x80\x7f\0\0\0\0\0\x01\0\0");
    server.send_header(&mut tx, BINARY, 1, false).unwrap();
    assert_eq!(server.send_header(&mut tx, TEXT, 1, true), Err(SendError::MessageInProgress));
    server.send_fragment(&mut tx, BINARY, b"a", true).unwrap();
    assert_eq!(tx.filled()[16..], *b"\x02\x01\x80\x01a");
    let full = tx.free();
    tx.commit(full);
    assert_eq!(server.send_header(&mut tx, TEXT, 1, true), Err(SendError::BufferFull));
    tx.consume(full);
    server.close(&mut tx, CloseCode::NORMAL, "").unwrap();
    assert_eq!(server.send_header(&mut tx, TEXT, 1, true), Err(SendError::Closed));
}
