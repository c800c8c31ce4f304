//! `Url`: what is a WebSocket address and what is none, and the same as the crate `url`, which browsers' standard is
//! written in.

use microws::Config;
use microws::http::{Url, UrlError};
use proptest::prelude::*;

/// Host, port, `Host` field, target.
fn parts(url: &str) -> (&str, u16, &str, &str) {
    let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    (url.host(), url.port(), url.authority(), url.target())
}

#[test]
fn an_address_has_a_host_a_port_and_a_target() {
    for (url, expected) in [
        ("ws://h", ("h", 80, "h", "/")),
        ("wss://h", ("h", 443, "h", "/")),
        ("WS://H/", ("H", 80, "H", "/")),
        ("wSs://h/", ("h", 443, "h", "/")),
        ("ws://h:80/", ("h", 80, "h", "/")),
        ("ws://h:00080/", ("h", 80, "h", "/")),
        ("ws://h:/", ("h", 80, "h", "/")),
        ("ws://h:443/", ("h", 443, "h:443", "/")),
        ("wss://h:443/", ("h", 443, "h", "/")),
        ("wss://h:80", ("h", 80, "h:80", "/")),
        ("ws://h:65535", ("h", 65535, "h:65535", "/")),
        ("ws://h:1", ("h", 1, "h:1", "/")),
        ("ws://example.org:1740/a/b?c=d&e", ("example.org", 1740, "example.org:1740", "/a/b?c=d&e")),
        ("ws://h/?", ("h", 80, "h", "/?")),
        ("ws://h//", ("h", 80, "h", "//")),
        ("ws://h/a?b?c/d", ("h", 80, "h", "/a?b?c/d")),
        ("ws://h/@:/%41%2f~", ("h", 80, "h", "/@:/%41%2f~")),
        (
            "ws://a_b.xn--bcher-kva.example./",
            ("a_b.xn--bcher-kva.example.", 80, "a_b.xn--bcher-kva.example.", "/"),
        ),
        ("ws://127.0.0.1:8080", ("127.0.0.1", 8080, "127.0.0.1:8080", "/")),
        ("ws://1.2.3.x", ("1.2.3.x", 80, "1.2.3.x", "/")),
        ("ws://[::1]", ("::1", 80, "[::1]", "/")),
        ("ws://[::1]:/", ("::1", 80, "[::1]", "/")),
        ("wss://[2001:db8::a:1]:443/x", ("2001:db8::a:1", 443, "[2001:db8::a:1]", "/x")),
        ("ws://[::ffff:192.0.2.1]:1740", ("::ffff:192.0.2.1", 1740, "[::ffff:192.0.2.1]:1740", "/")),
    ] {
        assert_eq!(parts(url), expected, "{url}");
        assert_eq!(Url::parse(url).unwrap().is_secure(), url[..3].eq_ignore_ascii_case("wss"));
    }
}

