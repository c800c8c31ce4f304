//! How a session begins, the client script, and scripts of other origins.

use std::io::Write;

use microws_tests::process::Echo;

use crate::support::{Poll, ask, request, sid, socket, target, text, upgrade};

#[test]
fn a_get_begins_a_session_with_an_open_packet_of_five_members() {
    let echo = Echo::start(&["--socketio-max-payload", "5000"]);
    let answer = ask(&echo, "GET", &target("polling&t=abc&b64=1"), "", "");
    assert_eq!(answer.status, 200);
    let sid = sid(&answer.body);
    assert_eq!(
        answer.body,
        format!(
            r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":5000}}"#
        )
    );
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    assert_eq!(answer.field("Access-Control-Allow-Origin"), None, "there was no origin");
    echo.says("began Socket.IO session");
}

#[test]
fn a_websocket_begins_a_session_that_has_no_upgrades() {
    let echo = Echo::start(&["--socketio-ping-interval", "0.7", "--socketio-ping-timeout", "0.4"]);
    let mut client = echo.tcp();
    client.send(&upgrade(&target("websocket")));
    client.accepted();
    let open = text(&mut client);
    let sid = sid(&open);
    assert_eq!(
        open,
        format!(
            r#"0{{"sid":"{sid}","upgrades":[],"pingInterval":700,"pingTimeout":400,"maxPayload":1000000}}"#
        )
    );
}

#[test]
fn no_two_sessions_have_the_same_id() {
    let echo = Echo::start(&[]);
    let mut sids: Vec<String> = (0..50).map(|_| Poll::open(&echo).sid).collect();
    sids.sort_unstable();
    sids.dedup();
    assert_eq!(sids.len(), 50);
}

#[test]
fn requests_at_fault_get_the_codes_of_nodes_server() {
    let echo = Echo::start(&[]);
    let refuses = |method, target: &str, code, message| {
        let answer = ask(&echo, method, target, "Origin: https://else.example\r\n", "");
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        assert_eq!((answer.status, answer.body), (400, body), "{method} {target}");
        assert_eq!(
            (
                answer.head.contains("application/json"),
                answer.head.contains("Access-Control-Allow-Origin: *")
            ),
            (true, true),
            "{}",
            answer.head
        );
    };
    refuses("GET", "/socket.io/", 0, "Transport unknown");
    refuses("GET", &target("tobi"), 0, "Transport unknown");
    refuses("GET", &target(""), 0, "Transport unknown");
    refuses("GET", &target("polling&sid=aaaaaaaaaaaaaaaaaaaa"), 1, "Session ID unknown");
    refuses("GET", &target("polling&sid=x"), 1, "Session ID unknown");
    refuses("POST", &target("polling&sid=%00"), 1, "Session ID unknown");
    refuses("POST", &target("polling"), 2, "Bad handshake method");
    refuses("PUT", &target("polling"), 2, "Bad handshake method");
    refuses("GET", &target("websocket"), 3, "Bad request");
    refuses("GET", "/socket.io/?transport=polling", 5, "Unsupported protocol version");
    refuses("GET", "/socket.io/?EIO=3&transport=polling", 5, "Unsupported protocol version");
    let refuses = |target: &str, code, message| {
        let mut client = echo.tcp();
        client.send(&upgrade(target));
        let answer = client.answer().unwrap();
        let body = format!(r#"{{"code":{code},"message":"{message}"}}"#);
        assert_eq!((answer.status, answer.body), (400, body), "{target}");
    };
    refuses("/socket.io/?EIO=3&transport=websocket", 5, "Unsupported protocol version");
    refuses(&target("websocket&sid=aaaaaaaaaaaaaaaaaaaa"), 1, "Session ID unknown");
    refuses(&target("polling"), 3, "Bad request");
    refuses(&target("webtransport"), 0, "Transport unknown");
    echo.says("Socket.IO: session id unknown");
}

#[test]
fn other_methods_with_a_session_are_not_allowed() {
    let echo = Echo::start(&[]);
    let poll = Poll::joined(&echo);
    for method in ["PUT", "DELETE", "PATCH"] {
        let answer = ask(&echo, method, &poll.target(), "", "");
        assert_eq!((answer.status, answer.field("Allow")), (405, Some("GET, POST, OPTIONS")));
    }
    assert!(poll.is_known());
}

#[test]
fn plain_websockets_and_pages_stay_what_they_are_beside_it() {
    let echo = Echo::start(&[]);
    echo.open().echo(b"plain");
    assert_eq!(ask(&echo, "GET", "/", "", "").status, 200);
    assert_eq!(ask(&echo, "GET", "/socket.io/other", "", "").status, 404);
    let _client = socket(&echo);
    let metrics = ask(&echo, "GET", "/metrics", "", "").body;
    assert!(metrics.contains("microws_socketio_sessions 1\n"), "{metrics}");
    assert!(metrics.contains("microws_socketio_sessions_total{transport=\"websocket\"} 1\n"));
}

#[test]
fn it_can_be_off_or_without_polling() {
    let off = Echo::start(&["--socketio", "off"]);
    assert_eq!(ask(&off, "GET", &target("polling"), "", "").status, 404);
    let mut client = off.tcp();
    client.send(&upgrade(&target("websocket")));
    client.accepted();
    client.echo(b"a path as others");
    let websocket =
        Echo::start_in(&[("MICROWS_SOCKETIO", "websocket-only"), ("MICROWS_LISTEN", "127.0.0.1:0")], 1);
    let answer = ask(&websocket, "GET", &target("polling"), "", "");
    assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"code":0,"message":"Transport unknown"}"#));
    socket(&websocket);
}

