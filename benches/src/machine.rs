//! What the figures were made on, and the cores they are made on.

use std::{fs, io, process::Command};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

fn first_line(command: &str, args: &[&str]) -> String {
    let output = Command::new(command).args(args).output();
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("?").to_owned()
}

/// One paragraph for the head of a report: processor, cores, kernel, compiler, date, load.
pub fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}, {cores} cores, Linux {}, {}, {}; load average before the run {}.",
        model.map_or("unknown processor", |(_, name)| name),
        first_line("uname", &["-r"]),
        first_line("rustc", &["--version"]),
        first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        load.split(' ').next().unwrap_or("?"),
    )
}

/// The core of the server and that of the load; the same one where there is no second.
pub fn cores() -> io::Result<(usize, usize)> {
    let allowed = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let load = cores.next().unwrap_or(0);
    Ok((cores.next_back().unwrap_or(load), load))
}

/// Keep this thread, and the processes it starts from now on, on one core.
pub fn pin(core: usize) -> io::Result<()> {
    pin_to(&[core])
}

/// Keep this thread, and the processes it starts from now on, on these cores.
pub fn pin_to(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    cores.iter().for_each(|core| set.set(*core));
    Ok(sched_setaffinity(None, &set)?)
}

/// Allow this process, and those it starts, `count` open files, or as many as it may; the limit from then on.
pub fn allow_open_files(count: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= count {
        return current;
    }
    // Only a privileged process may raise the hard limit.
    let raised = (count, limit.maximum.map(|maximum| maximum.max(count)));
    let within = (limit.maximum.map_or(count, |maximum| maximum.min(count)), limit.maximum);
    for (current, maximum) in [raised, within] {
        if setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).is_ok() {
            return current;
        }
    }
    current
}
