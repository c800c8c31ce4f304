//! The same scripts in every style: cut at every byte, stalled at every read and write, every future dropped after
//! any number of polls. The events, the bytes and the end are the same.

use microws::End;
use microws_tests::Cuts;
use microws_tests::wire::{Op, Stalls, Wire};

use crate::scripts::{LEAST, Script, Side};
use crate::styles::{STYLES, Style, check_flushes};

fn for_every_script(check: impl Fn(Side, &Script)) {
    for side in Side::BOTH {
        for script in side.scripts() {
            check(side, &script);
        }
    }
}

fn check(style: Style, side: Side, wire: &Wire, stalls: Stalls, script: &Script, tx: usize) {
    let outcome = style.run_with(side, wire, tx);
    let ops = wire.ops();
    let context = || format!("{style:?} {side:?}, {stalls:?}, {:?}", &ops[ops.len().saturating_sub(9)..]);
    assert_eq!(outcome, script.outcome, "{}", context());
    assert_eq!(side.sent(&wire.output()), script.sent, "{}", context());
    check_flushes(style, &ops, stalls);
    // A client leaves it to the server to end the stream.
    let may_shut = !(side == Side::Client && matches!(outcome.end, Some(End::Closed(_))));
    assert!(may_shut || !ops.contains(&Op::Shutdown), "{}", context());
    // Ours is ended before the peer's end is read, or not at all if that was read before the last word.
    assert!(!may_shut || ops.contains(&Op::Shutdown) || ops.contains(&Op::Read(0)), "{}", context());
    // All that came was read: no byte is left that could reset the stream.
    assert_eq!(ops.iter().filter(|op| **op == Op::Read(0)).count(), 1, "{}", context());
    assert_eq!(wire.read_so_far(), script.input.len());
}

#[test]
fn every_style_does_the_same_at_every_cut() {
    for_every_script(|side, script| {
        // The scripts begin alike: only the first one is cut there.
        let shared = side.scripts()[3].input.len();
        let first = if *script.input == side.scripts()[0].input { 0 } else { shared };
        for cut in first..script.input.len() {
            let writes = if cut % 2 == 0 { Cuts::Whole } else { Cuts::Every(17) };
            let stalls = if cut % 3 == 0 { Stalls::Never } else { Stalls::Often };
            let mut bytes: Option<Vec<u8>> = None;
            for style in STYLES {
                let wire = Wire::new(&script.input, Cuts::At(cut), writes.clone(), stalls);
                check(style, side, &wire, stalls, script, LEAST + 14);
                // Where the bytes come in the same pieces, the same bytes go.
                let output = wire.output();
                assert_eq!(*bytes.get_or_insert_with(|| output.clone()), output, "{style:?}");
            }
        }
    });
}

#[test]
fn every_style_does_the_same_byte_by_byte() {
    for_every_script(|side, script| {
        for style in STYLES {
            for stalls in [Stalls::Never, Stalls::Often] {
                for tx in [LEAST, 4096] {
                    let wire = Wire::new(&script.input, Cuts::Every(1), Cuts::Every(1), stalls);
                    check(style, side, &wire, stalls, script, tx);
                }
            }
        }
    });
}

#[test]
fn a_stall_at_any_one_place_changes_nothing() {
    for_every_script(|side, script| {
        for style in STYLES {
            for place in 1.. {
                let stalls = Stalls::Once(place);
                let wire = Wire::new(&script.input, Cuts::Every(60), Cuts::Every(50), stalls);
                check(style, side, &wire, stalls, script, LEAST);
                if wire.attempts() < place {
                    break;
                }
            }
        }
    });
}

#[test]
fn a_stream_that_ends_in_the_middle_of_the_opening_is_its_end() {
    for side in Side::BOTH {
        for style in STYLES {
            for len in 0..side.head().len() {
                let wire = Wire::new(&side.head()[..len], Cuts::Whole, Cuts::Whole, Stalls::Often);
                assert_eq!(style.run(side, &wire).end, Some(End::Eof), "{style:?} {len}");
                assert_eq!(wire.output(), if side == Side::Server { b"" } else { side.own_head() });
            }
        }
    }
}
