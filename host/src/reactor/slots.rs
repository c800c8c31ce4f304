//! The clients, and what the loop notes about each.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mio::{Registry, Token};
use slab::Slab;

use super::wheel::{Entry, Noted, Wheel};
use crate::config::Config;
use crate::context::{Context, Next};
use crate::peer::Peer;
use crate::service::Echo;
use crate::session::Session;
use crate::transport::{Address, Transport};

/// How long queued clients run until others are looked for.
const SLICE: Duration = Duration::from_millis(2);

/// Clients over the limit that are answered at the same time; more are dropped without an answer.
const MAX_REJECTED: usize = 64;

/// Clients that there is room for from the start. The memory is not used before they come; it is so much that it lies outside of
/// the heap, which would keep the smaller rooms that it outgrew.
const FIRST_ROOM: usize = 1024;

/// A client, and what the loop alone needs to know about it.
#[derive(Debug)]
struct Slot<'c> {
    peer: Peer<'c>,
    /// Its tick in the timer wheel: another entry there is stale.
    tick: Noted,
    /// It is in the queue.
    queued: bool,
    /// It is counted as lingering.
    lingering: bool,
}

// All that an idle client owns, beside its entry in the wheel: 208 bytes, of which core's session takes 104, 8 of them for
// compression. What the server notes about compression fits into the peer's padding. The session takes more with features of
// core that the server does not ask for, and other packages of a build may.
const _: () = assert!(
    size_of::<Slot<'_>>() <= 104 + size_of::<microws::Session<'_, microws::Upgraded<microws::Server>>>()
);

/// All clients. A client's key is its token.
#[derive(Debug)]
pub(crate) struct Slots<'c> {
    config: &'c Config,
    session_config: &'c microws::Config<'c>,
    slab: Slab<Slot<'c>>,
    schedule: Schedule,
    /// Entries of the wheel that came up; kept for its memory.
    due: Vec<Entry>,
    /// Clients that sessions of Socket.IO have woken; kept for its memory.
    woken: Vec<usize>,
}

/// When clients run without an event, and how many only wait for their end.
#[derive(Debug)]
struct Schedule {
    queue: VecDeque<usize>,
    wheel: Wheel,
    lingering: usize,
}

