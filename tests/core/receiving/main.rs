//! What RFC 6455 demands of a receiver, one test for each sentence, in both roles.

mod control;
mod headers;
mod messages;

use microws::{MessageKind, ProtocolError};
use microws_tests::{Drive, End, Run, Seen, Side};

const TEXT: MessageKind = MessageKind::Text;
const BINARY: MessageKind = MessageKind::Binary;

fn listen<S: Side>(input: &[u8]) -> Run {
    Drive::default().listen(&mut S::open(), input)
}

fn hears<S: Side>(frames: &[(u8, &[u8])], events: &[Seen]) {
    let run = listen::<S>(&S::script(frames));
    assert_eq!((&run.events[..], run.end), (events, End::WantRead), "{frames:02x?}");
}

/// The input ends the connection with `error`, whose close frame is the only output.
fn fails<S: Side>(input: &[u8], error: ProtocolError, close: &[u8]) -> Vec<Seen> {
    let run = listen::<S>(input);
    assert_eq!(run.end, End::Failed(error), "{input:02x?}");
    assert_eq!(S::sent(&run.output), [(0x88, close.to_vec())], "{input:02x?}");
    run.events
}

const C1002: &[u8] = b"\x03\xea";
const C1007: &[u8] = b"\x03\xef";
