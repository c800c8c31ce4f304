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

    const fn of(digit: Option<&u8>) -> Option<Self> {
        Some(match digit {
            Some(b'0') => Self::Connect,
            Some(b'1') => Self::Disconnect,
            Some(b'2') => Self::Event,
            Some(b'3') => Self::Ack,
            Some(b'4') => Self::ConnectError,
            Some(b'5') => Self::BinaryEvent,
            Some(b'6') => Self::BinaryAck,
            _ => return None,
        })
    }
}

/// One packet, over borrowed text.
///
/// ```
/// use microws_socketio::packet::{Kind, Packet};
///
/// let packet = Packet::decode(r#"2/admin,456["project:delete",123]"#, 0).unwrap();
/// assert_eq!((packet.kind, packet.namespace, packet.id), (Kind::Event, "/admin", Some(456)));
/// assert_eq!((packet.name, packet.data), ("project:delete", "123"));
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
    pub namespace: &'a str,
    /// The id of an acknowledgement, asked for or given.
    pub id: Option<u32>,
    /// An event's name as it stands between the quotation marks, escapes as they are; a number's digits; else empty.
    pub name: &'a str,
    /// JSON text. Of events and acknowledgements: the arguments with commas between them, without the brackets. Of other
    /// packets: the whole value. Empty if there is none.
    pub data: &'a str,
}

impl<'a> Packet<'a> {
    /// A packet without attachments, id, name and data.
    pub const fn new(kind: Kind, namespace: &'a str) -> Self {
        Self { kind, attachments: 0, namespace, id: None, name: "", data: "" }
    }

    /// Reads a packet with at most so many attachments, and checks that its data is JSON of the form that its type
    /// demands.
    ///
    /// # Errors
    /// The [`Fault`].
    pub fn decode(text: &'a str, max_attachments: u8) -> Result<Self, Fault> {
        let kind = Kind::of(text.as_bytes().first()).ok_or(Fault::Kind)?;
        let mut rest = text.get(1..).unwrap_or_default();
        let mut packet = Self::new(kind, "/");
        if kind.is_binary() {
            let (n, after) = json::digits(rest).ok_or(Fault::Attachments)?;
            let n = n.and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
            if n == 0 || n > max_attachments {
                return Err(Fault::Attachments);
            }
            packet.attachments = n;
            rest = after.strip_prefix('-').ok_or(Fault::Attachments)?;
        }
        if rest.as_bytes().first() == Some(&b'/') {
            let len = rest.bytes().take_while(|byte| *byte != b',').count();
            (packet.namespace, rest) = rest.split_at_checked(len).unwrap_or_default();
            rest = rest.get(1..).unwrap_or_default();
        }
        (packet.id, rest) = json::digits(rest).ok_or(Fault::Id)?;
        packet.take_data(rest)?;
        Ok(packet)
    }

    fn take_data(&mut self, json: &'a str) -> Result<(), Fault> {
        let object = json.as_bytes().first() == Some(&b'{');
        let whole = || json::is_value(json);
        let valid = match self.kind {
            Kind::Connect => json.is_empty() || object && whole(),
            Kind::Disconnect => json.is_empty(),
            Kind::ConnectError => (object || json.as_bytes().first() == Some(&b'"')) && whole(),
            Kind::Event | Kind::BinaryEvent | Kind::Ack | Kind::BinaryAck => {
                let list = json.trim_ascii_end().strip_prefix('[').and_then(|list| list.strip_suffix(']'));
                let list = list.filter(|_| whole()).ok_or(Fault::Data)?;
                self.data = list;
                return self.take_name();
            }
        };
        self.data = json;
        if valid { Ok(()) } else { Err(Fault::Data) }
    }

    /// Takes an event's name off its arguments.
    fn take_name(&mut self) -> Result<(), Fault> {
        if matches!(self.kind, Kind::Ack | Kind::BinaryAck) {
            return Ok(());
        }
        let (name, rest) = json::split(self.data).ok_or(Fault::Data)?;
        self.name = match name.as_bytes().first() {
            Some(b'"') => json::unquoted(name).ok_or(Fault::Data)?,
            Some(b'-' | b'0'..=b'9') => name,
            _ => return Err(Fault::Data),
        };
        if is_reserved(self.name) {
            return Err(Fault::ReservedName);
        }
        let rest = rest.trim_ascii_start();
        self.data = rest.strip_prefix(',').unwrap_or(rest).trim_ascii_start();
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
        if self.namespace != "/" {
            w.put(self.namespace.as_bytes());
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
            w.put(self.name.as_bytes());
            w.put(if self.data.is_empty() { b"\"" } else { b"\"," });
        }
        w.put(self.data.as_bytes());
        w.put(close);
    }
}

/// Names that the protocol keeps for itself: no event may have them.
pub(crate) fn is_reserved(name: &str) -> bool {
    let reserved: [&[u8]; 6] =
        [b"connect", b"connect_error", b"disconnect", b"disconnecting", b"newListener", b"removeListener"];
    reserved.contains(&name.as_bytes())
}
