//! Never out of step: an input cut at any byte, or at any bytes, gives the same events, the same
//! output and the same end as the uncut one; through buffers of any size from the smallest up.

use microws::Config;
use microws::{Connection, MIN_CAPACITY};
use microws_tests::frames::{header, masked};
use microws_tests::handshake::{Exchange, Outcome};
use microws_tests::{Cuts, Drive, Run, Side, frames, in_both_roles, messages};

/// Inputs that end in every way there is.
fn scripts<S: Side>() -> Vec<Vec<u8>> {
    let text = "aß€🎉 ".repeat(40);
    let long: Vec<u8> = (0..700u32).map(|i| (i * 7) as u8).collect();
    let whole: &[(u8, &[u8])] = &[
        (0x81, b"Hello"),
        (0x82, &long),
        (0x89, b"ping"),
        (0x01, &text.as_bytes()[..101]),
        (0x89, &[0x55; 125]),
        (0x00, b""),
        (0x8a, b"pong"),
        (0x80, &text.as_bytes()[101..]),
        (0x81, b""),
        (0x02, b""),
        (0x80, b""),
    ];
    let mut scripts: Vec<Vec<u8>> = [
        // The closing handshake, data after it.
        vec![(0x88, &b"\x03\xe8bye"[..]), (0x81, b"behind")],
        vec![(0x88, b"")],
        vec![(0x01, b"amid"), (0x88, b"\x0f\xa0\xe2\x82\xac")],
        // Faults.
        vec![(0x01, b"a"), (0x81, b"b")],
        vec![(0x80, b"a")],
        vec![(0xc1, b"a")],
        vec![(0x83, b"a")],
        vec![(0x09, b"a")],
        vec![(0x88, b"\x03")],
        vec![(0x88, b"\x03\xed")],
        vec![(0x88, b"\x03\xe8\xff")],
        vec![(0x81, b"abc \xe2\x82\x41 behind")],
        vec![(0x01, b"abc \xe2"), (0x89, b""), (0x80, b"\x82")],
        vec![(0x01, b"\xf0\x9f"), (0x00, b"\x8e"), (0x80, b"\xff")],
        vec![(0x81, b"\xff")],
        vec![(0x81, b"ends in \xe2\x82")],
        vec![(0x01, b"ends in \xe2\x82"), (0x80, b"")],
    ]
    .into_iter()
    .map(|end| [S::script(&whole[..5]), S::script(&whole[5..]), S::script(&end)].concat())
    .collect();
    scripts.push(S::script(whole));
    let (mask, key) = if S::MASKS { (0, &b""[..]) } else { (0x80, &b"\x01\x02\x03\x04"[..]) };
    for bad in [
        // Not minimal, 2^63, masked the wrong way, a control frame of 126.
        [&[0x82, mask | 126, 0, 125][..], key].concat(),
        [&[0x82, mask | 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..], key].concat(),
        [&[0x82, mask | 127, 0x80, 0, 0, 0, 0, 0, 0, 0][..], key].concat(),
        microws_tests::frame(0x81, if S::MASKS { Some([1, 2, 3, 4]) } else { None }, b"Hello"),
        [&[0x89, mask | 126, 0, 126][..], key, &[0; 126]].concat(),
        // Fails inside a frame that never ends.
        [header(0x81, S::peer_key(), 1 << 40), masked(S::peer_key(), b"so far \xed\xa0\x80")].concat(),
    ] {
        scripts.push([S::script(&whole[..2]), bad].concat());
    }
    scripts
}

/// What must not depend on cuts, with the echoes' own cuts forgotten.
fn outcome(run: Run) -> impl PartialEq + std::fmt::Debug {
    let output = messages(&frames(&run.output));
    (run.events, output, run.end)
}

fn limited<S: Side>() -> [fn() -> Connection<S::Role>; 4] {
    [
        S::open,
        || S::open().whole_up_to(200),
        || S::open().whole_up_to(u32::MAX),
        || S::open().max_message_len(350).max_fragments(2).whole_up_to(100),
    ]
}

