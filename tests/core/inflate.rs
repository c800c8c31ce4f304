//! The inflater alone: RFC 7692's examples, zlib's output of every kind, and data at fault, cut anywhere.

use hex_literal::hex;
use microws::deflate::{Fault, Inflater, Next};
use microws_tests::zlib::{Compressor, STRATEGIES, judge, messages};

/// Inflates a message whose payload comes in pieces of `piece` bytes, at most `most` bytes at a time.
fn message(
    inflater: &mut Inflater,
    ring: &mut [u8],
    payload: &[u8],
    piece: usize,
    most: usize,
) -> Result<Vec<u8>, (Vec<u8>, Fault)> {
    let mut out = Vec::new();
    for part in payload.chunks(piece.max(1)) {
        let mut input = part;
        loop {
            let inflated = inflater.inflate(&mut input, ring, most);
            assert!(inflated.bytes.len() <= most);
            out.extend(&ring[inflated.bytes]);
            match inflated.next {
                Next::Input => break,
                Next::Output => {}
                Next::Fault(fault) => return Err((out, fault)),
            }
        }
        assert!(input.is_empty());
    }
    if inflater.is_complete() { Ok(out) } else { Err((out, Fault::Garbage)) }
}

fn alone(payload: &[u8]) -> Result<Vec<u8>, (Vec<u8>, Fault)> {
    let whole = message(&mut Inflater::new(), &mut [0; 32768], payload, usize::MAX, usize::MAX);
    for piece in [1, 2, 3] {
        for most in [1, 7] {
            let cut = message(&mut Inflater::new(), &mut [0; 32768], payload, piece, most);
            assert_eq!(cut, whole, "pieces of {piece}, {most} bytes out");
        }
    }
    whole
}

fn garbage(after: &[u8]) -> Result<Vec<u8>, (Vec<u8>, Fault)> {
    Err((after.to_vec(), Fault::Garbage))
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    // 7.2.3.1, in one frame and as two fragments.
    assert_eq!(alone(&hex!("f2 48 cd c9 c9 07 00")), Ok(b"Hello".to_vec()));
    // 7.2.3.2: the second message uses the window of the first.
    let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
    for payload in [&hex!("f2 48 cd c9 c9 07 00")[..], &hex!("f2 00 11 00 00")] {
        inflater.begin(true);
        assert_eq!(message(&mut inflater, &mut ring, payload, 1, 1), Ok(b"Hello".to_vec()));
    }
    // Without takeover it reaches to before the start.
    inflater.begin(false);
    assert_eq!(message(&mut inflater, &mut ring, &hex!("f2 00 11 00 00"), 9, 9), garbage(b"H"));
    // 7.2.3.3: a block without compression.
    assert_eq!(alone(&hex!("00 05 00 fa ff 48 65 6c 6c 6f 00")), Ok(b"Hello".to_vec()));
    // 7.2.3.4: a block with BFINAL set.
    assert_eq!(alone(&hex!("f3 48 cd c9 c9 07 00 00")), Ok(b"Hello".to_vec()));
    // The block that ends the message may have it as well (7.2.1).
    assert_eq!(alone(&hex!("f2 48 cd c9 c9 07 04")), Ok(b"Hello".to_vec()));
    assert_eq!(alone(&hex!("01")), Ok(Vec::new()));
    // 7.2.3.5: two blocks.
    assert_eq!(alone(&hex!("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")), Ok(b"Hello".to_vec()));
    // 7.2.3.6: an empty message.
    assert_eq!(alone(&hex!("00")), Ok(Vec::new()));
}

#[test]
fn zlib_is_read_at_every_level_strategy_window_and_takeover() {
    let mut rng = fastrand::Rng::with_seed(1951);
    for (strategy, level) in STRATEGIES.into_iter().flat_map(|s| (0..=9).map(move |level| (s, level))) {
        for (window_bits, takeover) in (9..=15).flat_map(|bits| [(bits, false), (bits, true)]) {
            let mut zlib = Compressor::new(level, window_bits, strategy);
            let (mut inflater, mut ring) = (Inflater::new(), vec![0; 1 << window_bits]);
            for (i, plain) in messages().iter().enumerate() {
                if !takeover {
                    zlib.reset();
                }
                let payload = zlib.message(plain);
                inflater.begin(takeover);
                let (piece, most) = (rng.usize(1..200), rng.usize(1..300));
                let got = message(&mut inflater, &mut ring, &payload, piece, most);
                assert_eq!(got.as_ref(), Ok(plain), "{i}: {strategy:?} {level} {window_bits} {takeover}");
            }
        }
    }
}

