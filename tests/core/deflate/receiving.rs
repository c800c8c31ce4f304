//! Section 6.2 and 7.2.2: compressed messages come in, cut anywhere.

use hex_literal::hex;
use microws::deflate::{Agreed, Params};
use microws::{Buffer, Connection, Event, MessageKind, Step};
use microws_tests::zlib::{Compressor, messages};
use microws_tests::{Cuts, Drive, End, Run, Seen, Side, in_both_roles};

use crate::serve;

pub(crate) fn agreed() -> Agreed {
    serve(Params::new(), &["permessage-deflate"]).unwrap().0.unwrap()
}

/// The peer keeps its context.
pub(crate) fn kept() -> Agreed {
    serve(Params::new().keep_peers_context(true), &["permessage-deflate"]).unwrap().0.unwrap()
}

pub(crate) fn open<S: Side>() -> Connection<S::Role> {
    S::open().agree(Some(agreed()))
}

/// The same, whole and cut at every byte, byte by byte, in the smallest buffers; `ring` is the least that serves.
pub(crate) fn everywhere<S: Side>(ring: usize, input: &[u8], open: impl Fn() -> Connection<S::Role>) -> Run {
    let whole = Drive { ring, ..Drive::default() }.listen(&mut open(), input);
    let each = (0..=input.len()).map(Cuts::At).chain([Cuts::Every(1), Cuts::Every(3)]);
    for reads in each {
        let small = Drive { rx: 139, tx: 139, ring, reads: reads.clone(), ..Drive::default() };
        assert_eq!(small.listen(&mut open(), input), whole, "{reads:?}");
    }
    assert_eq!(Drive { ring: 32768, ..Drive::default() }.listen(&mut open(), input), whole);
    whole
}

in_both_roles! {
    fn the_examples_of_the_rfc_are_heard<S: Side>() {
        let hello = Seen::text("Hello");
        let input = [
            // 7.2.3.1: in one frame, and in two fragments with a ping between.
            S::script(&[(0xc1, &hex!("f2 48 cd c9 c9 07 00"))]),
            S::script(&[(0x41, &hex!("f2 48 cd")), (0x89, b"?"), (0x80, &hex!("c9 c9 07 00"))]),
            // 7.2.3.3 to 7.2.3.6.
            S::script(&[(0xc1, &hex!("00 05 00 fa ff 48 65 6c 6c 6f 00"))]),
            S::script(&[(0xc1, &hex!("f3 48 cd c9 c9 07 00 00"))]),
            S::script(&[(0xc1, &hex!("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"))]),
            S::script(&[(0xc2, &hex!("00"))]),
            // Plain messages between compressed ones.
            S::script(&[(0x81, b"Hello"), (0x01, b"He"), (0x80, b"llo"), (0x42, b""), (0x00, b""), (0x80, &hex!("00"))]),
        ].concat();
        let run = everywhere::<S>(256, &input, open::<S>);
        assert_eq!(run.end, End::WantRead);
        assert_eq!(run.events, [
            hello.clone(),
            Seen::part(MessageKind::Text, true, false, b"He"),
            Seen::Ping(b"?".to_vec()),
            Seen::part(MessageKind::Text, false, true, b"llo"),
            hello.clone(), hello.clone(), hello.clone(), Seen::binary(b""), hello.clone(), hello, Seen::binary(b""),
        ]);
    }

    fn a_context_is_kept_where_that_was_agreed<S: Side>() {
        // 7.2.3.2, a plain message between.
        let input = S::script(&[
            (0xc1, &hex!("f2 48 cd c9 c9 07 00")), (0x81, b"plain"), (0xc1, &hex!("f2 00 11 00 00")),
        ]);
        let run = everywhere::<S>(256, &input, || S::open().agree(Some(kept())));
        assert_eq!(run.events, [Seen::text("Hello"), Seen::text("plain"), Seen::text("Hello")]);
        let run = everywhere::<S>(256, &input, open::<S>);
        assert_eq!(run.end, End::Failed(microws::ProtocolError::InvalidDeflate));
    }

    fn messages_larger_than_the_ring_pass_through_it<S: Side>() {
        let mut rng = fastrand::Rng::with_seed(4);
        for (bits, takeover) in [(9, false), (9, true), (12, false)] {
            let mut zlib = Compressor::new(6, bits, zlib_rs::Strategy::Default);
            let (mut input, mut expected) = (Vec::new(), Vec::new());
            for plain in messages() {
                if !takeover {
                    zlib.reset();
                }
                let payload = zlib.message(&plain);
                let (first, second) = payload.split_at(rng.usize(..=payload.len()));
                input.extend(S::script(&[(0x42, first), (0x80, second)]));
                expected.push(Seen::binary(&plain));
            }
            let mut drive = Drive { ring: 1 << bits, rx: 200, reads: Cuts::random(1, 300), ..Drive::default() };
            for _ in 0..2 {
                let agreed = if takeover { kept() } else { agreed() };
                let run = drive.clone().listen(&mut S::open().agree(Some(agreed)), &input);
                assert_eq!((run.end, &run.events), (End::WantRead, &expected));
                drive.reads = Cuts::Whole;
            }
        }
    }

    fn a_short_message_comes_in_one_chunk_if_it_is_waited_for<S: Side>() {
        let plain = b"{\"sensor\":\"temp-1\",\"value\":21.5,\"unit\":\"C\"}".repeat(5);
        let payload = Compressor::new(6, 15, zlib_rs::Strategy::Default).message(&plain);
        let input = S::script(&[(0xc1, &payload)]).repeat(3);
        let (mut a, mut ring, mut inflater) = ([0; 256], [0; 256], microws::deflate::Inflater::new());
        let mut rx = Buffer::new(&mut a).inflating(&mut inflater, &mut ring);
        let (mut tx, mut chunks) = (microws_tests::buffer(256), 0);
        let mut connection = open::<S>().whole_up_to(200);
        for byte in input {
            assert!(rx.push(&[byte]));
            while let Step::Event(event) = connection.receive(&mut rx, &mut tx) {
                let Event::Chunk(chunk) = event else { panic!("{event:?}") };
                assert!(chunk.first && chunk.fin && !chunk.compressed && chunk.payload == plain);
                chunks += 1;
            }
        }
        assert_eq!(chunks, 3);
    }

    fn without_an_inflater_chunks_come_as_they_are<S: Side>() {
        let input = S::script(&[
            (0x41, &hex!("f2 48 cd")), (0x80, &hex!("c9 c9 07 00")), (0x81, b"plain"), (0xc2, &hex!("00")),
        ]);
        let (mut rx, mut tx) = (microws_tests::buffer(256), microws_tests::buffer(256));
        let (mut connection, mut heard) = (open::<S>(), Vec::new());
        for byte in input {
            assert!(rx.push(&[byte]));
            while let Step::Event(event) = connection.receive(&mut rx, &mut tx) {
                let Event::Chunk(c) = event else { panic!("{event:?}") };
                if c.first {
                    heard.push((c.kind, c.compressed, Vec::new()));
                }
                heard.last_mut().unwrap().2.extend_from_slice(c.payload);
            }
        }
        assert_eq!(heard, [
            (MessageKind::Text, true, hex!("f2 48 cd c9 c9 07 00").to_vec()),
            (MessageKind::Text, false, b"plain".to_vec()),
            (MessageKind::Binary, true, vec![0]),
        ]);
    }
}
