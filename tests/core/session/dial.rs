//! From an address to an open WebSocket: names, TCP connections, answers of every kind, and deadlines.

use std::cell::RefCell;
use std::future::{pending, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_nal_async::{AddrType, Dns, TcpConnect};
use microws::handshake::{HandshakeError, KnownField, Refusal};
use microws::http::{HeadError, Url};
use microws::io::dial::{DialError, Dialer};
use microws::io::{Error, asynch, blocking};
use microws::{Client, Config, End, Overdue, Session};
use microws_tests::wire::{Broken, Stalls, Wire};
use microws_tests::{Cuts, buffer};

use crate::by_hand::ANSWER;
use crate::scripts::{LEAST, Random, random};
use crate::styles::{at_once, poll_once};

/// A stack: what its only server sends, and where was connected to.
struct Stack {
    wire: Wire,
    connected: RefCell<Vec<SocketAddr>>,
    asked: RefCell<Vec<String>>,
    address: Option<IpAddr>,
    /// It never answers.
    hangs: Hangs,
}

#[derive(Clone, Copy, PartialEq)]
enum Hangs {
    Never,
    Resolving,
    Connecting,
    /// It fails.
    Refusing,
}

impl Stack {
    fn new(answer: &[u8], stalls: Stalls, hangs: Hangs) -> Self {
        let wire = Wire::new(answer, Cuts::Every(30), Cuts::Whole, stalls);
        let address = Some(Ipv4Addr::new(192, 0, 2, 1).into());
        Self { wire, connected: RefCell::default(), asked: RefCell::default(), address, hangs }
    }
}

impl TcpConnect for Stack {
    type Error = Broken;
    type Connection<'a> = Wire;

    async fn connect(&self, remote: SocketAddr) -> Result<Wire, Broken> {
        self.connected.borrow_mut().push(remote);
        match self.hangs {
            Hangs::Connecting => pending().await,
            Hangs::Refusing => Err(Broken::Reset),
            _ => Ok(self.wire.clone()),
        }
    }
}

impl Dns for Stack {
    type Error = &'static str;

    async fn get_host_by_name(&self, host: &str, _: AddrType) -> Result<IpAddr, &'static str> {
        self.asked.borrow_mut().push(host.to_owned());
        if self.hangs == Hangs::Resolving {
            pending().await
        }
        self.address.ok_or("no such name")
    }

    async fn get_host_by_address(&self, _: IpAddr, _: &mut [u8]) -> Result<usize, &'static str> {
        unimplemented!()
    }
}

static CONFIG: Config<'static> = match Url::parse("ws://example.org:1740/room?id=7") {
    Ok(url) => Config::new().url(url),
    Err(_) => panic!(),
};
const URL: &str = "ws://example.org:1740/room?id=7";

type Socket = asynch::WebSocket<'static, Wire, Client<Random>>;
type Dialed = Result<Socket, DialError<&'static str, Broken>>;

/// Dials; a time is over at once where the stack hangs.
fn dial(stack: &Stack, url: &str, refusal: &mut Refusal<32>) -> Dialed {
    let dialer = Dialer::new(stack, stack, |_| ready(()));
    let session = Session::client(&CONFIG, random as Random);
    let (rx, tx) = (buffer(LEAST), buffer(LEAST));
    at_once(dialer.dial(Url::parse(url).unwrap(), rx, tx, session, |event| refusal.note(&event)))
}

#[test]
fn a_name_is_resolved_connected_to_and_opened() {
    let stack = Stack::new(ANSWER, Stalls::Never, Hangs::Never);
    let mut refusal = Refusal::new();
    let mut socket = dial(&stack, URL, &mut refusal).unwrap();
    assert_eq!(*stack.asked.borrow(), ["example.org"]);
    assert_eq!(*stack.connected.borrow(), ["192.0.2.1:1740".parse().unwrap()]);
    assert!(stack.wire.output().starts_with(b"GET /room?id=7 HTTP/1.1\r\nHost: example.org:1740\r\n"));
    assert_eq!(refusal.status(), 101);
    at_once(socket.sender().send_text("hi")).unwrap();
}

#[test]
fn an_address_in_numbers_asks_no_dns() {
    for (url, address) in [("ws://127.0.0.1", "127.0.0.1:80"), ("ws://[2001:db8::1]:9/", "[2001:db8::1]:9")] {
        let stack = Stack::new(ANSWER, Stalls::Never, Hangs::Resolving);
        dial(&stack, url, &mut Refusal::new()).unwrap();
        assert!(stack.asked.borrow().is_empty());
        assert_eq!(*stack.connected.borrow(), [address.parse().unwrap()]);
    }
}

