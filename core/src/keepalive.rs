//! [`Keepalive`]: when to ping and when to give up, without a clock of its own.

/// How long to wait for what, in milliseconds; 0 waits forever. At most 2^31 - 1, 24 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Timeouts {
    /// For the opening handshake to be done.
    pub handshake: u32,
    /// From the last byte that came to the ping.
    pub ping_after: u32,
    /// From the ping to the next byte: its pong or any other, for data is a sign of life as well.
    pub pong_within: u32,
    /// From our close frame to the end.
    pub close_within: u32,
}

impl Default for Timeouts {
    /// 10 s for the handshake, a ping after 20 s of silence, 20 s for its pong, 5 s to close.
    fn default() -> Self {
        Self { handshake: 10_000, ping_after: 20_000, pong_within: 20_000, close_within: 5_000 }
    }
}

/// The deadlines of one connection. Pure state: the caller passes `now`, in milliseconds of any
/// clock that goes on steadily and may wrap around.
///
/// Tell it what happens ([`open`](Self::open), [`heard`](Self::heard),
/// [`closing`](Self::closing)) and ask what is [`due`](Self::due).
///
/// ```
/// use microws::{Due, Keepalive, Timeouts};
///
/// let timeouts = Timeouts::default();
/// let mut keepalive = Keepalive::new(0);
/// keepalive.open(100);
/// assert_eq!(keepalive.due(5_100, &timeouts), Due::Nothing { again_in: Some(15_000) });
/// assert_eq!(keepalive.due(20_100, &timeouts), Due::Ping); // Connection::ping
/// keepalive.heard(20_130);
/// assert_eq!(keepalive.due(20_200, &timeouts), Due::Nothing { again_in: Some(19_930) });
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Keepalive {
    since: u32,
    awaited: Awaited,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Awaited {
    Handshake,
    AnyByte,
    Pong,
    Close,
}

/// What is due now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Due {
    /// Nothing; ask again in so many milliseconds, or after something happened. Asking earlier
    /// does no harm.
    Nothing {
        /// Milliseconds; `None` if no timeout applies.
        again_in: Option<u32>,
    },
    /// Send a ping. Asked again, this counts it as sent.
    Ping,
    /// The opening handshake took too long: drop the transport.
    HandshakeOverdue,
    /// The peer gave no sign of life after the ping: drop the transport.
    PongOverdue,
    /// The peer does not finish the closing handshake: drop the transport.
    CloseOverdue,
}

impl Keepalive {
    /// The opening handshake begins.
    pub const fn new(now: u32) -> Self {
        Self { since: now, awaited: Awaited::Handshake }
    }

    /// The opening handshake is done.
    pub fn open(&mut self, now: u32) {
        *self = Self { since: now, awaited: Awaited::AnyByte };
    }

    /// Bytes came from the peer. During either handshake they don't count: a peer that sends a
    /// byte now and then must still come to an end.
    #[inline]
    pub fn heard(&mut self, now: u32) {
        if matches!(self.awaited, Awaited::AnyByte | Awaited::Pong) {
            self.open(now);
        }
    }

    /// Our close frame was queued; only the first call counts.
    pub fn closing(&mut self, now: u32) {
        if self.awaited != Awaited::Close {
            *self = Self { since: now, awaited: Awaited::Close };
        }
    }

    /// What is due at `now`.
    pub fn due(&mut self, now: u32, timeouts: &Timeouts) -> Due {
        let (timeout, due) = match self.awaited {
            Awaited::Handshake => (timeouts.handshake, Due::HandshakeOverdue),
            Awaited::AnyByte => (timeouts.ping_after, Due::Ping),
            Awaited::Pong => (timeouts.pong_within, Due::PongOverdue),
            Awaited::Close => (timeouts.close_within, Due::CloseOverdue),
        };
        if timeout == 0 {
            return Due::Nothing { again_in: None };
        }
        let waited = now.wrapping_sub(self.since);
        if waited < timeout {
            return Due::Nothing { again_in: Some(timeout.saturating_sub(waited)) };
        }
        if due == Due::Ping {
            // Without a limit for the pong, a ping goes out after each silence.
            let awaited = if timeouts.pong_within == 0 { Awaited::AnyByte } else { Awaited::Pong };
            *self = Self { since: now, awaited };
        }
        due
    }
}
