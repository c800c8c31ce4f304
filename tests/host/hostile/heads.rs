//! Attacks with requests.

use std::time::{Duration, Instant};

use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST};

use crate::attack::{Attack, Must, Shot, ensure};

fn request() -> String {
    String::from_utf8_lossy(REQUEST).into_owned()
}

/// The request with `from` replaced.
fn with(from: &str, to: &str) -> String {
    let request = request();
    assert!(request.contains(from), "{from} is not in the request");
    request.replacen(from, to, 1)
}

/// The request with more lines.
fn plus(lines: &str) -> Vec<u8> {
    plus_bytes(lines.as_bytes())
}

fn plus_bytes(lines: &[u8]) -> Vec<u8> {
    [&REQUEST[..REQUEST.len() - 2], lines, b"\r\n\r\n"].concat()
}

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks: Vec<Attack> =
        lines().into_iter().chain(fields()).map(|shot| shot.into_attack(false)).collect();
    attacks.extend(sizes());
    attacks.extend(slow());
    attacks
}

/// Request lines, and how lines end.
fn lines() -> Vec<Shot> {
    let shot = |name: &str, bytes: Vec<u8>, status| {
        Shot::new(format!("request: {name}"), bytes, Must::Status(status))
    };
    let start = |line: &str| with("GET / HTTP/1.1", line).into_bytes();
    let mut shots = vec![
        shot("nothing like HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".into(), 400),
        shot("a word", b"hello\r\n".into(), 400),
        shot("no target", start("GET HTTP/1.1"), 400),
        shot("no version", start("GET /"), 400),
        shot("a fourth word", start("GET / x HTTP/1.1"), 400),
        shot("two blanks", start("GET  / HTTP/1.1"), 400),
        shot("a blank before", start(" GET / HTTP/1.1"), 400),
        shot("a blank after it", start("GET / HTTP/1.1 "), 400),
        shot("a tab", start("GET\t/ HTTP/1.1"), 400),
        shot("a fragment in the target", start("GET /#x HTTP/1.1"), 400),
        shot("an asterisk", start("GET * HTTP/1.1"), 400),
        shot("no slash", start("GET x HTTP/1.1"), 400),
        shot("a byte that is no ASCII", start("GET /\u{e9} HTTP/1.1"), 400),
        shot("an escape", start("GET /\x1b HTTP/1.1"), 400),
        shot("NUL in the target", start("GET /\0 HTTP/1.1"), 400),
        shot("NUL at the beginning", start("\0GET / HTTP/1.1"), 400),
        shot("HTTP/1.0", start("GET /x HTTP/1.0"), 404),
        shot("HTTP/2.0", start("GET / HTTP/2.0"), 505),
        shot("HTTP/0.9", start("GET / HTTP/0.9"), 505),
        shot("HTTP/9.9", start("GET / HTTP/9.9"), 505),
        shot("http/1.1", start("GET / http/1.1"), 400),
        shot("HTTP/1.10", start("GET / HTTP/1.10"), 400),
        shot("HTTP/1", start("GET / HTTP/1"), 400),
        shot("HTTP/+1.1", start("GET / HTTP/+1.1"), 400),
        shot("get", start("get / HTTP/1.1"), 405),
        shot("an unknown method", start("BREW / HTTP/1.1"), 405),
        shot("a method that is no token", start("G(T / HTTP/1.1"), 400),
        shot("bare LF everywhere", request().replace("\r\n", "\n").into_bytes(), 400),
        shot("bare LF after the request line", with("HTTP/1.1\r\n", "HTTP/1.1\n").into(), 400),
        shot("bare LF at the end", with("13\r\n\r\n", "13\r\n\n").into(), 400),
        shot("bare CR after a field", with("websocket\r\n", "websocket\r").into(), 400),
        shot("bare CR in a value", plus("X: a\rb"), 400),
        shot("CR CR LF", with("websocket\r\n", "websocket\r\r\n").into(), 400),
        shot("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 400),
    ];
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT"] {
        shots.push(shot(method, start(&format!("{method} / HTTP/1.1")), 405));
    }
    let fine = [("HTTP/1.2", start("GET / HTTP/1.2")), ("a whole URI", start("GET ws://h/x?y HTTP/1.1"))];
    for (name, bytes) in fine.into_iter().chain([("empty lines before", [b"\r\n\r\n", REQUEST].concat())]) {
        shots.push(Shot::new(format!("request: {name}"), bytes, Must::Accept));
    }
    shots
}

