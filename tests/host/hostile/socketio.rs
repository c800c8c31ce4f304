//! Sessions of Socket.IO, half over WebSocket and half over polling: each gets back what it sends, once and in order.

use std::error::Error;
use std::io;
use std::time::{Duration, Instant};

use microws_tests::frames::frame;
use microws_tests::process::wait_until;
use microws_tests::raw::{KEY, REQUEST, Raw};

use crate::attack::{Attack, ServerUnderTest, ensure};
use crate::door::Door;

/// Sessions at once.
pub(crate) const SESSIONS: usize = 1_000;

/// Events that a session sends before it looks at what came back.
pub(crate) const BURST: u64 = 4;

/// Long enough for several pings of each session.
const TIME: Duration = Duration::from_secs(8);

/// Bytes of memory that the server may need for a session, beside those for its connections: its state twice, because the
/// table doubles when it is full, and the packets that wait.
const MOST_EACH: u64 = 4096;

/// Between two packets of a payload.
const SEPARATOR: char = '\u{1e}';

/// The last packet that a client is sent when it joins.
const NEWS: &str = r#"42["news",{"hello":"world"}]"#;

pub(crate) fn attacks() -> Vec<Attack> {
    vec![Attack::long("1,000 sessions of Socket.IO, half of them over polling", |server| {
        // Connections for POSTs rest for longer than the other attacks' timeout. A session whose last answer is a ping
        // that nobody has read ends by the ping's timeout, which must be shorter than the wait at the end.
        let arguments = ["--handshake-timeout=60", "--socketio-ping-interval=1", "--socketio-ping-timeout=8"];
        let server = ServerUnderTest::with(&arguments, server.door.is_tls());
        let before = server.memory();
        let mut crowd = Crowd::open(&server.door)?;
        let started = Instant::now();
        let mut events = 0;
        while started.elapsed() < TIME {
            events += crowd.round(BURST)?;
        }
        let rate = events as f64 / started.elapsed().as_secs_f64();
        // What had come twice would come before this.
        events += crowd.round(1)?;
        let each = server.memory().saturating_sub(before) * 1024 / SESSIONS as u64;
        // A session over polling has two connections.
        let most = MOST_EACH + server.most_each() * 3 / 2;
        ensure(each <= most, format!("{each} bytes each"))?;
        ensure(metric(&server, "events_total")? == events, format!("{events} events were not counted"))?;
        ensure(metric(&server, "sessions")? == SESSIONS as u64, "sessions have ended")?;
        drop(crowd);
        wait_until("no sessions", || metric(&server, "sessions").is_ok_and(|left| left == 0).then_some(()));
        Ok(format!("{events} events came back, {rate:.0} a second; {each} bytes each"))
    })]
}

/// A figure about Socket.IO.
fn metric(server: &ServerUnderTest, name: &str) -> Result<u64, Box<dyn Error>> {
    let mut client = server.tcp()?;
    request(&mut client, "GET", "/metrics", "")?;
    let metrics = client.answer()?.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("microws_socketio_{name} ")));
    Ok(line.ok_or("no such figure")?.parse()?)
}

/// Open sessions, all in the main namespace.
pub(crate) struct Crowd(Vec<Session>);

struct Session {
    number: usize,
    carrier: Carrier,
    /// Events said, and those that came back.
    said: u64,
    back: u64,
}

enum Carrier {
    Socket(Raw),
    /// A GET waits on the first connection all the time, and POSTs go over the second.
    Polling {
        target: String,
        get: Raw,
        post: Raw,
    },
}

impl Crowd {
    /// Of [`SESSIONS`].
    pub(crate) fn open(door: &Door) -> io::Result<Self> {
        let open = |number| {
            let carrier = if number % 2 == 0 { Carrier::socket(door) } else { Carrier::polling(door) };
            Ok(Session { number, carrier: carrier?, said: 0, back: 0 })
        };
        (0..SESSIONS).map(open).collect::<io::Result<_>>().map(Self)
    }

