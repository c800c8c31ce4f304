//! An HTTP/1.1 head, RFC 9112 sections 2 to 5, taken out of `rx` line by line. Strict: what the
//! next server on the way might read otherwise is refused.

use core::ops::Range;

use super::field::{Field, is_token, is_value_byte, split, trim};
use crate::buffer::Buffer;
use crate::error::HandshakeError;

/// The default limit for a head, in bytes, its line ends included.
pub const DEFAULT_MAX_HEAD_LEN: u32 = 16 * 1024;

/// The default limit for the fields of a head.
pub const DEFAULT_MAX_FIELDS: u16 = 100;

/// Where a line of a head stands in the storage of `rx`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Unbound {
    kind: Kind,
    range: Range<usize>,
    /// The length of a field's name.
    name_len: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Kind {
    Start,
    Field,
    LongField,
    End,
}

/// A line of a head.
pub(crate) enum Line<'b> {
    Start(&'b [u8]),
    Field(Field<'b>),
    /// The name of a field whose line does not fit into `rx`; its value is skipped.
    LongField(&'b [u8]),
    /// The empty line.
    End,
}

impl Unbound {
    pub(crate) fn bind<'b>(&self, rx: &'b Buffer<'_>) -> Line<'b> {
        let line = rx.taken(self.range.clone());
        let (name, value) = line.split_at_checked(self.name_len).unwrap_or_default();
        match self.kind {
            Kind::Start => Line::Start(line),
            Kind::Field => Line::Field(Field { name, value: trim(value.get(1..).unwrap_or_default()) }),
            Kind::LongField => Line::LongField(name),
            Kind::End => Line::End,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Stage {
    Start,
    Fields,
    /// Amid a field that did not fit.
    Skipping,
    End,
}

/// Reads the lines of one head.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct HeadReader {
    stage: Stage,
    fields_left: u16,
    bytes_left: u32,
    /// Bytes at the front of `rx` in which no line ends, so that none is looked at twice.
    scanned: usize,
    failure: Option<HandshakeError>,
}

impl HeadReader {
    pub(crate) const fn new() -> Self {
        Self::with_limits(DEFAULT_MAX_HEAD_LEN, DEFAULT_MAX_FIELDS)
    }

    pub(crate) const fn with_limits(max_len: u32, max_fields: u16) -> Self {
        Self { stage: Stage::Start, fields_left: max_fields, bytes_left: max_len, scanned: 0, failure: None }
    }

    /// Whether all of the head was taken, and nothing was wrong with it.
    pub(crate) fn finished(&self) -> Result<(), HandshakeError> {
        match self.failure {
            Some(error) => Err(error),
            None if self.stage == Stage::End => Ok(()),
            None => Err(HandshakeError::Incomplete),
        }
    }

    /// From now on [`next`](Self::next) says nothing but `error`.
    pub(crate) fn fail(&mut self, error: HandshakeError) {
        self.failure = Some(error);
    }

    /// Takes the next line out of `rx`; `None` if it is not all there. Behind the end: the end again.
    ///
    /// What is wrong is found at the byte that makes it wrong, so that it is the same wherever the
    /// head was cut; the caller [`fail`](Self::fail)s with it.
    pub(crate) fn next(&mut self, rx: &mut Buffer<'_>) -> Result<Option<Unbound>, HandshakeError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        loop {
            if self.stage == Stage::End {
                return Ok(Some(Unbound { kind: Kind::End, range: 0..0, name_len: 0 }));
            }
            let waiting = rx.filled();
            let limit = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
            let within_limit = waiting.get(..limit).unwrap_or(waiting);
            let whole = self.scan(within_limit)?;
            if !whole {
                if waiting.len() > within_limit.len() {
                    return Err(HandshakeError::HeadTooLong);
                }
                if self.stage == Stage::Skipping {
                    let _ = self.take(rx, self.scanned);
                    return Ok(None);
                }
                if rx.free() > 0 {
                    return Ok(None);
                }
                if self.stage == Stage::Start {
                    return Err(HandshakeError::StartLineTooLong);
                }
            }
            let range = self.take(rx, self.scanned);
            if whole {
                let _ = self.take(rx, 2); // CR LF
            }
            match self.stage {
                // "A server that is expecting to receive and parse a request-line SHOULD ignore
                // at least one empty line (CRLF) received prior" (RFC 9112 section 2.2)
                Stage::Start if range.is_empty() => {}
                Stage::Start => {
                    self.stage = Stage::Fields;
                    return Ok(Some(Unbound { kind: Kind::Start, range, name_len: 0 }));
                }
                Stage::Skipping => self.stage = Stage::Fields,
                _ if range.is_empty() => self.stage = Stage::End,
                _ => {
                    let line = rx.taken(range.clone());
                    let mut kind = Kind::Field;
                    let mut without_colon = HandshakeError::BadField;
                    if !whole {
                        self.stage = Stage::Skipping;
                        kind = Kind::LongField;
                        without_colon = HandshakeError::FieldTooLong(None);
                    }
                    let name_len = self.name_len(line, without_colon)?;
                    return Ok(Some(Unbound { kind, range, name_len }));
                }
            }
        }
    }

    /// Takes bytes that are within the limit.
    fn take(&mut self, rx: &mut Buffer<'_>, len: usize) -> Range<usize> {
        self.scanned = 0;
        self.bytes_left = self.bytes_left.wrapping_sub(len as u32);
        rx.take(len)
    }

    /// Looks for the end of the line at the front: whether it is there, behind what was `scanned`.
    fn scan(&mut self, waiting: &[u8]) -> Result<bool, HandshakeError> {
        let rest = waiting.get(self.scanned..).unwrap_or_default();
        let len = rest.iter().position(|byte| !is_value_byte(*byte)).unwrap_or(rest.len());
        self.scanned = self.scanned.saturating_add(len);
        match rest.get(len..) {
            Some([b'\r', b'\n', ..]) => Ok(true),
            Some([] | [b'\r']) => Ok(false),
            Some([b'\r' | b'\n', ..]) => Err(HandshakeError::BadLineEnd),
            _ if self.stage == Stage::Start => Err(HandshakeError::BadStartLine),
            _ => Err(HandshakeError::BadField),
        }
    }

    /// The length of the name in a field's `line`:
    /// field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5).
    fn name_len(&mut self, line: &[u8], without_colon: HandshakeError) -> Result<usize, HandshakeError> {
        self.fields_left = self.fields_left.checked_sub(1).ok_or(HandshakeError::TooManyFields)?;
        // "A server that receives an obs-fold in a request message [...] MUST either reject the
        // message by sending a 400" (section 5.2)
        if matches!(line, [b' ' | b'\t', ..]) {
            return Err(HandshakeError::Folded);
        }
        match split(line, b':') {
            (_, None) => Err(without_colon),
            // "No whitespace is allowed between the field name and colon."
            (name, Some(_)) if is_token(name) => Ok(name.len()),
            _ => Err(HandshakeError::BadField),
        }
    }
}

/// What follows `HTTP/1.1` or the like, with the digits of the version before it
/// (RFC 9112 section 2.3).
pub(crate) fn split_version(text: &[u8]) -> Option<(u8, u8, &[u8])> {
    match text {
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', rest @ ..] => {
            Some((*major, *minor, rest))
        }
        _ => None,
    }
}
