//! The addresses in `X-Forwarded-For` or `Forwarded`. Each proxy adds the address of its peer at the right.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use microws::Event;

use super::{ClientAddress, is_trusted};
use crate::config::Config;

/// Finds the client: the rightmost address that is no trusted proxy's, or the leftmost if all are.
///
/// What stands to the left of that one, or of an entry that is no address, may be made up.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// The address of the connection. Requests of several clients may come through it.
    sender: Option<SocketAddr>,
    /// The address that sent the request, if it is trusted.
    proxy: Option<SocketAddr>,
    /// The client, by the entries so far.
    client: Option<SocketAddr>,
}

impl Chain {
    /// Takes one line of the head, sent by `address`; returns the client's address if it may be another one now.
    pub(crate) fn on_event(
        &mut self,
        event: &Event<'_>,
        address: impl FnOnce() -> Option<SocketAddr>,
        config: &Config,
    ) -> Option<SocketAddr> {
        let name = config.client_address.field()?;
        match event {
            Event::Request(_) if !config.trusted_proxies.is_empty() => {
                let is_first = self.sender.is_none();
                if is_first {
                    self.sender = address();
                }
                self.proxy = self.sender.filter(|proxy| is_trusted(&config.trusted_proxies, proxy.ip()));
                self.client = None;
                return self.proxy.filter(|_| !is_first);
            }
            Event::Field(field) if self.proxy.is_some() && field.is(name) => {
                self.add(field.value(), config.client_address, &config.trusted_proxies);
            }
            Event::LongField(long) if self.proxy.is_some() && long.eq_ignore_ascii_case(name.as_bytes()) => {
                self.client = None;
            }
            _ => return None,
        }
        self.client.or(self.proxy)
    }

    /// Adds the entries of one field.
    fn add(&mut self, value: &[u8], form: ClientAddress, trusted: &[IpNet]) {
        for entry in split(value, b',') {
            let address = match form {
                ClientAddress::Forwarded => node_of(entry).and_then(|node| parse(&node)),
                _ => std::str::from_utf8(entry).ok().and_then(parse),
            };
            self.client = match address {
                // Empty entries count for nothing (RFC 9110 section 5.6.1.2).
                None if entry.is_empty() => self.client,
                None => None,
                Some(address) if is_trusted(trusted, address.ip()) => self.client.or(Some(address)),
                Some(address) => Some(address),
            };
        }
    }
}

/// The parts of a list, but not cut inside of quotes, and without the blanks around them.
fn split(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    list.split(move |&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => return byte == separator && !quoted,
        }
        false
    })
    .map(<[u8]>::trim_ascii)
}

/// The value of `for` in an element of `Forwarded`; `None` if there is none, or more than one.
fn node_of(element: &[u8]) -> Option<String> {
    let mut nodes = split(element, b';').filter_map(|pair| {
        let (name, value) = pair.split_at(pair.iter().position(|&byte| byte == b'=')?);
        name.eq_ignore_ascii_case(b"for").then(|| &value[1..])
    });
    let node = nodes.next().filter(|_| nodes.next().is_none())?;
    match node {
        [b'"', quoted @ .., b'"'] => unescape(quoted),
        _ => String::from_utf8(node.to_vec()).ok(),
    }
}

/// The text of a quoted string (RFC 9110 section 5.6.4).
fn unescape(quoted: &[u8]) -> Option<String> {
    let (mut text, mut bytes) = (Vec::new(), quoted.iter());
    while let Some(&byte) = bytes.next() {
        text.push(if byte == b'\\' { *bytes.next()? } else { byte });
    }
    String::from_utf8(text).ok()
}

