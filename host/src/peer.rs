//! One client: the pump between its transport, its session and its service.

use microws::{CloseCode, End, Event, Overdue, SendError, Step};

use crate::context::{Context, Next};
use crate::deflate::{Compression, Engine};
use crate::inflow::{self, Flow, Inflow, Shared};
use crate::link::Link;
use crate::partial::Partial;
use crate::report::{Ending, Report, Stage};
use crate::service::Echo;
use crate::session::Session;
use crate::transport::{Address, Transport};

mod short;

/// One client.
#[derive(Debug)]
pub(crate) struct Peer<'c> {
    address: Address,
    transport: Transport,
    session: Session<'c>,
    service: Echo,
    partial: Partial,
    compression: Compression,
    /// The connection is open, without faults and compression, as most are.
    is_plain: bool,
    /// The end was reported: only the client's end of the stream is waited for.
    ended: bool,
}

impl<'c> Peer<'c> {
    pub(crate) const fn new(
        address: Address,
        transport: Transport,
        session: Session<'c>,
        service: Echo,
    ) -> Self {
        Self {
            address,
            transport,
            session,
            service,
            partial: Partial::EMPTY,
            compression: Compression::NONE,
            is_plain: false,
            ended: false,
        }
    }

    /// Gives back what was lent to it, before it is dropped.
    pub(crate) fn release(&mut self, cx: &mut Context<'_, '_>) {
        if self.service.carries() {
            let end = self.session.end().unwrap_or(End::Eof);
            self.service.on_end(end, cx.now, cx.socketio, cx.report);
        }
        let pool = cx.buffers.pool();
        self.compression.release(cx.engine, pool);
        self.transport.release(pool);
        self.service.release(pool);
        if let Some(payload) = self.partial.take_payload() {
            pool.give_back_held(payload);
        }
    }

    /// Whether everything was sent, and only the client's end of the stream is waited for.
    pub(crate) const fn is_lingering(&self) -> bool {
        self.ended && !self.transport.is_blocked()
    }

    /// An event came for it.
    pub(crate) const fn set_ready(&mut self, readable: bool, read_closed: bool) {
        self.transport.ready(readable, read_closed);
    }

    /// An event came, it is in the queue, or a deadline may be due: writes, reads once, handles it all, writes.
    pub(crate) fn on_ready(&mut self, cx: &mut Context<'_, '_>) -> Next {
        if self.is_usual() {
            match self.echo(cx) {
                Ok(Some(next)) => return next,
                Ok(None) => {}
                Err(ending) => return self.next(Err(ending), cx),
            }
        }
        self.next(Ok(()), cx)
    }

    /// Rejects the client: there are too many.
    pub(crate) fn reject_over_limit(&mut self, cx: &mut Context<'_, '_>) -> Next {
        self.session.set_date();
        let (mut link, report, service) = self.link(cx);
        let done = service.reject_over_limit(&mut link, report).and_then(|()| Ok(link.flush()?));
        self.next(done, cx)
    }

