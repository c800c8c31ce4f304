//! The figures as Markdown.

use std::fmt::Write;

use microws_benches::stats::{Summary, human};

use crate::{
    deflate::Compressed,
    handshakes::{self, Cost},
    load::Run,
    processes::{self, Sample},
    visits,
    workload::{Group, Workload},
};

/// The server that the others stand beside.
pub(crate) const OWN: &str = "microws";

/// One server under one workload in one round.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// The server's processor time for a message, in nanoseconds.
    pub cpu: f64,
    pub rate: f64,
    /// Of latency: p50, p99 and p999, in nanoseconds.
    pub quantiles: [f64; 3],
    /// With permessage-deflate.
    pub compressed: Option<Compressed>,
}

impl Figures {
    pub(crate) fn new(run: &Run, cpu: std::time::Duration, compressed: Option<Compressed>) -> Self {
        Self {
            cpu: cpu.as_nanos() as f64 / run.messages as f64,
            rate: run.rate,
            quantiles: [0.5, 0.99, 0.999].map(|q| run.latency.value_at_quantile(q) as f64),
            compressed,
        }
    }
}

/// All that is known of one server under one workload.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    /// By round.
    pub rounds: Vec<Option<Figures>>,
    pub system_calls: Option<f64>,
    pub allocations: Option<f64>,
}

impl Figures {
    /// Of so many messages that are no messages on a wire.
    pub(crate) fn of_cpu(cpu: std::time::Duration, messages: u64) -> Self {
        let cpu = cpu.as_nanos() as f64 / messages as f64;
        Self { cpu, rate: f64::NAN, quantiles: [f64::NAN; 3], compressed: None }
    }
}

impl Cell {
    /// The median over the rounds.
    pub(crate) fn cpu(&self) -> Option<f64> {
        self.summary(|figures| figures.cpu)
    }

    pub(crate) fn summary(&self, figure: impl Fn(&Figures) -> f64) -> Option<f64> {
        Some(Summary::of(self.rounds.iter().flatten().map(figure))?.median)
    }

    /// Processor time beside another's in the same round.
    pub(crate) fn to(&self, other: &Self) -> Option<Summary> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Summary::of(pairs.filter_map(|(own, other)| Some(own.as_ref()?.cpu / other.as_ref()?.cpu)))
    }

    /// The same as text: the median of the rounds, and the range.
    pub(crate) fn beside(&self, other: Option<&Self>) -> String {
        other.and_then(|other| self.to(other)).map_or("n/a".into(), |ratio| {
            format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.min, ratio.max)
        })
    }
}

/// Everything measured: a row of cells, by server, for each workload.
#[derive(Debug)]
pub(crate) struct Report {
    pub machine: String,
    pub rounds: usize,
    pub seconds: f64,
    pub servers: Vec<String>,
    pub rows: Vec<(Workload, Vec<Cell>)>,
    /// By server.
    pub visits: Vec<Cell>,
    /// By number of processes that share a port, counted from 1.
    pub processes: Vec<Vec<Sample>>,
    /// Bytes for each idle connection, by server.
    pub idle: Vec<Option<f64>>,
    pub idle_connections: usize,
    /// By server, with TLS.
    pub handshakes: Vec<(String, Vec<Cost>)>,
    pub tls: bool,
    /// A sentence for each workload that was not measured.
    pub left_out: Vec<String>,
}

