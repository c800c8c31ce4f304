//! Packets and payloads of Socket.IO: what is read is written the same, and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws_socketio::engine::{self, Open, Type};
use microws_socketio::packet::Packet;
use microws_socketio::payload::{Part, SEPARATOR, decode};

fuzz_target!(|input: &[u8]| {
    if let Ok(packet) = Packet::decode(input, 10) {
        let mut out = vec![0; input.len() + 8];
        let n = packet.encode(&mut out).unwrap();
        assert_eq!(Packet::decode(&out[..n], 10), Ok(packet));
    }
    if let Ok((Type::Open, data)) = engine::split(input)
        && let Ok(open) = Open::decode(data)
    {
        let mut out = vec![0; input.len() + 128];
        let n = open.encode(&mut out).unwrap();
        assert_eq!(Open::decode(&out[1..n]), Ok(open));
    }
    let mut written: Vec<u8> = Vec::new();
    let mut payload = input.to_vec();
    let read = |payload: &mut [u8]| {
        let mut parts = Vec::new();
        let result = decode(payload, |part| {
            parts.push(match part {
                Part::Text(text) => (true, text.to_vec()),
                Part::Binary(bytes) => (false, bytes.to_vec()),
            });
            Ok(())
        });
        result.map(|()| parts)
    };
    if let Ok(parts) = read(&mut payload) {
        for (is_text, bytes) in &parts {
            let part = if *is_text { Part::Text(bytes) } else { Part::Binary(bytes) };
            let mut out = vec![0; part.encoded_len()];
            // An empty text is no packet: nothing writes one.
            let Some(n) = part.encode(&mut out) else { return };
            assert_eq!(n, out.len());
            written.extend(&out);
            written.push(SEPARATOR);
        }
        written.pop();
        assert_eq!(read(&mut written), Ok(parts));
    }
});