fn fields() -> Vec<Shot> {
    let bad = |name: &str, bytes: Vec<u8>| Shot::new(format!("field: {name}"), bytes, Must::Status(400));
    let fine = |name: &str, bytes: Vec<u8>| Shot::new(format!("field: {name}"), bytes, Must::Accept);
    let key = |value: &str| with("sN9cRrP/n9NdMgdcy2VJFQ==", value).into_bytes();
    let mut shots = vec![
        bad("NUL in a value", plus("X: a\0b")),
        bad("NUL in a name", plus("X\0: a")),
        bad("a control character", plus("X: a\x07b")),
        bad("DEL", plus("X: a\x7fb")),
        bad("folding with a blank", plus("X: a\r\n b")),
        bad("folding with a tab", plus("X: a\r\n\tb")),
        bad("folding in the first field", with("Host:", " Host:").into()),
        bad("a blank before the colon", plus("X : a")),
        bad("no colon", plus("hello")),
        bad("no name", plus(": a")),
        bad("a name that is no token", plus("X(Y): a")),
        bad("a name that is no ASCII", plus("\u{e9}: a")),
        bad("no Host", with("Host: localhost\r\n", "").into()),
        bad("two Hosts", plus("Host: localhost")),
        bad("a user in Host", with("Host: localhost", "Host: user@localhost").into()),
        bad("a list in Host", with("Host: localhost", "Host: a, b").into()),
        bad("half an address in Host", with("Host: localhost", "Host: [::1").into()),
        bad("a word for a port", with("Host: localhost", "Host: localhost:port").into()),
        bad("a tag in Host", with("Host: localhost", "Host: <script>").into()),
        bad("Host from 0x80 up", with("Host: localhost", "Host: l\u{f6}calhost").into()),
        bad("two Hosts in other cases", plus("HOST: other")),
        bad("no key", with("Sec-WebSocket-Key: sN9cRrP/n9NdMgdcy2VJFQ==\r\n", "").into()),
        bad("two keys", plus("sec-websocket-key: sN9cRrP/n9NdMgdcy2VJFQ==")),
        bad("an empty key", key("")),
        bad("a key of 15 bytes", key("AAAAAAAAAAAAAAAAAAAA")),
        bad("a key of 17 bytes", key("AAAAAAAAAAAAAAAAAAAAAAA=")),
        bad("a key of 16 bytes without padding", key("sN9cRrP/n9NdMgdcy2VJFQ")),
        bad("a key that is no base64", key("sN9cRrP/n9NdMgdcy2VJ!Q==")),
        bad("a long key", key(&"A".repeat(5000))),
        bad("no version", with("Sec-WebSocket-Version: 13\r\n", "").into()),
        bad("two versions", plus("Sec-WebSocket-Version: 13")),
        bad("no Connection", with("Connection: Upgrade\r\n", "").into()),
        bad("another Connection", with("Connection: Upgrade", "Connection: keep-alive").into()),
        bad("Connection: Upgraded", with("Connection: Upgrade", "Connection: Upgraded").into()),
        bad("a body by its length", plus("Content-Length: 4")),
        // It takes content for Socket.IO, of a length that it knows before.
        Shot::new(
            "field: a body in pieces".to_owned(),
            plus("Transfer-Encoding: chunked"),
            Must::Status(411),
        ),
        bad("two lengths", plus("Content-Length: 0\r\nContent-Length: 4")),
        bad("a subprotocol that is no token", plus("Sec-WebSocket-Protocol: a b")),
        fine(
            "lower case",
            request()
                .to_lowercase()
                .replace("get /", "GET /")
                .replace("http/1.1", "HTTP/1.1")
                .replace("sn9crrp/n9ndmgdcy2vjfq==", "sN9cRrP/n9NdMgdcy2VJFQ==")
                .into(),
        ),
        fine("blanks around values", with(": websocket", ":\t  WebSocket \t").into()),
        fine("Connection with other tokens", with(": Upgrade", ": keep-alive, x, , upgrade").into()),
        fine("bytes from 0x80 up in a value", plus_bytes(b"X: \xff\xfe\x80")),
        fine("extensions are declined", plus("Sec-WebSocket-Extensions: permessage-deflate; x=\"y\"")),
        fine("an unknown subprotocol", plus("Sec-WebSocket-Protocol: a, b,c")),
        fine("a body of no bytes", plus("Content-Length: 0")),
    ];
    for version in ["", "0", "7", "8", "012", "14", "+13", "13.0", "13, 8", "130", "x"] {
        let bytes = with("Version: 13", &format!("Version: {version}"));
        shots.push(Shot::new(format!("field: version {version:?}"), bytes, Must::Status(426)));
    }
    shots
}

