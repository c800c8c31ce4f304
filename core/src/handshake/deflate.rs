//! The negotiation of permessage-deflate (RFC 7692 sections 5 and 7.1), in both roles, a header line at a time.

use crate::buffer::Buffer;
use crate::deflate::{Agreed, Params};
use crate::handshake::error::{HandshakeError, KnownField};
use crate::http::field::{elements, is_alike, is_token, split, trim};
use crate::http::writer::Writer;

const EXTENSION: &str = "permessage-deflate";

/// The parameters of section 7.1, by their places in [`Terms`].
const NAMES: [&str; 4] = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
];
const SERVER_FORGETS: usize = 0;
const CLIENT_FORGETS: usize = 1;
const SERVER_BITS: usize = 2;
const CLIENT_BITS: usize = 3;

/// A parameter that stands without a value.
const VALUELESS: u8 = 1;

/// Parameters of an offer or a response, each at most once: its value, from 8 to 15, or [`VALUELESS`], or 0 if it does not
/// stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
struct Terms([u8; 4]);

/// An element of the header's list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
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

/// Reads an element of a list, its parameters into `terms`. Its parts need not be looked for outside of quotes: one that
/// stands in quotes is no token, and what comes of it is none either.
#[inline(never)]
fn read_element(element: &[u8], terms: &mut Terms) -> Element {
    let (name, mut rest) = split(element, b';');
    let name = trim(name);
    if !is_token(name) {
        return Element::Malformed;
    }
    *terms = Terms([0; 4]);
    let mut readable = true;
    while let Some(parameters) = rest {
        let (parameter, after) = split(parameters, b';');
        let (name, value) = split(parameter, b'=');
        let (name, value) = (trim(name), value.map(|value| unquoted(trim(value))));
        if !is_token(name) || value.is_some_and(|value| !is_token(value)) {
            return Element::Malformed;
        }
        readable &= terms.add(name, value);
        rest = after;
    }
    match is_alike(name, EXTENSION.as_bytes()) {
        true if readable => Element::Deflate,
        true => Element::Unreadable,
        false => Element::Other,
    }
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
    /// Adds a parameter: whether it is one that may come, with this value.
    fn add(&mut self, name: &[u8], value: Option<&[u8]>) -> bool {
        let value = match value {
            None => VALUELESS,
            // "a decimal integer value without leading zeroes between 8 to 15, inclusive" (7.1.2)
            Some([digit @ b'8'..=b'9']) => digit & 0x0f,
            Some([b'1', digit @ b'0'..=b'5']) => (digit & 0x0f).wrapping_add(10),
            _ => return false,
        };
        for ((known, slot), place) in NAMES.iter().zip(&mut self.0).zip(0usize..) {
            if is_alike(name, known.as_bytes()) {
                let repeated = *slot != 0;
                *slot = value;
                return !repeated
                    && match place {
                        // "This parameter has no value" in an offer, or the hint of one (7.1.2.2); a response is checked apart.
                        CLIENT_BITS => true,
                        SERVER_BITS => value != VALUELESS,
                        _ => value == VALUELESS,
                    };
            }
        }
        false
    }

    const fn server_bits(self) -> u8 {
        bits(self.0[SERVER_BITS])
    }

    const fn client_bits(self) -> u8 {
        bits(self.0[CLIENT_BITS])
    }

    /// The server's response to an offer; `None` declines it.
    fn respond(self, params: Params) -> Option<Self> {
        // "By including this extension parameter in an extension negotiation response, a server limits the LZ77 sliding
        // window size that the client uses" (7.1.2.2), and only if it was in the offer. The hint in an offer holds
        // anyway.
        let mut client_bits = self.client_bits();
        if self.0[CLIENT_BITS] != 0 {
            client_bits = client_bits.min(params.window_bits);
        }
        let held = client_bits <= params.window_bits;
        if params.bounded_only && !held {
            return None;
        }
        let mut response = self;
        response.0[CLIENT_BITS] = if client_bits < 15 { client_bits } else { 0 };
        // "A server accepts an extension negotiation offer that includes the "server_no_context_takeover" extension
        // parameter by including" it (7.1.1.1). It may stand there unasked as well, but `tx` must hold it.
        response.0[SERVER_FORGETS] |= unasked(params);
        // This one may stand there unasked (7.1.1.2).
        if !(params.keep_peers_context && held) {
            response.0[CLIENT_FORGETS] = VALUELESS;
        }
        Some(response)
    }

    /// What a response means for the server that made it.
    const fn agreed_by_server(self, params: Params) -> Agreed {
        let own_kept = params.keep_own_context && self.0[SERVER_FORGETS] == 0;
        Agreed::new(self.server_bits(), self.client_bits()).keeping(own_kept, self.0[CLIENT_FORGETS] == 0)
    }

    /// What a response means for the client, whose offers are of [`offer`]; `None` if it is to none of them.
    fn agreed_by_client(self, params: Params) -> Option<Agreed> {
        // "client_max_window_bits" must have a value here (7.1.2.2).
        let valueless = self.0[CLIENT_BITS] == VALUELESS;
        let held = self.server_bits() <= params.window_bits;
        let kept = self.0[SERVER_FORGETS] == 0;
        let unheld = (params.bounded_only && !held) || (kept && !(params.keep_peers_context && held));
        if valueless || unheld {
            return None;
        }
        let own_kept = params.keep_own_context && self.0[CLIENT_FORGETS] == 0;
        Some(Agreed::new(self.client_bits(), self.server_bits()).keeping(own_kept, kept))
    }

    fn write(self, head: &mut Writer<'_>) {
        head.text(EXTENSION);
        for (name, value) in NAMES.iter().zip(self.0) {
            if value > 0 {
                head.text("; ").text(name);
            }
            if value > VALUELESS {
                head.text(if value < 10 { "=" } else { "=1" }).bytes(&[b'0'.wrapping_add(value % 10)]);
            }
        }
    }
}

