//! One viewer of the dashboard: gets the page, and then the readings.

use microws::io::polled::Sender;
use microws::{Buffer, Event, Prepared, SendError, Sent, Server, State};
use microws_device::dashboard::{Asked, BUFFER_LEN, CONFIG, HTML, NOT_FOUND, PAGE, TEXT};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;

use crate::place::Place;

pub struct Viewer<'a> {
    place: Place<'a>,
    asked: Asked,
}

impl<'a> Viewer<'a> {
    pub fn new(rx: &'a mut [u8; BUFFER_LEN], tx: &'a mut [u8; BUFFER_LEN]) -> Self {
        Self { place: Place::new(&CONFIG, Buffer::new(rx), Buffer::new(tx)), asked: Asked::Nothing }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.place.deadline()
    }

    /// Does everything that can be done without waiting.
    pub fn serve(&mut self, socket: &mut tcp::Socket<'_>, port: u16, now: Instant) {
        let Self { place, asked } = self;
        place.serve(socket, port, now, |event, reply| match answer(event, asked, reply) {
            // What has no room yet goes on at `ContentDue`; a client that is gone needs no answer.
            Ok(_) | Err(SendError::NotNow) => {}
            Err(error) => defmt::panic!("{}", error),
        });
    }

    /// Queues a reading, if it is looked at.
    pub fn show(&mut self, reading: &Prepared<'_>) {
        if self.place.websocket.session().state() == State::Open {
            // One who takes them too slowly misses some.
            _ = self.place.websocket.sender().send_prepared(reading);
        }
    }
}

fn answer(event: Event<'_>, asked: &mut Asked, reply: &mut Sender<'_, Server>) -> Result<Sent, SendError> {
    match (event, *asked) {
        (Event::Request(line), _) => *asked = Asked::of(&line),
        (Event::HeadEnd | Event::ContentDue, Asked::Page) => return reply.respond_content(200, HTML, PAGE),
        (Event::HeadEnd, Asked::Nothing) => return reply.respond_and_stay(404, TEXT, NOT_FOUND),
        _ => {}
    }
    Ok(Sent::Done)
}
