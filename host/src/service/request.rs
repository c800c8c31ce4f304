//! What decides about a request.

use microws::Event;

/// The parts of a request's head that a service needs.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// Without the query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) origin: Option<String>,
    /// As the client names it; empty if it does not.
    pub(crate) host: String,
}

impl Request {
    /// Takes one line of the head.
    pub(crate) fn on_event(&mut self, event: Event<'_>) {
        match event {
            Event::Request(line) => {
                // The one before was answered.
                *self = Self::default();
                line.path().clone_into(&mut self.path);
                self.query = line.query().map(str::to_owned);
            }
            Event::Field(field) if field.is("Host") => self.host = field.value().escape_ascii().to_string(),
            Event::Field(field) if field.is("Origin") => {
                self.add_origin(&field.value().escape_ascii().to_string());
            }
            Event::LongField(name) if name.eq_ignore_ascii_case(b"Origin") => self.add_origin("too long"),
            _ => {}
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
