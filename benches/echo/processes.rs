//! Several processes of microws on one port: whether they add up.

use std::{error::Error, fmt::Write as _, path::Path, time::Duration};

use microws_benches::{
    machine,
    stats::{Summary, human},
};

use crate::{
    check::Protocol,
    load::{Load, Until},
    process::Process,
    workload::Workload,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What so many processes did in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Messages echoed in a second.
    rate: f64,
    /// Processor time for a message, of all processes together, in nanoseconds.
    cpu: f64,
    /// The part of it that the least busy process took: half of it with two would be even.
    least: f64,
}

/// Has `count` processes share a port. With more than one the load runs on their cores, where the kernel finds room.
pub(crate) fn measure(program: &Path, count: usize, seconds: f64, cores: (usize, usize)) -> Outcome<Sample> {
    let workload = Workload::shared();
    let core = |i: usize| if i.is_multiple_of(2) { cores.0 } else { cores.1 };
    let mut address = "127.0.0.1:0".to_owned();
    let mut processes = Vec::with_capacity(count);
    for i in 0..count {
        let arguments = ["--listen", &address, "--reuse-port", "-q"];
        let process = Process::start(program, &arguments, core(i), cores.1)?;
        address = process.address.to_string();
        processes.push(process);
    }
    if count > 1 {
        machine::pin_to(&[cores.0, cores.1])?;
    }
    let mut load = Load::connect(processes[0].address, Protocol::WebSocket, None, &workload)?;
    let mut run = |seconds: f64| load.run(Until::Elapsed(Duration::from_secs_f64(seconds)));
    run(seconds / 5.0)?;
    let times =
        |processes: &[Process]| processes.iter().map(Process::cpu_time).collect::<Outcome<Vec<Duration>>>();
    let before = times(&processes)?;
    let run = run(seconds)?;
    let spent =
        times(&processes)?.into_iter().zip(before).map(|(after, before)| (after - before).as_secs_f64());
    let spent: Vec<f64> = spent.collect();
    machine::pin(cores.1)?;
    let total: f64 = spent.iter().sum();
    Ok(Sample {
        rate: run.rate,
        cpu: total * 1e9 / run.messages as f64,
        least: spent.iter().copied().fold(f64::INFINITY, f64::min) / total,
    })
}

/// The table: medians over the rounds, by number of processes.
pub(crate) fn markdown(samples: &[Vec<Sample>]) -> String {
    let mut out = format!(
        "\n## Processes on one port\n\n{}, microws with `--reuse-port`. The load takes a core of its own where there is \
         one process, and what two leave it where there are two.\n\n| processes | messages/s | CPU µs per message, all \
         together | share of the least busy one |\n|--:|--:|--:|--:|\n",
        Workload::shared().name
    );
    for (i, samples) in samples.iter().enumerate() {
        let median = |figure: fn(&Sample) -> f64| {
            Summary::of(samples.iter().map(figure)).map_or("n/a".into(), |summary| human(summary.median))
        };
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {} % |",
            i + 1,
            median(|sample| sample.rate),
            median(|sample| sample.cpu / 1000.0),
            median(|sample| sample.least * 100.0),
        );
    }
    out
}
