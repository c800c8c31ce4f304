//! `microws-cat` as a process: its input, its two outputs, signals, its exit status.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::process::{built, wait_for_end, wait_until};

fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| built("microws-cat", "MICROWS_CAT"))
}

/// What came out of one end so far.
#[derive(Debug)]
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            // A terminal whose other end is closed fails to be read: that is its end.
            while let Ok(n @ 1..) = source.read(&mut buffer) {
                kept.lock().expect("nobody panicked").extend_from_slice(&buffer[..n]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().expect("nobody panicked").clone()
    }
}

/// A running client; dropped, it is killed.
#[derive(Debug)]
pub struct Cat {
    child: Child,
    input: Option<ChildStdin>,
    out: Output,
    err: Output,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; none if a signal ended it.
    pub status: Option<i32>,
    /// All of its standard output.
    pub out: Vec<u8>,
    /// All of its standard error.
    pub err: String,
}

impl Ended {
    /// Its standard output as text.
    ///
    /// # Panics
    /// If it is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("text")
    }
}

impl Cat {
    /// Starts it with pipes.
    ///
    /// # Panics
    /// If it can't be started.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let input = child.stdin.take();
        let out = Output::of(child.stdout.take().expect("a pipe"));
        let err = Output::of(child.stderr.take().expect("a pipe"));
        Self { child, input, out, err }
    }

    /// Starts it with a terminal for its outputs, and variables of the environment.
    ///
    /// # Panics
    /// If there is no terminal, or it can't be started.
    pub fn on_terminal(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let terminal = || {
            let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
            grantpt(&own).and_then(|()| unlockpt(&own)).expect("a terminal");
            let name = ptsname(&own, Vec::new()).expect("a terminal").into_string().expect("a name");
            let other = OpenOptions::new().read(true).write(true).open(name).expect("a terminal");
            (File::from(own), OwnedFd::from(other))
        };
        let ((out, its_out), (err, its_err)) = (terminal(), terminal());
        let mut command = Command::new(binary());
        command.args(arguments).stdin(Stdio::piped()).stdout(its_out).stderr(its_err);
        command.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
        let mut child = command.spawn().expect("the client starts");
        let input = child.stdin.take();
        // The command holds the other ends of the terminals.
        drop(command);
        Self { child, input, out: Output::of(out), err: Output::of(err) }
    }

    /// Starts it, types `input`, ends it, and waits for the end.
    pub fn run(arguments: &[&str], input: &[u8]) -> Ended {
        let mut cat = Self::start(arguments);
        cat.type_in(input);
        cat.end()
    }

    /// Runs it with `out` as its standard output and no input.
    ///
    /// # Panics
    /// If it can't be run.
    pub fn run_into(arguments: &[&str], out: OwnedFd) -> Ended {
        let mut command = Command::new(binary());
        let output = command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).output();
        let output = output.expect("the client runs");
        let err = String::from_utf8(output.stderr).expect("its notes are UTF-8");
        Ended { status: output.status.code(), out: Vec::new(), err }
    }

    /// Gives it `input`; one that has ended takes none.
    pub fn type_in(&mut self, input: &[u8]) {
        if let Some(pipe) = &mut self.input {
            let _ = pipe.write_all(input);
        }
    }

    /// Waits until its standard output has `text`.
    pub fn says(&self, text: &str) {
        wait_until(text, || has(&self.out.so_far(), text));
    }

    /// Waits until its standard error has `text`.
    pub fn notes(&self, text: &str) {
        wait_until(text, || has(&self.err.so_far(), text));
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the client is there");
    }

    /// Ends its input and waits for its end.
    pub fn end(mut self) -> Ended {
        self.input = None;
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> Ended {
        let status = wait_for_end(&mut self.child).code();
        for output in [&mut self.out, &mut self.err] {
            if let Some(reader) = output.reader.take() {
                reader.join().expect("the reader does not panic");
            }
        }
        let err = String::from_utf8(self.err.so_far()).expect("its notes are UTF-8");
        Ended { status, out: self.out.so_far(), err }
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn has(bytes: &[u8], text: &str) -> Option<()> {
    String::from_utf8_lossy(bytes).contains(text).then_some(())
}
