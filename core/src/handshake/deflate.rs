//! The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1), in both roles, a header line at a time.

use crate::buffer::Buffer;
use crate::deflate::{Agreed, Params};
use crate::handshake::error::{HandshakeError, KnownField};
use crate::http::field::{is_alike, is_token, trim};
use crate::http::writer::Writer;

const EXTENSION: &str = "permessage-deflate";

/// The parameters of section 7.1, a bit for each; from [`SERVER_BITS`] on they have a value.
const NAMES: [&str; 4] = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
];
const SERVER_FORGETS: u8 = 1;
const CLIENT_FORGETS: u8 = 2;
const SERVER_BITS: u8 = 4;
const CLIENT_BITS: u8 = 8;

/// Parameters of an offer or a response, each at most once and with a value that it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Terms {
    present: u8,
    /// 15 without a value.
    server_bits: u8,
    client_bits: u8,
}

/// An element of the header's list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    /// The list has no more.
    End,
    /// None that RFC 6455 section 9.1 allows: "the recipient of such malformed data MUST immediately _Fail the WebSocket
    /// Connection_".
    Malformed,
    /// permessage-deflate on terms that can be read.
    Deflate,
    /// permessage-deflate with a parameter that is unknown or repeated or has a value that it can't have, which
    /// declines an offer and fails a response (section 7.1).
    Unreadable,
    /// Another extension.
    Other,
}

/// What this endpoint can hold: no more than the ring in `rx`, if there is one.
fn hold(params: &mut Option<Params>, rx: &Buffer<'_>) {
    if let Some(bits) = rx.ring_bits() {
        let held = params.get_or_insert_default();
        held.window_bits = held.window_bits.min(bits);
    }
}

/// Takes the next element off the front of a list, its parameters into `terms`.
#[inline(never)]
fn next_element(list: &mut &[u8], terms: &mut Terms) -> Element {
    // Empty elements are allowed (RFC 9110 section 5.6.1).
    let element = loop {
        if list.is_empty() {
            return Element::End;
        }
        let element = next_part(list, b',');
        if !element.is_empty() {
            break element;
        }
    };
    let mut rest = element;
    let name = next_part(&mut rest, b';');
    if !is_token(name) || element.last() == Some(&b';') {
        return Element::Malformed;
    }
    *terms = Terms::NONE;
    let mut readable = true;
    while !rest.is_empty() {
        let mut value = next_part(&mut rest, b';');
        let has_value = value.contains(&b'=');
        let name = next_part(&mut value, b'=');
        let value = has_value.then(|| unquoted(value));
        if !is_token(name) || value.is_some_and(|value| !is_token(value)) {
            return Element::Malformed;
        }
        readable &= terms.add(name, value);
    }
    match (is_alike(name, EXTENSION.as_bytes()), readable) {
        (true, true) => Element::Deflate,
        (true, false) => Element::Unreadable,
        _ => Element::Other,
    }
}

/// Takes the bytes before the first `end` outside of quotes off the front, `end` as well, without the blanks around
/// them.
#[inline(never)]
fn next_part<'b>(rest: &mut &'b [u8], end: u8) -> &'b [u8] {
    let (mut quoted, mut escaped) = (false, false);
    let found = rest.iter().position(|byte| {
        if escaped {
            escaped = false;
        } else if *byte == b'"' {
            quoted = !quoted;
        } else if *byte == b'\\' {
            escaped = quoted;
        }
        !quoted && *byte == end
    });
    let at = found.unwrap_or(rest.len());
    let (part, after) = rest.split_at_checked(at).unwrap_or_default();
    *rest = trim(after.get(1..).unwrap_or_default());
    trim(part)
}

/// A parameter's value: "When using the quoted-string syntax variant, the value after quoted-string
/// unescaping MUST conform to the 'token' ABNF" (RFC 6455 section 9.1). No token needs an escape, so one that has any
/// is taken for no token.
fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', value @ .., b'"'] => value,
        value => value,
    }
}

impl Terms {
    const NONE: Self = Self { present: 0, server_bits: 15, client_bits: 15 };

