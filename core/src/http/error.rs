//! [`HeadError`]: why a head can't be read.

use core::fmt;

/// A head that breaks HTTP/1.1 (RFC 9112) or a limit: nothing after the fault can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum HeadError {
    /// The first line is no HTTP request or status line. 400.
    BadStartLine,
    /// The first line does not fit into `rx`. 414.
    StartLineTooLong,
    /// A major version of HTTP other than 1, or an upgrade over HTTP/1.0. 505.
    HttpVersion,
    /// A line that does not end in CR LF, or a CR or LF inside one. 400.
    BadLineEnd,
    /// A field continued on a second line, which RFC 9112 section 5.2 retired. 400.
    Folded,
    /// A line that is not `name: value`, or with a control character in it. 400.
    BadField,
    /// The head is longer than the limit. 431.
    HeadTooLong,
    /// More header fields than the limit. 431.
    TooManyFields,
    /// A field whose name does not fit into `rx`. 431.
    FieldTooLong,
}

impl HeadError {
    /// The HTTP status to answer the request with.
    pub const fn status(self) -> u16 {
        match self {
            Self::StartLineTooLong => 414,
            Self::HttpVersion => 505,
            Self::HeadTooLong | Self::TooManyFields | Self::FieldTooLong => 431,
            Self::BadStartLine | Self::BadLineEnd | Self::Folded | Self::BadField => 400,
        }
    }

    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::BadStartLine => "the first line is not HTTP",
            Self::StartLineTooLong => "the first line is too long",
            Self::HttpVersion => "the HTTP version must be 1.1",
            Self::BadLineEnd => "a line of the head does not end in CR LF",
            Self::Folded => "a header field is folded",
            Self::BadField => "a header line is not 'name: value'",
            Self::HeadTooLong => "the head is too long",
            Self::TooManyFields => "too many header fields",
            Self::FieldTooLong => "the name of a header field is too long",
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl core::error::Error for HeadError {}
