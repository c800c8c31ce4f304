//! The echo server under attack: a table of attacks, and what must come back. After each, a
//! well-behaved client and a newcomer get their echoes, the process is the same, and its memory
//! and its files are what they were.
//!
//! Without arguments those that take no time, over TCP and then over TLS; with `--all` every one, with words those whose names
//! contain one of them; `--soak SECONDS` puts it under a mix of clients for that long. With `--tls` the attackers come over
//! TLS, and attack TLS itself.

mod attack;
mod crowds;
mod deflate;
mod door;
mod floods;
mod frames;
mod heads;
mod soak;
mod socketio;
mod tls;

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use attack::{Attack, ServerUnderTest, ensure};
use microws_tests::process::Signal;

/// How much more memory the server may have at the end than at the beginning, in KiB.
const GROWTH: u64 = 10 * 1024;

/// The most clients of an attack.
const CROWD: u64 = 5_000;

/// How long the server has to drop the clients of an attack that are gone.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let (mut all, mut tls, mut soak_seconds, mut words) = (false, false, None, Vec::new());
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--all" => all = true,
            "--tls" => tls = true,
            "--soak" => match arguments.next().map(|seconds| seconds.parse::<u64>()) {
                Some(Ok(seconds)) => soak_seconds = Some(seconds),
                _ => return usage("--soak takes a number of seconds"),
            },
            option if option.starts_with('-') => return usage(&format!("no option {option}")),
            word => words.push(word.to_owned()),
        }
    }
    let passes = if env::args().len() == 1 { vec![false, true] } else { vec![tls] };
    for tls in passes {
        let attacks = match soak_seconds {
            Some(seconds) => vec![Attack::long("soak", move |server| soak::soak(server, seconds))],
            None => selected(all, tls, &words),
        };
        // The mix has connections for POSTs, which rest while other sessions run.
        let handshake_timeout = if soak_seconds.is_some() { 60 } else { 2 };
        match run(&attacks, tls, handshake_timeout) {
            Ok(true) => {}
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => {
                println!("FAILED: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn usage(what: &str) -> ExitCode {
    eprintln!("hostile: {what}\nusage: hostile [--tls] [--all | --soak SECONDS] [WORD...]");
    ExitCode::from(2)
}

fn selected(all: bool, tls: bool, words: &[String]) -> Vec<Attack> {
    let mut attacks = vec![
        heads::attacks(),
        frames::attacks(),
        deflate::attacks(),
        floods::attacks(),
        crowds::attacks(),
        socketio::attacks(),
    ];
    if tls {
        attacks.push(tls::attacks());
    }
    let named = |attack: &Attack| words.iter().any(|word| attack.name.contains(word.as_str()));
    let wanted = |attack: &Attack| if words.is_empty() { all || !attack.long } else { named(attack) };
    attacks.into_iter().flatten().filter(wanted).collect()
}

/// Makes the attacks and prints the table; `true` if all were withstood.
fn run(attacks: &[Attack], tls: bool, handshake_timeout: u32) -> Result<bool, Box<dyn std::error::Error>> {
    let mut server = ServerUnderTest::new(tls, handshake_timeout);
    server.newcomer()?;
    let (memory, resident) = (server.memory(), server.echo.memory_kib("VmRSS"));
    let files = server.echo.open_files();
    let (mut passed, mut failed, mut slowest) = (0, 0, Duration::ZERO);
    for attack in attacks {
        let started = Instant::now();
        let mut verdict = (attack.act)(&server);
        let seconds = started.elapsed().as_secs_f64();
        if let Err(error) = aftermath(&mut server, files, memory, &mut slowest) {
            let before = verdict.err().map_or(String::new(), |error| format!("{error}; "));
            verdict = Err(format!("{before}afterwards: {error}").into());
        }
        match verdict {
            Ok(remark) => {
                passed += 1;
                println!("passed {seconds:7.2} s  {}: {remark}", attack.name);
            }
            Err(error) => {
                failed += 1;
                println!("FAILED {seconds:7.2} s  {}: {error}", attack.name);
                ensure(server.echo.is_alive(), format!("the server is gone: {:#?}", server.echo.lines()))?;
            }
        }
    }
    let (after, resident_after) = (server.memory(), server.echo.memory_kib("VmRSS"));
    println!("---");
    println!(
        "memory of the server before and after: {memory} and {after} KiB of its own, \
         {resident} and {resident_after} KiB resident; files: {files} and {}",
        server.echo.open_files()
    );
    println!("the slowest echo after an attack: {:.1} ms", slowest.as_secs_f64() * 1e3);
    server.echo.signal(Signal::TERM);
    let status = server.echo.end();
    println!("ended by SIGTERM with {status}");
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0 && status.success() && resident_after <= resident + GROWTH + server.left_by(CROWD))
}

/// What must be so after each attack.
fn aftermath(
    server: &mut ServerUnderTest,
    files: usize,
    memory: u64,
    slowest: &mut Duration,
) -> Result<(), Box<dyn std::error::Error>> {
    ensure(server.echo.is_alive(), "the server is gone")?;
    *slowest = server.well_behaved()?.max(*slowest);
    server.newcomer()?;
    let deadline = Instant::now() + FORGOTTEN_WITHIN;
    while server.echo.open_files() > files {
        ensure(
            Instant::now() < deadline,
            format!("{} files are open instead of {files}", server.echo.open_files()),
        )?;
        std::thread::sleep(Duration::from_millis(1));
    }
    let now = server.memory();
    ensure(now <= memory + GROWTH + server.left_by(CROWD), format!("{now} KiB of memory instead of {memory}"))
}
