//! `Message`: whole messages out of chunks.

use microws::{Chunk, Event, Message, MessageKind, Whole};
use microws_tests::{Cuts, Drive, Side, in_both_roles};

const TEXT: MessageKind = MessageKind::Text;
const BINARY: MessageKind = MessageKind::Binary;

/// A message as it was when it came.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Got {
    Text(String),
    Binary(Vec<u8>),
    TooLong(MessageKind, u64),
}

fn got(whole: Whole<'_>) -> Got {
    match whole {
        Whole::Text(text) => Got::Text(text.to_owned()),
        Whole::Binary(bytes) => Got::Binary(bytes.to_vec()),
        Whole::TooLong { kind, len } => Got::TooLong(kind, len),
        other => panic!("{other:?}"),
    }
}

fn collect<S: Side, const N: usize>(frames: &[(u8, &[u8])], reads: Cuts) -> Vec<Got> {
    let (mut message, mut all) = (Message::<N>::new(), Vec::new());
    let drive = Drive { rx: 139, reads, ..Drive::default() };
    drive.run(&mut S::open(), &S::script(frames), |_, event, _| {
        if let Event::Chunk(chunk) = event {
            all.extend(message.push(chunk).map(got));
        }
    });
    all
}

in_both_roles! {
    fn messages_are_put_together_however_they_came<S: Side>() {
        let long = [3; 300];
        let frames = [(0x81, &b"Hello"[..]), (0x01, b"f\xc3"), (0x89, b"ping"), (0x00, b""), (0x80, b"\xbcnf"),
            (0x82, &long), (0x81, b""), (0x02, b""), (0x80, b"")];
        let expected = [Got::Text("Hello".to_owned()), Got::Text("fünf".to_owned()), Got::Binary(long.to_vec()),
            Got::Text(String::new()), Got::Binary(vec![])];
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::Every(2), Cuts::random(1, 50)] {
            assert_eq!(collect::<S, 300>(&frames, reads), expected);
        }
    }

    fn a_message_longer_than_n_is_skipped_and_its_length_said<S: Side>() {
        let frames = [(0x82, &b"12345"[..]), (0x82, b"123456"), (0x81, b"123456789"), (0x01, b"123"), (0x00, b"45"),
            (0x80, b"6"), (0x01, b"123456"), (0x80, b""), (0x02, b"123"), (0x80, b"45"), (0x82, &[0; 1000]),
            (0x81, b"after")];
        let expected = [Got::Binary(b"12345".to_vec()), Got::TooLong(BINARY, 6), Got::TooLong(TEXT, 9),
            Got::TooLong(TEXT, 6), Got::TooLong(TEXT, 6), Got::Binary(b"12345".to_vec()), Got::TooLong(BINARY, 1000),
            Got::Text("after".to_owned())];
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::random(2, 9)] {
            assert_eq!(collect::<S, 5>(&frames, reads), expected);
        }
    }

    /// The other choice: 1009, as soon as the header has come.
    fn a_message_longer_than_n_is_refused_if_the_caller_says_so<S: Side>() {
        let mut message = Message::<5>::default();
        let mut all = Vec::new();
        let run = Drive::default().run(
            &mut S::open().max_message_len(5),
            &S::script(&[(0x81, b"12345"), (0x81, b"123456")]),
            |_, event, _| {
                if let Event::Chunk(chunk) = event {
                    all.extend(message.push(chunk).map(got));
                }
            },
        );
        assert_eq!(all, [Got::Text("12345".to_owned())]);
        assert_eq!(S::sent(&run.output), [(0x88, b"\x03\xf1".to_vec())]);
    }
}

fn chunk<'b>(kind: MessageKind, first: bool, fin: bool, payload: &'b mut [u8]) -> Chunk<'b> {
    Chunk::new(kind, first, fin, payload)
}

#[test]
fn a_message_of_no_bytes_fits_into_none() {
    let mut message = Message::<0>::new();
    assert_eq!(message.push(&chunk(TEXT, true, true, &mut [])), Some(Whole::Text("")));
    assert_eq!(message.push(&chunk(BINARY, true, false, &mut [1])), None);
    assert_eq!(
        message.push(&chunk(BINARY, false, true, &mut [])),
        Some(Whole::TooLong { kind: BINARY, len: 1 })
    );
    assert_eq!(message.push(&chunk(BINARY, true, true, &mut [])), Some(Whole::Binary(&[])));
}

/// Nothing remains of a message that was broken off.
#[test]
fn a_first_chunk_begins_anew() {
    let mut message = Message::<4>::new();
    assert_eq!(message.push(&chunk(TEXT, true, false, &mut [b'a'; 3])), None);
    assert_eq!(message.push(&chunk(TEXT, true, true, &mut [b'b'; 4])), Some(Whole::Text("bbbb")));
    assert_eq!(message.push(&chunk(TEXT, true, false, &mut [b'a'; 5])), None);
    assert_eq!(message.push(&chunk(TEXT, true, true, &mut [b'b'; 4])), Some(Whole::Text("bbbb")));
}

/// Chunks of a connection are UTF-8; what else calls itself text is bytes.
#[test]
fn text_that_is_no_utf8_is_handed_out_as_bytes() {
    let mut message = Message::<4>::new();
    assert_eq!(message.push(&chunk(TEXT, true, true, &mut [0xff])), Some(Whole::Binary(&[0xff])));
}
