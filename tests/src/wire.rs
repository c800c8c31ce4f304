//! The transport of the adapters' tests: a script of what comes, a record of what goes, pieces of
//! any size, and stalls, through every stream trait that an adapter takes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use embedded_nal::TcpErrorKind;

use crate::Cuts;

/// How a [`Wire`] fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It can't go on now; the way a blocking stream says so.
    TimedOut,
    /// The end, the way `embedded-nal` says so.
    PipeClosed,
    /// The peer has gone.
    Reset,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Broken {}

impl embedded_io::Error for Broken {
    fn kind(&self) -> embedded_io::ErrorKind {
        match self {
            Self::TimedOut => embedded_io::ErrorKind::TimedOut,
            Self::PipeClosed => embedded_io::ErrorKind::BrokenPipe,
            Self::Reset => embedded_io::ErrorKind::ConnectionReset,
        }
    }
}

impl embedded_nal::TcpError for Broken {
    fn kind(&self) -> TcpErrorKind {
        match self {
            Self::TimedOut | Self::Reset => TcpErrorKind::Other,
            Self::PipeClosed => TcpErrorKind::PipeClosed,
        }
    }
}

/// Which attempts to read, write or flush stall.
#[derive(Debug, Clone, Copy)]
pub enum Stalls {
    Never,
    /// The attempt of this number alone.
    Once(usize),
    /// Every second one.
    Often,
    /// Attempts to write, until this many were made.
    Writing(usize),
    /// Every attempt.
    Always,
    /// Attempts to read when nothing has come: the peer has not ended the stream.
    Reading,
    /// None, but the attempt of this number fails, and all after it.
    FailingFrom(usize),
}

/// What was done to a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Read(usize),
    Write(usize),
    Flush,
    /// Our direction was ended.
    Shutdown,
}

#[derive(Debug)]
struct State {
    input: Vec<u8>,
    read: usize,
    reads: Cuts,
    output: Vec<u8>,
    writes: Cuts,
    stalls: Stalls,
    attempts: usize,
    ops: Vec<Op>,
}

/// A handle to a transport; clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Wire(Rc<RefCell<State>>);

impl Wire {
    /// Delivers `input` in pieces as `reads` says and then the end of the stream; takes output in
    /// pieces as `writes` says.
    pub fn new(input: &[u8], reads: Cuts, writes: Cuts, stalls: Stalls) -> Self {
        Self(Rc::new(RefCell::new(State {
            input: input.to_vec(),
            read: 0,
            reads,
            output: Vec::new(),
            writes,
            stalls,
            attempts: 0,
            ops: Vec::new(),
        })))
    }

    /// What was written.
    pub fn output(&self) -> Vec<u8> {
        self.0.borrow().output.clone()
    }

    /// How many bytes were read.
    pub fn read_so_far(&self) -> usize {
        self.0.borrow().read
    }

    /// What was done, in order.
    pub fn ops(&self) -> Vec<Op> {
        self.0.borrow().ops.clone()
    }

    /// How many times anything was tried.
    pub fn attempts(&self) -> usize {
        self.0.borrow().attempts
    }

    /// More comes.
    pub fn deliver(&self, input: &[u8]) {
        self.0.borrow_mut().input.extend(input);
    }

    /// From now on other attempts stall.
    pub fn stall(&self, stalls: Stalls) {
        self.0.borrow_mut().stalls = stalls;
    }

    /// Ends our direction.
    ///
    /// # Panics
    /// If that was done before.
    pub fn shut_down(&self) {
        let mut state = self.0.borrow_mut();
        assert!(!state.ops.contains(&Op::Shutdown), "ended twice");
        state.ops.push(Op::Shutdown);
    }

    fn stalled(&self, writing: bool) -> Result<bool, Broken> {
        let mut state = self.0.borrow_mut();
        state.attempts += 1;
        match state.stalls {
            Stalls::Never => Ok(false),
            Stalls::Once(n) => Ok(state.attempts == n),
            Stalls::Often => Ok(state.attempts % 2 == 1),
            Stalls::Writing(n) => Ok(writing && state.attempts <= n),
            Stalls::Always => Ok(true),
            Stalls::Reading => Ok(!writing && state.read == state.input.len()),
            Stalls::FailingFrom(n) if state.attempts >= n => Err(Broken::Reset),
            Stalls::FailingFrom(_) => Ok(false),
        }
    }

    fn now_read(&self, to: &mut [u8]) -> usize {
        let mut state = self.0.borrow_mut();
        let left = state.input.len() - state.read;
        let n = if left == 0 { 0 } else { state.reads.size().min(to.len()).min(left) };
        assert!(n > 0 || left == 0, "read into an empty buffer");
        to[..n].copy_from_slice(&state.input[state.read..][..n]);
        state.read += n;
        state.ops.push(Op::Read(n));
        n
    }

