//! Attacks by mass on one connection or a few, by clients that do not read, and by random bytes.

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use microws_tests::frames::{frame, header};
use microws_tests::process::wait_until;
use microws_tests::raw::{KEY, REQUEST, Raw};

use crate::attack::{Attack, ServerUnderTest, Verdict, ensure};

pub(crate) fn attacks() -> Vec<Attack> {
    let masked = |b0, payload: &[u8]| frame(b0, KEY, payload);
    let mut attacks = Vec::new();
    let floods: [(&str, Vec<u8>, Vec<u8>, usize); 5] = [
        ("300,000 empty pings", masked(0x89, b""), frame(0x8a, None, b""), 300_000),
        ("100,000 pings of 125 bytes", masked(0x89, &[9; 125]), frame(0x8a, None, &[9; 125]), 100_000),
        ("500,000 empty messages", masked(0x82, b""), frame(0x82, None, b""), 500_000),
        ("500,000 texts of 1 byte", masked(0x81, b"x"), frame(0x81, None, b"x"), 500_000),
        ("300,000 pongs", masked(0x8a, b"x"), Vec::new(), 300_000),
    ];
    for (name, sent, back, n) in floods {
        attacks
            .push(Attack::long(format!("flood: {name}"), move |server| flood(server, &[], &sent, &back, n)));
    }
    attacks.push(Attack::long("flood: a message of 500,000 empty fragments", move |server| {
        // The message is begun and not ended.
        flood(server, &masked(0x01, b""), &masked(0x00, b""), &frame(0x00, None, b""), 500_000)
    }));
    attacks.push(Attack::long("unread: 40 clients send messages and never read", |server| {
        unread(server, 40, &frame(0x82, KEY, &[1; 50_000]))
    }));
    attacks.push(Attack::long("unread: 40 clients send pings and never read", |server| {
        unread(server, 40, &frame(0x89, KEY, &[2; 125]).repeat(400))
    }));
    attacks.push(Attack::long("unread: 40 clients send texts of 1 byte and never read", |server| {
        unread(server, 40, &frame(0x81, KEY, b"x").repeat(5_000))
    }));
    attacks.push(Attack::long("unread: 1,000 clients that never read", |server| crowd(server, 1000)));
    attacks.push(Attack::long("unread: 40 clients in the middle of a message of 2^60 bytes", |server| {
        let mut clients = narrow(server, 40)?;
        for client in &mut clients {
            client.try_send(&header(0x82, KEY, 1 << 60))?;
        }
        stuff_and_wait(server, clients, &[0; 50_000])
    }));
    attacks.push(Attack::quick("half-close: after the request", |server| {
        let mut client = server.tcp()?;
        client.try_send(REQUEST)?;
        client.finish();
        ensure(client.head()?.status == 101, "no 101")?;
        ensure(client.rest()?.is_empty(), "more than the 101")?;
        Ok("101 and the end".into())
    }));
    attacks.push(Attack::quick("half-close: after 1,000 messages", |server| {
        let mut client = server.open()?;
        let bytes = frame(0x81, KEY, b"hello").repeat(1000);
        client.try_send(&bytes)?;
        client.finish();
        ensure(client.rest()? == b"\x81\x05hello".repeat(1000), "not all echoes")?;
        Ok("all echoes and the end".into())
    }));
    attacks
        .push(Attack::long("random: 3,000 requests of random bytes", |server| random_heads(server, 3000, 1)));
    attacks
        .push(Attack::quick("random: 300 requests of random bytes", |server| random_heads(server, 300, 2)));
    attacks.push(Attack::long("random: 3,000 connections of random frames", |server| {
        random_frames(server, 3000, 3)
    }));
    attacks.push(Attack::quick("random: 300 connections of random frames", |server| {
        random_frames(server, 300, 4)
    }));
    attacks.push(Attack::long("100 flooding clients beside one that behaves well", fairness));
    attacks
}

/// Sends `sent` `n` times after `first`, and reads `back` as often.
fn flood(server: &ServerUnderTest, first: &[u8], sent: &[u8], back: &[u8], n: usize) -> Verdict {
    let before = server.memory();
    let mut client = server.open()?;
    client.try_send(first)?;
    // The beginning of a message, where there is one, comes back before the flood.
    let begun: &[u8] = if first.is_empty() { &[] } else { &[0x01, 0x00] };
    let mut expected = begun.iter().chain(back.iter().cycle());
    let mut left = begun.len() + n * back.len();
    let started = Instant::now();
    client.exchange(&sent.repeat(1000), n * sent.len(), |came| {
        left = left.checked_sub(came.len()).ok_or_else(|| io::Error::other("more came than was sent"))?;
        if came.iter().eq(expected.by_ref().take(came.len())) {
            Ok(left == 0)
        } else {
            Err(io::Error::other("something else came back"))
        }
    })?;
    server.well_behaved()?;
    let after = server.memory();
    ensure(after <= before + 2048, format!("{} KiB more memory", after - before))?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(format!("{:.0} a second", n as f64 / seconds))
}

