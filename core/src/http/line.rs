//! The first line of a head: [`RequestLine`] and [`StatusLine`], RFC 9112 sections 3 and 4.

use crate::http::error::HeadError;
use crate::http::field::{is_same, is_target, is_token, split};

/// The first line of a request, found valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestLine<'b>(pub(crate) &'b [u8]);

impl<'b> RequestLine<'b> {
    /// The method: `GET` for an upgrade. Case matters (RFC 9110 section 9.1).
    pub fn method(&self) -> &'b str {
        text(split(self.0, b' ').0)
    }

    /// The target as it came, visible ASCII: `/path?query`, or a whole URI (RFC 9112 section 3.2).
    pub fn target(&self) -> &'b str {
        let rest = split(self.0, b' ').1.unwrap_or_default();
        text(split(rest, b' ').0)
    }

    /// The target's path, percent-encoded as it came; it begins with a slash.
    pub fn path(&self) -> &'b str {
        match split_at_byte(self.origin_form(), b'?').0 {
            "" => "/",
            path => path,
        }
    }

    /// The text after the target's first question mark.
    pub fn query(&self) -> Option<&'b str> {
        split_at_byte(self.origin_form(), b'?').1
    }

    /// The target without scheme and authority: "To allow for transition to the absolute-form for all
    /// requests [...] a server MUST accept the absolute-form" (RFC 9112 section 3.2.2).
    fn origin_form(&self) -> &'b str {
        let target = self.target();
        if target.starts_with('/') {
            return target;
        }
        let authority = target.bytes().zip(target.bytes().skip(1)).position(|pair| pair == (b'/', b'/'));
        let rest = authority.and_then(|at| target.get(at.saturating_add(2)..)).unwrap_or_default();
        let path = rest.bytes().position(|byte| matches!(byte, b'/' | b'?'));
        path.and_then(|at| rest.get(at..)).unwrap_or_default()
    }

    /// request-line = method SP request-target SP HTTP-version (RFC 9112 section 3): whether it is one, of
    /// HTTP/1, its method, and the digit of the minor version.
    pub(crate) fn check(line: &'b [u8]) -> Result<(&'b [u8], u8), HeadError> {
        let (method, rest) = split(line, b' ');
        let (target, version) = split(rest.unwrap_or_default(), b' ');
        let absolute = || matches!(split(target, b':').1, Some([b'/', b'/', ..]));
        if !(is_token(method) && is_target(target) && (matches!(target, [b'/', ..]) || absolute())) {
            return Err(HeadError::BadStartLine);
        }
        match version.and_then(split_version) {
            // "505 [...] does not support, or refuses to support, the major version of HTTP" (RFC 9110
            // section 15.6.6); a higher minor version is read as 1.1.
            Some((b'1', minor, [])) => Ok((method, minor)),
            Some((_, _, [])) => Err(HeadError::HttpVersion),
            _ => Err(HeadError::BadStartLine),
        }
    }
}

/// Splits around the first `byte`, an ASCII character.
fn split_at_byte(text: &str, byte: u8) -> (&str, Option<&str>) {
    match text.bytes().position(|b| b == byte) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at.saturating_add(1)..)),
        None => (text, None),
    }
}

/// The first line of an answer, found valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct StatusLine<'b>(pub(crate) &'b [u8]);

impl<'b> StatusLine<'b> {
    /// The status: 101 if the server agrees.
    pub fn status(&self) -> u16 {
        Self::parse(self.0).map_or(0, |(status, _)| status)
    }

    /// The reason phrase; often empty, never of meaning.
    pub fn reason(&self) -> &'b [u8] {
        self.0.get(13..).unwrap_or_default()
    }

    /// status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4): the status and
    /// the digit of the minor version. The last blank may be missing, because section 4 lets a client be
    /// lenient about the phrase.
    pub(crate) fn parse(line: &[u8]) -> Result<(u16, u8), HeadError> {
        let Some((major, minor, [b' ', digits @ ..])) = split_version(line) else {
            return Err(HeadError::BadStartLine);
        };
        let (mut status, mut rest) = (0u16, digits);
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            status = status.wrapping_mul(10).wrapping_add(u16::from(digit & 0x0f));
            rest = tail;
        }
        let three = digits.len().wrapping_sub(rest.len()) == 3 && status >= 100;
        if !(three && matches!(rest, [] | [b' ', ..])) {
            return Err(HeadError::BadStartLine);
        }
        if major != b'1' {
            return Err(HeadError::HttpVersion);
        }
        Ok((status, minor))
    }
}

/// The bytes after `HTTP/1.1` or the like, with the digits of the version before them
/// (RFC 9112 section 2.3).
fn split_version(text: &[u8]) -> Option<(u8, u8, &[u8])> {
    let (name, version) = text.split_at_checked(5)?;
    match version {
        [major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', rest @ ..] if is_same(name, b"HTTP/") => {
            Some((*major, *minor, rest))
        }
        _ => None,
    }
}

/// Only ASCII gets here.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or_default()
}
