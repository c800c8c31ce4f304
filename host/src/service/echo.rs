//! Sends every message back.

use microws::{Chunk, End, Event, HandshakeError, MessageKind};

use super::faults::Faults;
use super::page;
use super::policy::{self, Refusal};
use super::probe;
use super::request::Request;
use super::timed::{Later, Timed};
use crate::config::Config;
use crate::link::Link;
use crate::proxy::Chain;
use crate::report::{Admission, Cause, Ending, Report, Traffic};
use crate::socketio::{Around, Carrier, Hub};
use crate::transport::{Address, Pool};

/// Bytes of the shortest fragment that a long frame is cut into, except for the last.
const LEAST_FRAGMENT: usize = 16 * 1024;

/// What a client asked for.
#[derive(Debug, Default)]
struct Asked {
    request: Request,
    chain: Chain,
    faults: Faults,
    timed: Timed,
    /// Its part in a session of Socket.IO.
    carrier: Carrier,
    /// A plain request was answered, and no other has begun.
    answered: bool,
    open: bool,
}

/// The echo of one client.
#[derive(Debug)]
pub(crate) struct Echo {
    /// Until the connection is open, and then only if it asks for faults or is one of Socket.IO.
    asked: Option<Box<Asked>>,
    /// Bytes of the message that is coming in.
    message_len: u64,
    traffic: Traffic,
}

impl Echo {
    pub(crate) fn new() -> Self {
        Self { asked: Some(Box::default()), message_len: 0, traffic: Traffic::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.asked.as_ref().is_none_or(|asked| asked.open)
    }

    /// Whether a plain request was answered, and no other has begun.
    pub(crate) fn is_idle(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.answered)
    }

    pub(crate) const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// There is no room for the client.
    pub(crate) fn reject_over_limit(
        &self,
        link: &mut Link<'_, '_>,
        report: &mut Report,
    ) -> Result<(), Ending> {
        Refusal::OVER_LIMIT.send(link, report)
    }

    /// Whether parts of messages may come by [`on_chunk`](Self::on_chunk), the connection being open.
    pub(crate) fn is_plain(&self) -> bool {
        self.asked.is_none()
    }

    /// A part of a message came, without faults and compression: sends it back, a frame as a frame.
    #[inline]
    pub(crate) fn on_chunk(
        &mut self,
        chunk: &Chunk<'_>,
        link: &mut Link<'_, '_>,
        report: &mut Report,
        config: &Config,
    ) -> Result<(), Ending> {
        if link.held.is_none() && (chunk.fin || link.session.payload_left() == 0) {
            // A frame that came at once, as most do.
            link.send(chunk.kind, chunk.payload, chunk.fin)?;
        } else {
            Self::send_or_hold(chunk, link, config)?;
        }
        self.count(chunk.kind, chunk.payload.len(), chunk.fin, link, report);
        Ok(())
    }

    #[inline]
    fn count(&mut self, kind: MessageKind, len: usize, fin: bool, link: &Link<'_, '_>, report: &mut Report) {
        self.message_len += len as u64;
        if fin {
            let len = std::mem::take(&mut self.message_len);
            self.count_message(kind, len as usize, link.address, report);
        }
    }

    /// A message of `len` bytes went back to the client at `address`.
    #[inline]
    pub(crate) fn count_message(
        &mut self,
        kind: MessageKind,
        len: usize,
        address: &Address,
        report: &mut Report,
    ) {
        report.message(address, kind, len as u64);
        self.traffic.messages += 1;
        self.traffic.bytes += len as u64;
    }

    /// Sends back a part of a message to a client that agreed to compression or asks for faults, and does the fault that is
    /// due after it.
    #[cold]
    pub(crate) fn on_chunk_aside(
        &mut self,
        chunk: &Chunk<'_>,
        link: &mut Link<'_, '_>,
        report: &mut Report,
        config: &Config,
        hub: &mut Hub<'_>,
    ) -> Result<(), Ending> {
        let Some(asked) = &mut self.asked else {
            Self::send_or_hold(chunk, link, config)?;
            self.count(chunk.kind, chunk.payload.len(), chunk.fin, link, report);
            return Ok(());
        };
        let Asked { faults, timed, carrier, .. } = &mut **asked;
        if carrier.is_socket() {
            carrier.on_chunk(chunk, self.message_len, link, &mut Around { hub, report, config })?;
            self.count(chunk.kind, chunk.payload.len(), chunk.fin, link, report);
            return Ok(());
        }
        if let Some(delay) = faults.delay {
            timed.push(chunk, delay, link);
            return Ok(());
        }
        match faults.fragments {
            Some(most) => send_in_fragments(link, chunk.kind, &[chunk.payload], chunk.fin, most)?,
            None => Self::send_or_hold(chunk, link, config)?,
        }
        // What a fault does to the bytes that come next is not for these.
        link.flush()?;
        self.count(chunk.kind, chunk.payload.len(), chunk.fin, link, report);
        if chunk.fin { self.do_wrong(link, report) } else { Ok(()) }
    }

