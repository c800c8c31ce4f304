//! First bytes that are no TLS, or none that the server takes.

use crate::attack::{Attack, ensure};

use super::{ALERT, HANDSHAKE, handshake, hello, record};

/// Alerts (RFC 8446 section 6).
const UNEXPECTED_MESSAGE: u8 = 10;
const HANDSHAKE_FAILURE: u8 = 40;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// A ClientHello of an old `version`, with these extensions (RFC 5246 section 7.4.1.2).
fn old_hello(version: [u8; 2], extensions: &[u8]) -> Vec<u8> {
    let mut hello = [&version[..], &[0x5a; 32], &[0]].concat();
    // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, TLS_RSA_WITH_AES_128_CBC_SHA; no compression.
    hello.extend([0, 4, 0xc0, 0x09, 0x00, 0x2f, 1, 0]);
    if !extensions.is_empty() {
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
    }
    handshake(1, &hello)
}

/// First bytes after which a fatal alert and the end must come.
pub(super) fn beginnings() -> Vec<Attack> {
    // ecdsa_secp256r1_sha256; x25519 and secp256r1; uncompressed points.
    let signatures = [0, 13, 0, 4, 0, 2, 4, 3];
    let groups = [0, 10, 0, 6, 0, 4, 0, 29, 0, 23];
    let mut shots = vec![
        ("a record without a byte", record(HANDSHAKE, b""), DECODE_ERROR),
        (
            "a record of 65,535 bytes",
            [&[HANDSHAKE, 3, 1, 0xff, 0xff][..], &[1; 65_535]].concat(),
            DECODE_ERROR,
        ),
        ("a ServerHello", handshake(2, &[0; 40]), UNEXPECTED_MESSAGE),
        ("a Finished", handshake(20, &[0; 12]), UNEXPECTED_MESSAGE),
        ("an unknown handshake message", handshake(99, b"x"), UNEXPECTED_MESSAGE),
        ("an empty ClientHello", handshake(1, b""), DECODE_ERROR),
        ("a ClientHello of garbage", handshake(1, &[0xff; 300]), DECODE_ERROR),
        // rustls misses the signature algorithms first, which these versions did not name.
        ("TLS 1.0", old_hello([3, 1], &[]), HANDSHAKE_FAILURE),
        ("TLS 1.1", old_hello([3, 2], &[]), HANDSHAKE_FAILURE),
        (
            "TLS 1.0 with extensions",
            old_hello([3, 1], &[&signatures[..], &groups].concat()),
            PROTOCOL_VERSION,
        ),
        (
            "TLS 1.1 with extensions",
            old_hello([3, 2], &[&signatures[..], &groups].concat()),
            PROTOCOL_VERSION,
        ),
        (
            "TLS 1.2 without a cipher of ours",
            old_hello([3, 3], &[&signatures[..], &groups].concat()),
            HANDSHAKE_FAILURE,
        ),
    ];
    // application_layer_protocol_negotiation: h2.
    let alpn = [0, 16, 0, 5, 0, 3, 2, b'h', b'2'];
    let mut h2 = old_hello([3, 3], &[&signatures[..], &groups, &alpn].concat());
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 instead of the first cipher.
    let suite = h2.windows(2).position(|bytes| bytes == [0xc0, 0x09]).unwrap_or_default();
    h2[suite + 1] = 0x2b;
    shots.push(("h2 by ALPN, and nothing else", h2, NO_APPLICATION_PROTOCOL));
    let attack = |(name, bytes, alert): (&str, Vec<u8>, u8)| {
        Attack::quick(format!("tls: {name}"), move |server| {
            for one_by_one in [false, true] {
                let mut client = server.bare()?;
                let piece = if one_by_one { bytes.len().div_ceil(2000) } else { bytes.len() };
                for piece in bytes.chunks(piece) {
                    if client.try_send(piece).is_err() {
                        break;
                    }
                }
                let came = client.rest()?;
                ensure(
                    came == [ALERT, 3, 3, 0, 2, 2, alert],
                    format!("{came:02x?} instead of the alert {alert}"),
                )?;
            }
            Ok(format!("alert {alert}"))
        })
    };
    let mut attacks: Vec<Attack> = shots.into_iter().map(attack).collect();
    attacks.push(Attack::quick("tls: a ClientHello of 16 MiB is announced", |server| {
        let mut client = server.bare()?;
        client.try_send(&record(HANDSHAKE, &[1, 0xff, 0xff, 0xff, 3, 3]))?;
        // rustls fails without an alert.
        ensure(client.rest()?.is_empty(), "an answer")?;
        Ok("the end at once".into())
    }));
    attacks.push(Attack::quick("tls: 1,000 beginnings of random bytes", |server| {
        let mut random = fastrand::Rng::with_seed(5);
        let (mut alerts, mut silent) = (0, 0);
        for n in 0..1000 {
            let mut bytes = if n % 2 == 0 { hello(server)? } else { vec![0; random.usize(1..2000)] };
            if n % 2 == 0 {
                let at = random.usize(1..bytes.len());
                bytes[at] ^= 1 << random.u8(0..8);
            } else {
                random.fill(&mut bytes);
                bytes[0] = HANDSHAKE;
            }
            let mut client = server.bare()?;
            client.send_and_finish(&bytes)?;
            match client.rest()?.as_slice() {
                [] => silent += 1,
                [ALERT, 3, 3, 0, 2, 2, _] => alerts += 1,
                // It was good enough for an answer.
                [HANDSHAKE, 3, 3, ..] => {}
                other => return Err(format!("{other:02x?}").into()),
            }
        }
        Ok(format!("{alerts} alerts, {silent} unfinished"))
    }));
    attacks
}