    /// Adds a parameter: whether it is one that may come, with this value.
    fn add(&mut self, name: &[u8], value: Option<&[u8]>) -> bool {
        let Some(place) = NAMES.iter().position(|known| is_alike(name, known.as_bytes())) else {
            return false;
        };
        let bit = 1u8.wrapping_shl(place as u32);
        let repeated = self.present & bit != 0;
        self.present |= bit;
        let bits = match value {
            // "a decimal integer value without leading zeroes between 8 to 15, inclusive" (7.1.2)
            Some([digit @ b'8'..=b'9']) => Some(digit & 0x0f),
            Some([b'1', digit @ b'0'..=b'5']) => Some((digit & 0x0f).wrapping_add(10)),
            None => None,
            _ => return false,
        };
        let (valid, slot) = match bit {
            SERVER_BITS => (bits.is_some(), &mut self.server_bits),
            // "This parameter has no value" in an offer, or the hint of one (7.1.2.2); a response is checked apart.
            CLIENT_BITS => (true, &mut self.client_bits),
            _ => return bits.is_none() && !repeated,
        };
        if let Some(bits) = bits {
            *slot = bits;
        }
        if bits.is_none() {
            self.present |= VALUELESS;
        }
        valid && !repeated
    }

    const fn has(self, bit: u8) -> bool {
        self.present & bit != 0
    }

    /// The server's response to an offer; `None` declines it.
    fn respond(self, params: Params) -> Option<Self> {
        let mut response = Self { present: self.present & SERVER_BITS, ..self };
        // "By including this extension parameter in an extension negotiation response, a server limits the LZ77 sliding
        // window size that the client uses" (7.1.2.2), and only if it was in the offer. The hint in an offer holds
        // anyway.
        response.client_bits = self.client_bits;
        if self.has(CLIENT_BITS) {
            response.client_bits = self.client_bits.min(params.window_bits);
            if response.client_bits < 15 {
                response.present |= CLIENT_BITS;
            }
        }
        let held = response.client_bits <= params.window_bits;
        if params.bounded_only && !held {
            return None;
        }
        // "A server accepts an extension negotiation offer that includes the "server_no_context_takeover" extension
        // parameter by including" it (7.1.1.1). It may stand there unasked as well, but `tx` must hold it.
        response.present |= self.present & SERVER_FORGETS | unasked(params);
        // This one may stand there unasked (7.1.1.2).
        if !(params.keep_peers_context && held) || self.has(CLIENT_FORGETS) {
            response.present |= CLIENT_FORGETS;
        }
        Some(response)
    }

    /// What a response means for the server that made it.
    const fn agreed_by_server(self, params: Params) -> Agreed {
        let own_kept = params.keep_own_context && !self.has(SERVER_FORGETS);
        Agreed::new(self.server_bits, self.client_bits).keeping(own_kept, !self.has(CLIENT_FORGETS))
    }

    /// What a response means for the client, whose offers are of [`offer`]; `None` if it is to none of them.
    fn agreed_by_client(self, params: Params) -> Option<Agreed> {
        // "client_max_window_bits" must have a value here (7.1.2.2).
        let valueless = self.has(VALUELESS);
        let held = self.server_bits <= params.window_bits;
        let kept = !self.has(SERVER_FORGETS);
        let unheld = (params.bounded_only && !held) || (kept && !(params.keep_peers_context && held));
        if valueless || unheld {
            return None;
        }
        let own_kept = params.keep_own_context && !self.has(CLIENT_FORGETS);
        Some(Agreed::new(self.client_bits, self.server_bits).keeping(own_kept, kept))
    }

    fn write(self, head: &mut Writer<'_>) {
        head.text(EXTENSION);
        for (name, place) in NAMES.iter().zip(0u32..) {
            let bit = 1u8.wrapping_shl(place);
            if !self.has(bit) {
                continue;
            }
            head.text("; ").text(name);
            let bits = if bit == SERVER_BITS { self.server_bits } else { self.client_bits };
            if bit >= SERVER_BITS && !(bit == CLIENT_BITS && self.has(VALUELESS)) {
                head.text("=").number(usize::from(bits));
            }
        }
    }
}

/// What a server says of its own context without being asked.
const fn unasked(params: Params) -> u8 {
    if params.tell_no_context && !params.keep_own_context { SERVER_FORGETS } else { 0 }
}

/// Beside the parameters: `client_max_window_bits` has no value.
const VALUELESS: u8 = 0x80;

/// A server's side: the response to the first offer that can be served.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Choice {
    params: Option<Params>,
    response: Option<Terms>,
}

