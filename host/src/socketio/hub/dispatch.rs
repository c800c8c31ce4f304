//! From a session's events to the application.

use microws_socketio::End;
use microws_socketio::server::ServerEvent;

use super::sessions::{ClientId, Sessions};
use super::sid;
use crate::report::Report;
use crate::socketio::application::{Application, Client, Event, MAX_ATTACHMENTS, list};

/// Hands the application what a client sent.
pub(super) fn dispatch<'c>(
    application: &mut dyn Application,
    sessions: &mut Sessions<'c>,
    id: ClientId,
    event: ServerEvent<'_>,
    report: &mut Report,
) {
    let mut room: [&[u8]; MAX_ATTACHMENTS] = [&[]; MAX_ATTACHMENTS];
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    match event {
        ServerEvent::Connect { namespace, auth } => {
            let mut client = Client::new(sessions, id, namespace);
            let refusal = application.on_connect(&mut client, text(auth)).err();
            let Some(sid) = sid() else { return };
            let name = sessions.names.get(namespace).map_or("/", String::as_str);
            if let Some(error) = refusal {
                let refuse = |sessions: &mut Sessions<'c>, error: &str| {
                    sessions.queue(id, |session| session.refuse(namespace, error))
                };
                if refuse(sessions, &error).is_err() {
                    let _ = refuse(sessions, r#"{"message":"refused"}"#);
                }
                if let Some(entry) = sessions.get(id) {
                    report.namespace_refused(&entry.who, id.serial, name);
                }
            } else if sessions.queue(id, |session| session.accept(namespace, sid)).is_ok() {
                if let Some(entry) = sessions.get_mut(id) {
                    entry.joined |= 1 << namespace;
                    report.namespace_joined(&entry.who, id.serial, name);
                }
                application.on_joined(&mut Client::new(sessions, id, namespace));
            }
        }
        ServerEvent::Event { namespace, name, args, attachments, ack } => {
            let len = args.len() + attachments.map(<[u8]>::len).sum::<usize>();
            let count = list(attachments, &mut room);
            let event = Event { name: text(name), args: text(args), attachments: &room[..count], ack };
            if let Some(entry) = sessions.get(id) {
                report.event(&entry.who, id.serial, event.name, len as u64);
            }
            application.on_event(&mut Client::new(sessions, id, namespace), &event);
        }
        ServerEvent::Ack { namespace, id: ack, args, attachments } => {
            let count = list(attachments, &mut room);
            application.on_ack(&mut Client::new(sessions, id, namespace), ack, text(args), &room[..count]);
        }
        ServerEvent::Disconnected { namespace } => {
            if let Some(entry) = sessions.get_mut(id) {
                entry.joined &= !(1 << namespace);
            }
            application.on_disconnect(&mut Client::new(sessions, id, namespace), &End::Disconnected);
        }
        _ => {}
    }
}
