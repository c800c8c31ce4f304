//! Masking, UTF-8 checking and headers, each alone.

use std::hint::black_box;

use edge_ws::FrameHeader;
use microws::{
    Mask, Validator,
    frame::{Header, Opcode},
};
use microws_benches::frames::{self, Content};
use soketto::base::{self, Codec};

use crate::{
    harness::{self, Effort, Subject},
    report::Table,
};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Payloads one after the other, as they lie in a receive buffer: at any alignment.
fn lay_out(lens: &[usize]) -> Vec<std::ops::Range<usize>> {
    let mut at = 0;
    lens.iter()
        .map(|len| {
            let start = at + 6;
            at = start + len;
            start..at
        })
        .collect()
}

type Unmask = fn(&mut [u8]);

/// Who masks, and `in place`: as many bytes read, changed and written where they stand, without a key.
const MASKS: [(&str, Unmask); 6] = [
    ("in place", |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55)),
    ("microws", |bytes| Mask::new(black_box(KEY)).apply(bytes)),
    ("fastwebsockets", |bytes| fastwebsockets::unmask(bytes, black_box(KEY))),
    ("websocket-sans-io", |bytes| websocket_sans_io::apply_mask(black_box(KEY), bytes, 0)),
    ("soketto", |bytes| {
        let mut header = base::Header::new(base::OpCode::Binary);
        header.set_masked(true).set_mask(u32::from_be_bytes(black_box(KEY)));
        Codec::apply_mask(&header, bytes);
    }),
    ("edge-ws", |bytes| FrameHeader::mask_with(bytes, Some(u32::from_be_bytes(black_box(KEY))), 0)),
];

const fn form() -> &'static str {
    if cfg!(feature = "host") { "with its `simd` feature" } else { "in its portable form" }
}

pub(crate) fn masks(chosen: &dyn Fn(&str) -> bool, effort: Effort) -> Table {
    let mut random = fastrand::Rng::with_seed(7);
    let mixed: Vec<usize> = (0..512).map(|_| random.usize(0..=125)).collect();
    let mut table = Table::new(format!("Masking, ns per payload; microws {}", form()), "microws", "in place");
    for (name, lens) in [
        ("20 B", vec![20; 512]),
        ("125 B", vec![125; 256]),
        ("0 to 125 B", mixed),
        ("1 KiB", vec![1024; 32]),
        ("16 KiB", vec![16 << 10; 2]),
        ("1 MiB", vec![1 << 20]),
    ] {
        let name = format!("mask {name}");
        if !chosen(&name) {
            continue;
        }
        let places = lay_out(&lens);
        let plain = Content::Binary.payload(places.last().map_or(0, |place| place.end), &mut random);
        for (who, unmask) in &MASKS[1..] {
            let mut bytes = plain.clone();
            places.iter().for_each(|place| unmask(&mut bytes[place.clone()]));
            for place in &places {
                let masked =
                    plain[place.clone()].iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key);
                assert!(masked.eq(bytes[place.clone()].iter().copied()), "{who} masks otherwise");
            }
        }
        let mut target = plain.clone();
        let mut subjects = vec![Subject::new("memcpy", || {
            for place in &places {
                black_box(&mut target[place.clone()]).copy_from_slice(black_box(&plain[place.clone()]));
            }
        })];
        subjects.extend(MASKS.map(|(who, unmask)| {
            let (mut bytes, places) = (plain.clone(), &places);
            Subject::new(who, move || {
                for place in places {
                    unmask(black_box(&mut bytes[place.clone()]));
                }
            })
        }));
        let timings = harness::compare(&mut subjects, places.len(), effort);
        table.add(name, &harness::names(&subjects), &timings);
    }
    table
}

pub(crate) fn utf8(chosen: &dyn Fn(&str) -> bool, effort: Effort) -> Table {
    let mut table = Table::new(
        format!("UTF-8 checking, ns per text; microws {}", form()),
        "microws",
        "core::str::from_utf8",
    );
    for (content, what) in [(Content::Ascii, "ASCII"), (Content::Cjk, "CJK"), (Content::Mixed, "mixed")] {
        for (len, size) in [(20, "20 B"), (125, "125 B"), (1 << 10, "1 KiB"), (64 << 10, "64 KiB")] {
            let name = format!("UTF-8 {what} {size}");
            if !chosen(&name) {
                continue;
            }
            // Several texts, so that the branches on one are not learnt by heart.
            let texts = ((64 << 10) / len).clamp(1, 64);
            let mut random = fastrand::Rng::with_seed(len as u64);
            let texts: Vec<_> = (0..texts).map(|_| content.payload(len, &mut random)).collect();
            let each = |check: fn(&[u8]) -> bool| {
                let texts = &texts;
                move || texts.iter().for_each(|text| assert!(check(black_box(text))))
            };
            let mut target = vec![0; len];
            let mut subjects = [
                Subject::new("memcpy", || {
                    texts.iter().for_each(|text| black_box(&mut target).copy_from_slice(black_box(text)));
                }),
                Subject::new(
                    "microws",
                    each(|text| {
                        let mut validator = Validator::new();
                        validator.feed(text).is_ok() && validator.is_complete()
                    }),
                ),
                Subject::new("core::str::from_utf8", each(|text| core::str::from_utf8(text).is_ok())),
                Subject::new("simdutf8", each(|text| simdutf8::basic::from_utf8(text).is_ok())),
            ];
            let timings = harness::compare(&mut subjects, texts.len(), effort);
            table.add(name, &harness::names(&subjects), &timings);
        }
    }
    table
}

