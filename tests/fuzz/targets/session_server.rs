//! A server's session: whatever the cuts, the same events, the same output, the same end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::Session;
use microws_fuzz::{Choice, Life, config, lead};
use microws_tests::Cuts;

fuzz_target!(|input: &[u8]| {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let config = config(choice);
    let run = |reads| -> Life {
        lead(
            choice,
            reads,
            Session::server(&config),
            |session, tx| session.respond_and_stay(tx, 200, &[], "ok"),
            peer,
        )
    };
    let whole = run(Cuts::Whole);
    let cut = run(choice.reads());
    assert_eq!((&cut.events, cut.end), (&whole.events, whole.end));
    let bytes = run(Cuts::Every(1));
    assert_eq!((&bytes.events, bytes.end), (&whole.events, whole.end));
    // A server says nothing but in answer to a request.
    assert!(whole.output.is_empty() || whole.output.starts_with(b"HTTP/1.1 "));
});
