//! The fast path for messages that have come whole, and the question whether there is anything to report.

use microws::{Client, Config, End, Endpoint, Event, MessageKind, Sent, Server, Session, Step};
use microws_tests::{buffer, frame};

use crate::scripts::{Random, random};

/// What a program sees, with the chunks of a message put together, and what it sends.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    messages: Vec<(MessageKind, bool, Vec<u8>)>,
    others: Vec<String>,
    output: Vec<u8>,
    end: Option<End>,
    /// Messages that came the shorter way.
    shorter: usize,
}

/// Echoes `input`, read in pieces of `cut` bytes; the shorter way is asked first if it is `asked`.
fn echo<R: Endpoint>(mut session: Session<'_, R>, input: &[u8], cut: usize, asked: bool) -> Seen {
    let (mut rx, mut tx) = (buffer(80_000), buffer(200_000));
    let (mut seen, mut pieces) = (Seen::default(), input.chunks(cut));
    loop {
        if asked {
            let awaits = session.awaits_bytes(&rx);
            while let Some(message) = session.receive_whole(&mut rx, &tx) {
                assert!(message.first && message.fin && !awaits);
                seen.messages.push((message.kind, true, message.payload.to_vec()));
                let sent = session.send_fragment(&mut tx, message.kind, message.payload, true);
                assert_eq!(sent, Ok(Sent::Done));
                seen.shorter += 1;
            }
            if session.awaits_bytes(&rx) {
                assert_eq!(session.receive(&mut rx, &mut tx), Step::Read);
            }
        }
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(chunk)) => {
                let begun = seen.messages.last_mut().filter(|_| !chunk.first);
                match begun {
                    Some((_, fin, bytes)) => {
                        bytes.extend_from_slice(chunk.payload);
                        *fin = chunk.fin;
                    }
                    None => seen.messages.push((chunk.kind, chunk.fin, chunk.payload.to_vec())),
                }
                if chunk.fin {
                    let (kind, _, message) = seen.messages.last().unwrap();
                    let _queued = session.send(&mut tx, *kind, message);
                }
            }
            Step::Event(event) => seen.others.push(format!("{event:?}")),
            step @ (Step::Read | Step::Write) => {
                seen.output.extend_from_slice(tx.filled());
                tx.consume(tx.len());
                if step == Step::Read {
                    let piece = pieces.next().unwrap_or_default();
                    rx.spare()[..piece.len()].copy_from_slice(piece);
                    session.commit(&mut rx, piece.len());
                }
            }
            Step::Shutdown => {}
            Step::End(end) => {
                seen.end = Some(end);
                return seen;
            }
        }
    }
}

fn text(len: usize) -> Vec<u8> {
    let mut text = "aé漢😀".repeat(len / 10).into_bytes();
    text.resize(len, b'x');
    text
}

/// Frames of every length at which something changes, and those that may not go the shorter way between them.
fn frames(key: Option<[u8; 4]>) -> Vec<u8> {
    let lens = [0, 1, 124, 125, 126, 127, 511, 512, 513, 4_095, 4_096, 4_097, 20_000, 65_535, 65_536];
    let mut frames = Vec::new();
    for len in lens {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 31 + i / 256) as u8).collect();
        frames.push(frame(0x82, key, &bytes));
        frames.push(frame(0x81, key, &text(len)));
        frames.push(frame(0x89, key, b"ping"));
        frames.push(frame(0x01, key, b"in "));
        frames.push(frame(0x80, key, &text(len)));
    }
    frames.concat()
}

/// The ways in which it may end.
fn endings(key: Option<[u8; 4]>) -> Vec<Vec<u8>> {
    let wrong_key = if key.is_some() { None } else { Some([1, 2, 3, 4]) };
    let mut broken = text(1_000);
    broken[700] = 0xff;
    vec![
        frame(0x88, key, b"\x03\xe8"),
        frame(0x81, key, b"\xff"),
        frame(0x81, key, &broken),
        [frame(0x81, key, &[&text(300)[..], b"\xe2\x82"].concat()), frame(0x82, key, b"behind")].concat(),
        frame(0x82, wrong_key, &[0; 300]),
        frame(0xc2, key, &[0; 300]),
        [
            &[0x82, if key.is_some() { 0xfe } else { 126 }, 0, 125][..],
            &key.unwrap_or_default()[..],
            &[0; 125],
        ]
        .concat(),
        frame(0x82, key, &[0; 70_000]),
        Vec::new(),
    ]
}

fn goes_the_same<R: Endpoint>(session: impl Fn() -> Session<'static, R>, key: Option<[u8; 4]>) {
    for ending in endings(key) {
        let input = [frames(key), ending].concat();
        for cut in [input.len().min(79_000), 70_000, 4_100, 131, 7] {
            let asked = echo(session(), &input, cut, true);
            // The small form has none: each message goes by `receive`.
            let some =
                if cfg!(feature = "compact") { asked.shorter == 0 } else { asked.shorter > 0 || cut < 50 };
            assert!(some, "{} went the shorter way", asked.shorter);
            let plain = echo(session(), &input, cut, false);
            assert_eq!(Seen { shorter: 0, ..asked }, plain, "pieces of {cut} bytes");
        }
    }
}

static CONFIG: Config<'static> = Config::new().max_message_len(69_000);

#[test]
fn messages_that_are_asked_for_the_shorter_way_are_those_of_receive() {
    goes_the_same(|| Session::upgraded(&CONFIG, Server), Some([0x37, 0xfa, 0x21, 0x3d]));
    goes_the_same(|| Session::upgraded(&CONFIG, Client(random as Random)), None);
}
