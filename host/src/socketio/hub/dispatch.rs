//! From a session's events to the application.

use microws_socketio::server::{ServerEvent, ServerSession};
use microws_socketio::{End, SendError};

use super::{CONTROL, sid};
use crate::report::Report;
use crate::socketio::application::{Application, Client, Event, MAX_ATTACHMENTS, grow, list};
use crate::socketio::memory::Memory;
use crate::transport::Address;

/// Tells the application what a client said.
pub(super) fn dispatch<'c>(
    application: &mut dyn Application,
    names: &[String],
    (session, memory, joined, id, who): (&mut ServerSession<'c>, &mut Memory<'c>, &mut u32, u64, &Address),
    event: ServerEvent<'_>,
    report: &mut Report,
) {
    let mut room: [&[u8]; MAX_ATTACHMENTS] = [&[]; MAX_ATTACHMENTS];
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match event {
        ServerEvent::Connect { namespace, auth } => {
            let mut client = Client { session, memory, names, namespace, id };
            if let Err(error) = application.on_connect(&mut client, text(auth)) {
                if client.session.refuse(namespace, &error).is_err() {
                    let _ = client.session.refuse(namespace, r#"{"message":"refused"}"#);
                }
                report.namespace_refused(who, id, client.namespace());
                return;
            }
            let Some(sid) = sid() else { return };
            let mut accepted = client.session.accept(namespace, sid);
            while accepted == Err(SendError::QueueFull) && grow(client.session, client.memory, CONTROL) {
                accepted = client.session.accept(namespace, sid);
            }
            if accepted.is_ok() {
                *joined |= 1 << namespace;
                report.namespace_joined(who, id, client.namespace());
                application.on_joined(&mut client);
            }
        }
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            let len = args.len() + attachments.map(<[u8]>::len).sum::<usize>();
            let count = list(attachments, &mut room);
            let event = Event { name: text(name), args: text(args), attachments: &room[..count], ack };
            report.event(who, id, event.name, len as u64);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_event(&mut client, &event);
        }
        ServerEvent::Ack { namespace, id: ack, args, attachments } => {
            let count = list(attachments, &mut room);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_ack(&mut client, ack, text(args), &room[..count]);
        }
        ServerEvent::Disconnected { namespace } => {
            *joined &= !(1 << namespace);
            let mut client = Client { session, memory, names, namespace, id };
            application.on_disconnect(&mut client, &End::Disconnected);
        }
        _ => {}
    }
}
