//! The application that comes with the server.

use microws_socketio::SendError;

use super::application::{Application, Client, Event};

/// Greets each client that joins with the event `news`, sends every event back, and acknowledges those that ask for it
/// with their own arguments instead.
#[derive(Debug)]
pub(crate) struct Echo {
    /// The argument of `news`.
    news: Option<String>,
}

impl Echo {
    pub(crate) const fn new(news: Option<String>) -> Self {
        Self { news }
    }
}

impl Application for Echo {
    fn on_joined(&mut self, client: &mut Client<'_, '_>) {
        if let Some(news) = &self.news {
            end_if_full(client.emit("news", news, &[]), client);
        }
    }

    fn on_event(&mut self, client: &mut Client<'_, '_>, event: &Event<'_>) {
        let sent = match event.ack {
            Some(id) => client.ack(id, event.args, event.attachments),
            None => client.emit(event.name, event.args, event.attachments),
        };
        end_if_full(sent, client);
    }
}

/// A client that does not take its own events back is not kept.
fn end_if_full(sent: Result<(), SendError>, client: &mut Client<'_, '_>) {
    if sent == Err(SendError::QueueFull) {
        client.close();
    }
}