    /// Whether faults were asked for that take their time: then the three functions below are called.
    #[inline]
    pub(crate) fn has_timed_faults(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.open && asked.faults.are_timed())
    }

    /// Does what is due.
    pub(crate) fn on_time(&mut self, link: &mut Link<'_, '_>, report: &mut Report) -> Result<(), Ending> {
        while let Some(asked) = &mut self.asked {
            let Asked { faults, timed, .. } = &mut **asked;
            let Some(Later { kind, payload, fin, .. }) = timed.pop(link.now) else {
                return timed.ping(faults, link);
            };
            let len = payload.as_ref().map_or(0, |payload| payload.len());
            match (faults.fragments, payload) {
                (Some(most), Some(payload)) => {
                    let slices: Vec<&[u8]> = payload.slices().collect();
                    let sent = send_in_fragments(link, kind, &slices, fin, most);
                    link.pool.give_back_held(payload);
                    sent?;
                }
                (_, payload) => {
                    link.held = payload;
                    link.send_held(kind, &[], fin)?;
                }
            }
            link.flush()?;
            self.count(kind, len, fin, link, report);
            if fin {
                self.do_wrong(link, report)?;
            }
        }
        Ok(())
    }

    /// In how many milliseconds something is due.
    pub(crate) fn due_in(&self, now: u64) -> Option<u32> {
        self.asked.as_ref().and_then(|asked| asked.timed.due_in(now))
    }

    /// Whether so much is to be sent later that the client is not read.
    pub(crate) fn is_full(&self, pool: &Pool) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.timed.is_full(pool))
    }

    /// Gives back what was lent to it.
    pub(crate) fn release(&mut self, pool: &mut Pool) {
        if let Some(asked) = &mut self.asked {
            asked.timed.release(pool);
        }
    }

    /// Whether it carries a session of Socket.IO, or is about to.
    #[inline]
    pub(crate) fn carries(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.carrier != Carrier::None)
    }

    /// Whether its request is answered later.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.carrier.is_held())
    }

    /// Of one that [carries](Self::carries) a session: there may be something to send.
    #[cold]
    pub(crate) fn on_wake(
        &mut self,
        link: &mut Link<'_, '_>,
        report: &mut Report,
        config: &Config,
        hub: &mut Hub<'_>,
    ) -> Result<(), Ending> {
        let Some(asked) = &mut self.asked else { return Ok(()) };
        asked.carrier.on_wake(&asked.request, link, &mut Around { hub, report, config })
    }

    /// Of one that [carries](Self::carries) a session: it has ended.
    #[cold]
    pub(crate) fn on_end(&mut self, end: End, now: u64, hub: &mut Hub<'_>, report: &mut Report) {
        if let Some(asked) = &mut self.asked {
            asked.carrier.on_end(end, now, hub, report);
        }
    }

    /// Whether a close frame gets no answer.
    pub(crate) fn leaves_close_unanswered(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.faults.close_unanswered)
    }

    /// Holds a part of a frame until the rest is there, unless the frame is too long to be held whole, and there is
    /// enough for a fragment.
    #[inline(never)]
    fn send_or_hold(chunk: &Chunk<'_>, link: &mut Link<'_, '_>, config: &Config) -> Result<(), Ending> {
        let left = link.session.payload_left();
        let len = link.held.as_ref().map_or(0, |held| held.len()) + chunk.payload.len();
        let is_short = len < LEAST_FRAGMENT || len as u64 + left <= u64::from(config.whole);
        if left > 0 && is_short && !link.pool.is_spent() {
            link.hold(chunk.payload);
            return Ok(());
        }
        link.send_held(chunk.kind, chunk.payload, chunk.fin)
    }

    /// Does the fault that is due after so many messages.
    #[cold]
    fn do_wrong(&self, link: &mut Link<'_, '_>, report: &Report) -> Result<(), Ending> {
        match &self.asked {
            Some(asked) if asked.faults.after == self.traffic.messages => asked.faults.act(link, report),
            _ => Ok(()),
        }
    }

    /// A part of the request came, or the connection is open.
    #[cold]
    pub(crate) fn on_opening(
        &mut self,
        event: Event<'_>,
        link: &mut Link<'_, '_>,
        report: &mut Report,
        config: &Config,
        hub: &mut Hub<'_>,
    ) -> Result<(), Ending> {
        let Some(asked) = &mut self.asked else { return Ok(()) };
        match event {
            Event::HeadEnd => self.decide(link, report, config, hub),
            Event::Body { bytes, fin } => {
                let cx = &mut Around { hub, report, config };
                asked.carrier.on_content(bytes, fin, &asked.request, link, cx)
            }
            Event::Open if asked.carrier.is_socket() => {
                asked.open = true;
                asked.request = Request::default();
                asked.carrier.on_open(link, &mut Around { hub, report, config })
            }
            Event::Open => {
                asked.open = true;
                asked.faults.on_open(link, report)?;
                asked.timed.begin(&asked.faults, link.now);
                if !asked.faults.outlast_opening() {
                    self.asked = None;
                }
                if let Some(greeting) = &config.greeting {
                    link.reply(MessageKind::Text, greeting.as_bytes(), true)?;
                }
                self.do_wrong(link, report)
            }
            event => {
                asked.answered = false;
                if let Some(client) = asked.chain.on_event(&event, || link.address.socket(), config) {
                    let before = std::mem::replace(link.address, client.into());
                    // A next request is the proxy's until its fields have come.
                    if before.socket() != Some(client) && !matches!(event, Event::Request(_)) {
                        Report::proxied(link.address, &before);
                    }
                }
                asked.request.on_event(event);
                Ok(())
            }
        }
    }

    /// Refuses the request or answers it with the page; otherwise the session accepts it, or rejects it
    /// if it is at fault.
    fn decide(
        &mut self,
        link: &mut Link<'_, '_>,
        report: &mut Report,
        config: &Config,
        hub: &mut Hub<'_>,
    ) -> Result<(), Ending> {
        let Some(asked) = &mut self.asked else { return Ok(()) };
        let Asked { request, faults, answered, carrier, .. } = &mut **asked;
        let fault = link.fault();
        let protocol = hub.protocol(&request.path);
        if config.is_tls_only()
            && link.transport.tls_version().is_none()
            && (protocol.is_some() || matches!(fault, None | Some(HandshakeError::NoUpgrade)))
        {
            return policy::refuse_plain(request, link, report);
        }
        if let Some(protocol) = protocol {
            let is_upgrade =
                carrier.on_request(protocol, request, link, &mut Around { hub, report, config })?;
            *answered = !is_upgrade;
            if fault.is_none() && is_upgrade {
                report.connected(link.address, &admission(request, link));
            }
            return Ok(());
        }
        let query = request.query.as_deref().filter(|_| config.faults);
        let parsed = query.map(Faults::parse).transpose();
        let refusal = match fault {
            None => match (policy::check(config, request), parsed) {
                (Ok(()), Ok(asked_for)) => {
                    *faults = asked_for.unwrap_or_default();
                    if let Some(status) = faults.refuse {
                        return Refusal::asked(status).send(link, report);
                    }
                    report.connected(link.address, &admission(request, link));
                    return faults.answer(link, report);
                }
                (Ok(()), Err(error)) => {
                    report.refused(link.address, 400, Cause::NoFault(&error));
                    return link.respond(400, &[("Content-Type", "text/plain")], &format!("{error}\n"));
                }
                (Err(refusal), _) => refusal,
            },
            Some(HandshakeError::NoUpgrade) => {
                *answered = true;
                return answer(&request.path, hub.has_client(), link, report);
            }
            Some(_) => return link.reject(),
        };
        refusal.send(link, report)
    }
}