fn sizes() -> Vec<Attack> {
    let status = |name: &str, bytes: Vec<u8>, status| {
        Shot::new(format!("size: {name}"), bytes, Must::Status(status)).into_attack(false)
    };
    vec![
        status("a head of 1 MiB in one field", plus(&format!("X: {}", "x".repeat(1 << 20))), 431),
        status(
            "a head of 1 MiB in many fields",
            plus(&vec![format!("X: {}", "x".repeat(1000)); 1000].join("\r\n")),
            431,
        ),
        status("10,000 fields", plus(&vec!["a:"; 10_000].join("\r\n")), 431),
        status("1 MiB of empty lines", b"\r\n".repeat(1 << 19), 431),
        status("a target of 1 MiB", with("GET /", &format!("GET /{}", "x".repeat(1 << 20))).into(), 414),
        status("a method of 1 MiB", b"G".repeat(1 << 20), 414),
        status("a name of 1 MiB", plus(&"x".repeat(1 << 20)), 431),
        status("a Host of 20,000 bytes", with("localhost", &"h".repeat(20_000)).into(), 431),
        status("a key of 10,000 bytes", with("sN9c", &"k".repeat(10_000)).into(), 400),
        Shot::new(
            "size: a cookie of 12,000 bytes is passed over",
            plus(&format!("Cookie: {}", "c".repeat(12_000))),
            Must::Accept,
        )
        .into_attack(false),
    ]
}

fn slow() -> Vec<Attack> {
    vec![
        Attack::quick("pipelined: frames come with the head", |server| {
            let frames =
                [frame(0x81, KEY, b"early"), frame(0x89, KEY, b"p"), frame(0x02, KEY, b"un")].concat();
            for cut in 0..=frames.len() {
                let mut client = server.tcp()?;
                client.try_send(&[REQUEST, &frames[..cut]].concat())?;
                server.well_behaved()?;
                client.try_send(&[&frames[cut..], &frame(0x80, KEY, b"til")].concat())?;
                ensure(client.head()?.status == 101, "no 101")?;
                ensure(client.try_message()? == (1, b"early".to_vec()), "another message")?;
                ensure(client.try_message()? == (2, b"until".to_vec()), "another message")?;
            }
            Ok(format!("{} cuts", frames.len() + 1))
        }),
        Attack::quick("a head cut at every byte", |server| {
            for cut in 0..=REQUEST.len() {
                let mut client = server.tcp()?;
                client.try_send(&REQUEST[..cut])?;
                server.well_behaved()?;
                client.try_send(&REQUEST[cut..])?;
                ensure(client.head()?.status == 101, format!("no 101, cut at {cut}"))?;
            }
            Ok(format!("{} cuts", REQUEST.len() + 1))
        }),
        Attack::quick("a head that ends anywhere in its bytes", |server| {
            for cut in 0..REQUEST.len() {
                let mut client = server.tcp()?;
                client.try_send(&REQUEST[..cut])?;
                client.finish();
                ensure(client.rest()?.is_empty(), format!("an answer, cut at {cut}"))?;
            }
            Ok(format!("{} cuts", REQUEST.len()))
        }),
        Attack::long("slow heads, a byte now and then, 200 at once", |server| {
            let mut clients = (0..200).map(|_| server.tcp()).collect::<Result<Vec<_>, _>>()?;
            let started = Instant::now();
            for byte in REQUEST.iter().cycle() {
                if clients.iter_mut().filter_map(|client| client.try_send(&[*byte]).ok()).count() == 0 {
                    break;
                }
                server.well_behaved()?;
                if started.elapsed() > Duration::from_millis(2300) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            for client in &mut clients {
                let status = client.head()?.status;
                ensure(status == 408, format!("{status} instead of 408"))?;
            }
            Ok("408 for each".into())
        }),
        Attack::long("silence instead of a request, 500 at once", |server| {
            let mut clients = (0..500).map(|_| server.tcp()).collect::<Result<Vec<_>, _>>()?;
            for client in &mut clients {
                let status = client.answer()?.status;
                ensure(status == 408, format!("{status} instead of 408"))?;
            }
            Ok("408 for each".into())
        }),
        Attack::long("an endless head", |server| {
            let mut client = server.tcp()?;
            client.try_send(&REQUEST[..REQUEST.len() - 2])?;
            let mut sent = 0u64;
            // The server drops what comes after its answer until its close timeout.
            while client.try_send(&b"X-Endless: and so on\r\n".repeat(1000)).is_ok() {
                sent += 22_000;
            }
            server.well_behaved()?;
            Ok(format!("dropped after {} MB", sent / 1_000_000))
        }),
    ]
}
