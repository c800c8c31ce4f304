//! Cases 1 to 7 of the Autobahn test-suite as a table, against core alone: each is played whole and
//! byte by byte, against an echo in either role. Cases 9 and 10 (speed and size) are left to the
//! suite itself.

use hex_literal::hex;
use microws::MessageKind;
use microws_tests::{Cuts, Drive, End, Side, frames, in_both_roles, messages};

const TEXT: MessageKind = MessageKind::Text;
const BINARY: MessageKind = MessageKind::Binary;

/// The suite's word, with an omicron of three bytes.
const KOSME: &str = "κ\u{1f79}σμε";

/// A frame to send, as its first byte and payload.
type Sent = (u8, Vec<u8>);

/// How a case must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// The connection is still open.
    Open,
    /// By a close with this code; 1005 for an empty one.
    Clean(u16),
    /// Because we were at fault, with this code.
    Failed(u16),
}

struct Case {
    id: String,
    sends: Vec<Sent>,
    /// The messages and pongs that must come back, fragments of ours put together.
    expects: Vec<Sent>,
    ends: Ends,
}

fn f(b0: u8, payload: impl AsRef<[u8]>) -> Sent {
    (b0, payload.as_ref().to_vec())
}

fn case(id: impl Into<String>, sends: Vec<Sent>, expects: Vec<Sent>, ends: Ends) -> Case {
    Case { id: id.into(), sends, expects, ends }
}

/// A message as it comes back.
fn echo(kind: MessageKind, payload: impl AsRef<[u8]>) -> Sent {
    f(if kind == TEXT { 0x81 } else { 0x82 }, payload)
}