/// The window that a parameter allows.
const fn bits(value: u8) -> u8 {
    if value > VALUELESS { value } else { 15 }
}

/// What a server says of its own context without being asked.
const fn unasked(params: Params) -> u8 {
    if params.tell_no_context && !params.keep_own_context { VALUELESS } else { 0 }
}

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
            response.0[CLIENT_FORGETS] = VALUELESS;
            response.0[SERVER_FORGETS] |= unasked(*params);
        }
    }

    /// Looks at the offers of one header line: whether it is well-formed.
    pub(super) fn on_offers(&mut self, list: &[u8]) -> bool {
        let Some(params) = self.params else { return true };
        let mut terms = Terms([0; 4]);
        for element in elements(list) {
            match read_element(element, &mut terms) {
                Element::Malformed => return false,
                Element::Deflate if self.response.is_none() => self.response = terms.respond(params),
                _ => {}
            }
        }
        true
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
        let another = params.window_bits < 15 && !params.bounded_only;
        if !rest {
            begin_line(head);
        } else if another {
            head.text(", ");
        }
        if !rest || another {
            offer(params, !rest).write(head);
        }
        if rest {
            head.text("\r\n");
        }
    }

    /// Looks at the extensions in one line of a response. "A client MUST _Fail the WebSocket Connection_ if the peer
    /// server accepted an extension negotiation offer [...] with an extension negotiation response" whose parameters are
    /// unknown, repeated or have invalid values, or that "the client does not support" (section 7.1).
    pub(super) fn on_response(&mut self, list: &[u8]) -> Result<(), HandshakeError> {
        const INVALID: HandshakeError = HandshakeError::Invalid(KnownField::Extensions);
        let mut terms = Terms([0; 4]);
        for element in elements(list) {
            match (read_element(element, &mut terms), self.params) {
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
        Ok(())
    }
}

/// What a client can hold, for a server that can bound its window or for any.
fn offer(params: Params, best: bool) -> Terms {
    let server_forgets = !(best && params.keep_peers_context);
    let server_bits = if best && params.window_bits < 15 { params.window_bits } else { 0 };
    Terms([server_forgets.into(), (!params.keep_own_context).into(), server_bits, VALUELESS])
}

fn begin_line(head: &mut Writer<'_>) {
    head.text(KnownField::Extensions.name()).text(": ");
}
