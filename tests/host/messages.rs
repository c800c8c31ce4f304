//! The echo server on loopback, with a client of another hand.

use std::net::{SocketAddr, TcpStream};
use std::thread;

use microws_tests::frames::{Frame, frame, header};
use microws_tests::process::Echo;
use microws_tests::raw::{KEY, REQUEST, Raw, close_payload, masked_payload};
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::{CloseFrame, Role, frame::coding::CloseCode};
use tungstenite::{Error, Message, WebSocket};

fn connect_with(
    address: SocketAddr,
    fields: &[(&'static str, &str)],
) -> (WebSocket<TcpStream>, Option<String>) {
    let mut request = format!("ws://{address}/").into_client_request().unwrap();
    for (name, value) in fields {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(microws_tests::process::TIMEOUT)).unwrap();
    let (socket, response) = tungstenite::client(request, stream).unwrap();
    let subprotocol = response.headers().get("Sec-WebSocket-Protocol");
    (socket, subprotocol.map(|name| name.to_str().unwrap().to_owned()))
}

fn connect(echo: &Echo) -> WebSocket<TcpStream> {
    connect_with(echo.address(), &[]).0
}

/// Bytes without a pattern that a lost or doubled piece could hide in.
fn random_bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; len];
    random.fill(&mut bytes);
    bytes
}

/// Sends from a thread of its own: the echo of a long message comes while it is still being sent.
fn echoes(socket: &mut WebSocket<TcpStream>, message: Message) {
    let mut writer = WebSocket::from_raw_socket(socket.get_ref().try_clone().unwrap(), Role::Client, None);
    let sent = message.clone();
    let writing = thread::spawn(move || writer.send(sent).unwrap());
    let came = socket.read().unwrap();
    writing.join().unwrap();
    assert!(came == message, "another message came back: {} bytes of {}", came.len(), message.len());
}

const SIZES: [usize; 15] = [
    0,
    1,
    125,
    126,
    1_000,
    8_192,
    65_535,
    65_536,
    65_537,
    262_143,
    262_144,
    262_145,
    1 << 20,
    5_000_000,
    16 << 20,
];

#[test]
fn binary_messages_of_any_size_come_back_as_they_were() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    for len in SIZES {
        echoes(&mut socket, Message::binary(random_bytes(len, len as u64)));
    }
}

#[test]
fn texts_of_any_size_come_back_as_they_were() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    for len in SIZES {
        // Code points of one to four bytes, cut anywhere; a prime number of them, then again.
        let mut random = fastrand::Rng::with_seed(len as u64);
        let some: Vec<char> = (0..10_007).map(|_| random.char(' '..='\u{10ffff}')).collect();
        let mut text = String::with_capacity(len + 4);
        let mut wide = some.iter().cycle();
        while let Some(next) = wide.next().filter(|next| text.len() + next.len_utf8() <= len) {
            text.push(*next);
        }
        text.extend(std::iter::repeat_n('.', len - text.len()));
        echoes(&mut socket, Message::text(text));
    }
}

#[test]
fn messages_of_16_mib_pass_in_constant_memory() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    echoes(&mut socket, Message::binary(random_bytes(1 << 20, 1)));
    let before = echo.memory_kib("RssAnon");
    for seed in 0..2 {
        echoes(&mut socket, Message::binary(random_bytes(16 << 20, seed)));
    }
    let after = echo.memory_kib("RssAnon");
    assert!(after < before + 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn many_messages_sent_at_once_come_back_in_order() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    let mut writer = WebSocket::from_raw_socket(socket.get_ref().try_clone().unwrap(), Role::Client, None);
    let writing = thread::spawn(move || {
        for n in 0..5_000 {
            writer.write(Message::text(format!("message {n}"))).unwrap();
        }
        writer.flush().unwrap();
    });
    for n in 0..5_000 {
        assert_eq!(socket.read().unwrap(), Message::text(format!("message {n}")));
    }
    writing.join().unwrap();
}

#[test]
fn a_message_that_is_whole_in_the_receive_buffer_comes_back_as_one_frame() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    for len in [0, 1, 125, 126, 1_000, 8_000] {
        let payload = random_bytes(len, 3);
        client.send_frame(0x82, &payload);
        assert!(client.frame() == Frame { b0: 0x82, key: None, payload }, "{len} bytes");
    }
}

