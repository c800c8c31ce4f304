//! Every echo is compared with what was sent.

use microws_benches::frames::{FIN, PlainHeader};

use crate::{
    deflate::{RSV1, Replies},
    socketio,
    workload::Script,
};

/// Opcode of a server's question whether somebody is there.
const PING: u8 = 9;
/// The answer: an empty pong, masked.
const PONG: &[u8] = &[0x8a, 0x80, 0x37, 0xfa, 0x21, 0x3d];

/// How a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// With the very bytes that it got.
    Raw,
    /// With WebSocket frames; a message may come in other fragments than it was sent in.
    WebSocket,
    /// With events of Socket.IO over WebSocket.
    SocketIo,
}

/// Where in the awaited message a connection stands.
#[derive(Debug)]
pub(crate) struct Checker {
    protocol: Protocol,
    /// The awaited message.
    index: usize,
    /// Bytes of it that came: of payload, or on the wire when raw.
    offset: usize,
    first: bool,
    fin: bool,
    /// Bytes of the frame's payload still to come.
    remaining: usize,
    header: [u8; 10],
    header_len: usize,
    /// The next byte is a ping of Engine.IO.
    heartbeat: bool,
    /// Frames that answer pings.
    pub pongs: Vec<&'static [u8]>,
    /// Takes the payload of messages where permessage-deflate was agreed.
    pub replies: Option<Replies>,
}

impl Checker {
    pub(crate) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            index: 0,
            offset: 0,
            first: true,
            fin: false,
            remaining: 0,
            header: [0; 10],
            header_len: 0,
            heartbeat: false,
            pongs: vec![],
            replies: None,
        }
    }

    /// Check what came next; the number of messages that it completes.
    pub(crate) fn take(&mut self, bytes: &[u8], script: &Script) -> Result<usize, String> {
        match self.protocol {
            Protocol::Raw => self.raw(bytes, script),
            Protocol::WebSocket | Protocol::SocketIo => self.frames(bytes, script),
        }
    }

    fn raw(&mut self, mut bytes: &[u8], script: &Script) -> Result<usize, String> {
        let mut done = 0;
        while !bytes.is_empty() {
            let expected = &script.wire(self.index, 1)[self.offset..];
            let (now, rest) = bytes.split_at(expected.len().min(bytes.len()));
            if now != &expected[..now.len()] {
                return Err(format!("other bytes than were sent, in message {}", self.index));
            }
            bytes = rest;
            self.offset += now.len();
            if now.len() == expected.len() {
                self.complete(script);
                done += 1;
            }
        }
        Ok(done)
    }

    fn frames(&mut self, mut bytes: &[u8], script: &Script) -> Result<usize, String> {
        let mut done = 0;
        loop {
            if self.heartbeat
                && let Some((packet, rest)) = bytes.split_first()
            {
                if *packet != socketio::PING {
                    return Err(format!("{packet:#04x} instead of a ping"));
                }
                self.heartbeat = false;
                self.pongs.push(socketio::PONG);
                bytes = rest;
            }
            if self.remaining > 0 {
                let (now, rest) = bytes.split_at(self.remaining.min(bytes.len()));
                if let Some(replies) = &mut self.replies {
                    replies.push(now);
                } else {
                    let expected = script.payloads[self.index].get(self.offset..self.offset + now.len());
                    if expected != Some(now) {
                        return Err(format!("another payload than was sent, in message {}", self.index));
                    }
                }
                bytes = rest;
                self.offset += now.len();
                self.remaining -= now.len();
            }
            if self.remaining == 0 && self.fin {
                if let Some(replies) = &mut self.replies {
                    if !replies.end_is(&script.payloads[self.index])? {
                        return Err(format!("another payload than was sent, in message {}", self.index));
                    }
                } else if self.offset != script.payloads[self.index].len() {
                    return Err(format!("message {} ends after {} bytes", self.index, self.offset));
                }
                self.complete(script);
                done += 1;
            }
            if bytes.is_empty() {
                return Ok(done);
            }
            if self.remaining == 0 {
                let Some(rest) = self.header(bytes, script)? else { return Ok(done) };
                bytes = rest;
            }
        }
    }

    fn complete(&mut self, script: &Script) {
        self.index = script.after(self.index, 1);
        (self.offset, self.first, self.fin) = (0, true, false);
    }

    /// The bytes after the header; `None` while it is not all there.
    fn header<'b>(&mut self, bytes: &'b [u8], script: &Script) -> Result<Option<&'b [u8]>, String> {
        let held = self.header_len;
        let (header, rest) = if held == 0
            && let Some(header) = PlainHeader::parse(bytes)?
        {
            (header, &bytes[header.size..])
        } else {
            let more = bytes.len().min(self.header.len() - held);
            self.header[held..held + more].copy_from_slice(&bytes[..more]);
            self.header_len += more;
            let Some(header) = PlainHeader::parse(&self.header[..self.header_len])? else { return Ok(None) };
            (header, &bytes[header.size - held..])
        };
        self.header_len = 0;
        if header.first == FIN | PING && header.len == 0 {
            self.pongs.push(PONG);
            return Ok(Some(rest));
        }
        // No event is as short.
        if self.protocol == Protocol::SocketIo && header.first == FIN | 1 && header.len == 1 {
            self.heartbeat = true;
            return Ok(Some(rest));
        }
        let opcode = if self.first { script.first_byte } else { 0 };
        let mut first = header.first;
        if let Some(replies) = &mut self.replies
            && self.first
        {
            replies.begin(first & RSV1 != 0);
            first &= !RSV1;
        }
        if first & !FIN != opcode {
            return Err(format!("first byte {:#04x}, expected opcode {opcode}", header.first));
        }
        self.first = false;
        self.fin = header.first & FIN != 0;
        self.remaining = usize::try_from(header.len).map_err(|error| error.to_string())?;
        Ok(Some(rest))
    }
}