impl Choice {
    pub(super) const fn new(params: Option<Params>) -> Self {
        Self { params, response: None }
    }

    pub(super) fn hold(&mut self, rx: &Buffer<'_>) {
        hold(&mut self.params, rx);
    }

    /// Keeps no context, though the parameters allow it. The client must know of its own.
    pub(super) const fn forget_contexts(&mut self) {
        let Some(params) = &mut self.params else { return };
        (params.keep_own_context, params.keep_peers_context) = (false, false);
        if let Some(response) = &mut self.response {
            response.present |= CLIENT_FORGETS | unasked(*params);
        }
    }

    /// Looks at the offers of one header line: whether it is well-formed.
    pub(super) fn on_offers(&mut self, mut list: &[u8]) -> bool {
        let Some(params) = self.params else { return true };
        let mut terms = Terms::NONE;
        loop {
            match next_element(&mut list, &mut terms) {
                Element::End => return true,
                Element::Malformed => return false,
                Element::Deflate if self.response.is_none() => self.response = terms.respond(params),
                _ => {}
            }
        }
    }

    /// Writes the response's header line, if an offer was accepted.
    pub(super) fn write(self, head: &mut Writer<'_>) {
        if let Some(response) = self.response {
            begin_line(head);
            response.write(head);
            head.text("\r\n");
        }
    }

    pub(super) fn agreed(self) -> Option<Agreed> {
        Some(self.response?.agreed_by_server(self.params?))
    }
}

/// A client's side: what its offers came to.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(super) struct Offers {
    params: Option<Params>,
    pub(super) agreed: Option<Agreed>,
}

impl Offers {
    pub(super) const fn new(params: Option<Params>) -> Self {
        Self { params, agreed: None }
    }

    pub(super) fn hold(&mut self, rx: &Buffer<'_>) {
        hold(&mut self.params, rx);
    }

    /// Writes the header line: first the best offer, which bounds the server's window to what can be held, then the
    /// rest, with another offer for servers that can't do so. One line, because some servers take no second one; in two
    /// parts, because `tx` must hold each.
    pub(super) fn write(self, head: &mut Writer<'_>, rest: bool) {
        let Some(params) = self.params else { return };
        let bounded = params.window_bits < 15;
        if !rest {
            begin_line(head);
            offer(params, true).write(head);
            return;
        }
        if bounded && !params.bounded_only {
            head.text(", ");
            offer(params, false).write(head);
        }
        head.text("\r\n");
    }

    /// Looks at the extensions in one line of a response. "A client MUST _Fail the WebSocket Connection_ if the peer
    /// server accepted an extension negotiation offer [...] with an extension negotiation response" whose parameters are
    /// unknown, repeated or have invalid values, or that "the client does not support" (section 7.1).
    pub(super) fn on_response(&mut self, mut list: &[u8]) -> Result<(), HandshakeError> {
        const INVALID: HandshakeError = HandshakeError::Invalid(KnownField::Extensions);
        let mut terms = Terms::NONE;
        loop {
            match (next_element(&mut list, &mut terms), self.params) {
                (Element::End, _) => return Ok(()),
                (Element::Malformed, _) | (Element::Unreadable, Some(_)) => return Err(INVALID),
                (Element::Deflate, Some(_)) if self.agreed.is_some() => {
                    return Err(HandshakeError::Repeated(KnownField::Extensions));
                }
                (Element::Deflate, Some(params)) => {
                    self.agreed = Some(terms.agreed_by_client(params).ok_or(INVALID)?);
                }
                _ => return Err(HandshakeError::UnofferedExtension),
            }
        }
    }
}

/// What a client can hold, for a server that can bound its window or for any.
fn offer(params: Params, best: bool) -> Terms {
    let mut present = CLIENT_BITS | VALUELESS;
    if !params.keep_own_context {
        present |= CLIENT_FORGETS;
    }
    if !(best && params.keep_peers_context) {
        present |= SERVER_FORGETS;
    }
    if best && params.window_bits < 15 {
        present |= SERVER_BITS;
    }
    Terms { present, server_bits: params.window_bits, client_bits: 15 }
}

fn begin_line(head: &mut Writer<'_>) {
    head.text(KnownField::Extensions.name()).text(": ");
}
