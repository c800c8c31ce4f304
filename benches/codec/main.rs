//! Masked frames to echoes in memory, through each library's public API:
//! `cargo bench -p microws-benches --bench codec`.

mod callgrind;
mod cases;
mod harness;
mod parts;
mod report;
mod sansio;
mod streams;

use std::{alloc::System, env, error::Error, fs, hint::black_box, path::PathBuf, rc::Rc, time::Duration};

use cases::{Case, Input};
use clap::Parser;
use harness::{Effort, Subject, Timings};
use microws_benches::machine;
use report::Table;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Echoes its input once, into the sink.
type Echo = Box<dyn FnMut(&mut Sink)>;

/// Where the echoes go: nowhere, unless they are to be looked at.
#[derive(Debug, Default)]
struct Sink(Option<Vec<u8>>);

impl Sink {
    fn take(&mut self, bytes: &[u8]) {
        black_box(bytes);
        if let Some(kept) = &mut self.0 {
            kept.extend(bytes);
        }
    }
}

type Build = fn(Rc<[u8]>) -> Echo;

/// Those with `*` do not check that text is UTF-8.
const CONTENDERS: [(&str, Build); 10] = [
    ("memcpy", sansio::memcpy),
    ("microws", sansio::microws),
    ("edge-ws*", sansio::edge_ws),
    ("embedded-websocket*", sansio::embedded_websocket),
    ("websocket-sans-io*", sansio::websocket_sans_io),
    ("ws-framer", sansio::ws_framer),
    ("soketto*", sansio::soketto),
    ("tungstenite", streams::tungstenite),
    ("fastwebsockets", streams::fastwebsockets),
    ("tokio-websockets", streams::tokio_websockets),
];

#[derive(Debug, Parser)]
#[command(about = "Masked frames to echoes in memory; masking, UTF-8 checking and headers alone")]
struct Arguments {
    /// Only cases whose name contains this: "binary 20 B", "text", "mask", "UTF-8", "header" ...
    #[arg(long = "case", value_name = "PART")]
    cases: Vec<String>,
    /// Only contenders whose name begins so; microws and memcpy are always among them.
    #[arg(long = "contender", value_name = "NAME")]
    contenders: Vec<String>,
    #[arg(long, default_value_t = 45)]
    rounds: usize,
    /// One contender's turn in a round, in microseconds.
    #[arg(long, default_value_t = 500)]
    slice: u64,
    /// Count instructions by callgrind instead of measuring time.
    #[arg(long)]
    callgrind: bool,
    /// What callgrind runs: one contender, one case, no clock.
    #[arg(long, hide = true)]
    once: bool,
    /// Where the tables (codec.md) go [default: the target directory].
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let chosen = |name: &str| {
        arguments.cases.is_empty() || arguments.cases.iter().any(|part| name.contains(part.as_str()))
    };
    let named = |name: &str| arguments.contenders.iter().any(|part| name.starts_with(part.as_str()));
    let cases: Vec<_> = Case::all().into_iter().filter(|case| chosen(&case.name)).collect();
    if arguments.once {
        return once(&cases, CONTENDERS.into_iter().filter(|(name, _)| named(name)));
    }
    let contenders: Vec<_> = CONTENDERS
        .into_iter()
        .filter(|(name, _)| {
            arguments.contenders.is_empty() || ["memcpy", "microws"].contains(name) || named(name)
        })
        .collect();
    let names: Vec<_> = contenders.iter().map(|(name, _)| *name).collect();
    let mut out = format!("# Codecs in memory\n\n{}\n", machine::describe());
    machine::pin(machine::cores()?.0)?;
    if arguments.callgrind {
        let mut rows = vec![];
        for case in &cases {
            let messages = (callgrind::RUNS * case.input().count()) as f64;
            let mut row = vec![];
            for name in &names {
                eprintln!("{}: {name}", case.name);
                row.push(callgrind::instructions(name, &case.name)? as f64 / messages);
            }
            rows.push((case.name.clone(), row));
        }
        out += &report::plain("Instructions per message, counted by callgrind", &names, &rows);
    } else {
        let effort = Effort { rounds: arguments.rounds, slice: Duration::from_micros(arguments.slice) };
        out += &format!(
            "\nMedians of {} alternating rounds with turns of {} µs; ratios are medians within rounds, in brackets \
             the range without the outermost tenths. Those marked * do not check that text is UTF-8 and are left out \
             of the comparison where it is text.\n",
            effort.rounds, arguments.slice
        );
        out += &echoes(&cases, &contenders, effort);
        out += &parts::masks(&chosen, effort).to_string();
        out += &parts::utf8(&chosen, effort).to_string();
        let (decoding, encoding) = parts::headers(&chosen, effort);
        out += &format!("{decoding}{encoding}");
    }
    println!("{out}");
    let directory = match arguments.out {
        Some(directory) => directory,
        None => env::current_exe()?.ancestors().nth(2).ok_or("not run from a target directory")?.into(),
    };
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("codec.md"), out)?;
    eprintln!("written to {}/codec.md", directory.display());
    Ok(())
}

