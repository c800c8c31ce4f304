//! What the targets share: an input is eight bytes that choose sizes, limits and cuts, and after them the bytes that
//! the peer sends.

use microws::deflate::Agreed;
use microws::{
    Buffer, Config, Connection, End, Endpoint, Event, MIN_CAPACITY, ProtocolError, Role, SendError, Sent,
    Session, Step,
};
use microws_tests::{Cuts, Drive, End as Ended, Seen, Side, frames, messages};

/// The first eight bytes of an input.
#[derive(Debug, Clone, Copy)]
pub struct Choice([u8; 8]);

impl Choice {
    /// The choice and what the peer sends; `None` if the input is too short.
    pub fn split(input: &[u8]) -> Option<(Self, &[u8])> {
        let (choice, peer) = input.split_first_chunk()?;
        Some((Self(*choice), peer))
    }

    /// The size of a buffer, the smallest one often.
    fn size(byte: u8) -> usize {
        match byte {
            0..=63 => MIN_CAPACITY,
            64..=191 => MIN_CAPACITY + usize::from(byte - 64),
            _ => 4 * usize::from(byte),
        }
    }

    pub fn rx(self) -> usize {
        Self::size(self.0[0])
    }

    pub fn tx(self) -> usize {
        Self::size(self.0[1])
    }

    pub fn reads(self) -> Cuts {
        match self.0[2] {
            0 => Cuts::Every(1),
            seed => Cuts::random(u64::from(seed), 1 + usize::from(self.0[3])),
        }
    }

    pub fn writes(self) -> Cuts {
        Cuts::random(u64::from(!self.0[2]), 1 + usize::from(self.0[4]))
    }

    pub fn lazy(self) -> bool {
        self.0[5] & 1 != 0
    }

    /// The longest head in bytes and its most fields, if not the default.
    pub fn head_limits(self) -> Option<(u32, u16)> {
        (self.0[6] != 0).then(|| (u32::from(self.0[6]) * 16, u16::from(self.0[7])))
    }

    /// The connection with limits, each off by default.
    fn limit<R: Role>(self, mut connection: Connection<R>) -> Connection<R> {
        if self.0[5] & 2 != 0 {
            connection = connection.max_message_len(u64::from(self.0[6]) * 8);
        }
        if self.0[5] & 4 != 0 {
            connection = connection.max_fragments(u32::from(self.0[7]));
        }
        if self.0[5] & 8 != 0 {
            connection = connection.whole_up_to(u32::from(self.0[7]) * 4);
        }
        connection
    }
}

/// Frames in the role of `S` from a peer that may compress: whole or cut gives the same. Messages are limited, because a
/// few bytes inflate to thousands of times as many.
pub fn deflated_frames_of<S: Side>(input: &[u8], agreed: Agreed) {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let open = || choice.limit(S::open().max_message_len(20_000)).agree(Some(agreed));
    let ring = choice.tx() + 117;
    let whole = Drive { rx: choice.rx(), ring, ..Drive::default() };
    let cut = Drive {
        rx: choice.rx(),
        tx: choice.tx(),
        reads: choice.reads(),
        writes: choice.writes(),
        lazy: choice.lazy(),
        ring,
    };
    let listened = whole.listen(&mut open(), peer);
    assert_eq!(cut.listen(&mut open(), peer), listened);
    // With a larger ring nothing changes but that more is understood.
    let large = Drive { rx: choice.rx(), ring: 32768, ..Drive::default() }.listen(&mut open(), peer);
    if !matches!(listened.end, Ended::Failed(ProtocolError::RingTooSmall(_))) {
        assert_eq!(large, listened);
    }
}

/// Frames in the role of `S`: whole or cut gives the same, and the echo as well. What must hold at
/// each step is looked after by [`Drive`].
pub fn frames_of<S: Side>(input: &[u8]) {
    let Some((choice, peer)) = Choice::split(input) else { return };
    let open = || choice.limit(S::open());
    // What is whole depends on the size of rx, so it is the same in both runs.
    let whole = || Drive { rx: choice.rx(), ..Drive::default() };
    let cut = || Drive {
        rx: choice.rx(),
        tx: choice.tx(),
        reads: choice.reads(),
        writes: choice.writes(),
        lazy: choice.lazy(),
        ring: 0,
    };
    let listened = whole().listen(&mut open(), peer);
    assert_eq!(cut().listen(&mut open(), peer), listened);
    // Every output is whole frames, masked as the role demands.
    let sent = S::sent(&listened.output);
    // No frame follows a close frame.
    assert!(sent.iter().rev().skip(1).all(|(b0, _)| *b0 != 0x88));
    // Every ping before a close of ours has its pong.
    let pings =
        listened.events.iter().filter_map(|event| if let Seen::Ping(p) = event { Some(p) } else { None });
    let pongs = sent.iter().filter(|(b0, _)| *b0 == 0x8a).map(|(_, payload)| payload);
    assert!(pings.eq(pongs));

    let echoed = whole().echo(&mut open(), peer);
    let cut = cut().echo(&mut open(), peer);
    assert_eq!((&cut.events, cut.end), (&echoed.events, echoed.end));
    assert_eq!((&echoed.events, echoed.end), (&listened.events, listened.end));
    assert_eq!(messages(&frames(&cut.output)), messages(&frames(&echoed.output)));
}

