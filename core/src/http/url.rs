//! [`Url`]: a WebSocket address, `ws://host:port/path?query`, RFC 6455 section 3.

use core::fmt;
use core::net::IpAddr;

use crate::http::host::{ipv4_address, is_host};

/// The parts of a WebSocket address, borrowed from its text: where to connect to and what to ask for.
///
/// It takes RFC 6455's ws-URI in the characters of RFC 3986, and nothing that a browser refuses. Nothing is decoded or
/// normalized: an address that would need it is an error. The punycode of a name is not checked; that is left to the
/// DNS.
///
/// ```
/// use microws::Config;
/// use microws::http::{Url, UrlError};
///
/// // A constant is checked when the program is compiled.
/// const URL: Url<'_> = match Url::parse("wss://example.org/chat?room=7") {
///     Ok(url) => url,
///     Err(_) => panic!("no WebSocket address"),
/// };
/// static CONFIG: Config<'_> = Config::new().url(URL);
/// assert_eq!((URL.host(), URL.port(), URL.is_secure()), ("example.org", 443, true));
/// assert_eq!(URL.target(), "/chat?room=7");
///
/// let url = Url::parse("ws://[::1]:1740")?;
/// assert_eq!((url.host(), url.authority(), url.target()), ("::1", "[::1]:1740", "/"));
/// # let _ = &CONFIG;
/// # Ok::<(), UrlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Url<'u> {
    secure: bool,
    host: &'u str,
    port: u16,
    authority: &'u str,
    target: &'u str,
}

impl<'u> Url<'u> {
    /// Takes an address apart.
    ///
    /// # Errors
    /// The first part that is no part of a WebSocket address.
    pub const fn parse(url: &'u str) -> Result<Self, UrlError> {
        let (secure, rest) = match url.as_bytes() {
            [b'w' | b'W', b's' | b'S', b':', b'/', b'/', rest @ ..] => (false, rest),
            [b'w' | b'W', b's' | b'S', b's' | b'S', b':', b'/', b'/', rest @ ..] => (true, rest),
            _ => return Err(UrlError::Scheme),
        };
        let (authority, target) = split_before(rest, b"/?#");
        if !split_before(authority, b"@").1.is_empty() {
            return Err(UrlError::User);
        }
        let (host, port) = match authority {
            // Its colons are its own.
            [b'[', ..] => match split_before(authority, b"]") {
                (host, [bracket, port @ ..]) => {
                    match authority.split_at_checked(host.len().saturating_add(1)) {
                        Some((host, _)) => (host, port),
                        None => (host, core::slice::from_ref(bracket)),
                    }
                }
                (host, []) => (host, &[] as &[u8]),
            },
            _ => split_before(authority, b":"),
        };
        let name = match host {
            // An IPv6 address without its brackets.
            _ if matches!(port, [_, rest @ ..] if !split_before(rest, b":").1.is_empty()) => {
                return Err(UrlError::Host);
            }
            [] => return Err(UrlError::NoHost),
            // An address of a version to come is nothing that a browser takes.
            [b'[', b'v' | b'V', ..] => return Err(UrlError::Host),
            [b'[', name @ .., b']'] if is_host(host) => name,
            _ if is_name(host) => host,
            _ => return Err(UrlError::Host),
        };
        let own_port = if secure { 443 } else { 80 };
        let port = match port {
            [] | [b':'] => own_port,
            [b':', digits @ ..] => match number(digits) {
                Some(port) => port,
                None => return Err(UrlError::Port),
            },
            _ => return Err(UrlError::Host),
        };
        let target = match target {
            [] => b"/",
            [b'?', ..] => return Err(UrlError::NoPath),
            _ if !split_before(target, b"#").1.is_empty() => return Err(UrlError::Fragment),
            _ if !is_path_and_query(target) => return Err(UrlError::Target),
            _ => target,
        };
        Ok(Self {
            secure,
            host: text(name),
            port,
            authority: text(if port == own_port { host } else { authority }),
            target: text(target),
        })
    }

    /// Whether it is wss, WebSocket over TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host to connect to, as it is written: a name, or an address without brackets around it.
    pub const fn host(&self) -> &'u str {
        self.host
    }

    /// The host as an address; `None` for a name, which is the DNS's.
    // core's parser takes twice the flash; what it checks was checked.
    pub fn ip(&self) -> Option<IpAddr> {
        let host = self.host.as_bytes();
        if !split_before(host, b":").1.is_empty() {
            return Some(IpAddr::V6(ipv6(host).into()));
        }
        matches!(ipv4_address(host), Some([])).then(|| IpAddr::V4(ipv4(host).into()))
    }

    /// The port to connect to: 80 or 443 if none is written.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The `Host` field: the host, and the port unless it is the scheme's own (section 4.1, item 4).
    pub const fn authority(&self) -> &'u str {
        self.authority
    }

    /// The target of the request: path and query (RFC 9112 section 3.2.1).
    pub const fn target(&self) -> &'u str {
        self.target
    }
}

