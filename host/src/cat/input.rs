//! What is sent: lines or bytes of standard input, or files, in fragments that fit into a buffer.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use microws::Validator;
use rustix::io::Errno;

use crate::sender::FRAGMENT;

/// Where a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// At each line end, which is not sent.
    Lines,
    /// After so many bytes.
    Blocks(usize),
    /// Where the source ends.
    Never,
}

/// Standard input, or a file.
#[derive(Debug)]
enum Handle {
    Stdin,
    File(OwnedFd),
}

/// Something to read from.
#[derive(Debug)]
struct Source {
    handle: Handle,
    name: String,
    cut: Cut,
    /// An empty file is an empty message, an empty standard input is none.
    may_be_empty: bool,
}

/// The sources, one after the other.
pub(crate) struct Input {
    sources: VecDeque<Source>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The current source has ended.
    eof: bool,
    /// Bytes of the current message that were taken; none before it began.
    in_message: Option<usize>,
    /// Checks text.
    validator: Option<Validator>,
}

/// The next fragment: so many bytes at the start of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    len: usize,
    fin: bool,
    /// Bytes after the payload that are not sent: a line end.
    skip: usize,
}

impl Piece {
    pub(crate) const fn len(self) -> usize {
        self.len
    }

    /// Whether it ends its message.
    pub(crate) const fn fin(self) -> bool {
        self.fin
    }
}

impl Input {
    /// Of no sources yet; `text` must be UTF-8.
    pub(crate) fn new(text: bool) -> Self {
        Self {
            sources: VecDeque::new(),
            buffer: vec![0; FRAGMENT].into(),
            start: 0,
            end: 0,
            eof: false,
            in_message: None,
            validator: text.then(Validator::new),
        }
    }

    /// Adds standard input.
    pub(crate) fn add_stdin(&mut self, cut: Cut) {
        let name = "standard input".to_owned();
        self.sources.push_back(Source { handle: Handle::Stdin, name, cut, may_be_empty: false });
    }

    /// Adds a file, which is one message.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<(), String> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        let handle = Handle::File(file.into());
        self.sources.push_back(Source { handle, name, cut: Cut::Never, may_be_empty: true });
        Ok(())
    }

    /// Whether all was taken.
    pub(crate) fn is_at_end(&self) -> bool {
        self.sources.is_empty()
    }

    /// The descriptor to wait for, if more must be read.
    pub(crate) fn wanted(&self) -> Option<BorrowedFd<'_>> {
        if self.eof || self.next().is_some() {
            return None;
        }
        self.sources.front().map(Source::fd)
    }

    /// Reads once. Waits unless [`wanted`](Self::wanted) is ready.
    pub(crate) fn read(&mut self) -> Result<(), String> {
        if self.wanted().is_none() {
            return Ok(());
        }
        let Some(source) = self.sources.front() else { return Ok(()) };
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        match rustix::io::read(source.fd(), &mut self.buffer[self.end..]) {
            Ok(0) => self.eof = true,
            Ok(n) => self.end += n,
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(format!("{}: {}", source.name, io::Error::from(error))),
        }
        self.skip_empty_end();
        Ok(())
    }

    /// The next fragment, if it is complete.
    pub(crate) fn next(&self) -> Option<Piece> {
        let source = self.sources.front()?;
        let there = &self.buffer[self.start..self.end];
        let full = there.len() == self.buffer.len();
        let taken = self.in_message.unwrap_or(0);
        match source.cut {
            Cut::Lines => {
                if let Some(len) = there.iter().position(|byte| *byte == b'\n') {
                    return Some(Piece { len, fin: true, skip: 1 });
                }
            }
            Cut::Blocks(size) if there.len() >= size - taken => {
                return Some(Piece { len: size - taken, fin: true, skip: 0 });
            }
            Cut::Blocks(_) | Cut::Never => {}
        }
        (full || self.eof).then_some(Piece { len: there.len(), fin: self.eof, skip: 0 })
    }

    /// The bytes of `piece`. The error says that they are no text.
    pub(crate) fn payload(&mut self, piece: Piece) -> Result<&[u8], String> {
        let payload = &self.buffer[self.start..self.start + piece.len];
        if let Some(validator) = &mut self.validator {
            let valid = validator.feed(payload).is_ok() && (validator.is_complete() || !piece.fin);
            if !valid {
                let name = self.sources.front().map_or("the input", |source| &*source.name);
                return Err(format!("{name} is no UTF-8 text; --binary sends it as it is"));
            }
        }
        Ok(payload)
    }

    /// Goes on after `piece`.
    pub(crate) fn take(&mut self, piece: Piece) {
        self.start += piece.len + piece.skip;
        self.in_message = (!piece.fin).then(|| self.in_message.unwrap_or(0) + piece.len);
        let one_message = self.sources.front().is_some_and(|source| source.cut == Cut::Never);
        if self.eof && one_message && piece.fin {
            self.next_source();
        }
        self.skip_empty_end();
    }

    /// A source that ended together with a message is done.
    fn skip_empty_end(&mut self) {
        let may_be_empty = self.sources.front().is_none_or(|source| source.may_be_empty);
        if self.eof && self.start == self.end && self.in_message.is_none() && !may_be_empty {
            self.next_source();
        }
    }

    fn next_source(&mut self) {
        self.sources.pop_front();
        (self.start, self.end, self.eof, self.in_message) = (0, 0, false, None);
    }
}

