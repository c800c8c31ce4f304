//! A response, whole and cut: the same items, the same verdict, the same bytes left for the frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws::Config;
use microws_fuzz::Choice;
use microws_tests::Cuts;
use microws_tests::handshake::Exchange;

fuzz_target!(|input: &[u8]| {
    let Some((choice, response)) = Choice::split(input) else { return };
    let connect = |reads| {
        let config = Config::new().request("example.com", "/").subprotocols(&["chat", "superchat"]);
        Exchange { rx: choice.rx(), reads, limits: choice.head_limits() }.connect(config, response)
    };
    let whole = connect(Cuts::Whole);
    assert_eq!(connect(choice.reads()), whole);
    assert_eq!(connect(Cuts::Every(1)), whole);
    // No connection without the accept value of our key.
    if whole.verdict.is_ok() {
        let accept = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert!(response.windows(accept.len()).any(|bytes| bytes == accept));
    }
    assert!(response.ends_with(&whole.after));
});