#[test]
fn every_step_fails_with_its_own_reason() {
    let failed = |stack: &Stack| dial(stack, URL, &mut Refusal::new()).unwrap_err();
    let mut stack = Stack::new(ANSWER, Stalls::Never, Hangs::Refusing);
    assert_eq!(failed(&stack), DialError::Connect(Broken::Reset));
    stack.address = None;
    assert_eq!(failed(&stack), DialError::Resolve("no such name"));
    assert_eq!(failed(&Stack::new(ANSWER, Stalls::Never, Hangs::Resolving)), DialError::TooLate);
    assert_eq!(failed(&Stack::new(ANSWER, Stalls::Never, Hangs::Connecting)), DialError::TooLate);
    // The server is silent: before its answer, or in the middle of it.
    let overdue = DialError::Open(Error::End(End::Overdue(Overdue::Handshake)));
    for answer in [&b""[..], b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"] {
        assert_eq!(failed(&Stack::new(answer, Stalls::Reading, Hangs::Never)), overdue);
    }
    assert_eq!(
        failed(&Stack::new(b"", Stalls::FailingFrom(2), Hangs::Never)),
        DialError::Open(Error::Io(Broken::Reset))
    );
    let stack = Stack::new(ANSWER, Stalls::Never, Hangs::Never);
    assert_eq!(dial(&stack, "wss://h/", &mut Refusal::new()).unwrap_err(), DialError::NeedsTls);
    assert!(stack.connected.borrow().is_empty());
}

#[test]
fn a_dial_waits_as_long_as_it_may_and_is_dropped_without_trace() {
    for hangs in [Hangs::Resolving, Hangs::Connecting, Hangs::Never] {
        let stack = Stack::new(b"", Stalls::Reading, hangs);
        let slept = RefCell::new(Vec::new());
        let mut dialer = Dialer::new(&stack, &stack, |milliseconds| {
            slept.borrow_mut().push(milliseconds);
            pending()
        });
        dialer.connect_within = 3_000;
        let session = Session::client(&CONFIG, random as Random);
        let url = Url::parse(URL).unwrap();
        assert!(poll_once!(dialer.dial(url, buffer(LEAST), buffer(LEAST), session, |_| {})));
        // What the configuration says about the handshake.
        assert_eq!(*slept.borrow(), if hangs == Hangs::Never { vec![3_000, 10_000] } else { vec![3_000] });
    }
    // 0 waits forever.
    let stack = Stack::new(b"", Stalls::Reading, Hangs::Connecting);
    let mut dialer = Dialer::new(&stack, &stack, |_| ready(()));
    dialer.connect_within = 0;
    assert!(poll_once!(dialer.connect(Url::parse(URL).unwrap())));
}

#[test]
fn a_stream_for_tls_is_connected_to_the_port_of_wss() {
    let stack = Stack::new(b"", Stalls::Never, Hangs::Never);
    let dialer = Dialer::new(&stack, &stack, |_| ready(()));
    assert!(at_once(dialer.connect(Url::parse("wss://example.org/").unwrap())).is_ok());
    assert_eq!(*stack.connected.borrow(), ["192.0.2.1:443".parse().unwrap()]);
}

#[test]
fn errors_say_what_failed() {
    type All = DialError<&'static str, Broken>;
    use std::error::Error as _;
    for (error, text, has_source) in [
        (All::NeedsTls, "TLS", false),
        (All::Resolve("no such name"), "no such name", false),
        (All::Connect(Broken::Reset), "no TCP connection: ", true),
        (All::TooLate, "in time", false),
        (
            All::Open(Error::End(End::Rejected(HandshakeError::Status(401)))),
            "status 401 instead of 101",
            true,
        ),
    ] {
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.source().is_some(), has_source);
    }
}

