//! The PROXY protocol: a header with the address of the client, which a proxy sends before that client's own bytes.

use std::fmt;
use std::net::SocketAddr;

use ppp::{v1, v2};

/// The longest line of version 1, with its end.
const LONGEST_V1: usize = 107;

/// The longest header of version 2. Its addresses take at most 232 bytes; the rest is of no use here.
const LONGEST_V2: usize = 4096;

/// Bytes of version 2 from which the length is known.
const FIXED_V2: usize = 16;

/// Why a PROXY protocol header is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPreamble(&'static str);

impl BadPreamble {
    /// The stream ended in the middle of it.
    pub(crate) const CUT: Self = Self("it is cut off");
}

impl fmt::Display for BadPreamble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no valid PROXY protocol header: {}", self.0)
    }
}

/// A whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) len: usize,
    /// `None` if the proxy speaks for itself, or the client has no IP address.
    pub(crate) client: Option<SocketAddr>,
}

/// Reads the header that `bytes` begin with; `None` until it is whole.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Header>, BadPreamble> {
    let begins = |prefix: &[u8]| bytes.iter().zip(prefix).all(|(byte, expected)| byte == expected);
    if begins(v2::PROTOCOL_PREFIX) {
        read_v2(bytes)
    } else if begins(b"PROXY ") {
        read_v1(bytes)
    } else {
        Err(BadPreamble("it begins otherwise"))
    }
}

fn read_v1(bytes: &[u8]) -> Result<Option<Header>, BadPreamble> {
    // The parser takes some lines that are not whole for wrong ones.
    let Some(end) = bytes.iter().take(LONGEST_V1).position(|&byte| byte == b'\n') else {
        let is_short = bytes.len() < LONGEST_V1;
        return if is_short { Ok(None) } else { Err(BadPreamble("the line is too long")) };
    };
    let line = &bytes[..=end];
    let header = |client| Ok(Some(Header { len: line.len(), client }));
    // Everything after that word must be ignored.
    if line.ends_with(b"\r\n") && (line.starts_with(b"PROXY UNKNOWN ") || line == b"PROXY UNKNOWN\r\n") {
        return header(None);
    }
    match v1::Header::try_from(line).map(|parsed| parsed.addresses) {
        Ok(v1::Addresses::Tcp4(v1::IPv4 { source_address, source_port, .. })) => {
            header(Some((source_address, source_port).into()))
        }
        Ok(v1::Addresses::Tcp6(v1::IPv6 { source_address, source_port, .. })) => {
            header(Some((source_address, source_port).into()))
        }
        Ok(v1::Addresses::Unknown) | Err(_) => Err(BadPreamble("the line can't be read")),
    }
}

