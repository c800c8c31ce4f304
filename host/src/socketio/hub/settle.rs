//! What follows from a change in a session.

use microws_socketio::End;

use super::{CONTROL, Carriers, Hub, Id, name_of};
use crate::report::Report;
use crate::socketio::application::Client;

impl Hub<'_> {
    /// Does what follows from a change: wakes those who have something to say, tells the application of the end, enters
    /// the next deadline, and takes memory back.
    pub(in crate::socketio) fn settle(&mut self, id: Id, now: u64, report: &mut Report) {
        let current = self.current;
        if self.equip(id, now, CONTROL).is_none() {
            return;
        }
        let Some(entry) = self.sessions.get_mut(id.key) else { return };
        let mut wait = entry.session.tick(now as u32);
        if wait == Some(0) {
            wait = entry.session.tick(now as u32);
        }
        while let Some(ack) = entry.session.ack_overdue() {
            let Some(namespace) = joined(entry.joined).next() else { continue };
            let mut client = Client {
                session: &mut entry.session,
                memory: &mut self.memory,
                names: &self.config.namespaces,
                namespace,
                id: id.serial,
            };
            self.application.on_ack_overdue(&mut client, ack);
        }
        if entry.session.probe_overdue()
            && let Some(probe) = entry.carriers.probe.take()
        {
            self.woken.push(probe);
        }
        let end = entry.session.end();
        if let Some(end) = &end
            && !std::mem::replace(&mut entry.told, true)
        {
            for namespace in joined(std::mem::take(&mut entry.joined)) {
                let mut client = Client {
                    session: &mut entry.session,
                    memory: &mut self.memory,
                    names: &self.config.namespaces,
                    namespace,
                    id: id.serial,
                };
                self.application.on_disconnect(&mut client, end);
            }
            report.session_ended(&entry.who, id.serial, end);
        }
        // Those that the application had it leave.
        for namespace in joined(entry.joined) {
            if entry.session.is_joined(namespace) {
                continue;
            }
            entry.joined &= !(1 << namespace);
            let mut client = Client {
                session: &mut entry.session,
                memory: &mut self.memory,
                names: &self.config.namespaces,
                namespace,
                id: id.serial,
            };
            self.application.on_disconnect(&mut client, &End::Left);
        }
        let Carriers { socket, get, probe, post } = &mut entry.carriers;
        // The application may have said something just now, in the turn of the client itself.
        let has_more = entry.session.front().is_some();
        self.woken.extend(socket.filter(|peer| has_more || (end.is_some() && *peer != current)));
        let answers = entry.session.answers_held();
        self.woken.extend(get.filter(|peer| (answers || end.is_some()) && *peer != current));
        if entry.session.is_over() && socket.is_none() {
            for carrier in [get, probe, post] {
                self.woken.extend(carrier.filter(|peer| *peer != current));
            }
            return self.remove(id.key, report);
        }
        if let Some(within) = wait {
            entry.tick = self.wheel.enter(id.key, now, within, entry.tick);
        }
        if entry.session.queue_len() == (0, entry.session.queue_len().1)
            && let Ok(memory) = entry.session.replace_queue(&mut [])
        {
            self.memory.give_back(memory);
        }
    }

    fn remove(&mut self, key: usize, report: &mut Report) {
        let mut entry = self.sessions.remove(key);
        self.keys.remove(&name_of(entry.session.sid()));
        report.session_gone();
        if let Ok(memory) = entry.session.replace_queue(&mut []) {
            self.memory.give_back(memory);
        }
        if let Some((content, _)) = entry.content {
            self.memory.give_back(content);
        }
        self.memory.give_back(entry.inbox.into_memory());
        let slots = entry.session.into_acks();
        if !slots.is_empty() {
            self.slots.push(slots);
        }
    }
}

/// The namespaces of a set.
fn joined(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |bit| set & (1 << bit) != 0)
}
