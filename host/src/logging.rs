//! The log, on standard error.

use std::io::Write;

use clap::ValueEnum;
use log::LevelFilter;

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

/// Starts the log at the level that `verbose` raises and `quiet` lowers.
pub(crate) fn start(verbose: u8, quiet: u8, format: LogFormat) {
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
    builder.init();
}
