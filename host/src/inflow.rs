//! The messages of a client with compression, on their way from the session to the service.

use microws::{Chunk, CloseCode, State};

use crate::config::Config;
use crate::deflate::{CONTEXTS, Filled, Inflaters};
use crate::link::Link;
use crate::report::{Ending, Report};
use crate::service::Echo;
use crate::socketio::Hub;

/// Bytes that are inflated for a client before other clients are served: some milliseconds to compress them again.
pub(crate) const AT_ONCE: usize = 256 * 1024;

/// To begin a further stream in a message takes as long as to inflate so many bytes.
const RESTART: usize = 4 * 1024;

/// One run of a client.
#[derive(Debug)]
pub(crate) struct Inflow<'a, 'c> {
    pub(crate) inflaters: &'a mut Inflaters,
    pub(crate) service: &'a mut Echo,
    pub(crate) report: &'a mut Report,
    pub(crate) config: &'a Config,
    pub(crate) hub: &'a mut Hub<'c>,
    /// Bytes that may still be inflated in this run.
    pub(crate) left: &'a mut usize,
}

/// What all clients share, beside the report.
#[derive(Debug)]
pub(crate) struct Shared<'a, 'c> {
    pub(crate) inflaters: &'a mut Inflaters,
    pub(crate) hub: &'a mut Hub<'c>,
}

/// How far a client has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The session may be asked for more.
    On,
    /// Enough for this run, or the client must take its replies first.
    Stopped,
}

impl<'a, 'c> Inflow<'a, 'c> {
    pub(crate) fn new(
        shared: &'a mut Shared<'_, 'c>,
        service: &'a mut Echo,
        report: &'a mut Report,
        config: &'a Config,
        left: &'a mut usize,
    ) -> Self {
        let Shared { inflaters, hub } = shared;
        Self { inflaters, service, report, config, hub, left }
    }

    /// A part of a message came.
    #[inline(never)]
    pub(crate) fn on_chunk(&mut self, chunk: &Chunk<'_>, link: &mut Link<'_, '_>) -> Result<Flow, Ending> {
        if !chunk.compressed {
            self.service.on_chunk_aside(chunk, link, self.report, self.config, self.hub)?;
            return Ok(Flow::On);
        }
        // After our close frame nothing is sent back.
        if link.session.state() != State::Open {
            return Ok(Flow::On);
        }
        let context = link.compression.context;
        let key = match link.compression.inflater {
            Some(key) => key,
            None => *link.compression.inflater.insert(self.inflaters.lend(chunk.kind, context)),
        };
        let mut input = &*chunk.payload;
        let (flow, is_done) = self.inflate(&mut input, chunk.fin, link)?;
        if !is_done {
            let message = self.inflaters.get(key).0;
            link.pool.hold(&mut message.held, input);
            message.fin = chunk.fin;
        }
        Ok(flow)
    }

    /// Goes on with what was held.
    #[cold]
    pub(crate) fn resume(&mut self, link: &mut Link<'_, '_>) -> Result<Flow, Ending> {
        let Some(key) = link.compression.inflater else { return Ok(Flow::On) };
        let message = self.inflaters.get(key).0;
        let (held, fin) = (message.held.take(), message.fin);
        let Some(mut held) = held else { return Ok(Flow::On) };
        let (mut used, mut result) = (0, Ok((Flow::On, true)));
        // The end comes after all of them.
        let slices = held.slices().map(|slice| (slice, false)).chain([(&[][..], fin)]);
        for (slice, fin) in slices {
            let mut input = slice;
            result = self.inflate(&mut input, fin, link);
            used += slice.len() - input.len();
            if !matches!(result, Ok((Flow::On, true))) {
                break;
            }
        }
        // After a fault there is no message.
        if link.compression.inflater.is_none() || result.is_err() || (used == held.len() && !fin) {
            link.pool.give_back_held(held);
        } else {
            link.pool.take_held(&mut held, used);
            self.inflaters.get(key).0.held = Some(held);
        }
        result.map(|(flow, _)| flow)
    }

    /// Inflates `input`, with which the message ends if `fin`, piece by piece. Whether all of it was handled comes second.
    fn inflate(
        &mut self,
        input: &mut &[u8],
        fin: bool,
        link: &mut Link<'_, '_>,
    ) -> Result<(Flow, bool), Ending> {
        let Self { inflaters, service, report, config, hub, left } = self;
        let Some(key) = link.compression.inflater else { return Ok((Flow::On, true)) };
        loop {
            let (message, piece, counts) = inflaters.get(key);
            let before = input.len();
            let Filled { len, done, restarts, fault } = message.fill(input, fin, piece, config.max_message);
            counts.compressed += (before - input.len()) as u64;
            counts.plain += len as u64;
            let is_last = done && fin && fault.is_none();
            if len > 0 || is_last {
                let first = std::mem::take(&mut message.first);
                let chunk = Chunk::new(message.kind, first, is_last, &mut piece[..len]);
                service.on_chunk_aside(&chunk, link, report, config, hub)?;
            }
            if let Some(error) = fault {
                link.session.fail(error);
                link.compression.inflater = None;
                inflaters.release(key, link.pool);
                return Ok((Flow::On, true));
            }
            if is_last {
                link.compression.inflater = None;
                inflaters.end(key, link.compression.context, link.pool);
            }
            **left = left.saturating_sub(len + restarts * RESTART);
            if **left == 0 || link.transport.is_blocked() {
                return Ok((Flow::Stopped, done));
            }
            if done {
                return Ok((Flow::On, true));
            }
        }
    }

    /// Before a client waits in the middle of a message: it keeps its inflater, unless too many do. Whether it was
    /// closed for that.
    pub(crate) fn refuse(&mut self, link: &mut Link<'_, '_>) -> Result<bool, Ending> {
        let Some(key) = link.compression.inflater else { return Ok(false) };
        if !self.inflaters.is_spent(link.deflaters.owned()) {
            return Ok(false);
        }
        link.compression.inflater = None;
        link.compression.unfinished = false;
        self.inflaters.release(key, link.pool);
        self.report.out_of_inflaters(link.address);
        link.close(CloseCode::TRY_AGAIN_LATER, "too many compressed messages in parts")?;
        Ok(true)
    }
}

/// The request is complete: a client for whose contexts there is no memory gets none.
pub(crate) fn limit_contexts(inflaters: &Inflaters, link: &mut Link<'_, '_>) {
    if link.session.agreed().is_some() && !inflaters.has_room(link.deflaters.owned(), CONTEXTS) {
        link.session.forget_contexts();
    }
}

/// The connection is open. What compression takes is allocated now: messages allocate nothing.
pub(crate) fn begin(inflaters: &mut Inflaters, link: &mut Link<'_, '_>) {
    let Some(agreed) = link.session.agreed() else { return };
    let (own, peers, bits) =
        (agreed.keeps_own_context(), agreed.keeps_peers_context(), agreed.send_window_bits());
    link.deflaters.prepare(bits);
    if own || peers {
        let key = inflaters.add_window(peers);
        let same = link.deflaters.add_context(own.then_some(bits));
        debug_assert_eq!(key, same, "both are added and removed together");
        link.compression.context = Some(key);
    }
}
