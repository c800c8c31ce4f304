//! Support for the tests: frames made and read without the code under test, the two ends of a
//! connection as a test sees them, the receive loop of the documented contract over a transport
//! that cuts, the echo server as a process with clients that send any bytes, and `microws-cat` as a process.
#![allow(missing_docs, reason = "only the tests use this; where a name says it, no comment repeats it")]

pub mod cat;
pub mod drive;
pub mod errors;
pub mod frames;
pub mod handshake;
pub mod layer;
pub mod process;
pub mod raw;
pub mod side;
pub mod wire;
pub mod zlib;

pub use drive::{Cuts, Drive, End, Run, Seen, Tx, buffer};
pub use frames::{Frame, frame, frames, messages};
pub use side::{ClientSide, ServerSide, Side};

/// Runs a test body, generic over [`Side`], once for each role.
///
/// ```text
/// in_both_roles! {
///     fn a_sentence<S: Side>() { ... }
/// }
/// ```
#[macro_export]
macro_rules! in_both_roles {
    ($( $(#[$doc:meta])* fn $name:ident<S: $side:ident>() $body:block )+) => {
        $(
            $(#[$doc])*
            mod $name {
                use super::*;

                fn run<S: $side>() $body

                #[test]
                fn as_server() {
                    run::<$crate::ServerSide>();
                }

                #[test]
                fn as_client() {
                    run::<$crate::ClientSide>();
                }
            }
        )+
    };
}

/// The Rust of the READMEs is compiled.
#[cfg(doctest)]
mod readmes {
    #[doc = include_str!("../../README.md")]
    struct Readme;

    #[doc = include_str!("../../core/README.md")]
    struct Core;

    #[doc = include_str!("../../host/README.md")]
    struct Host;

    #[doc = include_str!("../../benches/README.md")]
    struct Benches;
}