fn read_v2(bytes: &[u8]) -> Result<Option<Header>, BadPreamble> {
    if let Some(&[high, low]) = bytes.get(FIXED_V2 - 2..FIXED_V2)
        && FIXED_V2 + usize::from(u16::from_be_bytes([high, low])) > LONGEST_V2
    {
        return Err(BadPreamble("it is too long"));
    }
    let parsed = match v2::Header::try_from(bytes) {
        Ok(parsed) => parsed,
        Err(v2::ParseError::Incomplete(_) | v2::ParseError::Partial(..)) => return Ok(None),
        Err(v2::ParseError::Version(_)) => return Err(BadPreamble("it has another version")),
        Err(v2::ParseError::Command(_)) => return Err(BadPreamble("it has an unknown command")),
        Err(v2::ParseError::InvalidAddresses(..)) => {
            return Err(BadPreamble("it is too short for its addresses"));
        }
        Err(_) => return Err(BadPreamble("its addresses are of an unknown kind")),
    };
    let client = match (parsed.command, parsed.addresses) {
        (v2::Command::Local, _) => None,
        (v2::Command::Proxy, v2::Addresses::IPv4(v2::IPv4 { source_address, source_port, .. })) => {
            Some((source_address, source_port).into())
        }
        (v2::Command::Proxy, v2::Addresses::IPv6(v2::IPv6 { source_address, source_port, .. })) => {
            Some((source_address, source_port).into())
        }
        (v2::Command::Proxy, v2::Addresses::Unspecified | v2::Addresses::Unix(_)) => None,
    };
    Ok(Some(Header { len: parsed.header.len(), client }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

    #[track_caller]
    fn names(bytes: &[u8], client: Option<&str>) {
        let client = client.map(|client| client.parse().unwrap());
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Ok(None), "cut at {cut}");
        }
        let expected = Ok(Some(Header { len: bytes.len(), client }));
        assert_eq!(read(bytes), expected);
        // The client's own bytes come after it.
        assert_eq!(read(&[bytes, b"GET / HTTP/1.1\r\n\r\n"].concat()), expected);
        assert_eq!(read(&[bytes, bytes].concat()), expected);
    }

    #[test]
    fn a_line_of_version_1_is_taken_when_it_is_whole() {
        names(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", Some("192.0.2.1:56324"));
        names(b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", Some("[2001:db8::1]:56324"));
        names(b"PROXY UNKNOWN\r\n", None);
        names(b"PROXY UNKNOWN ffff::1 any thing at all that is there may be \"ignored\"\r\n", None);
    }

    #[test]
    fn a_header_of_version_2_is_taken_when_it_is_whole() {
        let v4 = b"\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb";
        names(&[SIGNATURE, &v4[..]].concat(), Some("192.0.2.1:56324"));
        let v6 = b"\x21\x21\0\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
            \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xdc\x04\x01\xbb";
        names(&[SIGNATURE, &v6[..]].concat(), Some("[2001:db8::1]:56324"));
        // A value of type 4 follows the addresses.
        let more = b"\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb\x04\0\x01*";
        names(&[SIGNATURE, &more[..]].concat(), Some("192.0.2.1:56324"));
        // Command LOCAL, whatever addresses stand there; no addresses; a Unix socket's.
        names(
            &[SIGNATURE, &b"\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb"[..]].concat(),
            None,
        );
        names(&[SIGNATURE, &b"\x20\0\0\0"[..]].concat(), None);
        names(&[SIGNATURE, &b"\x21\0\0\0"[..]].concat(), None);
        names(&[SIGNATURE, &b"\x21\x31\0\xd8"[..], &[b'/'; 216]].concat(), None);
    }

    #[test]
    fn what_is_no_header_is_refused_at_once() {
        for (bytes, reason) in [
            (&b"GET / HTTP/1.1\r\n"[..], "begins otherwise"),
            (b"PROXX", "begins otherwise"),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\n", "can't be read"),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 56324\r\n", "can't be read"),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n", "can't be read"),
            (b"PROXY TCP4 192.0.2.1 198.51.100.2 1 443 \r\n", "can't be read"),
            (b"PROXY TCP4 2001:db8::1 ::1 1 443\r\n", "can't be read"),
            (b"PROXY UDP4 192.0.2.1 198.51.100.2 1 443\r\n", "can't be read"),
            (b"PROXY UNKNOWNS\r\n", "can't be read"),
            (b"PROXY UNKNOWN\n", "can't be read"),
            (b"PROXY TCP4 \xff\r\n", "can't be read"),
            (&[b"PROXY UNKNOWN ", &[b'x'; 93][..]].concat(), "too long"),
            (&[SIGNATURE, &b"\x11\x11\0\x0c"[..]].concat(), "another version"),
            (&[SIGNATURE, &b"\x22\x11\0\x0c"[..]].concat(), "unknown command"),
            (&[SIGNATURE, &b"\x21\x41\0\x0c"[..]].concat(), "unknown kind"),
            (&[SIGNATURE, &b"\x21\x13\0\x0c"[..]].concat(), "unknown kind"),
            (&[SIGNATURE, &b"\x21\x11\0\x0b"[..]].concat(), "too short"),
            (&[SIGNATURE, &b"\x21\x11\x0f\xf1"[..]].concat(), "too long"),
        ] {
            let said = read(bytes).map_err(|error| error.to_string());
            assert!(said.as_ref().is_err_and(|said| said.contains(reason)), "{reason}: {said:?}");
        }
    }
}
