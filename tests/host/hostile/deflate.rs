//! Attacks with compressed messages (RFC 7692).

use microws_tests::frames::{frame, header};
use microws_tests::raw::{KEY, Raw, offering};
use microws_tests::zlib::{Compressor, inflate};
use zlib_rs::Strategy;

use crate::attack::{Attack, DEFLATE_MEMORY, Must, ServerUnderTest, Shot, Verdict, ensure};

/// How much more memory the server may have while it is under one of these, in KiB: beside what is configured.
const MORE: u64 = 4 * 1024;

pub(crate) fn attacks() -> Vec<Attack> {
    let mut attacks: Vec<Attack> = shots().into_iter().map(into_attack).collect();
    attacks.push(Attack::quick("deflate: RSV1 without negotiation", |server| {
        let mut client = server.open()?;
        client.try_send(&frame(0xc1, KEY, HELLO))?;
        let (code, _) = client.try_closed()?;
        ensure(code == 1002, format!("close code {code}"))?;
        Ok("1002".into())
    }));
    attacks.push(Attack::long("deflate: 100 bombs of 10 MiB in 10 KB each, at once", bombs));
    attacks.push(Attack::long("deflate: a bomb of 100 MiB that is not read", |server| unread(server, "")));
    attacks.push(Attack::long("deflate: a bomb of 100 MiB that goes back plain and is not read", |server| {
        unread(server, "; server_max_window_bits=8")
    }));
    attacks.push(Attack::quick("deflate: a million empty blocks in a message", |server| {
        blocks(server, b"\x00\x00\x00\xff\xff", 1_000_000)
    }));
    attacks.push(Attack::quick("deflate: 100,000 last blocks in a message", |server| {
        blocks(server, b"\x01\x00\x00\xff\xff", 100_000)
    }));
    attacks.push(Attack::quick("deflate: a compressed message cut at every byte", cut_everywhere));
    attacks.push(Attack::quick("deflate: 1,000 resets in the middle of a message", |server| {
        let half = &deflated(&vec![b'h'; 100_000])[..60];
        for _ in 0..1000 {
            let mut client = open(server, "")?;
            client.try_send(&frame(0x42, KEY, half))?;
            client.reset();
        }
        Ok("no trace".into())
    }));
    attacks.push(Attack::long("deflate: a thousand clients with half a message each", halves));
    attacks.push(Attack::long("deflate: 20,000 random payloads", |server| {
        let (mut rng, mut codes) = (fastrand::Rng::with_seed(7692), [0; 3]);
        for _ in 0..20_000 {
            let mut client = open(server, "")?;
            let payload: Vec<u8> = (0..rng.usize(1..60)).map(|_| rng.u8(..)).collect();
            client.try_send(&frame(0xc2, KEY, &payload))?;
            client.try_send(&frame(0x88, KEY, &1000u16.to_be_bytes()))?;
            match client.try_closed()?.0 {
                1000 => codes[0] += 1,
                1007 => codes[1] += 1,
                code => return Err(format!("close code {code} for {payload:02x?}").into()),
            }
        }
        Ok(format!("{} were messages, {} failed with 1007", codes[0], codes[1]))
    }));
    attacks
}

/// "Hello" as RFC 7692 section 7.2.3.1 prints it.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

fn deflated(plain: &[u8]) -> Vec<u8> {
    Compressor::new(9, 15, Strategy::Default).message(plain)
}

/// An open WebSocket with compression; `more` follows in the offer.
fn open(server: &ServerUnderTest, more: &str) -> Result<Raw, Box<dyn std::error::Error>> {
    let mut client = server.tcp()?;
    client.try_send(&offering("/", &format!("permessage-deflate{more}")))?;
    let answer = client.head()?;
    ensure(answer.status == 101, format!("status {}", answer.status))?;
    ensure(answer.field("Sec-WebSocket-Extensions").is_some(), "no compression was agreed on")?;
    Ok(client)
}

