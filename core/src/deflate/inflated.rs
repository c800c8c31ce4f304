//! What inflating has made, and why it can't go on.

use core::fmt;
use core::ops::Range;

/// What a call has made, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Inflated {
    /// Where the bytes stand in the ring; the next call may overwrite them.
    pub bytes: Range<usize>,
    /// What comes next, after these bytes.
    pub next: Next,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "the caller must handle each")]
pub enum Next {
    /// All of the input was used: give more, or end the message if it [is complete](super::Inflater::is_complete).
    Input,
    /// There is more output: call again when the bytes were taken, even without input.
    Output,
    /// The data can't be inflated. The inflater is of no use until the next message.
    Fault(Fault),
}

/// The reason why data can't be inflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// It is no DEFLATE data: a reserved block type, a length with a wrong complement, a code that is over-subscribed,
    /// incomplete or unknown, or a distance to before the start.
    Garbage,
    /// The data reaches so many bytes back, which the ring no longer has: lend a larger ring.
    RingTooSmall(u16),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Garbage => f.write_str("no DEFLATE data"),
            Self::RingTooSmall(distance) => write!(f, "a window of {distance} bytes, more than the ring"),
        }
    }
}

impl core::error::Error for Fault {}