/// What came of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// The lines of the head and the parts of content, in words, and the payload of messages.
    pub events: Vec<String>,
    pub output: Vec<u8>,
    pub end: End,
}

/// Leads a session over the bytes of `peer`, which then ends the stream; messages are echoed, and plain requests for
/// `/stay` are answered in a way that keeps the stream. What must hold at each step is checked.
pub fn lead<R: Endpoint>(
    choice: Choice,
    mut reads: Cuts,
    mut session: Session<'_, R>,
    mut respond: impl FnMut(&mut Session<'_, R>, &mut Buffer<'_>) -> Result<Sent, SendError>,
    peer: &[u8],
) -> Life {
    let (mut a, mut b) = (vec![0; choice.rx().max(256)], vec![0; choice.tx().max(512)]);
    let (Some(mut rx), Some(mut tx)) = (Buffer::from_slice(&mut a), Buffer::from_slice(&mut b)) else {
        panic!("the buffers are large enough");
    };
    let (mut peer, mut output, mut events) = (peer, Vec::new(), Vec::<String>::new());
    let (mut staying, mut shutdowns, mut message) = (false, 0, Vec::new());
    let mut writes = choice.writes();
    let end = loop {
        let mut to_respond = false;
        match session.receive(&mut rx, &mut tx) {
            Step::Event(Event::Chunk(c)) => {
                message.extend_from_slice(c.payload);
                if c.fin {
                    events.push(format!("{:?} {message:02x?}", c.kind));
                    message.clear();
                }
                loop {
                    match session.send_fragment(&mut tx, c.kind, c.payload, c.fin) {
                        Ok(Sent::Done) | Err(SendError::Closed) => break,
                        Ok(Sent::Write) => take(&mut tx, &mut output, &mut writes),
                        Err(error) => panic!("{error}"),
                    }
                }
            }
            Step::Event(Event::Body { bytes, fin }) => {
                // Where content is cut has no meaning.
                events.extend(bytes.iter().map(|byte| format!("body {byte:02x}")));
                events.extend(fin.then(|| "body end".to_owned()));
            }
            Step::Event(event) => {
                if let Event::Request(line) = &event {
                    staying = line.path() == "/stay";
                }
                to_respond = event == Event::HeadEnd && staying;
                events.push(format!("{event:02x?}"));
            }
            Step::Read => {
                assert!(rx.free() > 0, "wants more in a buffer that is full");
                while !tx.is_empty() {
                    take(&mut tx, &mut output, &mut writes);
                }
                let n = reads.size().min(rx.free()).min(peer.len());
                let (now, later) = peer.split_at(n);
                rx.spare()[..n].copy_from_slice(now);
                session.commit(&mut rx, n);
                peer = later;
            }
            Step::Write => {
                assert!(!tx.is_empty(), "wants an empty buffer written out");
                take(&mut tx, &mut output, &mut writes);
            }
            Step::Shutdown => {
                assert!(tx.is_empty(), "the last word has not left");
                shutdowns += 1;
            }
            Step::End(end) => break end,
        }
        while to_respond {
            match respond(&mut session, &mut tx) {
                Ok(Sent::Write) => take(&mut tx, &mut output, &mut writes),
                Ok(Sent::Done) | Err(SendError::NotNow) => break,
                Err(error) => panic!("{error}"),
            }
        }
    };
    assert!(shutdowns <= 1);
    assert_eq!(session.receive(&mut rx, &mut tx), Step::End(end), "the end stays");
    Life { events, output, end }
}

fn take(tx: &mut Buffer<'_>, output: &mut Vec<u8>, writes: &mut Cuts) {
    let n = writes.size().min(tx.len());
    output.extend(&tx.filled()[..n]);
    tx.consume(n);
}

/// Limits for a session.
pub fn config(choice: Choice) -> Config<'static> {
    let config = Config::new().request("example.com", "/").subprotocols(&["chat"]).max_body_len(300);
    match choice.head_limits() {
        Some((len, fields)) => config.max_head(len, fields),
        None => config,
    }
}
