//! An HTTP/1.1 head, RFC 9112 sections 2 to 5, taken out of `rx` line by line. Strict: a head that the
//! next server on the way might read otherwise is an error.

use core::ops::Range;

use crate::buffer::Buffer;
use crate::http::error::HeadError;
use crate::http::field::{is_token, is_value_byte, split};
use crate::located::{Located, What};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Stage {
    Start,
    Fields,
    /// In the middle of a field that did not fit.
    Skipping,
    End,
}

/// Reads the lines of one head, a request's or an answer's.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct HeadReader {
    stage: Stage,
    fields_left: u16,
    bytes_left: u32,
    /// Bytes at the front of `rx` in which no line ends, so that none is looked at twice.
    scanned: usize,
}

impl HeadReader {
    /// For a head of at most `max_len` bytes, line ends included, and `max_fields` fields.
    pub(crate) const fn new(max_len: u32, max_fields: u16) -> Self {
        Self { stage: Stage::Start, fields_left: max_fields, bytes_left: max_len, scanned: 0 }
    }

    /// Whether a line was taken.
    #[cfg(feature = "http")]
    pub(crate) const fn is_begun(&self) -> bool {
        !matches!(self.stage, Stage::Start)
    }

    /// Whether the whole head was taken.
    pub(crate) const fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::End)
    }

    /// Begins with the next head, within what is left of the limits.
    pub(crate) const fn begin_next(&mut self) {
        self.stage = Stage::Start;
    }

    /// Takes the next line out of `rx`, the first one as `start`; `None` if it is incomplete. After the
    /// end: the end again.
    ///
    /// A fault is found at the byte that makes it one, so the error is the same wherever the head was cut.
    /// After an error the caller must not call again.
    pub(crate) fn next(&mut self, rx: &mut Buffer<'_>, start: What) -> Result<Option<Located>, HeadError> {
        loop {
            if self.stage == Stage::End {
                return Ok(Some(Located::nowhere(What::HeadEnd)));
            }
            let waiting = rx.filled();
            let limit = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
            let within_limit = waiting.get(..limit).unwrap_or(waiting);
            let whole = self.scan(within_limit)?;
            if !whole {
                if waiting.len() > within_limit.len() {
                    return Err(HeadError::HeadTooLong);
                }
                if self.stage == Stage::Skipping {
                    let _ = self.take(rx, self.scanned);
                    return Ok(None);
                }
                if rx.free() > 0 {
                    return Ok(None);
                }
                if self.stage == Stage::Start {
                    return Err(HeadError::StartLineTooLong);
                }
            }
            let mut range = self.take(rx, self.scanned);
            if whole {
                let _ = self.take(rx, 2); // CR LF
            }
            match self.stage {
                // "A server that is expecting to receive and parse a request-line SHOULD ignore
                // at least one empty line (CRLF) received prior" (RFC 9112 section 2.2)
                Stage::Start if range.is_empty() => {}
                Stage::Start => {
                    self.stage = Stage::Fields;
                    return Ok(Some(Located::new(start, &range)));
                }
                Stage::Skipping => self.stage = Stage::Fields,
                _ if range.is_empty() => self.stage = Stage::End,
                _ => {
                    let name_len = self.name_len(rx.taken(range.clone()), whole)?;
                    let mut what = What::Field;
                    if !whole {
                        self.stage = Stage::Skipping;
                        what = What::LongField;
                        range.end = range.start.saturating_add(name_len);
                    }
                    return Ok(Some(Located::new(what, &range)));
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

    /// Looks for the end of the line at the front, after the bytes that were `scanned`: whether it is there.
    fn scan(&mut self, waiting: &[u8]) -> Result<bool, HeadError> {
        let rest = waiting.get(self.scanned..).unwrap_or_default();
        let len = rest.iter().position(|byte| !is_value_byte(*byte)).unwrap_or(rest.len());
        self.scanned = self.scanned.saturating_add(len);
        match rest.get(len..) {
            Some([b'\r', b'\n', ..]) => Ok(true),
            Some([] | [b'\r']) => Ok(false),
            Some([b'\r' | b'\n', ..]) => Err(HeadError::BadLineEnd),
            _ if self.stage == Stage::Start => Err(HeadError::BadStartLine),
            _ => Err(HeadError::BadField),
        }
    }

    /// The length of the name in a field's `line`, which may be cut off after its name:
    /// field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5).
    fn name_len(&mut self, line: &[u8], whole: bool) -> Result<usize, HeadError> {
        self.fields_left = self.fields_left.checked_sub(1).ok_or(HeadError::TooManyFields)?;
        // "A server that receives an obs-fold in a request message [...] MUST either reject the
        // message by sending a 400" (section 5.2)
        if matches!(line, [b' ' | b'\t', ..]) {
            return Err(HeadError::Folded);
        }
        match split(line, b':') {
            (_, None) if !whole => Err(HeadError::FieldTooLong),
            // "No whitespace is allowed between the field name and colon."
            (name, Some(_)) if is_token(name) => Ok(name.len()),
            _ => Err(HeadError::BadField),
        }
    }
}
