//! A byte stream over a WebSocket, in both roles, blocking and async.

use microws::io::{Error, StreamError, asynch, blocking};
use microws::{Client, CloseCode, Config, End, Endpoint, SendError, Server, Session, Upgraded};
use microws_tests::wire::{Broken, Ready, Stalls, Wire};
use microws_tests::{Cuts, buffer, frame, frames, messages};
use proptest::prelude::*;

use crate::by_hand::{ANSWER, REQUEST, config, masked};
use crate::scripts::{LEAST, Random, Side, random, server};
use crate::styles::{at_once, drop_and_call_again};

/// A blocking stream says with an error that it can't go on, which the byte stream hands on.
macro_rules! retry {
    ($polls:expr, $verb:expr) => {
        loop {
            let _ = $polls;
            match $verb {
                Err(StreamError::Io(Broken::TimedOut)) => {}
                done => break done,
            }
        }
    };
}

fn open_server() -> Session<'static, Upgraded<Server>> {
    Session::upgraded(config(Config::new()), Server)
}

fn open_client() -> Session<'static, Upgraded<Client<Random>>> {
    Session::upgraded(config(Config::new()), Client(random as Random))
}

/// What a program reads until the end, in pieces of `size`, and the end: `None` if it was 0 bytes.
type Read = (Vec<u8>, Option<StreamError<Broken>>);

macro_rules! read_all {
    ($name:ident, $adapter:ident, $io:ident, $call:ident) => {
        fn $name<R: Endpoint>(session: Session<'static, R>, wire: &Wire, size: usize, polls: usize) -> Read {
            let socket = $adapter::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
            let mut stream = $adapter::ByteStream::new(socket);
            let (mut all, mut buf) = (Vec::new(), vec![0; size]);
            let end = loop {
                assert_eq!($call!(polls, $io::Read::read(&mut stream, &mut [])), Ok(0));
                match $call!(polls, $io::Read::read(&mut stream, &mut buf)) {
                    Ok(0) => break None,
                    Ok(n) => all.extend(&buf[..n]),
                    Err(error) => break Some(error),
                }
            };
            // It stays the end.
            let again = $call!(polls, $io::Read::read(&mut stream, &mut buf));
            assert_eq!(again, end.map_or(Ok(0), Err));
            (all, end)
        }
    };
}

read_all!(read_blocking, blocking, embedded_io, retry);
read_all!(read_async, asynch, embedded_io_async, drop_and_call_again);

/// Reads `frames` in every style, role and at many cuts; gives what was read, how it ended, and what was sent.
fn read_everywhere(script: &[(u8, &[u8])], check: impl Fn(&Read, &[(u8, Vec<u8>)])) {
    for side in Side::BOTH {
        let input = side.incoming(script);
        for cuts in [Cuts::Whole, Cuts::Every(1), Cuts::Every(7), Cuts::random(5, 60)] {
            for (size, polls) in [(1, 0), (7, 0), (500, 0), (1, 1), (7, 2), (500, usize::MAX)] {
                let wire = Wire::new(&input, cuts.clone(), Cuts::Every(3), Stalls::Often);
                macro_rules! run {
                    ($session:expr) => {
                        match polls {
                            0 => read_blocking($session, &wire, size, 0),
                            polls => read_async($session, &wire, size, polls),
                        }
                    };
                }
                let read = match side {
                    Side::Server => run!(open_server()),
                    Side::Client => run!(open_client()),
                };
                check(&read, &messages(&frames(&wire.output())));
            }
        }
    }
}

#[test]
fn the_payload_of_binary_messages_is_the_stream_and_the_close_frame_its_end() {
    let long: Vec<u8> = (0..=255).cycle().take(700).collect();
    let script: [(u8, &[u8]); 8] = [
        (0x82, b"one "),
        (0x02, b"two "),
        (0x89, b"?"),
        (0x00, b""),
        (0x80, b"three "),
        (0x82, b""),
        (0x82, &long),
        (0x88, b"\x03\xe8"),
    ];
    read_everywhere(&script, |(read, end), sent| {
        assert_eq!(*read, [&b"one two three "[..], &long].concat());
        assert_eq!(*end, None);
        assert_eq!(sent, [(0x8a, b"?".to_vec()), (0x88, b"\x03\xe8".to_vec())]);
    });
}

