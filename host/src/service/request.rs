//! The parts of a request that decide whether it is served.

use std::fmt::Write;

use microws::Event;
use microws::http::Field;

/// The parts of a request's head that a service needs.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) origin: Option<String>,
    /// As the client names it; empty if it does not.
    pub(crate) host: String,
    pub(crate) method: String,
    /// The type of the content; empty if the client names none.
    pub(crate) content_type: String,
    /// Bytes of the content.
    pub(crate) content_len: u64,
    /// The header fields that a script wants to send (`Access-Control-Request-Headers`).
    pub(crate) wanted_fields: String,
}

impl Request {
    /// Takes one line of the head.
    pub(crate) fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Request(line) => {
                // The one before was answered; its memory is used again.
                let Self { path, query, origin, host, method, content_type, content_len, wanted_fields } =
                    self;
                for text in [path, host, method, content_type, wanted_fields] {
                    text.clear();
                }
                (*origin, *content_len) = (None, 0);
                self.path.push_str(line.path());
                self.method.push_str(line.method());
                match (line.query(), query) {
                    (Some(new), Some(old)) => new.clone_into(old),
                    (new, old) => *old = new.map(str::to_owned),
                }
            }
            Event::Field(field) => self.on_field(field),
            Event::LongField(name) if name.eq_ignore_ascii_case(b"Origin") => self.add_origin("too long"),
            _ => {}
        }
    }

    fn on_field(&mut self, field: Field<'_>) {
        // `Field::is` would look for its end for each of these again.
        let name = field.name();
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Host") {
            write(&mut self.host, field.value());
        } else if is("Origin") {
            self.add_origin(&field.value().escape_ascii().to_string());
        } else if is("Content-Type") {
            write(&mut self.content_type, field.value());
        } else if is("Content-Length") {
            // Core has checked it.
            let digits = field.value().iter().filter(|byte| byte.is_ascii_digit());
            self.content_len =
                digits.fold(0, |n: u64, digit| n.saturating_mul(10).saturating_add(u64::from(digit & 0x0f)));
        } else if is("Access-Control-Request-Headers") {
            write(&mut self.wanted_fields, field.value());
        }
    }

    /// A client has one origin (RFC 6454 section 7.3): if it names several, none of them counts.
    fn add_origin(&mut self, origin: &str) {
        self.origin = Some(match self.origin.take() {
            None => origin.to_owned(),
            Some(before) => format!("{before}, {origin}"),
        });
    }
}

/// Replaces `text` by the bytes, which need not be UTF-8.
fn write(text: &mut String, bytes: &[u8]) {
    text.clear();
    // A String takes all that is written to it.
    let _ = write!(text, "{}", bytes.escape_ascii());
}