#[test]
fn anything_else_is_refused_with_its_reason() {
    for (error, urls) in [
        (
            UrlError::Scheme,
            &[
                "",
                "h",
                "ws",
                "ws:",
                "ws:/",
                "ws:h",
                "ws:/h",
                "http://h/",
                "https://h",
                "//h",
                " ws://h",
                "wsss://h",
            ][..],
        ),
        (UrlError::NoHost, &["ws://", "ws:///", "ws://?", "ws://#", "ws://:80", "ws:///h"]),
        (UrlError::User, &["ws://u@h/", "ws://u:p@h", "ws://@h", "ws://u@", "ws://u:p@[::1]:80/"]),
        (
            UrlError::Host,
            &[
                "ws://a b/",
                "ws://h\\",
                "ws://h%41/",
                "ws://b\u{fc}cher/",
                "ws://h\u{7f}",
                "ws://<h>",
                "ws://h^",
                "ws://a|b",
                "ws://h\t",
                "ws://[",
                "ws://[]",
                "ws://[::1",
                "ws://[::1]x",
                "ws://::1",
                "ws://fe80::1",
                "ws://::",
                "ws://h:80:80",
                "ws://[::1]]",
                "ws://[v1.x]/",
                "ws://[V1.x]",
                "ws://[fe80::1%25lo]",
                "ws://[1.2.3.4]",
                "ws://1",
                "ws://1.2.3",
                "ws://1.2.3.4.5",
                "ws://256.1.1.1",
                "ws://01.2.3.4",
                "ws://0x7f.1",
                "ws://0x",
                "ws://h.0x1f",
                "ws://1.2.3.4.",
                "ws://h.1.",
                "ws://a.09",
                "ws://x[::1]",
                "ws://h]",
                "ws://\"h\"",
                "ws://{h}",
            ],
        ),
        (
            UrlError::Port,
            &[
                "ws://h:x",
                "ws://h:65536",
                "ws://h:99999999999",
                "ws://h:0",
                "ws://h:-1",
                "ws://[::1]:x",
                "ws://h:8 0",
                "ws://h:+80",
            ],
        ),
        (UrlError::NoPath, &["ws://h?x", "ws://h?", "ws://h:80?a=/b"]),
        (UrlError::Fragment, &["ws://h/#", "ws://h/a#b", "ws://h/?a#b"]),
        (
            UrlError::Target,
            &[
                "ws://h/ ",
                "ws://h/a b",
                "ws://h/\u{e9}",
                "ws://h/%",
                "ws://h/%4",
                "ws://h/%4g",
                "ws://h/\\",
                "ws://h/<",
                "ws://h/a\r\nA: b",
                "ws://h/?\"",
                "ws://h/\u{0}",
                "ws://h/`",
                "ws://h/{}",
                "ws://h/^",
                "ws://h/[x]",
                "ws://h/?a|b",
            ],
        ),
    ] {
        for url in urls {
            assert_eq!(Url::parse(url), Err(error), "{url:?}");
        }
    }
    // Without a path, a fragment is where the authority ends.
    assert_eq!(Url::parse("ws://h#x"), Err(UrlError::Fragment));
}

#[test]
fn addresses_in_numbers_are_known_as_such() {
    let ip = |url| Url::parse(url).unwrap().ip().map(|ip| ip.to_string());
    assert_eq!(ip("ws://127.0.0.1:1740/"), Some("127.0.0.1".to_owned()));
    assert_eq!(ip("ws://[::1]:1740/"), Some("::1".to_owned()));
    assert_eq!(ip("ws://[::ffff:1.2.3.4]/"), Some("::ffff:1.2.3.4".to_owned()));
    assert_eq!(ip("ws://[2001:DB8:0:1:2:3:4:5f]/"), Some("2001:db8:0:1:2:3:4:5f".to_owned()));
    assert_eq!(ip("ws://[fe80::]/"), Some("fe80::".to_owned()));
    assert_eq!(ip("ws://[::]/"), Some("::".to_owned()));
    assert_eq!(ip("ws://[1::2:3]/"), Some("1::2:3".to_owned()));
    assert_eq!(ip("ws://[1:2:3:4:5:6:7::]/"), Some("1:2:3:4:5:6:7:0".to_owned()));
    assert_eq!(ip("ws://[1:2:3:4:5:6:7.8.9.255]/"), Some("1:2:3:4:5:6:708:9ff".to_owned()));
    assert_eq!(ip("ws://localhost/"), None);
    assert_eq!(ip("ws://1.2.3.x/"), None);
}

#[test]
fn a_request_can_be_made_for_every_address() {
    use microws_tests::buffer;
    let config = Config::new().url(Url::parse("ws://[::1]:1740/a?b").unwrap());
    let mut session = microws::Session::client(&config, |bytes: &mut [u8]| bytes.fill(7));
    let (mut rx, mut tx) = (buffer(256), buffer(256));
    assert_eq!(session.receive(&mut rx, &mut tx), microws::Step::Read);
    assert!(tx.filled().starts_with(b"GET /a?b HTTP/1.1\r\nHost: [::1]:1740\r\n"));
}

