//! Compresses the dashboard's page, which stays like that in flash.

use std::io::Write;
use std::{env, fs, path::Path};

use flate2::{Compression, write::GzEncoder};

fn main() {
    println!("cargo:rerun-if-changed=src/dashboard.html");
    let page = fs::read("src/dashboard.html").expect("the page is read");
    let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
    compressed.write_all(&page).expect("memory takes all");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let bytes = compressed.finish().expect("memory takes all");
    fs::write(Path::new(&out).join("dashboard.html.gz"), bytes).expect("the compressed page is written");
}
