//! Support for the benchmarks: frames and payloads, the servers to compare with, statistics, the machine.

pub mod frames;
pub mod machine;
pub mod servers;
pub mod stats;
