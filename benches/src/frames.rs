//! Payloads and frames, made without the code under test.

/// Bits of a frame's first byte.
pub const FIN: u8 = 0x80;
/// Opcode of every fragment but the first.
pub const CONTINUATION: u8 = 0;

/// What a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Random bytes.
    Binary,
    /// Text of ASCII characters only.
    Ascii,
    /// Text that mixes characters of one, two, three and four bytes.
    Mixed,
    /// Text of three-byte characters.
    Cjk,
    /// Text as sensors send it: an array of readings, with spaces up to the length.
    Json,
}

impl Content {
    /// The opcode of a message with this content.
    pub fn opcode(self) -> u8 {
        if self == Self::Binary { 2 } else { 1 }
    }

    /// A payload of exactly `len` bytes.
    pub fn payload(self, len: usize, random: &mut fastrand::Rng) -> Vec<u8> {
        if self == Self::Binary {
            return std::iter::repeat_with(|| random.u8(..)).take(len).collect();
        }
        if self == Self::Json {
            return readings(len, random).into_bytes();
        }
        let mut text = String::with_capacity(len);
        while text.len() < len {
            let width = match self {
                Self::Mixed => random.usize(1..=4),
                Self::Cjk => 3,
                _ => 1,
            };
            text.push(match width.min(len - text.len()) {
                4 => random.char('\u{1f300}'..='\u{1f5ff}'),
                3 if self == Self::Cjk || width == 3 => random.char('\u{4e00}'..='\u{9fff}'),
                2 if width == 2 => random.char('\u{3b1}'..='\u{3c9}'),
                _ => random.char(' '..='~'),
            });
        }
        text.into_bytes()
    }
}

/// An array of `len` bytes, of at least 2.
fn readings(len: usize, random: &mut fastrand::Rng) -> String {
    let mut text = String::from("[");
    let mut time = 1_760_000_000_000 + random.u64(..1_000_000_000);
    loop {
        time += random.u64(900..1_100);
        let kind = *random.choice(&["temperature", "pressure", "humidity", "flow"]).unwrap_or(&"");
        let reading = format!(
            r#"{}{{"sensor":"{kind}-{:02}","time":{time},"value":{:.2},"battery":{:.3},"ok":{}}}"#,
            if text.len() > 1 { "," } else { "" },
            random.u8(..40),
            random.f64() * 100.0,
            3.0 + random.f64(),
            random.u8(..20) > 0,
        );
        if text.len() + reading.len() >= len {
            text.extend(std::iter::repeat_n(' ', len.saturating_sub(text.len() + 1)));
            text.push(']');
            return text;
        }
        text.push_str(&reading);
    }
}

fn push_header(out: &mut Vec<u8>, first: u8, mask_bit: u8, len: u64) {
    out.push(first);
    if let Ok(len @ 0..=125) = u8::try_from(len) {
        out.push(mask_bit | len);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(mask_bit | 126);
        out.extend(len.to_be_bytes());
    } else {
        out.push(mask_bit | 127);
        out.extend(len.to_be_bytes());
    }
}

/// Append the header of a frame as a client sends it.
pub fn push_masked_header(out: &mut Vec<u8>, first: u8, key: [u8; 4], len: u64) {
    push_header(out, first, 0x80, len);
    out.extend(key);
}

/// Append a frame as a client sends it: masked with `key`.
pub fn push_masked(out: &mut Vec<u8>, first: u8, key: [u8; 4], payload: &[u8]) {
    push_masked_header(out, first, key, payload.len() as u64);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Append a frame as a server sends it.
pub fn push_plain(out: &mut Vec<u8>, first: u8, payload: &[u8]) {
    push_header(out, first, 0, payload.len() as u64);
    out.extend(payload);
}

/// A frame header as a server sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainHeader {
    /// FIN, reserved bits and opcode.
    pub first: u8,
    /// Bytes of payload.
    pub len: u64,
    /// Bytes of the header itself.
    pub size: usize,
}

impl PlainHeader {
    /// Parse the front of `bytes`; `None` while it is not all there, `Err` when it is masked.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (len, size) = match second {
            0..=125 => (u64::from(*second), 2),
            126 => match rest.first_chunk() {
                Some(len) => (u64::from(u16::from_be_bytes(*len)), 4),
                None => return Ok(None),
            },
            127 => match rest.first_chunk() {
                Some(len) => (u64::from_be_bytes(*len), 10),
                None => return Ok(None),
            },
            _ => return Err(format!("masked header {:02x?}", &bytes[..2])),
        };
        Ok(Some(Self { first: *first, len, size }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_rfc_shows() {
        // RFC 6455, section 5.7.
        let mut out = vec![];
        push_masked(&mut out, FIN | 1, [0x37, 0xfa, 0x21, 0x3d], b"Hello");
        assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        let mut out = vec![];
        push_plain(&mut out, FIN | 2, &[7; 256]);
        assert_eq!(&out[..5], [0x82, 0x7e, 0x01, 0x00, 7]);
        assert_eq!(PlainHeader::parse(&out[..3]), Ok(None));
        assert_eq!(PlainHeader::parse(&out), Ok(Some(PlainHeader { first: 0x82, len: 256, size: 4 })));
        let mut out = vec![];
        push_plain(&mut out, FIN | 2, &[7; 65536]);
        assert_eq!(&out[..10], [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn readings_fill_the_length_and_differ() {
        let mut random = fastrand::Rng::with_seed(1);
        let [one, other] = [2048, 2048].map(|len| Content::Json.payload(len, &mut random));
        assert_eq!((one.len(), other.len(), Content::Json.opcode()), (2048, 2048, 1));
        assert_ne!(one, other);
        let text = std::str::from_utf8(&one).unwrap();
        assert!(text.starts_with(r#"[{"sensor":""#) && text.ends_with(']'), "{text}");
        assert!(text.matches("},{").count() > 10, "{text}");
        assert_eq!(Content::Json.payload(2, &mut random), b"[]");
    }

    #[test]
    fn payloads_have_the_length_and_the_characters_asked_for() {
        let mut random = fastrand::Rng::with_seed(1);
        for content in [Content::Binary, Content::Ascii, Content::Mixed, Content::Cjk] {
            for len in [0, 1, 20, 125, 1024] {
                let payload = content.payload(len, &mut random);
                assert_eq!(payload.len(), len);
                if content != Content::Binary {
                    let text = std::str::from_utf8(&payload).unwrap();
                    assert_eq!(content == Content::Ascii || len < 2, text.is_ascii());
                }
            }
        }
    }
}
