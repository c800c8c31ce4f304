//! User instructions of the echo server for a message, counted by callgrind: `tests/checks/instructions/run`.
//!
//! They repeat where times do not. A long run minus a short one is what messages cost, without the start and the opening
//! handshakes. Servers are named as `NAME=PROGRAM`; the first is held to the bounds.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, fs, process, thread};

use microws_tests::frames::frame;
use microws_tests::raw::{KEY, REQUEST};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a server under valgrind may take.
const TIMEOUT: Duration = Duration::from_secs(60);

struct Workload {
    connections: usize,
    in_flight: usize,
    payload: fn(usize) -> Vec<u8>,
    len: usize,
    name: &'static str,
    /// Instructions for a message, at most.
    bound: u64,
}

/// Bytes that are the same in every run.
fn binary(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 256) as u8).collect()
}

/// Characters of one to four bytes.
fn text(len: usize) -> Vec<u8> {
    let mut text: String = "aé漢😀".chars().cycle().take(len).collect();
    while text.len() > len {
        text.pop();
    }
    text += &"x".repeat(len - text.len());
    text.into_bytes()
}

const WORKLOADS: [Workload; 5] = [
    Workload { connections: 1, in_flight: 1, payload: binary, len: 32, name: "1 x 1 x 32 B", bound: 750 },
    Workload { connections: 100, in_flight: 1, payload: binary, len: 20, name: "100 x 1 x 20 B", bound: 560 },
    Workload {
        connections: 10,
        in_flight: 32,
        payload: binary,
        len: 125,
        name: "10 x 32 x 125 B",
        bound: 240,
    },
    Workload {
        connections: 16,
        in_flight: 1,
        payload: binary,
        len: 16 << 10,
        name: "16 x 1 x 16 KiB",
        bound: 2_240,
    },
    Workload {
        connections: 200,
        in_flight: 16,
        payload: text,
        len: 1 << 10,
        name: "200 x 16 x 1 KiB multi-byte text",
        bound: 1_660,
    },
];

fn main() -> Outcome<ExitCode> {
    let servers: Vec<(String, PathBuf)> = env::args()
        .skip(1)
        .map(|argument| argument.split_once('=').map(|(name, program)| (name.to_owned(), program.into())))
        .collect::<Option<_>>()
        .ok_or("a server is NAME=PROGRAM")?;
    print!("| user instructions for a message |");
    servers.iter().for_each(|(name, _)| print!(" {name} |"));
    println!(" at most |\n|---|{}--:|", "--:|".repeat(servers.len()));
    let mut all_within = true;
    for workload in &WORKLOADS {
        print!("| {} |", workload.name);
        for (i, (_, program)) in servers.iter().enumerate() {
            let cost = cost(program, workload)?;
            print!(" {cost} |");
            all_within &= i > 0 || cost <= workload.bound;
        }
        println!(" {} |", workload.bound);
    }
    if all_within {
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!("more instructions than the bound allows");
        Ok(ExitCode::FAILURE)
    }
}

/// Instructions for a message.
fn cost(program: &PathBuf, workload: &Workload) -> Outcome<u64> {
    let at_once = workload.connections * workload.in_flight;
    // Enough for the unevenness at the start and the end not to count.
    let (short, long) = (400_usize.div_ceil(at_once), 4_000_usize.div_ceil(at_once) + 1);
    let counted = |rounds| count(program, workload, rounds);
    let messages = ((long - short) * at_once) as u64;
    Ok((counted(long)? - counted(short)?).div_ceil(messages))
}

/// Instructions of a run in which each connection has its messages echoed so many times.
fn count(program: &PathBuf, workload: &Workload, rounds: usize) -> Outcome<u64> {
    let out = env::temp_dir().join(format!("microws-callgrind-{}", process::id()));
    let mut server = Server::start(program, &out)?;
    let opcode = if workload.name.contains("text") { 0x81 } else { 0x82 };
    let payload = (workload.payload)(workload.len);
    let message = frame(opcode, KEY, &payload).repeat(workload.in_flight);
    let expected = frame(opcode, None, &payload).repeat(workload.in_flight);
    let mut reply = vec![0; expected.len()];
    let mut clients = (0..workload.connections).map(|_| open(server.address)).collect::<Outcome<Vec<_>>>()?;
    for _ in 0..rounds {
        // All messages of a round are there before it gets the first one: how many it finds at once does not depend on how
        // busy the machine is. A single one needs no pause, which costs a wake-up of its own.
        if workload.connections > 1 {
            server.pause()?;
        }
        for client in &mut clients {
            client.write_all(&message)?;
        }
        server.go_on()?;
        for client in &mut clients {
            client.read_exact(&mut reply)?;
            if reply != expected {
                return Err("another message came back".into());
            }
        }
    }
    server.stop()?;
    let profile = fs::read_to_string(&out)?;
    fs::remove_file(&out)?;
    let total = profile.lines().rev().find_map(|line| line.strip_prefix("totals:"));
    Ok(total.ok_or("callgrind counted nothing")?.trim().parse()?)
}

fn open(address: SocketAddr) -> Outcome<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(REQUEST)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if head.starts_with(b"HTTP/1.1 101 ") { Ok(stream) } else { Err("the handshake was refused".into()) }
}

/// A server under callgrind; dropped, it is killed.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(program: &PathBuf, out: &std::path::Path) -> Outcome<Self> {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind"]).arg(format!("--callgrind-out-file={}", out.display()));
        command.arg(program);
        if program.ends_with("microws-echo") {
            command.args(["--listen", "127.0.0.1:0", "--log-format", "plain", "--handshake-timeout", "0"]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let errors = child.stderr.take().ok_or("no standard error")?;
        let mut server = Self { child, address: SocketAddr::from(([0; 4], 0)) };
        let mut lines = BufReader::new(errors);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((_, address)) = line.trim_end().split_once("listening on ws://") {
                server.address = address.trim_end_matches('/').parse()?;
                // What it says later must not block it.
                thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Ok(server);
            }
            line.clear();
        }
        Err(format!("{} did not say where it listens", program.display()).into())
    }

    /// Stops it until it is to [`go_on`](Self::go_on).
    fn pause(&self) -> Outcome<()> {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::STOP)?;
        waitpid(Some(pid), WaitOptions::UNTRACED)?;
        Ok(())
    }

    fn go_on(&self) -> Outcome<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Ends it, so that callgrind writes what it has counted.
    fn stop(&mut self) -> Outcome<()> {
        let pid = Pid::from_child(&self.child);
        // The second signal ends a server at once that would wait for its clients.
        kill_process(pid, Signal::TERM)?;
        let _gone = kill_process(pid, Signal::TERM);
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}
