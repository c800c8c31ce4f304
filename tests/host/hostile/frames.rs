//! Attacks with frames.

use microws_tests::frames::{frame, header, messages};
use microws_tests::raw::{KEY, close_payload, header_with_length, masked_payload};

use crate::attack::{Attack, Must, ServerUnderTest, Shot, Verdict, ensure};

/// A masked frame.
fn framed(b0: u8, payload: &[u8]) -> Vec<u8> {
    frame(b0, KEY, payload)
}

pub(crate) fn attacks() -> Vec<Attack> {
    let shots = shapes().into_iter().chain(order()).chain(closes()).chain(texts()).chain(lengths());
    let mut attacks: Vec<Attack> = shots.map(|shot| shot.into_attack(true)).collect();
    attacks.push(Attack::quick("frames cut at every byte", cut_everywhere));
    attacks.push(Attack::quick("a frame that ends anywhere in its bytes", ends_anywhere));
    attacks.push(Attack::quick("a reset in the middle of a frame, 500 times", |server| {
        for n in 0..500usize {
            let mut client = server.open()?;
            client.try_send(&header(0x82, KEY, 70_000))?;
            client.try_send(&vec![0; n * 100])?;
            client.reset();
        }
        Ok("no trace".into())
    }));
    attacks.push(Attack::quick("2^62 bytes are announced, some come", |server| {
        let before = server.memory();
        let mut client = server.open()?;
        client.try_send(&header_with_length(0x82, 1 << 62, 8))?;
        let chunk = vec![0x5a; 100_000];
        let (mut sent, mut back) = (0, 0);
        for _ in 0..50 {
            client.try_send(&chunk)?;
            sent += chunk.len();
            // Less than the shortest fragment is held back.
            while back + 16 * 1024 <= sent {
                back += client.try_frame()?.payload.len();
            }
        }
        let after = server.memory();
        ensure(after <= before + 1024, format!("{} KiB more memory", after - before))?;
        Ok("echoed as they came".into())
    }));
    attacks
}

/// Illegal frame shapes of sections 5.1, 5.2 and 5.5.
fn shapes() -> Vec<Shot> {
    let bad = |name: String, bytes| Shot::new(format!("frame: {name}"), bytes, Must::Close(1002));
    let mut shots = Vec::new();
    for bits in 1..8u8 {
        shots.push(bad(format!("reserved bits {bits:03b}"), framed(0x81 | (bits << 4), b"x")));
    }
    for opcode in (3..8).chain(11..16) {
        shots.push(bad(format!("reserved opcode {opcode:x}"), framed(0x80 | opcode, b"x")));
    }
    for (name, opcode) in [("close", 8), ("ping", 9), ("pong", 10)] {
        shots.push(bad(format!("a fragmented {name}"), framed(opcode, b"")));
        shots.push(bad(format!("a {name} of 126 bytes"), framed(0x80 | opcode, &[b'x'; 126])));
        shots.push(bad(format!("a {name} of 65,536 bytes"), framed(0x80 | opcode, &[b'x'; 65_536])));
        shots.push(bad(format!("an unmasked {name}"), frame(0x80 | opcode, None, b"")));
        shots.push(bad(format!("a {name} with a reserved bit"), framed(0xc0 | opcode, b"")));
        shots.push(bad(
            format!("a {name} whose length of 5 stands in two bytes"),
            [header_with_length(0x80 | opcode, 5, 2), masked_payload(b"12345")].concat(),
        ));
    }
    for (name, opcode) in [("text", 1), ("binary", 2)] {
        shots.push(bad(format!("an unmasked {name}"), frame(0x80 | opcode, None, b"hello")));
        shots.push(bad(format!("an unmasked empty {name}"), frame(0x80 | opcode, None, b"")));
    }
    shots.push(bad("an unmasked continuation".into(), [framed(1, b"a"), frame(0x80, None, b"b")].concat()));
    shots
}

