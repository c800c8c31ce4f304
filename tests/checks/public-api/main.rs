//! Prints the public items of a package, a line each, from the JSON that rustdoc has made of it.

use std::env;

use public_api::{Builder, Error};

fn main() -> Result<(), Error> {
    let json = env::args_os().nth(1).expect("a file of rustdoc's");
    // What follows from the other items is left out.
    let api =
        Builder::from_rustdoc_json(json).omit_blanket_impls(true).omit_auto_trait_impls(true).build()?;
    for item in api.items() {
        println!("{item}");
    }
    Ok(())
}
