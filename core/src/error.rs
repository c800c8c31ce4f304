//! [`SendError`]: requests of the caller that fail. Faults of the peer are in the errors of `wire`, `http` and
//! `handshake`.

use core::fmt;

/// The caller asked for what can't be sent now. Nothing was written and nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SendError {
    /// `tx` has no room: write it out and try again, or send in fragments.
    BufferFull,
    /// A close frame was queued already: nothing may follow it (section 5.5.1).
    Closed,
    /// The connection is not open yet, or the request was answered already.
    NotNow,
    /// Another message is unfinished: end it with `fin` first (section 5.4).
    MessageInProgress,
    /// More than 125 bytes for a ping or 123 for the reason of a close.
    ControlTooLong,
    /// A close code that must not stand in a frame, or a reason without a code (section 7.4).
    InvalidCloseCode,
    /// A name or value that can't stand in an HTTP header: a line break, a control character or,
    /// in a name or a token, a separator.
    InvalidField,
    /// Compression was not negotiated (RFC 7692): send the message plain.
    #[cfg(feature = "deflate")]
    NotNegotiated,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BufferFull => "the transmit buffer has no room for it",
            Self::Closed => "a close frame was sent already",
            Self::NotNow => "this can't be sent at this point of the connection",
            Self::MessageInProgress => "another message is unfinished",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::InvalidCloseCode => "a close code that must not be sent",
            Self::InvalidField => "a header field with characters that can't stand there",
            #[cfg(feature = "deflate")]
            Self::NotNegotiated => "compression was not negotiated",
        })
    }
}

impl core::error::Error for SendError {}