#[test]
fn a_refusal_keeps_status_retry_after_and_location() {
    let refusal = |answer: &str| {
        let mut refusal = Refusal::new();
        let head = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        let error = dial(&Stack::new(head.as_bytes(), Stalls::Often, Hangs::Never), URL, &mut refusal);
        // Such a stack stalls: the deadline is over at once.
        assert!(error.is_err());
        let mut refusal = Refusal::<32>::new();
        let error =
            dial(&Stack::new(head.as_bytes(), Stalls::Never, Hangs::Never), URL, &mut refusal).unwrap_err();
        assert_eq!(
            error,
            DialError::Open(Error::End(End::Rejected(HandshakeError::Status(refusal.status()))))
        );
        (refusal.status(), refusal.retry_after(), refusal.location().map(str::to_owned))
    };
    let there = Some("ws://other.example/room".to_owned());
    for (answer, expected) in [
        ("401 Unauthorized\r\nWWW-Authenticate: Bearer", (401, None, None)),
        ("301 Moved\r\nlocation: ws://other.example/room", (301, None, there)),
        ("307 \r\nLocation: ws://other.example/a-very-long-path", (307, None, None)),
        ("308 \r\nLocation:", (308, None, None)),
        ("429 Too Many Requests\r\nRETRY-AFTER:  120 ", (429, Some(120), None)),
        ("503 \r\nRetry-After: 0", (503, Some(0), None)),
        ("503 \r\nRetry-After: 99999999999", (503, Some(u32::MAX), None)),
        ("503 \r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT", (503, None, None)),
        ("503 \r\nRetry-After: -1", (503, None, None)),
        ("503 \r\nRetry-After:", (503, None, None)),
        // The fields of an interim response do not count.
        ("103 Early\r\nRetry-After: 9\r\n\r\nHTTP/1.1 404 ", (404, None, None)),
    ] {
        assert_eq!(refusal(answer), expected, "{answer}");
    }
    assert_eq!(
        format!("{:?}", Refusal::<9>::default()),
        "Refusal { status: 0, retry_after: None, location: None }"
    );
}

/// Every answer of a server, the error that it ends in, a word of the cause and a word of the advice.
fn answers() -> Vec<(Vec<u8>, End, &'static str, &'static str)> {
    use HandshakeError::{
        Head, Invalid, Missing, Status, UnofferedExtension, UnofferedSubprotocol, WrongAccept,
    };
    let answer = std::str::from_utf8(ANSWER).unwrap();
    let with = |from: &str, to: &str| {
        assert!(answer.contains(from));
        answer.replace(from, to).into_bytes()
    };
    let status = |status: u16, what: &'static str| {
        let head = format!("HTTP/1.1 {status} \r\nContent-Length: 5\r\n\r\nhello");
        (head.into_bytes(), End::Rejected(Status(status)), "instead of 101", what)
    };
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n<\r\n"
        .to_vec();
    let endless =
        b"HTTP/1.1 101 Switching\r\n".iter().chain(b"A: b\r\n".repeat(101).iter()).copied().collect();
    let mut answers = vec![
        (page, End::Rejected(Status(200)), "status 200 instead of 101", "no WebSocket is served there"),
        (
            with("HTTP/1.1", "HTTP/1.0"),
            End::Rejected(Head(HeadError::HttpVersion)),
            "HTTP version",
            "no WebSocket server",
        ),
        (
            with("HTTP/1.1", "HTTP/2.0"),
            End::Rejected(Head(HeadError::HttpVersion)),
            "HTTP version",
            "no WebSocket server",
        ),
        (
            with("Upgrade: websocket\r\n", ""),
            End::Rejected(Missing(KnownField::Upgrade)),
            "missing: Upgrade",
            "proxy",
        ),
        (
            with("Upgrade: websocket", "Upgrade: h2c"),
            End::Rejected(Invalid(KnownField::Upgrade)),
            "invalid: Upgrade",
            "proxy",
        ),
        (
            with("Connection: Upgrade\r\n", ""),
            End::Rejected(Missing(KnownField::Connection)),
            "missing: Connection",
            "proxy",
        ),
        (with("s3pP", "XXXX"), End::Rejected(WrongAccept), "does not belong to the key", "proxy"),
        (
            with("\r\n\r\n", "\r\nSec-WebSocket-Protocol: other\r\n\r\n"),
            End::Rejected(UnofferedSubprotocol),
            "subprotocol",
            "offer what it speaks",
        ),
        (
            with("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n"),
            End::Rejected(UnofferedExtension),
            "extension",
            "offer what it speaks",
        ),
        (
            endless,
            End::Rejected(Head(HeadError::TooManyFields)),
            "too many header fields",
            "no WebSocket server",
        ),
        (
            b"HTTP/1.1 200 ".iter().copied().chain([b'x'; 200]).collect(),
            End::Rejected(Head(HeadError::StartLineTooLong)),
            "first line is too long",
            "make rx larger",
        ),
        (
            b"SSH-2.0-OpenSSH_9\r\n".to_vec(),
            End::Rejected(Head(HeadError::BadStartLine)),
            "is not HTTP",
            "check host, port",
        ),
        // A TLS server's alert.
        (
            b"\x15\x03\x01\0\x02\x02\x50".to_vec(),
            End::Rejected(Head(HeadError::BadStartLine)),
            "is not HTTP",
            "TLS",
        ),
        (
            b"HTTP/1.1 101 \nUpgrade".to_vec(),
            End::Rejected(Head(HeadError::BadLineEnd)),
            "CR LF",
            "no WebSocket server",
        ),
        (b"".to_vec(), End::Eof, "ended without a close frame", "check host, port and TLS"),
        (ANSWER[..60].to_vec(), End::Eof, "ended without a close frame", "check host, port and TLS"),
    ];
    for (code, what) in [
        (204, "no WebSocket is served"),
        (301, "Location"),
        (302, "Location"),
        (307, "Location"),
        (308, "Location"),
        (400, "check target, fields"),
        (401, "credentials"),
        (403, "not let this client in"),
        (404, "check host, port and path"),
        (405, "check host, port and path"),
        (407, "proxy"),
        (410, "check host, port and path"),
        (426, "proxies"),
        (429, "Retry-After"),
        (500, "try again later"),
        (502, "try again later"),
        (503, "Retry-After"),
        (599, "try again later"),
    ] {
        answers.push(status(code, what));
    }
    answers
}