/// Builds a contender and compares three runs of it with what went in: one run must leave nothing that spoils the next.
fn proven(name: &str, build: Build, case: &Case, input: &Input) -> Echo {
    let mut echo = build(input.wire.clone());
    if name == "memcpy" {
        return echo;
    }
    for _ in 0..3 {
        let mut sink = Sink(Some(vec![]));
        echo(&mut sink);
        if let Err(error) = input.check(&sink.0.unwrap_or_default()) {
            panic!("{name}, {}: {error}", case.name);
        }
    }
    echo
}

/// How often all contenders are built anew: where its buffers happen to lie, relative to each other and to a
/// page, can make a copy several times slower.
const LAYOUTS: usize = 9;

fn echoes(cases: &[Case], contenders: &[(&'static str, Build)], effort: Effort) -> String {
    let mut table = Table::new("Echo of 64 KiB of masked frames, ns per message", "microws", "memcpy");
    let mut allocations = vec![];
    let effort = Effort { rounds: effort.rounds.div_ceil(LAYOUTS), ..effort };
    let mut random = fastrand::Rng::with_seed(5);
    for case in cases {
        eprintln!("{}", case.name);
        let input = case.input();
        let mut timings = Timings::default();
        let mut counts = vec![];
        let mut names = vec![];
        for _ in 0..LAYOUTS {
            counts.clear();
            let mut padding = vec![];
            let mut subjects = vec![];
            for (name, build) in contenders {
                padding.push(Vec::<u8>::with_capacity(random.usize(1..8192)));
                let mut echo = proven(name, *build, case, &input);
                let before = allocated();
                echo(&mut Sink::default());
                counts.push((allocated() - before) as f64 / input.count() as f64);
                subjects.push(Subject::new(name, move || echo(&mut Sink::default())));
            }
            timings.append(harness::compare(&mut subjects, input.count(), effort));
            names = harness::names(&subjects);
        }
        table.add(case.name.clone(), &names, &timings);
        allocations.push((case.name.clone(), counts));
    }
    let names: Vec<_> = contenders.iter().map(|(name, _)| *name).collect();
    format!("{table}{}", report::plain("Allocations per message", &names, &allocations))
}

/// Allocations so far.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

fn once(
    cases: &[Case],
    mut contenders: impl Iterator<Item = (&'static str, Build)>,
) -> Result<(), Box<dyn Error>> {
    let (Some(case), Some((name, build))) = (cases.first(), contenders.next()) else {
        return Err("one case and one contender".into());
    };
    let input = case.input();
    let mut echo = proven(name, build, case, &input);
    callgrind::counted_by_callgrind(&mut || echo(&mut Sink::default()));
    Ok(())
}
