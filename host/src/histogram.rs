//! How often values of each size came.

use std::fmt::{self, Write};

/// Buckets that are shown, with the bounds 1, 4, 16 and so on up to 4^15, about 10^9, and one for what is above.
const BUCKETS: usize = 17;

/// One for each power of four that a value can have, so that none must be held to a limit when it is counted.
const COUNTED: usize = 33;

/// How often values of each size came: in powers of four, and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; COUNTED],
    sum: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; COUNTED], sum: 0 }
    }
}

impl Histogram {
    /// Counts a value.
    #[inline]
    pub(crate) fn record(&mut self, value: u64) {
        // The least n for which the value is at most 4^n.
        let bits = u64::BITS - value.saturating_sub(1).leading_zeros();
        self.counts[(bits as usize).div_ceil(2)] += 1;
        self.sum += value;
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of the values.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// Each bound, and how many values are at most so large; the last bound is `None`, for all.
    pub fn cumulative(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let (bounded, above) = self.counts.split_at(BUCKETS - 1);
        let mut total = 0;
        bounded.iter().copied().chain([above.iter().sum()]).enumerate().map(move |(n, count)| {
            total += count;
            ((n + 1 < BUCKETS).then(|| 1 << (2 * n)), total)
        })
    }

    /// Writes it in Prometheus' text format, as `name`, its values divided by `unit`.
    pub(crate) fn write_metrics(&self, to: &mut String, name: &str, unit: u32) -> fmt::Result {
        let unit = f64::from(unit);
        writeln!(to, "# TYPE {name} histogram")?;
        for (bound, count) in self.cumulative() {
            match bound {
                Some(bound) => writeln!(to, "{name}_bucket{{le=\"{}\"}} {count}", bound as f64 / unit)?,
                None => writeln!(to, "{name}_bucket{{le=\"+Inf\"}} {count}")?,
            }
        }
        writeln!(to, "{name}_sum {}", self.sum as f64 / unit)?;
        writeln!(to, "{name}_count {}", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_first_bucket_whose_bound_is_not_below_it() {
        let bounds: Vec<u64> = Histogram::default().cumulative().filter_map(|(bound, _)| bound).collect();
        assert_eq!((bounds[0], bounds[1], bounds[8], bounds[15]), (1, 4, 65_536, 1 << 30));
        for value in (0..70).chain([65_535, 65_536, 65_537, 1 << 30, (1 << 30) + 1, u64::MAX]) {
            let mut histogram = Histogram::default();
            histogram.record(value);
            for (bound, count) in histogram.cumulative() {
                let within = bound.is_none_or(|bound| value <= bound);
                assert_eq!(count, u64::from(within), "{value} {bound:?}");
            }
            assert_eq!((histogram.count(), histogram.sum()), (1, value));
        }
    }

    #[test]
    fn the_text_for_prometheus_is_cumulative_and_in_units() {
        let mut histogram = Histogram::default();
        for value in [0, 3, 3, 1 << 40] {
            histogram.record(value);
        }
        let mut text = String::new();
        histogram.write_metrics(&mut text, "x_seconds", 1000).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "# TYPE x_seconds histogram",
                "x_seconds_bucket{le=\"0.001\"} 1",
                "x_seconds_bucket{le=\"0.004\"} 3",
                "x_seconds_bucket{le=\"0.016\"} 3",
            ]
        );
        assert_eq!(
            lines[17..],
            ["x_seconds_bucket{le=\"+Inf\"} 4", "x_seconds_sum 1099511627.782", "x_seconds_count 4",]
        );
    }
}
