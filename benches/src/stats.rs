//! What is said about a row of figures.

/// The middle figure and how far the others lie from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Of at least one figure.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Self { median, min, max })
    }
}

/// Three significant digits, with a space between thousands.
pub fn human(figure: f64) -> String {
    if figure == 0.0 {
        return "0".into();
    }
    let digits = figure.abs().log10().floor() as i32;
    if digits < 3 {
        return format!("{figure:.*}", usize::try_from(2 - digits.max(-3)).unwrap_or(0));
    }
    let scale = 10f64.powi((digits - 3).max(0));
    let mut out = String::new();
    let plain = format!("{:.0}", (figure / scale).round() * scale);
    for (i, digit) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_row_lies_between_the_middle_two() {
        assert_eq!(Summary::of([4.0, 1.0, 2.0, 9.0]), Some(Summary { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn figures_are_short() {
        assert_eq!(human(0.0), "0");
        assert_eq!(human(0.06251), "0.0625");
        assert_eq!(human(1.049), "1.05");
        assert_eq!(human(23.46), "23.5");
        assert_eq!(human(234.6), "235");
        assert_eq!(human(12345.0), "12 350");
        assert_eq!(human(1234567.0), "1 235 000");
    }
}
