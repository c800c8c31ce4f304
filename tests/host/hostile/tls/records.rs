//! Records that are wrong, too many or too small.

use std::io::{Read, Write};
use std::time::Duration;

use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST};

use crate::attack::{Attack, ServerUnderTest, Verdict, ensure};

use super::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, handshake, record};

/// Records that are wrong once the handshake is done.
pub(super) fn records() -> Vec<Attack> {
    let shots: Vec<(&str, Vec<u8>)> = vec![
        ("a change of the cipher", record(CHANGE_CIPHER_SPEC, &[1])),
        ("an alert without protection", record(ALERT, &[2, 40])),
        ("a handshake message without protection", handshake(1, &[0; 40])),
        ("data that is no ciphertext", record(APPLICATION_DATA, &[0x5a; 100])),
        ("data without a byte", record(APPLICATION_DATA, b"")),
        ("data too short for a tag", record(APPLICATION_DATA, &[1; 5])),
        ("a record of 65,535 bytes", [&[APPLICATION_DATA, 3, 3, 0xff, 0xff][..], &[1; 65_535]].concat()),
        ("a heartbeat", record(24, &[1, 0xff, 0xff])),
        ("a record of type 0", record(0, b"x")),
        ("a record of type 255", record(255, b"x")),
        ("a plain request", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec()),
    ];
    let attack = |(name, bytes): (&str, Vec<u8>)| {
        Attack::quick(format!("tls: after the handshake {name}"), move |server| {
            let mut alerts = Vec::new();
            for door in [server.door.clone(), server.door.over_tls_1_2()?] {
                let mut client = door.open()?;
                client.stream.write_all(&bytes)?;
                // The alert is protected: it is what the client's TLS makes of what comes.
                let error = match client.rest() {
                    Ok(bytes) => return Err(format!("no alert, but {bytes:02x?}").into()),
                    Err(error) => error.to_string(),
                };
                let alert = error.strip_prefix("received fatal alert: ").ok_or(error.clone())?;
                alerts.push(alert.to_owned());
            }
            Ok(alerts.join(", over TLS 1.2 "))
        })
    };
    shots.into_iter().map(attack).collect()
}

/// A ClientHello of 16 MiB, as far as the server takes it.
pub(super) fn endless_hello(server: &ServerUnderTest) -> Verdict {
    let before = server.memory();
    let mut client = server.bare()?;
    client.try_send(&record(HANDSHAKE, &[&[1, 0, 0xff, 0xff][..], &[3; 16_000]].concat()))?;
    let mut sent = 0;
    while sent < 16 << 20 && client.try_send(&record(HANDSHAKE, &[3; 16_000])).is_ok() {
        sent += 16_000;
    }
    // Refused at once or when it was whole; a reset if it still sends.
    let _ = client.rest();
    server.well_behaved()?;
    let more = server.memory().saturating_sub(before);
    ensure(sent < 16 << 20, "the server took it all")?;
    ensure(more <= 1024, format!("{more} KiB more memory"))?;
    Ok(format!("refused after {sent} bytes"))
}

/// What can be made of the bytes of a record costs the server no more than the bytes do.
pub(super) fn tiny_records(server: &ServerUnderTest) -> Verdict {
    let (before, memory) = (server.echo.processor_time(), server.memory());
    let mut client = server.bare()?;
    let hello = [&[1, 0, 0xea, 0x60][..], &[3; 60_000]].concat();
    let mut sent = 0;
    for byte in &hello {
        if client.try_send(&record(HANDSHAKE, &[*byte])).is_err() {
            break;
        }
        sent += 1;
    }
    server.well_behaved()?;
    let spent = server.echo.processor_time() - before;
    let more = server.memory().saturating_sub(memory);
    ensure(more <= 2048, format!("{more} KiB more memory"))?;
    ensure(spent < Duration::from_secs(2), format!("{spent:?} of the processor for {sent} records"))?;
    Ok(format!("{sent} records taken, {spent:?} of the processor"))
}

/// Each with data, so that it is no flood; the server updates its own keys as asked.
pub(super) fn key_updates(server: &ServerUnderTest) -> Verdict {
    let mut connection = server.door.connection()?.ok_or("no TLS")?;
    let mut stream = server.bare()?.stream;
    let mut tls = rustls::Stream::new(&mut connection, &mut stream);
    tls.write_all(REQUEST)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        head.extend(byte);
    }
    for n in 0..1000u16 {
        tls.conn.refresh_traffic_keys()?;
        let payload = n.to_be_bytes();
        tls.write_all(&frame(0x82, KEY, &payload))?;
        let mut echo = [0; 4];
        tls.read_exact(&mut echo)?;
        ensure(echo == [0x82, 2, payload[0], payload[1]], "another echo")?;
    }
    Ok("1,000 echoes with new keys each".into())
}

/// Without data between them they are refused.
pub(super) fn key_update_flood(server: &ServerUnderTest) -> Verdict {
    let before = server.memory();
    let mut connection = server.door.connection()?.ok_or("no TLS")?;
    let mut stream = server.bare()?.stream;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let mut sent = 0;
    while sent < 100_000 {
        connection.refresh_traffic_keys()?;
        let mut bytes = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut bytes)?;
        }
        if stream.write_all(&bytes).is_err() {
            break;
        }
        sent += 1;
    }
    server.well_behaved()?;
    let more = server.memory().saturating_sub(before);
    ensure(sent < 100_000, "all of them were taken")?;
    ensure(more <= 1024, format!("{more} KiB more memory"))?;
    Ok(format!("ended after {sent}"))
}
