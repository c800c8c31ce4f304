//! The inflater against zlib-rs: the same bytes, the same verdict, however the input is cut and whatever room there is.
//! And the deflater: zlib-rs reads what it makes of the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::deflate::{Deflater, Fault, Inflater, Next};
use microws_fuzz::Choice;
use microws_tests::zlib;

fuzz_target!(|input: &[u8]| {
    let Some((choice, data)) = Choice::split(input) else { return };
    // Enough for what zlib is given room for; larger output is a bomb, looked at elsewhere.
    let mut ring = vec![0; 32768];
    let whole = Inflater::new().inflate(&mut &data[..], &mut ring, usize::MAX);
    let mut expected = ring[whole.bytes.clone()].to_vec();
    if whole.next != Next::Output
        && let Some((theirs, valid)) = zlib::judge(data, whole.next == Next::Input)
    {
        assert_eq!(expected, theirs);
        assert_eq!(whole.next, if valid { Next::Input } else { Next::Fault(Fault::Garbage) });
    }

    // Cut, through a ring of the size that the choice says.
    let (mut inflater, mut small) = (Inflater::new(), vec![0; choice.rx() + 117]);
    let (mut cuts, mut rooms) = (choice.reads(), choice.writes());
    let (mut rest, mut made, mut last) = (data, Vec::new(), Next::Input);
    'input: while !rest.is_empty() {
        let (mut now, later) = rest.split_at(cuts.size().min(rest.len()));
        rest = later;
        loop {
            let inflated = inflater.inflate(&mut now, &mut small, rooms.size());
            made.extend_from_slice(&small[inflated.bytes]);
            last = inflated.next;
            match last {
                Next::Output if made.len() < 1 << 16 => {}
                Next::Input => break,
                _ => break 'input,
            }
        }
    }
    match last {
        Next::Fault(Fault::RingTooSmall(distance)) => {
            assert!(usize::from(distance) > small.len());
            expected.truncate(made.len());
            made.truncate(expected.len());
        }
        _ if whole.next == Next::Output => made.truncate(expected.len()),
        _ => assert_eq!(last, whole.next),
    }
    assert_eq!(made, expected);

    let (mut table, mut out) = ([0; 256], vec![0; data.len() * 2 + 16]);
    let mut deflater = Deflater::new(&mut table).expect("256 entries are enough");
    let bits = 8 + (choice.tx() % 8) as u8;
    let measured = deflater.measure(data, bits);
    deflater.begin(bits);
    let progress = deflater.deflate(data, &mut out);
    assert!(progress.done);
    assert_eq!(measured, (progress.len < data.len()).then_some(progress.len));
    assert_eq!(zlib::inflate(&out[..progress.len], bits, data.len()).as_deref(), Some(data));
});