in_both_roles! {
    fn a_script_cut_at_every_byte_gives_the_same<S: Side>() {
        for script in scripts::<S>() {
            for open in limited::<S>() {
                let uncut = Drive::default().listen(&mut open(), &script);
                for at in 0..script.len() {
                    let run = Drive { reads: Cuts::At(at), ..Drive::default() }.listen(&mut open(), &script);
                    assert_eq!(run, uncut, "cut at {at}");
                }
                let run = Drive { reads: Cuts::Every(1), writes: Cuts::Every(1), ..Drive::default() }
                    .listen(&mut open(), &script);
                assert_eq!(run, uncut, "byte by byte");
            }
        }
    }

    fn a_script_cut_at_random_gives_the_same_through_buffers_of_any_size<S: Side>() {
        for (i, script) in scripts::<S>().into_iter().enumerate() {
            for rx in [MIN_CAPACITY, 140, 141, 200, 256, 1024] {
                for open in limited::<S>() {
                    // What is whole depends on the size of rx: see the uncut run through the same.
                    let uncut = Drive { rx, ..Drive::default() }.listen(&mut open(), &script);
                    for seed in 0..6 {
                        let drive = Drive {
                            rx,
                            tx: [139, 140, 256, 2000][i % 4],
                            reads: Cuts::random(seed, 1 + (seed as usize) * 37),
                            writes: Cuts::random(!seed, 150),
                            lazy: seed % 2 == 0,
                            ring: 0,
                        };
                        let run = drive.listen(&mut open(), &script);
                        assert_eq!(run, uncut, "rx of {rx}, seed {seed}");
                    }
                }
            }
        }
    }

    fn the_echo_of_a_script_cut_at_random_is_the_same<S: Side>() {
        for script in scripts::<S>() {
            let uncut = outcome(Drive::default().echo(&mut S::open(), &script));
            for rx in [MIN_CAPACITY, 140, 256] {
                for tx in [MIN_CAPACITY, 140, 256, 1024] {
                    for seed in 0..6 {
                        let drive = Drive {
                            rx,
                            tx,
                            reads: Cuts::random(seed, 1 + (seed as usize) * 37),
                            writes: Cuts::random(!seed, 150),
                            lazy: seed % 2 == 0,
                            ring: 0,
                        };
                        let run = drive.echo(&mut S::open(), &script);
                        assert_eq!(outcome(run), uncut, "rx of {rx}, tx of {tx}, seed {seed}");
                    }
                }
            }
        }
    }

    /// Without a limit for what is whole, the size of the buffers changes nothing either.
    fn buffers_of_every_size_give_the_same<S: Side>() {
        for script in scripts::<S>() {
            let uncut = Drive::default().listen(&mut S::open(), &script);
            for size in (MIN_CAPACITY..MIN_CAPACITY + 40).chain([255, 256, 257, 1000]) {
                for lazy in [false, true] {
                    let run = Drive { rx: size, tx: size, lazy, ..Drive::default() }.listen(&mut S::open(), &script);
                    assert_eq!(run, uncut, "buffers of {size}");
                }
            }
        }
    }
}

fn long(name: &str, len: usize) -> String {
    format!("{name}: {}\r\n", "v".repeat(len))
}

