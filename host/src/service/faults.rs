//! Faults on demand: what a client may ask the server to do wrong, in the query of its URL, to see how it copes.

use microws::CloseCode;

use crate::link::Link;
use crate::report::{Ending, Report};

/// What to do wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// The answer to the request instead of 101.
    pub(super) refuse: Option<u16>,
    /// Bytes before the answer, or instead of it.
    pub(super) head: Option<Head>,
    /// Payload bytes of the largest fragment of an echo.
    pub(super) fragments: Option<usize>,
    /// Milliseconds before an echo.
    pub(super) delay: Option<u32>,
    /// Milliseconds before each byte.
    pub(super) pace: Option<u8>,
    /// Milliseconds between pings.
    pub(super) ping: Option<u32>,
    /// A close frame is not answered.
    pub(super) close_unanswered: bool,
    /// A subprotocol that is agreed to, whatever was offered.
    pub(super) subprotocol: Option<String>,
    /// Messages that are echoed before the fault.
    pub(super) after: u64,
    pub(super) act: Option<Act>,
}

/// A fault in the head of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// An interim answer before the 101. That is allowed (RFC 9110 section 15.2), and some clients take it for the last.
    Interim,
    /// A 101 for another key (section 4.2.2).
    WrongAccept,
}

/// A fault of an open connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// A close frame.
    Close(CloseCode, String),
    /// The end of the TCP connection, without notice.
    Reset,
    /// Nothing is sent any more, not even an answer to a close frame.
    Silence,
    /// Bytes that RFC 6455 forbids.
    Illegal(&'static [u8]),
}

impl Head {
    pub(super) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Interim => b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n",
            Self::WrongAccept => {
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
            }
        }
    }
}

/// What no server may send, by name. The section that it breaks is in README.md's table.
const ILLEGAL: [(&str, &[u8]); 18] = [
    ("masked", b"\x81\x85\x01\x02\x03\x04\x49\x67\x6f\x68\x6e"),
    ("reserved-bit", b"\xa1\x05Hello"),
    ("reserved-opcode", b"\x83\x05Hello"),
    ("reserved-control", b"\x8b\x00"),
    ("long-control", &LONG_PING),
    ("fragmented-control", b"\x09\x00"),
    ("length-16", b"\x82\x7e\x00\x05Hello"),
    ("length-64", b"\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x05Hello"),
    ("length-top-bit", b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"),
    ("continuation", b"\x80\x05Hello"),
    ("interleaved", b"\x01\x03Hel\x81\x02lo"),
    ("text", b"\x81\x02\xc3\x28"),
    ("text-cut", b"\x81\x01\xc3"),
    ("close-1005", b"\x88\x02\x03\xed"),
    ("close-999", b"\x88\x02\x03\xe7"),
    ("close-one-byte", b"\x88\x01\x03"),
    ("close-text", b"\x88\x04\x03\xe8\xc3\x28"),
    ("after-close", b"\x88\x02\x03\xe8\x81\x05Hello"),
];

/// The longest time that can be asked for, in milliseconds: a minute.
const MAX_WAIT: u32 = 60_000;

/// A ping of 126 bytes.
const LONG_PING: [u8; 130] = {
    let mut bytes = [0; 130];
    [bytes[0], bytes[1], bytes[3]] = [0x89, 0x7e, 126];
    bytes
};

impl Faults {
    /// Reads them from a query. Other parameters are the client's own. The error says what can't be done.
    pub(super) fn parse(query: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        let mut reason = String::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "refuse" => faults.refuse = Some(number(&name, &value, 200, 599)?),
                "interim" => faults.head = Some(Head::Interim),
                "wrong-accept" => faults.head = Some(Head::WrongAccept),
                "fragments" => faults.fragments = Some(number(&name, &value, 1, u32::MAX)? as usize),
                "delay" => faults.delay = Some(number(&name, &value, 1, MAX_WAIT)?),
                "pace" => faults.pace = Some(number(&name, &value, 1, u8::MAX)?),
                "ping" => faults.ping = Some(number(&name, &value, 1, MAX_WAIT)?),
                "close-unanswered" => faults.close_unanswered = true,
                "subprotocol" => faults.subprotocol = Some(token(&name, &value)?),
                "after" => faults.after = number(&name, &value, 0, u64::MAX)?,
                "close" => faults.act = Some(Act::Close(close_code(&value)?, String::new())),
                "reason" => reason = value.into_owned(),
                "reset" => faults.act = Some(Act::Reset),
                "silence" => faults.act = Some(Act::Silence),
                "illegal" => faults.act = Some(Act::Illegal(illegal(&value)?)),
                _ => {}
            }
        }
        if let Some(Act::Close(_, text)) = &mut faults.act {
            if reason.len() > 123 {
                return Err("reason: longer than 123 bytes".to_owned());
            }
            *text = reason;
        }
        Ok(faults)
    }

    /// The faults of the answer to the request, before the session answers it.
    pub(super) fn answer(&self, link: &mut Link<'_, '_>, report: &Report) -> Result<(), Ending> {
        let Some(head) = self.head else { return Ok(()) };
        report.faulty(link.address);
        link.send_raw(head.bytes())?;
        if head == Head::WrongAccept { Err(Ending::Asked) } else { Ok(()) }
    }

    /// The fault whose time has come.
    pub(super) fn act(&self, link: &mut Link<'_, '_>, report: &Report) -> Result<(), Ending> {
        let Some(act) = &self.act else { return Ok(()) };
        report.faulty(link.address);
        match act {
            Act::Close(code, reason) => link.close(*code, reason),
            Act::Illegal(bytes) => link.send_raw(bytes),
            Act::Silence => {
                link.flush()?;
                link.transport.mute();
                Ok(())
            }
            Act::Reset => {
                link.flush()?;
                link.transport.reset()?;
                Err(Ending::Asked)
            }
        }
    }

    /// Whether there is anything to do once the connection is open.
    pub(super) const fn outlast_opening(&self) -> bool {
        self.fragments.is_some() || self.act.is_some() || self.close_unanswered || self.are_timed()
    }

    /// Whether some take their time.
    pub(super) const fn are_timed(&self) -> bool {
        self.delay.is_some() || self.ping.is_some()
    }

    /// The faults of a connection that is open now, while its 101 waits to be sent.
    pub(super) fn on_open(&self, link: &mut Link<'_, '_>, report: &Report) -> Result<(), Ending> {
        if let Some(name) = &self.subprotocol {
            report.faulty(link.address);
            link.add_to_head(&format!("Sec-WebSocket-Protocol: {name}\r\n"))?;
        }
        if let Some(pace) = self.pace {
            report.faulty(link.address);
            link.flush()?;
            link.transport.slow_down(pace);
        }
        Ok(())
    }
}

