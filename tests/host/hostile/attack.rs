//! What an attack is, and the server that it is made on.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::time::{Duration, Instant};

use microws_tests::process::Echo;
use microws_tests::raw::Raw;
use tempfile::NamedTempFile;

use crate::door::Door;

/// A remark for the table, or what is wrong.
pub(crate) type Verdict = Result<String, Box<dyn Error>>;

/// Fails unless `condition` holds.
pub(crate) fn ensure(condition: bool, what: impl Display) -> Result<(), Box<dyn Error>> {
    if condition { Ok(()) } else { Err(what.to_string().into()) }
}

/// The server under attack, and clients that behave well all the time.
pub(crate) struct ServerUnderTest {
    pub(crate) echo: Echo,
    pub(crate) door: Door,
    /// One that connects as the attackers do; and where they use TLS, one without.
    well_behaved: Vec<RefCell<Raw>>,
}

/// A server with these arguments, and how clients come to it: over TLS or not.
pub(crate) fn start(arguments: &[&str], tls: bool) -> (Echo, Door) {
    if !tls {
        let echo = Echo::start(arguments);
        let door = Door::plain(echo.address());
        return (echo, door);
    }
    let certificate = NamedTempFile::new().expect("a file");
    let save = format!("--tls-save={}", certificate.path().display());
    let echo = Echo::start(&[&[save.as_str()], arguments].concat());
    let door = Door::tls(echo.address(), certificate.path()).expect("the server's certificate");
    (echo, door)
}

/// How long the well-behaved client waits for its echo.
const ECHO_WITHIN: Duration = Duration::from_secs(5);

/// Memory for incomplete compressed messages, in bytes. The heap may keep it, so it is less than the growth
/// that is allowed.
pub(crate) const DEFLATE_MEMORY: u64 = 8_000_000;
const DEFLATE_MEMORY_ARGUMENT: &str = "--deflate-memory=8000000";

impl ServerUnderTest {
    /// Deadlines are short, so that each is met; that of handshakes is given in seconds.
    pub(crate) fn new(tls: bool, handshake_timeout: u32) -> Self {
        let handshake_timeout = format!("--handshake-timeout={handshake_timeout}");
        let arguments = [
            handshake_timeout.as_str(),
            "--close-timeout=1",
            "--write-timeout=2",
            "--ping-interval=60",
            DEFLATE_MEMORY_ARGUMENT,
        ];
        Self::with(&arguments, tls)
    }

    /// A server with these arguments, of whose clients this suite's come over TLS or not.
    pub(crate) fn with(arguments: &[&str], tls: bool) -> Self {
        let (echo, door) = start(&[&["--quiet"], arguments].concat(), tls);
        let connect = |door: &Door| {
            let client = door.open().expect("a server that accepts");
            client.set_timeout(ECHO_WITHIN);
            RefCell::new(client)
        };
        let well_behaved = [&door, &Door::plain(echo.address())]
            .into_iter()
            .take(if tls { 2 } else { 1 })
            .map(connect)
            .collect();
        Self { echo, door, well_behaved }
    }

    /// A connection on which nothing was said yet, except for the handshake of TLS.
    pub(crate) fn tcp(&self) -> Result<Raw, Box<dyn Error>> {
        Ok(self.door.tcp()?)
    }

    /// A connection on which nothing at all was said yet.
    pub(crate) fn bare(&self) -> Result<Raw, Box<dyn Error>> {
        Ok(Raw::try_connect(self.echo.address())?)
    }

    /// An open WebSocket.
    pub(crate) fn open(&self) -> Result<Raw, Box<dyn Error>> {
        Ok(self.door.open()?)
    }

    /// The well-behaved clients' echoes: how long they took at most. When they are back, the server has seen what was sent
    /// to it before.
    pub(crate) fn well_behaved(&self) -> Result<Duration, Box<dyn Error>> {
        let mut slowest = Duration::ZERO;
        for client in &self.well_behaved {
            let started = Instant::now();
            let echo = client.borrow_mut().try_echo(b"a well-behaved client");
            echo.map_err(|error| format!("the well-behaved client: {error}"))?;
            slowest = slowest.max(started.elapsed());
        }
        Ok(slowest)
    }

    /// A new client is served.
    pub(crate) fn newcomer(&self) -> Result<(), Box<dyn Error>> {
        for door in [&self.door, &Door::plain(self.echo.address())] {
            let mut client = door.open().map_err(|error| format!("a newcomer: {error}"))?;
            client.set_timeout(ECHO_WITHIN);
            client.try_echo(b"a newcomer").map_err(|error| format!("a newcomer: {error}"))?;
            if !self.door.is_tls() {
                break;
            }
        }
        Ok(())
    }

