//! The same servers with their allocations counted: each line on standard input is answered with the number
//! of allocations so far.

use std::{alloc::System, io, thread};

use clap::Parser;
use microws_benches::servers::{self, Arguments};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    thread::spawn(|| {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|len| len > 0) {
            line.clear();
            let stats = ALLOCATOR.stats();
            println!("{}", stats.allocations + stats.reallocations);
        }
    });
    servers::run(&Arguments::parse())
}
