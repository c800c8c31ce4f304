//! `microws-echo`: the start of the server, and its signals.

mod arguments;
mod logging;

use std::io;
use std::process::ExitCode;

use clap::Parser;
use log::{error, info};
use microws_host::{Config, Handle, Server};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::low_level::pipe;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _log = logging::start(arguments.verbose, arguments.quiet, arguments.log_format);
    // Each client is a file: this process takes as many as the system allows it.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match serve(arguments.config()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!("{cause}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: Config) -> io::Result<()> {
    let server = Server::bind(config)?;
    on_signals(server.handle())?;
    for address in server.addresses()? {
        info!(target: "listening", "listening on ws://{address}/");
    }
    server.run()?;
    Ok(())
}

/// Signals become bytes in the server's pipes, which its loop reads: a handler may do nothing else safely.
fn on_signals(handle: &Handle) -> io::Result<()> {
    for signal in [SIGTERM, SIGINT] {
        pipe::register(signal, handle.stop_pipe().try_clone()?)?;
    }
    pipe::register(SIGUSR1, handle.status_pipe().try_clone()?)?;
    Ok(())
}
