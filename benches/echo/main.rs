//! Echo servers on loopback, measured from outside: `cargo bench -p microws-benches --bench echo`.

mod arguments;
mod bench;
mod check;
mod compressed;
mod contenders;
mod deflate;
mod encryption;
mod handshakes;
mod load;
mod plot;
mod process;
mod processes;
mod report;
mod socketio;
mod visits;
mod wire;
mod workload;

use std::{error::Error, fs, process::ExitCode};

use arguments::{Arguments, Chosen, Kind};
use bench::Bench;
use clap::Parser;
use microws_benches::machine;
use report::{Cell, Report};
use wire::Tls;
use workload::{Group, Workload};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Open files of a server and of the load beside those of connections.
const OTHER_FILES: usize = 200;

fn main() -> Outcome<ExitCode> {
    let arguments = Arguments::parse();
    let kind = arguments.kind();
    let mut chosen = arguments.chosen();
    if arguments.list {
        for name in chosen.names() {
            println!("{name}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let machine = machine::describe();
    let left_out = leave_out(&mut chosen);
    let programs = contenders::build(&arguments)?;
    let tls = arguments.tls.then(|| Tls::new(&programs.with_file_name("tls"))).transpose()?;
    let mut contenders = match kind {
        Kind::Deflate => compressed::contenders(&programs, arguments.uwebsockets, arguments.ws)?,
        Kind::SocketIo => socketio::contenders(&programs)?,
        Kind::Plain | Kind::Tls => contenders::contenders(&arguments, &programs, tls.as_ref())?,
    };
    contenders::choose(&mut contenders, &arguments.servers)?;
    let mut bench =
        Bench { contenders, cores: machine::cores()?, seconds: arguments.seconds, tls, failures: vec![] };
    if bench.cores.0 == bench.cores.1 {
        eprintln!("one core only: the servers and the load share it");
    }

    let cells = || bench.contenders.iter().map(|_| Cell::default()).collect::<Vec<_>>();
    let mut visits = if chosen.visits { cells() } else { vec![] };
    let mut rows: Vec<(Workload, Vec<Cell>)> =
        chosen.workloads.into_iter().map(|workload| (workload, cells())).collect();
    for round in 0..arguments.rounds {
        for (workload, cells) in &mut rows {
            eprintln!("round {} of {}: {}", round + 1, arguments.rounds, workload.name);
            bench.round(round, &workload.name, cells, |bench, i| bench.measure(i, workload));
        }
        if chosen.visits {
            eprintln!("round {} of {}: visits", round + 1, arguments.rounds);
            bench.round(round, "visits", &mut visits, Bench::visits);
        }
    }
    let counted =
        |workload: &Workload| workload.group == Group::Main && !workload.deflate && workload.events.is_none();
    for (workload, cells) in rows.iter_mut().filter(|(workload, _)| counted(workload)) {
        eprintln!("system calls and allocations: {}", workload.name);
        bench.count(workload, cells);
    }
    let mut idle = vec![];
    if let Some((connections, workload)) = &chosen.idle {
        for i in 0..bench.contenders.len() {
            eprintln!("idle: {}", bench.contenders[i].name);
            idle.push(match bench.is_cipher(i) {
                true => None,
                false => bench.attempt(i, "idle", |bench, i| bench.idle(i, *connections, workload)),
            });
        }
    }
    let mut handshakes: Vec<(String, Vec<_>)> = vec![];
    if chosen.handshakes {
        let with_tls: Vec<_> = (0..bench.contenders.len()).filter(|i| !bench.is_cipher(*i)).collect();
        handshakes.extend(with_tls.iter().map(|i| (bench.contenders[*i].name.clone(), vec![])));
        for round in 0..arguments.rounds {
            eprintln!("round {} of {}: handshakes", round + 1, arguments.rounds);
            for (i, (_, costs)) in with_tls.iter().zip(&mut handshakes) {
                costs.extend(bench.attempt(*i, "handshakes", Bench::handshakes));
            }
        }
    }

    // One for each core.
    let mut processes = vec![vec![]; if chosen.processes { 2 } else { 0 }];
    for round in 0..arguments.rounds {
        for (i, samples) in processes.iter_mut().enumerate() {
            eprintln!("round {} of {}: processes {}", round + 1, arguments.rounds, i + 1);
            samples
                .extend(bench.attempt_on(report::OWN, "processes", |bench, at| bench.processes(at, i + 1)));
        }
    }

    let report = Report {
        machine,
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        servers: bench.contenders.iter().map(|contender| contender.name.clone()).collect(),
        rows,
        visits,
        processes,
        idle,
        idle_connections: chosen.idle.map_or(0, |(connections, _)| connections),
        handshakes,
        tls: arguments.tls,
        left_out,
    };
    let (out, name) = (arguments.out.unwrap_or_else(|| programs.clone()), kind.file_name());
    fs::create_dir_all(&out)?;
    let markdown = match kind {
        Kind::Deflate => compressed::markdown(&report),
        Kind::SocketIo => socketio::markdown(&report),
        Kind::Plain | Kind::Tls => report.markdown(),
    };
    println!("{markdown}");
    fs::write(out.join(name), markdown)?;
    eprintln!("written to {}/{name}", out.display());
    if kind == Kind::Plain {
        plot::draw(&report, &out.join("echo.svg"))?;
        eprintln!("written to {}/echo.svg", out.display());
    }
    for failure in &bench.failures {
        eprintln!("failed: {failure}");
    }
    Ok(if bench.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Raises the limit on open files as far as it must and may go. What needs more is taken out: a line says so for each.
fn leave_out(chosen: &mut Chosen) -> Vec<String> {
    let needs = |connections: usize| (connections + OTHER_FILES) as u64;
    let all = chosen.workloads.iter().map(|workload| workload.connections);
    let most = all.chain(chosen.idle.as_ref().map(|(connections, _)| *connections)).max().unwrap_or(0);
    let allowed = machine::allow_open_files(needs(most));
    let mut left_out = vec![];
    let mut fits = |name: &str, connections: usize| {
        let fits = needs(connections) <= allowed;
        if !fits {
            let line = format!("{name} is left out: a process may open {allowed} files here.");
            eprintln!("{line}");
            left_out.push(line);
        }
        fits
    };
    chosen.workloads.retain(|workload| fits(&workload.name, workload.connections));
    chosen.idle = chosen.idle.take().filter(|(connections, _)| fits("idle", *connections));
    left_out
}
