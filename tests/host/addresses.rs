//! The client's address in the log: which proxies are trusted about it, by which header, and by the PROXY protocol.

use std::net::{Ipv4Addr, SocketAddr};

use microws_tests::process::{Echo, Signal};
use microws_tests::raw::{REQUEST, Raw, close_payload};
use socket2::{Domain, Socket, Type};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// PROXY, TCP over IPv4, 192.0.2.1:56324 to 198.51.100.2:443.
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb";

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";

/// A connection from an address of this machine's loopback network.
fn connect_from(echo: &Echo, ip: Ipv4Addr) -> Raw {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
    socket.connect(&echo.address().into()).unwrap();
    Raw::over(socket.into()).unwrap()
}

/// The request with more lines.
fn request(lines: &str) -> Vec<u8> {
    let (head, end) = REQUEST.split_at(REQUEST.len() - 2);
    [head, lines.as_bytes(), end].concat()
}

/// Opens a connection that begins with a header of the PROXY protocol.
fn open_after(echo: &Echo, header: &[u8]) -> Raw {
    let mut client = echo.tcp();
    client.send(header);
    client.upgrade();
    client
}

fn own_name(client: &Raw) -> String {
    client.stream.local_addr().unwrap().to_string()
}

/// Opens a connection with these header lines: the name that the log gives it.
#[track_caller]
fn name_with(echo: &Echo, lines: &str) -> String {
    let mut client = echo.tcp();
    client.send(&request(&format!("{lines}Origin: {}\r\n", own_name(&client))));
    client.accepted();
    let line = echo.says(&format!("origin {}", own_name(&client)));
    let name = line.split(' ').next().unwrap();
    if name == own_name(&client) { "its own".to_owned() } else { name.to_owned() }
}

#[test]
fn without_a_trusted_proxy_no_header_is_believed() {
    let echo = Echo::start(&[]);
    for line in ["X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n"] {
        assert_eq!(name_with(&echo, line), "its own");
    }
    let mut client = echo.tcp();
    client.send(V1);
    assert_eq!(client.answer().unwrap().status, 400);
    echo.says(&format!("{} refused: 400", own_name(&client)));
}

#[test]
fn a_trusted_proxy_is_believed_by_the_header_that_is_named_and_by_no_other() {
    let trust = ["--trust-proxy", "127.0.0.1"];
    let by_default = Echo::start(&trust);
    let forwarded = Echo::start(&[&trust[..], &["--client-address", "forwarded"]].concat());
    let x = "X-Forwarded-For: 192.0.2.1\r\n";
    let rfc = "Forwarded: for=\"[2001:db8::1]:4711\"\r\n";
    for lines in [x.to_owned(), [x, rfc].concat(), [rfc, x].concat()] {
        assert_eq!(name_with(&by_default, &lines), "192.0.2.1");
    }
    assert_eq!(name_with(&by_default, rfc), "its own");
    for lines in [rfc.to_owned(), [x, rfc].concat(), [rfc, x].concat()] {
        assert_eq!(name_with(&forwarded, &lines), "[2001:db8::1]:4711");
    }
    assert_eq!(name_with(&forwarded, x), "its own");
}

#[test]
fn the_rightmost_address_that_is_not_trusted_is_the_client() {
    let echo = Echo::start(&["--trust-proxy", "127.0.0.1", "--trust-proxy", "10.0.0.0/8"]);
    for (lines, name) in [
        ("X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.1.2.3\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 192.0.2.1:99\r\n", "192.0.2.1:99"),
        ("X-Forwarded-For: 192.0.2.1\r\nAccept: */*\r\nX-Forwarded-For: 10.0.0.1\r\n", "192.0.2.1"),
        ("X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1"),
        ("X-Forwarded-For: 10.0.0.2, 10.0.0.1\r\n", "10.0.0.2"),
        // What is no address hides what stands to the left of it.
        ("X-Forwarded-For: 192.0.2.1, unknown\r\n", "its own"),
        ("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: ?\r\n", "its own"),
        ("X-Forwarded-For: 192.0.2.1, \u{202e}, 10.0.0.1\r\n", "10.0.0.1"),
        ("X-Forwarded-For:\r\n", "its own"),
    ] {
        assert_eq!(name_with(&echo, lines), name, "{lines:?}");
    }
}

#[test]
fn an_address_that_is_not_trusted_is_not_believed() {
    let by_header = Echo::start(&["--trust-proxy", "127.0.0.2 127.0.1.0/24"]);
    for (ip, is_trusted) in [([127, 0, 0, 1], false), ([127, 0, 0, 2], true), ([127, 0, 1, 77], true)] {
        let mut client = connect_from(&by_header, ip.into());
        client.send(&request("X-Forwarded-For: 192.0.2.1\r\nOrigin: here\r\n"));
        client.accepted();
        let name = if is_trusted { "192.0.2.1".to_owned() } else { own_name(&client) };
        by_header.says(&format!("{name} connected"));
    }
}

