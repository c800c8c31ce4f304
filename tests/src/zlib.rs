//! zlib-rs as the other side of permessage-deflate: messages as RFC 7692 section 7.2 makes and reads them.

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Method, Status, Strategy};

/// The end of each message, which is left out on the wire (7.2.1).
pub const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Every strategy that zlib has.
pub const STRATEGIES: [Strategy; 5] =
    [Strategy::Default, Strategy::Filtered, Strategy::HuffmanOnly, Strategy::Rle, Strategy::Fixed];

/// A peer that compresses.
#[expect(missing_debug_implementations, reason = "zlib-rs's state has none")]
pub struct Compressor(Deflate);

impl Compressor {
    pub fn new(level: i32, window_bits: u8, strategy: Strategy) -> Self {
        Self(Deflate::new_with_config(DeflateConfig {
            level,
            method: Method::Deflated,
            // Raw: no header.
            window_bits: -i32::from(window_bits),
            mem_level: 8,
            strategy,
        }))
    }

    /// Forgets the messages before.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// The payload of one message.
    pub fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; message.len() + message.len() / 8 + 128];
        let before = self.0.total_out();
        let status = self.0.compress(message, &mut out, DeflateFlush::SyncFlush).expect("zlib compresses");
        assert_eq!(status, Status::Ok);
        out.truncate((self.0.total_out() - before) as usize);
        // A flush with nothing to flush yields nothing: an empty message is one zero (7.2.3.6).
        if out.is_empty() {
            return vec![0];
        }
        assert!(out.ends_with(&TAIL));
        out.truncate(out.len() - TAIL.len());
        out
    }
}

/// The message in a payload; `None` if zlib finds it at fault. `most` is the most bytes it may have.
pub fn inflate(payload: &[u8], window_bits: u8, most: usize) -> Option<Vec<u8>> {
    let mut inflate = Inflate::new(false, window_bits);
    let input = [payload, &TAIL].concat();
    let mut out = vec![0; most + 1];
    let status = inflate.decompress(&input, &mut out, InflateFlush::SyncFlush);
    let (used, made) = (inflate.total_in() as usize, inflate.total_out() as usize);
    if !matches!(status, Ok(Status::Ok)) || used != input.len() || made > most {
        return None;
    }
    out.truncate(made);
    Some(out)
}

/// What zlib makes of the first part of a payload, up to 32 KiB, and whether that is valid so far; `None` for a payload
/// with the end of a stream in it.
pub fn inflate_some(payload: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (mut inflate, mut out) = (Inflate::new(false, 15), vec![0; 1 << 15]);
    let status = inflate.decompress(payload, &mut out, InflateFlush::SyncFlush);
    out.truncate(inflate.total_out() as usize);
    (status != Ok(Status::StreamEnd)).then_some((out, status.is_ok()))
}

/// [`inflate_some`], for a caller that knows whether the payload is `valid`. zlib takes a code for code lengths without any
/// code, and fails when 316 lengths without a code have come, a bit each, or with them an end of a block: a
/// decoder that refuses such a code at once is right as well.
pub fn judge(payload: &[u8], valid: bool) -> Option<(Vec<u8>, bool)> {
    let (made, by_zlib) = inflate_some(payload)?;
    let more = || inflate_some(&[payload, &[0; 64]].concat()).is_none_or(|(_, valid)| valid);
    Some((made, by_zlib && (valid || more())))
}

/// Messages of the kinds that are sent: readings, text, noise, runs.
pub fn messages() -> Vec<Vec<u8>> {
    let mut rng = fastrand::Rng::with_seed(7692);
    let mut all = vec![Vec::new(), b"Hello".to_vec(), b"Hello".to_vec(), vec![b'a'; 3000]];
    for i in 0..12 {
        let reading = format!(
            "{{\"sensor\":\"temp-{}\",\"value\":{}.{},\"unit\":\"C\",\"ts\":{}}}",
            i % 4,
            20 + i % 7,
            i % 10,
            1_700_000_000 + i * 37
        );
        all.push(reading.into_bytes());
    }
    all.push(b"the quick brown fox ".repeat(400));
    all.push((0..5000).map(|_| rng.u8(..)).collect());
    all.push((0..4000).map(|_| b"abcdef \n"[rng.usize(..8)]).collect());
    for _ in 0..12 {
        let len = rng.usize(..900);
        all.push((0..len).map(|_| b"{}[]\",:0123456789abc"[rng.usize(..20)]).collect());
    }
    all
}
