//! Section 6.1 and 7.2.1: compressed messages go out, never longer than plain.

use microws::deflate::Deflater;
use microws::{Event, MessageKind, SendError, Step};
use microws_tests::zlib::{inflate, messages};
use microws_tests::{Drive, Seen, Side, buffer, frames, in_both_roles, messages as joined};

use crate::receiving::open;

const KIND: MessageKind = MessageKind::Binary;

in_both_roles! {
    fn a_message_is_sent_in_the_shorter_form<S: Side>() {
        let mut table = [0; 256];
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut connection, mut tx) = (open::<S>(), buffer(20_000));
        for plain in messages() {
            tx.consume(usize::MAX);
            connection.send_compressed(&mut tx, &mut deflater, KIND, &plain).unwrap();
            let (b0, payload) = S::sent(tx.filled()).pop().unwrap();
            assert_eq!(deflater.saved(), plain.len() - payload.len());
            if deflater.saved() == 0 {
                assert_eq!((b0, payload), (0x82, plain));
            } else {
                assert_eq!(b0, 0xc2);
                assert_eq!(inflate(&payload, 15, plain.len()), Some(plain));
            }
        }
    }

    fn without_negotiation_everything_goes_plain<S: Side>() {
        let mut table = [0; 256];
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut connection, mut tx) = (S::open(), buffer(512));
        connection.send_compressed(&mut tx, &mut deflater, KIND, &[7; 100]).unwrap();
        assert_eq!((S::sent(tx.filled()), deflater.saved()), (vec![(0x82, vec![7; 100])], 0));
        assert_eq!(connection.send_deflated(&mut tx, KIND, &[0], true), Err(SendError::NotNegotiated));
        assert_eq!(SendError::NotNegotiated.to_string(), "compression was not negotiated");
    }

    fn after_a_close_frame_nothing_is_sent<S: Side>() {
        let mut table = [0; 256];
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut connection, mut tx) = (open::<S>(), buffer(512));
        connection.send_fragment(&mut tx, KIND, b"x", false).unwrap();
        assert_eq!(
            connection.send_compressed(&mut tx, &mut deflater, KIND, &[7; 100]),
            Err(SendError::MessageInProgress)
        );
        connection.close(&mut tx, microws::CloseCode::NORMAL, "").unwrap();
        let before = tx.len();
        for message in [&[7; 100][..], b"no shorter"] {
            let closed = connection.send_compressed(&mut tx, &mut deflater, KIND, message);
            assert_eq!(closed, Err(SendError::Closed));
        }
        assert_eq!(connection.send_deflated(&mut tx, KIND, &[0], true), Err(SendError::Closed));
        assert_eq!(tx.len(), before);
    }

    fn a_message_that_does_not_fit_changes_nothing<S: Side>() {
        let mut table = [0; 256];
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut connection, mut tx) = (open::<S>(), buffer(139));
        let noise: Vec<u8> = (0..255).map(|i: u8| i.wrapping_mul(97) ^ (i >> 1)).collect();
        let full = connection.send_compressed(&mut tx, &mut deflater, KIND, &noise);
        assert_eq!((full, tx.len()), (Err(SendError::BufferFull), 0));
        // Compressed it fits.
        connection.send_compressed(&mut tx, &mut deflater, KIND, &[7; 4000]).unwrap();
        assert_eq!(S::sent(tx.filled())[0].0, 0xc2);
    }

    fn parts_that_an_engine_made_are_framed<S: Side>() {
        let (mut connection, mut tx) = (open::<S>(), buffer(512));
        connection.send_deflated(&mut tx, MessageKind::Text, b"\xf2\x48\xcd", false).unwrap();
        connection.ping(&mut tx, b"!").unwrap();
        // Nothing plain may go into it.
        assert_eq!(connection.send_fragment(&mut tx, MessageKind::Text, b"x", true), Err(SendError::MessageInProgress));
        connection.send_deflated(&mut tx, MessageKind::Text, b"\xc9\xc9\x07\x00", true).unwrap();
        connection.send_fragment(&mut tx, KIND, b"x", false).unwrap();
        // Nor anything compressed into a plain one.
        assert_eq!(connection.send_deflated(&mut tx, KIND, b"\0", true), Err(SendError::MessageInProgress));
        connection.send_fragment(&mut tx, KIND, b"y", true).unwrap();
        let sent: Vec<u8> = S::sent(tx.filled()).into_iter().map(|(b0, _)| b0).collect();
        assert_eq!(sent, [0x41, 0x89, 0x80, 0x02, 0x80]);
        let text: Vec<u8> = S::sent(tx.filled()).into_iter().filter(|(b0, _)| b0 & 0x0f < 2).flat_map(|(_, p)| p).take(7).collect();
        assert_eq!(inflate(&text, 15, 5), Some(b"Hello".to_vec()));
    }

    fn two_endpoints_understand_each_other<S: Side>() {
        let mut table = [0; 300];
        let mut deflater = Deflater::new(&mut table).unwrap();
        let (mut connection, mut tx, mut rng) = (open::<S>(), buffer(20_000), fastrand::Rng::with_seed(8));
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for plain in messages() {
            if rng.bool() {
                connection.send_compressed(&mut tx, &mut deflater, KIND, &plain).unwrap();
            } else {
                connection.send(&mut tx, KIND, &plain).unwrap();
            }
            wire.extend(tx.filled());
            tx.consume(usize::MAX);
            expected.push(Seen::binary(&plain));
        }
        // The other role hears it, by a ring as long as the longest message.
        let heard = if S::MASKS {
            Drive { ring: 8000, ..Drive::default() }.listen(&mut open::<microws_tests::ServerSide>(), &wire)
        } else {
            Drive { ring: 8000, ..Drive::default() }.listen(&mut open::<microws_tests::ClientSide>(), &wire)
        };
        assert_eq!(heard.events, expected);
    }

    fn an_echo_of_a_compressed_message_may_go_plain<S: Side>() {
        let input = S::script(&[(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00")]);
        let run = Drive { ring: 256, ..Drive::default() }.echo(&mut open::<S>(), &input);
        assert_eq!(joined(&frames(&run.output)), [(0x81, b"Hello".to_vec())]);
    }
}

#[test]
fn a_server_sends_the_header_of_a_part_alone() {
    let (mut connection, mut tx) = (open::<microws_tests::ServerSide>(), buffer(256));
    connection.send_deflated_header(&mut tx, KIND, 300, false).unwrap();
    connection.send_deflated_header(&mut tx, KIND, 1, true).unwrap();
    assert_eq!(tx.filled(), [0x42, 126, 1, 44, 0x80, 1]);
    let mut rx = buffer(139);
    assert!(!matches!(connection.receive(&mut rx, &mut tx), Step::Event(Event::Open)));
}