    fn now_write(&self, from: &[u8]) -> usize {
        assert!(!from.is_empty(), "wrote nothing");
        let mut state = self.0.borrow_mut();
        assert!(!state.ops.contains(&Op::Shutdown), "wrote after the end");
        let n = state.writes.size().min(from.len());
        state.output.extend(&from[..n]);
        state.ops.push(Op::Write(n));
        n
    }

    fn now_flush(&self) {
        self.0.borrow_mut().ops.push(Op::Flush);
    }

    /// Pending once for each stall.
    async fn ready(&self, writing: bool) -> Result<(), Broken> {
        poll_fn(|_| match self.stalled(writing) {
            Ok(true) => Poll::Pending,
            Ok(false) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        })
        .await
    }

    fn or_blocked<T>(&self, writing: bool, done: impl FnOnce() -> T) -> nb::Result<T, Broken> {
        if self.stalled(writing)? { Err(nb::Error::WouldBlock) } else { Ok(done()) }
    }

    fn or_timed_out<T>(&self, writing: bool, done: impl FnOnce() -> T) -> Result<T, Broken> {
        if self.stalled(writing)? { Err(Broken::TimedOut) } else { Ok(done()) }
    }
}

impl embedded_io::ErrorType for Wire {
    type Error = Broken;
}

impl embedded_io::Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        self.or_timed_out(false, || self.now_read(buf))
    }
}

impl embedded_io::Write for Wire {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        self.or_timed_out(true, || self.now_write(buf))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.or_timed_out(true, || self.now_flush())
    }
}

impl embedded_io_async::Read for Wire {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        self.ready(false).await?;
        Ok(self.now_read(buf))
    }
}

impl embedded_io_async::Write for Wire {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        self.ready(true).await?;
        Ok(self.now_write(buf))
    }

    async fn flush(&mut self) -> Result<(), Broken> {
        self.ready(true).await?;
        self.now_flush();
        Ok(())
    }
}

impl microws::io::polled::Stream for Wire {
    type Error = Broken;

    fn read(&mut self, buf: &mut [u8]) -> Result<Option<usize>, Broken> {
        Ok(if self.stalled(false)? { None } else { Some(self.now_read(buf)) })
    }

    fn write(&mut self, buf: &[u8]) -> Result<Option<usize>, Broken> {
        Ok(if self.stalled(true)? { None } else { Some(self.now_write(buf)) })
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.now_flush();
        Ok(())
    }

    fn shutdown(&mut self) -> Result<bool, Broken> {
        self.shut_down();
        Ok(true)
    }
}

/// A [`Wire`] that says whether it is ready, and never stalls if it said so.
#[derive(Debug, Clone)]
pub struct Ready(pub Wire);

impl embedded_io::ErrorType for Ready {
    type Error = Broken;
}

impl embedded_io::ReadReady for Ready {
    fn read_ready(&mut self) -> Result<bool, Broken> {
        Ok(!self.0.stalled(false)?)
    }
}

impl embedded_io::WriteReady for Ready {
    fn write_ready(&mut self) -> Result<bool, Broken> {
        Ok(!self.0.stalled(true)?)
    }
}

impl embedded_io::Read for Ready {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Broken> {
        Ok(self.0.now_read(buf))
    }
}

impl embedded_io::Write for Ready {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Broken> {
        Ok(self.0.now_write(buf))
    }

    fn flush(&mut self) -> Result<(), Broken> {
        self.0.now_flush();
        Ok(())
    }
}

/// A TCP stack whose sockets are [`Wire`]s.
#[derive(Debug, Clone, Copy)]
pub struct Stack;

impl embedded_nal::TcpClientStack for Stack {
    type TcpSocket = Wire;
    type Error = Broken;

    fn socket(&mut self) -> Result<Wire, Broken> {
        Ok(Wire::new(&[], Cuts::Whole, Cuts::Whole, Stalls::Never))
    }

    fn connect(&mut self, _: &mut Wire, _: std::net::SocketAddr) -> nb::Result<(), Broken> {
        Ok(())
    }

    fn send(&mut self, socket: &mut Wire, buffer: &[u8]) -> nb::Result<usize, Broken> {
        socket.or_blocked(true, || socket.now_write(buffer))
    }

    fn receive(&mut self, socket: &mut Wire, buffer: &mut [u8]) -> nb::Result<usize, Broken> {
        match socket.or_blocked(false, || socket.now_read(buffer))? {
            0 => Err(nb::Error::Other(Broken::PipeClosed)),
            n => Ok(n),
        }
    }

    fn close(&mut self, _: Wire) -> Result<(), Broken> {
        Ok(())
    }
}
