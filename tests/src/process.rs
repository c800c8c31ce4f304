//! The echo server as a process of its own: started, watched, signalled, ended.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

pub use rustix::process::Signal;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, prlimit};

use crate::raw::Raw;

/// How long a test waits for something that must happen.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// Looks until `condition` gives something; the deadline is for tests that fail.
///
/// # Panics
/// When the condition is not met in time.
pub fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The server's binary, made of the sources as they are now, in the profile of the tests; or what
/// `MICROWS_ECHO` names.
///
/// # Panics
/// If it can't be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| built("microws-echo", "MICROWS_ECHO"))
}

/// A binary of the host, or what `variable` names.
pub(crate) fn built(name: &str, variable: &str) -> PathBuf {
    if let Some(given) = env::var_os(variable).filter(|given| !given.is_empty()) {
        return given.into();
    }
    // target/PROFILE/{deps,examples}/NAME
    let own = env::current_exe().expect("the test's own path");
    let folder = own.ancestors().nth(2).expect("a target directory");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "-p", "microws-host", "--bin", name]);
    cargo.arg("--target-dir").arg(folder.parent().expect("a target directory"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo runs");
    assert!(status.success(), "{name} could not be built");
    folder.join(name)
}

/// What the server wrote to standard error, line by line.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

/// A running echo server; dropped, it is killed.
#[derive(Debug)]
pub struct Echo {
    child: Child,
    log: Arc<Log>,
    /// Where it listens, in the order of the arguments.
    pub addresses: Vec<SocketAddr>,
}

impl Echo {
    /// Starts it with `arguments` on a free port of 127.0.0.1; its log has messages only.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_on(&["127.0.0.1:0"], arguments)
    }

    /// Starts it on the addresses `listen`.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_on(listen: &[&str], arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        for address in listen {
            command.args(["--listen", address]);
        }
        if !arguments.contains(&"--log-format") {
            command.args(["--log-format", "plain"]);
        }
        command.args(arguments).stdin(Stdio::null());
        Self::spawn(command, listen.iter().filter(|place| !place.starts_with("unix:")).count())
    }

    /// Starts it with variables of the environment instead of arguments; it listens on so many addresses.
    pub fn start_in(variables: &[(&str, &str)], listening: usize) -> Self {
        let mut command = Command::new(binary());
        command.envs(variables.iter().copied()).env("MICROWS_LOG_FORMAT", "plain").stdin(Stdio::null());
        Self::spawn(command, listening)
    }

    /// Starts it on a socket that it inherits, and nothing else, with variables of the environment; it listens on so
    /// many addresses of TCP.
    pub fn start_inheriting(socket: OwnedFd, variables: &[(&str, &str)], listening: usize) -> Self {
        let mut command = inheriting(socket);
        command.envs(variables.iter().copied()).env("MICROWS_LOG_FORMAT", "plain");
        Self::spawn(command, listening)
    }

    fn spawn(mut command: Command, listening: usize) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let is_tls_only = command.get_args().any(|argument| argument == "--tls-only");
        let listening_on = if is_tls_only { "listening on wss://" } else { "listening on ws://" };
        let mut child = command.spawn().expect("the echo server starts");
        let errors = child.stderr.take().expect("a pipe");
        let log = Arc::new(Log::default());
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(errors).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8(line).expect("the log is UTF-8");
                kept.lines.lock().expect("nobody panicked").push(line);
                kept.grown.notify_all();
            }
        });
        let mut echo = Self { child, log, addresses: Vec::new() };
        for n in 1..=listening {
            // With TLS as well there is a second line for each address, which says wss.
            let line = echo.nth_line(n, |line| line.contains(listening_on));
            let (_, address) = line.split_once("://").expect("an address");
            let address = address.split('/').next().expect("an address");
            echo.addresses.push(address.parse().expect("an address"));
        }
        echo
    }

    /// Runs it with arguments that it must refuse, until it ends.
    ///
    /// # Panics
    /// If it does not end.
    pub fn refused(arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(arguments).stdin(Stdio::null());
        Self::refuses(command)
    }

    /// Runs it with a file that it inherits and must refuse, until it ends.
    pub fn refused_inheriting(file: OwnedFd) -> Output {
        Self::refuses(inheriting(file))
    }

    fn refuses(mut command: Command) -> Output {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the echo server starts");
        let status = wait_for_end(&mut child);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        out.expect("a pipe").read_to_end(&mut stdout).expect("what it wrote");
        err.expect("a pipe").read_to_end(&mut stderr).expect("what it wrote");
        Output { status, stdout, stderr }
    }

    /// The first address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// A connection on which nothing was said yet.
    pub fn tcp(&self) -> Raw {
        Raw::connect(self.address())
    }

    /// A connection that is open in the sense of RFC 6455.
    pub fn open(&self) -> Raw {
        let mut client = self.tcp();
        client.upgrade();
        client
    }

    /// All lines logged so far.
    ///
    /// # Panics
    /// If the log was not UTF-8.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines.lock().expect("the log is UTF-8").clone()
    }

    /// Waits for a line of the log.
    pub fn line(&self, is_it: impl Fn(&str) -> bool) -> String {
        self.nth_line(1, is_it)
    }

    /// Waits for the `n`th line of the log that is so, counted from 1.
    ///
    /// # Panics
    /// If it does not come.
    pub fn nth_line(&self, n: usize, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + TIMEOUT;
        let mut lines = self.log.lines.lock().expect("the log is UTF-8");
        loop {
            if let Some(line) = lines.iter().filter(|line| is_it(line)).nth(n - 1) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for a line of the log: {lines:#?}");
            (lines, _) = self.log.grown.wait_timeout(lines, left).expect("the log is UTF-8");
        }
    }

    /// Waits for a line that contains `text`.
    pub fn says(&self, text: &str) -> String {
        self.line(|line| line.contains(text))
    }

    /// Nobody reads its log until what this returns is dropped.
    ///
    /// # Panics
    /// If the log was not UTF-8.
    pub fn hold_log(&self) -> Sender<()> {
        let (held, is_held) = channel();
        let (release, released) = channel::<()>();
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            let _lines = log.lines.lock().expect("the log is UTF-8");
            held.send(()).expect("somebody waits for it");
            // An error says that the other end is gone.
            let _ = released.recv();
        });
        is_held.recv().expect("the log is UTF-8");
        release
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the server is there");
    }

    /// Lets it have at most `n` files from now on; answers how many it could have before.
    ///
    /// # Panics
    /// If the system forbids it.
    pub fn limit_files(&self, n: u64) -> u64 {
        // The hard limit stays, so that the old one can be set again.
        let maximum = getrlimit(Resource::Nofile).maximum;
        let limit = Rlimit { current: Some(n), maximum };
        let before = prlimit(Some(self.pid()), Resource::Nofile, limit).expect("a limit that can be set");
        before.current.unwrap_or(u64::MAX)
    }

    /// How many files it has open.
    ///
    /// # Panics
    /// If it is gone.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the server is there").count()
    }

    /// A line of `/proc/PID/status` in KiB, as `RssAnon`, memory that is its own.
    ///
    /// # Panics
    /// If it is gone.
    pub fn memory_kib(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the server is there");
        let line = status.lines().find_map(|entry| entry.strip_prefix(line)?.strip_prefix(':'));
        let number = line.and_then(|rest| rest.split_whitespace().next()).expect("such a line");
        number.parse().expect("a number")
    }

    /// Processor time used so far.
    ///
    /// # Panics
    /// If it is gone.
    pub fn processor_time(&self) -> Duration {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the server is there");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        // utime and stime, in ticks of 10 ms.
        let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Whether it runs.
    ///
    /// # Panics
    /// If the system does not say.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// Waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        wait_for_end(&mut self.child)
    }
}

/// The server as a program that inherits `file` as systemd's sockets are: as file 3.
fn inheriting(file: OwnedFd) -> Command {
    let script = r#"exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0""#;
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(binary()).stdin(file);
    command
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn wait_for_end(child: &mut Child) -> ExitStatus {
    wait_until("the end of the process", || child.try_wait().expect("a child of ours"))
}
