//! The log, on standard error. A slow reader does not hold the server up: from the first line on that can't be written
//! at once, a thread writes.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};

use clap::ValueEnum;
use env_logger::{Target, WriteStyle};
use log::{Level, LevelFilter, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that may wait to be written; what comes beyond is lost, and counted.
const WAITING: usize = 8192;

/// A pipe that can be written to takes so many bytes (PIPE_BUF).
const AT_ONCE: usize = 4096;

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

/// Starts the log at the level that `verbose` raises and `quiet` lowers. What waits is written when the log is dropped,
/// if standard error is read.
pub(crate) fn start(verbose: u8, quiet: u8, format: LogFormat) -> Log {
    let level = match (quiet, verbose) {
        (0, 0) => LevelFilter::Info,
        (1, _) => LevelFilter::Warn,
        (2.., _) => LevelFilter::Error,
        (0, 1) => LevelFilter::Debug,
        (0, 2..) => LevelFilter::Trace,
    };
    let mut builder = env_logger::Builder::new();
    builder.filter_module("microws", level).filter_module("status", LevelFilter::Info);
    // At any level: a caller that asked for a free port must learn which one it is.
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
    let thread = Arc::new(OnceLock::new());
    let log = builder.target(Target::Pipe(Box::new(Writer(Arc::clone(&thread))))).build();
    log::set_max_level(log.filter());
    let lossy =
        Lossy { log, thread: Arc::clone(&thread), reported: AtomicUsize::new(0), own: AtomicUsize::new(0) };
    // It fails if there is a log already, and there is none before the start.
    let _ = log::set_boxed_logger(Box::new(lossy));
    Log(thread)
}

/// The running log.
pub(crate) struct Log(Arc<OnceLock<Thread>>);

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(thread) = self.0.get() {
            drop(thread.guard.lock().map(|mut guard| guard.take()));
        }
    }
}

/// Writes what could not be written at once. While there is none, the process has one thread, and system calls of such
/// a process are cheaper.
struct Thread {
    writer: NonBlocking,
    guard: Mutex<Option<WorkerGuard>>,
}

impl Thread {
    fn start() -> Self {
        let (writer, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(WAITING)
            .lossy(true)
            .thread_name("log")
            .finish(io::stderr());
        Self { writer, guard: Mutex::new(Some(guard)) }
    }

    fn lost(&self) -> usize {
        self.writer.error_counter().dropped_lines()
    }
}

/// Standard error.
struct Writer(Arc<OnceLock<Thread>>);

impl Write for Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.get().is_none() && takes_bytes() {
            return io::stderr().write(&line[..line.len().min(AT_ONCE)]);
        }
        self.0.get_or_init(Thread::start).writer.clone().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether standard error takes [`AT_ONCE`] bytes without waiting.
fn takes_bytes() -> bool {
    let error = io::stderr();
    let mut ready = [PollFd::new(&error, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // One that is gone fails at once.
    poll(&mut ready, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// A log that says how many of its lines were lost.
struct Lossy {
    log: env_logger::Logger,
    thread: Arc<OnceLock<Thread>>,
    /// Lost lines that were reported.
    reported: AtomicUsize,
    /// Reports that were lost themselves.
    own: AtomicUsize,
}

impl Lossy {
    fn tell_lost(&self) {
        let Some(thread) = self.thread.get() else { return };
        let before = thread.lost();
        let lost = before.saturating_sub(self.own.load(Relaxed));
        let new = lost.saturating_sub(self.reported.load(Relaxed));
        if new == 0 {
            return;
        }
        let line = format_args!("{new} lines of the log were lost: they were not read fast enough");
        log::Log::log(&self.log, &Record::builder().level(Level::Warn).target("microws").args(line).build());
        if thread.lost() > before {
            self.own.fetch_add(1, Relaxed);
        } else {
            self.reported.store(lost, Relaxed);
        }
    }
}

impl log::Log for Lossy {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        log::Log::enabled(&self.log, metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if self.log.matches(record) {
            self.tell_lost();
            log::Log::log(&self.log, record);
        }
    }

    fn flush(&self) {
        log::Log::flush(&self.log);
    }
}
