//! The URL of a WebSocket, RFC 6455 section 3: where to connect to, and what to ask for there.

use std::str::FromStr;

use url::{Host, ParseError, Url};

/// What a URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: Host<String>,
    /// Over TLS.
    pub(crate) is_secure: bool,
    pub(crate) port: u16,
    /// The `Host` field: the port only if it is not the scheme's own (section 4.1, item 4).
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) target: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| match error {
            ParseError::RelativeUrlWithoutBase => SCHEME.to_owned(),
            error => error.to_string(),
        })?;
        let is_secure = match url.scheme() {
            "ws" => false,
            "wss" if cfg!(feature = "tls") => true,
            "wss" => return Err("this program was built without TLS, which wss:// needs".to_owned()),
            _ => return Err(SCHEME.to_owned()),
        };
        // The parser takes what browsers forgive: other slashes, or more and fewer of them.
        let after = text.trim_start().get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://"));
        if after.is_none_or(|rest| rest.starts_with(['/', '\\'])) {
            return Err(SCHEME.to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user in the URL is not supported; use --header 'Authorization: ...'".to_owned());
        }
        if url.fragment().is_some() {
            return Err(
                "a WebSocket URL has no fragment; write %23 instead of # (RFC 6455 section 3)".to_owned()
            );
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err("the URL names no host".to_owned());
        };
        Ok(Self {
            host: host.to_owned(),
            is_secure,
            port,
            authority: url.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}")),
            target: url
                .query()
                .map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())),
        })
    }
}

const SCHEME: &str = "a WebSocket URL begins with ws:// or wss:// and a host";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(url: &str, port: u16, authority: &str, target: &str) {
        let address: Address = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((address.port, &*address.authority, &*address.target), (port, authority, target), "{url}");
    }

    #[test]
    fn every_legal_form_of_a_url_is_taken() {
        is("ws://example.org", 80, "example.org", "/");
        is("ws://example.org:80/", 80, "example.org", "/");
        is("ws://example.org:443/chat", 443, "example.org:443", "/chat");
        is("WS://Example.ORG:1740?room=7", 1740, "example.org:1740", "/?room=7");
        is("ws://[::1]:1740/a?b=c?d", 1740, "[::1]:1740", "/a?b=c?d");
        is("ws://[2001:DB8::1]", 80, "[2001:db8::1]", "/");
        is("ws://127.0.0.1/a%20b/%23?c=%C3%BC", 80, "127.0.0.1", "/a%20b/%23?c=%C3%BC");
        is("ws://example.org/a b/ü?q=ü", 80, "example.org", "/a%20b/%C3%BC?q=%C3%BC");
        is("ws://bücher.example/", 80, "xn--bcher-kva.example", "/");
        is("ws://example.org?", 80, "example.org", "/?");
        #[cfg(feature = "tls")]
        {
            is("wss://example.org/", 443, "example.org", "/");
            is("wss://example.org:443", 443, "example.org", "/");
            is("WSS://example.org:80/", 80, "example.org:80", "/");
        }
        is("ws://example.org:/", 80, "example.org", "/");
    }

    #[test]
    fn what_is_no_websocket_url_is_refused_in_words() {
        for (url, word) in [
            ("example.org", "begins with ws://"),
            ("localhost:1740", "begins with ws://"),
            ("http://example.org", "begins with ws://"),
            ("ws:example.org", "begins with ws://"),
            ("ws:///path", "begins with ws://"),
            ("ws://", "empty host"),
            ("ws://:1740/", "empty host"),
            ("ws://example.org:65536/", "port"),
            ("ws://[::1/", "IPv6"),
            ("wss:example.org", "begins with ws://"),
            ("wss:///path", "begins with ws://"),
            #[cfg(not(feature = "tls"))]
            ("wss://example.org/", "TLS"),
            ("ws://me:secret@example.org/", "Authorization"),
            ("ws://me@example.org/", "Authorization"),
            ("ws://example.org/#top", "fragment"),
            ("ws://example.org/#", "fragment"),
        ] {
            let error = url.parse::<Address>().expect_err(url);
            assert!(error.contains(word), "{url}: {error}");
        }
    }
}
