//! Subprotocols, and extensions, of which none is known here.

use microws::handshake::{KnownField, ServerHandshake};
use microws::{Config, Event, HandshakeError};
use microws_tests::buffer;
use microws_tests::handshake::Exchange;

use crate::{LINES, accepted, and, refused, serve};

/// A field that is not needed may be as long as the head.
#[test]
fn a_long_list_of_subprotocols_matters_only_if_there_are_some_to_agree_to() {
    let long = format!("Sec-WebSocket-Protocol: {}", "x".repeat(600));
    let request = LINES.join("\r\n") + &format!("\r\n{long}\r\n\r\n");
    let serve = |supported: &[&str]| {
        Exchange { rx: 256, ..Exchange::default() }.serve(supported, request.as_bytes()).verdict
    };
    assert_eq!(serve(&[]), Ok(None));
    assert_eq!(serve(&["chat"]), Err(HandshakeError::FieldTooLong(KnownField::Protocol)));
}

/// 4.2.2, item 5, /subprotocol/: "either a single value representing the subprotocol the server is
/// ready to use or null. The value chosen MUST be derived from the client's handshake".
#[test]
fn the_clients_first_supported_subprotocol_is_agreed_to() {
    let offer = |offer: &str| accepted(&and(&format!("Sec-WebSocket-Protocol: {offer}")));
    assert_eq!(offer("chat"), Some("chat".to_owned()));
    assert_eq!(offer("x, echo-protocol, chat"), Some("echo-protocol".to_owned()));
    assert_eq!(offer("x,chat,,echo-protocol"), Some("chat".to_owned()));
    // 11.5: names compare exactly.
    assert_eq!(offer("Chat"), None);
    assert_eq!(offer("chatter, cha"), None);
    // 11.3.4: the field "MAY appear multiple times in an HTTP request (which is logically the same
    // as a single |Sec-WebSocket-Protocol| header field that contains all values)".
    assert_eq!(offer("x\r\nSec-WebSocket-Protocol: chat"), Some("chat".to_owned()));
    assert_eq!(offer("echo-protocol\r\nSec-WebSocket-Protocol: chat"), Some("echo-protocol".to_owned()));
    let text = serve(&and("Sec-WebSocket-Protocol: superchat, chat"));
    assert!(text.text().ends_with("\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
    // 4.2.2: without agreement "the server MUST NOT send back a |Sec-WebSocket-Protocol| header field".
    assert!(!serve(&and("Sec-WebSocket-Protocol: x")).text().contains("Protocol:"));
    for bad in ["a b", "chat, (x)", "\"chat\"", "chat;q=1"] {
        let request = and(&format!("Sec-WebSocket-Protocol: {bad}"));
        refused(&request, HandshakeError::Invalid(KnownField::Protocol), 400);
    }
}

/// 9.1: "the server accepts" an extension or leaves it out: none is known here.
#[test]
fn extensions_are_declined() {
    let outcome = serve(&and("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"));
    assert_eq!(outcome.verdict, Ok(None));
    assert!(!outcome.text().contains("Extensions"));
}

/// A subprotocol that is no token is the caller's mistake, seen before it goes out.
#[test]
fn a_supported_subprotocol_that_is_no_token_is_never_sent() {
    // It can't even be offered.
    let outcome = Exchange::default().serve(&["a b"], and("Sec-WebSocket-Protocol: a b").as_bytes());
    assert_eq!(outcome.verdict, Err(HandshakeError::Invalid(KnownField::Protocol)));
}

/// The subprotocol is known as soon as the field has passed.
#[test]
fn the_subprotocol_is_known_when_its_field_has_passed() {
    let mut rx = buffer(512);
    assert!(rx.push(and("Sec-WebSocket-Protocol: chat").as_bytes()));
    let config = Config::new().subprotocols(&["chat"]);
    let mut handshake = ServerHandshake::new(&config);
    let mut known = Vec::new();
    loop {
        let end = handshake.receive(&mut rx).unwrap() == Some(Event::HeadEnd);
        known.push(handshake.subprotocol().is_some());
        if end {
            break;
        }
    }
    assert_eq!(known, [false, false, false, false, false, false, true, true]);
}
