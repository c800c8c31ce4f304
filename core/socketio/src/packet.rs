//! Socket.IO packets, protocol version 5: `<type>[<attachments>-][<namespace>,][<id>][<data>]`.

use crate::fault::Fault;
use crate::json;
use crate::write::Writer;

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[expect(clippy::exhaustive_enums, reason = "protocol version 5 has no others")]
#[repr(u8)]
pub enum Kind {
    /// A client asks to join a namespace; the server confirms.
    Connect = b'0',
    /// Either leaves a namespace.
    Disconnect,
    /// An event.
    Event,
    /// The acknowledgement of an event.
    Ack,
    /// The server refuses a client.
    ConnectError,
    /// An event with attachments.
    BinaryEvent,
    /// An acknowledgement with attachments.
    BinaryAck,
}

impl Kind {
    /// Whether attachments follow.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::BinaryEvent | Self::BinaryAck)
    }

    const fn of(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Connect,
            b'1' => Self::Disconnect,
            b'2' => Self::Event,
            b'3' => Self::Ack,
            b'4' => Self::ConnectError,
            b'5' => Self::BinaryEvent,
            b'6' => Self::BinaryAck,
            _ => return None,
        })
    }
}

/// One packet, over borrowed text.
///
/// ```
/// use microws_socketio::packet::{Kind, Packet};
///
/// let packet = Packet::decode(br#"2/admin,456["project:delete",123]"#, 0).unwrap();
/// assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Event, &b"/admin"[..], Some(456)));
/// assert_eq!((packet.name, packet.data), (&b"project:delete"[..], &b"123"[..]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Packet<'a> {
    /// Its type.
    pub kind: Kind,
    /// How many binary messages follow; 0 unless the type is a binary one.
    pub attachments: u8,
    /// The namespace, with its slash; `/` if the packet names none.
    pub namespace: &'a [u8],
    /// The id of an acknowledgement, asked for or given.
    pub id: Option<u32>,
    /// An event's name as it stands between the quotation marks, escapes as they are; a number's digits; else empty.
    pub name: &'a [u8],
    /// JSON text. Of events and acknowledgements: the arguments with commas between them, without the brackets. Of other
    /// packets: the whole value. Empty if there is none.
    pub data: &'a [u8],
}

impl<'a> Packet<'a> {
    /// A packet without attachments, id, name and data.
    pub const fn new(kind: Kind, namespace: &'a [u8]) -> Self {
        Self { kind, attachments: 0, namespace, id: None, name: b"", data: b"" }
    }

    /// Reads a packet with at most so many attachments, and checks that its data is JSON of the form that its type
    /// demands.
    ///
    /// # Errors
    /// The [`Fault`].
    pub fn decode(text: &'a [u8], max_attachments: u8) -> Result<Self, Fault> {
        let mut packet = Self::new(Kind::Event, b"/");
        packet.read(text, max_attachments)?;
        Ok(packet)
    }

    /// [`decode`](Self::decode) into one that is [`new`](Self::new), for the main namespace.
    pub(crate) fn read(&mut self, text: &'a [u8], max_attachments: u8) -> Result<(), Fault> {
        let (digit, mut rest) = text.split_first().ok_or(Fault::Kind)?;
        self.kind = Kind::of(*digit).ok_or(Fault::Kind)?;
        if self.kind.is_binary() {
            let (n, after) = json::digits(rest).ok_or(Fault::Attachments)?;
            let n = n.unwrap_or(0);
            if n == 0 || n > max_attachments.into() {
                return Err(Fault::Attachments);
            }
            self.attachments = n as u8;
            rest = after.strip_prefix(b"-").ok_or(Fault::Attachments)?;
        }
        if rest.first() == Some(&b'/') {
            let len = rest.iter().take_while(|byte| **byte != b',').count();
            (self.namespace, rest) = rest.split_at_checked(len).unwrap_or_default();
            rest = rest.get(1..).unwrap_or_default();
        }
        (self.id, rest) = json::digits(rest).ok_or(Fault::Id)?;
        self.data = rest;
        let first = rest.first();
        let valid = match self.kind {
            Kind::Disconnect => return if rest.is_empty() { Ok(()) } else { Err(Fault::Data) },
            Kind::Connect if rest.is_empty() => return Ok(()),
            Kind::Connect => first == Some(&b'{'),
            Kind::ConnectError => matches!(first, Some(b'{' | b'"')),
            Kind::Event | Kind::BinaryEvent | Kind::Ack | Kind::BinaryAck => first == Some(&b'['),
        };
        if !valid || !json::is_value(rest) {
            return Err(Fault::Data);
        }
        // Of a list, what stands between the brackets.
        if let [b'[', list @ ..] = rest {
            let mut list = list;
            while let [list_before @ .., last] = list {
                list = list_before;
                if *last == b']' {
                    break;
                }
            }
            self.data = list;
            return self.take_name();
        }
        Ok(())
    }

    /// Takes an event's name off its arguments.
    fn take_name(&mut self) -> Result<(), Fault> {
        if matches!(self.kind, Kind::Ack | Kind::BinaryAck) {
            return Ok(());
        }
        let (name, rest) = json::split(self.data).ok_or(Fault::Data)?;
        self.name = match name {
            [b'"', name @ .., b'"'] => name,
            [b'-' | b'0'..=b'9', ..] => name,
            _ => return Err(Fault::Data),
        };
        if is_reserved(self.name) {
            return Err(Fault::ReservedName);
        }
        let rest = json::white(rest);
        self.data = json::white(rest.strip_prefix(b",").unwrap_or(rest));
        Ok(())
    }

    /// Writes the packet; `None` if it does not fit. Attachments are sent after it, each as a message of its own.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(out, 0);
        self.write(&mut w);
        w.whole()
    }

    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        w.put(&[self.kind as u8]);
        if self.kind.is_binary() {
            w.number(self.attachments.into());
            w.put(b"-");
        }
        if self.namespace != b"/" {
            w.put(self.namespace);
            w.put(b",");
        }
        if let Some(id) = self.id {
            w.number(id);
        }
        let (open, close): (&[u8], &[u8]) = match self.kind {
            Kind::Event | Kind::BinaryEvent => (b"[\"", b"]"),
            Kind::Ack | Kind::BinaryAck => (b"[", b"]"),
            _ => (b"", b""),
        };
        w.put(open);
        if open.len() == 2 {
            w.put(self.name);
            w.put(if self.data.is_empty() { b"\"" } else { b"\"," });
        }
        w.put(self.data);
        w.put(close);
    }
}

/// Names that the protocol keeps for itself: no event may have them.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    // One constant: an array of them would take a pointer and a length for each.
    const NAMES: &[u8] = b"connect connect_error disconnect disconnecting newListener removeListener";
    NAMES.split(|byte| *byte == b' ').any(|reserved| reserved == name)
}
