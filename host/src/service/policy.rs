//! The requests that are served, and the responses for the others.

use super::request::Request;
use crate::config::Config;
use crate::link::Link;
use crate::report::{Cause, Ending, Report};

/// Why a request is refused, in the log and in one line of text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    status: u16,
    cause: Cause<'a>,
    text: &'static str,
}

impl<'a> Refusal<'a> {
    pub(crate) const OVER_LIMIT: Self =
        Self { status: 503, cause: Cause::OverLimit, text: "too many connections\n" };

    /// Of a request that asks for no upgrade.
    pub(crate) const fn not_found(path: &'a str) -> Self {
        Self { status: 404, cause: Cause::Path(path), text: "not found; the page is at /\n" }
    }

    /// Of one for the client script of Socket.IO, which the server was not given.
    pub(crate) const fn no_script(path: &'a str) -> Self {
        let text = "no client script: start the server with --socketio-client FILE, where FILE is socket.io.min.js of \
                    npm's socket.io-client\n";
        Self { status: 404, cause: Cause::Path(path), text }
    }

    /// Of one that asked for that.
    pub(super) const fn asked(status: u16) -> Self {
        Self { status, cause: Cause::Asked, text: "refused, as you asked\n" }
    }

    /// Logs it and answers the client, which may send another request.
    pub(crate) fn answer(&self, link: &mut Link<'_, '_>, report: &mut Report) -> Result<(), Ending> {
        report.refused(link.address, self.status, self.cause);
        link.answer(self.status, &[("Content-Type", "text/plain")], self.text)
    }

    const fn no_endpoint(path: &'a str) -> Self {
        Self { status: 404, cause: Cause::Path(path), text: "no WebSocket endpoint here\n" }
    }

    fn origin(origin: Option<&'a str>) -> Self {
        Self { status: 403, cause: Cause::Origin(origin.unwrap_or("none")), text: "origin not allowed\n" }
    }

    /// Logs it, answers the client, and ends the connection.
    pub(crate) fn send(&self, link: &mut Link<'_, '_>, report: &mut Report) -> Result<(), Ending> {
        report.refused(link.address, self.status, self.cause);
        link.respond(self.status, &[("Content-Type", "text/plain")], self.text)
    }
}

/// Whether `request` may be upgraded.
pub(super) fn check<'a>(config: &Config, request: &'a Request) -> Result<(), Refusal<'a>> {
    if !config.paths.is_empty() && !config.paths.contains(&request.path) {
        return Err(Refusal::no_endpoint(&request.path));
    }
    check_origin(config, request)
}

/// Whether the origin of `request` is allowed.
pub(crate) fn check_origin<'a>(config: &Config, request: &'a Request) -> Result<(), Refusal<'a>> {
    let origin = request.origin.as_deref();
    let is_origin = |allowed: &String| origin.is_some_and(|origin| origin.eq_ignore_ascii_case(allowed));
    if !config.origins.is_empty() && !config.origins.iter().any(is_origin) {
        return Err(Refusal::origin(origin));
    }
    Ok(())
}

/// Refuses a request without TLS where TLS is required; the text has the address to use.
pub(super) fn refuse_plain(
    request: &Request,
    link: &mut Link<'_, '_>,
    report: &mut Report,
) -> Result<(), Ending> {
    let Request { host, path, .. } = request;
    report.refused(link.address, 400, Cause::Plain);
    let text = format!("this port takes TLS only: go to https://{host}{path}, or to wss://{host}{path}\n");
    link.respond(400, &[("Content-Type", "text/plain")], &text)
}
