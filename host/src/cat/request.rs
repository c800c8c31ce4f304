//! The request of the opening handshake, and what the user may add to it.

use microws::{Config, Timeouts};

use crate::arguments::Arguments;

/// A header field of the request.
pub(crate) type Field = (String, String);

/// Reads `Name: value`.
pub(crate) fn field(text: &str) -> Result<Field, String> {
    let (name, value) = text.split_once(':').ok_or("a header field is 'Name: value'")?;
    let (name, value) = (name.trim_end(), value.trim_matches([' ', '\t']));
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is no name of a header field (RFC 9110 section 5.1)"));
    }
    if !value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)) {
        return Err("the value has control characters (RFC 9110 section 5.5)".to_owned());
    }
    let is = |own: &str| name.eq_ignore_ascii_case(own);
    if let Some(own) = OWN.iter().find(|own| is(own)) {
        return Err(format!("{own} belongs to the opening handshake"));
    }
    if let Some((_, argument)) = ARGUMENTS.iter().find(|(own, _)| is(own)) {
        return Err(format!("use {argument}"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Fields that have one right value, or whose answer the client must understand.
const OWN: [&str; 8] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Content-Length",
    "Transfer-Encoding",
];

const ARGUMENTS: [(&str, &str); 2] = [("Sec-WebSocket-Protocol", "--subprotocol"), ("Origin", "--origin")];

/// The parts of the arguments that a [`Config`] borrows.
pub(crate) struct Request<'a> {
    host: &'a str,
    target: &'a str,
    origin: Option<&'a str>,
    subprotocols: Vec<&'a str>,
    fields: Vec<(&'a str, &'a str)>,
    timeouts: Timeouts,
}

impl<'a> Request<'a> {
    pub(crate) fn new(arguments: &'a Arguments) -> Self {
        // The request has one Host field: the user's is better than the URL's.
        let is_host = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case("Host");
        let given = arguments.header.iter().map(|(name, value)| (&**name, &**value));
        let (hosts, fields): (Vec<_>, Vec<_>) = given.partition(is_host);
        let mut timeouts = Timeouts::new();
        timeouts.handshake = arguments.timeout;
        timeouts.pong_within = arguments.timeout;
        timeouts.close_within = arguments.timeout;
        timeouts.write_within = arguments.timeout;
        timeouts.ping_after = arguments.ping_interval;
        Self {
            host: hosts.last().map_or(&*arguments.url.authority, |(_, value)| value),
            target: &arguments.url.target,
            origin: arguments.origin.as_deref(),
            subprotocols: arguments.subprotocol.iter().map(String::as_str).collect(),
            fields,
            timeouts,
        }
    }

    pub(crate) fn config(&self) -> Config<'_> {
        let config = Config::new()
            .request(self.host, self.target)
            .subprotocols(&self.subprotocols)
            .fields(&self.fields)
            .timeouts(self.timeouts);
        self.origin.map_or(config, |origin| config.origin(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_name_and_a_value() {
        let is = |text: &str, name: &str, value: &str| {
            assert_eq!(field(text), Ok((name.to_owned(), value.to_owned())));
        };
        is("Authorization: Bearer a:b", "Authorization", "Bearer a:b");
        is("X-Empty:", "X-Empty", "");
        is("Host: example.org:80", "Host", "example.org:80");
        for text in
            ["none", ": x", "a b: c", "X: a\r\nY: b", "upgrade: x", "Sec-WebSocket-Key: x", "origin: x"]
        {
            assert!(field(text).is_err(), "{text:?}");
        }
    }
}
