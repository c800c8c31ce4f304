//! What a connection hands out: [`Event`], and [`Received`] around it.

use core::ops::Range;

use crate::{Buffer, Close};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageKind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Binary,
}

/// Message payload as it arrived, unmasked where it stands in `rx`.
///
/// A message is one chunk or several; where it is cut says nothing, it depends on how the bytes
/// came. Text is checked: each chunk continues valid UTF-8, though a chunk may end amid a code point.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Chunk<'b> {
    /// Whether the message is text or binary.
    pub kind: MessageKind,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub fin: bool,
    /// The bytes; there may be none.
    pub payload: &'b mut [u8],
}

/// What the peer said. It borrows `rx` alone: connection and `tx` stay free to answer it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'b> {
    /// A message, or part of one.
    Chunk(Chunk<'b>),
    /// A ping; its pong is in `tx` already (section 5.5.2).
    Ping(&'b [u8]),
    /// A pong: the answer to a ping of ours, or unsolicited (section 5.5.3).
    Pong(&'b [u8]),
    /// The last event: both close frames were exchanged and ours has left `tx`. A server now
    /// closes the transport; a client waits a moment for the server to do so (section 7.1.1).
    Close(Close<'b>),
}

/// The outcome of [`Connection::receive`](crate::Connection::receive) and
/// [`step`](crate::Connection::step).
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub enum Received<E> {
    /// The peer said something.
    Event(E),
    /// Read more bytes into `rx`. Write `tx` out first if you are going to wait.
    WantRead,
    /// Write `tx` out: a reply might not fit, or the connection ends when it is empty. Nothing
    /// was consumed.
    WantWrite,
    /// [`Event::Close`] was handed out already.
    Closed,
}

impl<E> Received<E> {
    /// Applies `f` to the event, if it is one.
    pub fn map<T>(self, f: impl FnOnce(E) -> T) -> Received<T> {
        match self {
            Self::Event(event) => Received::Event(f(event)),
            Self::WantRead => Received::WantRead,
            Self::WantWrite => Received::WantWrite,
            Self::Closed => Received::Closed,
        }
    }
}

/// An event whose payload is still to be borrowed from `rx`.
///
/// A function that loops and then returns the event can't borrow it in the call that finds it
/// (the borrow checker's "problem case 3"): it holds this, and [`bind`](Self::bind)s it on the
/// way out. Bind it before `rx` is used again.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[must_use]
pub struct Unbound {
    pub(crate) what: What,
    // Where the payload stands in the storage of `rx`.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum What {
    Chunk { kind: MessageKind, first: bool, fin: bool },
    Ping,
    Pong,
    Close,
}

impl Unbound {
    pub(crate) const fn new(what: What, range: &Range<usize>) -> Self {
        Self { what, start: range.start, end: range.end }
    }

    /// Borrows the payload from the `rx` that it was found in.
    #[inline]
    pub fn bind<'b>(self, rx: &'b mut Buffer<'_>) -> Event<'b> {
        let payload = rx.taken_mut(self.start..self.end);
        match self.what {
            What::Chunk { kind, first, fin } => Event::Chunk(Chunk { kind, first, fin, payload }),
            What::Ping => Event::Ping(payload),
            What::Pong => Event::Pong(payload),
            What::Close => Event::Close(Close::of_checked(payload)),
        }
    }
}
