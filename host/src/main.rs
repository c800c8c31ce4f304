//! `microws-echo`: the start of the server, and its signals.

mod arguments;
mod logging;
mod socketio_arguments;
#[cfg(feature = "tls")]
mod tls_arguments;

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use listenfd::ListenFd;
use log::{error, info, warn};
#[cfg(feature = "tls")]
use microws_host::Certificate;
use microws_host::{Config, Handle, Listen, Server};
use sd_notify::NotifyState;
#[cfg(feature = "tls")]
use signal_hook::consts::SIGHUP;
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
    #[cfg(feature = "tls")]
    let rereads = matches!(&config.tls, Some(tls) if matches!(tls.certificate, Certificate::Files { .. }));
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "the fingerprint needs it"))]
    let mut server = Server::bind(config)?;
    on_signals(server.handle())?;
    #[cfg(feature = "tls")]
    if rereads {
        pipe::register(SIGHUP, server.handle().reload_pipe().try_clone()?)?;
    }
    for url in server.urls() {
        info!(target: "listening", "listening on {url}");
    }
    #[cfg(feature = "tls")]
    if let Some(fingerprint) = server.certificate_fingerprint() {
        info!("certificate: SHA-256 {fingerprint}");
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
