//! Where the echo server listens beside TCP ports of its own: Unix sockets, and what a parent process opened.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::Output;

use microws_tests::process::{Echo, Signal, TIMEOUT, wait_until};
use microws_tests::raw::{REQUEST, Raw};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn place(path: &Path) -> String {
    format!("unix:{}", path.display())
}

/// Starts the server on a Unix socket.
fn start(path: &Path, arguments: &[&str]) -> Echo {
    let echo = Echo::start_on(&[&place(path)], arguments);
    echo.says(&format!("listening on ws+unix:{}", path.display()));
    echo
}

fn open(path: &Path) -> Raw {
    let mut client = Raw::connect_unix(path);
    client.upgrade();
    client
}

/// The one line of a server that ended with status 1.
#[track_caller]
fn fails(output: &Output, parts: &[&str]) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_unix_socket_serves_as_a_port_does_and_its_clients_have_numbers() {
    let folder = folder();
    let path = folder.path().join("echo");
    let echo = Echo::start_on(&["127.0.0.1:0", &place(&path)], &[]);
    echo.says("listening on ws+unix:");
    let mut clients = [open(&path), open(&path)];
    for client in &mut clients {
        client.echo(b"by name");
        // Longer than what the kernel holds.
        client.echo(&vec![7; 4 << 20]);
    }
    echo.open().echo(b"by port");
    echo.says("unix:1 connected: path /");
    echo.says("unix:2 connected: path /");
    let mut plain = Raw::connect_unix(&path);
    plain.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(plain.answer().unwrap().body, "ok\n");
}

#[test]
fn its_permissions_are_660_or_those_given() {
    let folder = folder();
    let path = folder.path().join("echo");
    let echo = start(&path, &[]);
    assert_eq!(mode(&path), 0o660);
    drop(echo);
    let _echo = start(&path, &["--unix-mode", "604"]);
    assert_eq!(mode(&path), 0o604);
}

#[test]
fn permissions_that_are_none_are_told_and_status_2() {
    for wrong in ["8", "rw", "1777", ""] {
        let output = Echo::refused(&["--unix-mode", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong}");
        assert!(String::from_utf8(output.stderr).unwrap().contains("--unix-mode"), "{wrong}");
    }
    assert_eq!(Echo::refused(&["--listen", "unix:"]).status.code(), Some(2));
}

#[test]
fn its_name_goes_when_the_server_stops() {
    let folder = folder();
    let path = folder.path().join("echo");
    let mut echo = start(&path, &[]);
    echo.signal(Signal::TERM);
    assert!(echo.end().success());
    assert!(!path.exists());
}

#[test]
fn the_name_of_a_dead_server_is_taken_over_and_then_left_alone_by_its_first_owner() {
    let folder = folder();
    let path = folder.path().join("echo");
    // Killed, so that its name stays.
    drop(start(&path, &[]));
    assert!(path.exists());
    let mut first = start(&path, &[]);
    // The name is removed, and another server takes it.
    fs::remove_file(&path).unwrap();
    let _second = start(&path, &[]);
    first.signal(Signal::TERM);
    assert!(first.end().success());
    open(&path).echo(b"the second's");
}

#[test]
fn the_name_of_a_server_that_lives_is_refused() {
    let folder = folder();
    let path = folder.path().join("echo");
    let _echo = start(&path, &[]);
    let mut client = open(&path);
    let output = Echo::refused(&["--listen", &place(&path)]);
    fails(&output, &["cannot listen on unix:", "another server listens there"]);
    client.echo(b"undisturbed");
    open(&path).echo(b"and new ones");
}

#[test]
fn a_file_that_is_no_socket_is_refused_and_stays() {
    let folder = folder();
    let path = folder.path().join("notes");
    fs::write(&path, "precious").unwrap();
    fails(&Echo::refused(&["--listen", &place(&path)]), &["cannot listen on unix:", "no socket"]);
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let nowhere = folder.path().join("no/such/folder");
    fails(&Echo::refused(&["--listen", &place(&nowhere)]), &["cannot listen on unix:", "No such file"]);
    let long = folder.path().join("x".repeat(120));
    fails(&Echo::refused(&["--listen", &place(&long)]), &["cannot listen on unix:"]);
}

#[test]
fn a_socket_of_tcp_is_inherited() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // A client that connects before the server is up waits.
    let mut early = Raw::connect(address);
    early.send(REQUEST);
    let echo = Echo::start_inheriting(socket.into(), &[], 1);
    assert_eq!(echo.address(), address);
    early.accepted();
    early.echo(b"early");
    echo.open().echo(b"late");
}

