//! The JSON skipper against serde_json: the same text is a value, and ends at the same byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use microws_socketio::json;
use serde::de::IgnoredAny;

/// Deeper text is refused by the skipper alone.
fn is_shallow(input: &[u8]) -> bool {
    input.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() <= json::MAX_DEPTH as usize
}

fuzz_target!(|input: &[u8]| {
    if std::str::from_utf8(input).is_err() || !is_shallow(input) {
        // No panic, whatever it is.
        let _ = json::is_value(input);
        return;
    }
    assert_eq!(json::is_value(input), serde_json::from_slice::<IgnoredAny>(input).is_ok());
    if let Some((value, rest)) = json::split(input) {
        assert!(input.ends_with(rest));
        assert!(serde_json::from_slice::<IgnoredAny>(value).is_ok());
    }
    let list = [b"[", input, b"]"].concat();
    if is_shallow(&list) {
        assert_eq!(json::are_values(input), serde_json::from_slice::<IgnoredAny>(&list).is_ok());
    }
    let _ = json::member(input, b"a");
});
