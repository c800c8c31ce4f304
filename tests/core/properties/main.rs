//! What holds for any input, tried on inputs by chance.

mod parts;
mod talk;
