//! Where the certificate comes from, and what is wrong with it.

use std::fs;
use std::sync::Arc;

use microws_tests::process::{Echo, Signal};
use ring::digest::{SHA256, digest};
use rustls::ALL_VERSIONS;

use super::client::{Client, config};
use super::{Folder, NOW, der};

/// Runs it with arguments that it must refuse: its one line.
#[track_caller]
fn fails(arguments: &[&str], parts: &[&str]) {
    let output = Echo::refused(&[&["--listen", "127.0.0.1:0"], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

#[test]
fn the_certificate_made_at_the_start_is_saved_logged_and_for_all_its_names() {
    let folder = Folder::new();
    let saved = folder.path("saved.pem");
    let echo =
        Echo::start(&["--tls", "--tls-save", &saved, "--tls-name", "device.test", "--tls-name", "192.0.2.7"]);
    let line = echo.says("certificate: SHA-256");
    let config = Arc::new(config(&saved, ALL_VERSIONS));
    for name in ["localhost", "127.0.0.1", "::1", "device.test", "192.0.2.7"] {
        let mut client = Client::new(&echo, &config, name);
        client.upgrade();
        let served = client.tls.peer_certificates().unwrap()[0].clone();
        let sum: String =
            digest(&SHA256, &served).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(line.ends_with(&sum), "{line}: {sum}");
        assert_eq!(served, der(&saved));
    }
    let mut other = Client::new(&echo, &config, "other.test");
    let error = other.shake_hands().unwrap_err().to_string();
    assert!(error.contains("not valid for name"), "{error}");
    let _ = other.flush();
    echo.says("it sent the alert");
}

#[test]
fn a_certificate_from_files_is_served_and_read_again_at_sighup() {
    let folder = Folder::new();
    let (chain, key) = folder.certificate("served", NOW);
    let first = Arc::new(config(&chain, ALL_VERSIONS));
    let echo = Echo::start(&["--tls-cert", &chain, "--tls-key", &key]);
    let mut before = Client::open(&echo, &first);

    let (other_chain, other_key) = folder.certificate("other", NOW);
    fs::copy(&other_chain, &chain).unwrap();
    echo.signal(Signal::HUP);
    // The old key does not fit the new certificate: both stay.
    let line = echo.says("does not fit");
    assert!(line.contains("keeping the previous certificate"), "{line}");
    Client::open(&echo, &first).echo(b"the old one");

    fs::copy(&other_key, &key).unwrap();
    echo.signal(Signal::HUP);
    echo.says("certificate read again");
    let second = Arc::new(config(&other_chain, ALL_VERSIONS));
    Client::open(&echo, &second).echo(b"the new one");
    before.echo(b"the connection from before goes on");

    fs::write(&chain, "nothing").unwrap();
    echo.signal(Signal::HUP);
    echo.says("there is no certificate in");
    Client::open(&echo, &second).echo(b"still there");
}

#[test]
fn a_certificate_that_cannot_be_used_is_one_clear_line_and_status_1() {
    let folder = Folder::new();
    let (chain, key) = folder.certificate("good", NOW);
    let (_, other_key) = folder.certificate("other", NOW);
    let (old, old_key) = folder.certificate("old", (2000, 2001));
    let (young, young_key) = folder.certificate("young", (2090, 2100));
    let none = folder.path("none");
    let empty = folder.file("empty", "");
    let broken = folder.file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let cut = folder.file("cut", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    for (chain, key, parts) in [
        (&none, &key, &["cannot read", "none", "No such file"][..]),
        (&chain, &none, &["cannot read", "none", "No such file"]),
        (&empty, &key, &["there is no certificate in", "empty"]),
        (&chain, &empty, &["there is no key in", "empty"]),
        (&key, &key, &["there is no certificate in", "good.key"]),
        (&chain, &chain, &["there is no key in", "good.pem"]),
        (&broken, &key, &["the certificate in", "broken", "can't be read"]),
        (&cut, &key, &["the certificate in", "cut", "can't be read"]),
        (&chain, &other_key, &["other.key", "does not fit", "good.pem"]),
        (&old, &old_key, &["old.pem", "expired on", "2001"]),
        (&young, &young_key, &["young.pem", "not valid before", "2090"]),
    ] {
        fails(&["--tls-cert", chain, "--tls-key", key], parts);
    }
    fails(
        &["--tls", "--tls-save", &folder.path("no/folder")],
        &["cannot write", "no/folder", "No such file"],
    );
    fails(&["--tls", "--tls-name", "bücher.test"], &["no certificate can be made for bücher.test"]);
}

#[test]
fn arguments_that_do_not_go_together_are_told() {
    for arguments in [
        &["--tls-cert", "x"][..],
        &["--tls-key", "x"],
        &["--tls-cert", "x", "--tls-key", "y", "--tls-name", "z"],
    ] {
        let output = Echo::refused(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}
