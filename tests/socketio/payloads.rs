//! Payloads of polling.

use microws_socketio::Fault;
use microws_socketio::payload::{Part, SEPARATOR, decode};

fn parts(payload: &[u8]) -> Result<Vec<(bool, Vec<u8>)>, Fault> {
    let mut parts = Vec::new();
    decode(&mut payload.to_vec(), |part| {
        parts.push(match part {
            Part::Text(text) => (true, text.to_vec()),
            Part::Binary(bytes) => (false, bytes.to_vec()),
        });
        Ok(())
    })?;
    Ok(parts)
}

fn text(text: &str) -> (bool, Vec<u8>) {
    (true, text.into())
}

#[test]
fn payloads_of_the_documents_are_read_and_written() {
    let cases = [
        (&b"4hello\x1e2\x1e4world"[..], vec![text("4hello"), text("2"), text("4world")]),
        (b"4hello\x1ebAQIDBA==", vec![text("4hello"), (false, vec![1, 2, 3, 4])]),
        (b"bAQID\x1e4\xe2\x82\xac", vec![(false, vec![1, 2, 3]), text("4€")]),
        (b"b\x1eb+/8=", vec![(false, vec![]), (false, vec![0xfb, 0xff])]),
    ];
    for (payload, expected) in cases {
        assert_eq!(parts(payload), Ok(expected.clone()));
        let mut written = Vec::new();
        for (is_text, bytes) in &expected {
            let part = if *is_text { Part::Text(bytes) } else { Part::Binary(bytes) };
            let mut out = [0; 32];
            assert_eq!(part.encode(&mut out), Some(part.encoded_len()));
            assert_eq!(part.encode(&mut out[..part.encoded_len() - 1]), None);
            written.push(out[..part.encoded_len()].to_vec());
        }
        assert_eq!(written.join(&SEPARATOR), payload);
    }
}

#[test]
fn padding_may_be_left_out() {
    assert_eq!(parts(b"bAQIDBA"), Ok(vec![(false, vec![1, 2, 3, 4])]));
    assert_eq!(parts(b"bAQIDBA="), Ok(vec![(false, vec![1, 2, 3, 4])]));
}

#[test]
fn what_is_no_base64_and_no_text_is_refused() {
    for bad in [&b"bA"[..], b"b!!!!", b"b====", b"bAQ ID", b"4\xff", b"4a\x1e4\xc3"] {
        assert_eq!(parts(bad), Err(Fault::Encoding), "{bad:?}");
    }
}

#[test]
fn empty_parts_are_parts() {
    assert_eq!(parts(b""), Ok(vec![text("")]));
    assert_eq!(parts(b"2\x1e"), Ok(vec![text("2"), text("")]));
}
