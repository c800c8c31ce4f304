//! The request line, Host, Upgrade, Connection, the key and the version; what a request must not have.

use microws::handshake::{KnownField, ServerHandshake};
use microws::http::HeadError;
use microws::{Config, Event, HandshakeError};
use microws_tests::buffer;

use crate::{LINES, accepted, and, refused, with};

/// 4.1, 4.2.1: "The method of the request MUST be GET".
#[test]
fn another_method_gets_405_and_is_told_which() {
    for method in ["POST", "PUT", "get", "OPTIONS", "GETX", "head"] {
        let request = format!("{method} /chat HTTP/1.1\r\n{}\r\n\r\n", LINES[1..].join("\r\n"));
        let outcome = refused(&request, HandshakeError::Method, 405);
        assert!(outcome.text().contains("\r\nAllow: GET, HEAD\r\n"), "{}", outcome.text());
    }
}

/// RFC 9110 section 9.1: HEAD is served where GET is; it can't upgrade.
#[test]
fn a_head_request_is_answered_as_a_plain_get() {
    let request = LINES.join("\r\n").replacen("GET", "HEAD", 1) + "\r\n\r\n";
    refused(&request, HandshakeError::NoUpgrade, 426);
}

/// 4.2.1, item 1: "An HTTP/1.1 or higher GET request"; RFC 9110 section 7.8: "A server MUST ignore an Upgrade header
/// field that is received in an HTTP/1.0 request".
#[test]
fn an_upgrade_over_http_1_0_gets_426() {
    refused(&with("GET /chat HTTP/1.0"), HandshakeError::NoUpgrade, 426);
    refused("GET / HTTP/1.0\r\n\r\n", HandshakeError::NoUpgrade, 426);
    refused("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", HandshakeError::Invalid(KnownField::Host), 400);
    refused("POST / HTTP/1.0\r\n\r\n", HandshakeError::Method, 405);
}

/// RFC 9112 section 3.2: "any request message that contains [...] a Host header field with an invalid field value".
#[test]
fn a_host_that_is_none_gets_400() {
    for host in
        ["user@h", "a, b", "[::1", "h:port", "<script>", "h\u{e9}", "a b", "[1:2]", "[fe80::1%25lo]", "h/"]
    {
        let request =
            (LINES.join("\r\n") + "\r\n\r\n").replace("Host: example.com", &format!("Host: {host}"));
        refused(&request, HandshakeError::Invalid(KnownField::Host), 400);
    }
    for host in ["h:", "", "[::1]:80", "[v1.x]", "%68", "127.0.0.1:1740", "a,b"] {
        let request =
            (LINES.join("\r\n") + "\r\n\r\n").replace("Host: example.com", &format!("Host: {host}"));
        assert_eq!(accepted(&request), None, "{host}");
    }
}

/// RFC 9110 section 15.6.6: 505 means the major version.
#[test]
fn another_http_version_gets_505() {
    for version in ["HTTP/2.0", "HTTP/0.9", "HTTP/3.1"] {
        refused(&with(&format!("GET /chat {version}")), HandshakeError::Head(HeadError::HttpVersion), 505);
    }
    assert_eq!(accepted(&with("GET /chat HTTP/1.2")), None);
}

/// RFC 9112 section 3: method SP request-target SP HTTP-version, with single blanks.
#[test]
fn a_first_line_that_is_no_request_gets_400() {
    for line in [
        "GET /chat",
        "GET  /chat HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        " GET /chat HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET chat HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /chat http/1.1",
        "GET /chat HTTP/1",
        "GET /chat HTTP/1.1x",
        "GET /chat HTTP/x.1",
        "GET /chat#top HTTP/1.1",
        "GET /ch\u{e4}t HTTP/1.1",
        "GET /ch\tt HTTP/1.1",
        "G(T /chat HTTP/1.1",
        "GET\t/chat\tHTTP/1.1",
        "\u{16}\u{3}\u{1}\u{2}",
        "x",
    ] {
        let rest = LINES[1..].join("\r\n");
        refused(&format!("{line}\r\n{rest}\r\n\r\n"), HandshakeError::Head(HeadError::BadStartLine), 400);
    }
}

/// 4.2.1, item 2, and RFC 9112 section 3.2.
#[test]
fn a_request_needs_one_host() {
    refused(&with("Host:"), HandshakeError::Missing(KnownField::Host), 400);
    refused(&and("Host: example.com"), HandshakeError::Repeated(KnownField::Host), 400);
    refused(&and("hOST: other.example"), HandshakeError::Repeated(KnownField::Host), 400);
    // A plain request as well.
    refused("GET / HTTP/1.1\r\n\r\n", HandshakeError::Missing(KnownField::Host), 400);
}

/// 4.2.1, item 3: "An |Upgrade| header field containing the value "websocket", treated as an ASCII
/// case-insensitive value."
#[test]
fn a_request_needs_upgrade_to_websocket() {
    for line in ["Upgrade: WebSocket", "UPGRADE:websocket", "Upgrade: h2c, websocket", "Upgrade: WEBSOCKET ,"]
    {
        assert_eq!(accepted(&with(line)), None);
    }
    for line in
        ["Upgrade:", "Upgrade: h2c", "Upgrade: websockets", "Upgrade: web socket", "Upgrade: websocket/13"]
    {
        let outcome = refused(&with(line), HandshakeError::NoUpgrade, 426);
        assert!(outcome.text().contains("\r\nUpgrade: websocket\r\n"), "{}", outcome.text());
    }
}

