//! One server under one workload at a time.

use std::{path::Path, time::Duration};

use crate::{
    Outcome,
    check::Protocol,
    contenders::Contender,
    encryption, handshakes,
    load::{Load, Until},
    process::Process,
    processes,
    report::{Cell, Figures},
    visits,
    wire::Tls,
    workload::Workload,
};

/// All servers, and how they are measured.
pub(crate) struct Bench {
    pub contenders: Vec<Contender>,
    pub cores: (usize, usize),
    pub seconds: f64,
    pub tls: Option<Tls>,
    pub failures: Vec<String>,
}

impl Bench {
    /// One server's failure is noted and leaves the others' figures standing.
    pub(crate) fn attempt<T>(
        &mut self,
        i: usize,
        work: &str,
        attempt: impl FnOnce(&Self, usize) -> Outcome<T>,
    ) -> Option<T> {
        match attempt(self, i) {
            Ok(value) => Some(value),
            Err(error) => {
                let failure = format!("{} at {work}: {error}", self.contenders[i].name);
                eprintln!("{failure}");
                self.failures.push(failure);
                None
            }
        }
    }

    /// [`attempt`](Self::attempt) on a server that may not have been chosen.
    pub(crate) fn attempt_on<T>(
        &mut self,
        name: &str,
        work: &str,
        attempt: impl FnOnce(&Self, usize) -> Outcome<T>,
    ) -> Option<T> {
        let at = self.contenders.iter().position(|contender| contender.name == name)?;
        self.attempt(at, work, attempt)
    }

    /// One figure of each server; which of them begins depends on the round.
    pub(crate) fn round(
        &mut self,
        round: usize,
        work: &str,
        cells: &mut [Cell],
        measure: impl Fn(&Self, usize) -> Outcome<Figures>,
    ) {
        for turn in 0..cells.len() {
            let i = (turn + round) % cells.len();
            let figures = self.attempt(i, work, &measure);
            cells[i].rounds.push(figures);
        }
    }

    pub(crate) fn count(&mut self, workload: &Workload, cells: &mut [Cell]) {
        for (i, cell) in cells.iter_mut().enumerate() {
            if self.is_cipher(i) {
                continue;
            }
            let calls = self.attempt(i, &workload.name, |bench, i| bench.system_calls(i, workload));
            cell.system_calls = calls.flatten();
            let allocations = self.attempt(i, &workload.name, |bench, i| bench.allocations(i, workload));
            cell.allocations = allocations.flatten();
        }
    }

    fn start(&self, i: usize) -> Outcome<Process> {
        let Contender { program, arguments, .. } = &self.contenders[i];
        self.start_program(program, arguments)
    }

    fn start_program(&self, program: &Path, arguments: &[String]) -> Outcome<Process> {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Process::start(program, &arguments, self.cores.0, self.cores.1)
    }

    fn connect(&self, i: usize, process: &Process, workload: &Workload) -> Outcome<Load> {
        Load::connect(process.address, self.contenders[i].protocol, self.tls.as_ref(), workload)
    }

    /// Whether a contender is no server, but the cipher alone.
    pub(crate) fn is_cipher(&self, i: usize) -> bool {
        self.tls.is_some() && self.contenders[i].protocol == Protocol::Raw
    }

    pub(crate) fn handshakes(&self, i: usize) -> Outcome<handshakes::Cost> {
        handshakes::measure(&self.start(i)?, self.tls.as_ref().ok_or("without TLS")?)
    }

    pub(crate) fn visits(&self, i: usize) -> Outcome<Figures> {
        let time = Duration::from_secs_f64(self.seconds);
        visits::measure(&self.start(i)?, self.contenders[i].protocol, time)
    }

    /// So many processes of one server on one port.
    pub(crate) fn processes(&self, i: usize, count: usize) -> Outcome<processes::Sample> {
        processes::measure(&self.contenders[i].program, count, self.seconds, self.cores)
    }

    pub(crate) fn measure(&self, i: usize, workload: &Workload) -> Outcome<Figures> {
        if self.is_cipher(i) {
            return encryption::measure(workload, Duration::from_secs_f64(self.seconds));
        }
        let process = self.start(i)?;
        let mut load = self.connect(i, &process, workload)?;
        load.run(Until::Elapsed(Duration::from_secs_f64(self.seconds / 5.0)))?;
        let before = process.cpu_time()?;
        let run = load.run(Until::Elapsed(Duration::from_secs_f64(self.seconds)))?;
        let cpu = process.cpu_time()? - before;
        Ok(Figures::new(&run, cpu, load.compressed()))
    }

    /// System calls per message, counted apart since counting slows a server down.
    fn system_calls(&self, i: usize, workload: &Workload) -> Outcome<Option<f64>> {
        let process = self.start(i)?;
        let mut load = self.connect(i, &process, workload)?;
        load.run(Until::Messages(1))?;
        let counted = process.system_calls(|| load.run(Until::Messages(enough(workload))))?;
        Ok(counted.map(|(calls, run)| calls as f64 / run.messages as f64))
    }

    /// Allocations per message once every connection has seen some.
    fn allocations(&self, i: usize, workload: &Workload) -> Outcome<Option<f64>> {
        let Some((program, arguments)) = &self.contenders[i].counted else { return Ok(None) };
        let mut process = self.start_program(program, arguments)?;
        let mut load = self.connect(i, &process, workload)?;
        load.run(Until::Messages(enough(workload)))?;
        // The first question allocates what the later ones use.
        process.allocations()?;
        let before = process.allocations()?;
        let run = load.run(Until::Messages(enough(workload)))?;
        Ok(Some((process.allocations()? - before) as f64 / run.messages as f64))
    }

    /// Bytes of memory for each connection that has echoed once and is idle.
    pub(crate) fn idle(&self, i: usize, connections: usize, workload: &Workload) -> Outcome<f64> {
        let process = self.start(i)?;
        let mut first = self.connect(i, &process, &workload.idle(1))?;
        first.run(Until::Messages(1))?;
        process.cpu_time()?;
        let before = process.memory()?;
        let mut rest = self.connect(i, &process, &workload.idle(connections))?;
        rest.run(Until::Messages(1))?;
        process.cpu_time()?;
        Ok(process.memory()?.saturating_sub(before) as f64 / connections as f64)
    }
}

/// Messages that make a count steady, and few enough for a server that is slowed down by being watched.
fn enough(workload: &Workload) -> u64 {
    let at_once = (workload.active * workload.in_flight) as u64;
    // Under strace a server that writes each message apart takes a quarter of a millisecond for it.
    let several = if at_once > 4_000 { at_once * 2 } else { at_once * 5 };
    several.max((16 << 20) / workload.message_len() as u64).min(several.max(2_000))
}
