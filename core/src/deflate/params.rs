//! [`Params`]: what this endpoint can hold; [`Agreed`]: what both peers agreed on. RFC 7692 section 7.1.

use core::fmt;

/// What this endpoint can hold, for the negotiation (section 7.1). A session whose `rx` has an
/// [`Inflater`](crate::deflate::Inflater) takes [`Params::new`] with the size of the ring; any other program, and one
/// that wants other terms, says so by [`Config::deflate`](crate::Config::deflate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Params {
    pub(crate) window_bits: u8,
    pub(crate) keep_peers_context: bool,
    pub(crate) keep_own_context: bool,
    pub(crate) bounded_only: bool,
    pub(crate) tell_no_context: bool,
}

impl Params {
    /// No context takeover in either direction, and a window of 2^15 bytes for receiving: a message is compressed by
    /// itself.
    pub const fn new() -> Self {
        Self {
            window_bits: 15,
            keep_peers_context: false,
            keep_own_context: false,
            bounded_only: false,
            tell_no_context: false,
        }
    }

    /// Holds a window of 2^`bits` bytes for receiving, 8 to 15; other numbers are taken as the nearest of these. With a
    /// ring smaller than that in `rx`, the ring's size counts.
    #[must_use]
    pub const fn window_bits(mut self, bits: u8) -> Self {
        self.window_bits = nearest(bits);
        self
    }

    /// Lets the peer keep its context from message to message (section 7.1.1), where its window is one that this
    /// endpoint holds: better compression, and an inflater and a ring that serve this connection alone.
    #[must_use]
    pub const fn keep_peers_context(mut self, keep: bool) -> Self {
        self.keep_peers_context = keep;
        self
    }

    /// Keeps the own context for sending from message to message, unless the peer forbids it. Only for a program with an
    /// engine of its own: a [`Deflater`](crate::deflate::Deflater) keeps none.
    #[must_use]
    pub const fn keep_own_context(mut self, keep: bool) -> Self {
        self.keep_own_context = keep;
        self
    }

    /// Takes only peers that keep to the window of [`window_bits`](Self::window_bits). Without it a peer with a larger
    /// window is taken as well: its messages are understood if they are not longer than the ring, and longer ones if
    /// they reach no further back.
    #[must_use]
    pub const fn bounded_only(mut self, only: bool) -> Self {
        self.bounded_only = only;
        self
    }

    /// A server without a context of its own says so to each client, not only to one that asks (section 7.1.1.1): a client
    /// may then free its window between messages. It takes 28 bytes more of `tx`. Without effect on a client, which
    /// always asks for what it can't hold.
    #[must_use]
    pub const fn tell_no_context(mut self, tell: bool) -> Self {
        self.tell_no_context = tell;
        self
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::new()
    }
}

/// What both peers agreed on (section 5.1): it holds for the whole connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Agreed {
    // In one byte each: a connection's state holds it.
    send_bits: u8,
    receive_bits: u8,
}

const fn nearest(bits: u8) -> u8 {
    match bits {
        ..8 => 8,
        16.. => 15,
        _ => bits,
    }
}

/// Beside the bits of a window: the context is kept.
const KEPT: u8 = 0x80;

impl Agreed {
    /// For a handshake that was done elsewhere: windows of 2^n bytes, n from 8 to 15, for sending and receiving, that are
    /// not kept between messages. Other numbers are taken as the nearest of these.
    pub const fn new(send_window_bits: u8, receive_window_bits: u8) -> Self {
        Self { send_bits: nearest(send_window_bits), receive_bits: nearest(receive_window_bits) }
    }

    /// The same with contexts that are kept from message to message (section 7.1.1): our own, and the peer's.
    #[must_use]
    pub const fn keeping(mut self, own: bool, peers: bool) -> Self {
        if own {
            self.send_bits |= KEPT;
        }
        if peers {
            self.receive_bits |= KEPT;
        }
        self
    }

    /// The window for sending is 2^n bytes, n from 8 to 15: no distance may be longer.
    pub const fn send_window_bits(self) -> u8 {
        self.send_bits & !KEPT
    }

    /// Whether this endpoint may use its window from message to message (section 7.1.1).
    pub const fn keeps_own_context(self) -> bool {
        self.send_bits & KEPT != 0
    }

    /// The peer's window is at most 2^n bytes, n from 8 to 15.
    pub const fn receive_window_bits(self) -> u8 {
        self.receive_bits & !KEPT
    }

    /// Whether the peer may use its window from message to message: then the window must be kept as well.
    pub const fn keeps_peers_context(self) -> bool {
        self.receive_bits & KEPT != 0
    }
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = |kept| if kept { ", kept" } else { "" };
        write!(
            f,
            "permessage-deflate, window 2^{} out{}, 2^{} in{}",
            self.send_window_bits(),
            kept(self.keeps_own_context()),
            self.receive_window_bits(),
            kept(self.keeps_peers_context())
        )
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    /// Numbers of bits, and those that they are taken as.
    const NEAREST: [(u8, u8); 8] = [(0, 8), (7, 8), (8, 8), (9, 9), (14, 14), (15, 15), (16, 15), (255, 15)];

    #[test]
    fn each_term_is_set_and_leaves_the_others() {
        let none = Params::new();
        assert_eq!(Params::default(), none);
        let all = none
            .window_bits(9)
            .keep_peers_context(true)
            .keep_own_context(true)
            .bounded_only(true)
            .tell_no_context(true);
        let expected = Params {
            window_bits: 9,
            keep_peers_context: true,
            keep_own_context: true,
            bounded_only: true,
            tell_no_context: true,
        };
        assert_eq!(all, expected);
        assert_eq!(all.keep_peers_context(false), Params { keep_peers_context: false, ..expected });
        assert_eq!(all.keep_own_context(false), Params { keep_own_context: false, ..expected });
        assert_eq!(all.bounded_only(false), Params { bounded_only: false, ..expected });
        assert_eq!(all.tell_no_context(false), Params { tell_no_context: false, ..expected });
        for (bits, nearest) in NEAREST {
            assert_eq!(all.window_bits(bits), Params { window_bits: nearest, ..expected });
        }
    }

    #[test]
    fn what_was_agreed_on_is_told_apart() {
        for (bits, nearest) in NEAREST {
            let agreed = Agreed::new(bits, 12);
            assert_eq!((agreed.send_window_bits(), agreed.receive_window_bits()), (nearest, 12));
            let agreed = Agreed::new(12, bits);
            assert_eq!((agreed.send_window_bits(), agreed.receive_window_bits()), (12, nearest));
        }
        for (own, peers, words) in [
            (false, false, "permessage-deflate, window 2^15 out, 2^10 in"),
            (true, false, "permessage-deflate, window 2^15 out, kept, 2^10 in"),
            (false, true, "permessage-deflate, window 2^15 out, 2^10 in, kept"),
            (true, true, "permessage-deflate, window 2^15 out, kept, 2^10 in, kept"),
        ] {
            let agreed = Agreed::new(15, 10).keeping(own, peers);
            assert_eq!((agreed.keeps_own_context(), agreed.keeps_peers_context()), (own, peers));
            assert_eq!((agreed.send_window_bits(), agreed.receive_window_bits()), (15, 10));
            assert_eq!(agreed.to_string(), words);
        }
    }
}
