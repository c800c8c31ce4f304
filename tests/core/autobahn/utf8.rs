//! Section 6: UTF-8.

use hex_literal::hex;

use crate::{Case, Ends, KOSME, Sent, case, f};

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
pub(super) fn begun(bytes: &[u8]) -> Vec<Sent> {
    let possible = (0..bytes.len())
        .find(|n| std::str::from_utf8(&bytes[..=*n]).is_err_and(|error| error.error_len().is_some()))
        .unwrap_or(bytes.len());
    if possible == 0 { vec![] } else { vec![f(0x01, &bytes[..possible])] }
}

/// 6.*: UTF-8.
pub(super) fn utf8() -> Vec<Case> {
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
