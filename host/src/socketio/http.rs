//! Requests of Engine.IO: what they ask for, and how they are answered.

use microws::Fields;

use crate::config::Config;
use crate::link::Link;
use crate::report::{Ending, Report};
use crate::service::Request;

/// What is spoken over Engine.IO, as the path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    SocketIo,
    /// Messages of a program's own.
    EngineIo,
}

impl Protocol {
    /// Where it is.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::SocketIo => "/socket.io/",
            Self::EngineIo => "/engine.io/",
        }
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SocketIo => "Socket.IO",
            Self::EngineIo => "Engine.IO",
        }
    }
}

/// Where the client script is.
pub(super) const SCRIPT: &str = "/socket.io/socket.io.js";

/// What Engine.IO refuses, as Node.js' server numbers and words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Transport,
    Sid,
    Method,
    Request,
    Version,
}

impl Refused {
    pub(super) const fn json(self) -> &'static str {
        match self {
            Self::Transport => r#"{"code":0,"message":"Transport unknown"}"#,
            Self::Sid => r#"{"code":1,"message":"Session ID unknown"}"#,
            Self::Method => r#"{"code":2,"message":"Bad handshake method"}"#,
            Self::Request => r#"{"code":3,"message":"Bad request"}"#,
            Self::Version => r#"{"code":5,"message":"Unsupported protocol version"}"#,
        }
    }

    /// The reason, for the log.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Transport => "transport unknown",
            Self::Sid => "session id unknown",
            Self::Method => "bad handshake method",
            Self::Request => "bad request",
            Self::Version => "unsupported protocol version",
        }
    }
}

/// What a request's query says.
#[derive(Debug, Default)]
pub(super) struct Query<'q> {
    pub(super) transport: &'q str,
    pub(super) sid: Option<&'q str>,
    pub(super) is_version_4: bool,
}

impl<'q> Query<'q> {
    /// Of each name the first counts; values that matter need no percent-encoding.
    pub(super) fn parse(query: &'q str) -> Self {
        let value = |name: &str| {
            let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        Self {
            transport: value("transport").unwrap_or_default(),
            sid: value("sid").filter(|sid| !sid.is_empty()),
            is_version_4: value("EIO") == Some("4"),
        }
    }
}

/// Answers a request over polling, and the next one may come. Scripts of other origins may read the answer.
pub(super) fn answer(
    link: &mut Link<'_, '_>,
    request: &Request,
    config: &Config,
    status: u16,
    content_type: &str,
    content: &[u8],
) -> Result<(), Ending> {
    let mut fields = [("", ""); 8];
    let mut count = cross_origin(request, config, &mut fields);
    if status != 204 {
        fields[count] = ("Content-Type", content_type);
        count += 1;
    }
    if status == 405 {
        fields[count] = ("Allow", "GET, POST, OPTIONS");
        count += 1;
    }
    fields[count] = ("Cache-Control", "no-store");
    link.answer_content(status, &fields[..=count], content)
}

/// Answers the question of a browser whether a script may send what it wants to.
pub(super) fn preflight(link: &mut Link<'_, '_>, request: &Request, config: &Config) -> Result<(), Ending> {
    let mut fields = [("", ""); 8];
    let mut count = cross_origin(request, config, &mut fields);
    fields[count] = ("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    count += 1;
    if !request.wanted_fields.is_empty() {
        fields[count] = ("Access-Control-Allow-Headers", &request.wanted_fields);
        count += 1;
    }
    link.answer_content(204, &fields[..count], b"")
}

/// What scripts of other origins need (CORS). With a list of origins each of them is named, so that credentials may come
/// with the request.
fn cross_origin<'a>(request: &'a Request, config: &Config, fields: &mut [(&'a str, &'a str)]) -> usize {
    let Some(origin) = &request.origin else { return 0 };
    let all: &Fields<'_> = if config.origins.is_empty() {
        &[("Access-Control-Allow-Origin", "*")]
    } else {
        &[
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Origin"),
        ]
    };
    fields.iter_mut().zip(all).map(|(to, from)| *to = *from).count()
}

/// Refuses a request as Engine.IO does.
pub(super) fn refuse(
    link: &mut Link<'_, '_>,
    request: &Request,
    config: &Config,
    why: Refused,
    report: &mut Report,
) -> Result<(), Ending> {
    report.engine_refused(link.address, why);
    answer(link, request, config, 400, "application/json", why.json().as_bytes())
}
