//! Timing that gives ratios which repeat: all subjects take turns in slices too short for the machine to
//! change its pace within a round, and each is compared with the others of the same round. The clock is the
//! thread's own: it stands still while another program has the core.

use std::time::Duration;

use microws_benches::stats::Summary;
use rustix::time::{ClockId, clock_gettime};

/// Something to time.
pub(crate) struct Subject<'a> {
    pub name: &'static str,
    pub run: Box<dyn FnMut() + 'a>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(name: &'static str, run: impl FnMut() + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// What they are called.
pub(crate) fn names(subjects: &[Subject<'_>]) -> Vec<&'static str> {
    subjects.iter().map(|subject| subject.name).collect()
}

/// How long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub rounds: usize,
    /// One subject's turn in a round.
    pub slice: Duration,
}

/// Nanoseconds per unit: by subject, then by round.
#[derive(Debug, Default)]
pub(crate) struct Timings(Vec<Vec<f64>>);

impl Timings {
    /// Further rounds of the same subjects.
    pub(crate) fn append(&mut self, further: Self) {
        self.0.resize(further.0.len(), vec![]);
        for (rounds, further) in self.0.iter_mut().zip(further.0) {
            rounds.extend(further);
        }
    }

    pub(crate) fn median(&self, subject: usize) -> f64 {
        Summary::of(self.0[subject].iter().copied()).map_or(f64::NAN, |summary| summary.median)
    }

    /// One subject's time beside another's in the same round: the ratio's median and its spread, from the
    /// tenth part of the rounds to the ninth.
    pub(crate) fn ratio(&self, subject: usize, other: usize) -> Summary {
        let mut ratios: Vec<f64> = self.0[subject].iter().zip(&self.0[other]).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        let edge = ratios.len() / 10;
        let nothing = Summary { median: f64::NAN, min: f64::NAN, max: f64::NAN };
        Summary::of(ratios[edge..ratios.len() - edge].iter().copied()).unwrap_or(nothing)
    }
}

/// Time all subjects, each of whose runs does `units` of work.
pub(crate) fn compare(subjects: &mut [Subject<'_>], units: usize, effort: Effort) -> Timings {
    let turns: Vec<u32> =
        subjects.iter_mut().map(|subject| runs_in(&mut subject.run, effort.slice)).collect();
    let mut timings = vec![vec![]; subjects.len()];
    for round in 0..effort.rounds {
        for turn in 0..subjects.len() {
            let i = (turn + round) % subjects.len();
            let run = &mut subjects[i].run;
            // The last one's data is in the caches: once to bring back one's own.
            run();
            let begun = processor_time();
            for _ in 0..turns[i] {
                run();
            }
            let elapsed = processor_time().saturating_sub(begun);
            timings[i].push(elapsed.as_nanos() as f64 / (f64::from(turns[i]) * units as f64));
        }
    }
    Timings(timings)
}

fn runs_in(run: &mut dyn FnMut(), slice: Duration) -> u32 {
    let mut runs = 1;
    loop {
        let begun = processor_time();
        for _ in 0..runs {
            run();
        }
        if processor_time().saturating_sub(begun) >= slice || runs > 1 << 24 {
            return runs;
        }
        runs *= 2;
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
