//! Sections 1 to 5: framing, pings, reserved bits and opcodes, fragmentation.

use hex_literal::hex;

use crate::{BINARY, Case, Ends, TEXT, case, echo, f};

/// 1.*: framing.
pub(super) fn framing() -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, kind, byte) in [(1, TEXT, b'*'), (2, BINARY, 0xfe)] {
        for (i, len) in [0, 125, 126, 127, 128, 65_535, 65_536, 65_536].into_iter().enumerate() {
            let message = echo(kind, vec![byte; len]);
            cases.push(case(
                format!("1.{section}.{}", i + 1),
                vec![message.clone()],
                vec![message],
                Ends::Open,
            ));
        }
    }
    cases
}

/// 2.*: pings and pongs.
pub(super) fn pings() -> Vec<Case> {
    let answered =
        |id: &str, payload: &[u8]| case(id, vec![f(0x89, payload)], vec![f(0x8a, payload)], Ends::Open);
    let ten: Vec<Vec<u8>> = (0..10).map(|i| format!("payload-{i}").into_bytes()).collect();
    let ten = |id: &str| {
        case(
            id,
            ten.iter().map(|payload| f(0x89, payload)).collect(),
            ten.iter().map(|payload| f(0x8a, payload)).collect(),
            Ends::Open,
        )
    };
    vec![
        answered("2.1", b""),
        answered("2.2", b"Hello, world!"),
        answered("2.3", &hex!("00 ff fe fd fc fb 00 ff")),
        answered("2.4", &[0xfe; 125]),
        case("2.5", vec![f(0x89, [0xfe; 126])], vec![], Ends::Failed(1002)),
        answered("2.6", &[0xfe; 125]),
        case("2.7", vec![f(0x8a, "")], vec![], Ends::Open),
        case("2.8", vec![f(0x8a, "unsolicited pong payload")], vec![], Ends::Open),
        case(
            "2.9",
            vec![f(0x8a, "unsolicited pong payload"), f(0x89, "ping payload")],
            vec![f(0x8a, "ping payload")],
            Ends::Open,
        ),
        ten("2.10"),
        ten("2.11"),
    ]
}

/// 3.*: reserved bits.
pub(super) fn reserved_bits() -> Vec<Case> {
    let hello = || f(0x81, "Hello, world!");
    let bits = |b0: u8, rsv: u8| b0 | (rsv << 4);
    let mut cases = vec![case("3.1", vec![f(bits(0x81, 1), "Hello, world!")], vec![], Ends::Failed(1002))];
    for rsv in 2..=4 {
        let sends = vec![hello(), f(bits(0x81, rsv), "Hello, world!"), f(0x89, "")];
        cases.push(case(format!("3.{rsv}"), sends, vec![hello()], Ends::Failed(1002)));
    }
    cases.push(case(
        "3.5",
        vec![f(bits(0x82, 5), [0, 255, 254, 253, 252, 251, 0, 255])],
        vec![],
        Ends::Failed(1002),
    ));
    cases.push(case("3.6", vec![f(bits(0x89, 6), "Hello, world!")], vec![], Ends::Failed(1002)));
    cases.push(case("3.7", vec![f(bits(0x88, 7), "")], vec![], Ends::Failed(1002)));
    cases
}

/// 4.*: reserved opcodes.
pub(super) fn reserved_opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (section, first) in [(1, 3), (2, 11)] {
        for i in 0..5u8 {
            let bad = f(0x80 | (first + i), if i % 2 == 0 { "" } else { "reserved opcode payload" });
            let hello = f(0x81, "Hello, world!");
            let (sends, expects) = if i < 2 {
                (vec![bad], vec![])
            } else {
                (vec![hello.clone(), bad, f(0x89, "")], vec![hello])
            };
            cases.push(case(format!("4.{section}.{}", i + 1), sends, expects, Ends::Failed(1002)));
        }
    }
    cases
}

/// 5.*: fragmentation.
pub(super) fn fragmentation() -> Vec<Case> {
    let whole = || vec![f(0x81, "fragment1fragment2")];
    let two = || vec![f(0x01, "fragment1"), f(0x80, "fragment2")];
    let pinged = || vec![f(0x01, "fragment1"), f(0x89, "ping payload"), f(0x80, "fragment2")];
    let pong = || f(0x8a, "ping payload");
    // The echo of a message with a ping in the middle of it: the part before the ping goes out before the pong.
    let around = || vec![f(0x01, "fragment1"), pong(), f(0x80, "fragment2")];
    let nothing_to_continue = |b0: u8| vec![f(b0, "non-continuation payload"), f(0x81, "Hello, world!")];
    let mut cases = vec![
        case("5.1", vec![f(0x09, "fragment1"), f(0x80, "fragment2")], vec![], Ends::Failed(1002)),
        case("5.2", vec![f(0x0a, "fragment1"), f(0x80, "fragment2")], vec![], Ends::Failed(1002)),
    ];
    for id in ["5.3", "5.4", "5.5"] {
        cases.push(case(id, two(), whole(), Ends::Open));
    }
    for id in ["5.6", "5.7", "5.8"] {
        cases.push(case(id, pinged(), around(), Ends::Open));
    }
    for id in ["5.9", "5.10", "5.11"] {
        cases.push(case(id, nothing_to_continue(0x80), vec![], Ends::Failed(1002)));
    }
    for id in ["5.12", "5.13", "5.14"] {
        cases.push(case(id, nothing_to_continue(0x00), vec![], Ends::Failed(1002)));
    }
    cases.push(case(
        "5.15",
        [two(), vec![f(0x00, "fragment3"), f(0x81, "fragment4")]].concat(),
        whole(),
        Ends::Failed(1002),
    ));
    for (id, b0) in [("5.16", 0x00), ("5.17", 0x80)] {
        let round = [f(b0, "fragment1"), f(0x01, "fragment2"), f(0x80, "fragment3")];
        cases.push(case(id, [&round[..], &round].concat(), vec![], Ends::Failed(1002)));
    }
    let part = || f(0x01, "fragment1");
    cases.push(case("5.18", vec![part(), f(0x81, "fragment2")], vec![part()], Ends::Failed(1002)));
    for id in ["5.19", "5.20"] {
        let sends = vec![
            f(0x01, "fragment1"),
            f(0x00, "fragment2"),
            f(0x89, "pongme 1!"),
            f(0x00, "fragment3"),
            f(0x00, "fragment4"),
            f(0x89, "pongme 2!"),
            f(0x80, "fragment5"),
        ];
        let expects = vec![
            f(0x01, "fragment1fragment2"),
            f(0x8a, "pongme 1!"),
            f(0x00, "fragment3fragment4"),
            f(0x8a, "pongme 2!"),
            f(0x80, "fragment5"),
        ];
        cases.push(case(id, sends, expects, Ends::Open));
    }
    cases
}
