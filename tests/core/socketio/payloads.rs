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

/// RFC 4648 section 10.
#[test]
fn base64_is_that_of_the_rfc() {
    for (bytes, encoded) in [
        (&b"f"[..], "bZg=="),
        (b"fo", "bZm8="),
        (b"foo", "bZm9v"),
        (b"foob", "bZm9vYg=="),
        (b"fooba", "bZm9vYmE="),
        (b"foobar", "bZm9vYmFy"),
        (&[0xff, 0xef, 0xbe, 0xfb], "b/++++w=="),
    ] {
        let mut out = [0; 16];
        let n = Part::Binary(bytes).encode(&mut out).unwrap();
        assert_eq!(std::str::from_utf8(&out[..n]).unwrap(), encoded);
        assert_eq!(parts(encoded.as_bytes()), Ok(vec![(false, bytes.to_vec())]));
    }
}
