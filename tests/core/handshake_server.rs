//! The server's side of the opening handshake, RFC 6455 sections 4.2.1 and 4.2.2.

use microws::handshake::{KnownField, ServerHandshake, reject};
use microws::http::{HeadError, respond};
use microws::{Config, Event, Fields, HandshakeError, MIN_CAPACITY, SendError};
use microws_tests::buffer;
use microws_tests::handshake::{Exchange, Outcome};

const LINES: [&str; 6] = [
    "GET /chat HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// The first line of an answer, by its status. In the small form no reason phrase is sent.
const STATUS_LINES: [(u16, &str); 13] = [
    (200, "HTTP/1.1 200 OK\r\n"),
    (400, "HTTP/1.1 400 Bad Request\r\n"),
    (401, "HTTP/1.1 401 Unauthorized\r\n"),
    (403, "HTTP/1.1 403 Forbidden\r\n"),
    (404, "HTTP/1.1 404 Not Found\r\n"),
    (405, "HTTP/1.1 405 Method Not Allowed\r\n"),
    (408, "HTTP/1.1 408 Request Timeout\r\n"),
    (414, "HTTP/1.1 414 URI Too Long\r\n"),
    (426, "HTTP/1.1 426 Upgrade Required\r\n"),
    (431, "HTTP/1.1 431 Request Header Fields Too Large\r\n"),
    (503, "HTTP/1.1 503 Service Unavailable\r\n"),
    (505, "HTTP/1.1 505 HTTP Version Not Supported\r\n"),
    (299, "HTTP/1.1 299 \r\n"),
];

fn status_line(status: u16) -> String {
    let (_, line) = STATUS_LINES.into_iter().find(|(of, _)| *of == status).unwrap();
    if cfg!(feature = "compact") { format!("HTTP/1.1 {status} \r\n") } else { line.to_owned() }
}

/// The request with the line that begins as `line` does up to its colon or first blank replaced;
/// added if there is none; left out if `line` ends there.
fn with(line: &str) -> String {
    let end = line.find([':', ' ']).map_or(line.len(), |at| at + 1);
    let mut lines: Vec<String> = LINES.map(str::to_owned).to_vec();
    let name = line[..end].to_ascii_lowercase();
    match lines.iter().position(|own| own.to_ascii_lowercase().starts_with(&name)) {
        Some(at) if line.len() == end => drop(lines.remove(at)),
        Some(at) => line.clone_into(&mut lines[at]),
        None => lines.push(line.to_owned()),
    }
    lines.join("\r\n") + "\r\n\r\n"
}

/// The request with lines added at its end.
fn and(more: &str) -> String {
    LINES.join("\r\n") + "\r\n" + more + "\r\n\r\n"
}

fn serve(request: &str) -> Outcome {
    Exchange::default().serve(&["chat", "echo-protocol"], request.as_bytes())
}

fn accepted(request: &str) -> Option<String> {
    let outcome = serve(request);
    assert!(outcome.text().starts_with("HTTP/1.1 101 "), "{request}\n{outcome:?}");
    outcome.verdict.unwrap_or_else(|error| panic!("{request}\n{error}"))
}

fn refused(request: &str, error: HandshakeError, status: u16) -> Outcome {
    let outcome = serve(request);
    assert_eq!(outcome.verdict, Err(error), "{request}");
    assert!(outcome.text().starts_with(&status_line(status)), "{request}\n{}", outcome.text());
    assert!(outcome.text().contains("\r\nConnection: close"), "{request}\n{}", outcome.text());
    outcome
}

/// 4.2.2: the status line and the three fields, and nothing about what was not asked for.
#[test]
fn the_least_request_gets_the_least_answer() {
    let outcome = serve(&(LINES.join("\r\n") + "\r\n\r\n"));
    assert_eq!(
        outcome.text(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
    assert_eq!(outcome.output.len(), 129);
    assert_eq!(outcome.items.len(), 7);
}

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

/// What nobody needs may be as long as the head.
#[test]
fn a_long_list_of_subprotocols_matters_only_if_there_are_some_to_agree_to() {
    let long = format!("Sec-WebSocket-Protocol: {}", "x".repeat(600));
    let request = LINES.join("\r\n") + &format!("\r\n{long}\r\n\r\n");
    let serve = |supported: &[&str]| {
        Exchange { rx: 256, ..Exchange::default() }.serve(supported, request.as_bytes()).verdict
    };
    assert_eq!(serve(&[]), Ok(None));
    assert_eq!(serve(&["chat"]), Err(HandshakeError::FieldTooLong(KnownField::Protocol)));
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

/// 4.2.2, item 5, /subprotocol/: "either a single value representing the subprotocol the server is
/// ready to use or null. The value chosen MUST be derived from the client's handshake".
#[test]
fn the_clients_first_supported_subprotocol_is_agreed_to() {
    let offer = |offer: &str| accepted(&and(&format!("Sec-WebSocket-Protocol: {offer}")));
    assert_eq!(offer("chat"), Some("chat".to_owned()));
    assert_eq!(offer("x, echo-protocol, chat"), Some("echo-protocol".to_owned()));
    assert_eq!(offer("x,chat,,echo-protocol"), Some("chat".to_owned()));
    // 11.5: names compare exactly.
    assert_eq!(offer("Chat"), None);
    assert_eq!(offer("chatter, cha"), None);
    // 11.3.4: the field "MAY appear multiple times in an HTTP request (which is logically the same
    // as a single |Sec-WebSocket-Protocol| header field that contains all values)".
    assert_eq!(offer("x\r\nSec-WebSocket-Protocol: chat"), Some("chat".to_owned()));
    assert_eq!(offer("echo-protocol\r\nSec-WebSocket-Protocol: chat"), Some("echo-protocol".to_owned()));
    let text = serve(&and("Sec-WebSocket-Protocol: superchat, chat"));
    assert!(text.text().ends_with("\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
    // 4.2.2: without agreement "the server MUST NOT send back a |Sec-WebSocket-Protocol| header field".
    assert!(!serve(&and("Sec-WebSocket-Protocol: x")).text().contains("Protocol:"));
    for bad in ["a b", "chat, (x)", "\"chat\"", "chat;q=1"] {
        let request = and(&format!("Sec-WebSocket-Protocol: {bad}"));
        refused(&request, HandshakeError::Invalid(KnownField::Protocol), 400);
    }
}

/// 9.1: "the server accepts" an extension or leaves it out: none is known here.
#[test]
fn extensions_are_declined() {
    let outcome = serve(&and("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"));
    assert_eq!(outcome.verdict, Ok(None));
    assert!(!outcome.text().contains("Extensions"));
}

/// The caller sees each field, Origin too, before it decides.
#[test]
fn the_caller_sees_everything_before_it_decides() {
    let outcome = serve(&and("Origin: http://example.com\r\nCookie:  a=b; c=\u{e9} \t\r\nX-Empty:"));
    assert_eq!(
        outcome.items,
        [
            "GET /chat",
            "Host: example.com",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "Origin: http://example.com",
            "Cookie: a=b; c=\u{e9}",
            "X-Empty: ",
            "end",
        ]
    );
}

/// RFC 9110 section 5.1: names compare without case; 5.5: blanks around the value are none of it.
#[test]
fn names_have_no_case_and_values_no_blanks_around_them() {
    let request = "GET / HTTP/1.1\r\nhOST:h\r\nUPGRADE: \t websocket \t\r\nconnection:upgrade\r\n\
        SEC-WEBSOCKET-KEY:dGhlIHNhbXBsZSBub25jZQ== \r\nsec-websocket-version:\t13\r\n\r\n";
    assert_eq!(accepted(request), None);
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

/// The bytes after the head are the first frame.
#[test]
fn bytes_after_the_head_stay_in_rx() {
    let request = LINES.join("\r\n") + "\r\n\r\n";
    let input = [request.as_bytes(), b"\x81\x80\x01\x02\x03\x04\r\n\r\n"].concat();
    let outcome = Exchange::default().serve(&[], &input);
    assert_eq!(outcome.after, b"\x81\x80\x01\x02\x03\x04\r\n\r\n");
}

/// RFC 9112 sections 2.2, 5, 5.1, 5.2: what others might read otherwise is refused.
#[test]
fn a_head_that_could_be_read_otherwise_is_refused() {
    let all = LINES.join("\r\n");
    for (lines, error) in [
        ("X : a", HandshakeError::Head(HeadError::BadField)),
        (": a", HandshakeError::Head(HeadError::BadField)),
        ("no colon", HandshakeError::Head(HeadError::BadField)),
        ("(X): a", HandshakeError::Head(HeadError::BadField)),
        ("X\u{e4}: a", HandshakeError::Head(HeadError::BadField)),
        ("X: a\0b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\u{7f}b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\u{1b}b", HandshakeError::Head(HeadError::BadField)),
        ("X: a\r\n b", HandshakeError::Head(HeadError::Folded)),
        ("X: a\r\n\tb: c", HandshakeError::Head(HeadError::Folded)),
        ("X: a\nY: b", HandshakeError::Head(HeadError::BadLineEnd)),
        ("X: a\rY: b", HandshakeError::Head(HeadError::BadLineEnd)),
        ("X: a\r\r\nY: b", HandshakeError::Head(HeadError::BadLineEnd)),
    ] {
        refused(&format!("{all}\r\n{lines}\r\n\r\n"), error, 400);
    }
    refused(&format!("{all}\n\n"), HandshakeError::Head(HeadError::BadLineEnd), 400);
    // "SHOULD ignore at least one empty line (CRLF) received prior to the request-line" (2.2)
    assert_eq!(accepted(&format!("\r\n{all}\r\n\r\n")), None);
}

/// Before its end a head is neither accepted nor at fault.
#[test]
fn a_head_is_incomplete_until_its_last_byte() {
    let request = LINES.join("\r\n") + "\r\n\r\n";
    for cut in 0..request.len() {
        assert_eq!(serve(&request[..cut]).verdict, Err(HandshakeError::Incomplete), "{}", &request[..cut]);
    }
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

/// A line must fit into `rx` only if it matters.
#[test]
fn a_long_line_matters_only_if_its_field_does() {
    let exchange = || Exchange { rx: 256, ..Exchange::default() };
    let long = "v".repeat(400);
    for name in ["Cookie", "Sec-WebSocket-Extensions", "Origin", "Authorization", "Sec-WebSocket-Accept"] {
        let outcome = exchange().serve(&[], and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Ok(None));
        assert_eq!(outcome.items[6], format!("long {name}"));
    }
    for (name, field) in [
        ("Host", KnownField::Host),
        ("upgrade", KnownField::Upgrade),
        ("Connection", KnownField::Connection),
        ("Sec-WebSocket-Key", KnownField::Key),
        ("Sec-WebSocket-Version", KnownField::Version),
        ("Sec-WebSocket-Protocol", KnownField::Protocol),
        ("Content-Length", KnownField::ContentLength),
        ("Transfer-Encoding", KnownField::TransferEncoding),
    ] {
        let outcome = exchange().serve(&["chat"], and(&format!("{name}: {long}")).as_bytes());
        assert_eq!(outcome.verdict, Err(HandshakeError::FieldTooLong(field)));
        assert!(outcome.text().starts_with("HTTP/1.1 431 "));
        assert!(outcome.text().ends_with(&format!(": {}\n", field.name())), "{}", outcome.text());
    }
    let outcome = exchange().serve(&[], and(&long).as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::FieldTooLong)));
    let outcome = exchange().serve(&[], format!("GET /{long} HTTP/1.1\r\n").as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::StartLineTooLong)));
    assert!(outcome.text().starts_with(&status_line(414)));
}

/// The longest line that fits is exactly as long as `rx`.
#[test]
fn a_line_as_long_as_rx_fits() {
    for rx in [MIN_CAPACITY, 256] {
        let value = "v".repeat(rx - "Cookie: \r\n".len());
        let outcome =
            Exchange { rx, ..Exchange::default() }.serve(&[], and(&format!("Cookie: {value}")).as_bytes());
        assert_eq!(outcome.items[6], format!("Cookie: {value}"));
        let outcome =
            Exchange { rx, ..Exchange::default() }.serve(&[], and(&format!("Cookie: {value}v")).as_bytes());
        assert_eq!(outcome.items[6], "long Cookie");
        assert_eq!(outcome.verdict, Ok(None));
    }
}

/// The limits, met exactly and passed by one; what was skipped counts.
#[test]
fn heads_are_limited_in_bytes_and_fields() {
    for request in [and("X: y"), and(&format!("Cookie: {}", "v".repeat(1000)))] {
        let len = u32::try_from(request.len()).unwrap();
        for rx in [256, 4096] {
            let serve = |limits| {
                Exchange { rx, limits: Some(limits), ..Exchange::default() }.serve(&[], request.as_bytes())
            };
            assert_eq!(serve((len, 6)).verdict, Ok(None));
            assert_eq!(serve((len - 1, 6)).verdict, Err(HandshakeError::Head(HeadError::HeadTooLong)));
            let outcome = serve((len, 5));
            assert_eq!(outcome.verdict, Err(HandshakeError::Head(HeadError::TooManyFields)));
            assert!(outcome.text().starts_with("HTTP/1.1 431 "));
        }
    }
    // By default 16 KiB and 100 fields.
    let fields = |n: usize| and(vec!["X: y"; n - 5].join("\r\n").as_str());
    assert_eq!(serve(&fields(100)).verdict, Ok(None));
    refused(&fields(101), HandshakeError::Head(HeadError::TooManyFields), 431);
    let of = |len: usize| {
        let short = and("Cookie: ");
        short.replace("Cookie: ", &format!("Cookie: {}", "v".repeat(len - short.len())))
    };
    assert_eq!(serve(&of(16_384)).verdict, Ok(None));
    refused(&of(16_385), HandshakeError::Head(HeadError::HeadTooLong), 431);
}

/// A plain request can be answered as one.
#[test]
fn a_plain_request_is_the_callers_to_answer() {
    let outcome = refused("GET /page HTTP/1.1\r\nHost: h\r\n\r\n", HandshakeError::NoUpgrade, 426);
    assert_eq!(outcome.items, ["GET /page", "Host: h", "end"]);
    let mut tx = buffer(256);
    respond(&mut tx, 200, &[("Content-Type", "text/plain")], "hello").unwrap();
    assert_eq!(
        tx.filled(),
        [
            status_line(200).as_bytes(),
            b"Connection: close\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"
        ]
        .concat()
    );
    for (status, _) in STATUS_LINES {
        let mut tx = buffer(256);
        respond(&mut tx, status, &[], "").unwrap();
        let text = std::str::from_utf8(tx.filled()).unwrap();
        assert_eq!(text, status_line(status) + "Connection: close\r\nContent-Length: 0\r\n\r\n");
    }
    // RFC 9110 section 7.8: "A sender of Upgrade MUST also send an "Upgrade" connection option".
    let mut tx = buffer(256);
    respond(&mut tx, 426, &[("Upgrade", "websocket")], &"x".repeat(100)).unwrap();
    let text = std::str::from_utf8(tx.filled()).unwrap();
    assert!(
        text.contains("\r\nConnection: close, Upgrade\r\nContent-Length: 100\r\nUpgrade: websocket\r\n\r\nx")
    );
}

/// Whole or nothing: an answer that does not fit changes nothing.
#[test]
fn an_answer_that_does_not_fit_changes_nothing() {
    let mut tx = buffer(139);
    assert!(tx.push(b"before"));
    assert_eq!(respond(&mut tx, 200, &[], &"x".repeat(100)), Err(SendError::BufferFull));
    assert_eq!(tx.filled(), b"before");

    let mut rx = buffer(512);
    assert!(rx.push(and("Sec-WebSocket-Protocol: chat").as_bytes()));
    let config = Config::new().subprotocols(&["chat"]);
    let mut handshake = ServerHandshake::new(&config);
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    handshake.check().unwrap();
    assert_eq!(handshake.subprotocol(), Some("chat"));
    let needed = 129 + "Sec-WebSocket-Protocol: chat\r\n".len();
    let mut tx = buffer(needed);
    assert!(tx.push(b"x"));
    assert_eq!(handshake.accept(&mut tx, &[]).err(), Some(SendError::BufferFull));
    assert_eq!(tx.filled(), b"x");
    tx.consume(1);
    assert!(handshake.accept(&mut tx, &[]).is_ok());
    assert_eq!((tx.len(), tx.free()), (needed, 0));
}

/// A refusal fits into the smallest buffer, its reason where there is room.
#[test]
fn every_refusal_fits_into_the_smallest_buffer() {
    for error in microws_tests::errors::handshake_errors() {
        let mut tx = buffer(MIN_CAPACITY);
        assert_eq!(reject(&mut tx, error), Ok(()), "{error:?}");
        let mut large = buffer(512);
        reject(&mut large, error).unwrap();
        let text = std::str::from_utf8(large.filled()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", error.status())), "{head}");
        assert!(
            head.contains(&format!("\r\nContent-Length: {}\r\n", body.len()))
                || head.ends_with(&format!("\r\nContent-Length: {}", body.len())),
            "{text}"
        );
        assert!(body.ends_with('\n') && body.len() > 10, "{text}");
        let mut full = buffer(MIN_CAPACITY);
        assert!(full.push(&[0; 100]));
        assert_eq!(reject(&mut full, error), Err(SendError::BufferFull));
        assert_eq!(full.len(), 100);
    }
}

/// What the caller adds can't end a line or begin another, nor say twice what we say.
#[test]
fn fields_that_would_break_the_head_are_refused() {
    let mut rx = buffer(512);
    assert!(rx.push((LINES.join("\r\n") + "\r\n\r\n").as_bytes()));
    let config = Config::new();
    let mut handshake = ServerHandshake::new(&config);
    while handshake.receive(&mut rx).unwrap() != Some(Event::HeadEnd) {}
    handshake.check().unwrap();
    let mut tx = buffer(512);
    for field in [
        ("X", "a\r\nY: b"),
        ("X", "a\nb"),
        ("X", "\0"),
        ("X: a\r\nY", "b"),
        ("", "a"),
        ("X Y", "a"),
        ("X:", "a"),
        ("X", "\u{7f}"),
    ] {
        let fields: &Fields<'_> = &[("Ok", "fine"), field];
        assert_eq!(handshake.accept(&mut tx, fields).err(), Some(SendError::InvalidField), "{field:?}");
        assert_eq!(respond(&mut tx, 200, fields, ""), Err(SendError::InvalidField), "{field:?}");
    }
    for name in [
        "Upgrade",
        "connection",
        "Sec-WebSocket-Accept",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
    ] {
        assert_eq!(handshake.accept(&mut tx, &[(name, "x")]).err(), Some(SendError::InvalidField), "{name}");
    }
    assert!(tx.is_empty());
    assert!(handshake.accept(&mut tx, &[("X-One", "1"), ("Set-Cookie", "a=\u{e9}\tb")]).is_ok());
    assert!(tx.filled().ends_with("\r\nX-One: 1\r\nSet-Cookie: a=\u{e9}\tb\r\n\r\n".as_bytes()));
}

/// A subprotocol that is no token is the caller's mistake, seen before it goes out.
#[test]
fn a_supported_subprotocol_that_is_no_token_is_never_sent() {
    // It can't even be offered.
    let outcome = Exchange::default().serve(&["a b"], and("Sec-WebSocket-Protocol: a b").as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Invalid(KnownField::Protocol)));
}

/// The subprotocol is known as soon as the field has passed.
#[test]
fn the_subprotocol_is_known_when_its_field_has_passed() {
    let mut rx = buffer(512);
    assert!(rx.push(and("Sec-WebSocket-Protocol: chat").as_bytes()));
    let config = Config::new().subprotocols(&["chat"]);
    let mut handshake = ServerHandshake::new(&config);
    let mut known = Vec::new();
    loop {
        let end = handshake.receive(&mut rx).unwrap() == Some(Event::HeadEnd);
        known.push(handshake.subprotocol().is_some());
        if end {
            break;
        }
    }
    assert_eq!(known, [false, false, false, false, false, false, true, true]);
}

/// Fields as lists and as text.
#[test]
fn a_field_is_a_list_or_text_to_whom_it_may_concern() {
    let mut rx = buffer(512);
    assert!(rx.push(b"GET / HTTP/1.1\r\nX-List: a, B ,,c\r\nY: \xff\r\n\r\n"));
    let config = Config::new();
    let mut handshake = ServerHandshake::new(&config);
    let _ = handshake.receive(&mut rx).unwrap();
    let Some(Event::Field(field)) = handshake.receive(&mut rx).unwrap() else { panic!("no field") };
    assert!(field.is("x-list") && !field.is("x-lis") && !field.is("x-list-more"));
    assert_eq!(field.text(), Some("a, B ,,c"));
    assert_eq!(field.elements().collect::<Vec<_>>(), [b"a", b"B", b"c"]);
    assert!(field.lists("b") && field.lists("A") && !field.lists("ab") && !field.lists(""));
    let Some(Event::Field(field)) = handshake.receive(&mut rx).unwrap() else { panic!("no field") };
    assert_eq!((field.text(), field.value()), (None, &b"\xff"[..]));
}
