//! Messages on standard output: for a person on a terminal, as they are for a program.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use microws::{Chunk, MessageKind};

use crate::escape::is_unfit;

/// Bytes of a binary message that a terminal shows.
const SHOWN: u64 = 1024;

const MARK: Style = AnsiColor::Green.on_default();

/// Standard output.
pub(crate) struct Output {
    form: Form,
    /// A message was begun that has not ended.
    open: Option<MessageKind>,
}

enum Form {
    Terminal(Screen<AutoStream<io::Stdout>>),
    Raw(io::Stdout),
}

impl Output {
    pub(crate) fn new() -> Self {
        let stdout = io::stdout();
        let form = if stdout.is_terminal() {
            Form::Terminal(Screen::new(anstream::stdout()))
        } else {
            Form::Raw(stdout)
        };
        Self { form, open: None }
    }

    /// Writes what came of a message.
    pub(crate) fn chunk(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        self.open = (!chunk.fin).then_some(chunk.kind);
        match &mut self.form {
            Form::Terminal(screen) => screen.chunk(chunk),
            Form::Raw(out) => {
                out.write_all(chunk.payload)?;
                if chunk.fin && chunk.kind == MessageKind::Text {
                    out.write_all(b"\n")?;
                }
                out.flush()
            }
        }
    }

    /// Ends the line of a message that will not end itself.
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        match (self.open.take(), &mut self.form) {
            (Some(_), Form::Terminal(screen)) => screen.end_line(),
            (Some(MessageKind::Text), Form::Raw(out)) => out.write_all(b"\n").and_then(|()| out.flush()),
            _ => Ok(()),
        }
    }
}

/// A terminal.
struct Screen<W> {
    out: W,
    /// The bytes of a character that the chunk before cut.
    cut: Vec<u8>,
    /// Bytes of the binary message so far.
    len: u64,
}

impl<W: Write> Screen<W> {
    const fn new(out: W) -> Self {
        Self { out, cut: Vec::new(), len: 0 }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>) -> io::Result<()> {
        let mut line = String::new();
        if chunk.first {
            line += &format!("{MARK}<{MARK:#} ");
            self.cut.clear();
            self.len = 0;
        }
        match chunk.kind {
            MessageKind::Text => self.text(chunk.payload, &mut line),
            MessageKind::Binary => self.hex(chunk.payload, chunk.fin, &mut line),
        }
        if chunk.fin {
            line.push('\n');
        }
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }

    fn text(&mut self, bytes: &[u8], line: &mut String) {
        self.cut.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.cut);
        for chunk in bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    // Indented, so that it does not look like a line of ours.
                    '\n' => line.push_str("\n  "),
                    '\t' => line.push('\t'),
                    _ if is_unfit(character) => line.extend(character.escape_default()),
                    _ => line.push(character),
                }
            }
            // The text was checked: only its last character can be cut.
            self.cut = chunk.invalid().to_vec();
        }
    }

    fn hex(&mut self, bytes: &[u8], fin: bool, line: &mut String) {
        for byte in bytes {
            if self.len < SHOWN {
                *line += &format!("{byte:02x} ");
            } else if self.len == SHOWN {
                line.push_str("... ");
            }
            self.len += 1;
        }
        if fin {
            *line += &format!("(binary, {} bytes)", self.len);
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a terminal without colours gets of a message in these chunks.
    fn shown(kind: MessageKind, chunks: &[&[u8]]) -> String {
        let mut screen = Screen::new(anstream::StripStream::new(Vec::new()));
        for (i, chunk) in chunks.iter().enumerate() {
            let mut payload = chunk.to_vec();
            screen.chunk(&Chunk::new(kind, i == 0, i + 1 == chunks.len(), &mut payload)).unwrap();
        }
        String::from_utf8(screen.out.into_inner()).unwrap()
    }

    #[test]
    fn text_is_shown_without_what_a_terminal_obeys_wherever_it_is_cut() {
        let text = "ü\u{1b}[2J\n< forged\t\u{9b}\u{202e}世".as_bytes();
        for at in 0..=text.len() {
            let (a, b) = text.split_at(at);
            let expected = "< ü\\u{1b}[2J\n  < forged\t\\u{9b}\\u{202e}世\n";
            assert_eq!(shown(MessageKind::Text, &[a, b]), expected, "{at}");
        }
    }

    #[test]
    fn bytes_are_shown_in_hex_with_their_number_and_not_too_many() {
        assert_eq!(shown(MessageKind::Binary, &[b"\x00\x1b", b"\xff"]), "< 00 1b ff (binary, 3 bytes)\n");
        assert_eq!(shown(MessageKind::Binary, &[b""]), "< (binary, 0 bytes)\n");
        let long = shown(MessageKind::Binary, &[&[7; 1000], &[7; 1000]]);
        assert!(long.ends_with(" 07 ... (binary, 2000 bytes)\n"), "{long}");
        assert_eq!(long.matches("07 ").count(), 1024);
    }
}