fn number<T>(name: &str, value: &str, least: T, most: T) -> Result<T, String>
where
    T: std::str::FromStr + PartialOrd + std::fmt::Display,
{
    match value.parse() {
        Ok(number) if least <= number && number <= most => Ok(number),
        _ => Err(format!("{name}: not a number from {least} to {most}")),
    }
}

fn token(name: &str, value: &str) -> Result<String, String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match value {
        "" => Err(format!("{name}: empty")),
        _ if value.chars().all(is_token) => Ok(value.to_owned()),
        _ => Err(format!("{name}: not a token")),
    }
}

fn close_code(value: &str) -> Result<CloseCode, String> {
    let code = CloseCode(number("close", value, 0, u16::MAX)?);
    if code.is_sendable() { Ok(code) } else { Err(format!("close: {code} can't be sent; see illegal")) }
}

fn illegal(value: &str) -> Result<&'static [u8], String> {
    match ILLEGAL.iter().find(|(name, _)| *name == value) {
        Some((_, bytes)) => Ok(bytes),
        None => Err(format!("illegal: one of {}", ILLEGAL.map(|(name, _)| name).join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_faults_among_other_things() {
        let faults = Faults::parse("token=x&close=4000&reason=see+%C3%BC&after=3&fragments=7").unwrap();
        assert_eq!(faults.act, Some(Act::Close(CloseCode(4000), "see \u{fc}".to_owned())));
        assert_eq!((faults.after, faults.fragments), (3, Some(7)));
        assert!(
            !Faults::parse("").unwrap().outlast_opening()
                && !Faults::parse("a=b&after=1").unwrap().outlast_opening()
        );
        for (query, word) in [
            ("close=1005", "can't be sent"),
            ("close=x", "not a number"),
            ("refuse=101", "from 200"),
            ("delay=0", "from 1 to 60000"),
            ("pace=256", "from 1 to 255"),
            ("ping=x", "not a number"),
            ("subprotocol=a,b", "not a token"),
            ("subprotocol=", "empty"),
            ("fragments=0", "from 1"),
            ("illegal=all", "masked"),
            ("after=-1", "after"),
        ] {
            let error = Faults::parse(query).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let long = format!("close=1000&reason={}", "x".repeat(124));
        assert!(Faults::parse(&long).unwrap_err().contains("123"));
    }
}
