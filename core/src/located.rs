//! [`Located`]: something that was taken out of `rx`, by where it stands.

use crate::wire::frame::MessageKind;

/// Something that was taken out of `rx`, whose bytes are still to be borrowed.
///
/// A function that loops and then returns what it found can't borrow it in the call that finds it (the
/// borrow checker's "problem case 3"): it returns this, and the caller binds it to `rx` before `rx` is used
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[allow(unreachable_pub, reason = "reachable through a sealed trait, which older compilers do not see")]
pub struct Located {
    pub(crate) what: What,
    /// Where the bytes stand in the storage of `rx`.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum What {
    /// The first line of a head: a request line or a status line.
    RequestLine,
    StatusLine,
    /// A header line.
    Field,
    /// The name of a header field whose line does not fit into `rx`.
    LongField,
    /// The empty line: nothing.
    HeadEnd,
    /// A part of a request's content.
    #[cfg(feature = "http")]
    Body {
        fin: bool,
    },
    /// A response's content can go on: nothing.
    #[cfg(feature = "http")]
    ContentDue,
    /// The connection is open: nothing.
    Open,
    /// Payload of a message.
    Chunk {
        kind: MessageKind,
        first: bool,
        fin: bool,
        #[cfg(feature = "deflate")]
        form: Form,
    },
    Ping,
    Pong,
    Close,
}

/// In which form the payload of a message is handed out.
#[cfg(feature = "deflate")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it was sent.
    Plain,
    /// It stands in the inflater's ring.
    Inflated,
    /// As it was sent, which is compressed.
    Compressed,
}

impl Located {
    pub(crate) const fn new(what: What, range: &core::ops::Range<usize>) -> Self {
        Self { what, start: range.start, end: range.end }
    }

    /// Something that is complete without bytes.
    pub(crate) const fn nowhere(what: What) -> Self {
        Self { what, start: 0, end: 0 }
    }
}
