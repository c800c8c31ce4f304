//! Sections 5 and 7.1.

use microws::HandshakeError::{Invalid, Repeated, UnofferedExtension};
use microws::deflate::{Agreed, Params};
use microws::handshake::ClientHandshake;
use microws::handshake::KnownField::Extensions;
use microws::{Config, SendError};
use microws_tests::buffer;

use crate::{connect, offers, serve};

const PARAMS: Params = Params::new();
const NO_CLIENT_TAKEOVER: &str = "permessage-deflate; client_no_context_takeover";
const NO_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn answer(params: Params, offer: &str) -> String {
    let (agreed, lines) = serve(params, &[offer]).unwrap();
    assert_eq!(agreed.is_some(), lines.len() == 1);
    lines.concat()
}

fn terms(agreed: Agreed) -> (u8, bool, u8, bool) {
    (
        agreed.send_window_bits(),
        agreed.keeps_own_context(),
        agreed.receive_window_bits(),
        agreed.keeps_peers_context(),
    )
}

#[test]
fn browsers_and_ws_are_served_without_context_takeover() {
    // Firefox; Chrome and ws; with a ring of 1 KiB.
    assert_eq!(answer(PARAMS.window_bits(10), "permessage-deflate"), NO_CLIENT_TAKEOVER);
    let chrome = answer(PARAMS.window_bits(10), "permessage-deflate; client_max_window_bits");
    assert_eq!(chrome, format!("{NO_CLIENT_TAKEOVER}; client_max_window_bits=10"));
    assert_eq!(answer(PARAMS, "permessage-deflate; client_max_window_bits"), NO_CLIENT_TAKEOVER);
}

#[test]
fn a_server_tells_unasked_that_it_keeps_no_context_if_it_was_told_to() {
    let offer = "permessage-deflate; client_max_window_bits";
    let tells = PARAMS.tell_no_context(true);
    assert_eq!(answer(tells, offer), NO_TAKEOVER);
    assert_eq!(answer(tells, "permessage-deflate; server_no_context_takeover"), NO_TAKEOVER);
    assert_eq!(answer(tells.tell_no_context(false), offer), NO_CLIENT_TAKEOVER);
    // A context that is kept is not denied.
    assert_eq!(answer(tells.keep_own_context(true), offer), NO_CLIENT_TAKEOVER);
    assert_eq!(answer(tells.keep_own_context(true).keep_peers_context(true), offer), "permessage-deflate");
    // A client's offers are the same, and it takes such a response to an offer that did not ask.
    let keeps = PARAMS.keep_peers_context(true);
    assert_eq!(offers(keeps.tell_no_context(true)), offers(keeps));
    let agreed = connect(keeps, &["permessage-deflate; server_no_context_takeover"]).unwrap().unwrap();
    assert!(!agreed.keeps_peers_context());
}

#[test]
fn the_first_offer_that_can_be_served_is_taken_out_of_several_fields() {
    let bounded = PARAMS.window_bits(9).bounded_only(true);
    let (agreed, lines) = serve(
        bounded,
        &[
            "x-webkit-deflate-frame, permessage-deflate; unknown, foo; bar=\"baz\"",
            "",
            "permessage-deflate, permessage-deflate; client_max_window_bits=12; server_max_window_bits=11",
            "permessage-deflate; client_max_window_bits",
        ],
    )
    .unwrap();
    let answer = format!("{NO_CLIENT_TAKEOVER}; server_max_window_bits=11; client_max_window_bits=9");
    assert_eq!(lines, [answer]);
    assert_eq!(terms(agreed.unwrap()), (11, false, 9, false));
}

#[test]
fn what_cannot_be_held_is_declined_where_the_caller_wants_it() {
    assert_eq!(serve(PARAMS.window_bits(14).bounded_only(true), &["permessage-deflate"]), Ok((None, vec![])));
    assert_eq!(answer(PARAMS.bounded_only(true), "permessage-deflate"), NO_CLIENT_TAKEOVER);
    // "even if the server doesn't include the "client_max_window_bits" [...] the client is not going to use" more.
    let hint = "permessage-deflate; client_max_window_bits=8";
    assert_eq!(
        answer(PARAMS.window_bits(9).bounded_only(true), hint),
        format!("{NO_CLIENT_TAKEOVER}; client_max_window_bits=8")
    );
}