#[test]
fn every_error_says_what_is_wrong() {
    for (error, text) in [
        (UrlError::Scheme, "ws://"),
        (UrlError::NoHost, "no host"),
        (UrlError::User, "Authorization"),
        (UrlError::Host, "host"),
        (UrlError::Port, "65535"),
        (UrlError::NoPath, "slash"),
        (UrlError::Fragment, "#"),
        (UrlError::Target, "percent-encoded"),
    ] {
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// Texts that are addresses, or nearly so.
fn addresses() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        "[a-zA-Z0-9._~!$&'()*+,;=-]{0,12}",
        "[0-9x.a-f]{1,12}",
        "[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.?",
        "\\[[0-9a-f:.]{0,20}\\]",
        "\\[([0-9a-fA-F]{1,4}:){7}[0-9a-f]{1,4}\\]",
        "\\[([0-9a-f]{1,4}:){0,4}:(:[0-9a-f]{1,4}){0,3}\\]",
        "\\[([0-9a-f]{1,4}:){0,5}:([0-9a-f]{1,4}:){0,2}[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\]",
        "[ -~]{0,8}",
        "\\PC{0,6}",
    ];
    let target = prop_oneof!["", "/[a-z0-9/.%?@:'~]{0,16}", "[ -~]{0,12}", "[/?#]\\PC{0,8}"];
    let port = prop_oneof!["", ":", ":[0-9]{1,6}", ":[ -~]{0,4}"];
    let scheme =
        prop_oneof![8 => Just("ws://".to_owned()), 4 => Just("wss://".to_owned()), 1 => "[wWsS:/]{0,6}"];
    (scheme, host, port, target).prop_map(|(scheme, host, port, target)| scheme + &host + &port + &target)
}

/// Segments that browsers take out of a path; others send them as they are.
fn has_dots(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.split('/')
        .any(|segment| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}

/// What both give, in a form that can be compared.
fn compare(text: &str) -> Result<(), TestCaseError> {
    let Ok(ours) = Url::parse(text) else { return Ok(()) };
    // Punycode is not checked.
    if text.to_ascii_lowercase().contains("xn--") {
        return Ok(());
    }
    let theirs = url::Url::parse(text);
    prop_assert!(theirs.is_ok(), "{} is {:?}", text, theirs);
    let theirs = theirs.unwrap();
    prop_assert_eq!(theirs.scheme(), if ours.is_secure() { "wss" } else { "ws" });
    prop_assert_eq!(theirs.port_or_known_default(), Some(ours.port()));
    match theirs.host().unwrap() {
        url::Host::Domain(name) => {
            prop_assert_eq!(name, ours.host().to_ascii_lowercase());
            prop_assert_eq!(ours.ip(), None);
        }
        url::Host::Ipv4(ip) => prop_assert_eq!(ours.ip(), Some(ip.into())),
        url::Host::Ipv6(ip) => prop_assert_eq!(ours.ip(), Some(ip.into())),
    }
    // The `Host` field has a port where theirs keeps one.
    let own_port = ours.authority().rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    prop_assert_eq!(own_port.map(|(_, port)| port.parse().unwrap()), theirs.port());
    if !has_dots(ours.target()) {
        let theirs = &theirs[url::Position::BeforePath..];
        prop_assert_eq!(theirs.replace("%27", "'"), ours.target().replace("%27", "'"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_taken_is_read_as_browsers_read_it(text in addresses()) {
        compare(&text)?;
    }

    /// What is refused although browsers take it is one of the kinds that would have to be brought into another form.
    #[test]
    fn what_needs_no_other_form_is_taken(
        // No label begins as punycode does.
        host in "[a-w]([a-z0-9-]{0,8}[a-z])?(\\.[a-z]{2,5})?",
        port in proptest::option::of(1u16..),
        target in "(/[a-z0-9._~!$&'()*+,;=:@-]{0,8}){1,3}(\\?[a-z0-9/?=&;:@-]{0,12})?",
        secure: bool,
    ) {
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let text = format!("{}://{host}{port}{target}", if secure { "wss" } else { "ws" });
        prop_assert!(url::Url::parse(&text).is_ok());
        prop_assert!(Url::parse(&text).is_ok(), "{}", text);
        compare(&text)?;
    }

    #[test]
    fn any_text_is_taken_or_refused(text in "\\PC{0,40}") {
        compare(&text)?;
    }
}
