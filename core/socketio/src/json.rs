//! JSON text (RFC 8259), looked through without being taken apart: no tree, no recursion, no heap.
//!
//! The data of an application stays text, as the bytes that came; a text message of a WebSocket is UTF-8. These functions
//! find where a value ends and check its grammar on the way, so that broken JSON is never passed on; what a value means
//! is for a JSON library, or for the program itself.
//!
//! ```
//! use microws_socketio::json;
//!
//! assert_eq!(json::split(br#" [1, "a]"], 2"#), Some((&br#"[1, "a]"]"#[..], &b", 2"[..])));
//! let interval = json::member(br#"{"sid":"x","pingInterval":25000}"#, b"pingInterval");
//! assert_eq!(interval.and_then(json::number), Some(25_000));
//! assert!(json::values(br#"1,"two",{}"#).eq([&b"1"[..], br#""two""#, b"{}"]));
//! ```

/// How deep arrays and objects may stand in each other. Deeper text is refused.
pub const MAX_DEPTH: u32 = 64;

/// Splits the first value off: the value without the white space before it, and the rest after it. `None` if the text
/// does not begin with a value, or with one deeper than [`MAX_DEPTH`].
pub fn split(json: &[u8]) -> Option<(&[u8], &[u8])> {
    let json = white(json);
    let rest = skip(json)?;
    json.split_at_checked(json.len().wrapping_sub(rest.len()))
}

/// Whether the text is one value and white space.
pub fn is_value(json: &[u8]) -> bool {
    skip(json).is_some_and(|rest| white(rest).is_empty())
}

/// Whether the text is values with commas between them, or nothing: what stands between the brackets of an array.
pub fn are_values(json: &[u8]) -> bool {
    let mut values = values(json);
    while values.next().is_some() {}
    values.0.is_some()
}

/// The values of a list: what stands between the brackets of an array. It stops at the first fault.
pub const fn values(list: &[u8]) -> Values<'_> {
    Values(Some(list))
}

/// See [`values`].
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
// Empty after the last value, `None` after a fault.
pub struct Values<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let list = white(self.0?);
        if list.is_empty() {
            return None;
        }
        self.0 = None;
        let (value, rest) = split(list)?;
        self.0 = match white(rest) {
            [] => Some(&[]),
            // A comma promises a value.
            [b',', after @ ..] if !white(after).is_empty() => Some(after),
            _ => None,
        };
        Some(value)
    }
}

/// The value of the first member with this name, which is compared as it is written: escapes are not resolved. The text
/// must be an object that was checked.
pub fn member<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = white(object).strip_prefix(b"{")?;
    loop {
        let (key, after) = split(rest)?;
        let (value, after) = split(white(after).strip_prefix(b":")?)?;
        if unquoted(key) == Some(name) {
            return Some(value);
        }
        rest = white(after).strip_prefix(b",")?;
    }
}

/// What stands between the quotation marks of a string, escapes as they are; `None` for any other value.
pub fn unquoted(value: &[u8]) -> Option<&[u8]> {
    match value {
        [b'"', text @ .., b'"'] => Some(text),
        _ => None,
    }
}

/// A number without sign, fraction and exponent that fits; `None` for any other value.
pub fn number(value: &[u8]) -> Option<u32> {
    match digits(value)? {
        (n, []) => n,
        _ => None,
    }
}

/// The decimal number at the beginning, if there is one, and the rest; `None` if it does not fit.
pub(crate) fn digits(mut text: &[u8]) -> Option<(Option<u32>, &[u8])> {
    let mut number = None;
    while let [digit @ b'0'..=b'9', rest @ ..] = text {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        number = Some(number.unwrap_or(0u32).checked_mul(10)?.checked_add(digit)?);
        text = rest;
    }
    Some((number, text))
}

/// Writes a value into `out`, to be an argument of an [`Outgoing`](crate::Outgoing); a tuple's or a list's JSON has
/// brackets around it and is one argument.
///
/// ```
/// use microws_socketio::json;
///
/// let mut out = [0; 32];
/// assert_eq!(json::write(&("led", [1, 2]), &mut out).unwrap(), r#"["led",[1,2]]"#);
/// assert!(json::write(&[100_000; 5], &mut out).is_err());
/// ```
///
/// # Errors
/// As serde-json-core: it does not fit, or can't be JSON.
#[cfg(feature = "serde-json-core")]
pub fn write<'o, T: serde::Serialize + ?Sized>(
    value: &T,
    out: &'o mut [u8],
) -> Result<&'o str, serde_json_core::ser::Error> {
    let n = serde_json_core::to_slice(value, out)?;
    Ok(core::str::from_utf8(out.get(..n).unwrap_or_default()).unwrap_or_default())
}

