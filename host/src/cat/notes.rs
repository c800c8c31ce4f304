//! The program's own messages: on standard error, so that standard output has the server's messages alone.

use std::fmt;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::verdict::Verdict;

const NOTE: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Standard error; colours only on a terminal, and not with `NO_COLOR`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Notes {
    verbose: bool,
    quiet: bool,
}

impl Notes {
    pub(crate) const fn new(verbose: bool, quiet: bool) -> Self {
        Self { verbose, quiet }
    }

    /// Prints what happened.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if !self.quiet {
            line(NOTE, text);
        }
    }

    /// Prints details, for `--verbose`.
    pub(crate) fn detail(&self, text: impl fmt::Display) {
        if self.verbose {
            line(NOTE, text);
        }
    }

    /// Prints why the exit status is not 0.
    pub(crate) fn verdict(&self, verdict: &Verdict) {
        if verdict.status() != 0 {
            line(ERROR, format_args!("microws-cat: {verdict}"));
        }
    }
}

fn line(style: Style, text: impl fmt::Display) {
    // Without standard error nothing can be reported.
    let _ = writeln!(anstream::stderr().lock(), "{style}{text}{style:#}");
}