#[test]
fn whatever_a_server_answers_ends_in_an_error_that_says_what_came_and_what_to_do() {
    for (answer, end, came, advice) in answers() {
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::Every(30)] {
            let shown = answer.escape_ascii();
            let wire = Wire::new(&answer, reads, Cuts::Whole, Stalls::Often);
            let session = Session::client(&CONFIG, random as Random);
            let mut socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
            assert_eq!(socket.open_with(|| 0, |_| {}), Err(Error::End(end)), "{shown}");
            assert!(end.to_string().contains(came), "{shown}: {end}");
            assert!(end.advice().contains(advice), "{shown}: {}", end.advice());
            let stack = Stack::new(&answer, Stalls::Never, Hangs::Never);
            let error = dial(&stack, URL, &mut Refusal::new()).unwrap_err();
            assert_eq!(error, DialError::Open(Error::End(end)), "{shown}");
        }
    }
}

#[test]
fn every_status_is_an_error_with_an_advice() {
    for status in (100..=999).filter(|status| *status != 101) {
        let error = HandshakeError::Status(status);
        assert!(error.to_string().contains(&status.to_string()));
        assert!(error.advice().len() > 20);
    }
}

#[test]
fn an_endless_head_ends_at_its_limit() {
    let head = [&b"HTTP/1.1 200 OK\r\n"[..], &b"A: bcdefghijklmnop\r\n".repeat(20_000)].concat();
    let config: &'static Config<'static> =
        Box::leak(Box::new(Config::new().request("h", "/").max_head(4_000, u16::MAX)));
    let wire = Wire::new(&head, Cuts::Whole, Cuts::Whole, Stalls::Never);
    let session = Session::client(config, random as Random);
    let mut socket = blocking::WebSocket::new(wire.clone(), buffer(LEAST), buffer(LEAST), session);
    let error = Err(Error::End(End::Rejected(HandshakeError::Head(HeadError::HeadTooLong))));
    assert_eq!(socket.open_with(|| 0, |_| {}), error);
    assert!(wire.read_so_far() < 4_200);
}

#[test]
fn a_blocking_stream_that_is_silent_is_given_up_by_the_clock() {
    for (answer, lines) in [(&b""[..], 0), (b"HTTP/1.1 101 Switching Protocols\r\nUpgr", 1)] {
        let wire = Wire::new(answer, Cuts::Whole, Cuts::Whole, Stalls::Reading);
        let session = Session::client(&CONFIG, random as Random);
        let mut socket = blocking::WebSocket::new(wire, buffer(LEAST), buffer(LEAST), session);
        let (mut now, mut seen) = (0, 0);
        let clock = || {
            now += 1_000;
            now
        };
        let opened = socket.open_with(clock, |_| seen += 1);
        assert_eq!(opened, Err(Error::End(End::Overdue(Overdue::Handshake))));
        assert_eq!((seen, (10_000..13_000).contains(&now)), (lines, true), "{now}");
    }
}

#[test]
fn every_end_has_an_advice() {
    use microws::{CloseCode, ProtocolError, SendError};
    for (end, advice) in [
        (End::Closed(CloseCode::NORMAL), "it is done"),
        (End::Closed(CloseCode::GOING_AWAY), "connect again"),
        (End::Closed(CloseCode::POLICY_VIOLATION), "does not allow"),
        (End::Closed(CloseCode::MESSAGE_TOO_BIG), "shorter"),
        (End::Responded, "it is done"),
        (End::Failed(ProtocolError::InvalidUtf8), "report"),
        (End::Overdue(Overdue::Handshake), "TLS"),
        (End::Overdue(Overdue::Pong), "connect again"),
        (End::Unsendable(SendError::BufferFull), "tx larger"),
        (End::Unsendable(SendError::InvalidField), "configuration"),
    ] {
        assert!(end.advice().contains(advice), "{end}: {}", end.advice());
    }
}