fn admission<'a, 'c: 'a>(request: &'a Request, link: &Link<'_, 'c>) -> Admission<'a> {
    Admission {
        path: &request.path,
        query: request.query.is_some(),
        origin: request.origin.as_deref(),
        subprotocol: link.subprotocol(),
        tls: link.transport.tls_version(),
        compression: link.session.agreed(),
    }
}

/// Sends a frame in fragments of at most `most` bytes.
fn send_in_fragments(
    link: &mut Link<'_, '_>,
    kind: MessageKind,
    slices: &[&[u8]],
    fin: bool,
    most: usize,
) -> Result<(), Ending> {
    let mut left: usize = slices.iter().map(|slice| slice.len()).sum();
    if left == 0 {
        return link.reply(kind, &[], fin);
    }
    for piece in slices.iter().flat_map(|slice| slice.chunks(most)) {
        left -= piece.len();
        link.reply(kind, piece, fin && left == 0)?;
    }
    Ok(())
}

/// Answers a request that asks for no upgrade.
fn answer(path: &str, has_client: bool, link: &mut Link<'_, '_>, report: &mut Report) -> Result<(), Ending> {
    match path {
        "/" => {
            report.page_requested(link.address);
            link.answer(200, page::fields(has_client), page::text(has_client))
        }
        "/healthz" => {
            report.probed(link.address, path);
            link.answer(200, probe::FIELDS, "ok\n")
        }
        "/metrics" => {
            report.probed(link.address, path);
            link.answer(200, probe::METRICS_FIELDS, &report.stats().metrics())
        }
        _ => Refusal::not_found(path).answer(link, report),
    }
}
