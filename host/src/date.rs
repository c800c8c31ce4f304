//! The date that responses carry (RFC 9110 section 6.6.1).

use std::cell::Cell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// The date now, a text of 29 characters; `None` after the year 9999. It is made once a second: to make it costs as much as
/// the rest of an opening handshake.
pub(crate) fn now() -> Option<[u8; 29]> {
    thread_local! {
        /// Of which second since 1970 it is the date.
        static LAST: Cell<(u64, [u8; 29])> = const { Cell::new((0, *b"Thu, 01 Jan 1970 00:00:00 GMT")) };
    }
    let time = SystemTime::now();
    let second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (of, mut date) = LAST.get();
    if of != second {
        write!(&mut date[..], "{}", HttpDate::from(time)).ok()?;
        LAST.set((second, date));
    }
    Some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_date_of_this_second() {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        for _ in 0..2 {
            let before = seconds(SystemTime::now());
            let date = now().expect("before the year 10000");
            let after = seconds(SystemTime::now());
            let date = std::str::from_utf8(&date).expect("ASCII");
            let told = seconds(httpdate::parse_http_date(date).expect("a date"));
            assert!((before..=after).contains(&told), "{date}");
        }
    }
}