/// 4.2.1, item 4: "A |Connection| header field that includes the token "Upgrade"".
#[test]
fn connection_is_a_list_of_tokens() {
    for line in [
        "Connection: upgrade",
        "Connection: keep-alive, Upgrade",
        "connection:Upgrade,keep-alive",
        "Connection: a ,\tUPGRADE\t, b",
    ] {
        assert_eq!(accepted(&with(line)), None);
    }
    assert_eq!(
        accepted(&with("Connection: keep-alive").replace("\r\n\r\n", "\r\nConnection: Upgrade\r\n\r\n")),
        None
    );
    for line in ["Connection:", "Connection: keep-alive", "Connection: upgraded", "Connection: up grade"] {
        refused(&with(line), HandshakeError::Missing(KnownField::Connection), 400);
    }
}

/// 4.2.1, item 5: "a base64-encoded [...] value that, when decoded, is 16 bytes in length".
#[test]
fn the_key_is_sixteen_bytes_in_base64() {
    refused(&with("Sec-WebSocket-Key:"), HandshakeError::Missing(KnownField::Key), 400);
    for key in [
        "",
        "dGhlIHNhbXBsZSBub25jZQ=",
        "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZQ=x",
        "dGhlIHNhbXBsZSBub25jZQx=",
        "dGhlIHNhbXBsZSBub25jZQxx",
        "dGhlIHNhbXBsZSBub25j=Q==",
        "dGhlIHNhbXBsZSBub25j-Q==",
        "dGhlIHNhbXBsZSBub25j_Q==",
        "dGhlIHNhbXBsZSBub25j Q==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        "dGhlIHNhbXBsZSBub25jZSBvZiAyMiBieXRlcw==",
    ] {
        let request = with(&format!("Sec-WebSocket-Key: {key}"));
        refused(&request, HandshakeError::Invalid(KnownField::Key), 400);
    }
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    refused(&and(key), HandshakeError::Repeated(KnownField::Key), 400);
    for key in ["AAAAAAAAAAAAAAAAAAAAAA==", "+/+/+/+/+/+/+/+/+/+/+w==", "09azAZ09azAZ09azAZ09aw=="] {
        assert_eq!(accepted(&with(&format!("Sec-WebSocket-Key: {key}"))), None);
    }
}

/// 4.2.1, item 6, and 4.4: "abort the WebSocket handshake [...] and instead send an appropriate HTTP
/// error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version| header field".
#[test]
fn another_version_gets_426_and_is_told_which() {
    for version in ["12", "8", "0", "14", "013", "13, 8", "", "thirteen"] {
        let request = with(&format!("Sec-WebSocket-Version: {version}"));
        let outcome = refused(&request, HandshakeError::WebSocketVersion, 426);
        assert!(outcome.text().contains("\r\nSec-WebSocket-Version: 13\r\n"), "{}", outcome.text());
    }
    refused(&with("Sec-WebSocket-Version:"), HandshakeError::Missing(KnownField::Version), 400);
    refused(&and("Sec-WebSocket-Version: 13"), HandshakeError::Repeated(KnownField::Version), 400);
}

/// We would take a body for frames, and a proxy before us would not.
#[test]
fn a_body_is_refused() {
    for line in ["Content-Length: 5", "Content-Length: 00", "Content-Length: x", "Transfer-Encoding: chunked"]
    {
        refused(&and(line), HandshakeError::Body, 400);
    }
    assert_eq!(accepted(&and("Content-Length: 0")), None);
    let post = and("Content-Length: 5").replacen("GET", "POST", 1);
    refused(&post, HandshakeError::Method, 405);
}

/// RFC 9110 section 15.5.6: what is wrong with a POST is that it is one, upgrade or not.
#[test]
fn a_method_other_than_get_is_refused_as_such() {
    let upgrade = LINES.join("\r\n") + "\r\n\r\n";
    refused(&upgrade.replacen("GET", "POST", 1), HandshakeError::Method, 405);
    refused("POST / HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::Method, 405);
}

/// RFC 9112 section 3.2: origin-form and absolute-form.
#[test]
fn the_target_has_a_path_and_perhaps_a_query() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/chat", "/chat", None),
        ("/chat?room=7", "/chat", Some("room=7")),
        ("/?", "/", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/socket.io/?EIO=4&transport=websocket", "/socket.io/", Some("EIO=4&transport=websocket")),
        ("/%7Eme//x", "/%7Eme//x", None),
        ("http://example.com", "/", None),
        ("http://example.com/", "/", None),
        ("ws://example.com:80/a/b?c=http://d/", "/a/b", Some("c=http://d/")),
        ("http://example.com?x", "/", Some("x")),
        ("/redirect?to=http://x/y", "/redirect", Some("to=http://x/y")),
    ] {
        let mut rx = buffer(256);
        assert!(rx.push(format!("GET {target} HTTP/1.1\r\n").as_bytes()));
        let config = Config::new();
        let mut handshake = ServerHandshake::new(&config);
        let Some(Event::Request(line)) = handshake.receive(&mut rx).unwrap() else { panic!("no start") };
        assert_eq!((line.method(), line.target(), line.path(), line.query()), ("GET", target, path, query));
    }
}
