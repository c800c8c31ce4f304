//! The connection from its opening to its end: a session, its stream, and a task that sends and receives messages.

mod answer;
mod task;

pub(crate) use task::{Awaited, Progress, Task};

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use microws::deflate::{Deflater, Inflater, MAX_RING_LEN, Params};
use microws::{Buffer, CloseCode, End, Overdue, Session, State, Step};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::arguments::Arguments;
use crate::close::CloseFrame;
use crate::dialogue::unsendable;
use crate::escape::Escaped;
use crate::notes::Notes;
use crate::request::Request;
use crate::sender::{CAPACITY, FRAGMENT, Random, Sender, random};
use crate::signals::Signals;
use crate::stream::Stream;
use crate::verdict::Verdict;

use answer::{Answer, Happened};

/// The header of a server's control frame (RFC 6455 section 5.2).
const HEADER: usize = 2;

/// Entries of the table that finds repetitions, for messages of 64 KiB.
const TABLE_LEN: usize = 4096;

/// Connects and runs `task`, until the connection ends.
pub(crate) fn run<T: Task>(arguments: &Arguments, notes: &Notes, task: T) -> Result<Verdict, Verdict> {
    // 0 means for ever; the system's call has no value for that.
    let timeout = if arguments.timeout == 0 { u32::MAX } else { arguments.timeout };
    let stream = Stream::connect(arguments, Duration::from_millis(timeout.into()));
    let stream = stream.map_err(Verdict::Unreachable)?;
    if let Some(protection) = stream.protection() {
        notes.detail(protection);
    }
    let request = Request::new(arguments);
    let mut config = request.config();
    if arguments.compress {
        // The ring serves this connection alone.
        config = config.deflate(Params::new().keep_peers_context(true));
    }
    let (mut rx, mut tx) = (vec![0; FRAGMENT], vec![0; CAPACITY]);
    let buffers = Buffer::from_slice(&mut rx).zip(Buffer::from_slice(&mut tx));
    let (mut inflater, mut ring, mut table) = (Inflater::new(), Vec::new(), Vec::new());
    if arguments.compress {
        ring.resize(MAX_RING_LEN, 0);
        table.resize(TABLE_LEN, 0);
    }
    let buffers = match buffers {
        Some((rx, tx)) if arguments.compress => rx.inflating_slice(&mut inflater, &mut ring).zip(Some(tx)),
        buffers => buffers,
    };
    let (rx, tx) = buffers.ok_or_else(|| Verdict::Own("the buffers are too small".to_owned()))?;
    let deflater = Deflater::new(&mut table);
    let session = Session::client(&config, random as Random);
    let sender = Sender { session, tx, deflater, in_message: false };
    Connection::new(arguments, notes, stream, rx, sender, task).run()
}

struct Connection<'a, T> {
    arguments: &'a Arguments,
    notes: &'a Notes,
    task: T,
    rx: Buffer<'a>,
    sender: Sender<'a>,
    stream: Stream,
    signals: Option<Signals>,
    start: Instant,
    answer: Answer,
    /// The close frame to send as soon as there is room.
    to_close: Option<CloseFrame>,
    /// The code of our close frame, if ours was the first.
    closed_with: Option<CloseCode>,
    /// The server's close frame came.
    is_closed: bool,
    /// Bytes that came after it.
    after_close: usize,
    /// The stream failed.
    failure: Option<io::Error>,
    /// The first thing that went wrong: it decides how the program ends.
    verdict: Option<Verdict>,
}

/// What is waited for.
struct Ready {
    stream: bool,
    input: bool,
}

impl<'a, T: Task> Connection<'a, T> {
    fn new(
        arguments: &'a Arguments,
        notes: &'a Notes,
        stream: Stream,
        rx: Buffer<'a>,
        sender: Sender<'a>,
        task: T,
    ) -> Self {
        Self {
            arguments,
            notes,
            task,
            rx,
            sender,
            stream,
            signals: None,
            start: Instant::now(),
            answer: Answer::default(),
            to_close: None,
            closed_with: None,
            is_closed: false,
            after_close: 0,
            failure: None,
            verdict: None,
        }
    }

