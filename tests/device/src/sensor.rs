//! What a sensor does with its connection: subscribes, sends a reading every 100 ms, closes when told to.

use microws::{CloseCode, Event, MessageKind, SendError, Sent};
use microws_device::sensor::{INTERVAL, SUBSCRIBE, is_stop, reading};
use smoltcp::time::{Duration, Instant};

use crate::client::{Application, Line};

pub struct Sensor {
    /// How many readings it has sent, over all connections.
    pub sent: u32,
    limit: Option<u32>,
    /// When the next reading is due; `None` while there is no connection.
    next: Option<Instant>,
}

impl Sensor {
    /// One that closes after `limit` readings; without a limit the server's text `stop` ends it.
    pub const fn new(limit: Option<u32>) -> Self {
        Self { sent: 0, limit, next: None }
    }

    /// Whether the connection that failed had been open; the next one begins anew.
    pub fn reset(&mut self) -> bool {
        self.next.take().is_some()
    }

    fn stop(&mut self, line: &mut Line<'_>) {
        match line.close(CloseCode::NORMAL, "done") {
            Ok(Sent::Done) | Err(SendError::Closed) => self.next = None,
            // Bytes before it go out first; `due` or the server comes back to it.
            Ok(Sent::Write) => self.limit = Some(0),
            Err(error) => defmt::panic!("{}", error),
        }
    }
}

impl Application for Sensor {
    fn event(&mut self, event: Event<'_>, line: &mut Line<'_>) {
        match event {
            Event::Open => {
                defmt::info!("connected");
                let sent = defmt::unwrap!(line.send(MessageKind::Text, SUBSCRIBE.as_bytes()));
                defmt::assert!(sent == Sent::Done);
                self.next = Some(Instant::ZERO);
            }
            Event::Chunk(chunk) if is_stop(&chunk) => self.stop(line),
            Event::Close(close) => defmt::info!("closed with {}", close.code),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.next
    }

    fn due(&mut self, now: Instant, line: &mut Line<'_>) {
        self.next = Some(now + Duration::from_millis(INTERVAL.into()));
        if self.limit.is_some_and(|limit| self.sent >= limit) {
            return self.stop(line);
        }
        let reading = reading(self.sent, now.total_millis() as u32);
        match line.send(MessageKind::Text, reading.as_bytes()) {
            Ok(Sent::Done) => self.sent += 1,
            // The server does not take them fast enough: this one is left out.
            Ok(Sent::Write) => defmt::warn!("a reading is left out"),
            Err(error) => defmt::panic!("{}", error),
        }
    }
}
