//! What an attack is, and the server that it is made on.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::time::{Duration, Instant};

use microws_tests::process::Echo;
use microws_tests::raw::{REQUEST, Raw};

/// A remark for the table, or what is wrong.
pub(crate) type Verdict = Result<String, Box<dyn Error>>;

/// Fails unless `condition` holds.
pub(crate) fn ensure(condition: bool, what: impl Display) -> Result<(), Box<dyn Error>> {
    if condition { Ok(()) } else { Err(what.to_string().into()) }
}

/// The server under attack, and a client that behaves well all the time.
pub(crate) struct Arena {
    pub(crate) echo: Echo,
    witness: RefCell<Raw>,
}

/// How long the well-behaved client waits for its echo.
const ECHO_WITHIN: Duration = Duration::from_secs(5);

impl Arena {
    /// Deadlines are short, so that each is met.
    pub(crate) fn new() -> Self {
        let echo = Echo::start(&[
            "--quiet",
            "--handshake-timeout=2",
            "--close-timeout=1",
            "--write-timeout=2",
            "--ping-interval=60",
        ]);
        let witness = RefCell::new(echo.open());
        witness.borrow().patience(ECHO_WITHIN);
        Self { echo, witness }
    }

    /// A connection on which nothing was said yet.
    pub(crate) fn tcp(&self) -> Result<Raw, Box<dyn Error>> {
        Ok(Raw::try_connect(self.echo.address())?)
    }

    /// An open WebSocket.
    pub(crate) fn open(&self) -> Result<Raw, Box<dyn Error>> {
        let mut client = self.tcp()?;
        client.try_send(REQUEST)?;
        let status = client.head()?.status;
        ensure(status == 101, format!("status {status} instead of 101"))?;
        Ok(client)
    }

    /// The well-behaved client's echo, and a newcomer's: how long they took. When it is back, the
    /// server has seen what was sent to it before.
    pub(crate) fn witness(&self) -> Result<Duration, Box<dyn Error>> {
        let started = Instant::now();
        let echo = |client: &mut Raw| client.try_echo(b"a well-behaved client");
        echo(&mut self.witness.borrow_mut()).map_err(|error| format!("the witness: {error}"))?;
        Ok(started.elapsed())
    }

    /// Someone new is served.
    pub(crate) fn newcomer(&self) -> Result<(), Box<dyn Error>> {
        let mut client = self.open().map_err(|error| format!("a newcomer: {error}"))?;
        client.patience(ECHO_WITHIN);
        Ok(client.try_echo(b"a newcomer").map_err(|error| format!("a newcomer: {error}"))?)
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
    pub(crate) act: Box<dyn Fn(&Arena) -> Verdict>,
}

impl Attack {
    /// One of those that take no time.
    pub(crate) fn quick(name: impl Into<String>, act: impl Fn(&Arena) -> Verdict + 'static) -> Self {
        Self { name: name.into(), long: false, act: Box::new(act) }
    }

    /// One that takes its time.
    pub(crate) fn long(name: impl Into<String>, act: impl Fn(&Arena) -> Verdict + 'static) -> Self {
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
        let Self { name, bytes, must } = self;
        Attack::quick(name, move |arena| {
            for one_by_one in [false, true] {
                let mut client = if open { arena.open()? } else { arena.tcp()? };
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