#[test]
fn a_ring_of_any_size_serves_what_reaches_no_further() {
    let mut zlib = Compressor::new(9, 9, zlib_rs::Strategy::Default);
    for len in [256, 257, 300, 511, 512, 1000, 4096, 32768, 40000] {
        let (mut inflater, mut ring) = (Inflater::new(), vec![0; len]);
        for plain in messages() {
            zlib.reset();
            inflater.begin(false);
            let got = message(&mut inflater, &mut ring, &zlib.message(&plain), 50, usize::MAX);
            if plain.len() <= len || len >= 512 {
                assert_eq!(got, Ok(plain));
            }
        }
    }
}

#[test]
fn a_distance_beyond_the_ring_is_told() {
    let plain = [
        &[b'x'; 10][..],
        &(0..=255).collect::<Vec<u8>>(),
        &(0..100u8).map(|i| i.wrapping_mul(7)).collect::<Vec<u8>>(),
    ]
    .concat()
    .repeat(2);
    let payload = Compressor::new(9, 15, zlib_rs::Strategy::Default).message(&plain);
    let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
    let got = message(&mut inflater, &mut ring, &payload, 1, 1).unwrap_err();
    assert_eq!(got.1, Fault::RingTooSmall(366));
    assert_eq!(got.0, plain[..got.0.len()], "the bytes before are there");
}

#[test]
fn a_distance_may_be_that_of_the_whole_ring() {
    let plain: Vec<u8> = (0..300).map(|i| (i * 7 / 3) as u8).collect();
    let stored = [&hex!("00 2c 01 d3 fe")[..], &plain, &[0x00]].concat();
    // Three bytes from 256 back, and from 257.
    for (payload, expected) in [
        (hex!("02 fa 1f 00"), Ok(plain[44..47].to_vec())),
        (hex!("02 06 00 00"), Err((vec![], Fault::RingTooSmall(257)))),
    ] {
        let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
        assert_eq!(message(&mut inflater, &mut ring, &stored, 99, 99).as_ref(), Ok(&plain));
        inflater.begin(true);
        assert_eq!(message(&mut inflater, &mut ring, &payload, 9, 9), expected);
    }
}

#[test]
fn a_message_as_long_as_the_ring_comes_in_one_piece() {
    let plain: Vec<u8> = (0..256).map(|i| (i / 3) as u8).collect();
    let payload = Compressor::new(6, 15, zlib_rs::Strategy::Default).message(&plain);
    let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
    for _ in 0..3 {
        inflater.begin(false);
        let inflated = inflater.inflate(&mut &payload[..], &mut ring, usize::MAX);
        assert_eq!((inflated.bytes, inflated.next), (0..256, Next::Input));
        assert!(inflater.is_complete());
        assert_eq!(ring[..], plain);
    }
}

#[test]
fn data_at_fault_is_refused_where_the_fault_is() {
    // BTYPE 11.
    assert_eq!(alone(&hex!("06")), garbage(b""));
    // A block without compression whose length and complement differ.
    assert_eq!(alone(&hex!("00 05 00 fb ff 48 65 6c 6c 6f 00")), garbage(b""));
    // More literal codes than 286 (HLIT 31), more distance codes than 30 (HDIST 31).
    assert_eq!(alone(&hex!("fc 00 00")), garbage(b""));
    assert_eq!(alone(&hex!("04 1f 00")), garbage(b""));
    // An over-subscribed code for code lengths: three of one bit. An incomplete one: a single one of one bit.
    assert_eq!(alone(&hex!("04 00 92 00 00 00")), garbage(b""));
    assert_eq!(alone(&hex!("04 00 02 00 00 00")), garbage(b""));
    // A distance to before the start: a match of 3 at distance 1 is the first symbol.
    assert_eq!(alone(&hex!("02 02 00")), garbage(b""));
    // The symbols 286 and 287, and the distance symbols 30 and 31, never occur.
    assert_eq!(alone(&hex!("1a 03 00 00")), garbage(b""));
}

#[test]
fn a_fault_is_told_with_the_byte_that_makes_it_one() {
    let faults = [
        // The same as above; more literal codes than 286 and more distance codes than 30, by one.
        &hex!("06")[..],
        &hex!("00 05 00 fb ff"),
        &hex!("fc 00 00"),
        &hex!("f4 00 00"),
        &hex!("04 1f 00"),
        &hex!("04 1e 00"),
        &hex!("04 00 92 00"),
        &hex!("04 00 02 00"),
        // No code for code lengths at all.
        &hex!("04 00 00 00"),
        // Code lengths that begin with a repetition of the one before, and more of them than were announced.
        &hex!("04 00 82 00"),
        &hex!("04 00 82 e0 ff 1f"),
        // 258 code lengths of 0: no code for the end of the block.
        &hex!("04 00 82 e0 7f 1b"),
        // The symbols 286 and 287, and the distance symbols 30 and 31.
        &hex!("1a 03"),
        &hex!("1a 07"),
        &hex!("02 3e"),
        &hex!("02 7e"),
    ];
    for payload in faults {
        let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
        for (i, byte) in (1..).zip(payload) {
            let next = inflater.inflate(&mut &[*byte][..], &mut ring, 1).next;
            let expected = if i < payload.len() { Next::Input } else { Next::Fault(Fault::Garbage) };
            assert_eq!(next, expected, "{i} of {payload:02x?}");
        }
    }
    // 286 and 30 codes are allowed.
    for payload in [hex!("ec 00 00"), hex!("04 1d 00")] {
        assert_eq!(Inflater::new().inflate(&mut &payload[..], &mut [0; 256], 1).next, Next::Input);
    }
}

