//! What holds for any input, tried on random inputs.

mod parts;
mod talk;
