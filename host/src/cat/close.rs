//! The close frame that the user asks for: `CODE[:REASON]`.

use std::str::FromStr;

use microws::{CloseCode, MAX_REASON_LEN};

/// Code and reason of a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloseFrame {
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
}

impl CloseFrame {
    pub(crate) fn of(code: CloseCode) -> Self {
        Self { code, reason: String::new() }
    }
}

impl FromStr for CloseFrame {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (code, reason) = text.split_once(':').unwrap_or((text, ""));
        let code =
            CloseCode(code.parse().map_err(|_| "a close code is a number, as 1000 or 4000".to_owned())?);
        if !code.is_sendable() {
            return Err(format!("{code} must not be sent: 1000 to 1003, 1007 to 1014 and 3000 to 4999 may"));
        }
        if reason.len() > MAX_REASON_LEN {
            return Err(format!("the reason is longer than {MAX_REASON_LEN} bytes"));
        }
        Ok(Self { code, reason: reason.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_comes_with_or_without_a_reason() {
        assert_eq!("4000".parse(), Ok(CloseFrame::of(CloseCode(4000))));
        let reason = "see you: soon".to_owned();
        assert_eq!("1000:see you: soon".parse(), Ok(CloseFrame { code: CloseCode::NORMAL, reason }));
        for text in ["", "x", "-1", "999", "1005", "1006", "2000", "5000", "65536"] {
            assert!(text.parse::<CloseFrame>().is_err(), "{text}");
        }
        assert!(format!("1000:{}", "x".repeat(124)).parse::<CloseFrame>().is_err());
    }
}