#[test]
fn it_says_what_it_is_and_what_is_wrong() {
    assert_eq!(format!("{:?}", Inflater::default()), "Inflater { stage: Start, seen: 0 }");
    let mut inflater = Inflater::new();
    let inflated = inflater.inflate(&mut &hex!("f2 48")[..], &mut [0; 256], 9);
    assert_eq!(inflated.bytes, 0..1);
    assert_eq!(format!("{inflater:?}"), "Inflater { stage: Symbol, seen: 1 }");
    assert_eq!(Fault::Garbage.to_string(), "no DEFLATE data");
    assert_eq!(Fault::RingTooSmall(300).to_string(), "a window of 300 bytes, more than the ring");
}

#[test]
fn a_message_cut_off_at_any_byte_is_at_fault() {
    for payload in [&hex!("f2 48 cd c9 c9 07 00")[..], &hex!("00 05 00 fa ff 48 65 6c 6c 6f 00")] {
        for cut in 0..payload.len() {
            // "0x00" is a whole message.
            assert_eq!(alone(&payload[..cut]).is_ok(), payload[..cut] == [0x00], "{cut} of {payload:02x?}");
        }
    }
}

#[test]
fn a_message_that_was_given_up_anywhere_leaves_nothing_to_the_next() {
    let plain = [(0..=255).collect::<Vec<u8>>(), b"abcdef".repeat(30)].concat().repeat(2);
    let payload = Compressor::new(9, 15, zlib_rs::Strategy::Default).message(&plain);
    for cut in 0..=payload.len() {
        // Out of input, out of room in the middle of a match, and a distance that is too long for the ring.
        for (ring, most) in [(1024, usize::MAX), (1024, 260), (256, usize::MAX)] {
            let (mut inflater, mut ring) = (Inflater::new(), vec![0; ring]);
            let mut input = &payload[..cut];
            while inflater.inflate(&mut input, &mut ring, most).next == Next::Output && most == usize::MAX {}
            for keep in [false, true] {
                let mut next = inflater.clone();
                next.begin(keep);
                let hello = message(&mut next, &mut ring, &hex!("f2 48 cd c9 c9 07 00"), 9, 9);
                assert_eq!(hello, Ok(b"Hello".to_vec()), "{cut}, {keep}");
            }
        }
    }
}

#[test]
fn a_bomb_stops_where_it_is_told() {
    let payload = Compressor::new(9, 15, zlib_rs::Strategy::Default).message(&vec![0; 1 << 20]);
    assert!(payload.len() < 1100);
    let (mut inflater, mut ring) = (Inflater::new(), [0; 256]);
    let mut input = &payload[..];
    let inflated = inflater.inflate(&mut input, &mut ring, 100);
    assert_eq!((inflated.bytes, inflated.next), (0..100, Next::Output));
    assert!(input.len() > 1000, "the rest was not looked at");
}

#[test]
fn empty_blocks_go_on_for_ever() {
    let payload = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(10_000);
    assert_eq!(alone(&[&payload[..], &[0]].concat()), Ok(Vec::new()));
}

#[test]
fn any_bytes_are_judged_as_zlib_judges_them() {
    let (mut rng, mut refused) = (fastrand::Rng::with_seed(3), 0);
    for round in 0..60_000 {
        let len = rng.usize(1..60);
        let mut payload: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
        if round == 0 {
            // A code for code lengths without any code, which zlib finds out about later.
            payload = hex!(
                "64 18 00 00 8d 8c a3 f9 14 3a f4 49 46 d5 fc 7e 21 ba a2 53 03 8a 76 77 6b 10 87 f1 e2 af"
            )
            .into();
        }
        // Most begin with a block of a known type.
        payload[0] = (payload[0] & !7) | [0, 2, 4, 4][if round == 0 { 2 } else { rng.usize(..4) }];
        let mut ring = [0; 32768];
        let ours = Inflater::new().inflate(&mut &payload[..], &mut ring, usize::MAX);
        // zlib stops where a stream ends; a message goes on (7.2.1).
        let Some((theirs, valid)) = judge(&payload, ours.next == Next::Input) else {
            continue;
        };
        assert_eq!(ring[ours.bytes], theirs, "{payload:02x?}");
        assert_eq!(
            ours.next,
            if valid { Next::Input } else { Next::Fault(Fault::Garbage) },
            "{payload:02x?}"
        );
        refused += u32::from(!valid);
    }
    assert!((1_000..59_000).contains(&refused), "both kinds were tried: {refused}");
}