#[test]
fn a_peer_that_goes_without_a_close_frame_is_an_error_even_between_messages() {
    for script in [&[][..], &[(0x82, &b"half a pack"[..])]] {
        read_everywhere(script, |(read, end), _| {
            assert_eq!(*read, script.first().map_or(&b""[..], |frame| frame.1));
            assert_eq!(*end, Some(StreamError::End(End::Eof)));
        });
    }
}

#[test]
fn a_text_message_is_refused_with_1003() {
    read_everywhere(&[(0x82, b"bytes"), (0x81, b"text"), (0x82, b"more")], |(read, end), sent| {
        assert_eq!((&read[..], *end), (&b"bytes"[..], Some(StreamError::NotBinary)));
        assert_eq!(sent, [(0x88, b"\x03\xeb".to_vec())]);
    });
}

#[test]
fn a_peer_at_fault_and_a_stream_that_fails_are_errors_of_their_own() {
    use microws::ProtocolError;
    read_everywhere(&[(0x82, b"bytes"), (0x83, b"")], |(read, end), sent| {
        assert_eq!(
            (&read[..], *end),
            (&b"bytes"[..], Some(StreamError::End(End::Failed(ProtocolError::ReservedOpcode(3)))))
        );
        assert_eq!(sent, [(0x88, b"\x03\xea".to_vec())]);
    });
    let wire = Wire::new(&masked(0x82, b"bytes"), Cuts::Every(3), Cuts::Whole, Stalls::FailingFrom(3));
    let (read, end) = read_async(open_server(), &wire, 9, usize::MAX);
    assert!(read.is_empty());
    assert_eq!(end, Some(StreamError::Io(Broken::Reset)));
}

#[test]
fn errors_say_their_kind_and_their_reason() {
    use embedded_io::{Error as _, ErrorKind};
    use std::error::Error as _;
    type All = StreamError<Broken>;
    for (error, kind, text) in [
        (All::Io(Broken::TimedOut), ErrorKind::TimedOut, "the stream below the WebSocket failed"),
        (
            All::End(End::Eof),
            ErrorKind::ConnectionReset,
            "the WebSocket failed: the stream ended without a close frame",
        ),
        (All::End(End::Overdue(microws::Overdue::Pong)), ErrorKind::ConnectionAborted, "no sign of life"),
        (
            All::End(End::Failed(microws::ProtocolError::InvalidUtf8)),
            ErrorKind::InvalidData,
            "broke the protocol",
        ),
        (
            All::End(End::Rejected(microws::HandshakeError::Status(401))),
            ErrorKind::ConnectionRefused,
            "status 401",
        ),
        (All::Send(SendError::Closed), ErrorKind::BrokenPipe, "a close frame was sent already"),
        (All::Send(SendError::NotNow), ErrorKind::NotConnected, "can't be sent at this point"),
        (All::NotBinary, ErrorKind::InvalidData, "not binary"),
    ] {
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.source().is_some(), error != All::NotBinary);
    }
    assert_eq!(All::from(Error::Io(Broken::Reset)), All::Io(Broken::Reset));
}

/// Writes and flushes in one style; `None` is a flush.
macro_rules! write_all {
    ($name:ident, $adapter:ident, $io:ident, $call:ident) => {
        fn $name<R: Endpoint>(
            session: Session<'static, R>,
            wire: &Wire,
            writes: &[Option<Vec<u8>>],
            polls: usize,
        ) {
            let socket = $adapter::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
            let mut stream = $adapter::ByteStream::new(socket);
            for bytes in writes {
                let Some(bytes) = bytes else {
                    $call!(polls, $io::Write::flush(&mut stream)).unwrap();
                    continue;
                };
                let mut rest = &bytes[..];
                assert_eq!($call!(polls, $io::Write::write(&mut stream, &[])), Ok(0));
                while !rest.is_empty() {
                    let n = $call!(polls, $io::Write::write(&mut stream, rest)).unwrap();
                    assert!(n > 0);
                    rest = &rest[n..];
                }
            }
            $call!(polls, $io::Write::flush(&mut stream)).unwrap();
        }
    };
}