    /// Each iteration does what can be done now and then waits for more.
    fn run(mut self) -> Result<Verdict, Verdict> {
        loop {
            let before = self.rx.len();
            let reads = match self.sender.session.receive(&mut self.rx, &mut self.sender.tx) {
                Step::Event(event) => {
                    match self.answer.take(&event, self.notes, &mut self.task) {
                        Ok(Happened::Opened) => self.on_open()?,
                        Ok(Happened::Closed { payload }) => {
                            self.finish();
                            self.is_closed = true;
                            self.after_close += before.saturating_sub(HEADER + payload);
                        }
                        Ok(Happened::Nothing) => {}
                        Err(verdict) => self.fail(verdict),
                    }
                    continue;
                }
                Step::Read => true,
                Step::Write => {
                    // A close frame was found, which must be answered: the session dropped what follows it.
                    self.after_close += (before - self.rx.len()).saturating_sub(HEADER);
                    false
                }
                Step::Shutdown => {
                    if self.stream.shutdown().is_err() {
                        self.sender.session.commit_end();
                    }
                    continue;
                }
                Step::End(end) => return Ok(self.conclude(end)),
            };
            if let Err(verdict) = self.send() {
                self.fail(verdict);
                // The close frame goes before anything is waited for.
                continue;
            }
            self.write();
            if !reads && self.sender.tx.is_empty() {
                // The session waited for room only.
                continue;
            }
            let now = self.now();
            let wait = self.sender.session.tick(&mut self.sender.tx, now);
            if wait == Some(0) {
                continue;
            }
            let ready =
                self.wait(wait, reads).map_err(|error| Verdict::Own(format!("can't wait: {error}")))?;
            if ready.stream && reads {
                self.read();
            }
            if ready.input
                && let Err(verdict) = self.task.on_input()
            {
                self.fail(verdict);
            }
            if self.signals.as_mut().is_some_and(Signals::came) {
                self.notes.note("closing; a second signal ends it at once");
                self.close(CloseCode::GOING_AWAY);
            }
        }
    }

    fn on_open(&mut self) -> Result<(), Verdict> {
        self.signals = Some(Signals::take().map_err(|error| Verdict::Own(format!("signals: {error}")))?);
        let mut note = "connected".to_owned();
        if let Some(name) = self.sender.session.subprotocol() {
            note += &format!(", subprotocol {}", Escaped(name.as_bytes()));
        }
        if let Some(agreed) = self.sender.session.agreed() {
            note += &format!(", {agreed}");
        }
        self.notes.note(note);
        Ok(())
    }

    /// Queues what the task has, or the close frame that is due.
    fn send(&mut self) -> Result<(), Verdict> {
        if self.sender.session.state() != State::Open {
            return Ok(());
        }
        if self.to_close.is_none() {
            let progress = self.task.send(&mut self.sender)?;
            if let Some(Awaited { what, since }) = self.task.awaited()
                && self.arguments.timeout > 0
                && since.elapsed() >= self.timeout()
            {
                return Err(Verdict::Silent(format!("no {what} within {:?}", self.timeout())));
            }
            if progress == Progress::Done {
                self.close(CloseCode::NORMAL);
            }
        }
        if let Some(CloseFrame { code, reason }) = &self.to_close {
            match self.sender.close(*code, reason) {
                Ok(true) => self.closed_with = Some(*code),
                Ok(false) => {}
                Err(error) => {
                    // Codes and reasons were checked when they were given.
                    self.verdict.get_or_insert(unsendable(error));
                    self.sender.session.commit_end();
                }
            }
        }
        Ok(())
    }

    /// Asks for a close frame: with the user's code, or with `code`.
    fn close(&mut self, code: CloseCode) {
        let given = || self.arguments.close.clone().unwrap_or_else(|| CloseFrame::of(code));
        self.to_close.get_or_insert_with(given);
    }

    /// Something went wrong on our side: asks for a close frame with 1001.
    fn fail(&mut self, verdict: Verdict) {
        self.verdict.get_or_insert(verdict);
        self.to_close.get_or_insert_with(|| CloseFrame::of(CloseCode::GOING_AWAY));
    }

