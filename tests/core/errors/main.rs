//! Every possible error: provoked in each role that can see it, with its words and its code.

mod handshake;
mod protocol;
mod words;
