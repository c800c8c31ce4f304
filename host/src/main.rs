//! `microws-echo`: the start of the server, and its signals.

mod arguments;
mod logging;

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use listenfd::ListenFd;
use log::{error, info, warn};
use microws_host::{Config, Handle, Listen, Server};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use signal_hook::low_level::pipe;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let _log = logging::start(arguments.verbose, arguments.quiet, arguments.log_format);
    // Each client is a file: this process takes as many as the system allows it.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    match config(&arguments).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            error!("{cause}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments, and the sockets that the parent process opened, as systemd does for a unit of sockets.
fn config(arguments: &Arguments) -> io::Result<Config> {
    let mut config = arguments.config();
    let mut inherited = ListenFd::from_env();
    for index in 0..inherited.len() {
        let socket = match inherited.take_tcp_listener(index) {
            Ok(socket) => socket.map(OwnedFd::from),
            Err(_) => inherited.take_unix_listener(index).map_err(unusable)?.map(OwnedFd::from),
        };
        config.listen.extend(socket.map(|socket| Listen::Inherited(Arc::new(socket))));
    }
    Ok(config)
}

fn unusable(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen on what LISTEN_FDS names: {error}, nor of TCP"))
}

fn serve(config: Config) -> io::Result<()> {
    let server = Server::bind(config)?;
    on_signals(server.handle())?;
    for url in server.urls() {
        info!(target: "listening", "listening on {url}");
    }
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!("cannot tell NOTIFY_SOCKET that the server is ready: {error}");
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
