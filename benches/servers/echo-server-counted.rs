//! The same servers with their allocations counted.

use std::alloc::System;

use clap::Parser;
use microws_benches::servers::{self, Arguments};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    servers::tell_allocations(ALLOCATOR);
    servers::run(&Arguments::parse())
}
