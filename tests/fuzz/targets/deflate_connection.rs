//! Frames of a peer that may compress, in both roles: whole and cut give the same events, output and end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::deflate::Agreed;
use microws_fuzz::{Choice, deflated_frames_of};
use microws_tests::{ClientSide, ServerSide};

fuzz_target!(|input: &[u8]| {
    let Some((choice, _)) = Choice::split(input) else { return };
    let agreed = Agreed::new(15, 15).keeping(false, choice.lazy());
    deflated_frames_of::<ServerSide>(input, agreed);
    deflated_frames_of::<ClientSide>(input, agreed);
});
