//! A client's opening: makes the request and checks the answer.

use crate::buffer::Buffer;
use crate::config::Config;
use crate::connection::role::Client;
use crate::event::Event;
use crate::handshake::client::Answer;
use crate::located::{Located, What};
use crate::session::{Endpoint, Opening, Session};
use crate::step::{End, Step};

/// The client's opening handshake.
#[derive(Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Connecting(Answer);

impl Opening for Connecting {
    #[inline(never)]
    fn advance(&mut self, config: &Config<'_>, rx: &mut Buffer<'_>, tx: &mut Buffer<'_>) -> Step<Located> {
        let Self(answer) = self;
        #[cfg(feature = "deflate")]
        answer.hold(rx);
        match answer.send(config, tx) {
            Ok(true) => {}
            Ok(false) => return Step::Write,
            Err(error) => return Step::End(End::Unsendable(error)),
        }
        let error = if answer.is_complete() {
            match answer.check() {
                Ok(()) => return Step::Event(Located::nowhere(What::Open)),
                Err(error) => error,
            }
        } else {
            match answer.receive(config, rx) {
                Ok(None) => return Step::Read,
                Ok(Some(line)) => return Step::Event(line),
                Err(error) => error,
            }
        };
        Step::End(End::Rejected(error))
    }

    #[cfg(feature = "deflate")]
    fn agreed(&self) -> Option<crate::deflate::Agreed> {
        self.0.deflate()
    }

    #[inline]
    fn bind<'b>(line: Located, rx: &'b Buffer<'_>) -> Event<'b> {
        line.bind_answer(rx)
    }
}

impl<F: FnMut(&mut [u8])> Endpoint for Client<F> {
    type Opening = Connecting;
}

impl<'c, F: FnMut(&mut [u8])> Session<'c, Client<F>> {
    /// A client's session on a stream that was connected just now; the request is in `config`. `random` fills a slice
    /// with random bytes that nobody can predict: the request's key now, a masking key for each frame later
    /// (section 10.3).
    ///
    /// A request that can't be sent ends it: [`End::Unsendable`].
    pub fn client(config: &'c Config<'c>, mut random: F) -> Self {
        let mut nonce = [0; 16];
        random(&mut nonce);
        Self::connecting(config, Connecting(Answer::new(config, nonce)), Client(random))
    }

    /// Milliseconds for the opening handshake.
    #[cfg(feature = "embedded-io-async")]
    pub(crate) const fn handshake_timeout(&self) -> u32 {
        self.config.timeouts.handshake
    }

    /// The subprotocol that the server chose among those offered; none before the connection is open.
    pub fn subprotocol(&self) -> Option<&'c str> {
        self.opening.0.subprotocol(self.config)
    }
}
