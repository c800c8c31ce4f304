//! What the server sends, made fit for a terminal: a control character could move the cursor, change the title of the
//! window or make up a line of ours.

use std::fmt::{self, Write};

/// Bytes from the server as text on one line: control characters as `\n` or `\u{1b}`, bytes that are no UTF-8 as
/// `\xff`.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_unfit(character) {
                    write!(f, "{}", character.escape_default())?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Whether a terminal would do something else than to show it: control characters, and those that change the direction
/// of the text around them.
pub(crate) fn is_unfit(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_would_obey_is_escaped() {
        let text = "a\tb\r\n\u{1b}[31m\u{7f}\u{9b}\u{202e}ü世🎉\\\"";
        let escaped = Escaped(text.as_bytes()).to_string();
        assert_eq!(escaped, "a\\tb\\r\\n\\u{1b}[31m\\u{7f}\\u{9b}\\u{202e}ü世🎉\\\"");
        assert_eq!(Escaped(b"\xff\xc3").to_string(), "\\xff\\xc3");
    }
}
