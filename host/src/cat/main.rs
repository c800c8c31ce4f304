//! `microws-cat`: a WebSocket client on the command line.
//!
//! ```text
//!  arguments ─▶ dialogue     lines and files out, messages in ┐
//!           └─▶ round_trips  measures                         ┴▶ connection ─▶ stream  bytes
//!                                                                    └──────▶ verdict  exit status
//! ```
//!
//! One thread: it waits for the server, for its input and for signals at once. No message is ever held as a whole, so
//! its length does not matter.

mod address;
mod arguments;
mod close;
mod connection;
mod dialogue;
mod escape;
mod input;
mod notes;
mod output;
mod request;
mod round_trips;
mod sender;
mod signals;
mod stream;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::dialogue::Dialogue;
use crate::notes::Notes;
use crate::round_trips::RoundTrips;
use crate::verdict::Verdict;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let notes = Notes::new(arguments.verbose, arguments.quiet);
    let verdict = run(&arguments, &notes);
    notes.verdict(&verdict);
    ExitCode::from(verdict.status())
}

fn run(arguments: &Arguments, notes: &Notes) -> Verdict {
    let result = match arguments.rtt {
        Some(count) => {
            let task = RoundTrips::new(count.get(), arguments.size, arguments.kind());
            task.and_then(|task| connection::run(arguments, notes, task))
        }
        None => Dialogue::new(arguments, notes).and_then(|task| connection::run(arguments, notes, task)),
    };
    result.unwrap_or_else(|verdict| verdict)
}