write_all!(write_blocking, blocking, embedded_io, retry);
write_all!(write_async, asynch, embedded_io_async, drop_and_call_again);

/// The messages that come of these writes: the same in every style and however the stream stalls.
fn written(side: Side, writes: &[Option<Vec<u8>>]) -> Vec<(u8, Vec<u8>)> {
    let mut all = None;
    for polls in [0, 1, 2, usize::MAX] {
        for stalls in [Stalls::Never, Stalls::Often] {
            let wire = Wire::new(b"", Cuts::Whole, Cuts::Every(40), stalls);
            match (side, polls) {
                (Side::Server, 0) => write_blocking(open_server(), &wire, writes, 0),
                (Side::Client, 0) => write_blocking(open_client(), &wire, writes, 0),
                (Side::Server, polls) => write_async(open_server(), &wire, writes, polls),
                (Side::Client, polls) => write_async(open_client(), &wire, writes, polls),
            }
            let frames = frames(&wire.output());
            assert!(frames.iter().all(|frame| frame.key.is_some() == (side == Side::Client)));
            // The length is in as few bytes as it can be, or the frames would not be read so.
            let sent: Vec<_> = frames.into_iter().map(|frame| (frame.b0, frame.payload)).collect();
            assert_eq!(*all.get_or_insert(sent.clone()), sent);
        }
    }
    all.unwrap()
}

#[test]
fn a_flush_makes_one_message_of_all_that_was_written_before() {
    for side in Side::BOTH {
        let bytes = |text: &'static str| text.bytes().map(|byte| Some(vec![byte]));
        let writes: Vec<_> = bytes("byte").chain([None, None]).chain(bytes("by byte")).collect();
        assert_eq!(written(side, &writes), [(0x82, b"byte".to_vec()), (0x82, b"by byte".to_vec())]);
        // No flush alone makes one.
        assert_eq!(written(side, &[None]), []);
    }
}

#[test]
fn a_full_buffer_makes_a_message_without_a_flush() {
    for side in Side::BOTH {
        // 139 bytes without the longest header that they need.
        let most = LEAST - if side == Side::Client { 8 } else { 4 };
        let long: Vec<u8> = (0..=255).cycle().take(2 * most + 3).collect();
        for sizes in [1, 10, 2 * most + 3] {
            let writes: Vec<_> = long.chunks(sizes).map(|bytes| Some(bytes.to_vec())).collect();
            let lens = written(side, &writes).iter().map(|(_, payload)| payload.len()).collect::<Vec<_>>();
            assert_eq!(lens, [most, most, 3]);
        }
        // Of 125 and 126 bytes the headers differ in length.
        for len in [125, 126, most] {
            let writes: Vec<_> = long[..len].iter().map(|byte| Some(vec![*byte])).collect();
            assert_eq!(written(side, &writes), [(0x82, long[..len].to_vec())]);
        }
    }
}

#[test]
fn byte_by_byte_costs_one_header() {
    let writes = vec![Some(vec![7]); 60];
    let wire = Wire::new(b"", Cuts::Whole, Cuts::Whole, Stalls::Never);
    write_blocking(open_client(), &wire, &writes, 0);
    assert_eq!(wire.output().len(), 6 + 60);
}

proptest! {
    #[test]
    fn what_is_written_comes_out_in_order(
        writes in proptest::collection::vec(proptest::option::weighted(0.8, proptest::collection::vec(any::<u8>(), 0..300)), 0..20),
        client: bool,
    ) {
        let side = if client { Side::Client } else { Side::Server };
        let sent = written(side, &writes);
        prop_assert!(sent.iter().all(|(b0, payload)| *b0 == 0x82 && !payload.is_empty()));
        let all: Vec<u8> = writes.into_iter().flatten().flatten().collect();
        prop_assert_eq!(sent.into_iter().flat_map(|(_, payload)| payload).collect::<Vec<_>>(), all);
    }
}

