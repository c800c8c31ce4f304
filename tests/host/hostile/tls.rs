//! Attacks on TLS itself.

use std::error::Error;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use microws_tests::frames::frame;
use microws_tests::process::wait_until;
use microws_tests::raw::{KEY, REQUEST, Raw};
use rustls::ClientConnection;

use crate::attack::{Arena, Attack, Verdict, ensure, start};

/// Types of records (RFC 8446 section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Alerts (RFC 8446 section 6).
const UNEXPECTED_MESSAGE: u8 = 10;
const HANDSHAKE_FAILURE: u8 = 40;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
const NO_APPLICATION_PROTOCOL: u8 = 120;

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = beginnings();
    attacks.extend(records());
    attacks.push(Attack::quick("tls: a ClientHello cut at every byte, then the end", |arena| {
        let hello = hello(arena)?;
        for cut in 0..hello.len() {
            let mut client = arena.bare()?;
            client.try_send(&hello[..cut])?;
            client.finish();
            ensure(client.rest()?.is_empty(), format!("an answer, cut at {cut}"))?;
        }
        Ok(format!("{} cuts", hello.len()))
    }));
    attacks.push(Attack::quick("tls: a ClientHello cut at every byte, then the rest", |arena| {
        let len = hello(arena)?.len();
        for cut in 0..=len {
            let (mut connection, hello) = begun(arena)?;
            let mut client = arena.bare()?;
            let cut = cut.min(hello.len());
            client.try_send(&hello[..cut])?;
            arena.witness()?;
            client.try_send(&hello[cut..])?;
            connection.complete_io(&mut client.stream).map_err(|error| format!("cut at {cut}: {error}"))?;
        }
        Ok(format!("{} cuts", len + 1))
    }));
    attacks.push(Attack::long("tls: a ClientHello cut at every byte, then nothing", |arena| {
        let hello = hello(arena)?;
        let mut clients = Vec::new();
        for cut in 0..hello.len() {
            let mut client = arena.bare()?;
            client.try_send(&hello[..cut])?;
            clients.push(client);
        }
        let started = Instant::now();
        for client in &mut clients {
            ended_by_deadline(client, started)?;
        }
        Ok(format!("{} ended in {:.1} s", clients.len(), started.elapsed().as_secs_f64()))
    }));
    attacks.push(Attack::long("tls: slow ClientHellos, a byte now and then, 100 at once", |arena| {
        let hello = hello(arena)?;
        let mut clients = (0..100).map(|_| arena.bare()).collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        for byte in &hello {
            if clients.iter_mut().filter_map(|client| client.try_send(&[*byte]).ok()).count() == 0 {
                return Ok(format!("ended after {:.1} s", started.elapsed().as_secs_f64()));
            }
            arena.witness()?;
            thread::sleep(Duration::from_millis(50));
        }
        Err("the handshake went on".into())
    }));
    attacks.push(Attack::quick("tls: an endless ClientHello", endless_hello));
    attacks.push(Attack::long(
        "tls: a ClientHello of 60,000 bytes, a byte in each record and segment",
        tiny_records,
    ));
    attacks.push(Attack::long("tls: 1,000 handshakes begun and dropped", |arena| {
        let (_, hello) = begun(arena)?;
        for n in 0..1000 {
            let mut client = arena.bare()?;
            client.try_send(&hello)?;
            match n % 3 {
                0 => client.reset(),
                1 => drop(client),
                // Once the server has answered.
                _ => drop(Raw::bytes(&mut client, 5)),
            }
        }
        Ok("no trace".into())
    }));
    attacks.push(Attack::long("tls: 1,000 handshakes begun at once and left", |arena| {
        let mut clients = Vec::new();
        for _ in 0..1000 {
            let mut client = arena.bare()?;
            client.try_send(&hello(arena)?)?;
            clients.push(client);
        }
        arena.witness()?;
        let started = Instant::now();
        for client in &mut clients {
            ended_by_deadline(client, started)?;
        }
        Ok("each ended".into())
    }));
    attacks.push(Attack::quick("tls: updates of keys", key_updates));
    attacks.push(Attack::quick("tls: a flood of updates of keys", key_update_flood));
    attacks.push(Attack::long(
        "tls: a client that stops in the middle of the echo of 16 MiB, and goes on",
        |arena| {
            let message = frame(0x82, KEY, &vec![7; 1 << 24]);
            let mut client = arena.door.narrow()?;
            client.upgrade();
            let (mut came, mut paused) = (0, false);
            client.exchange(&message, message.len(), |bytes| {
                came += bytes.len();
                if came > 1 << 23 && !paused {
                    paused = true;
                    thread::sleep(Duration::from_millis(1000));
                }
                // The headers of the fragments come on top.
                Ok(came >= 1 << 24)
            })?;
            client.try_send(&frame(0x88, KEY, &[3, 232]))?;
            let rest = client.rest()?;
            ensure(rest.ends_with(&[0x88, 2, 3, 232]), "no close frame after the echo")?;
            Ok(format!("{came} bytes came"))
        },
    ));
    attacks.push(Attack::long(
        "tls: a client that stops in the middle of the echo of 16 MiB for ever",
        |arena| {
            let before = arena.memory();
            let files = arena.echo.open_files();
            let message = frame(0x82, KEY, &vec![7; 1 << 24]);
            let mut client = arena.door.narrow()?;
            client.upgrade();
            // The kernel and the server may take all of it.
            let _ = client.try_send(&message);
            wait_until("it is dropped", || (arena.echo.open_files() <= files).then_some(()));
            wait_until("the memory returns", || (arena.memory() <= before + 4096).then_some(()));
            Ok("dropped".into())
        },
    ));
    attacks.push(Attack::quick("tls: the end without close_notify is told as 1006", truncation));
    attacks.push(Attack::quick("tls: plain requests where TLS is a must", plain_requests));
    attacks
}

