//! [`Event`]: everything that a peer can send, from its first line to its close frame.

use crate::buffer::Buffer;
use crate::http::field::Field;
use crate::http::line::{RequestLine, StatusLine};
use crate::located::{Located, What};
use crate::wire::close::Close;
use crate::wire::frame::MessageKind;

/// Message payload as it arrived, unmasked where it stands in `rx`.
///
/// A message is one chunk or several. Where it is cut has no meaning: that depends on how the bytes came.
/// A compressed message that was inflated stands in the inflater's ring: to change its bytes changes those that refer to
/// them. Text is checked: each chunk continues valid UTF-8, though a chunk may end inside a code point.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Chunk<'b> {
    /// Whether the message is text or binary.
    pub kind: MessageKind,
    /// Whether the message begins here.
    pub first: bool,
    /// Whether the message ends here.
    pub fin: bool,
    /// Whether the bytes are compressed (RFC 7692): the program inflates them itself, and checks text and length, because
    /// `rx` has no inflater. Never so unless [`Config::deflate`](crate::Config::deflate) says so.
    #[cfg(feature = "deflate")]
    pub compressed: bool,
    /// The bytes; there may be none.
    pub payload: &'b mut [u8],
}

impl<'b> Chunk<'b> {
    /// A chunk by hand, for tests of a program that takes chunks.
    pub const fn new(kind: MessageKind, first: bool, fin: bool, payload: &'b mut [u8]) -> Self {
        Self {
            kind,
            first,
            fin,
            #[cfg(feature = "deflate")]
            compressed: false,
            payload,
        }
    }

    /// The text, where the chunk is all of a text message; `None` for a part of one, and for binary. Whole short messages
    /// come with [`whole_up_to`](crate::Config::whole_up_to).
    ///
    /// ```
    /// use microws::{Chunk, MessageKind};
    ///
    /// let mut bytes = *b"on";
    /// assert_eq!(Chunk::new(MessageKind::Text, true, true, &mut bytes).as_str(), Some("on"));
    /// assert_eq!(Chunk::new(MessageKind::Text, true, false, &mut bytes).as_str(), None);
    /// ```
    pub fn as_str(&self) -> Option<&str> {
        #[cfg(feature = "deflate")]
        if self.compressed {
            return None;
        }
        if !(self.first && self.fin && matches!(self.kind, MessageKind::Text)) {
            return None;
        }
        core::str::from_utf8(self.payload).ok()
    }
}

/// What the peer said. It borrows `rx` alone: session and `tx` stay free to reply to it.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'b> {
    /// The first line of a request; server only.
    Request(RequestLine<'b>),
    /// The first line of the server's answer; client only.
    Status(StatusLine<'b>),
    /// A header field of the request or the answer.
    Field(Field<'b>),
    /// The name of a header field whose line did not fit into `rx`. It is skipped; a program that needs it
    /// rejects the request with 431.
    LongField(&'b [u8]),
    /// The head is complete. A server decides now: it responds itself, or goes on and so accepts the
    /// upgrade (a request that is no valid upgrade is rejected then).
    HeadEnd,
    /// A part of the request's content, after [`HeadEnd`](Self::HeadEnd); server only.
    #[cfg(feature = "http")]
    Body {
        /// The bytes.
        bytes: &'b [u8],
        /// Whether the content ends here.
        fin: bool,
    },
    /// There is room for the rest of a response's content: call
    /// [`respond_content`](crate::Session::respond_content) again, with the same arguments; server only. It comes until
    /// the program has done so: only to programs that went on although the verb was not done.
    #[cfg(feature = "http")]
    ContentDue,
    /// The connection is open: messages can be sent.
    Open,
    /// A message, or part of one.
    Chunk(Chunk<'b>),
    /// A ping; its pong is in `tx` already (section 5.5.2).
    Ping(&'b [u8]),
    /// A pong: the reply to a ping of ours, or unsolicited (section 5.5.3).
    Pong(&'b [u8]),
    /// Both close frames were exchanged and ours has left `tx`. No message follows.
    Close(Close<'b>),
}

// Each layer binds what it can find: a program that receives frames alone carries no code for heads.
impl Located {
    /// Borrows a line of a request from the `rx` that it was found in.
    #[inline]
    pub(crate) fn bind_request<'b>(self, rx: &'b Buffer<'_>) -> Event<'b> {
        match self.what {
            What::RequestLine => Event::Request(RequestLine(rx.taken(self.start..self.end))),
            #[cfg(feature = "http")]
            What::Body { fin } => Event::Body { bytes: rx.taken(self.start..self.end), fin },
            #[cfg(feature = "http")]
            What::ContentDue => Event::ContentDue,
            _ => self.bind_field(rx),
        }
    }

    /// Borrows a line of an answer.
    #[inline]
    pub(crate) fn bind_answer<'b>(self, rx: &'b Buffer<'_>) -> Event<'b> {
        match self.what {
            What::StatusLine => Event::Status(StatusLine(rx.taken(self.start..self.end))),
            _ => self.bind_field(rx),
        }
    }

    #[inline(always)]
    fn bind_field<'b>(self, rx: &'b Buffer<'_>) -> Event<'b> {
        let bytes = rx.taken(self.start..self.end);
        match self.what {
            What::Field => Event::Field(Field(bytes)),
            What::LongField => Event::LongField(bytes),
            What::Open => Event::Open,
            _ => Event::HeadEnd,
        }
    }

    /// Borrows what comes in frames.
    #[inline]
    pub(crate) fn bind_frame<'b>(self, rx: &'b mut Buffer<'_>) -> Event<'b> {
        #[cfg(feature = "deflate")]
        if let What::Chunk { kind, first, fin, form } = self.what {
            use crate::located::Form;
            let range = self.start..self.end;
            let payload = if form == Form::Inflated { rx.inflated_mut(range) } else { rx.taken_mut(range) };
            return Event::Chunk(Chunk { kind, first, fin, compressed: form == Form::Compressed, payload });
        }
        let bytes = rx.taken_mut(self.start..self.end);
        match self.what {
            #[cfg(not(feature = "deflate"))]
            What::Chunk { kind, first, fin } => Event::Chunk(Chunk { kind, first, fin, payload: bytes }),
            What::Ping => Event::Ping(bytes),
            What::Close => Event::Close(Close::of_checked(bytes)),
            _ => Event::Pong(bytes),
        }
    }

    /// Whether it came in a frame.
    #[inline]
    pub(crate) const fn is_frame(&self) -> bool {
        matches!(self.what, What::Chunk { .. } | What::Ping | What::Pong | What::Close)
    }
}