#[test]
fn values_that_cannot_be_used_are_refused_at_the_start() {
    for (arguments, word) in [
        (&["--socketio-news", "{hello"][..], "news"),
        (&["--socketio-namespace", "chat"], "namespace"),
        (&["--socketio-ping-interval", "0"], "heartbeat"),
        (&["--socketio-max-payload", "0"], "payload"),
        (&["--socketio-client", "/nonexistent/socket.io.js"], "/nonexistent/socket.io.js"),
    ] {
        let output = Echo::refused(arguments);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(word), "{arguments:?}: {text}");
    }
}

#[test]
fn the_client_script_is_served_if_there_is_one() {
    let without = Echo::start(&[]);
    let answer = ask(&without, "GET", "/socket.io/socket.io.js", "", "");
    assert!(answer.status == 404 && answer.body.contains("--socketio-client FILE"), "{answer:?}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let script = "console.log('io');\n".repeat(10_000);
    file.write_all(script.as_bytes()).unwrap();
    let echo = Echo::start(&["--socketio-client", file.path().to_str().unwrap()]);
    // Kept connections get it again.
    let mut client = echo.tcp();
    for _ in 0..3 {
        request(&mut client, "GET", "/socket.io/socket.io.js", "Origin: https://else.example\r\n", "");
        let answer = client.answer().unwrap();
        assert_eq!((answer.status, answer.body == script), (200, true));
        assert_eq!(answer.field("Content-Type"), Some("application/javascript; charset=utf-8"));
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"));
    }
    request(&mut client, "HEAD", "/socket.io/socket.io.js", "", "");
    let head = client.answer_to_head().unwrap();
    assert_eq!(head.field("Content-Length"), Some(script.len().to_string().as_str()));
    assert_eq!(ask(&echo, "POST", "/socket.io/socket.io.js", "", "").status, 405);
}

#[test]
fn scripts_of_other_origins_may_read_every_answer_over_polling() {
    let echo = Echo::start(&[]);
    let origin = "Origin: https://else.example\r\n";
    let poll = Poll::joined(&echo);
    for (method, target, content) in [
        ("GET", target("polling"), ""),
        ("POST", poll.target(), "42[\"x\"]"),
        ("GET", poll.target(), ""),
        ("GET", target("polling&sid=unknown"), ""),
    ] {
        let answer = ask(&echo, method, &target, origin, content);
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"), "{answer:?}");
        assert_eq!(answer.field("Access-Control-Allow-Credentials"), None);
    }
    let mut client = echo.tcp();
    let asks = format!(
        "{origin}Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a, x-b\r\n"
    );
    request(&mut client, "OPTIONS", &poll.target(), &asks, "");
    let head = client.head().unwrap();
    assert_eq!(head.status, 204);
    assert_eq!(head.field("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(head.field("Access-Control-Allow-Methods"), Some("GET, POST, OPTIONS"));
    assert_eq!(head.field("Access-Control-Allow-Headers"), Some("x-a, x-b"));
    assert_eq!(head.field("Content-Length"), None);
    request(&mut client, "POST", &poll.target(), origin, "42[\"x\"]");
    assert_eq!(client.answer().unwrap().body, "ok", "the connection is kept");
}

#[test]
fn with_a_list_of_origins_each_is_named_and_others_are_refused() {
    let echo = Echo::start(&["--origin", "https://good.example"]);
    let good = ask(&echo, "GET", &target("polling"), "Origin: https://good.example\r\n", "");
    assert_eq!(good.status, 200);
    assert_eq!(good.field("Access-Control-Allow-Origin"), Some("https://good.example"));
    assert_eq!(good.field("Access-Control-Allow-Credentials"), Some("true"));
    assert_eq!(good.field("Vary"), Some("Origin"));
    for lines in ["Origin: https://evil.example\r\n", ""] {
        let answer = ask(&echo, "GET", &target("polling"), lines, "");
        assert_eq!((answer.status, answer.field("Access-Control-Allow-Origin")), (403, None));
    }
    let mut client = echo.tcp();
    client.send(&upgrade(&target("websocket")));
    assert_eq!(client.answer().unwrap().status, 403);
}
