//! One run of a client: what it needs, and what the loop does next.

use crate::config::Config;
use crate::deflate::Engine;
use crate::report::Report;
use crate::socketio::Hub;
use crate::transport::Buffers;

/// What a client needs while it runs.
#[derive(Debug)]
pub(crate) struct Context<'a, 'c> {
    pub(crate) buffers: &'a mut Buffers,
    pub(crate) engine: &'a mut Engine,
    pub(crate) report: &'a mut Report,
    pub(crate) socketio: &'a mut Hub<'c>,
    pub(crate) config: &'a Config,
    /// Milliseconds since the start.
    pub(crate) now: u64,
    /// How many clients may still be read in this run of the loop although replies to them wait: those that take their replies
    /// come first.
    pub(crate) read_ons: u32,
}

/// What the loop does with a client that has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Wait for an event, or for so many milliseconds.
    Wait(Option<u32>),
    /// There may be more to read: run it again, after the others.
    Requeue,
    /// Drop it.
    Close,
}
