//! `max_message_len`, `max_fragments` and `whole_up_to`, at their edges and in both roles.

use microws::{Connection, MIN_CAPACITY, MessageKind, ProtocolError, Step};
use microws_tests::frames::header;
use microws_tests::{Cuts, Drive, End, Run, Seen, Side, buffer, in_both_roles};

const BINARY: MessageKind = MessageKind::Binary;

fn listen<S: Side>(mut connection: Connection<S::Role>, frames: &[(u8, &[u8])]) -> Run {
    Drive::default().listen(&mut connection, &S::script(frames))
}

/// The payloads as they are handed out, one for each chunk.
fn chunks<S: Side>(
    mut connection: Connection<S::Role>,
    rx: usize,
    input: &[u8],
    reads: Cuts,
) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    let drive = Drive { rx, reads, ..Drive::default() };
    drive.run(&mut connection, input, |_, event, _| {
        if let microws::Event::Chunk(chunk) = event {
            chunks.push(chunk.payload.to_vec());
        }
    });
    chunks
}

in_both_roles! {
    fn a_message_as_long_as_the_limit_passes_and_a_longer_one_fails_with_1009<S: Side>() {
        for limit in [0usize, 1, 125, 126, 300] {
            let payload = vec![7; limit + 1];
            let open = || S::open().max_message_len(limit as u64);
            let run = listen::<S>(open(), &[(0x82, &payload[1..]), (0x82, &payload[1..])]);
            assert_eq!(run.events, [Seen::binary(&payload[1..]), Seen::binary(&payload[1..])]);
            assert_eq!(run.end, End::WantRead);
            let run = listen::<S>(open(), &[(0x82, &payload)]);
            assert_eq!((run.events, run.end), (vec![], End::Failed(ProtocolError::MessageTooBig)));
            assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xf1".to_vec())]);
        }
    }

    fn fragments_count_together<S: Side>() {
        let open = || S::open().max_message_len(5);
        let run = listen::<S>(open(), &[(0x02, b"abc"), (0x00, b""), (0x80, b"de"), (0x82, b"abcde")]);
        assert_eq!(run.events, [Seen::binary(b"abcde"), Seen::binary(b"abcde")]);
        let run = listen::<S>(open(), &[(0x02, b"abc"), (0x89, b"123456"), (0x80, b"def")]);
        assert_eq!(run.end, End::Failed(ProtocolError::MessageTooBig));
        assert_eq!(run.events[0], Seen::part(BINARY, true, false, b"abc"));
    }

    /// The header shows it: the connection fails before any byte of the payload has come.
    fn a_message_too_long_fails_before_its_payload_comes<S: Side>() {
        let mut connection = S::open().max_message_len(1000);
        let run = Drive::default().listen(&mut connection, &header(0x82, S::peer_key(), (1 << 63) - 1));
        assert_eq!(run.end, End::Failed(ProtocolError::MessageTooBig));
    }

    /// The longest length there is counts like another, also after other fragments.
    fn a_fragment_of_2_to_the_63_minus_1_counts<S: Side>() {
        let input = [S::script(&[(0x02, b"abc")]), header(0x00, S::peer_key(), (1 << 63) - 1)].concat();
        let run = Drive::default().listen(&mut S::open().max_message_len((1 << 63) + 2), &input);
        assert_eq!(run.end, End::WantRead);
        let run = Drive::default().listen(&mut S::open().max_message_len((1 << 63) + 1), &input);
        assert_eq!(run.end, End::Failed(ProtocolError::MessageTooBig));
    }

    /// Control frames are no messages.
    fn control_frames_are_not_limited<S: Side>() {
        let run = listen::<S>(S::open().max_message_len(0).max_fragments(1), &[(0x89, b"long ping"), (0x8a, b"long pong")]);
        assert_eq!(run.events.len(), 2);
        assert_eq!(run.end, End::WantRead);
    }

    fn a_message_in_as_many_fragments_as_the_limit_passes_and_one_more_fails_with_1008<S: Side>() {
        for limit in [1u32, 2, 10] {
            let open = || S::open().max_fragments(limit);
            let fragments = |n: u32| -> Vec<(u8, &[u8])> {
                (0..n).map(|i| {
                    let opcode = if i == 0 { 0x02 } else { 0x00 };
                    (if i == n - 1 { 0x80 | opcode } else { opcode }, &b""[..])
                }).collect()
            };
            let twice = [fragments(limit), fragments(limit)].concat();
            let run = listen::<S>(open(), &twice);
            assert_eq!(run.events, [Seen::binary(b""), Seen::binary(b"")]);
            let run = listen::<S>(open(), &fragments(limit + 1));
            assert_eq!(run.end, End::Failed(ProtocolError::TooManyFragments));
            assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xf0".to_vec())]);
        }
    }

    fn where_no_frame_is_allowed_no_message_passes<S: Side>() {
        for payload in [&b""[..], b"short", &[7; 200]] {
            let run = listen::<S>(S::open().max_fragments(0), &[(0x82, payload)]);
            assert_eq!((run.events, run.end), (vec![], End::Failed(ProtocolError::TooManyFragments)));
        }
    }

    /// Without a limit a flood of empty fragments passes; pings between are no fragments.
    fn by_default_there_is_no_limit<S: Side>() {
        let mut input = S::script(&[(0x01, b"")]);
        for _ in 0..20_000 {
            input.extend(S::incoming(0x00, b""));
        }
        input.extend(S::script(&[(0x89, b""), (0x80, b"x")]));
        let run = Drive::default().listen(&mut S::open(), &input);
        assert_eq!(run.end, End::WantRead);
    }

    /// `whole_up_to(n)`: frames of up to n bytes come in one chunk, longer ones as they arrive.
    fn a_frame_is_whole_up_to_the_length_asked_for<S: Side>() {
        for len in [0usize, 1, 99, 100, 101, 125] {
            let payload = vec![9; len];
            let input = S::incoming(0x82, &payload);
            let chunks = chunks::<S>(S::open().whole_up_to(100), MIN_CAPACITY, &input, Cuts::Every(1));
            assert_eq!(chunks.concat(), payload);
            assert_eq!(chunks.len(), if len <= 100 { 1 } else { len });
        }
    }

    /// It must fit into `rx` with its header: exactly, and one byte less.
    fn a_frame_that_does_not_fit_comes_as_it_arrives<S: Side>() {
        for rx in [MIN_CAPACITY, 200, 300] {
            let size = header(0x82, S::peer_key(), 126).len();
            let most = rx - if rx == MIN_CAPACITY { size } else { header(0x82, S::peer_key(), rx as u64 - 8).len() };
            for len in [most, most + 1] {
                let payload = vec![9; len];
                let input = S::incoming(0x82, &payload);
                let chunks = chunks::<S>(S::open().whole_up_to(u32::MAX), rx, &input, Cuts::Every(1));
                assert_eq!(chunks.concat(), payload);
                assert_eq!(chunks.len() == 1, len == most, "{len} through {rx}");
            }
        }
    }

    /// What is left of a frame is known as soon as its header is, and is nothing between frames.
    fn what_is_left_of_a_frame_is_known<S: Side>() {
        let frame = S::incoming(0x82, &[1; 10]);
        let size = frame.len() - 10;
        let (mut connection, mut rx, mut tx) = (S::open(), buffer(139), buffer(139));
        for (piece, left) in
            [(&frame[..1], 0), (&frame[1..size], 10), (&frame[size..size + 4], 6), (&frame[size + 4..], 0)]
        {
            assert!(rx.push(piece));
            while matches!(connection.receive(&mut rx, &mut tx), Step::Event(_)) {}
            assert_eq!(connection.payload_left(), left);
        }
    }

    /// Each fragment is whole by itself; pings between wait until it is complete.
    fn fragments_are_whole_one_by_one<S: Side>() {
        let input = S::script(&[(0x01, b"Hel"), (0x89, b"!"), (0x00, b""), (0x80, b"lo")]);
        let chunks = chunks::<S>(S::open().whole_up_to(100), 256, &input, Cuts::Every(1));
        assert_eq!(chunks, [&b"Hel"[..], b"", b"lo"]);
    }

    /// Until it is whole nothing of it is consumed.
    fn nothing_is_consumed_of_a_frame_that_is_to_be_whole<S: Side>() {
        let frame = S::incoming(0x81, b"not whole yet");
        for cut in 0..frame.len() {
            let (mut connection, mut rx, mut tx) = (S::open().whole_up_to(100), buffer(139), buffer(139));
            assert!(rx.push(&frame[..cut]));
            for _ in 0..2 {
                assert_eq!(connection.receive(&mut rx, &mut tx), Step::Read);
                assert_eq!(rx.filled(), &frame[..cut]);
            }
        }
    }

    /// Whole text is checked when it is whole, and nothing of it is handed out if it is not UTF-8.
    fn text_that_is_whole_fails_as_a_whole<S: Side>() {
        for bad in [&b"abc\xff"[..], b"\xff", b"abc \xe2\x82", b"\xe2\x82\x41 behind"] {
            for at in 0..=bad.len() {
                let text = [&bad[..at], bad].concat();
                if std::str::from_utf8(&bad[..at]).is_err() {
                    continue;
                }
                let mut connection = S::open().whole_up_to(100);
                let run = Drive { reads: Cuts::Every(3), ..Drive::default() }
                    .listen(&mut connection, &S::incoming(0x81, &text));
                assert_eq!(run.events, []);
                assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
                assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xef".to_vec())]);
            }
        }
        // A code point may still be cut by fragments.
        let run = Drive::default().listen(
            &mut S::open().whole_up_to(100),
            &S::script(&[(0x01, b"\xe2\x82"), (0x80, b"\xac")]),
        );
        assert_eq!(run.events, [Seen::text("€")]);
    }

    /// Text that is longer than what is to be whole fails at its first impossible byte all the same.
    fn text_that_is_not_whole_fails_at_once<S: Side>() {
        let mut input = header(0x81, S::peer_key(), 101);
        input.extend(microws_tests::frames::masked(S::peer_key(), b"a\xff"));
        let run = Drive::default().listen(&mut S::open().whole_up_to(100), &input);
        assert_eq!(run.end, End::Failed(ProtocolError::InvalidUtf8));
        // And a shorter one waits.
        let mut input = header(0x81, S::peer_key(), 100);
        input.extend(microws_tests::frames::masked(S::peer_key(), b"a\xff"));
        let run = Drive::default().listen(&mut S::open().whole_up_to(100), &input);
        assert_eq!(run.end, End::WantRead);
    }
}
