//! What is done with an open connection.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use microws::Chunk;

use crate::sender::Sender;
use crate::verdict::Verdict;

/// What is done with an open connection.
pub(crate) trait Task {
    /// Queues what is to be sent, as far as there is room.
    fn send(&mut self, sender: &mut Sender<'_>) -> Result<Progress, Verdict>;

    /// Takes what came of a message.
    fn on_chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), Verdict>;

    /// Takes the payload of a pong.
    fn on_pong(&mut self, _payload: &[u8]) {}

    /// What else can be waited for.
    fn input(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// What [`input`](Self::input) returned is ready.
    fn on_input(&mut self) -> Result<(), Verdict> {
        Ok(())
    }

    /// What the server must send in time.
    fn awaited(&self) -> Option<Awaited>;

    /// No message comes any more: whether all was done. May be called again.
    fn finish(&mut self) -> Result<bool, Verdict>;
}

/// Whether a task has more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for room, for input or for the server.
    Waits,
    /// The connection can be closed.
    Done,
}

/// Something that must come in time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Awaited {
    pub(crate) what: &'static str,
    pub(crate) since: Instant,
}
