//! Puts `memory.x` where the linker looks for it, and the radio's firmware where the program looks for it.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("memory.x", out.join("memory.x")).expect("memory.x is copied");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=memory.x");

    println!("cargo:rerun-if-env-changed=CYW43_FIRMWARE");
    let firmware = env::var_os("CYW43_FIRMWARE");
    if firmware.is_none() {
        println!(
            "cargo:warning=without CYW43_FIRMWARE, the folder with the radio's firmware, it builds but can't run"
        );
    }
    for name in ["43439A0.bin", "43439A0_clm.bin", "nvram_rp2040.bin"] {
        let bytes = firmware.as_ref().map_or(Vec::new(), |folder| {
            let file = Path::new(folder).join(name);
            println!("cargo:rerun-if-changed={}", file.display());
            fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        });
        fs::write(out.join(name), bytes).expect("the firmware is copied");
    }
}
