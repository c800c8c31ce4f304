//! Header fields and what they are made of, RFC 9110 section 5.
//!
//! On bytes, not `str`: splitting `str` costs kilobytes of flash and leaves panic paths.

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
        let mut rest = Some(self.value);
        core::iter::from_fn(move || {
            loop {
                let (element, behind) = split(rest?, b',');
                rest = behind;
                match trim(element) {
                    [] => {}
                    element => return Some(element),
                }
            }
        })
    }

    /// Whether the value lists `token`; case does not matter.
    pub fn lists(&self, token: &str) -> bool {
        self.elements().any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
    }
}

/// What stands before the first `byte`, and behind it if it is there.
#[inline(never)]
pub(crate) fn split(bytes: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    let at = bytes.iter().position(|b| *b == byte).unwrap_or(bytes.len());
    let (before, rest) = bytes.split_at_checked(at).unwrap_or_default();
    (before, rest.get(1..))
}

/// Without the blanks around it: OWS, RFC 9110 section 5.6.3.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// token, RFC 9110 section 5.6.2.
#[inline(never)]
pub(crate) fn is_token(bytes: &[u8]) -> bool {
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
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_value_byte(*byte))
}

pub(crate) const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}
