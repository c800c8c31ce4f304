//! What the servers are asked to do.

use microws_benches::frames::{self, Content};

use crate::{
    deflate::{self, Compressor},
    socketio::Events,
};

/// Connections, messages in flight on each, and the messages.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub name: String,
    pub group: Group,
    pub connections: usize,
    /// Connections that send, spread evenly over all; the others are idle.
    pub active: usize,
    /// Connections, the first ones, that have one message in flight whatever the others have; theirs is the latency.
    pub calm: usize,
    pub in_flight: usize,
    pub content: Content,
    /// Bytes in a fragment.
    pub len: usize,
    /// Fragments of a message.
    pub fragments: usize,
    /// With permessage-deflate.
    pub deflate: bool,
    /// As events of Socket.IO.
    pub events: Option<Events>,
}

/// Which table a workload belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// The named workloads, with every figure.
    Main,
    /// Calm clients beside a flood.
    Mixed,
    /// Cost by number of connections.
    Connections,
    /// Cost by length of message.
    Lengths,
}

impl Workload {
    fn new(group: Group, connections: usize, in_flight: usize, len: usize) -> Self {
        let name = match group {
            Group::Main | Group::Mixed => format!("{connections} x {in_flight} x {}", bytes(len)),
            Group::Connections => format!("connections {connections}"),
            Group::Lengths => format!("length {}", bytes(len)),
        };
        Self {
            name,
            group,
            connections,
            active: connections,
            calm: 0,
            in_flight,
            content: Content::Binary,
            len,
            fragments: 1,
            deflate: false,
            events: None,
        }
    }

    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let cut = Self::new(Group::Main, 10, 1, 1024);
        let cut = Self { name: "10 x 1 x 4 fragments of 1 KiB".into(), fragments: 4, ..cut };
        let mut all = vec![
            Self::new(Group::Main, 1, 1, 32),
            Self::new(Group::Main, 100, 1, 20),
            Self::new(Group::Main, 10, 32, 125),
            Self::new(Group::Main, 16, 1, 16 << 10),
            Self::new(Group::Main, 1, 1, 1 << 20),
            Self::shared(),
            cut,
            Self::new(Group::Main, 512, 1, 125),
            Self::new(Group::Main, 512, 16, 125),
            Self::new(Group::Main, 1, 64, 20),
            Self::new(Group::Main, 1, 16, 1024),
            Self {
                name: "10000, 100 active x 1 x 125 B".into(),
                active: 100,
                ..Self::new(Group::Main, 10_000, 1, 125)
            },
            Self {
                name: "10 calm beside 100 x 32 x 125 B".into(),
                calm: 10,
                ..Self::new(Group::Mixed, 110, 32, 125)
            },
        ];
        all.extend([1, 10, 100, 1_000, 10_000, 50_000].map(|n| Self::new(Group::Connections, n, 1, 125)));
        all.extend((4..=24).step_by(2).map(|power| Self::new(Group::Lengths, 1, 1, 1 << power)));
        all
    }

    /// Of many connections whose messages take a server more than the load: the one that processes share.
    pub(crate) fn shared() -> Self {
        let text = Self::new(Group::Main, 200, 16, 1024);
        Self { name: format!("{} multi-byte text", text.name), content: Content::Mixed, ..text }
    }

    /// The one with permessage-deflate.
    pub(crate) fn compressed() -> Self {
        let name = "16 x 4 x 2 KiB of JSON".into();
        Self { name, content: Content::Json, deflate: true, ..Self::new(Group::Main, 16, 4, 2048) }
    }

    /// Those of Socket.IO, with an argument of some 100 bytes.
    pub(crate) fn socketio() -> Vec<Self> {
        let new = |sessions, in_flight, events, how| Self {
            name: format!("{sessions} x {in_flight}, {how}"),
            events: Some(events),
            ..Self::new(Group::Main, sessions, in_flight, 100)
        };
        vec![
            new(1, 1, Events::Echoed, "echoed"),
            new(50, 1, Events::Echoed, "echoed"),
            new(10, 16, Events::Echoed, "echoed"),
            new(10, 16, Events::Acknowledged, "acknowledged"),
        ]
    }

    /// One message of 125 bytes.
    pub(crate) fn plain() -> Self {
        Self::new(Group::Main, 1, 1, 125)
    }

    /// The same with one message on each of some connections.
    pub(crate) fn idle(&self, connections: usize) -> Self {
        Self { name: "idle".into(), connections, active: connections, in_flight: 1, ..self.clone() }
    }

    /// Whether it is among those with TLS as well.
    pub(crate) fn is_with_tls(&self) -> bool {
        let of = (self.connections, self.in_flight, self.message_len());
        self.group == Group::Main
            && [(1, 1, 32), (10, 32, 125), (16, 1, 16 << 10), (1, 1, 1 << 20)].contains(&of)
    }

    /// Bytes of a message.
    pub(crate) fn message_len(&self) -> usize {
        self.len * self.fragments
    }
}

