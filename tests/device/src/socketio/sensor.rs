//! What the sensor does in its namespace: emits a reading every 100 ms, and obeys commands, which are events that ask
//! for an acknowledgement.
//!
//! | event | argument | what it acknowledges with |
//! |---|---|---|
//! | `interval` | milliseconds from reading to reading, 10 to 60,000 | the interval before; `null` for any other argument |
//! | `stop` | | how many readings it has sent; then it leaves |

use core::fmt::Write;

use heapless::{Deque, String};
use microws::Sent;
use microws_socketio::{Event, SendError, json};
use smoltcp::time::{Duration, Instant};

use super::Line;

/// Milliseconds between two readings, until the server asks for another interval.
const INTERVAL: u32 = 100;

pub struct Sensor {
    /// How many readings it has sent, over all connections.
    pub sent: u32,
    interval: u32,
    /// When the next reading is due; `None` while there is no connection, and after `stop`.
    next: Option<Instant>,
    /// What `tx` had no room for yet.
    queue: Deque<Packet, 4>,
    /// It leaves as soon as the queue is empty.
    leaving: bool,
}

enum Packet {
    /// A reading of this time, in milliseconds since the start.
    Reading(u32),
    /// The interval before; `None` if the one that was asked for is out of range.
    Interval {
        id: u32,
        before: Option<u32>,
    },
    Stop {
        id: u32,
    },
}

impl Sensor {
    pub const fn new() -> Self {
        Self { sent: 0, interval: INTERVAL, next: None, queue: Deque::new(), leaving: false }
    }

    /// Whether the connection that failed had joined the namespace; the next one begins anew.
    pub fn reset(&mut self) -> bool {
        // The ids of acknowledgements mean nothing to the next one.
        self.queue.clear();
        self.next.take().is_some()
    }

    pub fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Connected { .. } => {
                defmt::info!("connected");
                self.next = Some(Instant::ZERO);
            }
            Event::Refused { error } => defmt::warn!("refused: {=[u8]:a}", error),
            Event::Event { name, args, ack: Some(id), .. } => {
                let packet = match name {
                    b"interval" => Packet::Interval { id, before: self.set_interval(args) },
                    b"stop" => {
                        (self.next, self.leaving) = (None, true);
                        Packet::Stop { id }
                    }
                    // The server's timeout tells it.
                    _ => return,
                };
                self.queue(packet);
            }
            _ => {}
        }
    }

    fn set_interval(&mut self, args: &[u8]) -> Option<u32> {
        let asked = json::values(args).next().and_then(json::number);
        let interval = asked.filter(|interval| (10..=60_000).contains(interval))?;
        self.next = Some(Instant::ZERO);
        Some(core::mem::replace(&mut self.interval, interval))
    }

    /// When [`due`](Self::due) must be called.
    pub const fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Takes a reading if it is time.
    pub fn due(&mut self, now: Instant) {
        if self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + Duration::from_millis(self.interval.into()));
            self.queue(Packet::Reading(now.total_millis() as u32));
        }
    }

    fn queue(&mut self, packet: Packet) {
        if self.queue.push_back(packet).is_err() {
            defmt::warn!("the server does not take them fast enough: one is left out");
        }
    }

    /// Sends what is queued, in its order. After [`Sent::Write`] write `tx` out and call again.
    pub fn send(&mut self, line: &mut Line<'_>) -> Sent {
        while let Some(packet) = self.queue.front() {
            match self.send_packet(packet, line) {
                Ok(Sent::Write) => return Sent::Write,
                Ok(Sent::Done) if matches!(packet, Packet::Reading(_)) => self.sent += 1,
                Ok(Sent::Done) => {}
                // The server may have ended the namespace just now.
                Err(error) => defmt::warn!("not sent: {}", error),
            }
            _ = self.queue.pop_front();
        }
        if self.leaving {
            line.disconnect();
        }
        Sent::Done
    }

    fn send_packet(&self, packet: &Packet, line: &mut Line<'_>) -> Result<Sent, SendError> {
        // A number of 32 bits has at most ten digits.
        let mut json = String::<40>::new();
        match *packet {
            Packet::Reading(at) => {
                _ = write!(json, r#"{{"number":{},"ms":{at}}}"#, self.sent);
                line.emit("reading", &json)
            }
            Packet::Interval { before: None, id } => line.ack(id, "null"),
            Packet::Interval { before: Some(before), id } => {
                _ = write!(json, "{before}");
                line.ack(id, &json)
            }
            Packet::Stop { id } => {
                _ = write!(json, "{}", self.sent);
                line.ack(id, &json)
            }
        }
    }
}

impl Default for Sensor {
    fn default() -> Self {
        Self::new()
    }
}