/// 1.*: framing.
fn framing() -> Vec<Case> {
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
fn pings() -> Vec<Case> {
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
fn reserved_bits() -> Vec<Case> {
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
fn reserved_opcodes() -> Vec<Case> {
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
fn fragmentation() -> Vec<Case> {
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

/// A text in fragments of one byte.
fn by_bytes(text: &[u8]) -> Vec<Sent> {
    let last = text.len() - 1;
    (0..text.len())
        .map(|i| f(if i == 0 { 0x01 } else { 0 } | if i == last { 0x80 } else { 0 }, [text[i]]))
        .collect()
}

/// A whole text: echoed if it is valid, else failed with 1007 at its first impossible byte, what came
/// before it echoed.
fn text(id: impl Into<String>, bytes: &[u8], valid: bool) -> Case {
    assert_eq!(std::str::from_utf8(bytes).is_ok(), valid);
    let sends = vec![f(0x81, bytes)];
    if valid {
        return case(id, sends.clone(), sends, Ends::Open);
    }
    case(id, sends, begun(bytes), Ends::Failed(1007))
}

/// What is echoed of a text that fails: up to its first impossible byte.
fn begun(bytes: &[u8]) -> Vec<Sent> {
    let possible = (0..bytes.len())
        .find(|n| std::str::from_utf8(&bytes[..=*n]).is_err_and(|error| error.error_len().is_some()))
        .unwrap_or(bytes.len());
    if possible == 0 { vec![] } else { vec![f(0x01, &bytes[..possible])] }
}

/// 6.*: UTF-8.
fn utf8() -> Vec<Case> {
    let hello = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    let kosme = KOSME.as_bytes();
    let bad = [kosme, &hex!("ed a0 80"), b"edited"].concat();
    let beyond = [kosme, &hex!("f4 90 80 80"), b"edited"].concat();
    let middle = "middle frame payload";
    let mut cases = vec![
        text("6.1.1", b"", true),
        case("6.1.2", vec![f(0x01, ""), f(0x00, ""), f(0x80, "")], vec![f(0x81, "")], Ends::Open),
        case("6.1.3", vec![f(0x01, ""), f(0x00, middle), f(0x80, "")], vec![f(0x81, middle)], Ends::Open),
        text("6.2.1", hello, true),
        case("6.2.2", vec![f(0x01, &hello[..12]), f(0x80, &hello[12..])], vec![f(0x81, hello)], Ends::Open),
        case("6.2.3", by_bytes(hello), vec![f(0x81, hello)], Ends::Open),
        case("6.2.4", by_bytes(kosme), vec![f(0x81, kosme)], Ends::Open),
        text("6.3.1", &bad, false),
        case("6.3.2", by_bytes(&bad), begun(&bad), Ends::Failed(1007)),
        // Three parts, of which the second must fail at once: the third is never sent.
        case("6.4.1", vec![f(0x01, kosme), f(0x00, hex!("f4 90 80 80"))], begun(&beyond), Ends::Failed(1007)),
        case(
            "6.4.2",
            vec![f(0x01, [kosme, b"\xf4"].concat()), f(0x00, b"\x90")],
            begun(&beyond),
            Ends::Failed(1007),
        ),
    ];
    for (i, end) in (1..=kosme.len()).enumerate() {
        let bytes = &kosme[..end];
        cases.push(text(format!("6.6.{}", i + 1), bytes, std::str::from_utf8(bytes).is_ok()));
    }
    for (i, bytes) in [KOSME, "hello$world", "hello¢world", "hello€world", "hello𤭢world"].iter().enumerate()
    {
        cases.push(text(format!("6.5.{}", i + 1), bytes.as_bytes(), true));
    }
    let all_continuations: Vec<u8> = (0x80..=0xbf).collect();
    let starts =
        |range: std::ops::RangeInclusive<u8>| -> Vec<u8> { range.flat_map(|byte| [byte, b' ']).collect() };
    let incomplete: [&[u8]; 10] = [
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ];
    let noncharacters: Vec<Vec<u8>> = (0..=0x10u32)
        .flat_map(|plane| [0xfffe, 0xffff].map(|low| (plane << 16) | low))
        .map(|scalar| char::from_u32(scalar).unwrap().to_string().into_bytes())
        .collect();
    let specials: Vec<Vec<u8>> = (0xfff9..=0xffff_u32)
        .map(|scalar| char::from_u32(scalar).unwrap().to_string().into_bytes())
        .collect();
    let slices = |bytes: &[Vec<u8>]| bytes.to_vec();
    let hexes = |list: &[&[u8]]| list.iter().map(|bytes| bytes.to_vec()).collect::<Vec<_>>();
    // Section, its cases, the numbers of those that are valid (all of them, none, or some).
    type Valid = fn(usize) -> bool;
    let groups: Vec<(u8, Vec<Vec<u8>>, Valid)> = vec![
        (7, hexes(&[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]), |_| true),
        (8, hexes(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]), |_| false),
        (9, hexes(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]), |_| true),
        (10, hexes(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]), |_| false),
        (
            11,
            hexes(&[
                b"\xed\x9f\xbf",
                b"\xee\x80\x80",
                b"\xef\xbf\xbd",
                b"\xf4\x8f\xbf\xbf",
                b"\xf4\x90\x80\x80",
            ]),
            |i| i < 5,
        ),
        (
            12,
            hexes(&[
                b"\x80",
                b"\xbf",
                b"\x80\xbf",
                b"\x80\xbf\x80",
                b"\x80\xbf\x80\xbf",
                b"\x80\xbf\x80\xbf\x80",
                b"\x80\xbf\x80\xbf\x80\xbf",
                &all_continuations,
            ]),
            |_| false,
        ),
        (
            13,
            slices(&[
                starts(0xc0..=0xdf),
                starts(0xe0..=0xef),
                starts(0xf0..=0xf7),
                starts(0xf8..=0xfb),
                starts(0xfc..=0xfd),
            ]),
            |_| false,
        ),
        (14, hexes(&incomplete), |_| false),
        (15, vec![incomplete.concat()], |_| false),
        (16, hexes(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]), |_| false),
        (
            17,
            hexes(&[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ]),
            |_| false,
        ),
        (
            18,
            hexes(&[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ]),
            |_| false,
        ),
        (
            19,
            hexes(&[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ]),
            |_| false,
        ),
        (
            20,
            hexes(&[
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
                b"\xed\xb0\x80",
                b"\xed\xbe\x80",
                b"\xed\xbf\xbf",
            ]),
            |_| false,
        ),
        (
            21,
            hexes(&[
                b"\xed\xa0\x80\xed\xb0\x80",
                b"\xed\xa0\x80\xed\xbf\xbf",
                b"\xed\xad\xbf\xed\xb0\x80",
                b"\xed\xad\xbf\xed\xbf\xbf",
                b"\xed\xae\x80\xed\xb0\x80",
                b"\xed\xae\x80\xed\xbf\xbf",
                b"\xed\xaf\xbf\xed\xb0\x80",
                b"\xed\xaf\xbf\xed\xbf\xbf",
            ]),
            |_| false,
        ),
        (22, noncharacters, |_| true),
        (23, specials, |_| true),
    ];
    for (section, group, valid) in groups {
        for (i, bytes) in group.into_iter().enumerate() {
            cases.push(text(format!("6.{section}.{}", i + 1), &bytes, valid(i + 1)));
        }
    }
    cases
}

/// A close frame's payload.
fn code(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// 7.*: closing.
fn closing() -> Vec<Case> {
    let hello = || f(0x81, "Hello World!");
    let close = || f(0x88, code(1000, ""));
    let alone = |id: &str, payload: Vec<u8>, ends| case(id, vec![f(0x88, payload)], vec![], ends);
    let bad_reason = [&code(1000, "")[..], KOSME.as_bytes(), &hex!("ed a0 80"), b"edited"].concat();
    let big = "BAsd7&jh23".repeat(26_215);
    let mut cases = vec![
        case("7.1.1", vec![hello(), close()], vec![hello()], Ends::Clean(1000)),
        case("7.1.2", vec![close(), close()], vec![], Ends::Clean(1000)),
        case("7.1.3", vec![close(), f(0x89, "")], vec![], Ends::Clean(1000)),
        case("7.1.4", vec![close(), hello()], vec![], Ends::Clean(1000)),
        case(
            "7.1.5",
            vec![f(0x01, "fragment1"), close(), f(0x80, "fragment2")],
            vec![f(0x01, "fragment1")],
            Ends::Clean(1000),
        ),
        case(
            "7.1.6",
            vec![f(0x81, &big), hello(), close(), f(0x89, "")],
            vec![f(0x81, &big), hello()],
            Ends::Clean(1000),
        ),
        alone("7.3.1", vec![], Ends::Clean(1005)),
        alone("7.3.2", b"a".to_vec(), Ends::Failed(1002)),
        alone("7.3.3", code(1000, ""), Ends::Clean(1000)),
        alone("7.3.4", code(1000, "Hello World!"), Ends::Clean(1000)),
        alone("7.3.5", code(1000, &"*".repeat(123)), Ends::Clean(1000)),
        alone("7.3.6", code(1000, &"*".repeat(124)), Ends::Failed(1002)),
        alone("7.5.1", bad_reason, Ends::Failed(1007)),
    ];
    for (i, good) in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].into_iter().enumerate()
    {
        cases.push(alone(&format!("7.7.{}", i + 1), code(good, ""), Ends::Clean(good)));
    }
    for (i, bad) in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].into_iter().enumerate() {
        cases.push(alone(&format!("7.9.{}", i + 1), code(bad, ""), Ends::Failed(1002)));
        let reason = code(bad, "Lorem ipsum dolor sit amet");
        cases.push(alone(&format!("7.9.{} with a reason", i + 1), reason, Ends::Failed(1002)));
    }
    // Informational in the suite; the RFC leaves 5000 and up undefined, so they are refused.
    cases.push(alone("7.13.1", code(5000, ""), Ends::Failed(1002)));
    cases.push(alone("7.13.2", code(65_535, ""), Ends::Failed(1002)));
    cases
}