#[test]
fn the_fragments_of_a_message_come_back_as_one_message_of_the_same_kind() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    client.send_frame(0x01, b"one ");
    client.send_frame(0x00, b"");
    client.send_frame(0x89, b"between");
    client.send_frame(0x00, b"two ");
    client.send_frame(0x80, b"three");
    let (mut opcode, mut text, mut pongs) = (None, Vec::new(), Vec::new());
    loop {
        let frame = client.frame();
        match frame.b0 & 0x0f {
            10 => pongs.push(frame.payload),
            code => {
                assert_eq!(code, if opcode.is_none() { 1 } else { 0 });
                opcode = Some(code);
                text.extend(frame.payload);
                if frame.b0 & 0x80 != 0 {
                    break;
                }
            }
        }
    }
    assert_eq!(text, b"one two three");
    assert_eq!(pongs, [b"between"]);
}

#[test]
fn a_code_point_cut_by_fragments_is_text_still() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    client.send_frame(0x01, b"\xe2\x82");
    client.send_frame(0x80, b"\xac");
    assert_eq!(client.try_message().unwrap(), (1, "\u{20ac}".into()));
}

#[test]
fn bytes_that_come_one_by_one_are_the_same_messages() {
    let echo = Echo::start(&[]);
    let mut client = echo.tcp();
    for byte in REQUEST {
        client.send(&[*byte]);
    }
    client.accepted();
    for byte in [frame(0x81, KEY, b"hello"), frame(0x89, KEY, b"ping"), frame(0x82, KEY, &[7; 300])].concat()
    {
        client.send(&[byte]);
    }
    // In as many fragments as the kernel made pieces of it.
    assert_eq!(client.try_message().unwrap(), (1, "hello".into()));
    assert_eq!(client.frame(), Frame { b0: 0x8a, key: None, payload: b"ping".to_vec() });
    assert_eq!(client.try_message().unwrap(), (2, vec![7; 300]));
}

#[test]
fn frames_that_come_with_the_request_are_answered_behind_the_101() {
    let echo = Echo::start(&["--greeting", "welcome"]);
    let mut client = echo.tcp();
    client.send(&[REQUEST, &frame(0x81, KEY, b"early"), &frame(0x88, KEY, b"")].concat());
    client.accepted();
    assert_eq!(client.frame().payload, b"welcome");
    assert_eq!(client.frame().payload, b"early");
    assert_eq!(client.closed(), (1005, String::new()));
}

#[test]
fn pings_are_answered_with_their_payload() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    for len in [0, 1, 125] {
        let payload = random_bytes(len, 9);
        socket.send(Message::Ping(payload.clone().into())).unwrap();
        assert_eq!(socket.read().unwrap(), Message::Pong(payload.into()));
    }
}

#[test]
fn a_subprotocol_is_agreed_to_if_it_was_offered() {
    let echo = Echo::start(&["--subprotocol", "first", "--subprotocol", "second"]);
    let agreed = |offered: &str| connect_with(echo.address(), &[("Sec-WebSocket-Protocol", offered)]).1;
    assert_eq!(agreed("first").as_deref(), Some("first"));
    assert_eq!(agreed("other, second, first").as_deref(), Some("second"));
    assert_eq!(connect_with(echo.address(), &[]).1, None);
    let mut client = echo.tcp();
    let (head, _) = REQUEST.split_at(REQUEST.len() - 2);
    client.send(&[head, b"Sec-WebSocket-Protocol: First, unknown\r\n\r\n"].concat());
    assert_eq!(client.accepted().field("Sec-WebSocket-Protocol"), None);
    let default = Echo::start(&[]);
    let offered = [("Sec-WebSocket-Protocol", "echo-protocol")];
    assert_eq!(connect_with(default.address(), &offered).1.as_deref(), Some("echo-protocol"));
}

#[test]
fn a_greeting_is_the_first_message() {
    let echo = Echo::start(&["--greeting", "something \u{2713}"]);
    let mut socket = connect(&echo);
    assert_eq!(socket.read().unwrap(), Message::text("something \u{2713}"));
    echoes(&mut socket, Message::text("hello"));
}

#[test]
fn a_greeting_of_the_longest_size_passes() {
    let greeting = "g".repeat(64 * 1024);
    let echo = Echo::start(&["--greeting", &greeting]);
    assert_eq!(connect(&echo).read().unwrap(), Message::text(greeting));
}

#[test]
fn the_client_s_close_is_answered_with_its_code() {
    let echo = Echo::start(&[]);
    let mut socket = connect(&echo);
    let close = CloseFrame { code: CloseCode::Iana(3456), reason: "enough".into() };
    socket.close(Some(close.clone())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Close(Some(close)));
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
}

#[test]
fn a_close_is_answered_once_although_the_client_goes_on_talking() {
    let echo = Echo::start(&[]);
    for _ in 0..20 {
        let mut client = echo.open();
        let mut bytes = frame(0x88, KEY, &close_payload(1000, "bye"));
        bytes.extend(frame(0x82, KEY, &vec![1; 1 << 20]));
        // The server may end the connection before it has all of it.
        let _ = client.try_send(&bytes);
        assert_eq!(client.closed(), (1000, "bye".into()));
    }
}

