//! A client's session: whatever the cuts, the same events, the same end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::{SendError, Session};
use microws_fuzz::{Choice, Life, config, lead};
use microws_tests::Cuts;

fuzz_target!(|input: &[u8]| {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let config = config(choice);
    let random = |bytes: &mut [u8]| match bytes.len() {
        16 => bytes.copy_from_slice(b"the sample nonce"),
        _ => bytes.fill(0x5a),
    };
    let run = |reads| -> Life {
        lead(choice, reads, Session::client(&config, random), |_, _| Err(SendError::NotNow), peer)
    };
    let whole = run(Cuts::Whole);
    let cut = run(choice.reads());
    assert_eq!((&cut.events, cut.end), (&whole.events, whole.end));
    let bytes = run(Cuts::Every(1));
    assert_eq!((&bytes.events, bytes.end), (&whole.events, whole.end));
});
