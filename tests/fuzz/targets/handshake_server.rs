//! A request, whole and cut: the same items, the same answer, the same bytes left for the frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws_fuzz::Choice;
use microws_tests::Cuts;
use microws_tests::handshake::Exchange;

fuzz_target!(|input: &[u8]| {
    let Some((choice, request)) = Choice::split(input) else { return };
    let serve = |reads| {
        Exchange { rx: choice.rx(), reads, limits: choice.head_limits() }
            .serve(&["chat", "echo-protocol"], request)
    };
    let whole = serve(Cuts::Whole);
    assert_eq!(serve(choice.reads()), whole);
    assert_eq!(serve(Cuts::Every(1)), whole);
    // One answer, with an end.
    let head = whole.output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    match whole.verdict {
        Ok(_) => assert!(whole.output.starts_with(b"HTTP/1.1 101 ") && head + 4 == whole.output.len()),
        Err(error) => assert!(whole.text().starts_with(&format!("HTTP/1.1 {} ", error.status()))),
    }
    // What is left is the end of what came.
    assert!(request.ends_with(&whole.after));
});