/// A client's TLS, and its ClientHello.
fn begun(arena: &Arena) -> Result<(ClientConnection, Vec<u8>), Box<dyn Error>> {
    let mut connection = arena.door.connection()?.ok_or("no TLS")?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok((connection, hello))
}

fn hello(arena: &Arena) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(begun(arena)?.1)
}

/// The server ends the connection when its deadline for the handshake is due, 2 s, or that for the closing, 1 s more.
fn ended_by_deadline(client: &mut Raw, started: Instant) -> Result<(), Box<dyn Error>> {
    client.rest()?;
    let waited = started.elapsed();
    ensure(waited < Duration::from_secs(10), format!("ended only after {waited:?}"))
}

fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u16).to_be_bytes();
    [&[kind, 3, 1], &len[..], payload].concat()
}

/// A handshake message (RFC 8446 section 4).
fn handshake(kind: u8, payload: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (payload.len() as u32).to_be_bytes();
    record(HANDSHAKE, &[&[kind], &len[..], payload].concat())
}

/// A ClientHello of an old `version`, with these extensions (RFC 5246 section 7.4.1.2).
fn old_hello(version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let mut hello = [&version[..], &[0x5a; 32], &[0]].concat();
    // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_128_CBC_SHA; no compression.
    hello.extend([0, 4, 0xc0, 0x09, 0x00, 0x2f, 1, 0]);
    if !extensions.is_empty() {
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
    }
    handshake(1, &hello)
}

