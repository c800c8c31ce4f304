//! What the host gives through semihosting: arguments, random bytes, an end.
//!
//! On a real board these come from its flash and its random number generator.

use core::fmt::Write;
use core::net::SocketAddrV4;
use core::panic::PanicInfo;
use core::ptr;

use heapless::String;
use semihosting::experimental::{env, random};

/// Value of the argument `name=value` that the emulator was started with.
pub fn argument<T: core::str::FromStr>(name: &str) -> Option<T> {
    let arguments = env::args::<256>().ok()?;
    (&arguments)
        .filter_map(Result::ok)
        .filter_map(|argument| argument.split_once('='))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| value.parse().ok())
}

/// The server that the argument `server` names, and the value of its `Host` field.
pub fn server() -> (SocketAddrV4, String<21>) {
    let Some(server) = argument::<SocketAddrV4>("server") else {
        defmt::panic!("no argument server=ADDRESS:PORT");
    };
    let mut host = String::new();
    // The longest address has 15 characters, the longest port 5.
    _ = write!(host, "{server}");
    (server, host)
}

/// Random bytes of the host.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// [`random`] in place: what the core's client makes its masking keys with.
pub fn fill_random(bytes: &mut [u8]) {
    if random::fill_bytes(bytes).is_err() {
        defmt::panic!("the host has no random bytes");
    }
}

/// How many bytes of stack the program has taken so far at most: cortex-m-rt has painted all of it before the start.
#[allow(unsafe_code)]
pub fn stack_used() -> usize {
    unsafe extern "C" {
        static _stack_start: u32;
        static _stack_end: u32;
    }
    const PAINT: u32 = 0xcccc_cccc;
    let start = &raw const _stack_start;
    let mut at = &raw const _stack_end;
    // SAFETY: the linker script has the stack between these two, in words.
    while at < start && unsafe { ptr::read_volatile(at) } == PAINT {
        at = at.wrapping_add(1);
    }
    start as usize - at as usize
}

/// End the emulator.
pub fn exit(success: bool) -> ! {
    semihosting::process::exit(if success { 0 } else { 1 })
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    defmt::error!("{}", defmt::Display2Format(info));
    exit(false)
}
