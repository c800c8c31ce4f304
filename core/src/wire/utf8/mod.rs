//! UTF-8 checking across chunks and fragments, RFC 6455 section 8.1, exact at the first impossible byte.

#[cfg(any(target_pointer_width = "64", test))]
mod automaton;
#[cfg(any(not(target_pointer_width = "64"), test))]
mod bounds;

#[cfg(target_pointer_width = "64")]
use automaton::State;
#[cfg(not(target_pointer_width = "64"))]
use bounds::State;

/// Checks a text message that comes in any pieces.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Validator(State);

impl Validator {
    /// The start of a message.
    pub const fn new() -> Self {
        Self(State::START)
    }

    /// Checks the next bytes of the message.
    ///
    /// # Errors
    /// How many of `bytes` come before the first one that no continuation can make valid. The
    /// validator is of no use from then on.
    #[inline]
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), usize> {
        #[cfg(feature = "simd")]
        if bytes.len() >= simd::WORTH_IT {
            return simd::feed(&mut self.0, bytes);
        }
        self.0.feed(bytes)
    }

    /// Whether the message may end here: no code point is cut off.
    #[inline]
    pub const fn is_complete(&self) -> bool {
        self.0.is_complete()
    }
}

/// Whether these bytes are a text.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let mut utf8 = Validator::new();
    utf8.feed(bytes).is_ok() && utf8.is_complete()
}

/// simdutf8 for the whole code points of a long chunk, the portable form for what it cut off.
#[cfg(feature = "simd")]
mod simd {
    use super::State;

    /// Bytes from which on the dispatch pays for itself.
    pub(super) const WORTH_IT: usize = 64;

    pub(super) fn feed(state: &mut State, bytes: &[u8]) -> Result<(), usize> {
        if !state.is_complete() {
            // The rest of a code point whose start came before: at most three bytes.
            let Some((next, rest)) = bytes.split_first() else { return Ok(()) };
            state.feed(core::slice::from_ref(next)).map_err(|_| 0usize)?;
            return feed(state, rest).map_err(|valid| valid.saturating_add(1));
        }
        let whole = bytes.len().saturating_sub(cut_off(bytes));
        let (whole, tail) = bytes.split_at_checked(whole).unwrap_or((bytes, &[]));
        if simdutf8::basic::from_utf8(whole).is_err() {
            return state.feed(bytes);
        }
        if tail.is_empty() {
            return Ok(());
        }
        state.feed(tail).map_err(|valid| whole.len().saturating_add(valid))
    }