#[test]
fn a_unix_socket_is_inherited_and_its_name_is_its_makers() {
    let folder = folder();
    let path = folder.path().join("echo");
    let socket = UnixListener::bind(&path).unwrap();
    let mut echo = Echo::start_inheriting(socket.into(), &[], 0);
    echo.says("listening on ws+unix:");
    open(&path).echo(b"inherited");
    echo.signal(Signal::TERM);
    assert!(echo.end().success());
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
}

#[test]
fn addresses_of_its_own_are_listened_on_beside_inherited_sockets() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let echo = Echo::start_inheriting(socket.into(), &[("MICROWS_LISTEN", "127.0.0.1:0 [::1]:0")], 3);
    for address in &echo.addresses {
        let mut client = Raw::connect(*address);
        client.upgrade();
        client.echo(b"each");
    }
}

#[test]
fn what_does_not_listen_is_refused_by_its_number() {
    let (one, _other) = UnixStream::pair().unwrap();
    fails(&Echo::refused_inheriting(one.into()), &["cannot listen on the inherited socket", "Accept="]);
    let file = tempfile::tempfile().unwrap();
    fails(&Echo::refused_inheriting(file.into()), &["LISTEN_FDS", "fd 3"]);
    let (datagrams, _other) = UnixDatagram::pair().unwrap();
    fails(&Echo::refused_inheriting(datagrams.into()), &["LISTEN_FDS", "fd 3"]);
}

#[test]
fn sockets_for_another_process_are_not_taken() {
    let echo =
        Echo::start_in(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "1"), ("MICROWS_LISTEN", "127.0.0.1:0")], 1);
    echo.open().echo(b"its own");
}

#[test]
fn the_service_manager_is_told_once_the_server_listens() {
    let folder = folder();
    let (path, manager) = (folder.path().join("echo"), folder.path().join("manager"));
    let socket = UnixDatagram::bind(&manager).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    let variables = [("NOTIFY_SOCKET", manager.to_str().unwrap()), ("MICROWS_LISTEN", &place(&path)[..])];
    let _echo = Echo::start_in(&variables, 0);
    let mut message = [0; 100];
    let len = socket.recv(&mut message).unwrap();
    assert_eq!(&message[..len], b"READY=1\n");
    open(&path).echo(b"ready");
}

#[test]
fn a_service_manager_that_is_gone_is_no_reason_to_stop() {
    let folder = folder();
    let path = folder.path().join("echo");
    let variables = [
        ("NOTIFY_SOCKET", folder.path().join("nobody").to_str().unwrap().to_owned()),
        ("MICROWS_LISTEN", place(&path)),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, &value[..]));
    let echo = Echo::start_in(&variables, 0);
    echo.says("cannot tell NOTIFY_SOCKET that the server is ready");
    open(&path).echo(b"goes on");
}

#[test]
fn the_reset_on_demand_of_a_unix_client_ends_its_connection() {
    let folder = folder();
    let path = folder.path().join("echo");
    let _echo = start(&path, &[]);
    let mut client = Raw::connect_unix(&path);
    let request = String::from_utf8(REQUEST.to_vec()).unwrap().replacen("GET /", "GET /?reset", 1);
    client.send(request.as_bytes());
    let ended = wait_until("the end", || client.try_message().err());
    assert!(
        !matches!(ended.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
        "{ended}"
    );
}