    /// Closes the connection because the server stops.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_, '_>) -> Next {
        let (mut link, ..) = self.link(cx);
        let done = if !link.session.is_connecting() {
            link.close(CloseCode::GOING_AWAY, "the server stops")
        } else if link.transport.is_blocked() {
            // A page that it was asked for is still on its way.
            link.shutdown();
            Ok(())
        } else {
            Err(Ending::Stopped)
        };
        self.next(done, cx)
    }

    fn link<'a>(&'a mut self, cx: &'a mut Context<'_, '_>) -> (Link<'a, 'c>, &'a mut Report, &'a mut Echo) {
        let (tx, pool) = cx.buffers.lend_tx();
        let Self { address, transport, session, service, compression, .. } = self;
        let deflaters = &mut cx.engine.deflaters;
        let link =
            Link { address, session, transport, tx, pool, held: None, compression, deflaters, now: cx.now };
        (link, cx.report, service)
    }

    /// Goes on after something was `done`, and says what the loop does next.
    fn next(&mut self, done: Result<(), Ending>, cx: &mut Context<'_, '_>) -> Next {
        let run = match done {
            Ok(()) => self.run(cx),
            Err(ending) => Err(ending),
        };
        match run {
            Ok(_) if self.may_go_on(cx) && !self.service.is_full(cx.buffers.pool()) && !self.is_ahead() => {
                Next::Requeue
            }
            Ok(within) => Next::Wait(within),
            Err(ending) => {
                self.report_end(&ending, cx.report);
                if let Ending::Session(_) | Ending::Stopped = ending {
                    self.transport.start_close(cx.buffers.pool(), cx.now);
                }
                Next::Close
            }
        }
    }

    /// Whether it has sent the next request before the answer to the one that is held.
    fn is_ahead(&self) -> bool {
        self.service.is_held() && !self.partial.is_empty()
    }

    fn may_go_on(&self, cx: &mut Context<'_, '_>) -> bool {
        self.transport.may_go_on(cx.buffers.pool(), cx.now)
            || (self.compression.unfinished && !self.transport.is_blocked())
    }

    /// Writes the outbox out and pumps. Returns in how many milliseconds a deadline may be due.
    #[inline(always)]
    fn run(&mut self, cx: &mut Context<'_, '_>) -> Result<Option<u32>, Ending> {
        if self.service.has_timed_faults() {
            let (mut link, report, service) = self.link(cx);
            service.on_time(&mut link, report)?;
            if self.service.is_full(cx.buffers.pool()) {
                return Ok(self.service.due_in(cx.now));
            }
        }
        let within = self.run_untimed(cx)?;
        if !self.service.has_timed_faults() {
            return Ok(within);
        }
        Ok(self.service.due_in(cx.now).into_iter().chain(within).min())
    }

    fn run_untimed(&mut self, cx: &mut Context<'_, '_>) -> Result<Option<u32>, Ending> {
        let was_blocked = self.transport.is_blocked();
        if was_blocked {
            if self.transport.flush(cx.buffers.pool(), cx.now)? {
                // No deadline of the session counted while it was blocked.
                self.session.heard();
            } else {
                let within = self.write_deadline(cx)?;
                if cx.read_ons == 0 || !self.transport.may_read(cx.buffers.pool(), cx.now) {
                    return Ok(within);
                }
                cx.read_ons -= 1;
            }
        }
        if self.service.carries() {
            self.wake(cx)?;
        }
        let within = self.pump(cx)?;
        if let (false, Some(end)) = (self.ended, self.session.end()) {
            // A client that has not finished the handshake of TLS can't be answered.
            if end == End::Overdue(Overdue::Handshake) && self.transport.is_shaking_hands() {
                return Err(Ending::TlsOverdue);
            }
            self.report_end(&Ending::Session(end), cx.report);
            self.ended = true;
        }
        if self.transport.is_blocked() { self.write_deadline(cx) } else { Ok(within) }
    }

    /// Another client, or the clock, may give a session of Socket.IO something to send.
    #[cold]
    fn wake(&mut self, cx: &mut Context<'_, '_>) -> Result<(), Ending> {
        if self.session.is_connecting() {
            self.session.set_date();
        }
        let (tx, pool) = cx.buffers.lend_tx();
        let Self { address, transport, session, service, compression, .. } = self;
        let (deflaters, now) = (&mut cx.engine.deflaters, cx.now);
        let mut link =
            Link { address, session, transport, tx, pool, held: None, compression, deflaters, now };
        service.on_wake(&mut link, cx.report, cx.config, cx.socketio)
    }

    /// Hands what the client sent to the service and writes the replies, until the session needs more than
    /// one read, or the client takes no more. Returns in how many milliseconds the session has a deadline.
    fn pump(&mut self, cx: &mut Context<'_, '_>) -> Result<Option<u32>, Ending> {
        let head = self.session.is_connecting().then_some(cx.config.max_head);
        if head.is_some() {
            self.session.set_date();
        }
        let len = cx.buffers.read_len(head, self.session.payload_left(), self.partial.bytes().len());
        let Self { address, transport, session, service, partial, compression, is_plain, .. } = self;
        let (mut rx, tx, pool) = cx.buffers.lend(len);
        let was_read = !rx.is_empty();
        let held = partial.take_payload();
        let Engine { inflaters, deflaters } = &mut *cx.engine;
        let now = cx.now;
        // Not one capture more in the loop below.
        let mut shared = Shared { inflaters, hub: cx.socketio };
        let shared = &mut shared;
        let mut link = Link { address, session, transport, tx, pool, held, compression, deflaters, now };
        let mut allowance = inflow::AT_ONCE;
        if !rx.push(partial.bytes()) {
            return Err(Ending::Bug(SendError::BufferFull));
        }
        let mut may_read = !was_read && link.transport.may_read(link.pool, link.now);
        // Whatever happens, what is held must be kept to be given back.
        let mut exchange = || {
            if link.compression.unfinished {
                link.compression.unfinished = false;
                let mut inflow = Inflow::new(shared, service, cx.report, cx.config, &mut allowance);
                if inflow.resume(&mut link)? == Flow::Stopped && !inflow.refuse(&mut link)? {
                    return link.stop();
                }
            }
            loop {
                let step = if link.session.awaits_bytes(&rx) {
                    Step::Read
                } else {
                    link.session.receive(&mut rx, &mut link.tx)
                };
                // Before the others, because it is by far the most frequent.
                if let Step::Event(Event::Chunk(chunk)) = step {
                    if *is_plain {
                        service.on_chunk(&chunk, &mut link, cx.report, cx.config)?;
                        continue;
                    }
                    let mut inflow = Inflow::new(shared, service, cx.report, cx.config, &mut allowance);
                    if inflow.on_chunk(&chunk, &mut link)? == Flow::Stopped && !inflow.refuse(&mut link)? {
                        return link.stop();
                    }
                    continue;
                }
                match step {
                    Step::Event(Event::Ping(payload)) => cx.report.ping(link.address, payload),
                    Step::Event(Event::Pong(payload)) => cx.report.pong(link.address, payload),
                    Step::Event(Event::Close(close)) => {
                        cx.report.closed(link.address, &close, service.traffic());
                        if service.carries() {
                            service.on_end(End::Closed(close.code), now, shared.hub, cx.report);
                        }
                    }
                    Step::Event(event) => {
                        let is_open = matches!(event, Event::Open);
                        if matches!(event, Event::HeadEnd) {
                            inflow::limit_contexts(shared.inflaters, &mut link);
                        } else if is_open {
                            inflow::begin(shared.inflaters, &mut link);
                        }
                        service.on_opening(event, &mut link, cx.report, cx.config, shared.hub)?;
                        *is_plain = is_open && service.is_plain() && link.session.agreed().is_none();
                    }
                    Step::Read if may_read => {
                        may_read = false;
                        // A request that came after one that is held stays where it is.
                        if rx.is_empty() || !service.is_held() {
                            link.read(&mut rx)?;
                        }
                    }
                    Step::Read => {
                        if !*is_plain {
                            Inflow::new(shared, service, cx.report, cx.config, &mut allowance)
                                .refuse(&mut link)?;
                        }
                        link.flush()?;
                        if link.transport.is_blocked() {
                            return Ok(None);
                        }
                        let within = link.session.tick(&mut link.tx, link.now as u32);
                        if within != Some(0) {
                            link.flush()?;
                            return Ok(within);
                        }
                    }
                    Step::Write if service.leaves_close_unanswered() => link.flush_all_but_close()?,
                    Step::Write => link.flush()?,
                    Step::Shutdown => link.shutdown(),
                    // The client still gets what waits in the outbox.
                    Step::End(_) if link.transport.is_blocked() => return Ok(None),
                    Step::End(end) => return Err(Ending::Session(end)),
                }
            }
        };
        let done = exchange();
        match link.held {
            Some(payload) => *partial = Partial::Payload(payload),
            None => partial.keep(rx.filled()),
        }
        if !self.is_plain {
            cx.report.saved(cx.engine.take_saved());
        }
        done
    }

    /// The deadline for the client to take its replies: no other counts, because a ping would wait after them.
    #[cold]
    fn write_deadline(&self, cx: &mut Context<'_, '_>) -> Result<Option<u32>, Ending> {
        let Some(since) = self.transport.blocked_since() else { return Ok(Some(0)) };
        let (timeout, waited) = (u64::from(cx.config.write_timeout), cx.now - since);
        let within = match timeout {
            0 => None,
            _ if waited >= timeout => return Err(Ending::Unread),
            _ => Some((timeout - waited) as u32),
        };
        let waits =
            [within, self.transport.reads_in(cx.buffers.pool(), cx.now), self.transport.writes_in(cx.now)];
        Ok(waits.into_iter().flatten().min())
    }

    #[cold]
    fn report_end(&self, ending: &Ending, report: &mut Report) {
        let stage = match self.ended {
            true => Stage::Lingering,
            false if self.service.is_open() => Stage::Open,
            false if self.service.is_idle() => Stage::Idle,
            false => Stage::Opening,
        };
        report.ended(&self.address, stage, ending, self.service.traffic());
    }
}
