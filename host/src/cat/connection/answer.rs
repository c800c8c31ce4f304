//! What the events of the session mean for the connection.

use microws::{CloseCode, Event};

use super::Task;
use crate::escape::Escaped;
use crate::notes::Notes;
use crate::verdict::Verdict;

/// The answer to our request, as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The server refuses: the user needs to see where to go or what to bring.
    is_refusal: bool,
}

/// What an event means for the connection.
pub(super) enum Happened {
    Nothing,
    Opened,
    /// A close frame came, with so many bytes of payload.
    Closed {
        payload: usize,
    },
}

impl Answer {
    /// Prints an event, or hands it to the task.
    pub(super) fn take(
        &mut self,
        event: &Event<'_>,
        notes: &Notes,
        task: &mut impl Task,
    ) -> Result<Happened, Verdict> {
        match event {
            Event::Status(line) => {
                let status = line.status();
                self.is_refusal = status >= 200;
                let text = format!("{status} {}", Escaped(line.reason()));
                if self.is_refusal { notes.note(text) } else { notes.detail(text) }
            }
            Event::Field(field) => {
                let text = format!("{}: {}", Escaped(field.name()), Escaped(field.value()));
                // Where to go, or what to bring.
                let is_news = field.is("Location") || field.is("WWW-Authenticate");
                if self.is_refusal && is_news { notes.note(text) } else { notes.detail(text) }
            }
            Event::Open => return Ok(Happened::Opened),
            Event::Chunk(chunk) => task.on_chunk(chunk)?,
            Event::Ping(payload) => notes.detail(format_args!("ping: {}", Escaped(payload))),
            Event::Pong(payload) => task.on_pong(payload),
            Event::Close(close) => {
                task.finish()?;
                let reason = Escaped(close.reason().as_bytes()).to_string();
                notes.note(format_args!("closed: {} {reason}", close.code).to_string().trim_end());
                let has_code = close.code != CloseCode::NO_STATUS;
                return Ok(Happened::Closed { payload: usize::from(has_code) * 2 + close.reason().len() });
            }
            _ => {}
        }
        Ok(Happened::Nothing)
    }
}
