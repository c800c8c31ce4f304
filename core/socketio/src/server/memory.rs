//! Memory that is lent to a session while it needs some.

use crate::acks::AckSlot;
use crate::server::ServerSession;

impl<'a> ServerSession<'a> {
    /// Gives it other memory for the packets that wait, and returns that of before: more, or none while nothing waits, so
    /// that an idle session takes none. Without memory every verb fails, and so does the session when the protocol
    /// demands a packet: give it some before each call that may queue one, [`tick`](Self::tick) too.
    ///
    /// # Errors
    /// The memory itself, if what waits has no room in it.
    pub fn replace_queue(&mut self, memory: &'a mut [u8]) -> Result<&'a mut [u8], &'a mut [u8]> {
        self.queue.replace(memory)
    }

    /// Returns the memory for acknowledgements, for the next session.
    pub fn into_acks(self) -> &'a mut [AckSlot] {
        self.acks.into_slots()
    }

    /// Bytes that wait, with 4 for each message, and bytes that there is memory for.
    pub const fn queue_len(&self) -> (usize, usize) {
        (self.queue.len(), self.queue.capacity())
    }
}
