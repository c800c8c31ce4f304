//! The input goes out, messages are shown as they come.

use std::fmt::Display;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use microws::{Chunk, MessageKind, SendError};

use crate::arguments::Arguments;
use crate::connection::{Awaited, Progress, Task};
use crate::escape::Escaped;
use crate::input::{Cut, Input};
use crate::notes::Notes;
use crate::output::Output;
use crate::sender::Sender;
use crate::verdict::Verdict;

/// The payload of our ping, which its pong must repeat.
const PING: &[u8] = b"microws-cat";

/// What is sent, and what was received.
pub(crate) struct Dialogue<'a> {
    notes: &'a Notes,
    kind: MessageKind,
    input: Input,
    output: Output,
    ping: Ping,
    stay: bool,
}

/// How far the user's ping has come.
#[derive(Debug, Clone, Copy)]
enum Ping {
    Due,
    Sent(Instant),
    /// Its pong came, or none is asked for.
    Done,
}

impl<'a> Dialogue<'a> {
    /// Opens the files.
    pub(crate) fn new(arguments: &Arguments, notes: &'a Notes) -> Result<Self, Verdict> {
        let mut input = Input::new(arguments.binary.is_none());
        for path in &arguments.file {
            input.add_file(path).map_err(Verdict::Own)?;
        }
        if arguments.file.is_empty() {
            input.add_stdin(match arguments.binary {
                None => Cut::Lines,
                Some(None) => Cut::Never,
                Some(Some(size)) => Cut::Blocks(size.get()),
            });
        }
        let ping = if arguments.ping { Ping::Due } else { Ping::Done };
        let (kind, stay) = (arguments.kind(), arguments.stay);
        Ok(Self { notes, kind, input, output: Output::new(), ping, stay })
    }

    fn send_input(&mut self, sender: &mut Sender<'_>) -> Result<(), Verdict> {
        while let Some(piece) = self.input.next() {
            if !sender.has_room(piece.len()) {
                break;
            }
            let payload = self.input.payload(piece).map_err(Verdict::Own)?;
            sender.fragment(self.kind, payload, piece.fin()).map_err(unsendable)?;
            self.input.take(piece);
        }
        Ok(())
    }
}

impl Task for Dialogue<'_> {
    fn send(&mut self, sender: &mut Sender<'_>) -> Result<Progress, Verdict> {
        if let Ping::Due = self.ping
            && sender.has_room(PING.len())
        {
            sender.ping(PING).map_err(unsendable)?;
            self.ping = Ping::Sent(Instant::now());
        }
        self.send_input(sender)?;
        let is_done = self.input.is_at_end() && matches!(self.ping, Ping::Done) && !self.stay;
        Ok(if is_done { Progress::Done } else { Progress::Waits })
    }

    fn input(&self) -> Option<BorrowedFd<'_>> {
        self.input.wanted()
    }

    fn on_input(&mut self) -> Result<(), Verdict> {
        self.input.read().map_err(Verdict::Own)
    }

    fn on_chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), Verdict> {
        self.output.chunk(chunk).map_err(|error| unwritable(&error))
    }

    fn on_pong(&mut self, payload: &[u8]) {
        match self.ping {
            Ping::Sent(at) if payload == PING => {
                self.ping = Ping::Done;
                self.notes.note(format_args!("pong after {:.3} ms", at.elapsed().as_secs_f64() * 1e3));
            }
            _ => self.notes.detail(format_args!("pong: {}", Escaped(payload))),
        }
    }

    fn awaited(&self) -> Option<Awaited> {
        match self.ping {
            Ping::Sent(since) => Some(Awaited { what: "pong", since }),
            Ping::Due | Ping::Done => None,
        }
    }

    fn finish(&mut self) -> Result<bool, Verdict> {
        self.output.end_line().map_err(|error| unwritable(&error))?;
        Ok(true)
    }
}

/// The output failed.
pub(crate) fn unwritable(error: &impl Display) -> Verdict {
    Verdict::Own(format!("standard output: {error}"))
}

/// The session takes no message, which an open one does.
pub(crate) fn unsendable(error: SendError) -> Verdict {
    Verdict::Own(format!("can't be sent: {error}"))
}