/// The attack of a shot at a client with compression.
fn into_attack(shot: Shot) -> Attack {
    shot.into_attack_on(|server| open(server, ""))
}

fn shots() -> Vec<Shot> {
    let bad = |name: &str, payload: &[u8]| {
        Shot::new(format!("deflate: {name}"), frame(0xc1, KEY, payload), Must::Close(1007))
    };
    let misplaced =
        |name: &str, bytes: Vec<u8>| Shot::new(format!("deflate: {name}"), bytes, Must::Close(1002));
    let hello = |b0| frame(b0, KEY, HELLO);
    vec![
        bad("no payload at all", b""),
        bad("a block type that does not exist", b"\x06"),
        bad("a stored block with a wrong complement", b"\x00\x05\x00\xfb\xff\x48\x65\x6c\x6c\x6f\x00"),
        bad("a stored block that ends early", b"\x00\x05\x00\xfa\xff\x48\x65"),
        bad("a distance to before the start", b"\x02\x13\x00\x00"),
        bad("a length code that does not exist", b"\x1b\x03"),
        // Dynamic codes: 286 lengths and more, 19 code lengths of one bit, a single code of two bits, a repeat of nothing.
        bad("too many length codes", b"\xfc\x00\x00"),
        bad("an over-subscribed code", b"\x04\x00\xfe\xff\xff\xff\xff\xff\xff\xff\xff"),
        bad("an incomplete code", b"\x04\x80\x00\x00\x00\x00\x00\x00\x00\x10\x00"),
        bad("a repeat of nothing", b"\x04\x00\x24\x09\x00\x00\x00\x00\x00\xff\xff"),
        bad("a stream cut off", &HELLO[..4]),
        bad("a stream that ends without a byte after it", b"\xf3\x48\xcd\xc9\xc9\x07\x00"),
        bad("text that is none", &deflated(b"caf\xe9 au lait")),
        bad("text cut off", &deflated("caf\u{e9}".as_bytes().split_last().expect("bytes").1)),
        misplaced(
            "RSV1 on a continuation",
            [frame(0x41, KEY, &HELLO[..3]), frame(0xc0, KEY, &HELLO[3..])].concat(),
        ),
        misplaced("RSV1 on a ping", hello(0xc9)),
        misplaced("RSV1 on a pong", hello(0xca)),
        misplaced("RSV1 on a close", hello(0xc8)),
        misplaced("RSV2", hello(0xa1)),
        misplaced("RSV1 and RSV3", hello(0xd1)),
        misplaced("a message inside a message", [frame(0x41, KEY, &HELLO[..3]), hello(0xc1)].concat()),
    ]
}

fn bombs(server: &ServerUnderTest) -> Verdict {
    let before = server.memory();
    let plain = vec![0; 10 << 20];
    let bomb = frame(0xc2, KEY, &deflated(&plain));
    ensure(bomb.len() < 11_000, format!("{} bytes", bomb.len()))?;
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = open(server, "")?;
        client.try_send(&bomb)?;
        clients.push(client);
    }
    let echo = server.well_behaved()?;
    let more = server.memory().saturating_sub(before);
    ensure(more <= DEFLATE_MEMORY / 1024, format!("{more} KiB more memory"))?;
    for client in &mut clients {
        let (_, message) = client.try_message()?;
        ensure(message.len() < 200_000, format!("{} bytes back", message.len()))?;
        ensure(inflate(&message, 15, plain.len()).is_some_and(|came| came == plain), "another message")?;
    }
    Ok(format!("{more} KiB more memory, an echo meanwhile took {:.1} ms", echo.as_secs_f64() * 1e3))
}

fn unread(server: &ServerUnderTest, more: &str) -> Verdict {
    let before = server.memory();
    let bomb = frame(0xc2, KEY, &deflated(&vec![0; 100 << 20]));
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = open(server, more)?;
        client.try_send(&bomb)?;
        clients.push(client);
    }
    let echoes = (0..20).map(|_| server.well_behaved()).collect::<Result<Vec<_>, _>>()?;
    let more = server.memory().saturating_sub(before);
    ensure(more <= 2 * MORE, format!("{more} KiB more memory"))?;
    let slowest = echoes.into_iter().max().unwrap_or_default();
    Ok(format!(
        "{more} KiB more memory, an echo meanwhile took {:.1} ms at most",
        slowest.as_secs_f64() * 1e3
    ))
}

