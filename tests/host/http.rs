//! What the echo server answers to requests: upgrades, pages, and what it refuses.

use std::time::Duration;

use microws_tests::process::{Echo, Signal};
use microws_tests::raw::{Answer, REQUEST, Raw};

/// A correct request with one line more.
fn request_with(line: &str) -> Vec<u8> {
    let (head, end) = REQUEST.split_at(REQUEST.len() - 2);
    [head, line.as_bytes(), b"\r\n", end].concat()
}

/// A correct request with another target.
fn request_for(target: &str) -> Vec<u8> {
    String::from_utf8(REQUEST.to_vec()).unwrap().replacen("GET / ", &format!("GET {target} "), 1).into_bytes()
}

fn ask(echo: &Echo, request: &[u8]) -> Answer {
    let mut client = echo.tcp();
    client.send(request);
    client.answer().unwrap()
}

#[track_caller]
fn refuses(echo: &Echo, request: &[u8], status: u16, reason: &str) {
    let answer = ask(echo, request);
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.body.contains(reason) && answer.body.ends_with('\n'), "{answer:?}");
    assert_eq!(answer.body.lines().count(), 1, "{answer:?}");
    echo.says(&format!("refused: {status}"));
}

#[test]
fn a_get_of_the_root_brings_the_page() {
    let echo = Echo::start(&[]);
    let answer = ask(&echo, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("Content-Type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.contains("WebSocket") && answer.body.trim_end().ends_with("</html>"));
    // A client that ends its direction after the request gets it as well.
    let mut client = echo.tcp();
    client.send(b"GET /?query HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client.finish();
    assert_eq!(client.answer().unwrap().body, answer.body);
}

#[test]
fn another_path_without_upgrade_is_not_found() {
    let echo = Echo::start(&[]);
    refuses(&echo, b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "not found");
}

#[test]
fn any_path_is_upgraded_unless_they_are_listed() {
    let echo = Echo::start(&[]);
    let restricted = Echo::start(&["--path", "/echo", "--path", "/other"]);
    for target in ["/", "/echo", "/other?x=1", "/a/b"] {
        let mut client = echo.tcp();
        client.send(&request_for(target));
        client.accepted();
    }
    for target in ["/echo", "/other?x=1", "http://localhost/echo"] {
        let mut client = restricted.tcp();
        client.send(&request_for(target));
        client.accepted();
        client.echo(b"here");
    }
    for target in ["/", "/echo/", "/Echo", "/a?/echo"] {
        refuses(&restricted, &request_for(target), 404, "no WebSocket endpoint");
    }
}

#[test]
fn origins_are_let_in_if_they_are_listed() {
    let echo = Echo::start(&["--origin", "https://example.org", "--origin", "null"]);
    for origin in ["https://example.org", "HTTPS://Example.org", "null"] {
        let mut client = echo.tcp();
        client.send(&request_with(&format!("Origin: {origin}")));
        client.accepted();
    }
    refuses(&echo, REQUEST, 403, "origin");
    for origin in ["https://example.org.evil", "http://example.org", "https://example.org:444", "", "\\n"] {
        refuses(&echo, &request_with(&format!("Origin: {origin}")), 403, "origin");
    }
}

#[test]
fn an_origin_said_twice_is_none_that_is_let_in() {
    let echo = Echo::start(&["--origin", "https://good"]);
    let two = |a: &str, b: &str| request_with(&format!("Origin: {a}\r\nOrigin: {b}"));
    refuses(&echo, &two("https://good", "https://evil"), 403, "origin");
    refuses(&echo, &two("https://evil", "https://good"), 403, "origin");
    let long = format!("https://evil/{}", "x".repeat(10_000));
    refuses(&echo, &two("https://good", &long), 403, "origin");
    refuses(&echo, &two(&long, "https://good"), 403, "origin");
}

#[test]
fn wrong_requests_are_told_why() {
    let echo = Echo::start(&[]);
    let without = |name: &str| {
        let text = String::from_utf8(REQUEST.to_vec()).unwrap();
        text.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect::<String>().into_bytes()
    };
    let post = b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    refuses(&echo, post, 405, "method");
    assert_eq!(ask(&echo, post).field("Allow"), Some("GET, HEAD"));
    let mut client = echo.tcp();
    client.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let head = client.answer_to_head().unwrap();
    assert_eq!((head.status, head.body.as_str()), (200, ""), "no content for HEAD");
    assert!(head.field("Content-Length").is_some_and(|len| len != "0"));
    refuses(&echo, &without("Host"), 400, "Host");
    refuses(&echo, &without("Connection"), 400, "Connection");
    refuses(&echo, &without("Sec-WebSocket-Key"), 400, "Sec-WebSocket-Key");
    refuses(&echo, &without("Sec-WebSocket-Version"), 400, "Sec-WebSocket-Version");
    refuses(&echo, &request_with("Host: again"), 400, "Host");
    refuses(&echo, b"hello\r\n\r\n", 400, "not HTTP");
    refuses(&echo, b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, "1.1");
    refuses(&echo, b"GET /x HTTP/1.0\r\n\r\n", 404, "not found");
    assert_eq!(ask(&echo, b"GET / HTTP/1.0\r\n\r\n").status, 200, "load balancers ask so");
    let old = String::from_utf8(REQUEST.to_vec()).unwrap().replace("GET / HTTP/1.1", "GET /x HTTP/1.0");
    refuses(&echo, old.as_bytes(), 404, "not found");
    let host =
        String::from_utf8(REQUEST.to_vec()).unwrap().replace("Host: localhost", "Host: user@localhost");
    refuses(&echo, host.as_bytes(), 400, "invalid: Host");
    refuses(&echo, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "not HTTP");
    refuses(&echo, &request_with("Content-Length: 5"), 400, "body");

    let text = String::from_utf8(REQUEST.to_vec()).unwrap();
    let version = text.replace("Version: 13", "Version: 8").into_bytes();
    refuses(&echo, &version, 426, "13");
    let answer = ask(&echo, &version);
    assert_eq!(answer.field("Sec-WebSocket-Version"), Some("13"));
    assert_eq!(answer.field("Upgrade"), Some("websocket"));
}

#[test]
fn long_requests_are_refused_at_the_limits() {
    let echo = Echo::start(&[]);
    // A cookie that is longer than the buffer is passed over.
    let mut client = echo.tcp();
    client.send(&request_with(&format!("Cookie: {}", "c".repeat(15_000))));
    client.accepted();
    refuses(&echo, &request_with(&format!("Cookie: {}", "c".repeat(17_000))), 431, "head is too long");
    refuses(&echo, &request_with(&["X: y"; 200].join("\r\n")), 431, "too many");
    refuses(&echo, &request_for(&format!("/{}", "p".repeat(17_000))), 414, "too long");
    // A line may be as long as the head.
    let mut client = echo.tcp();
    client.send(&request_for(&format!("/{}", "p".repeat(15_000))));
    client.accepted();
    let wide = Echo::start(&["--max-head", "65536"]);
    let mut client = wide.tcp();
    client.send(&request_with(&format!("Sec-WebSocket-Protocol: {}", "x".repeat(50_000))));
    client.accepted();
    let narrow = Echo::start(&["--max-head", "400", "--max-fields", "6"]);
    let mut client = narrow.tcp();
    client.send(&request_with("X: y"));
    client.accepted();
    refuses(&narrow, &request_with("X: y\r\nX: z"), 431, "too many");
    refuses(&narrow, &request_with(&format!("X: {}", "c".repeat(400))), 431, "head is too long");
}

#[test]
fn an_answer_is_read_although_the_request_goes_on() {
    let echo = Echo::start(&[]);
    for _ in 0..20 {
        let mut client = echo.tcp();
        let body = [b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n".as_slice(), &[b'x'; 1_000_000]].concat();
        let _ = client.try_send(&body);
        client.finish();
        assert_eq!(client.answer().unwrap().status, 405);
    }
}

#[test]
fn a_request_that_takes_too_long_gets_408() {
    let echo = Echo::start(&["--handshake-timeout", "0.3", "--close-timeout", "0.3"]);
    let mut silent = echo.tcp();
    let mut halfway = echo.tcp();
    halfway.send(&REQUEST[..50]);
    for client in [&mut silent, &mut halfway] {
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (408, "the request took too long\n"));
    }
    echo.says("refused: 408");
    echo.open().echo(b"others are served");
}

#[test]
fn a_request_that_comes_in_drops_gets_408_all_the_same() {
    let echo = Echo::start(&["--handshake-timeout", "0.3", "--close-timeout", "0.3"]);
    let mut client = echo.tcp();
    client.set_timeout(Duration::from_millis(20));
    let answer = loop {
        if let Ok(answer) = client.head() {
            break answer;
        }
        client.send(b"x");
    };
    assert_eq!(answer.status, 408);
}

#[test]
fn clients_over_the_limit_get_503_and_the_room_is_given_to_the_next() {
    let echo = Echo::start(&["--max-connections", "2"]);
    let (mut first, mut second) = (echo.open(), echo.open());
    let mut third = echo.tcp();
    let answer = third.answer().unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (503, "too many connections\n"));
    echo.says("refused: 503");
    first.echo(b"still here");
    second.echo(b"still here");
    // Rejected clients that stay do not count.
    let lingering: Vec<Raw> = (0..5).map(|_| echo.tcp()).collect();
    echo.nth_line(6, |line| line.contains("refused: 503"));
    drop(first);
    echo.says("disconnected");
    echo.open().echo(b"a place was free");
    drop(lingering);
}

#[test]
fn a_crowd_over_the_limit_does_not_keep_out_the_clients() {
    let echo = Echo::start(&["--max-connections", "1"]);
    let mut first = echo.open();
    let crowd: Vec<Raw> = (0..200).map(|_| echo.tcp()).collect();
    first.echo(b"still here");
    echo.nth_line(64, |line| line.contains("refused: 503"));
    drop(first);
    echo.says("disconnected");
    echo.open().echo(b"a place was free");
    drop(crowd);
}

#[test]
fn plain_requests_share_a_connection_and_an_upgrade_may_follow() {
    let echo = Echo::start(&[]);
    let mut client = echo.tcp();
    let ask = |client: &mut Raw, method: &str, path: &str| {
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
    };
    for _ in 0..3 {
        ask(&mut client, "GET", "/healthz");
        ask(&mut client, "HEAD", "/");
        ask(&mut client, "GET", "/");
        ask(&mut client, "GET", "/nothing");
        assert_eq!(client.answer().unwrap().body, "ok\n");
        let head = client.answer_to_head().unwrap();
        let page = client.answer().unwrap();
        assert_eq!((head.status, head.field("Content-Length")), (200, page.field("Content-Length")));
        assert_eq!(client.answer().unwrap().status, 404);
    }
    client.send(REQUEST);
    client.accepted();
    client.echo(b"on the same connection");
    echo.says("connected");
    let told: Vec<String> = echo.lines().into_iter().filter(|line| line.contains("asked for")).collect();
    assert_eq!(told.len(), 6, "{told:?}");
}

#[test]
fn a_connection_ends_after_the_answer_if_the_client_says_so_or_is_old() {
    let echo = Echo::start(&[]);
    for request in [
        "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        // Whether its head ends where the server thinks is not sure.
        "POST /healthz HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        assert_eq!(ask(&echo, request.as_bytes()).field("Connection"), Some("close"), "{request}");
    }
}

#[test]
fn an_idle_connection_ends_without_a_word_and_is_no_timeout() {
    let mut echo = Echo::start(&["--handshake-timeout", "0.2", "--close-timeout", "30"]);
    let request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
    let mut client = echo.tcp();
    for _ in 0..2 {
        client.send(request);
        client.answer().unwrap();
    }
    assert_eq!(client.rest().unwrap(), b"");
    // Half a next request is answered.
    let mut client = echo.tcp();
    client.send(request);
    client.answer().unwrap();
    client.send(b"GET /healthz HTTP/1.1\r\nHo");
    assert_eq!(client.answer().unwrap().status, 408);
    echo.says("refused: 408");
    let timeouts = |echo: &Echo| ask(echo, b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").body;
    assert!(timeouts(&echo).contains("\nmicrows_timeouts_total{deadline=\"other\"} 1\n"));
    // The server does not wait for clients that may ask again.
    let mut client = echo.tcp();
    client.send(request);
    client.answer().unwrap();
    echo.signal(Signal::TERM);
    assert_eq!(client.rest().unwrap(), b"");
    assert!(echo.end().success());
    assert!(!echo.lines().iter().any(|line| line.contains("disconnected")), "{:?}", echo.lines());
}

#[test]
fn health_and_metrics_are_answered_and_are_no_news() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    client.echo(b"hello");
    for version in ["1.0", "1.1"] {
        let answer = ask(&echo, format!("GET /healthz HTTP/{version}\r\nHost: h\r\n\r\n").as_bytes());
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
    }
    let mut head = echo.tcp();
    head.send(b"HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    let head = head.answer_to_head().unwrap();
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    refuses(&echo, b"GET /metric HTTP/1.1\r\nHost: h\r\n\r\n", 404, "not found");
    let answer = ask(&echo, b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(answer.field("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let value = |name: &str| {
        let line = answer.body.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(value("microws_accepted_total "), 6);
    assert!((2..=6).contains(&value("microws_connections ")));
    assert_eq!(
        (value("microws_message_size_bytes_count "), value("microws_message_size_bytes_sum ")),
        (1, 5)
    );
    let sizes = ["4", "16", "1073741824", "+Inf"]
        .map(|bound| value(&format!("microws_message_size_bytes_bucket{{le=\"{bound}\"}} ")));
    assert_eq!(sizes, [0, 1, 1, 1]);
    // Some turns have been: each of the requests took one.
    assert!(value("microws_turn_seconds_bucket{le=\"+Inf\"} ") >= 6);
    assert_eq!(value("microws_refused_total{reason=\"path\"} "), 1);
    assert_eq!(value("microws_refused_total{reason=\"origin\"} "), 0);
    assert!(!echo.lines().iter().any(|line| line.contains("/healthz") || line.contains("/metrics")));
}
