//! The opening of a connection: a WebSocket upgrade, or a plain request that is answered as such.

use log::info;
use microws::handshake::server::{Handshake, Item, answer, refuse};
use microws::{Buffer, Connection, HandshakeError, SendError, Server};

use crate::config::Config;
use crate::stats::Refused;

const PAGE: &str = include_str!("page.html");

/// The page runs its own script and style and connects back; nothing else.
const PAGE_FIELDS: &[(&str, &str)] = &[
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src ws: wss:",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
];

/// A request that is coming in, and what of it is needed to decide.
#[derive(Debug)]
pub(crate) struct Opening<'c> {
    handshake: Handshake<'c>,
    head: bool,
    /// Without the query.
    path: String,
    query: bool,
    origin: Option<String>,
}

/// How the opening came out.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The 101 is in `tx`.
    WebSocket(Connection<Server>),
    /// Another answer is in `tx`: the connection ends.
    Answered,
}

impl<'c> Opening<'c> {
    pub(crate) fn new(config: &Config, subprotocols: &'c [&'c str]) -> Self {
        let handshake = Handshake::new(subprotocols).limits(config.max_head, config.max_fields);
        Self { handshake, head: false, path: String::new(), query: false, origin: None }
    }

    /// Goes on with what has come; `None` if more is needed.
    pub(crate) fn receive(
        &mut self,
        rx: &mut Buffer<'_>,
        tx: &mut Buffer<'_>,
        config: &Config,
        refused: &mut Refused,
        who: &dyn std::fmt::Display,
    ) -> Result<Option<Opened>, SendError> {
        loop {
            match self.handshake.receive(rx) {
                Ok(None) => return Ok(None),
                Ok(Some(Item::Start { method, target })) => {
                    self.head = method == "HEAD";
                    self.path = target.path().to_owned();
                    self.query = target.query().is_some();
                }
                Ok(Some(Item::Field(field))) if field.is("Origin") => {
                    self.add_origin(&field.value.escape_ascii().to_string());
                }
                Ok(Some(Item::LongField(name))) if name.eq_ignore_ascii_case(b"Origin") => {
                    self.add_origin("too long");
                }
                Ok(Some(Item::End)) => return self.decide(tx, config, refused, who).map(Some),
                Ok(Some(_)) => {}
                Err(error) => return self.refuse(tx, error, refused, who).map(Some),
            }
        }
    }

    /// A client has one origin (RFC 6454 section 7.3): whoever names several is none of those.
    fn add_origin(&mut self, origin: &str) {
        self.origin = Some(match self.origin.take() {
            None => origin.to_owned(),
            Some(before) => format!("{before}, {origin}"),
        });
    }

    fn decide(
        &self,
        tx: &mut Buffer<'_>,
        config: &Config,
        refused: &mut Refused,
        who: &dyn std::fmt::Display,
    ) -> Result<Opened, SendError> {
        let upgrade = match self.handshake.upgrade() {
            Ok(upgrade) => upgrade,
            Err(HandshakeError::NoUpgrade) => return self.plain(tx, refused, who),
            Err(error) => return self.refuse(tx, error, refused, who),
        };
        if !config.paths.is_empty() && !config.paths.contains(&self.path) {
            refused.path += 1;
            info!("{who} refused: 404, path {}", self.path);
            return status(tx, 404, "no WebSocket endpoint here\n");
        }
        let origin = self.origin.as_deref();
        let allowed = |allowed: &String| origin.is_some_and(|origin| origin.eq_ignore_ascii_case(allowed));
        if !config.origins.is_empty() && !config.origins.iter().any(allowed) {
            refused.origin += 1;
            info!("{who} refused: 403, origin {}", origin.unwrap_or("none"));
            return status(tx, 403, "this origin is not let in\n");
        }
        let connection =
            upgrade.accept(tx, &[])?.max_message_len(config.max_message).max_fragments(config.max_fragments);
        info!(
            "{who} connected: path {}{}, origin {}, subprotocol {}",
            self.path,
            if self.query { "?..." } else { "" },
            origin.unwrap_or("none"),
            upgrade.subprotocol().unwrap_or("none"),
        );
        Ok(Opened::WebSocket(connection))
    }

    /// A request that asks for no upgrade.
    fn plain(
        &self,
        tx: &mut Buffer<'_>,
        refused: &mut Refused,
        who: &dyn std::fmt::Display,
    ) -> Result<Opened, SendError> {
        if self.path == "/" {
            info!("{who} asked for the page");
            answer(tx, 200, PAGE_FIELDS, PAGE)?;
            return Ok(Opened::Answered);
        }
        refused.path += 1;
        info!("{who} refused: 404, path {}", self.path);
        status(tx, 404, "not found; the page is at /\n")
    }

    fn refuse(
        &self,
        tx: &mut Buffer<'_>,
        error: HandshakeError,
        refused: &mut Refused,
        who: &dyn std::fmt::Display,
    ) -> Result<Opened, SendError> {
        refused.bad_request += 1;
        info!("{who} refused: {}, {error}", error.status());
        if self.head {
            // "The server MUST NOT send content in the response" (RFC 9110 section 9.3.2)
            answer(tx, error.status(), &[("Allow", "GET")], "")?;
        } else {
            refuse(tx, error)?;
        }
        Ok(Opened::Answered)
    }
}

/// Queues an answer of one line of text.
fn status(tx: &mut Buffer<'_>, status: u16, line: &str) -> Result<Opened, SendError> {
    answer(tx, status, &[("Content-Type", "text/plain")], line)?;
    Ok(Opened::Answered)
}

/// Queues the answer to a client over the limit; its request is not waited for.
pub(crate) fn too_many(tx: &mut Buffer<'_>) -> Result<(), SendError> {
    status(tx, 503, "too many connections\n").map(|_| ())
}