/// Reads a value: one of the arguments of an event, for example. Strings with escapes can't be borrowed.
///
/// ```
/// use microws_socketio::json;
///
/// let second = json::values(br#""led",[1,2]"#).nth(1).unwrap();
/// assert_eq!(json::read::<[u8; 2]>(second).unwrap(), [1, 2]);
/// assert!(json::read::<bool>(second).is_err());
/// ```
///
/// # Errors
/// As serde-json-core: the value is of another kind.
#[cfg(feature = "serde-json-core")]
pub fn read<'a, T: serde::Deserialize<'a>>(value: &'a [u8]) -> Result<T, serde_json_core::de::Error> {
    let (value, _) = serde_json_core::from_slice(value)?;
    Ok(value)
}

/// Skips white space (RFC 8259 section 2).
pub(crate) fn white(mut json: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = json {
        json = rest;
    }
    json
}

/// Returns what follows the first value.
fn skip(mut json: &[u8]) -> Option<&[u8]> {
    // A bit for each level that is open, the innermost lowest: whether it is an object.
    let (mut depth, mut objects) = (0u32, 0u64);
    loop {
        let (first, after) = white(json).split_first()?;
        json = match first {
            b'{' | b'[' => {
                let inner = white(after);
                // Each closing bracket is two after its opening one.
                match inner.split_first() {
                    Some((close, rest)) if *close == first.wrapping_add(2) => rest,
                    _ => {
                        if depth == MAX_DEPTH {
                            return None;
                        }
                        let object = *first == b'{';
                        depth = depth.wrapping_add(1);
                        objects = objects << 1 | u64::from(object);
                        json = if object { key(inner)? } else { inner };
                        continue;
                    }
                }
            }
            b'"' => string(after)?,
            b'-' => magnitude(after)?,
            b'0'..=b'9' => magnitude(white(json))?,
            b't' => after.strip_prefix(b"rue")?,
            b'f' => after.strip_prefix(b"alse")?,
            b'n' => after.strip_prefix(b"ull")?,
            _ => return None,
        };
        // After a value: the next one of the same level, or the ends of levels.
        loop {
            if depth == 0 {
                return Some(json);
            }
            let object = objects & 1 == 1;
            let (next, after) = white(json).split_first()?;
            json = after;
            match next {
                b',' if object => json = key(after)?,
                b',' => {}
                b'}' if object => {}
                b']' if !object => {}
                _ => return None,
            }
            if *next == b',' {
                break;
            }
            depth = depth.wrapping_sub(1);
            objects >>= 1;
        }
    }
}

/// Skips a member's name and the colon after it.
fn key(json: &[u8]) -> Option<&[u8]> {
    white(string(white(json).strip_prefix(b"\"")?)?).strip_prefix(b":")
}

/// Skips the rest of a string (RFC 8259 section 7), after its opening quotation mark.
fn string(json: &[u8]) -> Option<&[u8]> {
    characters(json).strip_prefix(b"\"")
}

/// Skips the characters of a string: what does not belong to it is left.
fn characters(mut json: &[u8]) -> &[u8] {
    loop {
        json = match json {
            [b'\\', b'u', rest @ ..] => match rest.split_first_chunk::<4>() {
                Some((hex, rest)) if hex.iter().all(u8::is_ascii_hexdigit) => rest,
                _ => return json,
            },
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'"' | b'\\' | 0..=0x1f, ..] | [] => return json,
            [_, rest @ ..] => rest,
        }
    }
}

/// Whether the text may stand between the quotation marks of a string.
pub(crate) fn is_unquoted(text: &[u8]) -> bool {
    characters(text).is_empty()
}

/// Skips a number without its sign (RFC 8259 section 6).
fn magnitude(json: &[u8]) -> Option<&[u8]> {
    let mut json = match json {
        [b'0', rest @ ..] => rest,
        _ => some_digits(json)?,
    };
    if let [b'.', rest @ ..] = json {
        json = some_digits(rest)?;
    }
    if let [b'e' | b'E', rest @ ..] = json {
        json = match rest {
            [b'+' | b'-', rest @ ..] => some_digits(rest)?,
            _ => some_digits(rest)?,
        };
    }
    Some(json)
}

fn some_digits(mut json: &[u8]) -> Option<&[u8]> {
    let before = json.len();
    while let [b'0'..=b'9', rest @ ..] = json {
        json = rest;
    }
    if json.len() == before { None } else { Some(json) }
}