/// Sections 5.4 and 5.5: what may follow what.
fn order() -> Vec<Shot> {
    let bad = |name: &str, bytes| Shot::new(format!("order: {name}"), bytes, Must::Close(1002));
    vec![
        bad("a continuation of nothing", framed(0x80, b"x")),
        bad("an unfinished continuation of nothing", framed(0x00, b"x")),
        bad("a continuation after a whole message", [framed(0x81, b"a"), framed(0x80, b"b")].concat()),
        bad("a text in the middle of a message", [framed(0x01, b"a"), framed(0x81, b"b")].concat()),
        bad("a binary in the middle of a text", [framed(0x01, b"a"), framed(0x82, b"b")].concat()),
        bad("a message begun twice", [framed(0x02, b"a"), framed(0x02, b"b")].concat()),
        Shot::new(
            "order: pings in the middle of a message",
            [
                framed(0x01, b"a"),
                framed(0x89, b"1"),
                framed(0x00, b""),
                framed(0x89, b"2"),
                framed(0x80, b"b"),
            ]
            .concat(),
            Must::Bytes(b"\x01\x01a\x8a\x011\x00\x00\x8a\x012\x80\x01b".into()),
        ),
        Shot::new(
            "order: pongs that nobody asked for",
            framed(0x8a, b"x").repeat(100),
            Must::Bytes(Vec::new()),
        ),
        Shot::new(
            "order: frames after the close frame",
            [framed(0x88, b""), framed(0x81, b"x").repeat(1000)].concat(),
            Must::Close(1005),
        ),
        Shot::new(
            "order: a fault after the close frame",
            [framed(0x88, &close_payload(1000, "")), b"\xff\xff".to_vec()].concat(),
            Must::Close(1000),
        ),
    ]
}

/// Sections 5.5.1 and 7.4.
fn closes() -> Vec<Shot> {
    let shot = |name: String, payload: &[u8], code| {
        Shot::new(format!("close: {name}"), framed(0x88, payload), Must::Close(code))
    };
    let mut shots = vec![
        shot("half a code".into(), &[3], 1002),
        shot("a reason that is no UTF-8".into(), &[3, 232, 0xff], 1007),
        shot("a reason cut in the middle of a code point".into(), &[3, 232, b'a', 0xe2, 0x82], 1007),
        shot("no code".into(), &[], 1005),
        shot("a reason of 123 bytes".into(), &close_payload(1000, &"r".repeat(123)), 1000),
        Shot::new("close: two at once", framed(0x88, &close_payload(1000, "")).repeat(2), Must::Close(1000)),
        Shot::new(
            "close: in the middle of a message",
            [framed(0x01, b"a"), framed(0x88, &close_payload(1001, ""))].concat(),
            Must::Close(1001),
        ),
    ];
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535] {
        shots.push(shot(format!("the code {code}"), &close_payload(code, "reason"), 1002));
    }
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
        shots.push(shot(format!("the code {code} is fine"), &close_payload(code, "reason"), code));
    }
    shots
}

/// Section 8.1.
fn texts() -> Vec<Shot> {
    let bad = |name: &str, bytes| Shot::new(format!("text: {name}"), bytes, Must::Close(1007));
    let mut shots: Vec<Shot> = [
        ("a lone continuation byte", &b"\x80"[..]),
        ("0xff", b"fine \xff"),
        ("an overlong slash", b"\xc0\xaf"),
        ("an overlong NUL of three bytes", b"\xe0\x80\x80"),
        ("a surrogate", b"\xed\xa0\x80"),
        ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
        ("five bytes", b"\xf8\x88\x80\x80\x80"),
        ("cut at the end", b"\xe2\x82"),
        ("two beginnings", b"\xe2\xe2\x82\xac"),
    ]
    .into_iter()
    .map(|(name, payload)| bad(name, framed(0x81, payload)))
    .collect();
    shots.push(bad(
        "a fault in the second fragment",
        [framed(0x01, b"\xe2\x82"), framed(0x80, b"\x20")].concat(),
    ));
    shots.push(bad(
        "a fragment cut at the end of the message",
        [framed(0x01, b"ok"), framed(0x80, b"\xe2\x82")].concat(),
    ));
    shots.push(bad(
        "a fault in a frame that never ends",
        [header(0x81, KEY, 1 << 50), masked_payload(b"ab\xfe")].concat(),
    ));
    shots
        .push(bad("a fault after 60,000 good bytes", framed(0x81, &[&[b'x'; 60_000][..], b"\xff"].concat())));
    shots
}