    /// Bytes that the server may need for a client that is open and idle: twice the state of a connection, because
    /// the table of them doubles when it is full; and that of TLS.
    pub(crate) const fn most_each(&self) -> u64 {
        if self.door.is_tls() { 1024 + 3584 } else { 1024 }
    }

    /// KiB that so many clients may leave in the server's heap when they are gone: the allocator can't give back the states
    /// of TLS that are below a table that stays; later clients get them.
    pub(crate) const fn left_by(&self, clients: u64) -> u64 {
        if self.door.is_tls() { clients * 4 } else { 0 }
    }

    /// Memory of the server's own in KiB.
    pub(crate) fn memory(&self) -> u64 {
        self.echo.memory_kib("RssAnon")
    }
}

/// An attack: its name, whether it takes long, what it does.
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) long: bool,
    pub(crate) act: Box<dyn Fn(&ServerUnderTest) -> Verdict>,
}

impl Attack {
    /// One of those that take no time.
    pub(crate) fn quick(
        name: impl Into<String>,
        act: impl Fn(&ServerUnderTest) -> Verdict + 'static,
    ) -> Self {
        Self { name: name.into(), long: false, act: Box::new(act) }
    }

    /// One that takes its time.
    pub(crate) fn long(name: impl Into<String>, act: impl Fn(&ServerUnderTest) -> Verdict + 'static) -> Self {
        Self { name: name.into(), long: true, act: Box::new(act) }
    }
}

/// What must come back.
#[derive(Debug, Clone)]
pub(crate) enum Must {
    /// An HTTP status with a reason of one line, then the end of the connection.
    Status(u16),
    /// A 101, and an echo.
    Accept,
    /// A close frame of this code, then the end of the connection.
    Close(u16),
    /// These bytes, and an echo.
    Bytes(Vec<u8>),
}

/// Bytes to send, at once and one by one, and what must come back both times.
pub(crate) struct Shot {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) must: Must,
}

impl Shot {
    pub(crate) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>, must: Must) -> Self {
        Self { name: name.into(), bytes: bytes.into(), must }
    }

    /// The attack of this shot; `open` if a WebSocket is needed for it.
    pub(crate) fn into_attack(self, open: bool) -> Attack {
        self.into_attack_on(if open { ServerUnderTest::open } else { ServerUnderTest::tcp })
    }

    /// The attack of this shot on a connection that `connect` makes.
    pub(crate) fn into_attack_on(
        self,
        connect: impl Fn(&ServerUnderTest) -> Result<Raw, Box<dyn Error>> + 'static,
    ) -> Attack {
        let Self { name, bytes, must } = self;
        Attack::quick(name, move |server| {
            for one_by_one in [false, true] {
                let mut client = connect(server)?;
                shoot(&mut client, &bytes, one_by_one);
                look(&mut client, &must)
                    .map_err(|error| format!("{error}{}", if one_by_one { ", byte by byte" } else { "" }))?;
            }
            Ok(match &must {
                Must::Status(status) => status.to_string(),
                Must::Accept => "101 and an echo".into(),
                Must::Close(code) => code.to_string(),
                Must::Bytes(_) => "the right answer".into(),
            })
        })
    }
}

/// Sends as long as the server takes it: it may refuse before the end.
fn shoot(client: &mut Raw, bytes: &[u8], one_by_one: bool) {
    // What is long is sent in pieces that are about as many.
    let piece = if one_by_one { bytes.len().div_ceil(2000) } else { bytes.len().max(1) };
    for piece in bytes.chunks(piece) {
        if client.try_send(piece).is_err() {
            break;
        }
    }
}

fn look(client: &mut Raw, must: &Must) -> Result<(), Box<dyn Error>> {
    match must {
        Must::Status(status) => {
            let answer = client.answer()?;
            ensure(answer.status == *status, format!("{} instead of {status}", answer.status))?;
            ensure(answer.body.lines().count() == 1, "no reason of one line")
        }
        Must::Accept => {
            let answer = client.head()?;
            ensure(answer.status == 101, format!("{} instead of 101", answer.status))?;
            Ok(client.try_echo(b"accepted")?)
        }
        Must::Close(code) => {
            let (came, _) = client.try_closed()?;
            ensure(came == *code, format!("close code {came} instead of {code}"))
        }
        Must::Bytes(bytes) => {
            client.try_expect(bytes)?;
            Ok(client.try_echo(b"open still")?)
        }
    }
}