#[test]
fn what_was_written_leaves_before_a_read_waits() {
    let wire = Wire::new(&masked(0x82, b"answer"), Cuts::Whole, Cuts::Whole, Stalls::Never);
    let socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), open_server());
    let mut stream = blocking::ByteStream::new(socket);
    assert_eq!(embedded_io::Write::write(&mut stream, b"quest"), Ok(5));
    assert_eq!(embedded_io::Write::write(&mut stream, b"ion"), Ok(3));
    assert!(wire.output().is_empty());
    let mut buf = [0; 9];
    assert_eq!(embedded_io::Read::read(&mut stream, &mut buf), Ok(6));
    assert_eq!((&buf[..6], &wire.output()[..]), (&b"answer"[..], &b"\x82\x08question"[..]));
}

#[test]
fn after_the_peers_close_frame_nothing_can_be_written() {
    let wire = Wire::new(&masked(0x88, b""), Cuts::Whole, Cuts::Whole, Stalls::Never);
    let socket = asynch::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), open_server());
    let mut stream = asynch::ByteStream::new(socket);
    assert_eq!(at_once(embedded_io_async::Read::read(&mut stream, &mut [0])), Ok(0));
    let closed = Err(StreamError::Send(SendError::Closed));
    assert_eq!(at_once(embedded_io_async::Write::write(&mut stream, b"x")), closed);
    assert_eq!(at_once(embedded_io_async::Write::flush(&mut stream)), Ok(()));
    assert_eq!(stream.session().end(), Some(End::Closed(CloseCode::NO_STATUS)));
    assert_eq!(at_once(stream.close()), Ok(()));
    assert_eq!(wire.output(), b"\x88\x00");
}

#[test]
fn close_sends_what_was_written_first() {
    let wire = Wire::new(&masked(0x88, b"\x03\xe8"), Cuts::Whole, Cuts::Whole, Stalls::Never);
    let socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), open_server());
    let mut stream = blocking::ByteStream::new(socket);
    assert_eq!(embedded_io::Write::write(&mut stream, b"last"), Ok(4));
    assert_eq!(stream.close(), Ok(()));
    assert_eq!(wire.output(), b"\x82\x04last\x88\x02\x03\xe8");
}

#[test]
fn the_websocket_comes_back_with_what_was_written() {
    let wire = Wire::new(REQUEST, Cuts::Whole, Cuts::Whole, Stalls::Never);
    let mut socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), server());
    let mut stream = blocking::ByteStream::new(socket);
    let early = embedded_io::Write::write(&mut stream, b"x");
    assert_eq!(early, Err(StreamError::Send(SendError::NotNow)));
    socket = stream.into_inner();
    socket.open().unwrap();
    socket.sender().send_text("hi").unwrap();
    let mut stream = blocking::ByteStream::new(socket);
    embedded_io::Write::write(&mut stream, b"bytes").unwrap();
    let mut socket = stream.into_inner();
    socket.sender().send_text("ho").unwrap();
    socket.sender().flush().unwrap();
    assert_eq!(wire.output(), [ANSWER, b"\x81\x02hi\x82\x05bytes\x81\x02ho"].concat());
}

#[test]
fn a_message_in_progress_is_not_continued_by_bytes() {
    let wire = Wire::new(b"", Cuts::Whole, Cuts::Whole, Stalls::Never);
    let mut socket = blocking::WebSocket::new(wire, buffer(LEAST), buffer(LEAST), open_server());
    socket.sender().send_fragment(microws::MessageKind::Binary, b"begun", false).unwrap();
    let mut stream = blocking::ByteStream::new(socket);
    let error = embedded_io::Write::write(&mut stream, b"x");
    assert_eq!(error, Err(StreamError::Send(SendError::MessageInProgress)));
}

