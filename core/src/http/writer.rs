//! Writing HTTP heads into `tx`: checked, and whole or not at all.

use crate::buffer::{Buffer, copy};
use crate::compact::COMPACT;
use crate::config::Fields;
use crate::error::SendError;
use crate::http::field::{is_alike, is_token, is_value};

/// Whether no field has characters that would end a line or begin another one.
pub(crate) const fn are_valid(mut fields: &Fields<'_>) -> bool {
    while let [(name, value), rest @ ..] = fields {
        if !(is_token(name.as_bytes()) && is_value(value.as_bytes())) {
            return false;
        }
        fields = rest;
    }
    true
}

/// Queues a response: `status`, `fields`, and `body` with its length. It says `Connection: close`: write `tx`
/// out, end the stream's direction, and read until the peer ends its own, because closing a stream with bytes
/// unread resets it, and the peer may lose the response.
///
/// A [session](crate::Session) does all of that; this is for programs without one.
///
/// # Errors
/// [`BufferFull`](SendError::BufferFull) or [`InvalidField`](SendError::InvalidField); nothing was written.
pub fn respond(tx: &mut Buffer<'_>, status: u16, fields: &Fields<'_>, body: &str) -> Result<(), SendError> {
    if !are_valid(fields) {
        return Err(SendError::InvalidField);
    }
    Response { status, fields, ..Response::EMPTY }.queue(tx, &[body])
}

/// The reason phrases of RFC 9110 section 15; other statuses go without one. So do all in the small form, because "A
/// client SHOULD ignore the reason-phrase content" (RFC 9112 section 4).
#[inline]
const fn phrase(status: u16) -> &'static str {
    if COMPACT {
        return "";
    }
    match status {
        200 => "OK",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

/// The head of a response other than 101.
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) fields: &'a Fields<'a>,
    /// The connection option: `close` or `keep-alive`.
    pub(crate) connection: &'a str,
    /// "The server MUST NOT send content in the response" to a HEAD request (RFC 9110 section 9.3.2).
    pub(crate) head_only: bool,
    /// "the date and time at which the message was originated" (RFC 9110 section 6.6.1).
    #[cfg(feature = "http")]
    pub(crate) date: Option<Date>,
}

/// A date as HTTP writes it (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
#[cfg(feature = "http")]
pub(crate) type Date = [u8; 29];

impl Response<'_> {
    pub(crate) const EMPTY: Self = Self {
        status: 0,
        fields: &[],
        connection: "close",
        head_only: false,
        #[cfg(feature = "http")]
        date: None,
    };

    /// Queues head and `body`, which is made of parts.
    pub(crate) fn queue(&self, tx: &mut Buffer<'_>, body: &[&str]) -> Result<(), SendError> {
        let len = body.iter().fold(0usize, |n, part| n.saturating_add(part.len()));
        self.queue_with(tx, len, body)
    }

    /// Queues the head of a response whose content of `len` bytes is sent after it.
    #[cfg(feature = "http")]
    pub(crate) fn queue_head(&self, tx: &mut Buffer<'_>, len: usize) -> Result<(), SendError> {
        self.queue_with(tx, len, &[])
    }

    #[cfg_attr(not(feature = "http"), inline(always))]
    fn queue_with(&self, tx: &mut Buffer<'_>, len: usize, body: &[&str]) -> Result<(), SendError> {
        // "A sender of Upgrade MUST also send an "Upgrade" connection option" (RFC 9110 section 7.8)
        let upgrade = self.fields.iter().any(|(name, _)| is_alike(name.as_bytes(), b"Upgrade"));
        Writer::queue(tx, |head| {
            head.text("HTTP/1.1 ").number(usize::from(self.status)).text(" ").text(phrase(self.status));
            head.text("\r\nConnection: ").text(self.connection).text(if upgrade { ", Upgrade" } else { "" });
            // "A server MUST NOT send a Content-Length header field in any response with a status code of 1xx
            // (Informational) or 204 (No Content)" (RFC 9110 section 8.6)
            // "A server MAY send a Content-Length header field in a 304 (Not Modified) response [...] unless its field
            // value equals" that of the 200: it is not known here. Such requests need the feature.
            let none = self.status == 204 || (cfg!(feature = "http") && self.status == 304);
            if !none {
                head.text("\r\nContent-Length: ").number(len);
            }
            head.text("\r\n");
            #[cfg(feature = "http")]
            if let Some(date) = &self.date {
                head.field("Date", date);
            }
            head.fields(self.fields).text("\r\n");
            if !self.head_only {
                for part in body {
                    head.text(part);
                }
            }
        })
    }
}

/// A head, or a part of one. It counts what it writes, and writes as far as there is room.
#[derive(Debug)]
pub(crate) struct Writer<'t> {
    room: &'t mut [u8],
    len: usize,
}

impl<'t> Writer<'t> {
    /// Queues everything that `write` writes, if it fits.
    pub(crate) fn queue(tx: &mut Buffer<'_>, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), SendError> {
        let free = tx.free();
        let mut writer = Writer { room: tx.room(free).unwrap_or_default(), len: 0 };
        write(&mut writer);
        let len = writer.len;
        if len > free {
            return Err(SendError::BufferFull);
        }
        tx.commit(len);
        Ok(())
    }

    /// Writes as far as there is room; [`queue`](Self::queue) decides at the end.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.len.saturating_add(bytes.len());
        if let Some(to) = self.room.get_mut(self.len..end) {
            copy(to, bytes);
        }
        self.len = end;
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn field(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.text(name).text(": ").bytes(value).text("\r\n")
    }

    /// [`field`](Self::field) whose value is made byte by byte.
    pub(crate) fn field_of(&mut self, name: &str, value: impl Iterator<Item = u8>) -> &mut Self {
        self.text(name).text(": ");
        for byte in value {
            self.bytes(&[byte]);
        }
        self.text("\r\n")
    }

    pub(crate) fn fields(&mut self, fields: &Fields<'_>) -> &mut Self {
        for (name, value) in fields {
            self.field(name, value.as_bytes());
        }
        self
    }

    /// A number in decimal. Without an array of digits, which would link `memset`: the last digit goes first to its
    /// place.
    pub(crate) fn number(&mut self, number: usize) -> &mut Self {
        let mut end = self.len;
        let mut rest = number;
        loop {
            end = end.saturating_add(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        rest = number;
        for place in (self.len..end).rev() {
            if let Some(digit) = self.room.get_mut(place) {
                *digit = b'0'.wrapping_add((rest % 10) as u8);
            }
            rest /= 10;
        }
        self.len = end;
        self
    }
}
