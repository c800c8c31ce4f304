//! The same frames to us and to tungstenite, in both roles. Where one takes what the other refuses, the
//! difference is on the list below, or a find.
#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use microws::{MessageKind, ProtocolError};
use microws_tests::{ClientSide, Drive, End, Seen, ServerSide, Side};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

/// What may differ, each with the sentence of RFC 6455 that is for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// "in all cases, the minimal number of bytes MUST be used to encode the length" (5.2):
    /// tungstenite takes longer ones; on a control frame they are over 125 by their first byte already.
    LengthNotMinimal,
    /// A frame of up to 2^63 - 1 bytes is one like another (5.2: "the most significant bit MUST be 0", nothing
    /// less), and passes here as it comes. tungstenite needs a capacity for the whole of it, so it is given
    /// a limit, without which it panics.
    LongFrame,
    /// "reserved values MUST NOT be used" and "1004, 1005, 1006, 1015 MUST NOT be set as a status code in a
    /// Close control frame" (7.4.1), "MUST be a 2-byte unsigned integer representing a status code with
    /// value /code/ defined in Section 7.4" (5.5.1): tungstenite hands the close out, with a code of its own.
    CloseCode,
    /// "status codes in the range 1000-2999 are reserved for definition by this protocol, its future
    /// revisions, and extensions" (7.4.2): 1014 is in IANA's registry by now, tungstenite does not know it.
    CloseCode1014,
    /// "_Fail the WebSocket Connection_" (7.1.7) comes when the fault is seen: in a header that is not whole,
    /// in a payload that is not (8.1, for text). tungstenite waits for the whole frame.
    Sooner,
}

/// How a run ended, in terms of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    WantsMore,
    Closed(u16),
    Refused,
    /// tungstenite's limit for a frame.
    OverLimit,
}

/// What was heard in terms of both: whole messages, pings and pongs.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Heard {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

fn ours<S: Side>(input: &[u8]) -> (Vec<Heard>, Outcome, Option<ProtocolError>) {
    let run = Drive::default().listen(&mut S::open(), input);
    let (mut heard, mut begun, mut outcome) = (Vec::new(), Vec::new(), Outcome::WantsMore);
    for event in run.events {
        match event {
            Seen::Data { kind, first, fin, payload } => {
                if first {
                    begun.clear();
                }
                begun.extend(payload);
                if fin {
                    let message = std::mem::take(&mut begun);
                    heard.push(if kind == MessageKind::Text {
                        Heard::Text(message)
                    } else {
                        Heard::Binary(message)
                    });
                }
            }
            Seen::Ping(payload) => heard.push(Heard::Ping(payload)),
            Seen::Pong(payload) => heard.push(Heard::Pong(payload)),
            Seen::Close(code, _) => outcome = Outcome::Closed(code),
        }
    }
    match run.end {
        End::Failed(error) => (heard, Outcome::Refused, Some(error)),
        _ => (heard, outcome, None),
    }
}

/// Gives the input, then nothing more; takes whatever is written.
struct Wire<'a>(&'a [u8]);

impl Read for Wire<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.read(to) }
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs(role: Role, input: &[u8]) -> (Vec<Heard>, Outcome) {
    let limits = WebSocketConfig::default().max_message_size(None).max_frame_size(Some(1 << 20));
    let mut socket = WebSocket::from_raw_socket(Wire(input), role, Some(limits));
    let mut heard = Vec::new();
    let outcome = loop {
        match socket.read() {
            Ok(Message::Text(text)) => heard.push(Heard::Text(text.as_bytes().to_vec())),
            Ok(Message::Binary(bytes)) => heard.push(Heard::Binary(bytes.to_vec())),
            Ok(Message::Ping(bytes)) => heard.push(Heard::Ping(bytes.to_vec())),
            Ok(Message::Pong(bytes)) => heard.push(Heard::Pong(bytes.to_vec())),
            Ok(Message::Close(close)) => {
                break Outcome::Closed(close.map_or(1005, |close| close.code.into()));
            }
            Ok(other) => panic!("{other:?}"),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break Outcome::WantsMore,
            Err(Error::Capacity(_)) => break Outcome::OverLimit,
            Err(_) => break Outcome::Refused,
        }
    };
    (heard, outcome)
}

/// Which difference on the list this is.
fn judge(ours: Outcome, fault: Option<ProtocolError>, theirs: Outcome) -> Option<Difference> {
    match (fault, ours, theirs) {
        (Some(ProtocolError::LengthNotMinimal | ProtocolError::ControlTooLong), ..) => {
            Some(Difference::LengthNotMinimal)
        }
        (_, Outcome::WantsMore | Outcome::Refused, Outcome::OverLimit) => Some(Difference::LongFrame),
        (Some(ProtocolError::InvalidCloseCode(_)), _, Outcome::Closed(_)) => Some(Difference::CloseCode),
        (None, Outcome::Closed(1014), Outcome::Closed(1002)) => Some(Difference::CloseCode1014),
        (Some(_), _, Outcome::WantsMore) => Some(Difference::Sooner),
        _ => None,
    }
}

fn compare<S: Side>(role: Role, input: &[u8]) {
    let (heard, outcome, fault) = ours::<S>(input);
    let (their_heard, their_outcome) = theirs(role, input);
    match judge(outcome, fault, their_outcome) {
        // It goes on where we have stopped.
        Some(Difference::LengthNotMinimal) => assert!(their_heard.starts_with(&heard)),
        Some(_) => assert_eq!(heard, their_heard),
        None => assert_eq!((heard, outcome), (their_heard, their_outcome), "{fault:?}"),
    }
}

fuzz_target!(|input: &[u8]| {
    compare::<ServerSide>(Role::Server, input);
    compare::<ClientSide>(Role::Client, input);
});