/// KiB that may wait for all clients: the server's default.
const MOST_WAITING: u64 = 256 * 1024;

/// KiB that each may add when that is spent: the replies to one small read, and the server's state for it.
const LAST_READ: u64 = 64;

fn unread(server: &ServerUnderTest, n: usize, bytes: &[u8]) -> Verdict {
    stuff_and_wait(server, narrow(server, n)?, bytes)
}

/// Open WebSockets that hold little of what they do not read.
fn narrow(server: &ServerUnderTest, n: usize) -> Result<Vec<Raw>, Box<dyn Error>> {
    let open = |_| {
        let mut client = server.door.narrow()?;
        client.try_send(REQUEST)?;
        ensure(client.head()?.status == 101, "no 101")?;
        Ok(client)
    };
    (0..n).map(open).collect()
}

/// Sends until the server takes no more; its memory is bounded, and in the end it gives them up.
fn stuff_and_wait(server: &ServerUnderTest, clients: Vec<Raw>, bytes: &[u8]) -> Verdict {
    let before = server.memory();
    let files = server.echo.open_files();
    let n = clients.len() as u64;
    let most = thread::scope(|scope| -> Result<u64, Box<dyn Error>> {
        let senders: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                scope.spawn(move || {
                    // Ends when the server resets the connection.
                    while client.try_send(bytes).is_ok() {}
                })
            })
            .collect();
        let mut most = 0;
        while !senders.iter().all(thread::ScopedJoinHandle::is_finished) {
            most = most.max(server.memory());
            server.well_behaved()?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(most)
    })?;
    let all = most.saturating_sub(before);
    ensure(all <= MOST_WAITING + n * LAST_READ, format!("{all} KiB for all of them"))?;
    wait_until("they are dropped", || (server.echo.open_files() <= files - n as usize).then_some(()));
    wait_until("the memory returns", || (server.memory() <= before + 4096).then_some(()));
    Ok(format!("{all} KiB for all of them, then dropped"))
}

/// So many that each gets only its share; others are served meanwhile.
fn crowd(server: &ServerUnderTest, n: usize) -> Verdict {
    let arguments = ["--write-timeout", "60", "--backlog-total", "64000000"];
    let server = &ServerUnderTest::with(&arguments, server.door.is_tls());
    let before = server.memory();
    let bytes = frame(0x82, KEY, &[1; 50_000]);
    let mut clients = narrow(server, n)?;
    for client in &clients {
        client.stream.set_nonblocking(true)?;
    }
    let (mut at, mut echoes, mut most) = (vec![0; n], Vec::new(), 0);
    let started = Instant::now();
    // The kernel takes a lot before the server has to.
    while most < before + 60_000 && started.elapsed() < Duration::from_secs(30) {
        for (i, (client, at)) in clients.iter_mut().zip(&mut at).enumerate() {
            if let Ok(n) = client.write(&bytes[*at..]) {
                *at = (*at + n) % bytes.len();
            }
            if i % 50 == 0 {
                echoes.push(server.well_behaved()?);
            }
        }
        most = most.max(server.memory());
    }
    let all = most.saturating_sub(before);
    ensure(all <= 64_000 + n as u64 * LAST_READ, format!("{all} KiB for all of them"))?;
    drop(clients);
    wait_until("the memory returns", || {
        (server.memory() <= before + 4096 + server.left_by(n as u64)).then_some(())
    });
    echoes.sort();
    let (median, longest) = (echoes[echoes.len() / 2], echoes[echoes.len() - 1]);
    Ok(format!("{all} KiB for all of them; others had an echo in {median:.1?}, {longest:.1?} at most"))
}