#[test]
fn every_line_after_the_header_has_the_clients_address() {
    let echo = Echo::start(&["-vv", "--trust-proxy", "127.0.0.1"]);
    let mut client = echo.tcp();
    client.send(&request("X-Forwarded-For: 192.0.2.1\r\n"));
    client.accepted();
    client.echo(b"hello");
    client.send_frame(0x89, b"?");
    client.frame();
    client.send_frame(0x88, &close_payload(1000, ""));
    client.closed();
    echo.says(&format!("192.0.2.1 comes through {}", own_name(&client)));
    for what in ["connected: path /", "received: binary, 5 bytes", "ping, 1 bytes", "disconnected: 1000"] {
        echo.says(&format!("192.0.2.1 {what}"));
    }
    let mut page = echo.tcp();
    page.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n");
    assert_eq!(page.answer().unwrap().status, 200);
    echo.says("192.0.2.2 asked for the page");
    let mut refused = echo.tcp();
    refused.send(b"GET /no HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.3\r\n\r\n");
    assert_eq!(refused.answer().unwrap().status, 404);
    echo.says("192.0.2.3 refused: 404");
    let mut bad = echo.tcp();
    bad.send(b"GET /no HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.4\r\nno field\r\n\r\n");
    assert_eq!(bad.answer().unwrap().status, 400);
    echo.says("192.0.2.4 refused: 400");
}

#[test]
fn requests_of_several_clients_come_through_one_connection_of_a_proxy() {
    let echo = Echo::start(&["--trust-proxy", "127.0.0.1"]);
    let mut proxy = echo.tcp();
    for line in ["X-Forwarded-For: 192.0.2.1\r\n", "X-Forwarded-For: 192.0.2.2\r\n", ""] {
        proxy.send(format!("GET /no HTTP/1.1\r\nHost: a\r\n{line}\r\n").as_bytes());
        assert_eq!(proxy.answer().unwrap().status, 404);
    }
    echo.says("192.0.2.1 refused: 404");
    echo.says("192.0.2.2 refused: 404");
    echo.says(&format!("{} refused: 404", own_name(&proxy)));
    proxy.send(&request("X-Forwarded-For: 192.0.2.3\r\n"));
    proxy.accepted();
    echo.says("192.0.2.3 connected: path /");
}

fn proxy_protocol(more: &[&str]) -> Echo {
    let trust = ["--trust-proxy", "127.0.0.0/31", "--client-address", "proxy-protocol"];
    Echo::start(&[&trust[..], more].concat())
}

#[test]
fn a_proxy_protocol_header_may_be_cut_at_every_byte() {
    let echo = proxy_protocol(&[]);
    let v6 = b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n";
    for (header, name) in [(V1, "192.0.2.1:56324"), (V2, "192.0.2.1:56324"), (v6, "[2001:db8::1]:56324")] {
        for cut in 1..=header.len() {
            let mut client = echo.tcp();
            let origin = format!("Origin: {cut}-{name}\r\n");
            client.send(&header[..cut]);
            // A later client is served: the server has read the first part alone.
            open_after(&echo, b"PROXY UNKNOWN\r\n");
            client.send(&[&header[cut..], &request(&origin)].concat());
            client.accepted();
            client.echo(b"hello");
            let line = echo.says(&format!("origin {cut}-{name},"));
            assert!(line.starts_with(&format!("{name} connected")), "{line}");
        }
    }
    let mut client = echo.tcp();
    for byte in [V2, &request("Origin: bytewise\r\n")].concat() {
        client.send(&[byte]);
    }
    client.accepted();
    assert!(echo.says("origin bytewise").starts_with("192.0.2.1:56324 connected"));
}

