//! Every adapter does what was done by hand, wherever the input is cut and the stream stalls.

use microws::io::Error;
use microws_tests::Cuts;
use microws_tests::wire::{Broken, Stalls, Wire};

use crate::scripts::Side;
use crate::styles::{Outcome, STYLES, Style, check_flushes};

fn for_every_script(check: impl Fn(Side, &[u8], &Outcome, &[(u8, Vec<u8>)])) {
    for side in Side::BOTH {
        for script in side.scripts() {
            let (outcome, sent) = side.by_hand(&script);
            check(side, &[side.head(), script].concat(), &outcome, &sent);
        }
    }
}

fn check(style: Style, side: Side, wire: &Wire, stalls: Stalls, outcome: &Outcome, sent: &[(u8, Vec<u8>)]) {
    let context = || format!("{style:?} {side:?}, {stalls:?}, {:?}", wire.ops());
    assert_eq!(style.run(side, wire), *outcome, "{}", context());
    assert_eq!(side.sent(&wire.output()), sent, "{}", context());
    check_flushes(style, &wire.ops(), stalls);
}

#[test]
fn every_adapter_says_what_was_done_by_hand_at_every_cut() {
    for_every_script(|side, input, outcome, sent| {
        // The scripts begin alike: only the first one is cut there.
        let shortest = side.head().len() + side.scripts()[3].len();
        let first = if *input == [side.head(), side.scripts()[0].clone()].concat() { 0 } else { shortest };
        for cut in first..input.len() {
            let writes = if cut % 2 == 0 { Cuts::Whole } else { Cuts::Every(1) };
            let mut bytes: Option<Vec<u8>> = None;
            for style in STYLES {
                let stalls = if cut % 3 == 0 { Stalls::Never } else { Stalls::Often };
                let wire = Wire::new(input, Cuts::At(cut), writes.clone(), stalls);
                check(style, side, &wire, stalls, outcome, sent);
                // Where the bytes come in the same pieces, the same bytes go.
                let output = wire.output();
                assert_eq!(*bytes.get_or_insert_with(|| output.clone()), output, "{style:?}");
            }
        }
    });
}

#[test]
fn every_adapter_says_what_was_done_by_hand_byte_by_byte() {
    for_every_script(|side, input, outcome, sent| {
        for style in STYLES {
            for stalls in [Stalls::Never, Stalls::Often] {
                let wire = Wire::new(input, Cuts::Every(1), Cuts::Every(1), stalls);
                check(style, side, &wire, stalls, outcome, sent);
            }
        }
    });
}

#[test]
fn a_stall_at_any_one_place_changes_nothing() {
    for_every_script(|side, input, outcome, sent| {
        for style in STYLES {
            for place in 1.. {
                let stalls = Stalls::Once(place);
                let wire = Wire::new(input, Cuts::Every(60), Cuts::Every(50), stalls);
                check(style, side, &wire, stalls, outcome, sent);
                if wire.attempts() < place {
                    break;
                }
            }
        }
    });
}

#[test]
fn a_stream_that_fails_at_any_place_is_told_apart_from_one_that_ends() {
    for side in Side::BOTH {
        let input = [side.head(), side.scripts()[0].clone()].concat();
        for style in STYLES {
            for place in 1.. {
                let wire = Wire::new(&input, Cuts::Every(60), Cuts::Every(50), Stalls::FailingFrom(place));
                let end = style.run(side, &wire).end;
                if wire.attempts() < place {
                    break;
                }
                assert_eq!(end, Some(Error::Io(Broken::Reset)), "{style:?} {side:?} at {place}");
            }
        }
    }
}

#[test]
fn a_stream_that_takes_nothing_more_has_ended() {
    for side in Side::BOTH {
        for style in STYLES {
            let wire = Wire::new(&side.head(), Cuts::Whole, Cuts::Every(0), Stalls::Never);
            assert_eq!(style.run(side, &wire).end, Some(Error::Eof), "{style:?}");
            assert_eq!(wire.output(), b"");
        }
    }
}
