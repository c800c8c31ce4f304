//! The value of `Host`: uri-host [ ":" port ], RFC 9110 section 7.2, of RFC 3986 section 3.2.

/// Whether it is one. Empty is the name of a target without authority (RFC 9112 section 3.2).
pub(crate) const fn is_host(value: &[u8]) -> bool {
    let after = match value {
        [b'[', b'v' | b'V', rest @ ..] => future_address(rest),
        [b'[', rest @ ..] => ipv6_address(rest),
        // An IPv4 address is spelled like a name.
        _ => Some(name(value, false)),
    };
    let mut port = match after {
        Some([]) => return true,
        Some([b':', port @ ..]) => port,
        _ => return false,
    };
    while let [b'0'..=b'9', rest @ ..] = port {
        port = rest;
    }
    port.is_empty()
}

/// The bytes after those of a reg-name, or of unreserved, sub-delims and colons.
const fn name(mut bytes: &[u8], in_brackets: bool) -> &[u8] {
    loop {
        bytes = match bytes {
            [b'%', a, b, rest @ ..] if !in_brackets && a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            [b':', rest @ ..] if in_brackets => rest,
            [byte, rest @ ..]
                if byte.is_ascii_alphanumeric()
                    || matches!(
                        byte,
                        b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'='
                    ) =>
            {
                rest
            }
            _ => return bytes,
        }
    }
}

/// The bytes after an IPvFuture's `v` and its closing bracket.
const fn future_address(bytes: &[u8]) -> Option<&[u8]> {
    let (digits, rest) = hex_digits(bytes, u8::MAX);
    match rest {
        [b'.', rest @ ..] if digits > 0 => match name(rest, true) {
            [b']', after @ ..] if !matches!(rest, [b']', ..]) => Some(after),
            _ => None,
        },
        _ => None,
    }
}

/// The bytes after an IPv6address and its closing bracket: eight groups of digits, of which two colons stand for one
/// or more, and an IPv4 address for the last two.
const fn ipv6_address(bytes: &[u8]) -> Option<&[u8]> {
    let (mut groups, mut gap, mut rest) = (0u8, false, bytes);
    if let [b':', b':', tail @ ..] = bytes {
        (gap, rest) = (true, tail);
    }
    loop {
        let after = match (hex_digits(rest, 4), rest) {
            // Nothing may come after the gap.
            (_, [b']', after @ ..]) if gap => return if groups <= 7 { Some(after) } else { None },
            ((0, _), _) => return None,
            ((_, [b'.', ..]), _) => {
                groups = groups.saturating_add(1);
                match ipv4_address(rest) {
                    Some(after @ [b']', ..]) => after,
                    _ => return None,
                }
            }
            ((_, after), _) => after,
        };
        groups = groups.saturating_add(1);
        rest = match after {
            [b']', after @ ..] => {
                let whole = if gap { groups <= 7 } else { groups == 8 };
                return if whole { Some(after) } else { None };
            }
            [b':', b':', tail @ ..] if !gap => {
                gap = true;
                tail
            }
            // An address does not end in a single colon.
            [b':', tail @ ..] if !matches!(tail, [b']', ..]) => tail,
            _ => return None,
        };
    }
}

/// The bytes after four numbers up to 255, without leading zeros.
pub(super) const fn ipv4_address(bytes: &[u8]) -> Option<&[u8]> {
    let (mut numbers, mut rest) = (0u8, bytes);
    loop {
        let (mut number, mut digits) = (0u16, 0u8);
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            if digits > 0 && number == 0 {
                return None;
            }
            number = number.wrapping_mul(10).wrapping_add((*digit & 0x0f) as u16);
            if number > 255 {
                return None;
            }
            digits = 1;
            rest = tail;
        }
        numbers = numbers.wrapping_add(1);
        rest = match rest {
            _ if digits == 0 => return None,
            _ if numbers == 4 => return Some(rest),
            [b'.', tail @ ..] => tail,
            _ => return None,
        };
    }
}

/// How many hexadecimal digits there are, at most `most`, and the bytes after them.
const fn hex_digits(bytes: &[u8], most: u8) -> (u8, &[u8]) {
    let (mut digits, mut rest) = (0u8, bytes);
    while let [digit, tail @ ..] = rest {
        if digits == most || !digit.is_ascii_hexdigit() {
            break;
        }
        digits = digits.wrapping_add(1);
        rest = tail;
    }
    (digits, rest)
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            ":",
            ":80",
            "h",
            "h:",
            "h:80",
            "h:00080",
            "example.org",
            "EXAMPLE.org:8080",
            "a_b~c-d.e",
            "a,b",
            "!$&'()*+,;=",
            "%41%2f",
            "127.0.0.1",
            "127.0.0.1:1740",
            "999.1.2.3",
            "xn--bcher-kva.example",
            "[::]",
            "[::1]",
            "[::1]:1740",
            "[::1]:",
            "[1::]",
            "[1:2:3:4:5:6:7:8]",
            "[1:2:3:4:5:6:7::]",
            "[::2:3:4:5:6:7:8]",
            "[1:2:3::6:7:8]",
            "[FFFF:abcd:0123::]",
            "[::ffff:192.0.2.1]:443",
            "[1:2:3:4:5:6:192.0.2.255]",
            "[::2:3:4:5:6:0.0.0.0]",
            "[1::192.0.2.1]",
            "[v1.x]",
            "[vF0.a:b,c]:9",
            "[V7.~]",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn anything_else_is_no_host() {
        for host in [
            "user@h",
            "a b",
            "a, b",
            "h:port",
            "h:80:80",
            "h:-1",
            "<script>",
            "h/",
            "h?x",
            "h#x",
            "\"h\"",
            "a\\b",
            "%",
            "%4",
            "%4g",
            "h%",
            "[",
            "[]",
            "[::1",
            "::1",
            "1::",
            "[::1]x",
            "[::1]:x",
            "x[::1]",
            "[[::1]]",
            "[:]",
            "[:::]",
            "[1]",
            "[1:2:3:4:5:6:7]",
            "[1:2:3:4:5:6:7:8:9]",
            "[1:2:3:4:5:6:7:8::]",
            "[::1:2:3:4:5:6:7:8]",
            "[1::2::3]",
            "[1:]",
            "[:1]",
            "[1:2:3:4:5:6:7:]",
            "[:2:3:4:5:6:7:8]",
            "[12345::]",
            "[g::]",
            "[::1%25lo]",
            "[fe80::1%lo]",
            "[::1.2.3]",
            "[::1.2.3.4.5]",
            "[::1.2.3.256]",
            "[::1.2.3.04]",
            "[::1.2.3.4:5]",
            "[1:2:3:4:5:6:7:1.2.3.4]",
            "[1.2.3.4]",
            "[::2:3:4:5:6:7:1.2.3.4]",
            "[::1.2.3.]",
            "[v.x]",
            "[v1.]",
            "[v1x]",
            "[vg.x]",
            "[v1.%41]",
            "h\u{e9}",
            "\u{7f}",
            "h\t",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
        for byte in 0x80..=0xff {
            assert!(!is_host(&[b'h', byte]), "{byte:#x}");
        }
    }
}
