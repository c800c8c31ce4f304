//! Round trips, one after the other, and how long they took: what `ping` does, through the whole of a WebSocket.

use std::io::{self, Write};
use std::time::Instant;

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use microws::{Chunk, MessageKind};

use crate::connection::{Awaited, Progress, Task};
use crate::dialogue::{unsendable, unwritable};
use crate::sender::{FRAGMENT, Sender};
use crate::verdict::Verdict;

/// The payload of each message is a part of `abc...zabc...`, which begins one letter later than that of the message
/// before: an echo that is late or lost can't be taken for another.
const LETTERS: usize = 26;

/// A measurement.
pub(crate) struct RoundTrips {
    count: u64,
    size: u64,
    kind: MessageKind,
    letters: Vec<u8>,
    /// The message that is under way.
    trip: Option<Trip>,
    done: u64,
    /// Messages that were no echo.
    others: u64,
    /// In nanoseconds.
    times: Histogram<u64>,
    began: Option<Instant>,
    bar: ProgressBar,
    is_finished: bool,
}

/// A message and its echo.
#[derive(Debug, Clone, Copy)]
struct Trip {
    began: Instant,
    /// When a byte last went or came.
    moved: Instant,
    /// Bytes that are queued; all of them, and the end of the message, if it is `sent`.
    queued: u64,
    sent: bool,
    /// Bytes of the message that comes.
    received: u64,
    /// They are those of the echo.
    is_echo: bool,
}

impl RoundTrips {
    /// `count` messages of `size` bytes.
    pub(crate) fn new(count: u64, size: u64, kind: MessageKind) -> Result<Self, Verdict> {
        let times = Histogram::new(3).map_err(|error| Verdict::Usage(error.to_string()))?;
        // It is drawn on standard error, if that is a terminal.
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {eta} left");
        let style = style.map_err(|error| Verdict::Usage(error.to_string()))?;
        Ok(Self {
            count,
            size,
            kind,
            letters: (b'a'..=b'z').cycle().take(FRAGMENT + LETTERS).collect(),
            trip: None,
            done: 0,
            others: 0,
            times,
            began: None,
            bar: ProgressBar::new(count).with_style(style),
            is_finished: false,
        })
    }

    /// `len` bytes of the payload of the message that is under way, at most [`FRAGMENT`], from `offset` on.
    fn payload(&self, offset: u64, len: usize) -> &[u8] {
        // The remainder is less than the number of letters.
        let from = ((self.done + offset) % LETTERS as u64) as usize;
        &self.letters[from..from + len]
    }

    fn report(&self) -> io::Result<()> {
        let ms = |nanoseconds: u64| nanoseconds as f64 / 1e6;
        let mut out = io::stdout().lock();
        let name = if self.kind == MessageKind::Text { "text" } else { "binary" };
        let took = self.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
        write!(
            out,
            "{} of {} round trips of {} bytes, {name}, in {took:.3} s",
            self.done, self.count, self.size
        )?;
        match self.others {
            0 => writeln!(out)?,
            others => writeln!(out, "; {others} messages were no echo")?,
        }
        if self.done == 0 {
            return Ok(());
        }
        let times = &self.times;
        let (min, max) = (ms(times.min()), ms(times.max()));
        let (mean, deviation) = (times.mean() / 1e6, times.stdev() / 1e6);
        writeln!(out, "rtt min/avg/max/mdev = {min:.3}/{mean:.3}/{max:.3}/{deviation:.3} ms")?;
        for percentile in [50.0, 90.0, 99.0, 99.9] {
            writeln!(out, "{percentile:>4}% {:.3} ms", ms(times.value_at_percentile(percentile)))?;
        }
        out.flush()
    }
}

impl Task for RoundTrips {
    fn send(&mut self, sender: &mut Sender<'_>) -> Result<Progress, Verdict> {
        if self.done == self.count {
            return Ok(Progress::Done);
        }
        let now = Instant::now();
        self.began.get_or_insert(now);
        let mut trip = self.trip.unwrap_or(Trip {
            began: now,
            moved: now,
            queued: 0,
            sent: false,
            received: 0,
            is_echo: true,
        });
        while !trip.sent {
            let rest = self.size - trip.queued;
            let len = rest.min(FRAGMENT as u64);
            let payload = self.payload(trip.queued, len as usize);
            if !sender.has_room(payload.len()) {
                break;
            }
            sender.fragment(self.kind, payload, len == rest).map_err(unsendable)?;
            trip.queued += len;
            trip.moved = now;
            trip.sent = len == rest;
        }
        self.trip = Some(trip);
        Ok(Progress::Waits)
    }

    fn on_chunk(&mut self, chunk: &Chunk<'_>) -> Result<(), Verdict> {
        let Some(mut trip) = self.trip else {
            self.others += u64::from(chunk.fin);
            return Ok(());
        };
        let now = Instant::now();
        if chunk.first {
            (trip.received, trip.is_echo) = (0, chunk.kind == self.kind);
        }
        for part in chunk.payload.chunks(FRAGMENT) {
            trip.is_echo &= part == self.payload(trip.received, part.len());
            trip.received += part.len() as u64;
        }
        if trip.is_echo {
            trip.moved = now;
        }
        self.trip = Some(trip);
        if !chunk.fin {
            return Ok(());
        }
        if !(trip.is_echo && trip.sent && trip.received == self.size) {
            self.others += 1;
            return Ok(());
        }
        let time = now.duration_since(trip.began).as_nanos();
        let time = u64::try_from(time).unwrap_or(u64::MAX);
        self.times.record(time).map_err(|error| Verdict::Own(error.to_string()))?;
        self.trip = None;
        self.done += 1;
        self.bar.set_position(self.done);
        Ok(())
    }

    fn awaited(&self) -> Option<Awaited> {
        self.trip.map(|trip| Awaited { what: "echo", since: trip.moved })
    }

    fn finish(&mut self) -> Result<bool, Verdict> {
        self.bar.finish_and_clear();
        if !self.is_finished && self.began.is_some() {
            self.is_finished = true;
            self.report().map_err(|error| unwritable(&error))?;
        }
        Ok(self.done == self.count)
    }
}