/// An address, with a port or without, which is then 0. IPv6 may stand in brackets, and must if there is a port. A port
/// that is hidden (RFC 7239 section 6.3) counts as none.
fn parse(node: &str) -> Option<SocketAddr> {
    if let Ok(ip) = node.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip.to_canonical(), 0));
    }
    let (ip, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (ip, port) = rest.split_once(']')?;
            (ip.parse::<Ipv6Addr>().ok()?.to_canonical(), port)
        }
        None => {
            let (ip, port) = node.split_at(node.find(':')?);
            (IpAddr::V4(ip.parse().ok()?), port)
        }
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => 0,
        None => return None,
        Some(hidden) if hidden.starts_with('_') => 0,
        Some(port) => port.parse().ok()?,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client that the fields name, if 10.0.0.0/8 and fd00::/8 are trusted.
    fn client(form: ClientAddress, fields: &[&str]) -> Option<String> {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut chain = Chain::default();
        for field in fields {
            chain.add(field.as_bytes(), form, &trusted);
        }
        chain.client.map(|address| address.to_string())
    }

    #[test]
    fn the_rightmost_address_that_is_not_trusted_is_the_client() {
        for (fields, expected) in [
            (&["192.0.2.1"] as &[_], Some("192.0.2.1:0")),
            (&["198.51.100.9, 192.0.2.1"], Some("192.0.2.1:0")),
            (&["198.51.100.9, 192.0.2.1, 10.0.0.7"], Some("192.0.2.1:0")),
            (&["198.51.100.9", "192.0.2.1", "10.0.0.7,10.0.0.8"], Some("192.0.2.1:0")),
            (&["10.0.0.7, 10.0.0.8"], Some("10.0.0.7:0")),
            (&["192.0.2.1:4711"], Some("192.0.2.1:4711")),
            (&["2001:db8::7"], Some("[2001:db8::7]:0")),
            (&["[2001:db8::7]"], Some("[2001:db8::7]:0")),
            (&["[2001:db8::7]:4711, fd00::1"], Some("[2001:db8::7]:4711")),
            (&["::ffff:192.0.2.1, ::ffff:10.1.2.3"], Some("192.0.2.1:0")),
            (&[" ,, 192.0.2.1\t,"], Some("192.0.2.1:0")),
            // An entry that is no address hides those to the left of it.
            (&["192.0.2.1, unknown"], None),
            (&["192.0.2.1, unknown, 10.0.0.7"], Some("10.0.0.7:0")),
            (&["192.0.2.1, unknown", "198.51.100.9"], Some("198.51.100.9:0")),
            (&[""], None),
            (&["192.0.2.256"], None),
            (&["192.0.2.1:65536"], None),
            (&["192.0.2.1 198.51.100.9"], None),
            (&["2001:db8::7]:1"], None),
            (&["[192.0.2.1]:1"], None),
            (&["[2001:db8::7]1"], None),
            (&["\"192.0.2.1\""], None),
        ] {
            assert_eq!(client(ClientAddress::XForwardedFor, fields).as_deref(), expected, "{fields:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (fields, expected) in [
            (&["for=192.0.2.1"] as &[_], Some("192.0.2.1:0")),
            (&["For=192.0.2.1;proto=http;by=203.0.113.43"], Some("192.0.2.1:0")),
            (&["proto=http; for=192.0.2.1 ;by=10.0.0.1, for=10.0.0.7"], Some("192.0.2.1:0")),
            (&["for=\"[2001:db8:cafe::17]:4711\""], Some("[2001:db8:cafe::17]:4711")),
            (&["for=\"192.0.2.1:80\", for=\"[fd00::1]\""], Some("192.0.2.1:80")),
            (&["for=192.0.2.43", "for=198.51.100.17"], Some("198.51.100.17:0")),
            (&["for=\"192.0.2.1:_hidden\""], Some("192.0.2.1:0")),
            (&["for=\"192.0.\\2.1\""], Some("192.0.2.1:0")),
            // Separators inside of quotes do not separate.
            (&["for=192.0.2.1;host=\"a,for=198.51.100.9;for=198.51.100.8\""], Some("192.0.2.1:0")),
            (&["host=\"\\\",for=198.51.100.9\";for=192.0.2.1"], Some("192.0.2.1:0")),
            // A quote that does not end hides everything from there on.
            (&["for=192.0.2.1, host=\"a, for=198.51.100.9"], None),
            (&["for=unknown"], None),
            (&["for=_hidden, for=10.0.0.7"], Some("10.0.0.7:0")),
            (&["for=192.0.2.1, proto=http"], None),
            (&["for=192.0.2.1;for=198.51.100.9"], None),
            (&["for=\"192.0.2.1\\\""], None),
            (&["192.0.2.1"], None),
            (&["for="], None),
            (&["for=\""], None),
        ] {
            assert_eq!(client(ClientAddress::Forwarded, fields).as_deref(), expected, "{fields:?}");
        }
    }
}
