//! An HTTP/1.1 head, RFC 9112 sections 2 to 5, taken out of `rx` line by line. Strict: what the
//! next server on the way might read otherwise is refused.
//!
//! On bytes, not `str`: splitting `str` costs kilobytes of flash and leaves panic paths.

use core::ops::Range;

use crate::buffer::Buffer;
use crate::error::{HandshakeError, KnownField};

/// The default limit for a head, in bytes, its line ends included.
pub const DEFAULT_MAX_HEAD_LEN: u32 = 16 * 1024;

/// The default limit for the fields of a head.
pub const DEFAULT_MAX_FIELDS: u16 = 100;

/// A header field, borrowed from `rx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Field<'b> {
    /// The name as it came; compare it with [`is`](Self::is).
    pub name: &'b [u8],
    /// The value without the blanks around it; visible characters, blanks and bytes from 0x80 up.
    pub value: &'b [u8],
}

impl<'b> Field<'b> {
    /// Whether this is the field `name`; case does not matter (RFC 9110 section 5.1).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value as text; `None` if it is no UTF-8.
    pub fn text(&self) -> Option<&'b str> {
        core::str::from_utf8(self.value).ok()
    }

    /// The elements of a value that is a comma-separated list, empty ones left out
    /// (RFC 9110 section 5.6.1).
    pub fn elements(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    /// Whether the value lists `token`; case does not matter.
    pub fn lists(&self, token: &str) -> bool {
        self.elements().any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}

/// A line of a head; ranges are in the storage of `rx`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) enum Line {
    Start(Range<usize>),
    Field {
        name: Range<usize>,
        value: Range<usize>,
    },
    /// A field whose line does not fit into `rx`; its value is skipped.
    LongField {
        name: Range<usize>,
    },
    /// The empty line.
    End,
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
pub(super) struct HeadReader {
    stage: Stage,
    fields_left: u16,
    bytes_left: u32,
    /// Bytes at the front of `rx` in which no line ends, so that none is looked at twice.
    scanned: u32,
}

impl HeadReader {
    pub(super) const fn new() -> Self {
        Self::with_limits(DEFAULT_MAX_HEAD_LEN, DEFAULT_MAX_FIELDS)
    }

    pub(super) const fn with_limits(max_len: u32, max_fields: u16) -> Self {
        Self { stage: Stage::Start, fields_left: max_fields, bytes_left: max_len, scanned: 0 }
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.stage, Stage::End)
    }

    /// Takes the next line out of `rx`; `None` if it is not all there. Behind the end: [`Line::End`] again.
    ///
    /// What is wrong is found at the byte that makes it wrong, so that it is the same wherever the
    /// head was cut.
    pub(super) fn next(&mut self, rx: &mut Buffer<'_>) -> Result<Option<Line>, HandshakeError> {
        loop {
            if self.stage == Stage::End {
                return Ok(Some(Line::End));
            }
            if self.stage == Stage::Skipping {
                self.skip(rx)?;
            }
            let Some(len) = self.find_line_end(self.within_limit(rx))? else {
                if rx.len() > self.within_limit(rx).len() {
                    return Err(HandshakeError::HeadTooLong);
                }
                return self.long_line(rx);
            };
            let line = self.take(rx, len);
            let _ = self.take(rx, 2); // CR LF
            match self.stage {
                // "A server that is expecting to receive and parse a request-line SHOULD ignore
                // at least one empty line (CRLF) received prior" (RFC 9112 section 2.2)
                Stage::Start if line.is_empty() => {}
                Stage::Start => {
                    self.stage = Stage::Fields;
                    return Ok(Some(Line::Start(line)));
                }
                Stage::Skipping => self.stage = Stage::Fields,
                _ if line.is_empty() => self.stage = Stage::End,
                _ => {
                    let (name, value) = self.field(rx.taken(line.clone()), line.start)?;
                    return Ok(Some(Line::Field { name, value }));
                }
            }
        }
    }

    /// The waiting bytes as far as the head may go on.
    fn within_limit<'b>(&self, rx: &'b Buffer<'_>) -> &'b [u8] {
        let limit = usize::try_from(self.bytes_left).unwrap_or(usize::MAX);
        rx.filled().get(..limit).unwrap_or(rx.filled())
    }

    /// Takes bytes that are within the limit.
    fn take(&mut self, rx: &mut Buffer<'_>, len: usize) -> Range<usize> {
        self.scanned = 0;
        self.bytes_left = self.bytes_left.saturating_sub(u32::try_from(len).unwrap_or(u32::MAX));
        rx.take(len)
    }

    /// The length of the line at the front, its CR LF not counted, if it is whole.
    fn find_line_end(&mut self, filled: &[u8]) -> Result<Option<usize>, HandshakeError> {
        let scanned = usize::try_from(self.scanned).unwrap_or_default();
        let rest = filled.get(scanned..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            self.scanned = u32::try_from(filled.len()).unwrap_or_default();
            return Ok(None);
        };
        match rest.get(end..) {
            Some([b'\r', b'\n', ..]) => Ok(Some(scanned.saturating_add(end))),
            Some([b'\r']) => Ok(None),
            _ => Err(HandshakeError::BadLineEnd),
        }
    }

    /// Passes over the value of a field that did not fit, as far as it is there.
    fn skip(&mut self, rx: &mut Buffer<'_>) -> Result<(), HandshakeError> {
        let value = self.within_limit(rx);
        let len = value.iter().position(|byte| !is_value_byte(*byte)).unwrap_or(value.len());
        match value.get(len) {
            None | Some(b'\r' | b'\n') => {}
            Some(_) => return Err(HandshakeError::BadField),
        }
        let _ = self.take(rx, len);
        Ok(())
    }

    /// No line ends in `rx`: waits, or, if `rx` is full, begins to pass over a field that does not fit.
    fn long_line(&mut self, rx: &mut Buffer<'_>) -> Result<Option<Line>, HandshakeError> {
        if rx.free() > 0 {
            return Ok(None);
        }
        if self.stage == Stage::Start {
            return Err(HandshakeError::StartLineTooLong);
        }
        if !rx.filled().contains(&b':') {
            return Err(HandshakeError::FieldTooLong(None));
        }
        // A CR at the very end waits for its LF.
        let cr = usize::from(rx.filled().last() == Some(&b'\r'));
        let line = self.take(rx, rx.len().saturating_sub(cr));
        self.stage = Stage::Skipping;
        let (name, _) = self.field(rx.taken(line.clone()), line.start)?;
        Ok(Some(Line::LongField { name }))
    }

    /// Where name and value of a `line` are that begins `at` this byte of the storage:
    /// field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5).
    fn field(&mut self, line: &[u8], at: usize) -> Result<(Range<usize>, Range<usize>), HandshakeError> {
        self.fields_left = self.fields_left.checked_sub(1).ok_or(HandshakeError::TooManyFields)?;
        // "A server that receives an obs-fold in a request message [...] MUST either reject the
        // message by sending a 400" (section 5.2)
        if matches!(line, [b' ' | b'\t', ..]) {
            return Err(HandshakeError::Folded);
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or(HandshakeError::BadField)?;
        let (name, value) = line.split_at_checked(colon).ok_or(HandshakeError::BadField)?;
        // "No whitespace is allowed between the field name and colon."
        if !is_token(name) {
            return Err(HandshakeError::BadField);
        }
        let value = value.get(1..).unwrap_or_default();
        check_value(value)?;
        let start = value.trim_ascii_start();
        let skipped = value.len().saturating_sub(start.len());
        let from = at.saturating_add(colon).saturating_add(1).saturating_add(skipped);
        let value = from..from.saturating_add(start.trim_ascii_end().len());
        Ok((at..at.saturating_add(colon), value))
    }
}

impl Field<'_> {
    /// Which of the handshake's own fields this is.
    pub(super) fn known(&self) -> Option<KnownField> {
        KnownField::of(self.name)
    }
}

/// token, RFC 9110 section 5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| {
            byte.is_ascii_alphanumeric()
                || matches!(
                    byte,
                    b'!' | b'#'
                        | b'$'
                        | b'%'
                        | b'&'
                        | b'\''
                        | b'*'
                        | b'+'
                        | b'-'
                        | b'.'
                        | b'^'
                        | b'_'
                        | b'`'
                        | b'|'
                        | b'~'
                )
        })
}

/// field-value, RFC 9110 section 5.5: visible characters, blanks, and bytes from 0x80 up.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_value_byte(*byte))
}

const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

fn check_value(bytes: &[u8]) -> Result<(), HandshakeError> {
    if is_value(bytes) { Ok(()) } else { Err(HandshakeError::BadField) }
}