pub(crate) fn headers(chosen: &dyn Fn(&str) -> bool, effort: Effort) -> (Table, Table) {
    let mut decoding = Table::new("Decoding a masked header, ns", "microws", "edge-ws");
    let mut encoding = Table::new("Encoding a server's header, ns", "microws", "edge-ws");
    let mut random = fastrand::Rng::with_seed(3);
    for (name, lens) in [
        ("0 to 125 B", vec![0..=125]),
        ("126 B to 64 KiB", vec![126..=65_535]),
        ("beyond", vec![65_536..=1 << 27]),
        ("mixed", vec![0..=125, 0..=125, 126..=65_535, 65_536..=1 << 20]),
    ] {
        let lens: Vec<u64> = (0..1024).map(|i| random.u64(lens[i % lens.len()].clone())).collect();
        let name = format!("header {name}");
        if chosen(&name) {
            decode(&lens, &mut random, effort, (&mut decoding, &name));
            encode(&lens, effort, (&mut encoding, &name));
        }
    }
    (decoding, encoding)
}

fn decode(lens: &[u64], random: &mut fastrand::Rng, effort: Effort, (table, name): (&mut Table, &str)) {
    let mut wire = vec![];
    for len in lens {
        // A header and the payload's first bytes, as far as a decoder might look.
        let first = frames::FIN | random.u8(1..=2);
        let mut head = vec![];
        frames::push_masked_header(&mut head, first, random.u32(..).to_ne_bytes(), *len);
        head.resize(32, 0);
        wire.push(head);
    }
    let codec = Codec::new();
    let wire = &wire;
    let mut subjects = [
        Subject::new("microws", || {
            for (head, len) in wire.iter().zip(lens) {
                let decoded = Header::decode(black_box(head));
                assert!(matches!(decoded, Ok(Some((header, _))) if header.payload_len() == *len));
            }
        }),
        Subject::new("edge-ws", || {
            for (head, len) in wire.iter().zip(lens) {
                let decoded = FrameHeader::deserialize(black_box(head));
                assert!(matches!(decoded, Ok((header, _)) if header.payload_len == *len));
            }
        }),
        Subject::new("soketto", || {
            for (head, len) in wire.iter().zip(lens) {
                let decoded = codec.decode_header(black_box(head));
                let Ok(soketto::Parsing::Done { value, .. }) = decoded else { panic!("no header") };
                assert_eq!(value.payload_len() as u64, *len);
            }
        }),
    ];
    let timings = harness::compare(&mut subjects, lens.len(), effort);
    table.add(name.into(), &harness::names(&subjects), &timings);
}

fn encode(lens: &[u64], effort: Effort, (table, name): (&mut Table, &str)) {
    let mut codec = Codec::new();
    let mut outs = [[0u8; 16]; 3];
    let [own, edge, sans_io] = &mut outs;
    let mut subjects = [
        Subject::new("microws", || {
            for len in lens {
                let header = Header::new(true, Opcode::Binary, None, black_box(*len)).expect("valid");
                assert!(header.encode(black_box(own)).is_some());
            }
        }),
        Subject::new("edge-ws", || {
            for len in lens {
                let header = FrameHeader {
                    frame_type: edge_ws::FrameType::Binary(false),
                    payload_len: black_box(*len),
                    mask_key: None,
                };
                assert!(header.serialize(black_box(edge)).is_ok());
            }
        }),
        Subject::new("soketto", || {
            for len in lens {
                let mut header = base::Header::new(base::OpCode::Binary);
                header.set_payload_len(black_box(*len) as usize);
                black_box(codec.encode_header(&header));
            }
        }),
        Subject::new("websocket-sans-io", || {
            for len in lens {
                let header = websocket_sans_io::FrameInfo {
                    opcode: websocket_sans_io::Opcode::Binary,
                    payload_length: black_box(*len),
                    mask: None,
                    fin: true,
                    reserved: 0,
                };
                let encoded = websocket_sans_io::WebsocketFrameEncoder::new().start_frame(&header);
                black_box(&mut *sans_io)[..encoded.len()].copy_from_slice(&encoded);
            }
        }),
    ];
    let timings = harness::compare(&mut subjects, lens.len(), effort);
    table.add(name.into(), &harness::names(&subjects), &timings);
}
