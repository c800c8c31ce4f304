//! [`Refusal`]: what a client needs to know of an answer other than 101.

use core::fmt;

use crate::event::Event;
use crate::http::Field;

/// What a server's answer says about the next attempt: its status, `Retry-After` and `Location`, of at most `N` bytes.
/// It takes the events of the opening handshake: see `open_with` of the adapters in [`io`](crate::io).
///
/// ```
/// use microws::handshake::Refusal;
///
/// let mut refusal = Refusal::<128>::new();
/// # let mut note = |event: &microws::Event<'_>| refusal.note(event);
/// # note(&microws::Event::Open);
/// // socket.open_with(now, |event| refusal.note(&event))
/// match refusal.status() {
///     401 | 403 => { /* the credentials are wrong: trying again changes nothing */ }
///     301..=308 => { /* try refusal.location(), a few times at most */ }
///     _ => { /* wait for refusal.retry_after(), or as Backoff says */ }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal<const N: usize> {
    status: u16,
    retry_after: Option<u32>,
    location: heapless::Vec<u8, N>,
}

impl<const N: usize> Refusal<N> {
    /// Of no answer yet.
    pub const fn new() -> Self {
        Self { status: 0, retry_after: None, location: heapless::Vec::new() }
    }

    /// Notes what the event says. A status begins anew.
    pub fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Status(line) => {
                *self = Self::new();
                self.status = line.status();
            }
            Event::Field(field) if field.is("Retry-After") => self.retry_after = seconds(field),
            // A location that does not fit is dropped: a part of it would name something else.
            Event::Field(field) if field.is("Location") => {
                self.location.clear();
                let _ = self.location.extend_from_slice(field.value());
            }
            _ => {}
        }
    }

    /// The status; 0 if there was no answer.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// How many seconds to wait, if the server says so in seconds (RFC 9110 section 10.2.3); a date needs a calendar,
    /// and counts as none.
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Where else to go (RFC 9110 section 10.2.2): an address for [`Url::parse`](crate::http::Url::parse), or a path on
    /// the same server. `None` if the answer has none or one of more than `N` bytes.
    pub fn location(&self) -> Option<&str> {
        match core::str::from_utf8(&self.location) {
            Ok("") | Err(_) => None,
            Ok(location) => Some(location),
        }
    }
}

impl<const N: usize> Default for Refusal<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for Refusal<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Refusal");
        told.field("status", &self.status).field("retry_after", &self.retry_after);
        told.field("location", &self.location()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Refusal<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Refusal {{ {}, {}, {} }}", self.status, self.retry_after, self.location());
    }
}

/// delay-seconds; more than fit count as the most.
fn seconds(field: &Field<'_>) -> Option<u32> {
    let mut seconds = 0u32;
    for byte in field.value() {
        if !byte.is_ascii_digit() {
            return None;
        }
        seconds = seconds.saturating_mul(10).saturating_add(u32::from(byte & 0x0f));
    }
    (!field.value().is_empty()).then_some(seconds)
}