pub(crate) fn or_dash(figure: Option<f64>) -> String {
    figure.filter(|figure| !figure.is_nan()).map_or("n/a".into(), human)
}

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let mut out = format!(
            "# Echo servers on loopback{}\n\n{}\n\nMedians of {} alternating rounds of {} s. Each server is one \
             thread on a core of its own, a new process for each figure; the load is on another core. CPU is the \
             server's processor time, user and kernel. *× floor* is CPU beside that of the floor, {}, \
             in the same round, *÷ microws* beside that of microws: median (smallest to largest). Times are \
             microseconds.\n",
            if self.tls { ", with TLS" } else { "" },
            self.machine,
            self.rounds,
            self.seconds,
            if self.tls {
                "the cipher alone (TLS 1.3, AES-256-GCM) over memory without a system call"
            } else {
                "a raw TCP echo over mio"
            },
        );
        self.main(&mut out);
        self.mixed(&mut out);
        if !self.visits.is_empty() {
            out.push_str(&visits::markdown(
                &self.servers,
                self.visits.iter().map(|cell| (cell, self.ratios(cell, &self.visits))),
            ));
        }
        self.idle(&mut out);
        if !self.processes.is_empty() {
            out.push_str(&processes::markdown(&self.processes));
        }
        if self.tls {
            out.push_str(&handshakes::markdown(&self.handshakes));
        }
        self.growth(&mut out, Group::Connections, "CPU µs per message of 125 B as connections grow", 1);
        self.growth(&mut out, Group::Lengths, "CPU ns per byte as messages grow, one connection", 1000);
        for sentence in &self.left_out {
            let _infallible = writeln!(out, "\n{sentence}");
        }
        out
    }

    /// Beside the first of all in its row, and beside microws, as text.
    fn ratios(&self, cell: &Cell, cells: &[Cell]) -> [String; 2] {
        let own = self.servers.iter().position(|server| server == OWN);
        [cells.first(), own.and_then(|own| cells.get(own))].map(|other| cell.beside(other))
    }

    fn main(&self, out: &mut String) {
        if !self.rows.iter().any(|(workload, _)| workload.group == Group::Main) {
            return;
        }
        out.push_str(
            "\n| connections x in flight x message | server | CPU per message | × floor | ÷ microws | messages/s \
             | p50 | p99 | p999 | system calls per message | allocations per message |\n\
             |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for (workload, cells) in self.rows.iter().filter(|(workload, _)| workload.group == Group::Main) {
            for (server, cell) in self.servers.iter().zip(cells) {
                let [floor, own] = self.ratios(cell, cells);
                let [p50, p99, p999] = [0, 1, 2].map(|q| or_dash(cell.summary(|f| f.quantiles[q] / 1000.0)));
                let _infallible = writeln!(
                    out,
                    "| {} | {server} | {} | {floor} | {own} | {} | {p50} | {p99} | {p999} | {} | {} |",
                    workload.name,
                    or_dash(cell.summary(|f| f.cpu / 1000.0)),
                    or_dash(cell.summary(|f| f.rate)),
                    or_dash(cell.system_calls),
                    or_dash(cell.allocations),
                );
            }
        }
    }

    fn mixed(&self, out: &mut String) {
        for (workload, cells) in self.rows.iter().filter(|(workload, _)| workload.group == Group::Mixed) {
            let _infallible = write!(
                out,
                "\n## {}\n\n{} clients with one message in flight each beside {} with {}; CPU and rate are those of all, \
                 the latency is that of the calm ones.\n\n| server | CPU per message | × floor | ÷ microws | messages/s | \
                 p50 | p99 | p999 |\n|---|--:|--:|--:|--:|--:|--:|--:|\n",
                workload.name,
                workload.calm,
                workload.connections - workload.calm,
                workload.in_flight,
            );
            for (server, cell) in self.servers.iter().zip(cells) {
                let [floor, own] = self.ratios(cell, cells);
                let [p50, p99, p999] = [0, 1, 2].map(|q| or_dash(cell.summary(|f| f.quantiles[q] / 1000.0)));
                let _infallible = writeln!(
                    out,
                    "| {server} | {} | {floor} | {own} | {} | {p50} | {p99} | {p999} |",
                    or_dash(cell.summary(|f| f.cpu / 1000.0)),
                    or_dash(cell.summary(|f| f.rate)),
                );
            }
        }
    }

    fn idle(&self, out: &mut String) {
        if self.idle.is_empty() {
            return;
        }
        let _infallible = write!(
            out,
            "\n## Memory\n\n{} connections that have echoed one message each and are idle; anonymous memory of the \
             process, the kernel's not counted.\n\n| server | bytes per connection |\n|---|--:|\n",
            human(self.idle_connections as f64)
        );
        for (server, bytes) in self.servers.iter().zip(&self.idle) {
            let _infallible = writeln!(out, "| {server} | {} |", or_dash(*bytes));
        }
    }

    fn growth(&self, out: &mut String, group: Group, title: &str, scale: usize) {
        let rows: Vec<_> = self.rows.iter().filter(|(workload, _)| workload.group == group).collect();
        if rows.is_empty() {
            return;
        }
        let _infallible = write!(out, "\n## {title}\n\n| |");
        for server in &self.servers {
            let _infallible = write!(out, " {server} |");
        }
        let _infallible = writeln!(out, "\n|---|{}", "--:|".repeat(self.servers.len()));
        for (workload, cells) in rows {
            let _infallible = write!(out, "| {} |", workload.name);
            for cell in cells {
                let per = if group == Group::Lengths { workload.message_len() as f64 } else { 1.0 };
                let figure = cell.cpu().map(|cpu| cpu / 1000.0 * scale as f64 / per);
                let _infallible = write!(out, " {} |", or_dash(figure));
            }
            out.push('\n');
        }
    }
}