    /// How many bytes at the end begin a code point that goes on after them.
    fn cut_off(bytes: &[u8]) -> usize {
        for (after, byte) in bytes.iter().rev().take(3).enumerate() {
            let have = after.saturating_add(1);
            match byte {
                0x80..=0xbf => {}
                0xc0.. => {
                    let need = byte.leading_ones() as usize;
                    return if need > have { have } else { 0 };
                }
                _ => return 0,
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    /// One suite for every form: `feed` in pieces, the result as position of the first impossible byte.
    macro_rules! suite {
        ($name:ident, $start:expr) => {
            mod $name {
                use super::*;

                fn check(input: &[u8], pieces: &[usize]) -> (Result<(), usize>, bool) {
                    let mut state = $start;
                    let (mut at, mut pieces) = (0, pieces.iter());
                    while at < input.len() {
                        let end = pieces.next().map_or(input.len(), |n| (at + n).min(input.len()));
                        if let Err(valid) = state.feed(&input[at..end]) {
                            return (Err(at + valid), false);
                        }
                        at = end;
                    }
                    (Ok(()), state.is_complete())
                }

                #[test]
                fn every_cut_gives_what_the_standard_library_says() {
                    for input in samples() {
                        let expected = by_std(&input);
                        assert_eq!(check(&input, &[]), expected, "{input:02x?}");
                        for cut in 0..=input.len() {
                            assert_eq!(check(&input, &[cut]), expected, "{input:02x?} cut at {cut}");
                        }
                        let ones: Vec<usize> = input.iter().map(|_| 1).collect();
                        assert_eq!(check(&input, &ones), expected, "{input:02x?} byte by byte");
                    }
                }

                #[test]
                fn every_byte_in_every_place_is_judged_as_the_standard_library_does() {
                    // One way to each place in a code point, and two bytes that tell the places apart.
                    let places: [&[u8]; 10] = [
                        b"",
                        b"\xc2",
                        b"\xe0",
                        b"\xe1",
                        b"\xed",
                        b"\xf0",
                        b"\xf1",
                        b"\xf4",
                        b"\xe1\x80",
                        b"\xf1\x80",
                    ];
                    let edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
                    let judged_alike = |place: &[u8], after: &[u8]| {
                        let input = [place, after].concat();
                        assert_eq!(check(&input, &[]), by_std(&input), "{input:02x?}");
                    };
                    for place in places {
                        judged_alike(place, &[]);
                        for a in 0..=255 {
                            judged_alike(place, &[a]);
                            for b in edges {
                                judged_alike(place, &[a, b]);
                                for c in edges {
                                    judged_alike(place, &[a, b, c]);
                                }
                            }
                        }
                    }
                }

                #[test]
                fn an_impossible_byte_is_found_wherever_it_stands() {
                    for len in 0..150 {
                        for at in 0..len {
                            let mut input = [b'a'; 150];
                            let input = &mut input[..len];
                            // The start of a code point between ASCII: the next byte does not go on with it.
                            input[at] = 0xe2;
                            let next = if at + 1 < len { (Err(at + 1), false) } else { (Ok(()), false) };
                            assert_eq!(check(input, &[]), next, "cut off at {at} of {len}");
                            // Continuations of nothing: one, one in each word from there on, all from there on.
                            input.fill(0);
                            input[at] = 0x80;
                            assert_eq!(check(input, &[]), (Err(at), false), "at {at} of {len}");
                            input[at..].iter_mut().step_by(8).for_each(|byte| *byte = 0x80);
                            assert_eq!(check(input, &[]), (Err(at), false), "from {at} of {len}, one a word");
                            input[at..].fill(0x80);
                            assert_eq!(check(input, &[]), (Err(at), false), "from {at} of {len}");
                        }
                    }
                }
            }
        };
    }
    suite!(validator, crate::wire::utf8::Validator::default());
    suite!(automaton, crate::wire::utf8::automaton::State::START);
    suite!(bounds, crate::wire::utf8::bounds::State::START);

    /// The first impossible byte by the standard library: the shortest prefix that it calls
    /// invalid rather than incomplete ends with it.
    fn by_std(input: &[u8]) -> (Result<(), usize>, bool) {
        for end in 0..=input.len() {
            if core::str::from_utf8(&input[..end]).is_err_and(|error| error.error_len().is_some()) {
                return (Err(end - 1), false);
            }
        }
        (Ok(()), core::str::from_utf8(input).is_ok())
    }

    fn samples() -> Vec<Vec<u8>> {
        let long = "Ünïcödé 漢字かな交じり文 🎉 plain ascii that goes on for quite a while ".repeat(3);
        let mut samples: Vec<Vec<u8>> = [
            &b""[..],
            b"plain",
            "κόσμε".as_bytes(),
            "\u{10ffff}\u{0}\u{d7ff}\u{e000}\u{ffff}".as_bytes(),
            // RFC 3629: overlong forms, surrogates, beyond U+10FFFF, lone continuations.
            b"\xc0\xaf",
            b"ok\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xf5",
            b"\x80",
            b"abc\xff",
            // Cut off, but possible so far.
            b"\xe2\x82",
            b"\xf0\x9f\x8e",
            long.as_bytes(),
        ]
        .iter()
        .map(|bytes| bytes.to_vec())
        .collect();
        for at in [0, 1, 63, 64, 65, 100, long.len() - 1] {
            let mut broken = long.clone().into_bytes();
            broken[at] = 0xff;
            samples.push(broken);
        }
        samples
    }
}
