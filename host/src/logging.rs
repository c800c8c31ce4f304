//! The log, on standard error, written by a thread of its own: nobody who reads it slowly holds the server up.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clap::ValueEnum;
use env_logger::{Target, WriteStyle};
use log::{Level, LevelFilter, Log, Metadata, Record};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

/// Lines that may wait to be written; what comes beyond is lost, and counted.
const WAITING: usize = 8192;

/// The form of a log line.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// Time, level and message
    Text,
    /// The message alone
    Plain,
    /// A JSON object with time, level and message
    Json,
}

/// Starts the log at the level that `verbose` raises and `quiet` lowers. What waits is written when the guard is
/// dropped, if somebody reads it.
pub(crate) fn start(verbose: u8, quiet: u8, format: LogFormat) -> WorkerGuard {
    let level = match (quiet, verbose) {
        (0, 0) => LevelFilter::Info,
        (1, _) => LevelFilter::Warn,
        (2.., _) => LevelFilter::Error,
        (0, 1) => LevelFilter::Debug,
        (0, 2..) => LevelFilter::Trace,
    };
    let mut builder = env_logger::Builder::new();
    builder.filter_module("microws", level).filter_module("status", LevelFilter::Info);
    // At any level: who asked for a free port must learn which one it is.
    builder.filter_module("listening", LevelFilter::Info);
    match format {
        LogFormat::Text => builder.format_target(false).format_timestamp_millis(),
        LogFormat::Plain => builder.format(|out, record| writeln!(out, "{}", record.args())),
        LogFormat::Json => builder.format(|out, record| {
            let line = serde_json::json!({
                "time": out.timestamp_millis().to_string(),
                "level": record.level().as_str().to_ascii_lowercase(),
                "message": record.args().to_string(),
            });
            writeln!(out, "{line}")
        }),
    };
    let is_colourful =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    builder.write_style(if is_colourful { WriteStyle::Always } else { WriteStyle::Never });
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .lossy(true)
        .thread_name("log")
        .finish(io::stderr());
    let lost = writer.error_counter();
    let log = builder.target(Target::Pipe(Box::new(writer))).build();
    log::set_max_level(log.filter());
    let log = Lossy { log, lost, told: AtomicUsize::new(0), own: AtomicUsize::new(0) };
    // It fails if there is a log already, and there is none before the start.
    let _ = log::set_boxed_logger(Box::new(log));
    guard
}

/// A log that says how many of its lines were lost.
struct Lossy {
    log: env_logger::Logger,
    lost: ErrorCounter,
    /// Lost lines that were told.
    told: AtomicUsize,
    /// Lines that tell it and were lost themselves.
    own: AtomicUsize,
}

impl Lossy {
    fn tell_lost(&self) {
        let before = self.lost.dropped_lines();
        let lost = before.saturating_sub(self.own.load(Relaxed));
        let new = lost.saturating_sub(self.told.load(Relaxed));
        if new == 0 {
            return;
        }
        let line = format_args!("{new} lines of the log were lost: they were not read fast enough");
        self.log.log(&Record::builder().level(Level::Warn).target("microws").args(line).build());
        if self.lost.dropped_lines() > before {
            self.own.fetch_add(1, Relaxed);
        } else {
            self.told.store(lost, Relaxed);
        }
    }
}

impl Log for Lossy {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.log.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.log.matches(record) {
            self.tell_lost();
            self.log.log(record);
        }
    }

    fn flush(&self) {
        self.log.flush();
    }
}