#[test]
fn a_deadline_is_kept_and_what_was_written_goes_before_the_ping() {
    let wire = Wire::new(b"", Cuts::Whole, Cuts::Whole, Stalls::Never);
    let socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), open_server());
    let mut stream = blocking::ByteStream::new(socket);
    assert_eq!(stream.tick(0), Some(20_000));
    embedded_io::Write::write(&mut stream, b"x").unwrap();
    assert_eq!(stream.tick(20_000), Some(20_000));
    embedded_io::Write::flush(&mut stream).unwrap();
    assert_eq!(wire.output(), b"\x82\x01x\x89\x00");
}

/// An async stream that says whether it is ready.
struct ReadyAsync(Wire, Ready);

impl embedded_io::ErrorType for ReadyAsync {
    type Error = Broken;
}

impl embedded_io_async::Read for ReadyAsync {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        embedded_io_async::Read::read(&mut self.0, buf).await
    }
}

impl embedded_io_async::Write for ReadyAsync {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        embedded_io_async::Write::write(&mut self.0, buf).await
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        embedded_io_async::Write::flush(&mut self.0).await
    }
}

impl embedded_io::ReadReady for ReadyAsync {
    fn read_ready(&mut self) -> Result<bool, Broken> {
        embedded_io::ReadReady::read_ready(&mut self.1)
    }
}

/// A wire that says whether something has come.
fn waiting(input: &[u8]) -> (Wire, Ready) {
    let wire = Wire::new(input, Cuts::Every(2), Cuts::Whole, Stalls::Reading);
    (wire.clone(), Ready(wire))
}

#[test]
fn it_is_ready_when_payload_the_end_or_an_error_is_there() {
    use embedded_io::ReadReady;
    macro_rules! check {
        ($adapter:ident, $stream:expr, $wire:expr, $read:expr) => {{
            let socket = $adapter::WebSocket::new($stream, buffer(LEAST), buffer(LEAST), open_server());
            let mut stream = $adapter::ByteStream::new(socket);
            assert_eq!(stream.read_ready(), Ok(false));
            let bytes = [masked(0x89, b"?"), masked(0x82, b""), masked(0x82, b"abc")].concat();
            for byte in &bytes[..bytes.len() - 3] {
                $wire.deliver(&[*byte]);
                assert_eq!(stream.read_ready(), Ok(false));
            }
            for byte in bytes.last_chunk::<3>().unwrap() {
                $wire.deliver(&[*byte]);
                assert_eq!(stream.read_ready(), Ok(true));
                assert_eq!($read(&mut stream, &mut [0; 9]), Ok(1));
                assert_eq!(stream.read_ready(), Ok(false));
            }
            $wire.deliver(&masked(0x88, b""));
            assert_eq!(stream.read_ready(), Ok(true));
            assert_eq!($read(&mut stream, &mut [0; 9]), Ok(0));
            assert_eq!($wire.output(), b"\x8a\x01?\x88\x00");
        }};
    }
    let (wire, ready) = waiting(b"");
    check!(blocking, ready, wire, |stream: &mut _, buf: &mut [u8]| embedded_io::Read::read(stream, buf));
    let (wire, ready) = waiting(b"");
    check!(asynch, ReadyAsync(wire.clone(), ready), wire, |stream: &mut _, buf: &mut [u8]| at_once(
        embedded_io_async::Read::read(stream, buf)
    ));
    for (input, error) in [
        (frame(0x82, None, b""), StreamError::End(End::Failed(microws::ProtocolError::MaskMissing))),
        (masked(0x81, b"text"), StreamError::NotBinary),
    ] {
        let (wire, ready) = waiting(&input);
        let socket = blocking::WebSocket::new(ready, buffer(LEAST), buffer(LEAST), open_server());
        let mut stream = blocking::ByteStream::new(socket);
        assert_eq!(stream.read_ready(), Ok(true));
        assert_eq!(embedded_io::Read::read(&mut stream, &mut [0; 9]), Err(error));
        assert!(wire.output().starts_with(b"\x88\x02\x03"));
    }
}
