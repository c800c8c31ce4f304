//! A server as a process of its own: started, observed, ended.

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use microws_benches::machine;
use rustix::process::{Pid, Signal, kill_process};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A running server; dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    /// Start a program on `core` and wait for its address.
    pub(crate) fn start(program: &Path, arguments: &[&str], core: usize, load_core: usize) -> Outcome<Self> {
        machine::pin(core)?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        machine::pin(load_core)?;
        let mut child = child.map_err(|error| format!("{}: {error}", program.display()))?;
        let errors = child.stderr.take().ok_or("no standard error")?;
        let mut process = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        let mut lines = BufReader::new(errors);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((_, url)) = line.trim_end().split_once("listening on ws")
                && let Some((_, address)) = url.split_once("://")
            {
                process.address = address.trim_end_matches('/').parse()?;
                // Whatever it says later must not block it.
                thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Ok(process);
            }
            line.clear();
        }
        Err(format!("{} did not say where it listens", program.display()).into())
    }

    fn proc_file(&self, name: &str) -> Outcome<String> {
        Ok(fs::read_to_string(format!("/proc/{}/{name}", self.child.id()))?)
    }

    /// Processor time used so far, taken when the process has gone to sleep: only then is the account exact.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let begun = Instant::now();
        loop {
            let asleep =
                self.proc_file("stat")?.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'));
            if asleep || begun.elapsed() > TIMEOUT {
                break;
            }
            thread::yield_now();
        }
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let account = fs::read_to_string(task?.path().join("schedstat"))?;
            total += account.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// Bytes of memory of its own, the kernel's not counted.
    pub(crate) fn memory(&self) -> Outcome<u64> {
        let status = self.proc_file("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Allocations so far, of a server that counts them.
    pub(crate) fn allocations(&mut self) -> Outcome<u64> {
        let (Some(ask), Some(answer)) = (&mut self.child.stdin, &mut self.child.stdout) else {
            return Err("no pipe".into());
        };
        ask.write_all(b"\n")?;
        let mut line = String::new();
        // One line is all that is ever in flight, so that the reader's buffer takes no more than it.
        BufReader::new(answer).read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }

    /// Count the system calls during `work`; `None` where strace is not installed.
    pub(crate) fn system_calls<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<Option<(u64, T)>> {
        let report = std::env::temp_dir().join(format!("microws-strace-{}", self.child.id()));
        let mut command = Command::new("strace");
        command.args(["-c", "-f", "-p", &self.child.id().to_string(), "-o"]).arg(&report);
        let Ok(mut strace) = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn() else {
            return Ok(None);
        };
        // Held to the end: strace has more to say when it lets go.
        let mut errors = BufReader::new(strace.stderr.take().ok_or("no standard error")?);
        let mut attached = String::new();
        errors.read_line(&mut attached)?;
        if !attached.contains("attached") {
            strace.wait()?;
            return Err(format!("strace: {}", attached.trim()).into());
        }
        let result = work();
        let pid = Pid::from_child(&strace);
        kill_process(pid, Signal::INT)?;
        strace.wait()?;
        let text = fs::read_to_string(&report)?;
        fs::remove_file(&report)?;
        let total = text.lines().find(|line| line.ends_with(" total")).ok_or("strace gave no total")?;
        let calls = total.split_whitespace().nth(3).ok_or("strace's total is not understood")?.parse()?;
        Ok(Some((calls, result?)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _status = self.child.wait();
    }
}
