//! An echo server to compare with: `echo-server NAME`.

use clap::Parser;
use microws_benches::servers::{self, Arguments};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    servers::run(&Arguments::parse())
}
