//! What the command line chooses.

use std::path::PathBuf;

use clap::Parser;

use crate::workload::Workload;

#[derive(Debug, Parser)]
#[command(
    about = "Echo servers on loopback: processor time, latency, system calls, memory",
    after_help = workloads()
)]
pub(crate) struct Arguments {
    /// Only the workload of this name, or those whose name contains it; may be given several times.
    #[arg(long = "workload", value_name = "PART")]
    pub workloads: Vec<String>,
    /// Only these servers; the floor is always among them.
    #[arg(long = "server", value_name = "NAME")]
    pub servers: Vec<String>,
    /// A further server: its name and a program that writes `listening on ws://ADDRESS:PORT/` to standard error.
    #[arg(long = "also", value_name = "NAME=PROGRAM")]
    pub also: Vec<String>,
    /// uWebSockets too: built from the sources that a package of the Rust registry carries, by a C++ compiler.
    #[arg(long)]
    pub uwebsockets: bool,
    /// sockudo-ws, wtx and yawc too, in a program of their own, which needs Rust 1.95.
    #[arg(long, conflicts_with_all = ["deflate", "socketio"])]
    pub newer: bool,
    /// With those of them whose documents leave TCP_NODELAY off, the same with TCP_NODELAY.
    #[arg(long, requires = "newer")]
    pub nodelay: bool,
    /// The ws of npm too, with permessage-deflate: npm installs it, and Node.js with it.
    #[arg(long, requires = "deflate")]
    pub ws: bool,
    /// With TLS: fewer workloads and servers, and handshakes as well.
    #[arg(long)]
    pub tls: bool,
    /// With permessage-deflate: one workload of its own, and the servers that have it.
    #[arg(long, conflicts_with_all = ["tls", "also"])]
    pub deflate: bool,
    /// Events of Socket.IO: workloads and servers of their own. npm installs one of them, and Node.js with it.
    #[arg(long, conflicts_with_all = ["tls", "also", "uwebsockets", "deflate"])]
    pub socketio: bool,
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// For each figure.
    #[arg(long, default_value_t = 1.0)]
    pub seconds: f64,
    /// Connections of the idle workload [default: 10000, with permessage-deflate 1000, with Socket.IO 2000].
    #[arg(long)]
    pub idle_connections: Option<usize>,
    /// Where the table (echo.md, echo-tls.md and so on) and the plot (echo.svg) go [default: the target directory].
    #[arg(long, value_name = "DIRECTORY")]
    pub out: Option<PathBuf>,
    /// Print the names of the workloads that the other arguments choose, and stop.
    #[arg(long)]
    pub list: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// What the servers speak: each has workloads of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Tls,
    Deflate,
    SocketIo,
}

/// What is measured.
pub(crate) struct Chosen {
    pub workloads: Vec<Workload>,
    /// Connections for memory, if it is measured, and how they are opened.
    pub idle: Option<(usize, Workload)>,
    pub visits: bool,
    pub processes: bool,
    pub handshakes: bool,
}

impl Kind {
    /// Of the report.
    pub(crate) const fn file_name(self) -> &'static str {
        match self {
            Self::Plain => "echo.md",
            Self::Tls => "echo-tls.md",
            Self::Deflate => "echo-deflate.md",
            Self::SocketIo => "socketio.md",
        }
    }

    /// All that it has.
    fn all(self) -> Chosen {
        let (workloads, idle_connections) = match self {
            Self::Plain => (Workload::all(), 10_000),
            Self::Tls => (Workload::all().into_iter().filter(Workload::is_with_tls).collect(), 10_000),
            Self::Deflate => (vec![Workload::compressed()], 1_000),
            Self::SocketIo => (Workload::socketio(), 2_000),
        };
        // Connections for memory are those of the first workload, or of plain messages.
        let idle_of = match self {
            Self::Plain | Self::Tls => Workload::plain(),
            Self::Deflate | Self::SocketIo => workloads[0].clone(),
        };
        Chosen {
            workloads,
            idle: Some((idle_connections, idle_of)),
            visits: self == Self::Plain,
            processes: self == Self::Plain,
            handshakes: self == Self::Tls,
        }
    }
}

impl Chosen {
    /// The names of all.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.workloads.iter().map(|workload| workload.name.clone()).collect();
        names.extend(self.idle.as_ref().map(|_| "idle".into()));
        names.extend(self.visits.then(|| "visits".into()));
        names.extend(self.processes.then(|| "processes".into()));
        names.extend(self.handshakes.then(|| "handshakes".into()));
        names
    }

    /// Only those that a part of their name chooses, if there are parts.
    fn retain(&mut self, parts: &[String]) {
        let names = self.names();
        let is_chosen = |name: &str| {
            // A whole name is no part of others: "connections 1" means one connection.
            let matches = |part: &String| match names.contains(part) {
                true => name == part,
                false => name.contains(part.as_str()),
            };
            parts.is_empty() || parts.iter().any(matches)
        };
        self.workloads.retain(|workload| is_chosen(&workload.name));
        self.idle = self.idle.take().filter(|_| is_chosen("idle"));
        self.visits &= is_chosen("visits");
        self.processes &= is_chosen("processes");
        self.handshakes &= is_chosen("handshakes");
    }
}

impl Arguments {
    pub(crate) const fn kind(&self) -> Kind {
        match (self.tls, self.deflate, self.socketio) {
            (true, _, _) => Kind::Tls,
            (_, true, _) => Kind::Deflate,
            (_, _, true) => Kind::SocketIo,
            _ => Kind::Plain,
        }
    }

    pub(crate) fn chosen(&self) -> Chosen {
        let mut chosen = self.kind().all();
        if let (Some(count), Some(idle)) = (self.idle_connections, &mut chosen.idle) {
            idle.0 = count;
        }
        chosen.retain(&self.workloads);
        chosen
    }
}

/// The end of the help.
fn workloads() -> String {
    let mut out = "Workloads, by the names that --workload takes:\n".to_owned();
    for (kind, title) in [
        (Kind::Plain, ""),
        (Kind::Tls, "With --tls:\n"),
        (Kind::Deflate, "With --deflate:\n"),
        (Kind::SocketIo, "With --socketio:\n"),
    ] {
        out.push_str(title);
        for name in kind.all().names() {
            out.push_str(&format!("  {name}\n"));
        }
    }
    out
}
