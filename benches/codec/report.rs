//! The figures as Markdown.

use std::fmt;

use microws_benches::stats::{Summary, human};

use crate::harness::Timings;

/// One row for each case, one column for each subject; then how ours stands.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    own: &'static str,
    reference: &'static str,
    names: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    case: String,
    figures: Vec<f64>,
    /// Ours beside the reference.
    to_reference: Summary,
    /// The fastest of the others beside ours.
    lead: Option<(&'static str, Summary)>,
}

/// No contender, but what bounds them all.
const BOUNDS: [&str; 2] = ["memcpy", "in place"];

impl Table {
    pub(crate) fn new(title: impl Into<String>, own: &'static str, reference: &'static str) -> Self {
        Self { title: title.into(), own, reference, names: vec![], rows: vec![] }
    }

    pub(crate) fn add(&mut self, case: String, names: &[&'static str], timings: &Timings) {
        self.names = names.to_vec();
        let position = |name: &str| self.names.iter().position(|other| *other == name);
        let (Some(own), Some(reference)) = (position(self.own), position(self.reference)) else { return };
        let fastest = (0..names.len())
            .filter(|i| *i != own && !BOUNDS.contains(&self.names[*i]))
            // What does not look at the text does other work.
            .filter(|i| !(case.contains("text") && self.names[*i].ends_with('*')))
            .min_by(|a, b| timings.median(*a).total_cmp(&timings.median(*b)));
        self.rows.push(Row {
            case,
            figures: (0..names.len()).map(|i| timings.median(i)).collect(),
            to_reference: timings.ratio(own, reference),
            lead: fastest.map(|i| (self.names[i], timings.ratio(i, own))),
        });
    }
}

fn spread(summary: Summary) -> String {
    format!("{:.2} ({:.2} to {:.2})", summary.median, summary.min, summary.max)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        write!(f, "\n## {}\n\n| |", self.title)?;
        for name in &self.names {
            write!(f, " {name} |")?;
        }
        writeln!(f, " {} ÷ {} | fastest other ÷ {} |", self.own, self.reference, self.own)?;
        writeln!(f, "|---|{}--:|--:|", "--:|".repeat(self.names.len()))?;
        for row in &self.rows {
            write!(f, "| {} |", row.case)?;
            for figure in &row.figures {
                write!(f, " {} |", human(*figure))?;
            }
            let lead = row.lead.map_or("n/a".into(), |(name, ratio)| format!("{name} {}", spread(ratio)));
            writeln!(f, " {} | {lead} |", spread(row.to_reference))?;
        }
        Ok(())
    }
}

/// A table of plain figures.
pub(crate) fn plain(title: &str, names: &[&str], rows: &[(String, Vec<f64>)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out =
        format!("\n## {title}\n\n| | {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(names.len()));
    for (case, figures) in rows {
        let figures: Vec<_> = figures.iter().copied().map(human).collect();
        out += &format!("| {case} | {} |\n", figures.join(" | "));
    }
    out
}
