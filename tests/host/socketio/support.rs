//! Requests of Engine.IO, made by hand.

use std::time::Duration;

use microws_tests::process::Echo;
use microws_tests::raw::{Answer, Raw};

/// Long enough for anything that was said already to have come.
pub(crate) const MOMENT: Duration = Duration::from_millis(150);

/// Between two packets of a payload.
pub(crate) const SEPARATOR: &str = "\u{1e}";

/// What a client that joins gets, without its id.
pub(crate) const NEWS: &str = r#"42["news",{"hello":"world"}]"#;

pub(crate) fn target(query: &str) -> String {
    format!("/socket.io/?EIO=4&transport={query}")
}

/// Sends a request with these header lines, each with its end, and this content.
pub(crate) fn request(client: &mut Raw, method: &str, target: &str, lines: &str, content: &str) {
    let length = match method {
        "POST" => format!("Content-Length: {}\r\n", content.len()),
        _ => String::new(),
    };
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{lines}{length}\r\n");
    client.send(&[head.as_bytes(), content.as_bytes()].concat());
}

/// Asks on a connection of its own.
pub(crate) fn ask(echo: &Echo, method: &str, target: &str, lines: &str, content: &str) -> Answer {
    let mut client = echo.tcp();
    request(&mut client, method, target, lines, content);
    client.answer().unwrap()
}

/// A session over polling.
pub(crate) struct Poll<'e> {
    pub echo: &'e Echo,
    pub sid: String,
}

impl<'e> Poll<'e> {
    /// Begins one.
    pub(crate) fn open(echo: &'e Echo) -> Self {
        let answer = ask(echo, "GET", &target("polling"), "", "");
        assert_eq!(answer.status, 200, "{answer:?}");
        Self { echo, sid: sid(&answer.body) }
    }

    /// Begins one and joins the main namespace.
    pub(crate) fn joined(echo: &'e Echo) -> Self {
        let poll = Self::open(echo);
        assert_eq!(poll.post("40").body, "ok");
        let packets = poll.get().body;
        let (joined, news) = packets.split_once(SEPARATOR).expect("two packets");
        assert!(joined.starts_with(r#"40{"sid":""#) && joined.len() == 32, "{joined}");
        assert_eq!(news, NEWS);
        poll
    }

    pub(crate) fn target(&self) -> String {
        target(&format!("polling&sid={}", self.sid))
    }

    pub(crate) fn get(&self) -> Answer {
        ask(self.echo, "GET", &self.target(), "", "")
    }

    pub(crate) fn post(&self, content: &str) -> Answer {
        ask(self.echo, "POST", &self.target(), "Content-Type: text/plain;charset=UTF-8\r\n", content)
    }

    /// A GET that waits.
    pub(crate) fn hold(&self) -> Raw {
        let mut client = self.echo.tcp();
        request(&mut client, "GET", &self.target(), "", "");
        silent(&mut client);
        client
    }

    /// A WebSocket for the session.
    pub(crate) fn upgrade(&self) -> Raw {
        let mut client = self.echo.tcp();
        client.send(&upgrade(&target(&format!("websocket&sid={}", self.sid))));
        client.accepted();
        client
    }

    /// Whether the server still knows it.
    pub(crate) fn is_known(&self) -> bool {
        let answer = self.post("6");
        match answer.status {
            200 => true,
            _ => {
                assert_eq!(answer.body, r#"{"code":1,"message":"Session ID unknown"}"#);
                false
            }
        }
    }
}

/// The id in an open packet.
pub(crate) fn sid(open: &str) -> String {
    let (_, rest) = open.split_once(r#""sid":""#).unwrap_or_else(|| panic!("an open packet: {open}"));
    let sid = rest.split('"').next().unwrap();
    assert!(sid.len() == 20, "{sid}");
    assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{sid}");
    sid.to_owned()
}

/// A request for an upgrade.
pub(crate) fn upgrade(target: &str) -> Vec<u8> {
    let request = String::from_utf8(microws_tests::raw::REQUEST.to_vec()).unwrap();
    request.replacen("GET / ", &format!("GET {target} "), 1).into_bytes()
}

/// A session over a WebSocket, whose open packet was read.
pub(crate) fn socket(echo: &Echo) -> Raw {
    let mut client = echo.tcp();
    client.send(&upgrade(&target("websocket")));
    client.accepted();
    assert!(text(&mut client).starts_with("0{"));
    client
}

/// [`socket`], in the main namespace.
pub(crate) fn joined_socket(echo: &Echo) -> Raw {
    let mut client = socket(echo);
    say(&mut client, "40");
    assert!(text(&mut client).starts_with(r#"40{"sid":""#));
    assert_eq!(text(&mut client), NEWS);
    client
}

pub(crate) fn say(client: &mut Raw, text: &str) {
    client.send_frame(0x81, text.as_bytes());
}

/// The next message, which must be text.
pub(crate) fn text(client: &mut Raw) -> String {
    let (kind, payload) = client.try_message().unwrap();
    assert_eq!(kind, 1, "{payload:?}");
    String::from_utf8(payload).unwrap()
}

/// Nothing comes for a moment.
pub(crate) fn silent(client: &mut Raw) {
    client.set_timeout(MOMENT);
    let mut byte = [0];
    let came = client.stream.peek(&mut byte);
    client.set_timeout(microws_tests::process::TIMEOUT);
    let error = came.expect_err("nothing was to come");
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{error}");
}

impl Poll<'_> {
    /// Takes what waits, and then ends the session by a GET that is abandoned.
    pub(crate) fn hold_or_answer(&self) -> Raw {
        self.get();
        self.hold()
    }
}

impl Poll<'_> {
    /// A GET, of which it is not sure that it waits.
    pub(crate) fn hold_quickly(&self) -> Raw {
        let mut client = self.echo.tcp();
        request(&mut client, "GET", &self.target(), "", "");
        client
    }
}