fn random_heads(server: &ServerUnderTest, n: usize, seed: u64) -> Verdict {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut refused, mut accepted, mut silent) = (0, 0, 0);
    for _ in 0..n {
        let mut bytes = match random.u8(0..3) {
            0 => (0..random.usize(1..400)).map(|_| random.u8(..)).collect(),
            // Something like a head, of its own words.
            1 => (0..random.usize(1..60))
                .flat_map(|_| {
                    *random
                        .choice(
                            [
                                &b"\r\n"[..],
                                b": ",
                                b"GET / HTTP/1.1",
                                b"Host",
                                b"a",
                                b" ",
                                b"\r",
                                b"\n",
                                b"\0",
                                b"Upgrade",
                            ]
                            .iter(),
                        )
                        .expect("some")
                })
                .copied()
                .collect(),
            _ => REQUEST.to_vec(),
        };
        // A few bytes are others, gone, or doubled.
        for _ in 0..random.usize(0..4) {
            let at = random.usize(0..bytes.len());
            match random.u8(0..3) {
                0 => bytes[at] = random.u8(..),
                1 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        let mut client = server.tcp()?;
        // It may be refused before all was sent, and end when it was refused.
        let _ = client.try_send(&bytes);
        let _ = client.try_finish();
        match client.head() {
            Ok(answer) if answer.status == 101 => accepted += 1,
            Ok(answer) => {
                ensure(matches!(answer.status, 200 | 400..=505), format!("status {}", answer.status))?;
                refused += 1;
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => silent += 1,
            Err(error) => return Err(error.into()),
        }
        client.rest()?;
    }
    Ok(format!("{refused} refused, {accepted} accepted, {silent} unfinished"))
}

fn random_frames(server: &ServerUnderTest, n: usize, seed: u64) -> Verdict {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut failed, mut ended) = (0, 0);
    for _ in 0..n {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..20) {
            if random.u8(0..4) == 0 {
                bytes.extend((0..random.usize(1..50)).map(|_| random.u8(..)));
            } else {
                let b0 = *random.choice([0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a].iter()).expect("some");
                let key = [random.u8(..), random.u8(..), random.u8(..), random.u8(..)];
                let len = *random.choice([0, 1, 3, 125, 126, 200, 65_536].iter()).expect("some");
                bytes.extend(frame(b0, Some(key), &vec![b'a'; len]));
            }
        }
        if random.bool() {
            let at = random.usize(0..bytes.len());
            bytes[at] ^= 1 << random.u8(0..8);
        }
        let mut client = server.open()?;
        // Whatever it was: frames come back, and a close frame or the end of the connection.
        client.send_and_finish(&bytes)?;
        loop {
            match client.try_frame() {
                Ok(frame) if frame.b0 == 0x88 => {
                    let code = u16::from_be_bytes(frame.payload.get(..2).unwrap_or(&[0; 2]).try_into()?);
                    ensure(matches!(code, 0 | 1000..=1014 | 3000..=4999), format!("close code {code}"))?;
                    ensure(client.rest()?.is_empty(), "bytes after the close frame")?;
                    failed += 1;
                    break;
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    ended += 1;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(format!("{failed} failed, {ended} ended"))
}

/// A socket that sends the same bytes for ever and drops what comes, without ever blocking.
pub(crate) struct Flooder {
    client: Raw,
    bytes: Vec<u8>,
    sent: usize,
}

impl Flooder {
    pub(crate) fn new(client: Raw, bytes: Vec<u8>) -> Result<Self, Box<dyn Error>> {
        client.stream.set_nonblocking(true)?;
        Ok(Self { client, bytes, sent: 0 })
    }

    /// Sends and reads what is possible now; answers how many bytes that were.
    pub(crate) fn go(&mut self, space: &mut [u8]) -> Result<usize, Box<dyn Error>> {
        let mut moved = 0;
        match self.client.write(&self.bytes[self.sent..]) {
            Ok(n) => {
                self.sent = (self.sent + n) % self.bytes.len();
                moved += n;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        match self.client.read(space) {
            Ok(0) => return Err("the server ended a flood that is no fault".into()),
            Ok(n) => moved += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        Ok(moved)
    }
}

/// Floods of several kinds, none of them a fault.
pub(crate) fn flooders(server: &ServerUnderTest, n: usize) -> Result<Vec<Flooder>, Box<dyn Error>> {
    let kinds = [
        frame(0x81, KEY, b"x").repeat(10_000),
        frame(0x89, KEY, b"").repeat(10_000),
        [frame(0x01, KEY, b""), frame(0x00, KEY, b"").repeat(10_000), frame(0x80, KEY, b"")].concat(),
        frame(0x82, KEY, &[0x5a; 100_000]),
    ];
    (0..n).map(|i| Flooder::new(server.open()?, kinds[i % kinds.len()].clone())).collect()
}

fn fairness(server: &ServerUnderTest) -> Verdict {
    let mut flooders = flooders(server, 100)?;
    let (mut latencies, mut moved) = (Vec::new(), 0usize);
    let started = Instant::now();
    thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let flooding = scope.spawn(move || -> Result<usize, String> {
            let (mut space, mut moved) = (vec![0; 1 << 18], 0);
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                for flooder in &mut flooders {
                    moved += flooder.go(&mut space).map_err(|error| error.to_string())?;
                }
            }
            Ok(moved)
        });
        // Let it come to full flood first.
        let full = Instant::now();
        let watched = (|| -> Result<(), Box<dyn Error>> {
            while full.elapsed() < Duration::from_secs(5) {
                let latency = server.well_behaved()?;
                if full.elapsed() > Duration::from_millis(500) {
                    latencies.push(latency);
                }
            }
            Ok(())
        })();
        drop(stop);
        moved = flooding.join().map_err(|_| "the flooder panicked")??;
        watched
    })?;
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    // Generous, because the flooding clients and the measuring one share a machine with the server.
    ensure(at(1.0) < 1000.0, format!("an echo took {:.0} ms", at(1.0)))?;
    Ok(format!(
        "median {:.1}, 99 % {:.1}, longest {:.1} ms of {} echoes; {:.0} MB/s beside",
        at(0.5),
        at(0.99),
        at(1.0),
        latencies.len(),
        moved as f64 / 1e6 / started.elapsed().as_secs_f64()
    ))
}
