//! `microws-cat` over TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::{fs, thread};

use microws_tests::cat::Cat;
use microws_tests::process::Echo;

use super::{Folder, NOW};

fn start(folder: &Folder) -> (Echo, String, String) {
    let saved = folder.path("saved.pem");
    let echo = Echo::start(&["--tls", "--tls-save", &saved]);
    let url = format!("wss://localhost:{}/", echo.address().port());
    (echo, url, saved)
}

#[track_caller]
fn ends(arguments: &[&str], status: i32, note: &str) -> Vec<u8> {
    let ended = Cat::run(arguments, b"hello\n");
    assert_eq!(ended.status, Some(status), "{}", ended.err);
    assert!(ended.err.contains(note), "{note:?} is not in {:?}", ended.err);
    ended.out
}

#[test]
fn a_server_whose_certificate_is_trusted_echoes() {
    let folder = Folder::new();
    let (_echo, url, saved) = start(&folder);
    assert_eq!(ends(&["--ca", &saved, &url], 0, "closed: 1000"), b"hello\n");
    assert_eq!(ends(&["-v", "--ca", &saved, &url], 0, "TLS 1.3, TLS13_"), b"hello\n");
    assert_eq!(ends(&["--insecure", &url], 0, "closed: 1000"), b"hello\n");
    ends(&["--ca", &saved, "--rtt", "50", "--size", "100000", &url], 0, "connected");
}

#[test]
fn a_long_file_comes_back_as_it_was() {
    let folder = Folder::new();
    let (_echo, url, saved) = start(&folder);
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|i| (i.wrapping_mul(i) / 3) as u8).collect();
    let path = folder.path("file");
    fs::write(&path, &bytes).unwrap();
    assert!(ends(&["-q", "-b", "-f", &path, "--ca", &saved, &url], 0, "") == bytes);
}

#[test]
fn a_certificate_that_is_not_trusted_is_no_connection() {
    let folder = Folder::new();
    let (echo, url, saved) = start(&folder);
    let (other, _) = folder.certificate("other", NOW);
    ends(&[&url], 3, "the server's certificate is not trusted");
    ends(&["--ca", &other, &url], 3, "--insecure");
    let by_number = format!("wss://127.0.0.2:{}/", echo.address().port());
    let name = ends_somewhere(&["--ca", &saved, &by_number]);
    assert!(name.contains("127.0.0.2"), "{name}");
    ends(&["--ca", &folder.path("none"), &url], 3, "none");
    ends(&["--ca", &folder.file("empty", ""), &url], 3, "there is no certificate in it");
}

/// Its notes, when it has no connection.
fn ends_somewhere(arguments: &[&str]) -> String {
    let ended = Cat::run(arguments, b"");
    assert_eq!(ended.status, Some(3), "{}", ended.err);
    ended.err
}

#[test]
fn a_server_without_tls_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        for (answer, reads) in [(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], true), (b"", true), (b"", false)] {
            let (mut tcp, _) = listener.accept().unwrap();
            if reads {
                let _ = tcp.read(&mut [0; 1024]);
            }
            let _ = tcp.write_all(answer);
            if !reads {
                // It says nothing until the client has gone.
                let _ = tcp.read_to_end(&mut Vec::new());
            }
        }
    });
    ends(&["--insecure", &url], 3, "does the server speak TLS on this port?");
    ends(&["--insecure", &url], 3, "the server ended the TLS handshake");
    ends(&["--insecure", "-t", "0.3", &url], 3, "the TLS handshake took too long");
    server.join().unwrap();
}
