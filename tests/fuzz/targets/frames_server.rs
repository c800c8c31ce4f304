//! Frames as a server receives them.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| microws_fuzz::frames_of::<microws_tests::ServerSide>(input));