fn bytes(len: usize) -> String {
    match len {
        len if len >= 1 << 20 => format!("{} MiB", len >> 20),
        len if len >= 1 << 10 => format!("{} KiB", len >> 10),
        len => format!("{len} B"),
    }
}

/// A ring of prepared messages, laid out twice in a row so that any run of them is one slice.
#[derive(Debug)]
pub(crate) struct Script {
    pub first_byte: u8,
    pub payloads: Vec<Vec<u8>>,
    wire: Vec<u8>,
    /// Where in it each message begins, and at last its end.
    starts: Vec<usize>,
}

impl Script {
    pub(crate) fn new(workload: &Workload) -> Self {
        let len = workload.message_len();
        // Few enough to stay in the cache, so that preparing the load costs the server none of it.
        let count = match workload.deflate {
            // More than a window holds, so that none is merely repeated.
            true => 128,
            false => workload.in_flight.max(((64 << 10) / len.max(1)).clamp(2, 64)),
        };
        let mut random = fastrand::Rng::with_seed(len as u64);
        if let Some(events) = workload.events {
            return Self::of_events(events, count, &mut random);
        }
        let payloads: Vec<_> = (0..count).map(|_| workload.content.payload(len, &mut random)).collect();
        let first_byte = workload.content.opcode();
        let (mut wire, mut starts) = (vec![], vec![]);
        let mut compressor = workload.deflate.then(Compressor::new);
        for payload in payloads.iter().chain(&payloads) {
            starts.push(wire.len());
            if let Some(compressor) = &mut compressor {
                let key = random.u32(..).to_ne_bytes();
                let first = frames::FIN | deflate::RSV1 | first_byte;
                frames::push_masked(&mut wire, first, key, &compressor.message(payload));
                continue;
            }
            for fragment in 0..workload.fragments {
                let opcode = if fragment == 0 { first_byte } else { frames::CONTINUATION };
                let fin = if fragment + 1 == workload.fragments { frames::FIN } else { 0 };
                let key = random.u32(..).to_ne_bytes();
                let part = &payload[fragment * workload.len..][..workload.len];
                frames::push_masked(&mut wire, fin | opcode, key, part);
            }
        }
        starts.push(wire.len());
        Self { first_byte, payloads, wire, starts }
    }

    /// What comes back is not always what was sent.
    fn of_events(events: Events, count: usize, random: &mut fastrand::Rng) -> Self {
        let (sent, payloads): (Vec<_>, Vec<_>) = (0..count).map(|id| events.exchange(id, random)).unzip();
        let (mut wire, mut starts) = (vec![], vec![]);
        for event in sent.iter().chain(&sent) {
            starts.push(wire.len());
            frames::push_masked(&mut wire, frames::FIN | 1, random.u32(..).to_ne_bytes(), event);
        }
        starts.push(wire.len());
        Self { first_byte: 1, payloads, wire, starts }
    }

    /// What is sent for `count` messages from message `index` on.
    pub(crate) fn wire(&self, index: usize, count: usize) -> &[u8] {
        &self.wire[self.starts[index]..self.starts[index + count]]
    }

    /// The message after `index`, `count` messages on.
    pub(crate) fn after(&self, index: usize, count: usize) -> usize {
        (index + count) % self.payloads.len()
    }
}
