//! [`Carrier`]: the part of one connection in a session.

use microws::{Chunk, CloseCode, HandshakeError, MessageKind};
use microws_socketio::End;
use microws_socketio::server::{Get, PostEnd, Probed, Transport, Upgrade};

use super::http::{Protocol, Query, Refused, SCRIPT, answer, preflight, refuse};
use super::hub::{CONTROL, ClientId, Hub};
use crate::config::Config;
use crate::link::Link;
use crate::report::{Ending, Report};
use crate::service::{Refusal, Request, check_origin};

const TEXT: &str = "text/plain; charset=UTF-8";

/// What a connection carries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Nothing, or requests that are answered at once.
    #[default]
    None,
    /// A GET that waits for its answer.
    Held(ClientId),
    /// A POST whose content comes.
    Posting(ClientId),
    /// A WebSocket that is not open yet: of a new session, of one that it is probed for, or to be closed.
    New(Protocol),
    Probed(ClientId),
    Unwanted,
    /// The WebSocket of a session.
    Open(ClientId),
    /// A WebSocket that has been sent its close frame.
    Closed,
}

/// What a connection needs beside itself.
#[derive(Debug)]
pub(crate) struct Around<'a, 'c> {
    pub(crate) hub: &'a mut Hub<'c>,
    pub(crate) report: &'a mut Report,
    pub(crate) config: &'a Config,
}

