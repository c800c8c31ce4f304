//! Header fields and what they are made of, RFC 9110 section 5.
//!
//! On bytes, not `str`: splitting a `str` costs kilobytes of flash and leaves panic paths.

/// A header field, borrowed from `rx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Field<'b>(pub(crate) &'b [u8]);

impl<'b> Field<'b> {
    /// The name as it came; compare it with [`is`](Self::is).
    pub fn name(&self) -> &'b [u8] {
        self.split().0
    }

    /// The value without the blanks around it: visible characters, blanks and bytes from 0x80 up.
    pub fn value(&self) -> &'b [u8] {
        self.split().1
    }

    /// Name and value.
    pub(crate) fn split(&self) -> (&'b [u8], &'b [u8]) {
        let (name, value) = split(self.0, b':');
        (name, trim(value.unwrap_or_default()))
    }

    /// Whether this is the field `name`; case does not matter (RFC 9110 section 5.1).
    pub fn is(&self, name: &str) -> bool {
        is_alike(self.name(), name.as_bytes())
    }

    /// The value as text; `None` if it is not UTF-8.
    pub fn text(&self) -> Option<&'b str> {
        core::str::from_utf8(self.value()).ok()
    }

    /// The elements of a value that is a comma-separated list, without the empty ones
    /// (RFC 9110 section 5.6.1).
    pub fn elements(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        elements(self.value())
    }

    /// Whether the value lists `token`; case does not matter.
    pub fn lists(&self, token: &str) -> bool {
        lists(self.value(), token)
    }
}

/// The elements of a comma-separated list, without the empty ones.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    core::iter::from_fn(move || {
        loop {
            let (element, after) = split(rest?, b',');
            rest = after;
            match trim(element) {
                [] => {}
                element => return Some(element),
            }
        }
    })
}

/// Whether a comma-separated list has `token`; case does not matter.
pub(crate) fn lists(list: &[u8], token: &str) -> bool {
    elements(list).any(|element| is_alike(element, token.as_bytes()))
}

/// Whether both are the same except for the case of letters. (`eq_ignore_ascii_case` is not const for slices.)
#[inline(never)]
pub(crate) const fn is_alike(mut a: &[u8], mut b: &[u8]) -> bool {
    loop {
        match (a, b) {
            ([], []) => return true,
            ([x, a_rest @ ..], [y, b_rest @ ..]) if is_alike_byte(*x, *y) => (a, b) = (a_rest, b_rest),
            _ => return false,
        }
    }
}

/// Whether both are the same. (`==` would link `memcmp`.)
#[inline(never)]
pub(crate) const fn is_same(mut a: &[u8], mut b: &[u8]) -> bool {
    loop {
        match (a, b) {
            ([], []) => return true,
            ([x, a_rest @ ..], [y, b_rest @ ..]) if *x == *y => (a, b) = (a_rest, b_rest),
            _ => return false,
        }
    }
}

/// `eq_ignore_ascii_case` in half the flash: the case of a letter is one bit.
const fn is_alike_byte(a: u8, b: u8) -> bool {
    a == b || (a ^ b == 0x20 && a.is_ascii_alphabetic())
}

/// The bytes before the first `byte`, and those after it if it is there.
#[inline(never)]
pub(crate) fn split(bytes: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    let at = bytes.iter().position(|b| *b == byte).unwrap_or(bytes.len());
    let (before, rest) = bytes.split_at_checked(at).unwrap_or_default();
    (before, rest.get(1..))
}

/// The bytes without the blanks around them: OWS, RFC 9110 section 5.6.3.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// token, RFC 9110 section 5.6.2.
#[inline(never)]
pub(crate) const fn is_token(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        let set = match *byte >> 5 {
            1 => const { token_bytes(0x20) },
            2 => const { token_bytes(0x40) },
            3 => const { token_bytes(0x60) },
            _ => 0,
        };
        if set.wrapping_shr(*byte as u32) & 1 == 0 {
            return false;
        }
        rest = tail;
    }
    !bytes.is_empty()
}

/// Which of the 32 bytes from `first` up, a multiple of 32, can stand in a token: a bit for each, the first one lowest.
const fn token_bytes(first: u8) -> u32 {
    let (mut set, mut byte) = (0u32, first);
    while byte <= first | 0x1f {
        let is_in = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        set |= (is_in as u32).wrapping_shl(byte as u32);
        byte = byte.wrapping_add(1);
    }
    set
}

/// field-value, RFC 9110 section 5.5: visible characters, blanks, and bytes from 0x80 up.
pub(crate) const fn is_value(mut bytes: &[u8]) -> bool {
    while let [byte, rest @ ..] = bytes {
        if !is_value_byte(*byte) {
            return false;
        }
        bytes = rest;
    }
    true
}

pub(crate) const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Visible ASCII without a fragment (RFC 9112 section 3.2).
pub(crate) const fn is_target(mut bytes: &[u8]) -> bool {
    while let [byte, rest @ ..] = bytes {
        if !byte.is_ascii_graphic() || *byte == b'#' {
            return false;
        }
        bytes = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_can_stand_in_a_token_has_its_bit() {
        let others = br#""(),/:;<=>?@[\]{}"#;
        for (byte, first) in (0x20..0x7f).zip([0x20, 0x40, 0x60].map(|first| [first; 32]).concat()) {
            let can = byte > b' ' && !others.contains(&byte);
            assert_eq!(token_bytes(first) >> (byte - first) & 1 != 0, can, "{byte:02x}");
            assert_eq!(is_token(&[b'a', byte]), can, "{byte:02x}");
        }
        for byte in (0..0x20).chain(0x7f..=0xff) {
            assert!(!is_token(&[byte]), "{byte:02x}");
        }
    }
}