fn play<S: Side>(case: &Case, drive: Drive) {
    let input: Vec<u8> = case.sends.iter().flat_map(|(b0, payload)| S::incoming(*b0, payload)).collect();
    let run = drive.echo(&mut S::open(), &input);
    let mut came = messages(&frames(&run.output));
    let ended = match run.end {
        End::WantRead => Ends::Open,
        End::Closed | End::Failed(_) => {
            let (b0, payload) = came.pop().unwrap();
            assert_eq!(b0, 0x88, "{}", case.id);
            let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
            if run.end == End::Closed { Ends::Clean(code) } else { Ends::Failed(code) }
        }
    };
    assert!(came == case.expects, "{}: {came:02x?}", case.id);
    assert_eq!(ended, case.ends, "{}", case.id);
}

fn play_all<S: Side>(cases: &[Case]) {
    for case in cases {
        let large = case.sends.iter().any(|(_, payload)| payload.len() > 1000);
        play::<S>(case, Drive { rx: 100_000, tx: 100_000, ..Drive::default() });
        play::<S>(case, Drive { rx: 139, tx: 139, ..Drive::default() });
        let size = if large { 997 } else { 1 };
        let (reads, writes) = (Cuts::Every(size), Cuts::Every(size));
        play::<S>(case, Drive { rx: 1024, tx: 1024, reads, writes, lazy: true, ring: 0 });
    }
}

