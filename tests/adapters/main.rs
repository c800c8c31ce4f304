//! The adapters: the same scripts through each of them and by hand, in both roles, with the input
//! cut anywhere, stalls and failures anywhere, and every future dropped after any number of polls.

mod every_cut;
mod open;
mod opening;
mod scripts;
mod styles;