    /// All say so many events and get them back; how many that were.
    pub(crate) fn round(&mut self, burst: u64) -> io::Result<u64> {
        for session in &mut self.0 {
            let events: Vec<_> = (0..burst).map(|n| session.event(session.said + n)).collect();
            session.carrier.say(&events)?;
            session.said += burst;
        }
        for session in &mut self.0 {
            while session.back < session.said {
                session.hear().map_err(|error| other(&format!("session {}: {error}", session.number)))?;
            }
        }
        Ok(burst * self.0.len() as u64)
    }
}

impl Session {
    /// The `n`th event, which no other session has.
    fn event(&self, n: u64) -> String {
        let padding = "x".repeat((self.number * 7 + n as usize * 13) % 300);
        format!(r#"42["said",{},{n},"{padding}"]"#, self.number)
    }

    /// Takes what comes next.
    fn hear(&mut self) -> io::Result<()> {
        for packet in self.carrier.hear()? {
            if packet == "2" {
                self.carrier.say(&["3".into()])?;
            } else if self.back < self.said && packet == self.event(self.back) {
                self.back += 1;
            } else {
                return Err(other(&format!("{packet} instead of event {} of {}", self.back, self.said)));
            }
        }
        Ok(())
    }
}

impl Carrier {
    fn socket(door: &Door) -> io::Result<Self> {
        let mut client = door.tcp()?;
        let request = String::from_utf8_lossy(REQUEST);
        let request = request.replacen("GET / ", "GET /socket.io/?EIO=4&transport=websocket ", 1);
        client.try_send(request.as_bytes())?;
        client.head()?;
        Self::Socket(client).joined()
    }

    fn polling(door: &Door) -> io::Result<Self> {
        let (mut get, post) = (door.tcp()?, door.tcp()?);
        let target = "/socket.io/?EIO=4&transport=polling";
        request(&mut get, "GET", target, "")?;
        let open = content(&mut get)?;
        let sid = open.split(r#""sid":""#).nth(1).and_then(|rest| rest.split('"').next());
        let target = format!("{target}&sid={}", sid.ok_or_else(|| other(&open))?);
        request(&mut get, "GET", &target, "")?;
        Self::Polling { target, get, post }.joined()
    }

    /// Joins the main namespace.
    fn joined(mut self) -> io::Result<Self> {
        self.say(&["40".into()])?;
        while !self.hear()?.iter().any(|packet| packet == NEWS) {}
        Ok(self)
    }

    /// Sends packets, in one write or one POST.
    fn say(&mut self, packets: &[String]) -> io::Result<()> {
        match self {
            Self::Socket(client) => {
                let frames = packets.iter().flat_map(|packet| frame(0x81, KEY, packet.as_bytes()));
                client.try_send(&frames.collect::<Vec<_>>())
            }
            Self::Polling { target, post, .. } => {
                request(post, "POST", target, &packets.join(&SEPARATOR.to_string()))?;
                let answer = content(post)?;
                if answer == "ok" { Ok(()) } else { Err(other(&answer)) }
            }
        }
    }

    /// Waits for packets.
    fn hear(&mut self) -> io::Result<Vec<String>> {
        match self {
            Self::Socket(client) => {
                let (_, message) = client.try_message()?;
                Ok(vec![String::from_utf8_lossy(&message).into_owned()])
            }
            Self::Polling { target, get, .. } => {
                let payload = content(get)?;
                request(get, "GET", target, "")?;
                Ok(payload.split(SEPARATOR).map(str::to_owned).collect())
            }
        }
    }
}

fn request(client: &mut Raw, method: &str, target: &str, content: &str) -> io::Result<()> {
    let length =
        if method == "POST" { format!("Content-Length: {}\r\n", content.len()) } else { String::new() };
    client.try_send(
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n{content}").as_bytes(),
    )
}

/// What is answered, which must be good.
fn content(client: &mut Raw) -> io::Result<String> {
    let answer = client.answer()?;
    if answer.status == 200 { Ok(answer.body) } else { Err(other(&format!("{answer:?}"))) }
}

fn other(what: &str) -> io::Error {
    io::Error::other(what)
}