#[test]
fn a_proxy_that_speaks_for_itself_keeps_its_address() {
    let echo = proxy_protocol(&[]);
    let local = [SIGNATURE, b"\x20\0\0\0"].concat();
    let unspecified = [SIGNATURE, b"\x21\0\0\x04\x04\0\x01*"].concat();
    for header in
        [&local[..], &unspecified, b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n"]
    {
        let mut client = echo.tcp();
        client.send(&[header, REQUEST].concat());
        client.accepted();
        echo.says(&format!("{} connected", own_name(&client)));
        // A health check.
        let mut probe = echo.tcp();
        probe.send(&[header, b"GET /healthz HTTP/1.0\r\n\r\n"].concat());
        assert_eq!(probe.answer().unwrap().body, "ok\n");
    }
}

#[test]
fn headers_are_not_believed_beside_the_proxy_protocol() {
    let echo = proxy_protocol(&[]);
    let mut client = echo.tcp();
    client.send(&[V2, &request("X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n")].concat());
    client.accepted();
    echo.says("192.0.2.1:56324 connected");
}

#[test]
fn a_wrong_header_of_a_trusted_proxy_ends_the_connection_with_one_line() {
    let echo = proxy_protocol(&["-v"]);
    let unfinished = [SIGNATURE, b"\x21\x11\0\x0c\xc0"].concat();
    for (bytes, reason) in [
        (REQUEST, "it begins otherwise"),
        (b"PROXY TCP4 192.0.2.1\r\n", "the line can't be read"),
        (&[SIGNATURE, b"\x31\x11\0\x0c"].concat(), "it has another version"),
        (&[b"PROXY TCP4 ", &[b'1'; 100][..]].concat(), "the line is too long"),
        (&unfinished, "it is cut off"),
        (b"PROXY", "it is cut off"),
    ] {
        let mut client = echo.tcp();
        let name = own_name(&client);
        client.send(bytes);
        if reason.contains("cut") {
            client.finish();
        }
        // The connection may end in a reset, because some of the bytes were not read.
        assert!(client.rest().map_or(true, |rest| rest.is_empty()));
        echo.says(&format!(
            "{name} disconnected before it was open: no valid PROXY protocol header: {reason}"
        ));
        open_after(&echo, V2);
        let lines = echo.lines();
        assert_eq!(lines.iter().filter(|line| line.starts_with(&name)).count(), 1, "{lines:#?}");
    }
    echo.signal(Signal::USR1);
    assert!(echo.says("status: ").contains("6 bad requests"));
}

#[test]
fn a_proxy_that_only_looks_whether_the_server_is_there_is_no_news() {
    let echo = proxy_protocol(&[]);
    for bytes in [&b""[..], V2, b"PROXY UNKNOWN\r\n"] {
        let mut client = echo.tcp();
        client.send(bytes);
        client.finish();
        assert_eq!(client.rest().unwrap(), b"");
        let mut client = echo.tcp();
        client.send(bytes);
        client.reset();
    }
    open_after(&echo, V2);
    assert!(!echo.lines().iter().any(|line| line.contains("before it")), "{:#?}", echo.lines());
}

#[test]
fn an_address_that_is_not_trusted_needs_no_proxy_protocol_and_may_not_use_it() {
    let echo = proxy_protocol(&[]);
    let stranger = Ipv4Addr::new(127, 0, 0, 2);
    let mut client = connect_from(&echo, stranger);
    client.send(REQUEST);
    client.accepted();
    echo.says(&format!("{} connected", own_name(&client)));
    for header in [V1, V2] {
        let mut client = connect_from(&echo, stranger);
        client.send(&[header, REQUEST].concat());
        assert_eq!(client.head().unwrap().status, 400);
        echo.says(&format!("{} refused: 400", own_name(&client)));
    }
}

#[test]
fn the_handshakes_deadline_includes_the_proxy_protocol_header() {
    let echo = proxy_protocol(&["--handshake-timeout", "0.3"]);
    for bytes in [&b""[..], b"PROXY TCP4", &V2[..20]] {
        let mut client = echo.tcp();
        client.send(bytes);
        assert_eq!(client.answer().unwrap().status, 408);
        echo.says(&format!("{} refused: 408", own_name(&client)));
    }
    // After it the client is known.
    let mut client = echo.tcp();
    client.send(V2);
    assert_eq!(client.answer().unwrap().status, 408);
    echo.says("192.0.2.1:56324 refused: 408");
}

#[test]
fn a_client_over_the_limit_is_refused_with_the_proxy_protocol_as_without() {
    let echo = proxy_protocol(&["--max-connections", "1"]);
    let _first = open_after(&echo, V2);
    let mut second = echo.tcp();
    second.send(&[V2, REQUEST].concat());
    assert_eq!(second.answer().unwrap().status, 503);
}

#[test]
fn what_is_no_network_is_refused() {
    for (arguments, word) in [
        (&["--trust-proxy", "localhost"] as &[_], "neither an address nor a network"),
        (&["--trust-proxy", "10.0.0.0/33"], "neither an address nor a network"),
        (&["--client-address", "forwarded"], "--trust-proxy"),
        (&["--trust-proxy", "::1", "--client-address", "via"], "x-forwarded-for"),
    ] {
        let output = Echo::refused(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(word), "{said}");
    }
}
