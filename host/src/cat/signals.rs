//! Ctrl-C and SIGTERM: the first one asks for a close frame, the second one ends the program at once.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::pipe;

/// Signals as bytes in a pipe, which can be waited for.
#[derive(Debug)]
pub(crate) struct Signals {
    pipe: UnixStream,
}

impl Signals {
    /// From here on signals are caught. Before the connection is open they end the program, because no close frame can be
    /// sent.
    pub(crate) fn take() -> io::Result<Self> {
        let (pipe, sender) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let asked = Arc::new(AtomicBool::new(false));
        for (signal, status) in [(SIGINT, 130), (SIGTERM, 143)] {
            // In this order: a second signal must end even a program that waits for its output to be read.
            flag::register_conditional_shutdown(signal, status, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self { pipe })
    }

    /// Whether one came since the last call.
    pub(crate) fn came(&mut self) -> bool {
        self.pipe.read(&mut [0; 8]).is_ok_and(|n| n > 0)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