in_both_roles! {
    fn cases_1_framing<S: Side>() {
        play_all::<S>(&framing());
    }

    fn cases_2_pings_and_pongs<S: Side>() {
        play_all::<S>(&pings());
    }

    fn cases_3_reserved_bits<S: Side>() {
        play_all::<S>(&reserved_bits());
    }

    fn cases_4_reserved_opcodes<S: Side>() {
        play_all::<S>(&reserved_opcodes());
    }

    fn cases_5_fragmentation<S: Side>() {
        play_all::<S>(&fragmentation());
    }

    fn cases_6_utf8<S: Side>() {
        play_all::<S>(&utf8());
    }

    fn cases_7_closing<S: Side>() {
        play_all::<S>(&closing());
    }

    /// 6.4.3 and 6.4.4: the text fails inside a frame whose rest never comes.
    fn cases_6_4_fail_inside_a_frame<S: Side>() {
        let kosme = KOSME.as_bytes();
        for (first, second) in [
            (kosme.to_vec(), hex!("f4 90 80 80").to_vec()),
            ([kosme, b"\xf4"].concat(), b"\x90".to_vec()),
        ] {
            let payload = [&first[..], &second].concat();
            let mut whole = payload.clone();
            whole.extend(b"edited");
            let input = S::incoming(0x81, &whole);
            let cut = input.len() - b"edited".len();
            let run = Drive { reads: Cuts::At(cut - second.len()), ..Drive::default() }
                .echo(&mut S::open(), &input[..cut]);
            assert_eq!(run.end, End::Failed(microws::ProtocolError::InvalidUtf8));
            let came = messages(&frames(&run.output));
            assert_eq!(came, [&begun(&payload)[..], &[f(0x88, code(1007, ""))]].concat());
        }
    }
}

/// Nothing of the table is lost: as many cases as the suite has in these sections, but for the two
/// of 6.4 that have a test of their own and those that stand twice for their reasons.
#[test]
fn the_table_has_the_suites_cases() {
    let count = |cases: Vec<Case>| cases.iter().filter(|case| !case.id.contains(' ')).count();
    assert_eq!(count(framing()), 16);
    assert_eq!(count(pings()), 11);
    assert_eq!(count(reserved_bits()), 7);
    assert_eq!(count(reserved_opcodes()), 10);
    assert_eq!(count(fragmentation()), 20);
    assert_eq!(count(utf8()), 143);
    assert_eq!(count(closing()), 37);
}