#[test]
fn contexts_are_kept_where_both_want_it_and_the_window_is_held() {
    let keep = PARAMS.window_bits(10).keep_peers_context(true).keep_own_context(true);
    let (agreed, lines) = serve(keep, &["permessage-deflate; client_max_window_bits"]).unwrap();
    assert_eq!(lines, ["permessage-deflate; client_max_window_bits=10"]);
    assert_eq!(terms(agreed.unwrap()), (15, true, 10, true));
    // Firefox's window is too large to be kept.
    let (agreed, lines) = serve(keep, &["permessage-deflate"]).unwrap();
    assert_eq!(lines, ["permessage-deflate; client_no_context_takeover"]);
    assert_eq!(terms(agreed.unwrap()), (15, true, 15, false));
    let (agreed, lines) = serve(keep, &[NO_TAKEOVER]).unwrap();
    assert_eq!(lines, [NO_TAKEOVER]);
    assert_eq!(terms(agreed.unwrap()), (15, false, 15, false));
}

#[test]
fn every_window_that_is_offered_is_obeyed() {
    for bits in 8..=15u8 {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        assert_eq!(answer(PARAMS, &offer), format!("{NO_CLIENT_TAKEOVER}; server_max_window_bits={bits}"));
        let quoted = format!("permessage-deflate ;server_max_window_bits=\"{bits}\"");
        let (agreed, _) = serve(PARAMS, &[&quoted]).unwrap();
        assert_eq!(agreed.unwrap().send_window_bits(), bits);
    }
}

#[test]
fn a_parameter_that_is_unknown_repeated_or_has_a_wrong_value_declines_its_offer() {
    let wrong = [
        "unknown",
        "unknown=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits=10",
        "server_no_context_takeover=1",
        "server_no_context_takeover=10",
        "client_no_context_takeover=true",
        "server_max_window_bits",
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=010",
        "server_max_window_bits=+9",
        "server_max_window_bits=9x",
        "server_max_window_bits=100",
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=0",
        "client_max_window_bits=\"08\"",
        "client_max_window_bits=x",
    ];
    for params in wrong {
        let offer = format!("permessage-deflate; {params}");
        assert_eq!(serve(PARAMS, &[&offer]), Ok((None, vec![])), "{params}");
        // The next one counts.
        assert_eq!(answer(PARAMS, &format!("{offer}, permessage-deflate")), NO_CLIENT_TAKEOVER, "{params}");
        // In a response it is a fault.
        assert_eq!(connect(PARAMS, &[&offer]), Err(Invalid(Extensions)), "{params}");
    }
}

#[test]
fn a_field_that_is_no_list_of_extensions_fails_the_handshake() {
    let malformed = [
        "permessage-deflate;",
        "permessage-deflate;; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_max_window_bits=\"\"",
        "permessage-deflate; client_max_window_bits=\"10",
        "permessage-deflate; =10",
        "permessage deflate",
        "; client_max_window_bits",
        "foo; bar=\"a b\"",
        "foo; bar=\"a, permessage-deflate, b\"",
        "foo=1",
    ];
    for line in malformed {
        assert_eq!(serve(PARAMS, &[line]), Err(Invalid(Extensions)), "{line}");
        assert!(connect(PARAMS, &[line]).is_err(), "{line}");
    }
}