impl Carrier {
    /// Whether it reads no further, because bytes came after a GET that is held: its client does not wait for the answer.
    pub(crate) const fn is_held(self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Whether the connection is a WebSocket of Socket.IO, or about to be.
    pub(crate) const fn is_socket(self) -> bool {
        matches!(self, Self::New(_) | Self::Probed(_) | Self::Unwanted | Self::Open(_) | Self::Closed)
    }

    const fn session(self) -> Option<ClientId> {
        match self {
            Self::Held(id) | Self::Posting(id) | Self::Probed(id) | Self::Open(id) => Some(id),
            Self::None | Self::New(_) | Self::Unwanted | Self::Closed => None,
        }
    }

    /// The head of a request is complete, and the request is for this protocol. If it asks for a WebSocket and may have one,
    /// it is not answered here: whether that is so.
    pub(crate) fn on_request(
        &mut self,
        protocol: Protocol,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<bool, Ending> {
        *self = Self::None;
        let fault = link.fault();
        if let Err(refusal) = check_origin(cx.config, request) {
            refusal.send(link, cx.report)?;
            return Ok(false);
        }
        match fault {
            None => return self.on_upgrade(protocol, request, link, cx),
            Some(HandshakeError::NoUpgrade | HandshakeError::Method | HandshakeError::Body) => {}
            Some(_) => {
                link.reject()?;
                return Ok(false);
            }
        }
        if request.path == SCRIPT {
            serve_script(request, link, cx)?;
            return Ok(false);
        }
        if request.path != protocol.path() && request.path != protocol.path().trim_end_matches('/') {
            Refusal::not_found(&request.path).answer(link, cx.report)?;
            return Ok(false);
        }
        if request.method == "OPTIONS" {
            preflight(link, request, cx.config)?;
            return Ok(false);
        }
        if let Err(why) = self.on_poll(protocol, request, link, cx)? {
            refuse(link, request, cx.config, why, cx.report)?;
        }
        Ok(false)
    }

    /// A request for a WebSocket: whether it gets one.
    fn on_upgrade(
        &mut self,
        protocol: Protocol,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<bool, Ending> {
        let query = Query::parse(request.query.as_deref().unwrap_or_default());
        let why = match (query.transport, query.sid) {
            ("websocket", Some(sid)) => match cx.hub.find(protocol, sid) {
                None => Refused::Sid,
                Some(_) if !query.is_version_4 => Refused::Request,
                Some(id) => {
                    let upgrade = cx.hub.on_upgrade(id, link.now);
                    cx.hub.settle(id, link.now, cx.report);
                    *self = match upgrade {
                        Some(Upgrade::Probe) => Self::Probed(id),
                        Some(Upgrade::Close) | None => Self::Unwanted,
                    };
                    return Ok(true);
                }
            },
            ("websocket", None) if !query.is_version_4 => Refused::Version,
            ("websocket", None) if cx.hub.is_full() => {
                Refusal::OVER_LIMIT.send(link, cx.report)?;
                return Ok(false);
            }
            ("websocket", None) => {
                *self = Self::New(protocol);
                return Ok(true);
            }
            ("polling", _) if cx.config.socketio.polls() => Refused::Request,
            _ => Refused::Transport,
        };
        cx.report.engine_refused(link.address, why);
        link.respond(400, &[("Content-Type", "application/json")], why.json())?;
        Ok(false)
    }

    /// A request over polling.
    fn on_poll(
        &mut self,
        protocol: Protocol,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<Result<(), Refused>, Ending> {
        let query = Query::parse(request.query.as_deref().unwrap_or_default());
        let polls = cx.config.socketio.polls();
        match query.transport {
            "polling" if polls => {}
            "websocket" => return Ok(Err(Refused::Request)),
            _ => return Ok(Err(Refused::Transport)),
        }
        let Some(sid) = query.sid else {
            if request.method != "GET" {
                return Ok(Err(Refused::Method));
            }
            if !query.is_version_4 {
                return Ok(Err(Refused::Version));
            }
            let id = cx.hub.begin(protocol, Transport::Polling, link.address, link.now, cx.report);
            let Some(id) = id else {
                Refusal::OVER_LIMIT.answer(link, cx.report)?;
                return Ok(Ok(()));
            };
            return self.on_get(id, request, link, cx);
        };
        let Some(id) = cx.hub.find(protocol, sid) else { return Ok(Err(Refused::Sid)) };
        if cx.hub.transport(id) != Some(Transport::Polling) {
            return Ok(Err(Refused::Request));
        }
        match request.method.as_str() {
            "GET" => self.on_get(id, request, link, cx),
            "POST" => self.on_post(id, request, link, cx),
            _ => {
                cx.report.engine_refused(link.address, Refused::Method);
                let why = Refused::Method.json().as_bytes();
                answer(link, request, cx.config, 405, "application/json", why)?;
                Ok(Ok(()))
            }
        }
    }

    fn on_get(
        &mut self,
        id: ClientId,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<Result<(), Refused>, Ending> {
        let get = cx.hub.on_get(id, link.now);
        let done = match get {
            Some(Get::Answer) => {
                answer(link, request, cx.config, 200, TEXT, cx.hub.answer(id))?;
                Ok(())
            }
            Some(Get::Hold) => {
                link.session.hold()?;
                *self = Self::Held(id);
                Ok(())
            }
            Some(Get::BadRequest) => Err(Refused::Request),
            None => Err(Refused::Sid),
        };
        cx.hub.settle(id, link.now, cx.report);
        Ok(done)
    }

    fn on_post(
        &mut self,
        id: ClientId,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<Result<(), Refused>, Ending> {
        // Of version 3: binary payloads.
        if request.content_type.eq_ignore_ascii_case("application/octet-stream") {
            cx.hub.refuse_post(id);
            cx.hub.settle(id, link.now, cx.report);
            return Ok(Err(Refused::Request));
        }
        let begun = cx.hub.begin_post(id, request.content_len as usize, link.now);
        if begun != Some(true) {
            cx.hub.settle(id, link.now, cx.report);
            return Ok(Err(Refused::Request));
        }
        *self = Self::Posting(id);
        if request.content_len == 0 {
            self.end_post(id, request, link, cx)?;
        }
        Ok(Ok(()))
    }

    /// A part of a request's content came.
    pub(crate) fn on_content(
        &mut self,
        bytes: &[u8],
        fin: bool,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<(), Ending> {
        let Self::Posting(id) = *self else { return Ok(()) };
        cx.hub.on_content(id, bytes);
        if fin { self.end_post(id, request, link, cx) } else { Ok(()) }
    }

    fn end_post(
        &mut self,
        id: ClientId,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<(), Ending> {
        *self = Self::None;
        let end = cx.hub.end_post(id, link.now, cx.report);
        cx.hub.settle(id, link.now, cx.report);
        match end {
            Some(PostEnd::Ok) => answer(link, request, cx.config, 200, "text/html", b"ok"),
            Some(PostEnd::BadRequest) => refuse(link, request, cx.config, Refused::Request, cx.report),
            None => refuse(link, request, cx.config, Refused::Sid, cx.report),
        }
    }

    /// The WebSocket is open.
    pub(crate) fn on_open(&mut self, link: &mut Link<'_, '_>, cx: &mut Around<'_, '_>) -> Result<(), Ending> {
        match *self {
            Self::New(protocol) => {
                let id = cx.hub.begin(protocol, Transport::WebSocket, link.address, link.now, cx.report);
                let Some(id) = id else {
                    *self = Self::Closed;
                    return link.close(CloseCode::TRY_AGAIN_LATER, "too many sessions");
                };
                *self = Self::Open(id);
                self.send(id, link, cx)
            }
            Self::Unwanted => {
                *self = Self::Closed;
                link.close(CloseCode::NORMAL, "the session has a WebSocket already")
            }
            _ => Ok(()),
        }
    }

    /// A part of a message came; `len` bytes of it came before.
    pub(crate) fn on_chunk(
        &mut self,
        chunk: &Chunk<'_>,
        len: u64,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<(), Ending> {
        match *self {
            Self::Open(id) => {
                if len + chunk.payload.len() as u64 > cx.config.socketio.max_payload.into() {
                    cx.hub.too_long(id);
                } else {
                    cx.hub.receive(id, chunk, link.now, cx.report);
                }
                self.send(id, link, cx)
            }
            Self::Probed(id) => {
                match cx.hub.on_probe(id, chunk, link.now) {
                    Some(Probed::Wait) => {}
                    Some(Probed::Reply(text)) => link.reply(MessageKind::Text, text.as_bytes(), true)?,
                    Some(Probed::Upgraded) => {
                        *self = Self::Open(id);
                        cx.report.upgraded(link.address, id.serial());
                        return self.send(id, link, cx);
                    }
                    Some(Probed::Close) | None => {
                        *self = Self::Closed;
                        cx.hub.settle(id, link.now, cx.report);
                        return link.close(CloseCode::POLICY_VIOLATION, "no probe of a session");
                    }
                }
                cx.hub.settle(id, link.now, cx.report);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The clock, or a message of another client, may give it something to send.
    pub(crate) fn on_wake(
        &mut self,
        request: &Request,
        link: &mut Link<'_, '_>,
        cx: &mut Around<'_, '_>,
    ) -> Result<(), Ending> {
        match *self {
            Self::Held(id) => {
                match cx.hub.answers_held(id) {
                    Some(false) => return Ok(()),
                    Some(true) => answer(link, request, cx.config, 200, TEXT, cx.hub.answer(id))?,
                    None => refuse(link, request, cx.config, Refused::Sid, cx.report)?,
                }
                *self = Self::None;
                cx.hub.settle(id, link.now, cx.report);
            }
            Self::Probed(id) if !link.session.is_connecting() && !cx.hub.is_probed(id) => {
                *self = Self::Closed;
                link.close(CloseCode::NORMAL, "the probe is over")?;
            }
            // What waits stays where it is bounded.
            Self::Open(id) if !link.transport.is_blocked() => {
                cx.hub.equip(id, link.now, CONTROL);
                self.send(id, link, cx)?;
            }
            _ => {}
        }
        Ok(link.flush()?)
    }

    /// Sends what waits over the WebSocket that carries the session, and the close frame in the end.
    fn send(&mut self, id: ClientId, link: &mut Link<'_, '_>, cx: &mut Around<'_, '_>) -> Result<(), Ending> {
        while let Some((kind, message)) = cx.hub.front(id) {
            link.reply(kind, message, true)?;
            cx.hub.pop(id);
        }
        if let Some((code, end)) = cx.hub.detach(id) {
            *self = Self::Closed;
            let reason = match end {
                End::Failed(fault) => fault.meaning(),
                End::QueueFull => "what was sent was not taken",
                End::Overdue(_) => "too late",
                _ => "",
            };
            link.close(code, reason)?;
        }
        cx.hub.settle(id, link.now, cx.report);
        Ok(())
    }

    /// The connection has ended, or its closing handshake is done.
    pub(crate) fn on_end(&mut self, end: microws::End, now: u64, hub: &mut Hub<'_>, report: &mut Report) {
        if let Some(id) = std::mem::take(self).session() {
            hub.lost(id, end, now, report);
        }
    }
}

fn serve_script(request: &Request, link: &mut Link<'_, '_>, cx: &mut Around<'_, '_>) -> Result<(), Ending> {
    let is_read = matches!(request.method.as_str(), "GET" | "HEAD");
    match cx.hub.served.script {
        Some(script) if is_read => {
            cx.report.probed(link.address, SCRIPT);
            answer(link, request, cx.config, 200, "application/javascript; charset=utf-8", script)
        }
        Some(_) => answer(link, request, cx.config, 405, TEXT, b"only GET and HEAD\n"),
        None => Refusal::no_script(SCRIPT).answer(link, cx.report),
    }
}