/// First bytes after which a fatal alert and the end must come.
fn beginnings() -> Vec<Attack> {
    // ecdsa_secp256r1_sha256; x25519 and secp256r1; uncompressed points.
    let signatures = [0, 13, 0, 4, 0, 2, 4, 3];
    let groups = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23];
    let mut shots = vec![
        ("a record without a byte", record(HANDSHAKE, b""), DECODE_ERROR),
        (
            "a record of 65,535 bytes",
            [&[HANDSHAKE, 3, 1, 0xff, 0xff][..], &[1; 65_535]].concat(),
            DECODE_ERROR,
        ),
        ("a ServerHello", handshake(2, &[0; 40]), UNEXPECTED_MESSAGE),
        ("a Finished", handshake(20, &[0; 12]), UNEXPECTED_MESSAGE),
        ("an unknown handshake message", handshake(99, b"x"), UNEXPECTED_MESSAGE),
        ("an empty ClientHello", handshake(1, b""), DECODE_ERROR),
        ("a ClientHello of garbage", handshake(1, &[0xff; 300]), DECODE_ERROR),
        // rustls misses the signature algorithms first, which these versions did not name.
        ("TLS 1.0", old_hello([3, 1], &[]), HANDSHAKE_FAILURE),
        ("TLS 1.1", old_hello([3, 2], &[]), HANDSHAKE_FAILURE),
        (
            "TLS 1.0 with extensions",
            old_hello([3, 1], &[&signatures[..], &groups].concat()),
            PROTOCOL_VERSION,
        ),
        (
            "TLS 1.1 with extensions",
            old_hello([3, 2], &[&signatures[..], &groups].concat()),
            PROTOCOL_VERSION,
        ),
        (
            "TLS 1.2 without a cipher of ours",
            old_hello([3, 3], &[&signatures[..], &groups].concat()),
            HANDSHAKE_FAILURE,
        ),
    ];
    // application_layer_protocol_negotiation: h2.
    let alpn = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    let mut h2 = old_hello([3, 3], &[&signatures[..], &groups, &alpn].concat());
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 instead of the first cipher.
    let suite = h2.windows(2).position(|bytes| bytes == [0xc0, 0x09]).unwrap_or_default();
    h2[suite + 1] = 0x2b;
    shots.push(("h2 by ALPN, and nothing else", h2, NO_APPLICATION_PROTOCOL));
    let attack = |(name, bytes, alert): (&str, Vec<u8>, u8)| {
        Attack::quick(format!("tls: {name}"), move |arena| {
            for one_by_one in [false, true] {
                let mut client = arena.bare()?;
                let piece = if one_by_one { bytes.len().div_ceil(2000) } else { bytes.len() };
                for piece in bytes.chunks(piece) {
                    if client.try_send(piece).is_err() {
                        break;
                    }
                }
                let came = client.rest()?;
                ensure(
                    came == [ALERT, 3, 3, 0, 2, 2, alert],
                    format!("{came:02x?} instead of the alert {alert}"),
                )?;
            }
            Ok(format!("alert {alert}"))
        })
    };
    let mut attacks: Vec<Attack> = shots.into_iter().map(attack).collect();
    attacks.push(Attack::quick("tls: a ClientHello of 16 MiB is announced", |arena| {
        let mut client = arena.bare()?;
        client.try_send(&record(HANDSHAKE, &[1, 0xff, 0xff, 0xff, 3, 3]))?;
        // rustls fails without an alert.
        ensure(client.rest()?.is_empty(), "an answer")?;
        Ok("the end at once".into())
    }));
    attacks.push(Attack::quick("tls: 1,000 beginnings of random bytes", |arena| {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut alerts, mut silent) = (0, 0);
        for n in 0..1000 {
            let mut bytes = if n % 2 == 0 { hello(arena)? } else { vec![0; random.usize(1..2000)] };
            if n % 2 == 0 {
                let at = random.usize(1..bytes.len());
                bytes[at] ^= 1 << random.u8(0..8);
            } else {
                random.fill(&mut bytes);
                bytes[0] = HANDSHAKE;
            }
            let mut client = arena.bare()?;
            client.send_and_finish(&bytes)?;
            match client.rest()?.as_slice() {
                [] => silent += 1,
                [ALERT, 3, 3, 0, 2, 2, _] => alerts += 1,
                // It was good enough for an answer.
                [HANDSHAKE, 3, 3, ..] => {}
                other => return Err(format!("{other:02x?}").into()),
            }
        }
        Ok(format!("{alerts} alerts, {silent} unfinished"))
    }));
    attacks
}

/// Records that are wrong once the handshake is done.
fn records() -> Vec<Attack> {
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
        Attack::quick(format!("tls: after the handshake {name}"), move |arena| {
            let mut told = Vec::new();
            for door in [arena.door.clone(), arena.door.over_tls_1_2()?] {
                let mut client = door.open()?;
                client.stream.write_all(&bytes)?;
                // The alert is protected: it is what the client's TLS makes of what comes.
                let error = match client.rest() {
                    Ok(bytes) => return Err(format!("no alert, but {bytes:02x?}").into()),
                    Err(error) => error.to_string(),
                };
                let alert = error.strip_prefix("received fatal alert: ").ok_or(error.clone())?;
                told.push(alert.to_owned());
            }
            Ok(told.join(", over TLS 1.2 "))
        })
    };
    shots.into_iter().map(attack).collect()
}

