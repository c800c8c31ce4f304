//! Polling, and the upgrade from it.

use microws::Chunk;
use microws_socketio::Fault;
use microws_socketio::server::{Get, PostEnd, Probed, Upgrade};

use super::dispatch::dispatch;
use super::sessions::Sessions;
use super::{CONTENT, CONTROL, ClientId, Hub, make_room, tidy};
use crate::report::Report;
use crate::socketio::http::Protocol;

impl Hub<'_> {
    /// A GET of the current client. If it is to be held, this client is woken when there is an answer.
    pub(in crate::socketio) fn on_get(&mut self, id: ClientId, now: u64) -> Option<Get> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id)?;
        let get = entry.session.get();
        if get == Get::Hold {
            entry.carriers.get = Some(current);
        }
        Some(get)
    }

    /// Whether the GET that this client holds is to be answered now; `None` if the session is over.
    pub(in crate::socketio) fn answers_held(&mut self, id: ClientId) -> Option<bool> {
        self.get(id).map(|entry| entry.session.answers_held())
    }

    /// The content of the answer to a GET.
    pub(in crate::socketio) fn answer(&mut self, id: ClientId) -> &[u8] {
        let Some(entry) = self.sessions.get_mut(id) else { return &[] };
        let len = entry.session.answer_len();
        if self.scratch.len() < len {
            self.scratch.resize(len, 0);
        }
        let len = entry.session.answer(&mut self.scratch);
        entry.carriers.get = None;
        &self.scratch[..len]
    }

    /// A POST of the current client with so much content begins; whether it may.
    pub(in crate::socketio) fn begin_post(&mut self, id: ClientId, len: usize, now: u64) -> Option<bool> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let Some(content) = self.sessions.memory.take(len.min(CONTENT)) else { return Some(false) };
        let entry = self.sessions.get_mut(id)?;
        if !entry.session.begin_post() {
            self.sessions.memory.give_back(content);
            return Some(false);
        }
        entry.content = Some((content, 0));
        entry.carriers.post = Some(current);
        Some(true)
    }

    /// A part of its content came.
    pub(in crate::socketio) fn on_content(&mut self, id: ClientId, bytes: &[u8]) {
        let Sessions { slab, memory, .. } = &mut self.sessions;
        let Some(entry) = slab.get_mut(id.key).filter(|entry| entry.serial == id.serial) else { return };
        let Some((mut content, len)) = entry.content.take() else { return };
        if content.len() - len < bytes.len() {
            // A client that only promises much takes little.
            let Some(larger) = memory.take_larger(len, bytes.len()) else {
                memory.give_back(content);
                return entry.session.fail_for(Fault::TooLong);
            };
            larger[..len].copy_from_slice(&content[..len]);
            memory.give_back(std::mem::replace(&mut content, larger));
        }
        content[len..len + bytes.len()].copy_from_slice(bytes);
        entry.content = Some((content, len + bytes.len()));
    }

    /// All of it came; `None` if the session is over.
    pub(in crate::socketio) fn end_post(
        &mut self,
        id: ClientId,
        now: u64,
        report: &mut Report,
    ) -> Option<PostEnd> {
        let (content, len) = self.get(id)?.content.take()?;
        self.equip(id, now, len + CONTROL);
        let mut inbox = self.take_inbox(id)?;
        make_room(&mut inbox, &mut self.sessions.memory, len);
        let entry = self.get(id)?;
        entry.carriers.post = None;
        let mut post = entry.session.post(&mut content[..len]);
        let protocol = entry.protocol;
        while let Some(session) = self.sessions.session(id) {
            if protocol == Protocol::EngineIo {
                let Some(message) = session.next_message(&mut post) else { break };
                self.on_message(id, message, report);
            } else {
                let Some(event) = session.next_event(&mut post, &mut inbox) else { break };
                dispatch(self.served.application, &mut self.sessions, id, event, report);
            }
        }
        let end = self.get(id)?.session.end_post(&post);
        tidy(&mut inbox, &mut self.sessions.memory);
        self.put_inbox(id, inbox);
        self.sessions.memory.give_back(content);
        Some(end)
    }

    /// A POST of the current client whose content can't be taken.
    pub(in crate::socketio) fn refuse_post(&mut self, id: ClientId) {
        if let Some(entry) = self.get(id) {
            entry.session.fail_for(Fault::Encoding);
        }
    }

    /// The current client's WebSocket names the session.
    pub(in crate::socketio) fn on_upgrade(&mut self, id: ClientId, now: u64) -> Option<Upgrade> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id)?;
        let upgrade = entry.session.upgrade();
        if upgrade == Upgrade::Probe {
            entry.carriers.probe = Some(current);
        }
        Some(upgrade)
    }

    /// A part of a message came over the WebSocket that is probed; `None` if it is to be closed.
    pub(in crate::socketio) fn on_probe(
        &mut self,
        id: ClientId,
        chunk: &Chunk<'_>,
        now: u64,
    ) -> Option<Probed> {
        self.equip(id, now, CONTROL)?;
        let current = self.current;
        let entry = self.get(id).filter(|entry| entry.carriers.probe == Some(current))?;
        let probed = entry.session.probe(chunk);
        match probed {
            Probed::Upgraded => {
                entry.carriers.probe = None;
                entry.carriers.socket = Some(current);
            }
            Probed::Close => entry.carriers.probe = None,
            Probed::Wait | Probed::Reply(_) => {}
        }
        Some(probed)
    }

    /// Whether the current client's WebSocket is still probed.
    pub(in crate::socketio) fn is_probed(&mut self, id: ClientId) -> bool {
        let current = self.current;
        self.get(id).is_some_and(|entry| entry.carriers.probe == Some(current))
    }
}
