//! Echo servers on loopback, measured from outside: `cargo bench -p microws-benches --bench echo`.

mod check;
mod compressed;
mod deflate;
mod encryption;
mod handshakes;
mod load;
mod plot;
mod process;
mod report;
mod socketio;
mod wire;
mod workload;

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use check::Protocol;
use clap::Parser;
use load::{Load, Until};
use microws_benches::{machine, servers};
use process::Process;
use report::{Cell, Figures, Report};
use wire::Tls;
use workload::{Group, Workload};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Debug, Parser)]
#[command(about = "Echo servers on loopback: processor time, latency, system calls, memory")]
struct Arguments {
    /// Only workloads whose name contains this; "idle" is the memory of idle connections.
    #[arg(long = "workload", value_name = "PART")]
    workloads: Vec<String>,
    /// Only these servers; the floor is always among them.
    #[arg(long = "server", value_name = "NAME")]
    servers: Vec<String>,
    /// A further server: its name and a program that writes `listening on ws://ADDRESS:PORT/` to standard error.
    #[arg(long = "also", value_name = "NAME=PROGRAM")]
    also: Vec<String>,
    /// uWebSockets too: built from the sources that a package of the Rust registry carries, by a C++ compiler.
    #[arg(long)]
    uwebsockets: bool,
    /// The ws of npm too, with permessage-deflate: npm installs it, and Node.js with it.
    #[arg(long, requires = "deflate")]
    ws: bool,
    /// With TLS: fewer workloads and servers, and handshakes as well.
    #[arg(long)]
    tls: bool,
    /// With permessage-deflate: one workload of its own, and the servers that have it.
    #[arg(long, conflicts_with_all = ["tls", "also"])]
    deflate: bool,
    /// Events of Socket.IO: workloads and servers of their own. npm installs one of them, and Node.js with it.
    #[arg(long, conflicts_with_all = ["tls", "also", "uwebsockets", "deflate"])]
    socketio: bool,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For each figure.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Connections of the idle workload [default: 10000, with permessage-deflate 1000, with Socket.IO 2000].
    #[arg(long)]
    idle_connections: Option<usize>,
    /// Where the table (echo.md, echo-tls.md and so on) and the plot (echo.svg) go [default: the target directory].
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Say what there is and stop.
    #[arg(long)]
    list: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A server to start.
struct Contender {
    name: String,
    protocol: Protocol,
    program: PathBuf,
    arguments: Vec<String>,
    /// The same server with its allocations counted.
    counted: Option<PathBuf>,
}

struct Bench {
    contenders: Vec<Contender>,
    cores: (usize, usize),
    seconds: f64,
    tls: Option<Tls>,
    failures: Vec<String>,
}

fn main() -> Outcome<ExitCode> {
    let arguments = Arguments::parse();
    let chosen = |name: &str| {
        arguments.workloads.is_empty() || arguments.workloads.iter().any(|part| name.contains(part.as_str()))
    };
    let (all, idle_connections, name) = match (arguments.deflate, arguments.socketio) {
        (true, _) => (vec![Workload::compressed()], 1_000, "echo-deflate.md"),
        (_, true) => (Workload::socketio(), 2_000, "socketio.md"),
        _ if arguments.tls => (Workload::all(), 10_000, "echo-tls.md"),
        _ => (Workload::all(), 10_000, "echo.md"),
    };
    let idle_connections = arguments.idle_connections.unwrap_or(idle_connections);
    // Connections for memory are those of the first workload, or of plain messages.
    let idle_of = if name == "echo.md" || arguments.tls { Workload::plain() } else { all[0].clone() };
    let workloads: Vec<_> = all
        .into_iter()
        .filter(|workload| chosen(&workload.name) && (!arguments.tls || workload.is_with_tls()))
        .collect();
    if arguments.list {
        for workload in &workloads {
            println!("{}", workload.name);
        }
        println!("idle");
        if arguments.tls {
            println!("handshakes");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let machine = machine::describe();
    machine::allow_open_files(idle_connections.max(10_000) as u64 + 200)?;
    let programs = build(&arguments)?;
    let tls = arguments.tls.then(|| Tls::new(&programs.with_file_name("tls"))).transpose()?;
    let mut contenders = match arguments.deflate {
        true => compressed::contenders(&programs, arguments.uwebsockets, arguments.ws)?,
        false if arguments.socketio => socketio::contenders(&programs)?,
        false => contenders(&arguments, &programs, tls.as_ref())?,
    };
    choose(&mut contenders, &arguments.servers)?;
    let mut bench =
        Bench { contenders, cores: machine::cores()?, seconds: arguments.seconds, tls, failures: vec![] };
    if bench.cores.0 == bench.cores.1 {
        eprintln!("one core only: the servers and the load share it");
    }

    let mut rows: Vec<(Workload, Vec<Cell>)> = workloads
        .into_iter()
        .map(|workload| (workload, bench.contenders.iter().map(|_| Cell::default()).collect()))
        .collect();
    for round in 0..arguments.rounds {
        for (workload, cells) in &mut rows {
            eprintln!("round {} of {}: {}", round + 1, arguments.rounds, workload.name);
            bench.round(round, workload, cells);
        }
    }
    let counted =
        |workload: &Workload| workload.group == Group::Main && !workload.deflate && workload.events.is_none();
    for (workload, cells) in rows.iter_mut().filter(|(workload, _)| counted(workload)) {
        eprintln!("system calls and allocations: {}", workload.name);
        bench.count(workload, cells);
    }
    let mut idle = vec![];
    if chosen("idle") {
        for i in 0..bench.contenders.len() {
            eprintln!("idle: {}", bench.contenders[i].name);
            idle.push(match bench.is_cipher(i) {
                true => None,
                false => bench.attempt(i, "idle", |bench, i| bench.idle(i, idle_connections, &idle_of)),
            });
        }
    }
    let mut handshakes: Vec<(String, Vec<_>)> = vec![];
    if arguments.tls && chosen("handshakes") {
        let with_tls: Vec<_> = (0..bench.contenders.len()).filter(|i| !bench.is_cipher(*i)).collect();
        handshakes.extend(with_tls.iter().map(|i| (bench.contenders[*i].name.clone(), vec![])));
        for round in 0..arguments.rounds {
            eprintln!("round {} of {}: handshakes", round + 1, arguments.rounds);
            for (i, (_, costs)) in with_tls.iter().zip(&mut handshakes) {
                costs.extend(bench.attempt(*i, "handshakes", Bench::handshakes));
            }
        }
    }

    let report = Report {
        machine,
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        servers: bench.contenders.iter().map(|contender| contender.name.clone()).collect(),
        rows,
        idle,
        idle_connections,
        handshakes,
        tls: arguments.tls,
    };
    let out = arguments.out.unwrap_or_else(|| programs.clone());
    fs::create_dir_all(&out)?;
    let markdown = match (arguments.deflate, arguments.socketio) {
        (true, _) => compressed::markdown(&report),
        (_, true) => socketio::markdown(&report),
        _ => report.markdown(),
    };
    println!("{markdown}");
    fs::write(out.join(name), markdown)?;
    eprintln!("written to {}/{name}", out.display());
    if name == "echo.md" {
        plot::draw(&report, &out.join("echo.svg"))?;
        eprintln!("written to {}/echo.svg", out.display());
    }
    for failure in &bench.failures {
        eprintln!("failed: {failure}");
    }
    Ok(if bench.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Build the servers as a user gets them; the directory that they are in.
fn build(arguments: &Arguments) -> Outcome<PathBuf> {
    let own = env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("not run from a target directory")?;
    let peers = "-p microws-benches --example echo-server";
    let all = match arguments.deflate {
        false if arguments.socketio => vec![
            "-p microws-host -p microws-benches --bins --example socketio-server --features microws-benches/socketio"
                .into(),
        ],
        false => vec!["-p microws-host --bins".into(), "-p microws-benches --examples".into()],
        true => vec![
            "-p microws-host --bins".into(),
            format!("{peers} --features deflate"),
            format!("{peers}-zlib --features soketto-deflate"),
        ],
    };
    for what in all {
        let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .args(["build", "--release", "--target-dir"])
            .arg(target)
            .args(what.split(' '))
            .status()?;
        if !status.success() {
            return Err("the servers do not build".into());
        }
    }
    Ok(target.join("release"))
}

/// As it is, or with "tls" or "deflate".
fn build_uwebsockets(programs: &Path, with: Option<&str>) -> Outcome<String> {
    let directory = programs.with_file_name("uwebsockets");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("uwebsockets/build.sh");
    if !Command::new(script).arg(&directory).args(with).status()?.success() {
        return Err("uWebSockets does not build".into());
    }
    let name = with.map_or("uwebsockets-echo".into(), |with| format!("uwebsockets-echo-{with}"));
    Ok(directory.join(name).display().to_string())
}

fn contenders(arguments: &Arguments, programs: &Path, tls: Option<&Tls>) -> Outcome<Vec<Contender>> {
    let mut all = vec![Contender {
        name: "microws".into(),
        protocol: Protocol::WebSocket,
        program: programs.join("microws-echo"),
        arguments: ["--listen", "127.0.0.1:0", "-q"].map(String::from).to_vec(),
        counted: Some(programs.join("examples/echo-server-counted")),
    }];
    for name in servers::NAMES.iter().filter(|name| **name != "microws") {
        let protocol = if *name == "floor" { Protocol::Raw } else { Protocol::WebSocket };
        let contender = Contender {
            name: (*name).into(),
            protocol,
            program: programs.join("examples/echo-server"),
            arguments: vec![(*name).into()],
            counted: Some(programs.join("examples/echo-server-counted")),
        };
        // Everything is seen beside the floor: it comes first.
        all.insert(if protocol == Protocol::Raw { 0 } else { all.len() }, contender);
    }
    let mut further = arguments.also.clone();
    if arguments.uwebsockets {
        further.push(format!("uWebSockets={}", build_uwebsockets(programs, tls.map(|_| "tls"))?));
    }
    for further in &further {
        let (name, program) = further.split_once('=').ok_or("--also takes NAME=PROGRAM")?;
        all.push(Contender {
            name: name.into(),
            protocol: Protocol::WebSocket,
            program: program.into(),
            arguments: vec![],
            counted: None,
        });
    }
    if let Some(tls) = tls {
        let path = |path: &Path| path.display().to_string();
        for contender in &mut all {
            contender.arguments.extend([
                "--tls-cert".into(),
                path(&tls.certificate),
                "--tls-key".into(),
                path(&tls.key),
            ]);
        }
    }
    Ok(all)
}

/// Only the servers that are named, if any are.
fn choose(all: &mut Vec<Contender>, names: &[String]) -> Outcome {
    for name in names {
        if !all.iter().any(|contender| contender.name == *name) {
            return Err(format!("no server is called {name}").into());
        }
    }
    all.retain(|contender| {
        let named = names.is_empty() || names.contains(&contender.name);
        named || contender.protocol == Protocol::Raw
    });
    Ok(())
}

impl Bench {
    /// One server's failure is noted and leaves the others' figures standing.
    fn attempt<T>(
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

    fn round(&mut self, round: usize, workload: &Workload, cells: &mut [Cell]) {
        for turn in 0..cells.len() {
            let i = (turn + round) % cells.len();
            let figures = self.attempt(i, &workload.name, |bench, i| bench.measure(i, workload));
            cells[i].rounds.push(figures);
        }
    }

    fn count(&mut self, workload: &Workload, cells: &mut [Cell]) {
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
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        Process::start(program, &arguments, self.cores.0, self.cores.1)
    }

    fn connect(&self, i: usize, process: &Process, workload: &Workload) -> Outcome<Load> {
        Load::connect(process.address, self.contenders[i].protocol, self.tls.as_ref(), workload)
    }

    /// Whether a contender is no server, but the cipher alone.
    fn is_cipher(&self, i: usize) -> bool {
        self.tls.is_some() && self.contenders[i].protocol == Protocol::Raw
    }

    fn handshakes(&self, i: usize) -> Outcome<handshakes::Cost> {
        handshakes::measure(&self.start(i)?, self.tls.as_ref().ok_or("without TLS")?)
    }

    fn measure(&self, i: usize, workload: &Workload) -> Outcome<Figures> {
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
        let contender = &self.contenders[i];
        let Some(program) = &contender.counted else { return Ok(None) };
        let mut given = vec![contender.name.as_str()];
        if self.tls.is_some() {
            given.extend(contender.arguments.iter().rev().take(4).rev().map(String::as_str));
        }
        let mut process = Process::start(program, &given, self.cores.0, self.cores.1)?;
        let mut load = self.connect(i, &process, workload)?;
        load.run(Until::Messages(enough(workload)))?;
        // The first question allocates what the later ones use.
        process.allocations()?;
        let before = process.allocations()?;
        let run = load.run(Until::Messages(enough(workload)))?;
        Ok(Some((process.allocations()? - before) as f64 / run.messages as f64))
    }

    /// Bytes of memory for each connection that has echoed once and is idle.
    fn idle(&self, i: usize, connections: usize, workload: &Workload) -> Outcome<f64> {
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
    let at_once = (workload.connections * workload.in_flight) as u64;
    (at_once * 5).max((16 << 20) / workload.message_len() as u64).min(2_000.max(at_once * 5))
}
