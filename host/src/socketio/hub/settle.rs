//! What follows from a change in a session.

use microws_socketio::End;

use super::{CONTROL, Carriers, ClientId, Hub, name_of};
use crate::engineio::Socket;
use crate::report::Report;
use crate::socketio::application::Client;
use crate::socketio::http::Protocol;

impl Hub<'_> {
    /// Does what follows from a change: wakes the clients that have something to send, reports the end to the
    /// application, enters the next deadline, and takes memory back.
    pub(in crate::socketio) fn settle(&mut self, id: ClientId, now: u64, report: &mut Report) {
        let current = self.current;
        if self.equip(id, now, CONTROL).is_none() {
            return;
        }
        while let Some(ack) = self.sessions.session(id).and_then(|session| session.ack_overdue()) {
            let set = self.sessions.get(id).map_or(0, |entry| entry.joined);
            if let Some(namespace) = joined(set).next() {
                let mut client = Client::new(&mut self.sessions, id, namespace);
                self.served.application.on_ack_overdue(&mut client, ack);
            }
        }
        self.tell_of_ends(id, report);
        let Some(entry) = self.sessions.get_mut(id) else { return };
        let mut wait = entry.session.tick(now as u32);
        if wait == Some(0) {
            wait = entry.session.tick(now as u32);
        }
        if entry.session.probe_overdue()
            && let Some(probe) = entry.carriers.probe.take()
        {
            self.woken.push(probe);
        }
        let has_ended = entry.session.end().is_some();
        let Carriers { socket, get, probe, post } = &mut entry.carriers;
        // The application may have queued something just now, in the run of the client itself.
        let has_more = entry.session.front().is_some();
        self.woken.extend(socket.filter(|peer| has_more || (has_ended && *peer != current)));
        let answers = entry.session.answers_held();
        self.woken.extend(get.filter(|peer| (answers || has_ended) && *peer != current));
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
            self.sessions.memory.give_back(memory);
        }
    }

    /// Reports to the application that the session has ended, or that the client has left the namespaces that the application
    /// had it leave.
    fn tell_of_ends(&mut self, id: ClientId, report: &mut Report) {
        let Some(entry) = self.sessions.get_mut(id) else { return };
        let end = entry.session.end();
        let (mut left, reason) = (std::mem::take(&mut entry.joined), end.unwrap_or(End::Left));
        if end.is_none() {
            let stays = joined(left).filter(|namespace| entry.session.is_joined(*namespace));
            entry.joined = stays.fold(0, |set, namespace| set | 1 << namespace);
            left &= !entry.joined;
        }
        let is_news = end.is_some() && !std::mem::replace(&mut entry.reported, true);
        for namespace in joined(left) {
            let mut client = Client::new(&mut self.sessions, id, namespace);
            self.served.application.on_disconnect(&mut client, &reason);
        }
        let Some(entry) = self.sessions.get(id).filter(|_| is_news) else { return };
        report.session_ended(&entry.who, id.serial, &reason);
        if let (Protocol::EngineIo, Some(engine)) = (entry.protocol, &mut self.served.engine_application) {
            engine.on_close(&mut Socket::new(&mut self.sessions, id), &reason);
        }
    }

    /// Does what follows from the application's changes to sessions other than the current one.
    pub(crate) fn settle_reached(&mut self, now: u64, report: &mut Report) {
        // No client runs now.
        self.current = usize::MAX;
        while let Some(id) = self.sessions.reached.pop() {
            if let Some(entry) = self.sessions.get_mut(id) {
                entry.reached = false;
                self.settle(id, now, report);
            }
        }
    }

    fn remove(&mut self, key: usize, report: &mut Report) {
        let mut entry = self.sessions.slab.remove(key);
        self.keys.remove(&name_of(entry.session.sid()));
        report.session_gone();
        let memory = &mut self.sessions.memory;
        if let Ok(piece) = entry.session.replace_queue(&mut []) {
            memory.give_back(piece);
        }
        if let Some((content, _)) = entry.content {
            memory.give_back(content);
        }
        memory.give_back(entry.inbox.into_memory());
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