/// Section 5.2: lengths.
fn lengths() -> Vec<Shot> {
    let bad = |name: String, len, size| {
        Shot::new(format!("length: {name}"), header_with_length(0x82, len, size), Must::Close(1002))
    };
    let mut shots = vec![
        bad("2^63".into(), 1 << 63, 8),
        bad("2^63 + 5".into(), (1 << 63) + 5, 8),
        bad("2^64 - 1".into(), u64::MAX, 8),
    ];
    for len in [0, 1, 125] {
        shots.push(bad(format!("{len} in two bytes"), len, 2));
    }
    for len in [0, 125, 126, 65_535] {
        shots.push(bad(format!("{len} in eight bytes"), len, 8));
    }
    shots
}

/// First bytes and payloads of frames, fragments put together.
type Messages = Vec<(u8, Vec<u8>)>;

fn script() -> (Vec<u8>, Messages) {
    let text = "h\u{e9}llo \u{20ac} \u{1f600}";
    let bytes = [
        framed(0x81, text.as_bytes()),
        framed(0x89, b"ping"),
        framed(0x02, b"frag"),
        framed(0x00, b""),
        framed(0x89, b""),
        framed(0x80, b"ments"),
        framed(0x82, &[7; 126]),
        framed(0x81, b""),
        framed(0x8a, b"pong"),
    ];
    let answers = vec![
        (0x81, text.as_bytes().to_vec()),
        (0x8a, b"ping".to_vec()),
        (0x8a, Vec::new()),
        (0x82, b"fragments".to_vec()),
        (0x82, vec![7; 126]),
        (0x81, Vec::new()),
    ];
    (bytes.concat(), answers)
}

/// The server's frames up to its close frame, put together; a pong in the middle of a message comes before it.
fn answers(client: &mut microws_tests::raw::Raw) -> Result<Messages, Box<dyn std::error::Error>> {
    let (mut data, mut all) = (Vec::new(), Vec::new());
    loop {
        let frame = client.try_frame()?;
        if frame.b0 == 0x88 {
            ensure(client.rest()?.is_empty(), "bytes after the close frame")?;
            return Ok(all);
        } else if frame.b0 & 0x08 != 0 {
            all.push((frame.b0, frame.payload));
        } else {
            let fin = frame.b0 & 0x80 != 0;
            data.push(frame);
            if fin {
                all.extend(messages(&std::mem::take(&mut data)));
            }
        }
    }
}

fn cut_everywhere(server: &ServerUnderTest) -> Verdict {
    let (bytes, expected) = script();
    let close = framed(0x88, &close_payload(1000, "bye"));
    let whole = [&bytes[..], &close].concat();
    for cut in 0..=whole.len() {
        let mut client = server.open()?;
        client.try_send(&whole[..cut])?;
        // The server has taken the first part when the well-behaved client has its echo.
        server.well_behaved()?;
        client.try_send(&whole[cut..])?;
        let came = answers(&mut client)?;
        ensure(came == expected, format!("cut at {cut}: {came:?}"))?;
    }
    Ok(format!("{} cuts", whole.len() + 1))
}

fn ends_anywhere(server: &ServerUnderTest) -> Verdict {
    let (bytes, _) = script();
    for cut in 0..bytes.len() {
        let mut client = server.open()?;
        client.try_send(&bytes[..cut])?;
        client.finish();
        // What was whole comes back, then the end; no reset.
        client.rest().map_err(|error| format!("cut at {cut}: {error}"))?;
    }
    Ok(format!("{} cuts", bytes.len()))
}
