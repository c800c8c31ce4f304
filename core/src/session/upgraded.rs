//! Streams whose opening handshake was done elsewhere.

use crate::buffer::Buffer;
use crate::config::Config;
use crate::connection::Connection;
use crate::connection::role::{Role, Sealed};
use crate::event::Event;
use crate::located::{Located, What};
use crate::session::{Endpoint, Opening, Session};
use crate::step::Step;

/// The role `R` on a stream that is open already: no code for an opening handshake is linked.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Upgraded<R>(R);

impl<R: Role> Sealed for Upgraded<R> {
    #[inline]
    fn masking_key(&mut self) -> Option<[u8; 4]> {
        self.0.masking_key()
    }
}

impl<R: Role> Role for Upgraded<R> {
    const MASKS: bool = R::MASKS;
}

impl<R: Role + core::fmt::Debug> Endpoint for Upgraded<R> {
    type Opening = ();
}

/// Done elsewhere.
impl Opening for () {
    const DONE: bool = true;

    fn advance(&mut self, _: &Config<'_>, _: &mut Buffer<'_>, _: &mut Buffer<'_>) -> Step<Located> {
        Step::Event(Located::nowhere(What::Open))
    }

    fn bind<'b>(_: Located, _: &'b Buffer<'_>) -> Event<'b> {
        Event::Open
    }
}

impl<'c, R: Role + core::fmt::Debug> Session<'c, Upgraded<R>> {
    /// A session on a stream whose opening handshake was done elsewhere: by an HTTP server, or by the caller. Bytes
    /// that came after the head must be in `rx`. It is open from the start: there is no
    /// [`Event::Open`](crate::Event::Open).
    pub const fn upgraded(config: &'c Config<'c>, role: R) -> Self {
        Self::new(config, (), Connection::new(Upgraded(role), config))
    }
}

impl<'c, R: Endpoint + core::fmt::Debug> Session<'c, R> {
    /// The same session without the state of its opening handshake, some 70 bytes less; itself before it is open.
    /// For programs with thousands of clients.
    ///
    /// # Errors
    /// The session as it is, before it is open.
    pub fn into_upgraded(self) -> Result<Session<'c, Upgraded<R>>, Self> {
        if self.connection.state == crate::connection::State::Connecting {
            return Err(self);
        }
        let Self { config, opening: _, connection, partial, timer, linger, eof } = self;
        let connection = connection.map_role(Upgraded);
        Ok(Session { config, opening: (), connection, partial, timer, linger, eof })
    }
}
