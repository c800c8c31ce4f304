//! The floor with TLS: the cipher alone, over memory. No server can do with less.

use std::{error::Error, time::Duration};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rustix::time::{ClockId, clock_gettime};

use crate::{report::Figures, workload::Workload};

/// Plaintext of a record, at most (RFC 8446 section 5.1).
const RECORD: usize = 16 << 10;

/// Bytes of a client's frame header, mask included, and of the server's.
fn header_lens(len: usize) -> (usize, usize) {
    let len = match len {
        0..126 => 2,
        126..65536 => 4,
        _ => 10,
    };
    (len + 4, len)
}

/// Opens the records of what the client sends at once and seals those of the reply, for `time`.
pub(crate) fn measure(workload: &Workload, time: Duration) -> Result<Figures, Box<dyn Error>> {
    let key = || UnboundKey::new(&AES_256_GCM, &[7; 32]).map(LessSafeKey::new).map_err(|_| "no key");
    let (opening, sealing) = (key()?, key()?);
    let nonce = || Nonce::assume_unique_for_key([1; 12]);
    let (comes, goes) = header_lens(workload.message_len());
    let whole = |header: usize| vec![0x5a; workload.in_flight * (header + workload.message_len())];
    let seal = |plain: &mut [u8]| -> Result<Vec<_>, Box<dyn Error>> {
        plain
            .chunks_mut(RECORD)
            .map(|record| {
                Ok(sealing
                    .seal_in_place_separate_tag(nonce(), Aad::empty(), record)
                    .map_err(|_| "sealing")?)
            })
            .collect()
    };
    let mut plain = whole(comes);
    let tags = seal(&mut plain)?;
    let sealed: Vec<Vec<u8>> =
        plain.chunks(RECORD).zip(&tags).map(|(record, tag)| [record, tag.as_ref()].concat()).collect();
    let mut records = sealed.clone();
    let mut reply = whole(goes);
    let (start, mut messages) = (now(), 0);
    let mut copied = Duration::ZERO;
    while now() - start < time {
        for (record, sealed) in records.iter_mut().zip(&sealed) {
            opening.open_in_place(nonce(), Aad::empty(), record).map_err(|_| "opening")?;
            // Opened in place, it must be made anew: that is no part of it.
            let before = now();
            record.copy_from_slice(sealed);
            copied += now() - before;
        }
        seal(&mut reply)?;
        messages += workload.in_flight as u64;
    }
    Ok(Figures::of_cpu(now() - start - copied, messages))
}

/// This thread's processor time.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
