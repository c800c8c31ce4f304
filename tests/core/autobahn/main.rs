//! Cases 1 to 7 of the Autobahn test-suite as a table, against core alone: each is played whole and
//! byte by byte, against an echo in either role. Cases 9 and 10 (speed and size) are left to the
//! suite itself.

mod closing;
mod framing;
mod utf8;

use hex_literal::hex;
use microws::MessageKind;
use microws_tests::{Cuts, Drive, End, Side, frames, in_both_roles, messages};

use closing::{closing, code};
use framing::{fragmentation, framing, pings, reserved_bits, reserved_opcodes};
use utf8::{begun, utf8};

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

/// The table is complete: it has as many cases as the suite in these sections, without the two of 6.4
/// that have a test of their own, and with those that stand twice, for their reasons.
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