#[test]
fn a_message_over_the_limit_is_refused_by_its_header() {
    let echo = Echo::start(&["--max-message", "1000"]);
    let mut client = echo.open();
    client.echo(&[1; 1000]);
    client.send(&header(0x82, KEY, 1001));
    assert_eq!(client.closed().0, 1009);
    let mut client = echo.open();
    client.send_frame(0x02, &[1; 600]);
    client.send(&header(0x80, KEY, 401));
    assert_eq!(client.closed().0, 1009);
    echo.says("1009");
}

#[test]
fn a_message_in_too_many_fragments_is_refused() {
    let echo = Echo::start(&["--max-fragments", "3"]);
    let mut client = echo.open();
    for b0 in [0x01, 0x00, 0x80] {
        client.send_frame(b0, b".");
    }
    assert_eq!(client.try_message().unwrap(), (1, b"...".to_vec()));
    for b0 in [0x01, 0x00, 0x00, 0x00] {
        client.send_frame(b0, b".");
    }
    assert_eq!(client.closed().0, 1008);
}

#[test]
fn text_fails_at_the_first_impossible_byte_of_a_frame_that_is_not_whole() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    client.send(&header(0x81, KEY, 1 << 40));
    client.send(&masked_payload(b"fine until here \xff"));
    assert_eq!(client.closed().0, 1007);
}

#[test]
fn a_client_that_has_ended_its_direction_gets_all_its_echoes() {
    let echo = Echo::start(&[]);
    let mut client = echo.open();
    let message = random_bytes(3_000_000, 5);
    let mut stream = client.stream.try_clone().unwrap();
    let bytes = frame(0x82, KEY, &message);
    let writing = thread::spawn(move || {
        std::io::Write::write_all(&mut stream, &bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    });
    assert!(client.try_message().unwrap() == (2, message));
    writing.join().unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    echo.says("1006");
}

#[test]
fn a_client_that_ends_its_direction_and_reads_late_gets_all_its_echoes() {
    let echo = Echo::start(&[]);
    let mut client = Raw::connect_narrow(echo.address());
    client.upgrade();
    let one = random_bytes(50_000, 6);
    let sent = frame(0x82, KEY, &one);
    // As much as the server takes from one that does not read.
    client.set_timeout(std::time::Duration::from_millis(300));
    let mut bytes = 0;
    while let Ok(n) = std::io::Write::write(&mut client.stream, &sent[bytes % sent.len()..]) {
        bytes += n;
    }
    client.finish();
    client.set_timeout(microws_tests::process::TIMEOUT);
    for _ in 0..bytes / sent.len() {
        assert!(client.try_message().unwrap() == (2, one.clone()));
    }
    // The last message is not whole; what there was of it came back as fragments.
    client.rest().unwrap();
}

#[test]
fn a_reset_amid_a_message_disturbs_nobody() {
    let echo = Echo::start(&[]);
    let mut other = echo.open();
    for n in 0..50 {
        let mut client = echo.open();
        client.send(&header(0x82, KEY, 1 << 20));
        client.send(&vec![n; usize::from(n) * 1000]);
        client.reset();
        other.echo(b"still here");
    }
    for n in 1..=50 {
        echo.nth_line(n, |line| line.contains("disconnected: 1006"));
    }
}

#[test]
fn many_clients_at_once_each_get_their_own() {
    let echo = Echo::start(&[]);
    let mut clients: Vec<Raw> = (0..300).map(|_| echo.open()).collect();
    for round in 0..5 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send_frame(0x81, format!("client {n}, round {round}").as_bytes());
        }
        for (n, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.frame().payload, format!("client {n}, round {round}").as_bytes());
        }
    }
}

#[test]
fn idle_connections_own_no_buffers() {
    let echo = Echo::start(&[]);
    let mut warm: Vec<Raw> = (0..100).map(|_| echo.open()).collect();
    let before = echo.memory_kib("RssAnon");
    let mut clients: Vec<Raw> = (0..1000).map(|_| echo.open()).collect();
    clients.iter_mut().for_each(|client| client.echo(&[1; 20_000]));
    warm.iter_mut().for_each(|client| client.echo(&[1; 20_000]));
    let after = echo.memory_kib("RssAnon");
    let each = (after.saturating_sub(before)) * 1024 / 1000;
    println!("{each} bytes for each idle connection");
    assert!(each < 2048, "{each} bytes for each idle connection");
}