/// Why a text is no WebSocket address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum UrlError {
    /// It begins neither with `ws://` nor with `wss://`.
    Scheme,
    /// It names no host.
    NoHost,
    /// There is a user in it, `user@`, which a ws-URI does not have: use
    /// [`Config::fields`](crate::Config::fields) with `Authorization`.
    User,
    /// The host is no name in ASCII and no address in its usual form: a name of another script must be punycode, an
    /// IPv4 address four decimal numbers, an IPv6 address in brackets.
    Host,
    /// The port is no number from 1 to 65535.
    Port,
    /// A query without a path before it: write a slash before the question mark.
    NoPath,
    /// There is a fragment in it: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be
    /// used" (section 3).
    Fragment,
    /// A character in path or query that must be percent-encoded, or a percent sign that encodes nothing.
    Target,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the address does not begin with ws:// or wss://",
            Self::NoHost => "the address names no host",
            Self::User => "the address has a user in it: send an Authorization field instead",
            Self::Host => "the host is neither a name in ASCII nor an address",
            Self::Port => "the port is no number from 1 to 65535",
            Self::NoPath => "there is no path: write a slash before the question mark",
            Self::Fragment => {
                "the address has a fragment, which WebSocket does not know: leave out all from # on"
            }
            Self::Target => "a character of path or query must be percent-encoded",
        })
    }
}

impl core::error::Error for UrlError {}

/// The bytes before the first one that is among `stops`, and the rest.
const fn split_before<'b>(bytes: &'b [u8], stops: &[u8]) -> (&'b [u8], &'b [u8]) {
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        if is_among(*byte, stops) {
            break;
        }
        rest = tail;
    }
    match bytes.split_at_checked(bytes.len().wrapping_sub(rest.len())) {
        Some(parts) => parts,
        None => (bytes, &[]),
    }
}

const fn is_among(byte: u8, mut set: &[u8]) -> bool {
    while let [one, rest @ ..] = set {
        if byte == *one {
            return true;
        }
        set = rest;
    }
    false
}

/// unreserved / sub-delims of RFC 3986 section 2.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || is_among(byte, b"-._~!$&'()*+,;=")
}

/// A reg-name without percent-encoding, or an IPv4 address as it is usually written: a name whose last label is a number
/// is an address to browsers, in any of many forms.
const fn is_name(host: &[u8]) -> bool {
    let (mut rest, mut label) = (host, host);
    while let [byte, tail @ ..] = rest {
        if !is_plain(*byte) {
            return false;
        }
        // A dot at the end begins no label.
        if *byte == b'.' && !tail.is_empty() {
            label = tail;
        }
        rest = tail;
    }
    if let [before @ .., b'.'] = label {
        label = before;
    }
    !is_number(label) || matches!(ipv4_address(host), Some([]))
}

const fn is_number(label: &[u8]) -> bool {
    let (mut digits, hexadecimal) = match label {
        [b'0', b'x' | b'X', digits @ ..] => (digits, true),
        _ => (label, false),
    };
    while let [digit, rest @ ..] = digits {
        if !(digit.is_ascii_digit() || (hexadecimal && digit.is_ascii_hexdigit())) {
            return false;
        }
        digits = rest;
    }
    !label.is_empty()
}

/// A port.
const fn number(mut digits: &[u8]) -> Option<u16> {
    let mut number = 0u16;
    while let [digit, rest @ ..] = digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = match number.checked_mul(10) {
            Some(tens) => match tens.checked_add((*digit & 0x0f) as u16) {
                Some(number) => number,
                None => return None,
            },
            None => return None,
        };
        digits = rest;
    }
    if number == 0 { None } else { Some(number) }
}

/// The value of four decimal numbers.
fn ipv4(host: &[u8]) -> u32 {
    let (mut address, mut number) = (0u32, 0u32);
    for byte in host {
        if *byte == b'.' {
            (address, number) = (address.wrapping_shl(8) | number, 0);
        } else {
            number = number.wrapping_mul(10).wrapping_add((byte & 0x0f).into());
        }
    }
    address.wrapping_shl(8) | number
}

/// The value of groups of hexadecimal digits, of which two colons stand for zeros, and an IPv4 address for the last two.
fn ipv6(host: &[u8]) -> [u16; 8] {
    let (mut written, mut len, mut gap) = ([0; 8], 0usize, 8usize);
    let mut put = |group| {
        if let Some(place) = written.get_mut(len) {
            *place = group;
        }
        len = len.wrapping_add(1);
        len
    };
    let (mut rest, mut count) = (host, 0);
    loop {
        rest = match rest {
            [] => break,
            [b':', b':', tail @ ..] => {
                gap = count;
                tail
            }
            [b':', tail @ ..] => tail,
            _ => {
                let (group, tail) = split_before(rest, b":");
                if split_before(group, b".").1.is_empty() {
                    let digit = |value: u16, byte: &u8| {
                        // The letters' lower bits count from 1.
                        let digit = (byte & 0x0f).wrapping_add(if byte.is_ascii_digit() { 0 } else { 9 });
                        value.wrapping_shl(4) | u16::from(digit)
                    };
                    count = put(group.iter().fold(0, digit));
                } else {
                    let address = ipv4(group);
                    put((address >> 16) as u16);
                    count = put(address as u16);
                }
                tail
            }
        }
    }
    // The groups after the gap are the last ones.
    let zeros = 8usize.wrapping_sub(count);
    let mut groups = [0; 8];
    for (i, group) in groups.iter_mut().enumerate() {
        let from = if i < gap { Some(i) } else { i.checked_sub(zeros).filter(|from| *from >= gap) };
        *group = from.and_then(|from| written.get(from)).copied().unwrap_or(0);
    }
    groups
}

/// path-abempty [ "?" query ] of RFC 3986 section 3.
const fn is_path_and_query(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if is_plain(*byte) || is_among(*byte, b":@/?") => rest,
            _ => return false,
        }
    }
}

/// ASCII as text.
const fn text(ascii: &[u8]) -> &str {
    match core::str::from_utf8(ascii) {
        Ok(text) => text,
        Err(_) => "",
    }
}
