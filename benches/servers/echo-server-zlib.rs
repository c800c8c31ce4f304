//! soketto with permessage-deflate over the C library: `echo-server-zlib soketto-deflate`.

use clap::Parser;
use microws_benches::servers::{self, Arguments};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    servers::run(&Arguments::parse())
}
