//! tungstenite's client against all of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use embedded_io_adapters::tokio_1::FromTokio;
use microws::io::Join;
use microws_upgrades::{by_hand, edge, pico};
use tokio::net::TcpListener;
use tungstenite::Message;
use tungstenite::protocol::Role;

/// A server for one connection after the other, on a port of its own.
fn server<F: Future<Output = ()>>(serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                serve(listener.accept().await.unwrap().0).await;
            }
        });
    });
    address
}

fn picoserve() -> SocketAddr {
    server(pico::serve)
}

fn edge_http() -> SocketAddr {
    server(async |stream| edge::serve(FromTokio::new(stream)).await.unwrap())
}

fn hand() -> SocketAddr {
    server(async |stream| by_hand::serve(FromTokio::new(stream)).await.unwrap())
}

/// A stack that gives two halves.
fn halves() -> SocketAddr {
    server(async |stream| {
        let (reader, writer) = stream.into_split();
        let stream = Join { reader: FromTokio::new(reader), writer: FromTokio::new(writer) };
        by_hand::serve(stream).await.unwrap();
    })
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn a_client_of_other_hands_gets_its_messages_back() {
    for address in [picoserve(), edge_http(), hand(), halves()] {
        for _ in 0..2 {
            let url = format!("ws://{address}/");
            let (mut socket, _) = tungstenite::client(url, connect(address)).unwrap();
            for message in [Message::text("Grüße"), Message::binary(vec![7; 10_000]), Message::text("")] {
                socket.send(message.clone()).unwrap();
                // Long ones come back in fragments.
                assert_eq!(socket.read().unwrap(), message);
            }
            socket.send(Message::Ping(b"?"[..].into())).unwrap();
            assert_eq!(socket.read().unwrap(), Message::Pong(b"?"[..].into()));
            socket.close(None).unwrap();
            while socket.read().is_ok() {}
        }
    }
}

#[test]
fn bytes_that_came_with_the_head_are_not_lost() {
    // No client may send them so early, but some stack may read on before the program asks.
    let input = b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\
        \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x88\x80\x37\xfa\x21\x3d";
    for address in [hand(), halves()] {
        let mut stream = connect(address);
        stream.write_all(input).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
        let mut socket = tungstenite::WebSocket::from_raw_socket(stream, Role::Client, None);
        assert_eq!(socket.read().unwrap(), Message::text("Hello"));
    }
}

#[test]
fn a_request_without_an_upgrade_is_answered_by_the_http_server() {
    for address in [picoserve(), edge_http()] {
        let mut stream = connect(address);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}