    /// Writes out what is queued, as far as the stream takes it.
    fn write(&mut self) {
        while !self.sender.tx.is_empty() {
            match self.stream.write(self.sender.tx.filled()) {
                Ok(None | Some(0)) => return,
                Ok(Some(n)) => {
                    self.sender.tx.consume(n);
                    self.sender.session.wrote();
                }
                Err(error) => {
                    // What the server said before may still be read; then the stream ends.
                    self.failure.get_or_insert(error);
                    self.sender.tx.consume(usize::MAX);
                }
            }
        }
        if let Err(error) = self.stream.flush() {
            self.failure.get_or_insert(error);
        }
    }

    fn read(&mut self) {
        match self.stream.read(self.rx.spare()) {
            Ok(None) => {}
            Ok(Some(n)) => {
                self.sender.session.commit(&mut self.rx, n);
                if self.is_closed {
                    self.after_close += n;
                }
            }
            Err(error) => {
                self.failure.get_or_insert(error);
                self.sender.session.commit_end();
            }
        }
    }

    /// Waits for at most `wait` milliseconds, `None` is for ever.
    fn wait(&self, wait: Option<u32>, reads: bool) -> io::Result<Ready> {
        let is_open = self.sender.session.state() == State::Open && self.to_close.is_none();
        let mut left = wait.map(|wait| Duration::from_millis(wait.into()));
        if let (true, Some(awaited)) = (is_open && self.arguments.timeout > 0, self.task.awaited()) {
            let its = self.timeout().saturating_sub(awaited.since.elapsed());
            left = Some(left.map_or(its, |left| left.min(its)));
        }
        // A wait that is a little too short would be repeated with nothing to do.
        left = left.map(|left| left + Duration::from_micros(100));
        let mut interest = if reads { PollFlags::IN } else { PollFlags::empty() };
        if !self.sender.tx.is_empty() || self.stream.wants_write() {
            interest |= PollFlags::OUT;
        }
        let holds_more = reads && self.stream.may_hold_more();
        if holds_more {
            left = Some(Duration::ZERO);
        }
        let mut fds = vec![PollFd::new(&self.stream, interest)];
        if let Some(signals) = &self.signals {
            fds.push(PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN));
        }
        let input = if is_open { self.task.input() } else { None };
        let its_place = fds.len();
        fds.extend(input.map(|input| PollFd::from_borrowed_fd(input, PollFlags::IN)));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut fds, left.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready { stream: false, input: false }),
            Err(error) => return Err(error.into()),
        }
        let is_ready = |fd: &PollFd<'_>| fd.revents().intersects(!PollFlags::OUT);
        Ok(Ready {
            stream: holds_more || fds.first().is_some_and(is_ready),
            input: fds.get(its_place).is_some_and(is_ready),
        })
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.arguments.timeout.into())
    }

    /// Milliseconds for the session's deadlines, which may wrap.
    fn now(&self) -> u32 {
        self.start.elapsed().as_millis() as u32
    }

    /// Lets the task end its output: whether it has done all.
    fn finish(&mut self) -> bool {
        self.task.finish().unwrap_or_else(|verdict| {
            self.verdict.get_or_insert(verdict);
            false
        })
    }

    fn conclude(mut self, end: End) -> Verdict {
        let is_complete = self.finish();
        if let Some(verdict) = self.verdict {
            return verdict;
        }
        match end {
            End::Closed(code) => {
                let is_normal = [CloseCode::NORMAL, CloseCode::NO_STATUS].contains(&code);
                match self.after_close {
                    bytes @ 1.. => Verdict::AfterClose(bytes),
                    _ if !(is_normal || self.closed_with == Some(code)) => Verdict::ClosedBy(code),
                    _ if !(is_complete || self.closed_with.is_some()) => Verdict::TooEarly,
                    _ => Verdict::Closed,
                }
            }
            End::Rejected(error) => Verdict::Handshake(error),
            End::Failed(error) => Verdict::Broken(error),
            End::Overdue(Overdue::Handshake) => Verdict::HandshakeOverdue,
            End::Overdue(overdue) => Verdict::Silent(match overdue {
                Overdue::Write => "the server took no bytes for too long".to_owned(),
                overdue => overdue.to_string(),
            }),
            End::Unsendable(error) => Verdict::Usage(format!("the request can't be sent: {error}")),
            end => Verdict::Lost(match self.failure {
                Some(error) => error.to_string(),
                None => end.to_string(),
            }),
        }
    }
}
