//! permessage-deflate (RFC 7692) in the echo server.

mod echo;
mod limits;

use microws_tests::frames::frame;
use microws_tests::process::{Echo, Signal};
use microws_tests::raw::{KEY, Raw, offering};
use microws_tests::zlib::{Compressor, inflate};
use zlib_rs::Strategy;

/// The server keeps neither context, and says so of both without being asked (7.1.1).
const NO_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// Opens a WebSocket with this offer; what was agreed to.
fn open(echo: &Echo, target: &str, offer: &str) -> (Raw, Option<String>) {
    let mut client = echo.tcp();
    client.send(&offering(target, offer));
    let answer = client.accepted();
    let agreed = answer.field("Sec-WebSocket-Extensions").map(str::to_owned);
    (client, agreed)
}

/// A client of which the server knows that it compresses each message by itself.
fn client(echo: &Echo) -> Raw {
    let (client, agreed) = open(echo, "/", "permessage-deflate; client_max_window_bits");
    assert_eq!(agreed.as_deref(), Some(NO_TAKEOVER));
    client
}

fn zlib() -> Compressor {
    Compressor::new(6, 15, Strategy::Default)
}

/// A compressed message in one frame.
fn deflated(opcode: u8, plain: &[u8]) -> Vec<u8> {
    frame(0xc0 | opcode, KEY, &zlib().message(plain))
}

/// The next message: the first byte of its first frame without FIN, its payload, and its fragments.
fn message(client: &mut Raw) -> (u8, Vec<u8>, usize) {
    let (mut first, mut payload, mut fragments) = (0, Vec::new(), 0);
    loop {
        let frame = client.frame();
        let opcode = frame.b0 & 0x7f;
        match fragments {
            0 => first = opcode,
            _ => assert_eq!(opcode, 0, "RSV1 and the opcode stand on the first frame only"),
        }
        fragments += 1;
        payload.extend(frame.payload);
        if frame.b0 & 0x80 != 0 {
            return (first, payload, fragments);
        }
    }
}

/// The next message as it was before it was compressed, if it was.
fn plain(client: &mut Raw) -> (u8, Vec<u8>) {
    let (first, payload, _) = message(client);
    match first & 0x40 {
        0 => (first, payload),
        _ => (first & 0x0f, inflate(&payload, 15, 100 << 20).expect("a compressed message")),
    }
}

fn reading(i: usize) -> String {
    format!("{{\"sensor\":\"temp-{i}\",\"value\":2{i}.5,\"unit\":\"C\",\"place\":\"the cellar, left\"}},")
        .repeat(6)
}

#[test]
fn faults_on_demand_go_on_working() {
    let echo = Echo::start(&["--deflate-threshold=0"]);
    let text = reading(5);
    for (target, least) in
        [("/?fragments=100", text.len() / 100), ("/?delay=5", 1), ("/?fragments=64&delay=5", 7)]
    {
        let (mut client, agreed) = open(&echo, target, "permessage-deflate");
        assert!(agreed.is_some());
        for _ in 0..3 {
            client.send(&deflated(1, text.as_bytes()));
            let (first, payload, fragments) = message(&mut client);
            assert!(fragments >= least, "{target}: {fragments} fragments");
            let came = if first == 0x41 { inflate(&payload, 15, 10_000).unwrap() } else { payload };
            assert_eq!(came, text.as_bytes(), "{target}");
        }
    }
    let (mut client, _) = open(&echo, "/?close=4000&after=2", "permessage-deflate");
    for _ in 0..2 {
        client.send(&deflated(1, text.as_bytes()));
        assert_eq!(plain(&mut client), (1, text.clone().into_bytes()));
    }
    client.send(&frame(0x88, KEY, &[0x0f, 0xa0]));
    assert_eq!(client.closed().0, 4000);
}

#[test]
fn the_log_and_the_metrics_say_what_was_saved() {
    let echo = Echo::start(&[]);
    let mut client = client(&echo);
    let connected = echo.says("connected: path /");
    assert!(connected.ends_with(", permessage-deflate, window 2^15 out, 2^15 in"), "{connected}");
    let sent = zlib().message(reading(1).as_bytes());
    client.send_frame(0xc1, &sent);
    let back = message(&mut client).1;
    let (long, wire, back) = (reading(1).len(), sent.len(), back.len());
    echo.signal(Signal::USR1);
    echo.says(&format!("{wire} bytes inflated to {long}, {long} bytes deflated to {back}, "));
    let mut probe = echo.tcp();
    probe.send(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    let metrics = probe.answer().unwrap().body;
    for (direction, wire) in [("received", wire), ("sent", back)] {
        for (form, bytes) in [("wire", wire), ("plain", long)] {
            let line = format!(
                "microws_compressed_bytes_total{{direction=\"{direction}\",form=\"{form}\"}} {bytes}\n"
            );
            assert!(metrics.contains(&line), "{line}{metrics}");
        }
    }
}
