//! Attacks on TLS itself.

mod beginnings;
mod records;

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use microws_tests::frames::frame;
use microws_tests::process::wait_until;
use microws_tests::raw::{KEY, REQUEST, Raw};
use rustls::ClientConnection;

use crate::attack::{Attack, ServerUnderTest, Verdict, ensure, start};

use beginnings::beginnings;
use records::{endless_hello, key_update_flood, key_updates, records, tiny_records};

/// Types of records (RFC 8446 section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks = beginnings();
    attacks.extend(records());
    attacks.push(Attack::quick("tls: a ClientHello cut at every byte, then the end", |server| {
        let hello = hello(server)?;
        for cut in 0..hello.len() {
            let mut client = server.bare()?;
            client.try_send(&hello[..cut])?;
            client.finish();
            ensure(client.rest()?.is_empty(), format!("an answer, cut at {cut}"))?;
        }
        Ok(format!("{} cuts", hello.len()))
    }));
    attacks.push(Attack::quick("tls: a ClientHello cut at every byte, then the rest", |server| {
        let len = hello(server)?.len();
        for cut in 0..=len {
            let (mut connection, hello) = begun(server)?;
            let mut client = server.bare()?;
            let cut = cut.min(hello.len());
            client.try_send(&hello[..cut])?;
            server.well_behaved()?;
            client.try_send(&hello[cut..])?;
            connection.complete_io(&mut client.stream).map_err(|error| format!("cut at {cut}: {error}"))?;
        }
        Ok(format!("{} cuts", len + 1))
    }));
    attacks.push(Attack::long("tls: a ClientHello cut at every byte, then nothing", |server| {
        let hello = hello(server)?;
        let mut clients = Vec::new();
        for cut in 0..hello.len() {
            let mut client = server.bare()?;
            client.try_send(&hello[..cut])?;
            clients.push(client);
        }
        let started = Instant::now();
        for client in &mut clients {
            ended_by_deadline(client, started)?;
        }
        Ok(format!("{} ended in {:.1} s", clients.len(), started.elapsed().as_secs_f64()))
    }));
    attacks.push(Attack::long("tls: slow ClientHellos, a byte now and then, 100 at once", |server| {
        let hello = hello(server)?;
        let mut clients = (0..100).map(|_| server.bare()).collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        for byte in &hello {
            if clients.iter_mut().filter_map(|client| client.try_send(&[*byte]).ok()).count() == 0 {
                return Ok(format!("ended after {:.1} s", started.elapsed().as_secs_f64()));
            }
            server.well_behaved()?;
            thread::sleep(Duration::from_millis(50));
        }
        Err("the handshake went on".into())
    }));
    attacks.push(Attack::quick("tls: an endless ClientHello", endless_hello));
    attacks.push(Attack::long(
        "tls: a ClientHello of 60,000 bytes, a byte in each record and segment",
        tiny_records,
    ));
    attacks.push(Attack::long("tls: 1,000 handshakes begun and dropped", |server| {
        let (_, hello) = begun(server)?;
        for n in 0..1000 {
            let mut client = server.bare()?;
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
    attacks.push(Attack::long("tls: 1,000 handshakes begun at once and left", |server| {
        let mut clients = Vec::new();
        for _ in 0..1000 {
            let mut client = server.bare()?;
            client.try_send(&hello(server)?)?;
            clients.push(client);
        }
        server.well_behaved()?;
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
        |server| {
            let message = frame(0x82, KEY, &vec![7; 1 << 24]);
            let mut client = server.door.narrow()?;
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
        |server| {
            let before = server.memory();
            let files = server.echo.open_files();
            let message = frame(0x82, KEY, &vec![7; 1 << 24]);
            let mut client = server.door.narrow()?;
            client.upgrade();
            // The kernel and the server may take all of it.
            let _ = client.try_send(&message);
            wait_until("it is dropped", || (server.echo.open_files() <= files).then_some(()));
            wait_until("the memory returns", || (server.memory() <= before + 4096).then_some(()));
            Ok("dropped".into())
        },
    ));
    attacks.push(Attack::quick("tls: the end without close_notify is reported as 1006", truncation));
    attacks.push(Attack::quick("tls: plain requests where TLS is a must", plain_requests));
    attacks
}

/// A client's TLS, and its ClientHello.
fn begun(server: &ServerUnderTest) -> Result<(ClientConnection, Vec<u8>), Box<dyn Error>> {
    let mut connection = server.door.connection()?.ok_or("no TLS")?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok((connection, hello))
}

fn hello(server: &ServerUnderTest) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(begun(server)?.1)
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

/// TCP ends, TLS did not: what was cut may be more.
fn truncation(_: &ServerUnderTest) -> Verdict {
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

fn plain_requests(_: &ServerUnderTest) -> Verdict {
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
