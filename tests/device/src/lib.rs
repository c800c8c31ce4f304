//! The board under the programs: an MPS2 with a Cortex-M3 and an Ethernet controller.
//!
//! ```text
//!  LAN9118 --> lan9118::Lan9118 --> net::Net (smoltcp) --> the program --> defmt over semihosting
//!                                     ^
//!  SysTick --> clock::Clock ----------+
//! ```
//!
//! Interrupts wake the processor and are never taken: the program polls, so there is no state
//! that a handler shares with it. What a board of your own needs is a driver in place of
//! [`lan9118`]; everything else here is plain smoltcp.
#![no_std]

pub mod autobahn;
pub mod client;
pub mod clock;
#[cfg(feature = "deflate")]
pub mod compressed;
#[cfg(feature = "http")]
pub mod dashboard;
pub mod debugger;
pub mod echo;
pub mod lan9118;
pub mod lent;
pub mod mqtt;
pub mod net;
pub mod place;
pub mod sensor;
pub mod socketio;
pub mod tcp;
pub mod tls;