/// Blocks without end, and the end of the message at last.
fn blocks(server: &ServerUnderTest, block: &[u8], n: usize) -> Verdict {
    let before = server.memory();
    let mut client = open(server, "")?;
    client.try_send(&header(0x42, KEY, (block.len() * n) as u64))?;
    let mut masked = frame(0x42, KEY, &block.repeat(4 * 1000)).split_off(8);
    // The mask goes round after so many.
    masked.truncate(block.len() * 4000);
    for _ in 0..n / 4000 {
        client.try_send(&masked)?;
    }
    let echo = server.well_behaved()?;
    client.try_send(&frame(0x80, KEY, HELLO))?;
    let (_, message) = client.try_message()?;
    ensure(message == b"Hello", "another message")?;
    let more = server.memory().saturating_sub(before);
    ensure(more <= MORE, format!("{more} KiB more memory"))?;
    Ok(format!("an echo meanwhile took {:.1} ms", echo.as_secs_f64() * 1e3))
}

fn cut_everywhere(server: &ServerUnderTest) -> Verdict {
    let text = "{\"sensor\":\"temp-1\",\"value\":21.5}, ".repeat(20);
    let bytes = frame(0xc1, KEY, &deflated(text.as_bytes()));
    for at in 1..bytes.len() {
        let mut client = open(server, "")?;
        let (first, second) = bytes.split_at(at);
        client.try_send(first)?;
        server.well_behaved()?;
        client.try_send(second)?;
        let (_, message) = client.try_message()?;
        ensure(!message.is_empty(), format!("nothing back, cut at {at}"))?;
    }
    Ok(format!("{} cuts", bytes.len() - 1))
}

fn halves(server: &ServerUnderTest) -> Verdict {
    let before = server.memory();
    let mut rng = fastrand::Rng::with_seed(1);
    // As much as fills the window of each.
    let plain: Vec<u8> = (0..100_000).map(|_| b"abcdefgh \n"[rng.usize(..10)]).collect();
    let payload = deflated(&plain);
    let (half, rest) = payload.split_at(payload.len() / 2);
    let mut clients = Vec::new();
    for _ in 0..1000 {
        let mut client = open(server, "")?;
        client.try_send(&frame(0x42, KEY, half))?;
        clients.push(client);
    }
    // The server has read all of that.
    server.well_behaved()?;
    let mut kept = Vec::new();
    let mut refused = 0;
    for mut client in clients {
        client.try_send(&frame(0x89, KEY, b"p"))?;
        // Its pong, or the close frame.
        let frame = loop {
            let frame = client.try_frame()?;
            if frame.b0 & 0x08 != 0 {
                break frame;
            }
        };
        match frame.b0 {
            0x8a => kept.push(client),
            _ if frame.payload.starts_with(&1013u16.to_be_bytes()) => refused += 1,
            _ => return Err(format!("{frame:02x?}").into()),
        }
    }
    ensure(refused > 800 && kept.len() > 90, format!("{refused} refused, {} kept", kept.len()))?;
    let echo = server.well_behaved()?;
    let more = server.memory().saturating_sub(before);
    ensure(more <= DEFLATE_MEMORY / 1024 + MORE, format!("{more} KiB more memory"))?;
    let count = kept.len();
    for client in &mut kept {
        client.try_send(&frame(0x80, KEY, rest))?;
        while client.try_frame()?.b0 & 0x80 == 0 {}
    }
    Ok(format!(
        "{count} were finished, {refused} got 1013, {more} KiB more memory, an echo meanwhile took {:.1} ms",
        echo.as_secs_f64() * 1e3
    ))
}
