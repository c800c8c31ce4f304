//! Connections that go well: versions, resumption, one port for both, proxies.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use microws_tests::frames::{frame, header, masked};
use microws_tests::process::Echo;
use microws_tests::raw::{KEY, Raw};
use rustls::version::{TLS12, TLS13};
use rustls::{ALL_VERSIONS, HandshakeKind};

use super::Folder;
use super::client::{Client, config};

#[test]
fn one_port_serves_plain_requests_and_both_versions_of_tls() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    echo.says(&format!("listening on wss://{}/", echo.address()));
    echo.open().echo(b"plain");
    for (version, name) in [(&TLS12, "TLS 1.2"), (&TLS13, "TLS 1.3")] {
        let mut client = Client::open(&echo, &Arc::new(config(&saved, &[version])));
        for len in [0, 1, 125, 126, 16_383, 16_384, 16_385, 65_535, 65_536] {
            client.echo(&vec![len as u8; len]);
        }
        echo.says(&format!("connected over {name}: path /"));
    }
    echo.open().echo(b"plain again");
}

#[test]
fn a_client_that_comes_back_resumes_its_session() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    for version in [&TLS12, &TLS13] {
        let config = Arc::new(config(&saved, &[version]));
        let mut first = Client::open(&echo, &config);
        first.echo(b"a ticket has come by now");
        assert_eq!(first.tls.handshake_kind(), Some(HandshakeKind::Full));
        let mut second = Client::open(&echo, &config);
        second.echo(b"again");
        assert_eq!(second.tls.handshake_kind(), Some(HandshakeKind::Resumed), "{version:?}");
    }
}

#[test]
fn http_1_1_is_agreed_to_and_a_client_that_offers_only_others_gets_the_alert() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    let mut both = config(&saved, ALL_VERSIONS);
    both.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = Client::open(&echo, &Arc::new(both));
    assert_eq!(client.tls.alpn_protocol(), Some(&b"http/1.1"[..]));
    client.echo(b"1.1");
    let mut h2 = config(&saved, ALL_VERSIONS);
    h2.alpn_protocols = vec![b"h2".to_vec()];
    let error = Client::new(&echo, &Arc::new(h2), "localhost").shake_hands().unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
    echo.says("disconnected before it was open: TLS: peer doesn't support any known protocol");
}

#[test]
fn tls_that_comes_byte_by_byte_is_the_same() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    for version in [&TLS12, &TLS13] {
        let mut client = Client::new(&echo, &Arc::new(config(&saved, &[version])), "localhost");
        client.cut = 1;
        client.upgrade();
        for len in [0, 5, 300, 20_000] {
            client.echo(&vec![7; len]);
        }
    }
}

#[test]
fn frames_and_records_need_not_begin_together() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    let mut client = Client::open(&echo, &Arc::new(config(&saved, ALL_VERSIONS)));
    // A record for each byte, the longest form there is, and records that hold many frames.
    let message = frame(0x82, KEY, b"a record for each byte");
    for byte in &message {
        client.send(&[*byte]).unwrap();
    }
    let back = frame(0x82, None, b"a record for each byte");
    assert_eq!(client.bytes(back.len()).unwrap(), back);
    let many = frame(0x82, KEY, b"x").repeat(10_000);
    client.send(&many).unwrap();
    let back = frame(0x82, None, b"x").repeat(10_000);
    assert!(client.bytes(back.len()).unwrap() == back);
}

#[test]
fn a_message_that_is_not_read_for_a_while_comes_whole() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved, "--backlog", "1000000"]);
    let mut client = Client::open(&echo, &Arc::new(config(&saved, ALL_VERSIONS)));
    let payload: Vec<u8> = (0..32 << 20).map(|i| (i * 7 / 5) as u8).collect();
    let mut writing = client.tcp.try_clone().unwrap();
    client.tls.set_buffer_limit(None);
    client.tls.writer().write_all(&header(0x82, KEY, payload.len() as u64)).unwrap();
    client.tls.writer().write_all(&masked(KEY, &payload)).unwrap();
    let mut records = Vec::new();
    while client.tls.wants_write() {
        client.tls.write_tls(&mut records).unwrap();
    }
    let writer = std::thread::spawn(move || writing.write_all(&records).unwrap());
    // It comes back in fragments of any length: their payload counts.
    let (mut got, mut frames, mut rest) = (Vec::new(), 0, Vec::new());
    while got.len() < payload.len() {
        rest.extend(client.some().unwrap());
        while let Some((len, start)) = length(&rest)
            && rest.len() >= start + len
        {
            got.extend_from_slice(&rest[start..start + len]);
            rest.drain(..start + len);
            frames += 1;
        }
    }
    writer.join().unwrap();
    assert!(got == payload, "other bytes came");
    assert!(frames > 1);
}

/// Length and place of the payload of the first frame, if its header is there.
fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? {
        126 => Some((u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(), 4)),
        127 => Some((u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize, 10)),
        len => Some((usize::from(*len), 2)),
    }
}

#[test]
fn a_proxy_names_its_client_before_tls_begins() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&[
        "--tls",
        "--tls-save",
        &saved,
        "--trust-proxy",
        "127.0.0.1",
        "--client-address",
        "proxy-protocol",
    ]);
    let line = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n";
    let config = Arc::new(config(&saved, ALL_VERSIONS));
    for cut in [1, 7, usize::MAX] {
        let mut client = Client::new(&echo, &config, "localhost");
        for part in line.chunks(cut.min(line.len())) {
            client.tcp.write_all(part).unwrap();
        }
        client.cut = cut;
        client.upgrade();
        client.echo(b"through a proxy");
        client.send(&frame(0x88, KEY, &[0x03, 0xe8])).unwrap();
        client.rest().unwrap();
    }
    let mut plain = Raw::over(TcpStream::connect(echo.address()).unwrap()).unwrap();
    plain.send(line);
    plain.upgrade();
    plain.echo(b"plain through a proxy");
    echo.nth_line(3, |line| line.starts_with("192.0.2.1:56324 connected over TLS 1.3"));
    echo.says("192.0.2.1:56324 connected: path /");
}