impl Source {
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.handle {
            Handle::Stdin => rustix::stdio::stdin(),
            Handle::File(file) => file.as_fd(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;

    /// What comes of `bytes`, read in pieces that end at `cuts`.
    fn messages(bytes: &[u8], cuts: &[usize], cut: Cut, text: bool) -> Result<Vec<Vec<u8>>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (reader, _) = listener.accept().unwrap();
        let mut input = Input::new(text);
        input.add_stdin(cut);
        input.sources[0].handle = Handle::File(reader.into());
        let (mut messages, mut message, mut from) = (Vec::new(), Vec::new(), 0);
        let mut take = |input: &mut Input| -> Result<(), String> {
            while let Some(piece) = input.next() {
                message.extend_from_slice(input.payload(piece)?);
                input.take(piece);
                if piece.fin() {
                    messages.push(std::mem::take(&mut message));
                }
            }
            Ok(())
        };
        for to in cuts.iter().copied().chain([bytes.len()]) {
            writer.write_all(&bytes[from..to]).unwrap();
            while from < to {
                let before = input.end - input.start;
                input.read()?;
                from += input.end - input.start - before;
                take(&mut input)?;
            }
        }
        writer.shutdown(Shutdown::Write).unwrap();
        input.read()?;
        take(&mut input)?;
        Ok(messages)
    }

    #[test]
    fn lines_and_blocks_are_the_same_wherever_they_are_cut() {
        let bytes = "one\n\nthree ü\nlast".as_bytes();
        for at in 0..bytes.len() {
            let lines = messages(bytes, &[at], Cut::Lines, true).unwrap();
            assert_eq!(lines, ["one", "", "three ü", "last"].map(|line| line.as_bytes().to_vec()));
            let blocks = messages(bytes, &[at], Cut::Blocks(7), false).unwrap();
            let lens: Vec<_> = blocks.iter().map(Vec::len).collect();
            assert_eq!((lens, blocks.concat()), (vec![7, 7, 4], bytes.to_vec()));
        }
    }

    #[test]
    fn text_must_be_utf8_up_to_its_last_character() {
        assert!(messages(b"good\nb\xffad\n", &[], Cut::Lines, true).unwrap_err().contains("UTF-8"));
        assert!(messages(b"cut \xc3\n\xbc\n", &[], Cut::Lines, true).is_err());
        assert!(messages(b"b\xffad\n", &[], Cut::Lines, false).is_ok());
    }
}