/// A ClientHello of 16 MiB, as far as the server takes it.
fn endless_hello(arena: &Arena) -> Verdict {
    let before = arena.memory();
    let mut client = arena.bare()?;
    client.try_send(&record(HANDSHAKE, &[&[1, 0, 0xff, 0xff][..], &[3; 16_000]].concat()))?;
    let mut sent = 0;
    while sent < 16 << 20 && client.try_send(&record(HANDSHAKE, &[3; 16_000])).is_ok() {
        sent += 16_000;
    }
    // Refused at once or when it was whole; a reset if it still sends.
    let _ = client.rest();
    arena.witness()?;
    let more = arena.memory().saturating_sub(before);
    ensure(sent < 16 << 20, "the server took it all")?;
    ensure(more <= 1024, format!("{more} KiB more memory"))?;
    Ok(format!("refused after {sent} bytes"))
}

/// What can be made of the bytes of a record costs the server no more than the bytes do.
fn tiny_records(arena: &Arena) -> Verdict {
    let (before, memory) = (arena.echo.processor_time(), arena.memory());
    let mut client = arena.bare()?;
    let hello = [&[1, 0, 0xea, 0x60][..], &[3; 60_000]].concat();
    let mut sent = 0;
    for byte in &hello {
        if client.try_send(&record(HANDSHAKE, &[*byte])).is_err() {
            break;
        }
        sent += 1;
    }
    arena.witness()?;
    let spent = arena.echo.processor_time() - before;
    let more = arena.memory().saturating_sub(memory);
    ensure(more <= 2048, format!("{more} KiB more memory"))?;
    ensure(spent < Duration::from_secs(2), format!("{spent:?} of the processor for {sent} records"))?;
    Ok(format!("{sent} records taken, {spent:?} of the processor"))
}

/// Each with data, so that it is no flood; the server updates its own keys as asked.
fn key_updates(arena: &Arena) -> Verdict {
    let mut connection = arena.door.connection()?.ok_or("no TLS")?;
    let mut stream = arena.bare()?.stream;
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
fn key_update_flood(arena: &Arena) -> Verdict {
    let before = arena.memory();
    let mut connection = arena.door.connection()?.ok_or("no TLS")?;
    let mut stream = arena.bare()?.stream;
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
    arena.witness()?;
    let more = arena.memory().saturating_sub(before);
    ensure(sent < 100_000, "all of them were taken")?;
    ensure(more <= 1024, format!("{more} KiB more memory"))?;
    Ok(format!("ended after {sent}"))
}

/// TCP ends, TLS did not: what was cut may be more.
fn truncation(_: &Arena) -> Verdict {
    let (echo, door) = start(&[], true);
    for says_so in [false, true] {
        let mut client = door.open()?;
        client.try_echo(b"before")?;
        let who = client.stream.local_addr()?.to_string();
        if says_so {
            client.try_finish()?;
        } else {
            client.stream.shutdown(std::net::Shutdown::Write)?;
        }
        ensure(client.rest()?.is_empty(), "more than the end")?;
        let line = echo.line(|line| line.contains(&who) && line.contains("disconnected"));
        ensure(line.contains("disconnected: 1006"), line)?;
    }
    Ok("1006, as with it".into())
}

fn plain_requests(_: &Arena) -> Verdict {
    let (echo, door) = start(&["--tls-only"], true);
    let with_port = format!("localhost:{}", echo.address().port());
    let upgrade = String::from_utf8_lossy(REQUEST).replace("localhost", &with_port);
    let page = format!("GET /some/path HTTP/1.1\r\nHost: {with_port}\r\n\r\n");
    for (request, path) in [(upgrade, "/"), (page, "/some/path")] {
        let mut client = echo.tcp();
        client.try_send(request.as_bytes())?;
        let answer = client.answer()?;
        ensure(answer.status == 400, format!("{} instead of 400", answer.status))?;
        let address = format!("https://{with_port}{path}");
        ensure(answer.body.lines().count() == 1 && answer.body.contains(&address), answer.body)?;
    }
    door.open()?.try_echo(b"over TLS")?;
    Ok("400, which names https".into())
}