impl<'c> Slots<'c> {
    pub(crate) fn new(config: &'c Config, session_config: &'c microws::Config<'c>) -> Self {
        let schedule = Schedule { queue: VecDeque::new(), wheel: Wheel::new(0), lingering: 0 };
        let slab = Slab::with_capacity(FIRST_ROOM);
        Self { config, session_config, slab, schedule, due: Vec::new(), woken: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// How many clients are served; the lingering ones take nobody's place.
    pub(crate) fn served(&self) -> usize {
        self.slab.len() - self.schedule.lingering
    }

    /// Milliseconds until a client is to run without an event; `None` for never.
    pub(crate) fn due_in(&self, now: u64) -> Option<u64> {
        if self.schedule.queue.is_empty() { self.schedule.wheel.next_in(now) } else { Some(0) }
    }

    /// A connection was accepted.
    pub(crate) fn on_accept(
        &mut self,
        transport: Transport,
        address: Address,
        registry: &Registry,
        cx: &mut Context<'_, '_>,
    ) {
        cx.report.accepted(&address);
        let max = self.config.max_connections;
        let is_over = self.served() >= max;
        if self.slab.len() >= max.saturating_add(MAX_REJECTED) {
            return cx.report.dropped_over_limit(&address);
        }
        let entry = self.slab.vacant_entry();
        let key = entry.key();
        if let Err(error) = transport.register(registry, Token(key), &address) {
            return cx.report.lost(&address, &error);
        }
        let session = Session::server(self.session_config);
        let peer = Peer::new(address, transport, session, Echo::new());
        entry.insert(Slot { peer, tick: Noted::NONE, queued: false, lingering: false });
        self.run(
            key,
            cx,
            |slot, cx| {
                if is_over { slot.peer.reject_over_limit(cx) } else { slot.peer.on_ready(cx) }
            },
        );
    }

    /// An event came for a client, if that was not dropped earlier in this batch of events.
    pub(crate) fn on_event(
        &mut self,
        key: usize,
        readable: bool,
        read_closed: bool,
        cx: &mut Context<'_, '_>,
    ) {
        self.run(key, cx, |slot, cx| {
            slot.peer.set_ready(readable, read_closed);
            // A queued client runs after those before it.
            if slot.queued { Next::Requeue } else { slot.peer.on_ready(cx) }
        });
    }

    /// Runs the queued clients, after those that an event came for: each once, and no longer than until it
    /// is time to see who came meanwhile.
    pub(crate) fn run_queue(&mut self, cx: &mut Context<'_, '_>) {
        if self.schedule.queue.is_empty() {
            return;
        }
        let start = Instant::now();
        for _ in 0..self.schedule.queue.len() {
            let Some(key) = self.schedule.queue.pop_front() else { break };
            self.run(key, cx, |slot, cx| {
                slot.queued = false;
                slot.peer.on_ready(cx)
            });
            if start.elapsed() >= SLICE {
                break;
            }
        }
    }

    /// Runs the clients that a deadline may be due for.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_, '_>) {
        self.schedule.wheel.expire(cx.now, &mut self.due);
        if self.due.is_empty() {
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        for Entry { owner, tick } in due.drain(..) {
            self.run(
                owner,
                cx,
                |slot, cx| {
                    if slot.tick == tick { slot.peer.on_ready(cx) } else { Next::Wait(None) }
                },
            );
        }
        self.due = due;
    }

    /// Runs the clients that carry sessions of Socket.IO in which something happened, or is due if it `expires`.
    #[cold]
    #[inline(never)]
    pub(crate) fn run_socketio(&mut self, expires: bool, cx: &mut Context<'_, '_>) {
        if expires {
            cx.socketio.expire(cx.now, cx.report);
        }
        cx.socketio.settle_reached(cx.now, cx.report);
        // Those that they wake run in the next turn: clients that have much to say to each other do not keep the loop.
        let mut woken = std::mem::take(&mut self.woken);
        cx.socketio.take_woken(&mut woken);
        for key in woken.drain(..) {
            self.run(key, cx, |slot, cx| slot.peer.on_ready(cx));
        }
        self.woken = woken;
    }

    /// Tells all clients that the server stops.
    pub(crate) fn stop(&mut self, cx: &mut Context<'_, '_>) {
        let keys: Vec<usize> = self.slab.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.run(key, cx, |slot, cx| slot.peer.stop(cx));
        }
    }

    /// Has the client `key` act, if it is there, and does what comes next.
    fn run(
        &mut self,
        key: usize,
        cx: &mut Context<'_, '_>,
        act: impl FnOnce(&mut Slot<'c>, &mut Context<'_, '_>) -> Next,
    ) {
        let Some(slot) = self.slab.get_mut(key) else { return };
        cx.socketio.current = key;
        let next = act(slot, cx);
        self.schedule.note(key, slot, next, cx.now);
        if next == Next::Close {
            slot.peer.release(cx);
            cx.report.gone();
            self.slab.remove(key);
        }
    }
}

impl Schedule {
    fn note(&mut self, key: usize, slot: &mut Slot<'_>, next: Next, now: u64) {
        match next {
            Next::Wait(None) => {}
            Next::Wait(Some(within)) => slot.tick = self.wheel.enter(key, now, within, slot.tick),
            Next::Requeue if slot.queued => {}
            Next::Requeue => {
                slot.queued = true;
                self.queue.push_back(key);
            }
            Next::Close => return self.lingering -= usize::from(slot.lingering),
        }
        if !slot.lingering && slot.peer.is_lingering() {
            slot.lingering = true;
            self.lingering += 1;
        }
    }
}