fn requests() -> Vec<String> {
    let start = "GET /chat?room=7 HTTP/1.1\r\nHost: example.com\r\n".to_owned();
    let upgrade = "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: superchat, chat\r\n";
    let mut requests = vec![
        format!("{start}{upgrade}\r\n\x01\x02frames"),
        format!("\r\n{start}{}{upgrade}{}\r\nbehind", long("Cookie", 4096), long("X-B", 4000)),
        format!("{start}\r\n"),
        format!("{start}{upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
        format!("{start}{upgrade}{}\r\n", long("Sec-WebSocket-Protocol", 600)),
        format!("{start}{}{upgrade}\r\n", long("Cookie", 20_000)),
        format!("GET /{} HTTP/1.1\r\n", "a".repeat(5000)),
        format!("{start}{upgrade} folded\r\n\r\n"),
        format!("{start}{upgrade}no colon\r\n\r\n"),
        format!("{start}{upgrade}X: a\nY: b\r\n\r\n"),
        format!("{start}{upgrade}X: a\rY: b\r\n\r\n"),
        format!("{start}X: nul \0 here\r\n{upgrade}\r\n"),
        format!("{start}{}", "no colon at all ".repeat(400)),
    ];
    // A long field that ends at every place around the edge of rx, and one that goes wrong there.
    for len in (120..142).chain(238..262) {
        requests.push(format!("{start}{}{upgrade}\r\nbehind", long("Cookie", len)));
    }
    for at in [5, 120, 130, 131, 250, 256] {
        for bad in ["\u{1}", "\n", "\r", "\rx", "\0\n"] {
            requests.push(format!("{start}Cookie: {}{bad}{}\r\n\r\n", "v".repeat(at), "w".repeat(300)));
        }
    }
    requests
}

fn same_whatever_the_cuts(what: &str, len: usize, exchange: impl Fn(Exchange) -> Outcome) {
    // The limits of 300 and 450 bytes, of 3 and 8 fields, end in the middle of lines and of the head.
    for limits in [None, Some((300, 100)), Some((450, 100)), Some((1 << 20, 3)), Some((1 << 20, 8))] {
        for rx in [MIN_CAPACITY, 256] {
            let uncut = exchange(Exchange { rx, limits, reads: Cuts::Whole });
            for reads in [Cuts::Every(1), Cuts::Every(7), Cuts::random(5, 60), Cuts::random(6, 300)]
                .into_iter()
                .chain((1..len.min(400)).step_by(13).map(Cuts::At))
            {
                let cut = exchange(Exchange { rx, limits, reads: reads.clone() });
                assert_eq!(cut, uncut, "{what:?} with rx of {rx}, limits {limits:?}, {reads:?}");
            }
        }
    }
}

#[test]
fn a_request_cut_anywhere_gets_the_same_answer() {
    for request in requests() {
        same_whatever_the_cuts(&request, request.len(), |shake| shake.serve(&["chat"], request.as_bytes()));
    }
}

#[test]
fn a_response_cut_anywhere_gets_the_same_verdict() {
    let good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    for response in [
        format!("{good}Sec-WebSocket-Protocol: chat\r\n\r\n\x01\x02frames"),
        format!("{good}{}{}\r\nbehind", long("Set-Cookie", 4000), long("X", 254)),
        format!("{good}{}\r\n", long("Sec-WebSocket-Extensions", 400)),
        format!("HTTP/1.1 401 No\r\n{}WWW-Authenticate: Basic\r\n\r\n", long("X", 300)),
        format!("HTTP/1.1 101 {}\r\n", "x".repeat(600)),
        format!("{good}X: {}\u{1}{}\n\r\n", "v".repeat(300), "w".repeat(300)),
        format!("{good}X: {}\u{1}{}\r\n\r\n", "v".repeat(300), "w".repeat(300)),
        format!("{good}X: {}\n{}\r\n\r\n", "v".repeat(300), "w".repeat(300)),
    ] {
        same_whatever_the_cuts(&response, response.len(), |shake| {
            let config = Config::new().request("example.com", "/").subprotocols(&["chat"]);
            shake.connect(config, response.as_bytes())
        });
    }
}

/// A head of 8 KiB through the smallest buffer that holds the lines that matter.
#[test]
fn heads_of_8_kib_pass_through_139_and_256_bytes() {
    for rx in [MIN_CAPACITY, 256] {
        for reads in [Cuts::Whole, Cuts::Every(1), Cuts::Every(100), Cuts::random(1, 300)] {
            let exchange = || Exchange { rx, reads: reads.clone(), limits: None };
            let request = &requests()[1];
            assert!(request.len() > 8 * 1024);
            let outcome = exchange().serve(&["chat"], request.as_bytes());
            assert_eq!(outcome.verdict, Ok(Some("chat".to_owned())));
            assert_eq!(outcome.after, b"behind");
            assert!(outcome.items.contains(&"long Cookie".to_owned()));

            let response = format!(
                "HTTP/1.1 101 Switching Protocols\r\n{}Upgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{}\r\nframes",
                long("Set-Cookie", 4096),
                long("X", 4096)
            );
            let outcome = exchange().connect(Config::new().request("example.com", "/"), response.as_bytes());
            assert_eq!(outcome.verdict, Ok(None));
            assert_eq!(outcome.after, b"frames");
        }
    }
}
