//! What reaches a running server from outside its thread.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;

use mio::net::UnixStream;
use mio::{Interest, Registry, Token, Waker};

/// Reaches a [`Server`](crate::Server) that runs, from a signal handler or another thread.
#[derive(Debug)]
pub struct Handle {
    stop: StdUnixStream,
    status: StdUnixStream,
    reload: StdUnixStream,
    waker: Arc<Waker>,
}

impl Handle {
    /// Another one for the same server.
    ///
    /// # Errors
    /// No file descriptor is free.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            stop: self.stop.try_clone()?,
            status: self.status.try_clone()?,
            reload: self.reload.try_clone()?,
            waker: Arc::clone(&self.waker),
        })
    }

    /// Stops accepting, sends 1001 to every client and lets [`Server::run`](crate::Server::run) return when
    /// all have answered or the close timeout is over. A second call ends it at once.
    pub fn stop(&self) {
        // A full pipe holds more than enough calls already.
        let _ = (&self.stop).write(b"s");
    }

    /// Has the status line logged.
    pub fn log_status(&self) {
        let _ = (&self.status).write(b"s");
    }

    /// Has the files of the certificate read again, for the connections that come from then on. If they can't be used, a
    /// warning is logged and nothing changes.
    pub fn reload(&self) {
        let _ = (&self.reload).write(b"r");
    }

    /// Has the application of Socket.IO do what is due, soon: see
    /// [`Application::on_tick`](crate::socketio::Application::on_tick).
    pub fn wake(&self) {
        // It fails only together with the loop.
        let _ = self.waker.wake();
    }

    /// The end that [`stop`](Self::stop) writes a byte to, for a signal handler.
    pub const fn stop_pipe(&self) -> &StdUnixStream {
        &self.stop
    }

    /// The end that [`log_status`](Self::log_status) writes a byte to, for a signal handler.
    pub const fn status_pipe(&self) -> &StdUnixStream {
        &self.status
    }

    /// The end that [`reload`](Self::reload) writes a byte to, for a signal handler.
    pub const fn reload_pipe(&self) -> &StdUnixStream {
        &self.reload
    }
}

/// The server's ends of the pipes.
#[derive(Debug)]
pub(crate) struct Control {
    stop: UnixStream,
    status: UnixStream,
    reload: UnixStream,
}

impl Control {
    /// Opens the pipes; events come as the tokens `stop`, `status`, `reload` and `wake`.
    pub(crate) fn open(
        registry: &Registry,
        [stop, status, reload, wake]: [Token; 4],
    ) -> io::Result<(Self, Handle)> {
        let (stop_writer, stop) = pipe(registry, stop)?;
        let (status_writer, status) = pipe(registry, status)?;
        let (reload_writer, reload) = pipe(registry, reload)?;
        let waker = Arc::new(Waker::new(registry, wake)?);
        let handle = Handle { stop: stop_writer, status: status_writer, reload: reload_writer, waker };
        Ok((Self { stop, status, reload }, handle))
    }

    /// How often it was told to stop since the last call.
    pub(crate) fn take_stops(&mut self) -> usize {
        drain(&mut self.stop)
    }

    /// Forgets how often it was asked for its status: one answer is enough.
    pub(crate) fn clear_status(&mut self) {
        drain(&mut self.status);
    }

    /// Forgets how often it was asked to read its files again.
    pub(crate) fn clear_reload(&mut self) {
        drain(&mut self.reload);
    }
}

fn pipe(registry: &Registry, token: Token) -> io::Result<(StdUnixStream, UnixStream)> {
    let (writer, reader) = StdUnixStream::pair()?;
    writer.set_nonblocking(true)?;
    reader.set_nonblocking(true)?;
    let mut reader = UnixStream::from_std(reader);
    registry.register(&mut reader, token, Interest::READABLE)?;
    Ok((writer, reader))
}

/// Reads all there is; returns how many bytes that were.
fn drain(stream: &mut UnixStream) -> usize {
    let mut bytes = [0; 64];
    let mut total = 0;
    while let Ok(n @ 1..) = stream.read(&mut bytes) {
        total += n;
    }
    total
}
