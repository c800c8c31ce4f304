//! The peers that need a newer Rust: `echo-server-newer NAME`.

use clap::Parser;
use microws_benches::servers::{self, Arguments};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    servers::run(&Arguments::parse())
}