#[test]
fn a_client_offers_what_it_can_hold() {
    let second = format!("{NO_TAKEOVER}; client_max_window_bits");
    assert_eq!(offers(PARAMS).concat(), second);
    let first = format!("{NO_TAKEOVER}; server_max_window_bits=10; client_max_window_bits");
    assert_eq!(offers(PARAMS.window_bits(10)), [format!("{first}, {second}")]);
    assert_eq!(offers(PARAMS.window_bits(10).bounded_only(true)), [first]);
    let keep = PARAMS.window_bits(10).keep_peers_context(true).keep_own_context(true);
    assert_eq!(
        offers(keep),
        ["permessage-deflate; server_max_window_bits=10; client_max_window_bits, \
          permessage-deflate; server_no_context_takeover; client_max_window_bits"]
    );
}

#[test]
fn both_offers_pass_as_one_line_through_a_tx_that_holds_one_of_them() {
    let params = PARAMS.window_bits(10);
    let line = offers(params).concat();
    let config = Config::new().request("h", "/").deflate(params);
    for room in 151..=300 {
        let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
        let (mut tx, mut sent) = (buffer(room), Vec::new());
        while !handshake.send(&mut tx).unwrap() {
            sent.extend_from_slice(tx.filled());
            tx.consume(usize::MAX);
        }
        sent.extend_from_slice(tx.filled());
        let sent = String::from_utf8(sent).unwrap();
        assert_eq!(sent.matches(&format!("\r\nSec-WebSocket-Extensions: {line}\r\n")).count(), 1, "{room}");
        assert_eq!(sent.matches("Sec-WebSocket-Extensions").count(), 1, "{room}");
    }
    let mut handshake = ClientHandshake::new(&config, *b"the sample nonce");
    let mut tx = buffer(150);
    let error = loop {
        match handshake.send(&mut tx) {
            Ok(sent) => assert!(!sent),
            Err(error) => break error,
        }
        tx.consume(usize::MAX);
    };
    assert_eq!(error, SendError::BufferFull);
}

#[test]
fn a_response_to_an_offer_is_taken() {
    let forgets = "permessage-deflate; server_no_context_takeover";
    assert_eq!(terms(connect(PARAMS, &[forgets]).unwrap().unwrap()), (15, false, 15, false));
    let all = format!("{NO_TAKEOVER}; server_max_window_bits=9; client_max_window_bits=8");
    assert_eq!(terms(connect(PARAMS.window_bits(10), &[&all]).unwrap().unwrap()), (8, false, 9, false));
    assert_eq!(connect(PARAMS, &[]), Ok(None));
    let keep = PARAMS.window_bits(10).keep_peers_context(true).keep_own_context(true);
    let kept = connect(keep, &["permessage-deflate; server_max_window_bits=10"]).unwrap().unwrap();
    assert_eq!(terms(kept), (15, true, 10, true));
    assert_eq!(kept.to_string(), "permessage-deflate, window 2^15 out, kept, 2^10 in, kept");
}

#[test]
fn a_response_to_no_offer_fails_the_connection() {
    // The server would keep its context: it must not (7.1.1.1).
    assert_eq!(connect(PARAMS, &["permessage-deflate"]), Err(Invalid(Extensions)));
    // Its window would be larger than the one that was the only one offered (7.1.2.1).
    let bounded = PARAMS.window_bits(10).bounded_only(true);
    for line in [NO_TAKEOVER.to_owned(), format!("{NO_TAKEOVER}; server_max_window_bits=11")] {
        assert_eq!(connect(bounded, &[&line]), Err(Invalid(Extensions)));
    }
    // A context that can't be held.
    let keep = PARAMS.window_bits(10).keep_peers_context(true);
    assert_eq!(connect(keep, &["permessage-deflate"]), Err(Invalid(Extensions)));
    // Without a value it is no response (7.1.2.2).
    let valueless = format!("{NO_TAKEOVER}; client_max_window_bits");
    assert_eq!(connect(PARAMS, &[&valueless]), Err(Invalid(Extensions)));
    assert_eq!(connect(PARAMS, &["permessage-bzip2"]), Err(UnofferedExtension));
    assert_eq!(connect(PARAMS, &[NO_TAKEOVER, NO_TAKEOVER]), Err(Repeated(Extensions)));
}
